"""
backoffs, with its policy's defaults: 100 ms, doubling up to 30 s, without jitter, without limits.

It repeats what raises, so a pending job raises. Its sleep and its clock are arguments.

Source: backoffs, `_policy.py`, `_schedules.py`, `_retry.py`.
"""

from __future__ import annotations

from backoffs import Policy, retry

from bide.lab.recorded import Peer, PendingJob
from bide_peers.pending import StillPending, poll_or_raise


def _wait(job: PendingJob) -> None:
    retry(poll_or_raise(job), Policy(), retry_on=StillPending, sleep=job.sleep, clock=job.time)


PEERS = (Peer("backoffs", "Policy()", _wait),)

"""
tenacity, with the two waits that its documentation shows for waiting until something is ready.

Without a `wait`, it would look again in no time. Without a `stop`, as here, it looks for ever.

Source: tenacity, documentation, "Waiting before retrying"; `wait.py`.
"""

from __future__ import annotations

from typing import Any

from tenacity import Retrying, retry_if_result, wait_fixed, wait_random_exponential

from bide.lab.recorded import Peer, PendingJob


def _peer(setting: str, wait: Any) -> Peer:
    def wait_for(job: PendingJob) -> None:
        Retrying(retry=retry_if_result(lambda ended: not ended), wait=wait)(job.poll)

    return Peer("tenacity", setting, wait_for)


PEERS = (
    _peer("wait_random_exponential(multiplier=1, max=60)", wait_random_exponential(multiplier=1, max=60)),
    _peer("wait_fixed(2)", wait_fixed(2)),
)

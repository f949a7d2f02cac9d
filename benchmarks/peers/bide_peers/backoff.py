"""
backoff, with the two schedules that its README shows for polling: `fibo`, and `constant` without jitter.

Neither is limited there.

Source: backoff, README, "@backoff.on_predicate".
"""

from __future__ import annotations

from typing import Any

import backoff

from bide.lab.recorded import Peer, PendingJob


def _peer(setting: str, *wait: Any, **options: Any) -> Peer:
    def wait_for(job: PendingJob) -> None:
        backoff.on_predicate(*wait, logger=None, **options)(job.poll)()

    return Peer("backoff", setting, wait_for)


PEERS = (
    _peer("fibo(max_value=13)", backoff.fibo, max_value=13),
    _peer("constant(1), jitter=None", backoff.constant, jitter=None, interval=1),
)

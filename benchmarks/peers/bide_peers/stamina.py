"""
stamina, with the delays that it has by default, but without its limits.

It repeats what raises, so a pending job raises. By default it gives up after 10 attempts or 45 s: limits for
calls that fail, which who waits for a job turns off. Its hooks, which log every retry, are off meanwhile.

Source: stamina, `_core.py`, `retry`.
"""

from __future__ import annotations

from stamina import retry
from stamina.instrumentation import get_on_retry_hooks, set_on_retry_hooks

from bide.lab.recorded import Peer, PendingJob
from bide_peers.pending import StillPending, poll_or_raise


def _wait(job: PendingJob) -> None:
    hooks = get_on_retry_hooks()
    set_on_retry_hooks([])
    try:
        retry(on=StillPending, attempts=None, timeout=None)(poll_or_raise(job))()
    finally:
        set_on_retry_hooks(hooks)


PEERS = (Peer("stamina", "retry(attempts=None, timeout=None)", _wait),)

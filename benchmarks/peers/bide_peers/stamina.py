"""
stamina, with its own defaults, and with the same delays but without limits.

It repeats what raises, so a pending job raises. By default it gives up after 10 attempts or 45 s: limits for
calls that fail, which who waits for a job turns off. Its hooks, which log every retry, are off meanwhile.

Source: stamina, `_core.py`, `retry`.
"""

from __future__ import annotations

from contextlib import suppress

from stamina import retry
from stamina.instrumentation import get_on_retry_hooks, set_on_retry_hooks

from bide.lab.recorded import Peer, PendingJob
from bide_peers.pending import StillPending, poll_or_raise


def _peer(setting: str, **limits: None) -> Peer:
    def wait_for(job: PendingJob) -> None:
        hooks = get_on_retry_hooks()
        set_on_retry_hooks([])
        try:
            with suppress(StillPending):
                retry(on=StillPending, **limits)(poll_or_raise(job))()
        finally:
            set_on_retry_hooks(hooks)

    return Peer("stamina", setting, wait_for)


PEERS = (
    _peer("retry()"),
    _peer("retry(attempts=None, timeout=None)", attempts=None, timeout=None),
)

"""Counts of the status calls that reached the server, by the strategy that made them."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Any

import falcon

HEADER = "Bide-Strategy"
"""The request header in which a client names its strategy."""

MOST_LABELS = 256
"""So many strategies are told apart; clients cannot make the server remember more."""

LONGEST_LABEL = 64
"""So many characters of a label are kept."""


class StatusCalls:
    """How often a job's status was asked for, since the server started. Any thread may use it."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._lock = Lock()
        self._calls: Counter[str] = Counter()

    def count(self, req: falcon.Request) -> None:
        """Count one request for a job's status, whatever its answer will be."""
        label = (req.get_header(HEADER) or "").strip()[:LONGEST_LABEL] or "unnamed"
        with self._lock:
            known = label in self._calls or len(self._calls) < MOST_LABELS
            self._calls[label if known else "other"] += 1

    def document(self) -> dict[str, Any]:
        """Return the counts so far: in total, and by label."""
        with self._lock:
            calls = dict(self._calls)
        return {"total": sum(calls.values()), "by_strategy": calls}


class StatsResource:
    """``GET /v1/stats``."""

    def __init__(self, calls: StatusCalls) -> None:
        """Show these counts."""
        self._calls = calls

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer with the counts."""
        resp.media = {"status_calls": self._calls.document()}

    on_head = on_get

"""What came to the server, and how it was answered: numbers, a series by the second, and a line for each."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any, NamedTuple

import falcon
import prometheus_client as prometheus

from bide.server.keys import owner_of
from bide.server.routes import LOOKS

HEADER = "Bide-Strategy"
"""The request header in which a client names its strategy."""

MOST_LABELS = 256
"""So many strategies, and so many clients, are told apart; nobody can make the server remember more."""

LONGEST_LABEL = 64
"""So many characters of a label are kept."""

SECONDS_KEPT = 300
"""So many seconds the series reaches back."""

access_log = logging.getLogger("bide.server.access")
"""Has a line of JSON at level INFO for each request."""

_AT_ONCE = 256  # answers: to count many at once costs each of them less than half
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Labels:
    """The labels that clients give: cut short, and only so many different ones."""

    def __init__(self) -> None:
        """Know none."""
        self._known: set[str] = set()

    def of(self, text: str) -> str:
        """Return the label of a text: ``other`` if there are too many already."""
        label = _cut(text)
        if label not in self._known and len(self._known) >= MOST_LABELS:
            return "other"
        self._known.add(label)
        return label


def _cut(text: str) -> str:
    return text.strip()[:LONGEST_LABEL] or "unnamed"


class _Answer(NamedTuple):
    """What is counted of a request and its answer; a look that showed no end was wasted."""

    second: int
    method: str
    route: str
    status: int
    client: str
    look_by: str | None
    wasted: bool
    fault: str | None


class Traffic:
    """
    Counts requests, as a middleware of Falcon. Any thread may use it.

    Args:
        clock: wall clock, in seconds since the epoch.
        client_of: tells whose request it is.
    """

    def __init__(self, clock: Callable[[], float], client_of: Callable[[falcon.Request], str]) -> None:
        """Start at nothing."""
        self._clock = clock
        self._client_of = client_of
        self._noted: deque[tuple[_Answer, float]] = deque()
        self._lock = Lock()  # held by whoever counts
        self._strategies, self._clients = Labels(), Labels()
        self._seconds: dict[int, Counter[str]] = {}
        self.registry = prometheus.CollectorRegistry()
        self._times = prometheus.Histogram(
            "bide_answer_seconds",
            "Times from a request to its answer.",
            ["method", "route", "status"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._calls = self._counter("bide_status_calls", "Requests for the status of jobs.", "strategy")
        self._wasted = self._counter(
            "bide_status_calls_wasted", "Requests for the status of jobs that showed no end.", "strategy"
        )
        self._by_client = self._counter("bide_client_requests", "Requests by who sent them.", "client")
        self._faults = self._counter("bide_faults", "Requests that went wrong because they should.", "fault")
        # To find a label's counter takes longer than to count; there are only so many.
        self._time, self._request = cache(self._times.labels), cache(self._by_client.labels)
        self._call, self._waste = cache(self._calls.labels), cache(self._wasted.labels)

    def _counter(self, name: str, text: str, label: str) -> prometheus.Counter:
        return prometheus.Counter(name, text, [label], registry=self.registry)

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Note when a request came."""
        req.context.began = time.perf_counter()

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Note a request, now that its answer is known."""
        now = time.perf_counter()
        took = now - getattr(req.context, "began", now)  # Falcon refuses some before anybody sees them
        answer = _Answer(
            int(self._clock()),
            req.method if req.method in falcon.COMBINED_METHODS else "other",
            req.uri_template or "none",
            falcon.http_status_to_code(resp.status),
            self._client_of(req),
            (req.get_header(HEADER) or "")[:LONGEST_LABEL] if _is_look(req) else None,
            not getattr(req.context, "shows_end", False),
            getattr(req.context, "fault", None),
        )
        self._note(answer, took)
        if access_log.isEnabledFor(logging.INFO):
            self._log(answer, took, method=req.method, path=req.path, strategy=req.get_header(HEADER))

    def refused(self, client: str, status: int) -> None:
        """Note a request that could not be read; so its method and its path are unknown."""
        answer = _Answer(int(self._clock()), "other", "none", status, client, None, False, None)
        self._note(answer, 0.0)
        if access_log.isEnabledFor(logging.INFO):
            self._log(answer, 0.0, method=None, path=None, strategy=None)

    def _note(self, answer: _Answer, took: float) -> None:
        self._noted.append((answer, took))
        if len(self._noted) >= _AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Count what was noted."""
        with self._lock:
            counts: Counter[_Answer] = Counter()
            while self._noted:
                answer, took = self._noted.popleft()
                counts[answer] += 1
                self._time(answer.method, answer.route, answer.status).observe(took)
            for answer, count in counts.items():
                self._count(answer, count)

    def _count(self, answer: _Answer, count: int) -> None:
        self._request(self._clients.of(answer.client)).inc(count)
        if answer.fault is not None:
            self._faults.labels(answer.fault).inc(count)
        if answer.look_by is None:
            return
        strategy = self._strategies.of(answer.look_by)
        self._in(answer.second)[strategy] += count
        self._call(strategy).inc(count)
        if answer.wasted:
            self._waste(strategy).inc(count)

    def _in(self, second: int) -> Counter[str]:
        if second not in self._seconds:
            self._seconds[second] = Counter()
            if len(self._seconds) > SECONDS_KEPT:
                del self._seconds[min(self._seconds)]
        return self._seconds[second]

    def _log(self, answer: _Answer, took: float, **said: str | None) -> None:
        line = {
            "time": self._clock(),
            "client": answer.client,
            **said,
            "status": answer.status,
            "seconds": round(took, 6),
            **({} if answer.fault is None else {"fault": answer.fault}),
        }
        access_log.info("%s", json.dumps(line))

    def document(self, owner: str = "") -> dict[str, Any]:
        """
        Return the numbers so far, and the series, as JSON shows them.

        Args:
            owner: the client who may know of no other client than itself; the empty text for all of them.
        """
        self.settle()
        calls, wasted = _values(self._calls), _values(self._wasted)
        with self._lock:
            seconds = sorted((second, dict(counts)) for second, counts in self._seconds.items())
        return {
            "now": self._clock(),
            "status_calls": {
                "total": sum(calls.values()),
                "by_strategy": calls,
                "wasted": sum(wasted.values()),
                "wasted_by_strategy": wasted,
            },
            "faults": _values(self._faults),
            "requests": {"by_client": self._seen_by(owner), "by_route": self._by_route()},
            "seconds": [{"second": second, "status_calls": counts} for second, counts in seconds],
        }

    def _seen_by(self, owner: str) -> dict[str, int]:
        counts = _values(self._by_client)
        if not owner:
            return counts
        own = counts.pop(_cut(owner), 0)
        return {"others": sum(counts.values()), _cut(owner): own}

    def _by_route(self) -> list[dict[str, Any]]:
        samples = [sample for metric in self._times.collect() for sample in metric.samples]
        return [
            {**sample.labels, "status": int(sample.labels["status"]), "count": int(sample.value)}
            for sample in samples
            if sample.name.endswith("_count")
        ]


def _values(counter: prometheus.Counter) -> dict[str, int]:
    """Return the values of a counter by its one label."""
    samples = [sample for metric in counter.collect() for sample in metric.samples]
    return {
        next(iter(sample.labels.values())): int(sample.value)
        for sample in samples
        if sample.name.endswith("_total")
    }


def _is_look(req: falcon.Request) -> bool:
    """Say whether a request asks how jobs are."""
    if req.method not in {"GET", "HEAD"}:
        return False
    return req.uri_template in LOOKS or (req.uri_template == "/v1/jobs" and req.has_param("id"))


class StatsResource:
    """``GET /v1/stats``."""

    def __init__(self, traffic: Traffic, held: Callable[[], int]) -> None:
        """Show these numbers, and how many requests are held."""
        self._traffic = traffic
        self._held = held

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer with the numbers, as JSON."""
        resp.media = {**self._traffic.document(owner_of(req)), "held": self._held()}

    on_head = on_get


class MetricsResource:
    """``GET /metrics``."""

    def __init__(self, traffic: Traffic) -> None:
        """Show these numbers."""
        self._traffic = traffic

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer with the numbers, as Prometheus reads them."""
        resp.content_type = prometheus.CONTENT_TYPE_LATEST
        self._traffic.settle()
        resp.data = prometheus.generate_latest(self._traffic.registry)

    on_head = on_get

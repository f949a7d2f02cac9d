"""Waits in Prometheus: how many calls they make, how late they learn of the end, and how they end."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from weakref import WeakKeyDictionary

from bide.errors import ConfigError, shown
from bide.events import Event, HintFollowed, PollAnswered, PollFailed, WaitEnded
from bide.instrumentation.extras import extra
from bide.outcome import End, Outcome

with extra("prometheus", package="prometheus_client"):
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, Metric

# Upper ends of the histograms' buckets, in seconds: a request is answered within moments or held for a
# minute, a wait may last a day.
_REQUEST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_WAIT = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400)

_CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx", "other")
"""Of the codes of HTTP."""


class PrometheusObserver:
    """
    Counts and times the polls and waits that it observes.

    The metrics, each with the label `job_kind`:

    - ``bide_calls_total``: polls, by `result`: ``answered`` or ``failed``;
    - ``bide_failures_total``: polls that failed, by `status`: the class of the answer's code, such as
      ``5xx``, or ``none`` without an answer;
    - ``bide_hints_followed_total``: delays that a hint of the server changed;
    - ``bide_poll_seconds``: histogram of the time from a poll's start to its answer or failure;
    - ``bide_waits_total``: waits that ended, by `outcome`: the values of `bide.End`;
    - ``bide_wait_seconds``: histogram of the time from a wait's start to its end;
    - ``bide_lag_seconds``: histogram of the time from the job's end to the answer that showed it, where the
      server says when the job ended.

    They are in base units, with the unit in the name. The labels take a handful of values: nothing of a
    single job or wait ever becomes a label. Observers of one registry and namespace share their metrics.

    Args:
        registry: where the metrics are registered.
        namespace: what their names begin with.
        job_kind: the label of what this observer is told; one observer for each kind keeps them apart.

    Raises:
        ConfigError: the registry has other metrics of these names, or a name is none that Prometheus takes.

    Source: Prometheus, "Metric and label naming".
    """

    def __init__(
        self, registry: CollectorRegistry = REGISTRY, *, namespace: str = "bide", job_kind: str = ""
    ) -> None:
        """Register the metrics, unless they are, and let each series begin at zero."""
        if not isinstance(job_kind, str):
            raise ConfigError(f"job_kind: must be text, got {shown(job_kind)}")
        metrics = _metrics_in(registry, namespace)
        self._answered = metrics.calls.labels(job_kind, "answered")
        self._failed = metrics.calls.labels(job_kind, "failed")
        self._failures = {name: metrics.failures.labels(job_kind, name) for name in _CLASSES}
        self._hints = metrics.hints.labels(job_kind)
        self._polls = metrics.polls.labels(job_kind)
        self._ends = {end: metrics.waits.labels(job_kind, end.value) for end in End}
        self._waits = metrics.durations.labels(job_kind)
        self._lags = metrics.lags.labels(job_kind)

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case PollAnswered():
                self._answered.inc()
                self._polls.observe(event.took)
            case PollFailed(failure=failure):
                self._failed.inc()
                self._failures[_class_of(failure.status)].inc()
                self._polls.observe(event.took)
            case HintFollowed():
                self._hints.inc()
            case WaitEnded():
                self._count_end(event.outcome)

    def _count_end(self, outcome: Outcome) -> None:
        self._ends[outcome.end].inc()
        self._waits.observe(outcome.elapsed)
        if outcome.lag is not None:
            self._lags.observe(outcome.lag)


class _Metrics:
    """All the metrics of a namespace: one collector, which a registry takes as a whole or not at all."""

    def __init__(self, namespace: str) -> None:
        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(name, says, ("job_kind", *labels), namespace=namespace, registry=None)

        def histogram(name: str, says: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(
                name, says, ("job_kind",), namespace=namespace, unit="seconds", buckets=buckets, registry=None
            )

        self.calls = counter("calls", "Polls that were answered, or failed.", "result")
        self.failures = counter("failures", "Polls that failed, by the class of the answer's code.", "status")
        self.hints = counter("hints_followed", "Delays that a hint of the server changed.")
        self.waits = counter("waits", "Waits that ended.", "outcome")
        self.polls = histogram("poll", "From a poll's start to its answer or failure.", _REQUEST)
        self.durations = histogram("wait", "From a wait's start to its end.", _WAIT)
        self.lags = histogram("lag", "From a job's end to the answer that showed it.", _WAIT)
        self._all = (self.calls, self.failures, self.hints, self.waits, self.polls, self.durations, self.lags)

    def describe(self) -> Iterable[Metric]:
        """Name the metrics, for the registry to compare with those it has."""
        return [metric for one in self._all for metric in one.describe()]

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they stand."""
        return [metric for one in self._all for metric in one.collect()]


_made: WeakKeyDictionary[CollectorRegistry, dict[str, _Metrics]] = WeakKeyDictionary()
_making = Lock()


def _class_of(code: int | None) -> str:
    if code is None:
        return "none"
    return f"{code // 100}xx" if 100 <= code < 600 else "other"


def _metrics_in(registry: CollectorRegistry, namespace: str) -> _Metrics:
    """Return the metrics of a registry and namespace, which are registered at the first asking."""
    if not isinstance(registry, CollectorRegistry):
        raise ConfigError(f"registry: must be a prometheus_client.CollectorRegistry, got {shown(registry)}")
    if not isinstance(namespace, str):
        raise ConfigError(f"namespace: must be text, got {shown(namespace)}")
    with _making:
        made = _made.setdefault(registry, {})
        if namespace not in made:
            made[namespace] = _registered(namespace, registry)
        return made[namespace]


def _registered(namespace: str, registry: CollectorRegistry) -> _Metrics:
    try:
        metrics = _Metrics(namespace)
        registry.register(metrics)
    except ValueError as error:
        raise ConfigError(
            f"namespace: the metrics of {shown(namespace)} cannot be registered: {error}"
        ) from error
    return metrics

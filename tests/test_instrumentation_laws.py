"""The laws of the ready observers: nothing is lost, nothing is left open, nothing secret is told."""

from __future__ import annotations

import logging
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from wait_events import HUSHED, Traces, events

from bide import End, JobNotFound, Observation, Poller, RequestError, WaitError
from bide.events import Event, HintFollowed, PollAnswered, PollFailed, WaitEnded
from bide.instrumentation.logging import log_to
from bide.instrumentation.opentelemetry import OpenTelemetryObserver
from bide.instrumentation.prometheus import PrometheusObserver
from bide.instrumentation.structlog import log_to as structlog_to
from bide.testing import ScriptedJob, VirtualClock
from bide_strategies import Fixed


@settings(max_examples=50)
@given(st.lists(events))
def test_counters_equal_what_happened(told: list[Event]) -> None:
    """After any events each counter and histogram has counted just its own."""
    registry = CollectorRegistry()
    observe = PrometheusObserver(registry)
    for event in told:
        observe(event)
    happened = Counter(type(event) for event in told)
    ends = [event.outcome for event in told if isinstance(event, WaitEnded)]
    samples = {s.name: Counter[str]() for metric in registry.collect() for s in metric.samples}
    for metric in registry.collect():
        for s in metric.samples:
            samples[s.name][s.labels.get("result") or s.labels.get("outcome") or ""] += int(s.value)
    answered, failed = happened[PollAnswered], happened[PollFailed]
    assert samples["bide_calls_total"] == {"answered": answered, "failed": failed}
    assert samples["bide_poll_seconds_count"].total() == answered + failed
    assert samples["bide_hints_followed_total"].total() == happened[HintFollowed]
    assert +samples["bide_waits_total"] == Counter(outcome.end.value for outcome in ends)
    assert samples["bide_wait_seconds_count"].total() == len(ends)
    assert samples["bide_lag_seconds_count"].total() == sum(outcome.lag is not None for outcome in ends)


@settings(max_examples=50)
@given(st.lists(events), st.integers(1, 3))
def test_spans_are_balanced(told: list[Event], most_open: int) -> None:
    """Any events open no more spans than allowed, and each ends once, with its own wait's events."""
    traces = Traces()
    observe = OpenTelemetryObserver(traces.provider, most_open=most_open)
    for event in told:
        observe(event)
        assert len(observe._open) <= most_open
    observe.close()
    assert not observe._open
    assert len({span.context.span_id for span in traces.spans if span.context}) == len(traces.spans)
    assert sum(len(span.events) for span in traces.spans) == sum(
        isinstance(event, PollAnswered | PollFailed | HintFollowed) for event in told
    )
    outcomes = Counter((span.attributes or {})["bide.outcome"] for span in traces.spans)
    outcomes.pop("abandoned", None)
    assert outcomes == Counter(event.outcome.end.value for event in told if isinstance(event, WaitEnded))
    for span in traces.spans:
        wait = (span.attributes or {})["bide.wait"]
        assert all((event.attributes or {})["bide.wait"] == wait for event in span.events)


_looks = st.one_of(
    st.builds(Observation, st.just("pending"), hint=st.none() | st.floats(0, 60)),
    st.builds(
        Observation,
        st.sampled_from(["completed", "error", "cancelled"]),
        completed_at=st.none() | st.floats(0, 60),
    ),
    st.builds(RequestError, st.just(HUSHED), hint=st.none() | st.floats(0, 60)),
    st.builds(JobNotFound, st.just(HUSHED)),
)


@settings(max_examples=50)
@given(script=st.lists(_looks, min_size=1, max_size=8), latency=st.floats(0, 5))
def test_a_real_wait_is_told_as_its_outcome_has_it(
    script: list[Observation | Exception], latency: float
) -> None:
    """Whatever a job answers, spans and counters hold the figures of the outcome that the caller gets."""
    clock, traces, registry = VirtualClock(), Traces(), CollectorRegistry()
    observers = (OpenTelemetryObserver(traces.provider), PrometheusObserver(registry))
    poller = Poller(
        Fixed(interval=1.0), clock=clock.time, wall_clock=clock.time, sleep=clock.sleep, observers=observers
    )
    try:
        outcome = poller.wait(ScriptedJob(script, clock, latency=latency).poll)
    except WaitError as error:
        assert error.outcome is not None
        outcome = error.outcome
    (span,) = traces.spans
    assert span.attributes is not None
    assert span.attributes["bide.outcome"] == outcome.end
    assert span.attributes["bide.calls"] == outcome.calls
    assert span.attributes.get("bide.lag_seconds") == outcome.lag
    assert span.status.is_ok == (outcome.end is End.COMPLETED)
    assert Counter(event.name for event in span.events) == +Counter(
        {
            "poll answered": outcome.calls - outcome.failed_calls,
            "poll failed": outcome.failed_calls,
            "hint followed": outcome.hints_followed,
        }
    )

    def counted(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"job_kind": ""} | labels)

    assert counted("bide_calls_total", result="failed") == outcome.failed_calls
    assert counted("bide_calls_total", result="answered") == outcome.calls - outcome.failed_calls
    assert counted("bide_hints_followed_total") == outcome.hints_followed
    assert counted("bide_waits_total", outcome=outcome.end) == 1
    assert counted("bide_wait_seconds_sum") == outcome.elapsed
    assert counted("bide_lag_seconds_sum") == (outcome.lag or 0)


class _Kept(logging.Handler):
    """Keeps each record as everything it could show."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.shown.append(f"{record.getMessage()} {vars(record)}")


@settings(max_examples=50)
@given(st.lists(events))
def test_nothing_secret_is_told(told: list[Event]) -> None:
    """A result, a token and the words of a failure are in no line, entry or span."""
    logger, kept, traces = logging.Logger("secrets"), _Kept(), Traces()
    logger.addHandler(kept)
    spans = OpenTelemetryObserver(traces.provider)
    with capture_logs() as entries:
        for event in told:
            for observe in (log_to(logger), structlog_to(), spans):
                observe(event)
    spans.close()
    assert len(kept.shown) == len(entries) == len(told)
    everything = "".join([*kept.shown, str(entries), *(span.to_json() for span in traces.spans)])
    assert HUSHED not in everything

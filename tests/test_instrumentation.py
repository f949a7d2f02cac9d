"""The ready observers: what each writes, counts or traces of one story, and what it needs."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import prometheus_client
import pytest
import structlog
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from wait_events import ANSWERED, FAILED, HINT, HUSHED, STARTING, STORY, Traces, ended

from bide import AsyncPoller, ConfigError, End, Observation, Poller, RequestError
from bide.events import PollStarting
from bide.instrumentation.facts import NAMES, facts_of
from bide.instrumentation.logging import log_to
from bide.instrumentation.opentelemetry import OpenTelemetryObserver
from bide.instrumentation.prometheus import PrometheusObserver
from bide.instrumentation.structlog import log_to as structlog_to
from bide.testing import ScriptedJob
from bide_strategies import Fixed


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry of this test's own."""
    return CollectorRegistry()


def test_a_fact_is_a_plain_value_and_no_secret() -> None:
    """Of an event all is told by name and unit, but for what a server or a job says in its own words."""
    assert facts_of(STARTING) == {"wait": 1, "elapsed_seconds": 0.5, "call": 1}
    assert facts_of(FAILED) == {
        "wait": 1,
        "elapsed_seconds": 0.75,
        "call": 1,
        "took_seconds": 0.25,
        "failure": "RequestError",
        "cause": "ConnectionResetError",
        "hint_seconds": 7.0,
    }
    assert facts_of(HINT) == {
        "wait": 1,
        "elapsed_seconds": 0.75,
        "hint_seconds": 7.0,
        "chosen_seconds": 2.0,
        "delay_seconds": 7.0,
    }
    assert facts_of(ANSWERED) == {
        "wait": 1,
        "elapsed_seconds": 8.0,
        "call": 2,
        "took_seconds": 0.125,
        "status": "completed",
        "progress": 1.0,
    }
    assert facts_of(ended()) == {
        "wait": 1,
        "elapsed_seconds": 8.0,
        "outcome": "completed",
        "calls": 2,
        "failed_calls": 1,
        "wasted_calls": 1,
        "hints_followed": 1,
        "lag_seconds": 0.5,
    }


def test_the_log_tells_the_story_line_by_line(caplog: pytest.LogCaptureFixture) -> None:
    """One line for each event, at its level, with the facts as attributes of the record."""
    caplog.set_level(logging.DEBUG, "bide.waits")
    observe = log_to()
    for event in STORY:
        observe(event)
    assert [f"{record.levelname} {record.getMessage()}" for record in caplog.records] == [
        "DEBUG wait 1: poll 1 starts",
        "WARNING wait 1: poll 1 failed in 0.250 s: RequestError",
        "DEBUG wait 1: next poll in 7.000 s, as hinted, not 2.000 s",
        "DEBUG wait 1: poll 2 starts",
        "DEBUG wait 1: poll 2 saw completed in 0.125 s",
        "INFO wait 1: completed in 8.000 s, calls: 2",
    ]
    attributes = vars(caplog.records[-1])
    assert {"bide_wait": 1, "bide_wasted_calls": 1, "bide_lag_seconds": 0.5}.items() <= attributes.items()


@pytest.mark.parametrize(
    ("status", "name"), [(None, "none"), (200, "2xx"), (404, "4xx"), (503, "5xx"), (999, "other")]
)
def test_a_failed_poll_tells_the_code_of_its_answer(
    status: int | None, name: str, caplog: pytest.LogCaptureFixture, registry: CollectorRegistry
) -> None:
    """In a log line and its attributes, by class in Prometheus, and on the event of a span."""
    failed = attrs.evolve(FAILED, failure=RequestError(HUSHED, status=status))
    traces = Traces()
    for observe in (log_to(), PrometheusObserver(registry), OpenTelemetryObserver(traces.provider)):
        observe(failed)
        observe(ended(End.POLLS_FAILED, failure=failed.failure))
    told = "" if status is None else f", status {status}"
    assert [record.getMessage() for record in caplog.records] == [
        f"wait 1: poll 1 failed in 0.250 s: RequestError{told}",
        f"wait 1: polls failed in 8.000 s, calls: 2{told}",
    ]
    assert getattr(caplog.records[0], "bide_http_status", None) == status
    assert registry.get_sample_value("bide_failures_total", {"job_kind": "", "status": name}) == 1
    (span,) = traces.spans
    assert (span.events[0].attributes or {}).get("bide.http_status") == status


def test_a_wait_without_a_completed_job_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It shows also where only warnings do, and there nothing else does but failed polls."""
    logger = logging.getLogger("test.waits")
    caplog.set_level(logging.WARNING, logger.name)
    for event in [*STORY, ended(End.TIMED_OUT, wait=2, calls=9)]:
        log_to(logger)(event)
    assert [record.getMessage() for record in caplog.records] == [
        "wait 1: poll 1 failed in 0.250 s: RequestError",
        "wait 2: timed out in 8.000 s, calls: 9",
    ]


def test_structlog_gets_the_facts_as_keys() -> None:
    """One entry for each event, named for its kind, at its level."""
    with capture_logs() as entries:
        for event in STORY:
            structlog_to()(event)
    assert [entry["event"] for entry in entries] == [NAMES[type(event)] for event in STORY]
    assert [entry["log_level"] for entry in entries] == ["debug", "warning", *["debug"] * 3, "info"]
    for entry, event in zip(entries, STORY, strict=True):
        assert {key: entry[key] for key in entry if key not in {"event", "log_level"}} == facts_of(event)


def test_a_bound_logger_keeps_what_is_bound() -> None:
    """What the caller bound to a logger is in each entry."""
    with capture_logs() as entries:
        structlog_to(structlog.get_logger().bind(tenant="acme"))(STARTING)
    assert entries == [
        {"event": "poll starting", "log_level": "debug", "tenant": "acme", **facts_of(STARTING)}
    ]


def test_prometheus_counts_the_story(registry: CollectorRegistry) -> None:
    """Calls by result, waits by outcome, hints, and the three histograms, with units in their names."""
    observe = PrometheusObserver(registry, job_kind="video")
    for event in STORY:
        observe(event)
    expected = {
        ("bide_calls_total", "result", "answered"): 1,
        ("bide_calls_total", "result", "failed"): 1,
        ("bide_waits_total", "outcome", "completed"): 1,
        ("bide_waits_total", "outcome", "timed out"): 0,
        ("bide_hints_followed_total", None, None): 1,
        ("bide_poll_seconds_count", None, None): 2,
        ("bide_poll_seconds_sum", None, None): 0.375,
        ("bide_wait_seconds_sum", None, None): 8.0,
        ("bide_lag_seconds_sum", None, None): 0.5,
    }
    for (name, label, value), number in expected.items():
        labels = {"job_kind": "video"} | ({label: str(value)} if label else {})
        assert registry.get_sample_value(name, labels) == number, name


def test_observers_of_one_registry_share_their_metrics(registry: CollectorRegistry) -> None:
    """A second observer counts on; one for another kind of job, or namespace, counts apart."""
    for observe in (
        PrometheusObserver(registry),
        PrometheusObserver(registry),
        PrometheusObserver(registry, job_kind="audio"),
        PrometheusObserver(registry, namespace="other"),
    ):
        observe(HINT)
    assert registry.get_sample_value("bide_hints_followed_total", {"job_kind": ""}) == 2
    assert registry.get_sample_value("bide_hints_followed_total", {"job_kind": "audio"}) == 1
    assert registry.get_sample_value("other_hints_followed_total", {"job_kind": ""}) == 1


def test_metrics_of_the_same_name_are_left_alone(registry: CollectorRegistry) -> None:
    """The registry keeps what it had and gets none of ours; another namespace is the way out."""
    prometheus_client.Counter("bide_waits", "Somebody else's.", registry=registry)
    for _ in range(2):
        with pytest.raises(
            ConfigError, match=r"namespace: the metrics of 'bide' cannot be registered: .*bide_waits"
        ):
            PrometheusObserver(registry)
    assert {metric.name for metric in registry.collect()} == {"bide_waits"}
    PrometheusObserver(registry, namespace="mine")


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (
            PrometheusObserver,
            {"registry": "default"},
            "registry: must be a prometheus_client.CollectorRegistry",
        ),
        (
            PrometheusObserver,
            {"registry": CollectorRegistry(), "namespace": 3},
            "namespace: must be text, got 3",
        ),
        (
            PrometheusObserver,
            {"registry": CollectorRegistry(), "job_kind": 3},
            "job_kind: must be text, got 3",
        ),
        (OpenTelemetryObserver, {"most_open": 0}, "most_open: must be a whole number >= 1, got 0"),
        (log_to, {"logger": 3}, "logger: must be a logging.Logger or a logger's name, got 3"),
    ],
)
def test_an_argument_of_another_kind_is_refused(
    make: Callable[..., object], arguments: dict[str, Any], message: str
) -> None:
    """The mistake shows where it is made, not in the midst of a wait."""
    with pytest.raises(ConfigError) as caught:
        make(**arguments)
    assert message in str(caught.value)


def test_a_wait_is_a_span_and_its_polls_are_events() -> None:
    """The span begins where the wait makes its first poll, and ends with what the wait cost."""
    traces = Traces()
    observe = OpenTelemetryObserver(traces.provider)
    with traces.provider.get_tracer("test").start_as_current_span("caller") as caller:
        for event in STORY:
            observe(event)
    span = traces.spans[0]
    assert (span.name, span.status.status_code) == ("wait for job", StatusCode.UNSET)
    assert span.parent is not None
    assert span.parent.span_id == caller.get_span_context().span_id
    assert span.attributes == {f"bide.{name}": value for name, value in facts_of(STORY[-1]).items()}
    assert [(event.name, event.attributes) for event in span.events] == [
        (NAMES[type(event)], {f"bide.{name}": value for name, value in facts_of(event).items()})
        for event in (FAILED, HINT, ANSWERED)
    ]


def test_a_wait_without_a_completed_job_is_an_error_s_span() -> None:
    """The status says how the wait ended, in a word for machines and in a sentence."""
    traces = Traces()
    OpenTelemetryObserver(traces.provider)(ended(End.TIMED_OUT))
    (span,) = traces.spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "timed out in 8s, calls: 2"
    assert (span.attributes or {})["error.type"] == "timed out"


def test_waits_that_never_end_are_let_go_the_most_silent_first() -> None:
    """Beyond the bound, the span silent for longest ends as abandoned; closing ends the rest."""
    traces = Traces()
    observe = OpenTelemetryObserver(traces.provider, most_open=2)
    for wait in (1, 2, 1, 3):
        observe(PollStarting(wait=wait, elapsed=0.0, call=1))
    assert [span.attributes for span in traces.spans] == [{"bide.wait": 2, "bide.outcome": "abandoned"}]
    observe.close()
    assert [(span.attributes or {})["bide.wait"] for span in traces.spans] == [2, 1, 3]


def test_threads_share_an_observer(registry: CollectorRegistry) -> None:
    """Many waits in many threads at once lose no span and no count."""
    traces = Traces()
    observe, count = OpenTelemetryObserver(traces.provider, most_open=8), PrometheusObserver(registry)

    def tell(wait: int) -> None:
        for event in (PollStarting(wait=wait, elapsed=0.0, call=1), ended(wait=wait)):
            observe(event)
            count(event)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, range(400)))
    assert {(span.attributes or {})["bide.wait"] for span in traces.spans} == set(range(400))
    assert len(traces.spans) == 400
    labels = {"job_kind": "", "outcome": "completed"}
    assert registry.get_sample_value("bide_waits_total", labels) == 400


def test_a_cancelled_wait_ends_its_span() -> None:
    """An exception from elsewhere, such as Ctrl-C or a task's cancellation, leaves no span open."""
    traces = Traces()
    observe = OpenTelemetryObserver(traces.provider)

    async def cancelled() -> None:
        poller = AsyncPoller(Fixed(interval=60.0), observers=[observe])
        job = ScriptedJob([Observation("pending")])

        async def look() -> Observation:
            return job.poll()

        async with asyncio.timeout(0):
            await poller.wait(look)

    def interrupted() -> Observation:
        raise KeyboardInterrupt

    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())
    with pytest.raises(KeyboardInterrupt):
        Poller(Fixed(), observers=[observe]).wait(interrupted)
    assert [(span.attributes or {})["bide.outcome"] for span in traces.spans] == ["wait cancelled"] * 2


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


def test_import_bide_loads_no_instrumentation() -> None:
    """None of it, nor the packages it is for, is loaded before somebody asks."""
    done = _run("import sys, bide; print(*sys.modules)")
    assert not {"structlog", "prometheus_client", "opentelemetry", "bide.instrumentation"} & {
        *done.stdout.split()
    }


@pytest.mark.parametrize(
    ("module", "package"),
    [("structlog", "structlog"), ("prometheus", "prometheus_client"), ("opentelemetry", "opentelemetry")],
)
def test_a_missing_package_names_its_extra(module: str, package: str) -> None:
    """Whoever imports a module without its package is told what to install."""
    done = _run(f"import sys; sys.modules[{package!r}] = None; import bide.instrumentation.{module}")
    said = (
        f"ImportError: bide.instrumentation.{module} needs {package}: install bide with its extra '{module}'"
    )
    assert done.stderr.rstrip().endswith(said)


def test_logging_needs_no_extra() -> None:
    """The hook for standard logging loads none of the others' packages."""
    done = _run("import sys, bide.instrumentation.logging; print(*sys.modules)")
    assert done.returncode == 0
    assert not {"structlog", "prometheus_client", "opentelemetry"} & {*done.stdout.split()}

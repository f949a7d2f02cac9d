"""Waits in OpenTelemetry: a span for each wait, with its polls as events."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from attrs import define, field

from bide import __version__
from bide.durations import format_duration
from bide.events import Event, PollStarting, WaitEnded
from bide.instrumentation.extras import extra
from bide.instrumentation.facts import NAMES, Facts, facts_of
from bide.outcome import End
from bide.rules import Number

with extra("opentelemetry", package="opentelemetry"):
    from opentelemetry import trace
    from opentelemetry.trace import Span, Status, StatusCode, Tracer, TracerProvider


@define(eq=False)
class OpenTelemetryObserver:
    """
    Follows each wait with a span, from its first poll to its end.

    The span is called ``wait for job``; its parent is the span that is current where the wait makes its first
    poll. Its events are ``poll answered``, ``poll failed`` and ``hint followed``; its attributes and theirs
    are those that `bide.instrumentation.facts.facts_of` lists, after ``bide.``, with the unit in the name, as
    attributes have none of their own. A wait that did not end with a completed job has the status ERROR, and
    `error.type` says how it ended.

    A wait that is cancelled from outside may never tell of its end. So only so many spans stay open: beyond
    that, the one whose wait has been silent for longest is ended, with the outcome ``abandoned``. Call
    `close` before the tracer provider is shut down, and no span is lost.

    Args:
        tracer_provider: makes the tracer; None for the global one.
        most_open: spans that may be open at once; >= 1.

    Raises:
        ConfigError: `most_open` is no such number.

    Source: OpenTelemetry semantic conventions, "Attribute naming" and "Recording errors".
    """

    tracer_provider: TracerProvider | None = None
    most_open: int = field(default=10_000, validator=Number(least=1, whole=True), kw_only=True)
    _tracer: Tracer = field(init=False)
    _open: OrderedDict[int, Span] = field(factory=OrderedDict, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._tracer = trace.get_tracer("bide", __version__, self.tracer_provider)

    def __call__(self, event: Event) -> None:
        """Add an event to the span of its wait, which begins with the first and ends with the last."""
        with self._lock:
            span = self._open.pop(event.wait, None)
        if span is None:
            span = self._tracer.start_span("wait for job", attributes={"bide.wait": event.wait})
        if isinstance(event, WaitEnded):
            _end(span, event)
            return
        if not isinstance(event, PollStarting):
            span.add_event(NAMES[type(event)], _attributes(event))
        self._keep(event.wait, span)

    def close(self) -> None:
        """End the spans of all waits that have not ended, as abandoned."""
        with self._lock:
            spans = list(self._open.values())
            self._open.clear()
        for span in spans:
            _abandon(span)

    def _keep(self, wait: int, span: Span) -> None:
        """Keep a span open, as the one heard of last; end the one heard of first if they are too many."""
        with self._lock:
            self._open[wait] = span
            _, silent = self._open.popitem(last=False) if len(self._open) > self.most_open else (0, None)
        if silent is not None:
            _abandon(silent)


def _end(span: Span, ended: WaitEnded) -> None:
    span.set_attributes(_attributes(ended))
    outcome = ended.outcome
    if outcome.end is not End.COMPLETED:
        span.set_attribute("error.type", outcome.end.value)
        told = f"{outcome.end} in {format_duration(outcome.elapsed)}, calls: {outcome.calls}"
        span.set_status(Status(StatusCode.ERROR, told))
    span.end()


def _abandon(span: Span) -> None:
    span.set_attribute("bide.outcome", "abandoned")
    span.end()


def _attributes(event: Event) -> Facts:
    return {f"bide.{name}": value for name, value in facts_of(event).items()}

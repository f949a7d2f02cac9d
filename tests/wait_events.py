"""Events of waits: one story, Hypothesis generators of any, and a memory for the spans made of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bide import End, Observation, Outcome, RequestError
from bide.events import Event, HintFollowed, PollAnswered, PollFailed, PollStarting, WaitEnded

HUSHED = "hush"
"""What no observer may show."""


def _failure() -> RequestError:
    """Return a failure that quotes an answer, and has a cause."""
    failure = RequestError(f"GET /jobs/1 answered {HUSHED}", hint=7.0)
    failure.__cause__ = ConnectionResetError(HUSHED)
    return failure


STARTING = PollStarting(wait=1, elapsed=0.5, call=1)
FAILED = PollFailed(wait=1, elapsed=0.75, call=1, took=0.25, failure=_failure())
HINT = HintFollowed(wait=1, elapsed=0.75, hint=7.0, chosen=2.0, delay=7.0)
ANSWERED = PollAnswered(
    wait=1, elapsed=8.0, call=2, took=0.125, observation=Observation("completed", 1.0, result={"key": HUSHED})
)


def ended(end: End = End.COMPLETED, wait: int = 1, **outcome: Any) -> WaitEnded:
    """Return the end of a wait of 8 seconds."""
    told: dict[str, Any] = {
        "calls": 2,
        "failed_calls": 1,
        "hints_followed": 1,
        "lag": 0.5,
        "token": HUSHED,
    } | outcome
    seen = Observation("completed", result={"key": HUSHED})
    return WaitEnded(wait=wait, elapsed=8.0, outcome=Outcome(end=end, observation=seen, elapsed=8.0, **told))


STORY: list[Event] = [
    STARTING, FAILED, HINT, PollStarting(wait=1, elapsed=7.875, call=2), ANSWERED, ended()
]  # fmt: skip
"""A wait whose first poll fails with a hint, and whose second sees the job's end."""

_numbers = st.integers(1, 4)
_times = st.floats(0, 1e6)
_observations = st.builds(
    Observation,
    st.sampled_from(["pending", "completed", "error"]),
    st.none() | st.floats(0, 1),
    result=st.just(HUSHED),
)
_failures = st.sampled_from([_failure(), RequestError(HUSHED)])
_outcomes = st.builds(
    Outcome,
    end=st.sampled_from(End),
    observation=st.none() | _observations,
    calls=_numbers,
    elapsed=_times,
    failure=st.none() | _failures,
    lag=st.none() | _times,
    token=st.just(HUSHED),
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(PollStarting, wait=_numbers, elapsed=_times, call=_numbers),
    st.builds(
        PollAnswered, wait=_numbers, elapsed=_times, call=_numbers, took=_times, observation=_observations
    ),
    st.builds(PollFailed, wait=_numbers, elapsed=_times, call=_numbers, took=_times, failure=_failures),
    st.builds(HintFollowed, wait=_numbers, elapsed=_times, hint=_times, chosen=_times, delay=_times),
    st.builds(WaitEnded, wait=_numbers, elapsed=_times, outcome=_outcomes),
)
"""Any events of a few waits, in any order: also those that no engine would tell."""


class Traces:
    """A tracer provider that keeps in memory what is exported."""

    def __init__(self) -> None:
        self._memory = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._memory))

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Those that have ended."""
        return self._memory.get_finished_spans()

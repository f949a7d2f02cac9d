"""Scripted waits on virtual time, for any driver to carry out, and what comes of them."""

from __future__ import annotations

import asyncio
import copy
import itertools
import math
import selectors
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import attrs
import trio
import trio.testing
from attrs import define, frozen
from hypothesis import strategies as st

from bide import (
    AsyncPoller,
    Hints,
    JobNotFound,
    Limits,
    Observation,
    Outcome,
    Policy,
    Poller,
    RequestError,
    RequestRefused,
    Strategy,
    Update,
    WaitError,
)
from bide.events import Event
from bide.testing import VirtualClock, simulate
from bide_strategies import (
    Additive,
    DecorrelatedJitter,
    Equal,
    Exponential,
    Fixed,
    FollowProgress,
    Full,
    Linear,
    NoJitter,
)


class Glitch(Exception):
    """Raised by a poll function; the drivers are told that it is transient."""


class Doom(Glitch):
    """The same, but fatal."""


@frozen
class Line:
    """
    What one poll sees, or raises.

    Args:
        sees: an observation, or an exception.
        latency: seconds until the answer.
    """

    sees: Observation | Exception
    latency: float = 0.0

    def told(self) -> Observation:
        """Return the observation; raise a fresh copy of the exception."""
        if isinstance(self.sees, Exception):
            raise copy.copy(self.sees)
        return self.sees


@frozen(kw_only=True)
class Scenario:
    """
    A wait, and all that happens to it.

    Args:
        policy: of the wait.
        lines: of the script, one for each poll; the last again and again.
        draws: one for each delay, and then from the first again.
        hint: of the creating response.
        dawdle: seconds that who gets an update takes over it.
    """

    policy: Policy
    lines: tuple[Line, ...]
    draws: tuple[float, ...] = (0.5,)
    hint: float | None = None
    dawdle: float = 0.0

    def driver(self, kind: type[Any], record: Record, clock: Callable[[], float], **more: Any) -> Any:
        """Return a driver of that kind that lives on the clock and draws as the scenario says."""
        arguments = {
            **attrs.asdict(self.policy, recurse=False),
            "draw": itertools.cycle(self.draws).__next__,
            "clock": clock,
            "wall_clock": clock,
            "observers": [record.events.append],
            "transient": (Glitch,),
            "fatal": (Doom,),
        }
        return kind(**{**arguments, **more})


def plain(value: object) -> object:
    """Return what is to be compared of a value: words of exceptions, events without a number."""
    if isinstance(value, Exception):
        return repr(value)
    if isinstance(value, tuple):
        return [*map(plain, value)]
    if attrs.has(type(value)):
        fields = attrs.asdict(cast("Any", value), recurse=False)
        return type(value).__name__, {k: plain(v) for k, v in fields.items() if k != "wait"}
    return repr(value)  # so that NaN equals itself


@define
class Record:
    """
    What came of a scenario; two are equal when the same happened.

    Args:
        scenario: which.
        time: gives the time, in seconds.
    """

    scenario: Scenario = attrs.field(eq=False)
    time: Callable[[], float] = attrs.field(eq=False)
    starts: list[float] = attrs.field(factory=list)
    answers: list[float] = attrs.field(factory=list)
    updates: list[Update] = attrs.field(factory=list, eq=lambda updates: [*map(plain, updates)])
    events: list[Event] = attrs.field(factory=list, eq=lambda events: [*map(plain, events)])
    outcome: Outcome | None = attrs.field(default=None, eq=plain)
    raised: Exception | None = attrs.field(default=None, eq=repr)

    def begin(self) -> Line:
        """Return the line of the poll that begins now."""
        line = min(len(self.starts), len(self.scenario.lines) - 1)
        self.starts.append(self.time())
        return self.scenario.lines[line]

    def end(self, line: Line) -> Observation:
        """Return or raise what a poll sees that is answered now."""
        self.answers.append(self.time())
        return line.told()

    def keep(self, error: Exception) -> None:
        """Keep how a wait ended that did not complete."""
        self.raised = error
        self.outcome = error.outcome if isinstance(error, WaitError) else None


Form = str
FORMS: tuple[Form, ...] = ("wait", "on_update", "watch")


def sync_record(scenario: Scenario, form: Form, **arguments: Any) -> Record:
    """Carry out a scenario with a `Poller` on a `VirtualClock`."""
    clock = VirtualClock()
    record = Record(scenario, clock.time)
    poller: Poller = scenario.driver(Poller, record, clock.time, sleep=clock.sleep)

    def poll() -> Observation:
        line = record.begin()
        clock.sleep(line.latency)
        return record.end(line)

    def on_update(update: Update) -> None:
        record.updates.append(update)
        clock.sleep(scenario.dawdle)

    try:
        wait = poller.begin(scenario.hint)
        if form == "watch":
            for update in poller.watch(poll, wait, **arguments):
                on_update(update)
            record.outcome = record.updates[-1].outcome
        else:
            called = on_update if form == "on_update" else None
            record.outcome = poller.wait(poll, wait, on_update=called, **arguments)
    except Exception as error:
        record.keep(error)
    return record


Asleep = Callable[[float], Awaitable[object]]


async def async_record(
    scenario: Scenario,
    form: Form,
    clock: Callable[[], float],
    asleep: Asleep,
    advance: Callable[[float], object],
) -> Record:
    """Carry out a scenario with an `AsyncPoller` that sleeps as the library at hand does."""
    start = clock()
    record = Record(scenario, lambda: clock() - start)
    poller: AsyncPoller = scenario.driver(AsyncPoller, record, record.time)

    async def poll() -> Observation:
        line = record.begin()
        await asleep(line.latency)
        return record.end(line)

    def on_update(update: Update) -> None:
        record.updates.append(update)
        advance(scenario.dawdle)

    try:
        wait = poller.begin(scenario.hint)
        if form == "watch":
            async for update in poller.watch(poll, wait):
                on_update(update)
            record.outcome = record.updates[-1].outcome
        else:
            record.outcome = await poller.wait(
                poll, wait, on_update=on_update if form == "on_update" else None
            )
    except Exception as error:
        record.keep(error)
    return record


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop of asyncio whose time passes at once when there is nothing else to do."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Return the time, in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        self._loop.advance(timeout or 0.0)
        return super().select(0)


def asyncio_record(scenario: Scenario, form: Form) -> Record:
    """Carry out a scenario with an `AsyncPoller` on asyncio, which sleeps by `asyncio.sleep`."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        loop: Any = runner.get_loop()
        return runner.run(async_record(scenario, form, loop.time, asyncio.sleep, loop.advance))


def trio_record(scenario: Scenario, form: Form) -> Record:
    """Carry out a scenario with an `AsyncPoller` on trio, which sleeps by `trio.sleep`."""
    clock = trio.testing.MockClock(autojump_threshold=0.0)
    run = partial(async_record, scenario, form, trio.current_time, trio.sleep, clock.jump)
    return trio.run(run, clock=clock)


def virtual_record(scenario: Scenario) -> Record:
    """Carry out a scenario with `simulate`, which tells of no updates."""
    clock = VirtualClock()
    record = Record(scenario, clock.time)

    def poll() -> Observation:
        line = record.begin()
        clock.sleep(line.latency)
        return record.end(line)

    poller = scenario.driver(Poller, record, clock.time)
    try:
        record.outcome = simulate(poller, poll, clock, hint=scenario.hint)
        record.outcome.raise_for_end()
    except Exception as error:
        record.keep(error)
    return record


# All times are multiples of 1/64 s, and all draws of 1/16, so that every sum of them is exact.
def times(least: float, most: float) -> st.SearchStrategy[float]:
    """Generate times between two, in seconds."""
    return st.integers(int(least * 64), int(most * 64)).map(lambda ticks: ticks / 64)


draws = st.integers(0, 16).map(lambda sixteenths: sixteenths / 16)
jitters = st.sampled_from(
    [NoJitter(), Full(), Full(least=0.25), Equal(), Additive(share=0.5), Additive(seconds=1.0)]
)
strategies: st.SearchStrategy[Strategy] = st.one_of(
    st.builds(Fixed, interval=times(1 / 64, 20), jitter=jitters, first=st.just(0.0) | times(0, 5)),
    st.builds(Exponential, base=times(1 / 64, 2), factor=st.just(2.0), cap=times(2, 40), jitter=jitters),
    st.builds(Linear, base=times(1 / 64, 2), step=times(0, 5), cap=times(2, 40), jitter=jitters),
    st.builds(DecorrelatedJitter, base=times(1 / 64, 2), cap=times(2, 40)),
    st.builds(FollowProgress, fallback=st.builds(Fixed, interval=times(1, 5)), floor=times(1 / 64, 2)),
)
hints = st.none() | times(0, 30) | st.sampled_from([-1.0, 0.0, 2.0**-20, 2.0**40, math.inf, math.nan])
policies = st.builds(
    Policy,
    strategy=strategies,
    limits=st.builds(
        Limits,
        max_attempts=st.integers(1, 25),
        timeout=st.none() | times(1 / 64, 100),
        max_failures=st.none() | st.integers(1, 6),
        failure_timeout=st.none() | times(1 / 64, 30),
    ),
    hints=st.builds(
        Hints,
        mode=st.sampled_from(["floor", "replace", "ignore"]),
        ceiling=times(1, 60),
        jitter=st.sampled_from([0.0, 0.5, 1.0]),
    ),
    error_strategy=st.none() | strategies,
    initial_delay=st.none() | times(0, 10),
)
pending = st.builds(
    Observation,
    status=st.just("pending"),
    progress=st.none() | st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0]) | st.sampled_from([42.0, math.nan]),
    hint=hints,
    held=st.just(0.0) | times(0, 5),
)
failures = st.builds(RequestError, st.sampled_from(["503", "no connection"]), hint=hints)
ends = st.builds(
    Observation,
    status=st.sampled_from(["completed", "error", "cancelled"]),
    completed_at=st.none() | times(0, 100),
    result=st.none() | st.just("the film"),
)
fatalities = st.sampled_from([Doom("lost"), JobNotFound("404"), RequestRefused("403")])
latencies = st.just(0.0) | times(0, 5)


def lines(sees: st.SearchStrategy[Any], *, most: int) -> st.SearchStrategy[list[Line]]:
    """Generate some lines of a script."""
    return st.lists(st.builds(Line, sees, latencies), max_size=most)


scenarios = st.builds(
    Scenario,
    policy=policies,
    lines=st.tuples(
        lines(pending | failures | st.just(Glitch("oh")), most=12),
        st.builds(Line, st.one_of(pending, ends, failures, fatalities), latencies),
    ).map(lambda parts: (*parts[0], parts[1])),
    draws=st.lists(draws, min_size=1, max_size=20).map(tuple),
    hint=hints,
    dawdle=st.just(0.0) | times(0, 5),
)
"""Waits that end: every policy allows a number of calls."""

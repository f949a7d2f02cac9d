"""What observers of a wait are told: in order, in pairs, with one end, and whatever they do themselves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenarios import (
    FORMS,
    Form,
    Record,
    Scenario,
    asyncio_record,
    plain,
    scenarios,
    sync_record,
    trio_record,
)

from bide import (
    AsyncPoller,
    End,
    Limits,
    Observation,
    Poller,
    RequestError,
    Situation,
    StrategyError,
    Update,
    Wait,
)
from bide.events import Event, HintFollowed, PollAnswered, PollFailed, PollStarting, WaitEnded
from bide.testing import ScriptedJob, VirtualClock
from bide_strategies import Fixed

PENDING = Observation("pending")
DONE = Observation("completed")

drivers = st.sampled_from([sync_record, asyncio_record, trio_record])


@given(scenarios, st.sampled_from(FORMS), drivers)
def test_events_come_in_pairs_and_end_once(
    scenario: Scenario, form: Form, drive: Callable[[Scenario, Form], Record]
) -> None:
    """Every poll starts and is answered or failed; one end, the last of all, holds the outcome."""
    record = drive(scenario, form)
    assert record.outcome is not None
    *before, last = record.events
    assert isinstance(last, WaitEnded)
    assert repr(last.outcome) == repr(record.outcome)  # which may hold a NaN
    assert len({event.wait for event in record.events}) == 1
    polls = [event for event in before if not isinstance(event, HintFollowed)]
    for call, (starting, told) in enumerate(zip(polls[::2], polls[1::2], strict=True), 1):
        assert isinstance(starting, PollStarting)
        assert isinstance(told, PollAnswered | PollFailed)
        assert starting.call == told.call == call
        assert starting.elapsed == record.starts[call - 1]
        assert told.elapsed == record.answers[call - 1]
        assert told.took == told.elapsed - starting.elapsed
    assert len(polls) == 2 * record.outcome.calls
    assert len(before) - len(polls) == record.outcome.hints_followed


class Observed:
    """A wait for a job that stays pending, and the names of what its observers are told."""

    def __init__(
        self, *observers: Callable[[Event], object], script: Any = (PENDING,), **limits: Any
    ) -> None:
        self.events: list[Event] = []
        self.job = ScriptedJob(script)
        clock = self.job.clock
        self.poller = Poller(
            Fixed(interval=1.0),
            Limits(**limits),
            clock=clock.time,
            sleep=clock.sleep,
            observers=[*observers, self.events.append],
        )

    @property
    def names(self) -> list[str]:
        """The kinds of the events, in order."""
        return [type(event).__name__ for event in self.events]

    def assert_cancelled_after(self, *names: str) -> None:
        """Hold the events to those, and one end that says that nobody waits any more."""
        assert self.names == [*names, "WaitEnded"]
        ended = self.events[-1]
        assert isinstance(ended, WaitEnded)
        assert ended.outcome.end is End.CANCELLED


def test_who_leaves_the_updates_ends_the_wait() -> None:
    """The end is told when the updates are closed."""
    observed = Observed()
    for _ in observed.poller.watch(observed.job.poll):
        break
    observed.assert_cancelled_after("PollStarting", "PollAnswered")


def test_who_leaves_the_last_update_hears_of_one_end() -> None:
    """That of the job, and not that somebody left then."""
    observed = Observed(script=[DONE])
    for _ in observed.poller.watch(observed.job.poll):
        break
    assert observed.names == ["PollStarting", "PollAnswered", "WaitEnded"]
    assert isinstance(observed.events[-1], WaitEnded)
    assert observed.events[-1].outcome.end is End.COMPLETED


@pytest.mark.parametrize("last", [False, True])
def test_an_error_in_on_update_ends_the_wait_once(last: bool) -> None:
    """It passes through, at any update."""
    observed = Observed(script=[PENDING, DONE])

    def on_update(update: Update) -> None:
        if (update.outcome is not None) is last:
            raise KeyError

    with pytest.raises(KeyError):
        observed.poller.wait(observed.job.poll, on_update=on_update)
    assert observed.names.count("WaitEnded") == 1


def test_an_error_of_the_poll_function_ends_the_wait() -> None:
    """It passes through, and the poll that it broke has no second event."""
    observed = Observed(script=[PENDING, ZeroDivisionError()])
    with pytest.raises(ZeroDivisionError):
        observed.poller.wait(observed.job.poll)
    observed.assert_cancelled_after("PollStarting", "PollAnswered", "PollStarting")


def test_a_broken_strategy_ends_the_wait() -> None:
    """A StrategyError passes through, and the end is told."""

    class Broken:
        def delay(self, situation: Situation, u: float) -> float:
            return 0.0 if situation.polls == 0 else -1.0

    events: list[Event] = []
    with pytest.raises(StrategyError):
        Poller(Broken(), observers=[events.append]).wait(lambda: PENDING)
    assert [type(event).__name__ for event in events] == ["PollStarting", "PollAnswered", "WaitEnded"]


def test_a_wait_of_its_own_observers_is_told_of_its_polls() -> None:
    """It does not matter whose the observers are, the wait's or the driver's."""
    events: list[Event] = []
    observed = Observed(script=[DONE])
    observed.poller.wait(observed.job.poll, Wait(observed.poller, now=0.0, observers=[events.append]))
    assert [type(event).__name__ for event in events] == ["PollStarting", "PollAnswered", "WaitEnded"]
    assert observed.events == []


def test_an_observer_that_raises_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The wait and the other observers go on; the log says so once for each wait, with the reason."""

    def broken(event: Event) -> None:
        raise LookupError("no such span")

    observed = Observed(broken, script=[PENDING, RequestError("503"), DONE])
    for _ in range(2):
        observed.job = ScriptedJob([PENDING, RequestError("503"), DONE], observed.job.clock)
        with caplog.at_level(logging.WARNING, logger="bide"):
            assert observed.poller.wait(observed.job.poll).calls == 3
    assert len(observed.events) == 14
    assert len(caplog.records) == 2
    assert "broken" in caplog.records[0].getMessage()
    assert "no such span" in (caplog.records[0].exc_text or "")


def test_what_stops_the_program_is_not_swallowed() -> None:
    """Ctrl-C in an observer ends the wait."""

    def interrupted(event: Event) -> None:
        if isinstance(event, PollAnswered):
            raise KeyboardInterrupt

    observed = Observed(interrupted)
    with pytest.raises(KeyboardInterrupt):
        observed.poller.wait(observed.job.poll)


def test_async_events_are_the_same_when_a_poll_raises() -> None:
    """The async driver tells of the same end."""
    observed = Observed(script=[PENDING, ZeroDivisionError()])
    clock = VirtualClock()
    job = ScriptedJob([PENDING, ZeroDivisionError()], clock)
    events: list[Event] = []
    poller = AsyncPoller(Fixed(interval=1.0), clock=clock.time, sleep=clock.asleep, observers=[events.append])
    with pytest.raises(ZeroDivisionError):
        observed.poller.wait(observed.job.poll)
    coroutine = poller.wait(job.apoll)
    with pytest.raises(ZeroDivisionError):
        coroutine.send(None)
    assert [*map(plain, events)][:-1] == [*map(plain, observed.events)][:-1]
    assert isinstance(events[-1], WaitEnded)

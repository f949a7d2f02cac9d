"""What waits tell a strategy that learns, whoever drives them."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from attrs import evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from bide import (
    AsyncPoller,
    End,
    Limits,
    Observation,
    Outcome,
    Policy,
    Poller,
    RequestError,
    Situation,
    Strategy,
    Wait,
    WaitError,
)
from bide.learning import Lesson
from bide.testing import ScriptedJob, VirtualClock, simulate
from bide_strategies import Clamp, Fixed, Scale, Then

COMPLETED, FAILED = Observation("completed"), Observation("error")


@frozen
class Pupil:
    """Looks every so many seconds, keeps what it is told, and looks twice as often in the next wait."""

    interval: float = 4.0
    told: list[Lesson] = field(factory=list, eq=False, repr=False)

    def delay(self, situation: Situation, u: float) -> float:
        return self.interval if situation.polls else 0.0

    def begun(self, key: str) -> Pupil:
        return evolve(self, interval=self.interval / 2 ** len(self.told))

    def learn(self, lesson: Lesson) -> None:
        self.told.append(lesson)


def sync_wait(job: ScriptedJob, strategy: Strategy, **settings: Any) -> None:
    """Wait in this thread."""
    clock = job.clock
    Poller(strategy, clock=clock.time, wall_clock=clock.time, sleep=clock.sleep, **settings).wait(job.poll)


def async_wait(job: ScriptedJob, strategy: Strategy, **settings: Any) -> None:
    """Wait in a task."""
    clock = job.clock
    poller = AsyncPoller(strategy, clock=clock.time, wall_clock=clock.time, sleep=clock.asleep, **settings)
    asyncio.run(poller.wait(job.apoll))


def watched(job: ScriptedJob, strategy: Strategy, **settings: Any) -> None:
    """Wait update by update."""
    clock = job.clock
    poller = Poller(strategy, clock=clock.time, wall_clock=clock.time, sleep=clock.sleep, **settings)
    list(poller.watch(job.poll))


DRIVERS = pytest.mark.parametrize("wait", [sync_wait, async_wait, watched])
Drive = Callable[..., None]


def lesson_of(wait: Drive, job: ScriptedJob, **settings: Any) -> Lesson:
    """Return the one thing that a wait tells."""
    pupil = Pupil()
    with suppress(WaitError):
        wait(job, pupil, **settings)
    [lesson] = pupil.told
    return lesson


@DRIVERS
def test_an_end_lies_between_the_last_two_polls(wait: Drive) -> None:
    """Without a word of the server's, the job ended after it was last seen to run."""
    lesson = lesson_of(wait, ScriptedJob(ends_at=9.0))
    assert lesson == Lesson(low=8.0, high=12.0, end=End.COMPLETED, began_at=0.0)


@DRIVERS
def test_a_server_that_says_when_the_job_ended_is_believed(wait: Drive) -> None:
    """The duration is exact, of a failed job as of one that completed."""
    for status, end in (("completed", End.COMPLETED), ("error", End.JOB_FAILED)):
        seen = Observation(status, completed_at=1009.0)  # type: ignore[arg-type]
        lesson = lesson_of(wait, ScriptedJob([seen], VirtualClock(1000.0), ends_at=1009.0))
        assert lesson == Lesson(low=9.0, high=9.0, end=end, began_at=1000.0)


@pytest.mark.parametrize("said", [1007.0, 1013.0, math.inf, math.nan])
def test_a_server_whose_clock_is_not_ours_is_not_believed(said: float) -> None:
    """A job that was seen to run later, or to be over earlier, did not end when the server says."""
    seen = Observation("completed", completed_at=said)
    lesson = lesson_of(sync_wait, ScriptedJob([seen], VirtualClock(1000.0), ends_at=1009.0))
    assert (lesson.low, lesson.high) == (8.0, 12.0)


def test_a_job_that_was_over_before_says_nothing() -> None:
    """A wait that begins after the job's end does not know how long the job took."""
    pupil, seen = Pupil(), Observation("completed", completed_at=500.0)
    sync_wait(ScriptedJob([seen], VirtualClock(1000.0)), pupil)
    assert pupil.told == []


@DRIVERS
@pytest.mark.parametrize("late", [0.0, 5.0, 500.0])
@pytest.mark.parametrize("skew", [0.0, -300.0, 300.0])
def test_a_late_wait_learns_how_long_the_job_took(wait: Drive, late: float, skew: float) -> None:
    """If the server says when the job was created and when it ended, by a clock that need not be ours."""
    born = 1000.0 - late + skew
    seen = Observation("completed", created_at=born, completed_at=born + late + 9.0)
    lesson = lesson_of(wait, ScriptedJob([seen], VirtualClock(1000.0), ends_at=1009.0))
    assert (lesson.low, lesson.high, lesson.began_at) == (late + 9.0, late + 9.0, 1000.0)


def test_a_job_that_was_over_before_tells_how_long_it_took() -> None:
    """If the server says when it was created: a wait from the shell may come minutes after its job."""
    seen = Observation("completed", created_at=493.0, completed_at=500.0)
    lesson = lesson_of(sync_wait, ScriptedJob([seen], VirtualClock(1000.0)))
    assert (lesson.low, lesson.high) == (7.0, 7.0)


@given(
    late=st.floats(0.0, 500.0),
    took=st.floats(0.0, 400.0),
    says_end=st.booleans(),
    grain=st.sampled_from([0.0, 1.0]),
)
@settings(max_examples=50)
def test_a_late_wait_learns_nothing_that_is_wrong(
    late: float, took: float, says_end: bool, grain: float
) -> None:
    """The job took between the bounds, however late the wait began, and whatever of it the server tells."""
    born, began = 10_000_000.0, 10_000_000.0 + late
    ended = max(born + took, began)  # a wait for a job that is over sees that at once
    told: dict[str, Any] = {
        "created_at": born,
        "completed_at": (born + took if grain == 0.0 else math.floor(born + took)) if says_end else None,
    }
    lesson = lesson_of(
        sync_wait,
        ScriptedJob([Observation("completed", **told)], VirtualClock(began), ends_at=ended),
        limits=Limits(max_attempts=None, timeout=None),
    )
    assert lesson.low - grain - 1e-6 <= took <= lesson.high + grain + 1e-6


@pytest.mark.parametrize("created_at", [math.nan, math.inf, 1005.0])
def test_a_server_that_does_not_know_when_the_job_was_created_is_not_believed(created_at: float) -> None:
    """What took no time, or less than the job was seen to run, is measured by the answers."""
    seen = Observation("completed", created_at=created_at, completed_at=1009.0)
    lesson = lesson_of(sync_wait, ScriptedJob([seen], VirtualClock(1000.0), ends_at=1009.0))
    assert (lesson.low, lesson.high) == (8.0, 12.0)


@DRIVERS
@pytest.mark.parametrize(
    ("limits", "end"),
    [
        (Limits(timeout=10.0), End.TIMED_OUT),
        (Limits(max_attempts=3), End.ATTEMPTS_EXHAUSTED),
    ],
)
def test_who_gives_up_tells_how_long_the_job_ran(wait: Drive, limits: Limits, end: End) -> None:
    """Its duration is more than that, and nobody knows how much."""
    lesson = lesson_of(wait, ScriptedJob(ends_at=1e6), limits=limits)
    assert lesson.low == (10.0 if limits.timeout == 10.0 else 8.0)
    assert (lesson.high, lesson.end) == (math.inf, end)


def test_polls_that_failed_say_nothing_of_the_job() -> None:
    """The bounds are the last two polls that were answered."""
    job = ScriptedJob([RequestError("503"), RequestError("503"), COMPLETED], ends_at=9.0)
    lesson = lesson_of(sync_wait, job, error_strategy=Fixed(interval=1.0))
    assert (lesson.low, lesson.high) == (8.0, 14.0)


def test_a_wait_that_saw_nothing_tells_nothing() -> None:
    """Who gave up before the first answer has not even seen the job run."""
    pupil = Pupil()
    with pytest.raises(WaitError):
        sync_wait(ScriptedJob([RequestError("503")]), pupil, limits=Limits(max_attempts=3))
    assert pupil.told == []


def test_whoever_breaks_off_tells_once() -> None:
    """An exception of the caller's ends the wait, and so does one after the end."""
    pupil, job = Pupil(), ScriptedJob(ends_at=9.0)
    clock = job.clock
    poller = Poller(pupil, clock=clock.time, wall_clock=clock.time, sleep=clock.sleep)
    for at in (2, 4):
        with pytest.raises(ZeroDivisionError):
            poller.wait(job.poll, on_update=lambda update, at=at: 1 / (update.calls - at))  # type: ignore[misc]
    assert [(lesson.low, lesson.high) for lesson in pupil.told] == [(4.0, math.inf), (4.0, 6.0)]


def test_a_resumed_wait_counts_from_its_start() -> None:
    """And says that it goes on, so that the wait before it is not counted too."""
    pupil = Pupil()
    poller = Poller(pupil)
    wait = Wait(poller, now=0.0, started_at=1000.0)
    wait.first_delay()
    wait.answered(Observation("pending"), 0.0)
    wait.answered(Observation("pending"), 4.0)
    again = Wait.resume(wait.token(), poller, now=50.0, at=1006.0)
    again.first_delay()
    again.answered(COMPLETED, 52.0)
    assert pupil.told == [Lesson(low=4.0, high=8.0, end=End.COMPLETED, began_at=1000.0, resumed=True)]


def test_a_wait_keeps_what_was_known_when_it_began() -> None:
    """What others learn meanwhile changes the next wait, not this one."""
    pupil = Pupil()
    poller = Poller(pupil)
    first, second = poller.begin(), poller.begin()
    for wait in (first, second):
        wait.answered(Observation("pending"), wait.started)
    first.answered(COMPLETED, first.started + 4.0)
    assert second.answered(Observation("pending"), second.started + 4.0) == 4.0
    assert poller.begin().answered(Observation("pending"), poller.clock()) == pytest.approx(2.0)


@pytest.mark.parametrize(
    "around",
    [
        lambda pupil: Clamp(strategy=pupil, high=60.0),
        lambda pupil: Scale(strategy=Clamp(strategy=pupil), factor=1.0),
        lambda pupil: Then(start=Fixed(interval=1.0), polls=1, rest=pupil),
        lambda pupil: Then(start=pupil, polls=1, rest=pupil),
    ],
)
def test_those_within_others_learn_too(around: Callable[[Pupil], Strategy]) -> None:
    """Once for each wait, wherever they are; and the next wait knows."""
    pupil = Pupil()
    policy = Policy(around(pupil), Limits(timeout=None))
    for _ in range(2):
        wait = Wait(policy, now=0.0, started_at=0.0)
        wait.answered(Observation("pending"), 0.0)
        wait.answered(Observation("pending"), 3.0)
        wait.answered(COMPLETED, 5.0)
    assert [(lesson.low, lesson.high) for lesson in pupil.told] == [(3.0, 5.0), (3.0, 5.0)]
    later = Wait(policy, now=0.0, started_at=0.0)
    later.answered(Observation("pending"), 0.0)
    assert later.answered(Observation("pending"), 3.0) == pytest.approx(1.0)


def test_the_key_of_a_wait_reaches_who_learns() -> None:
    """Jobs that have something in common are told apart from the others."""
    pupil = Pupil()
    wait = Poller(pupil).begin(key="large")
    wait.answered(Observation("pending"), wait.started + 1.0)
    wait.answered(COMPLETED, wait.started + 2.0)
    assert pupil.told[0].key == "large"


def test_a_wait_that_is_only_tried_teaches_nothing() -> None:
    """The lab and the bounds try a strategy as it is: their waits do not know the time of day."""
    pupil = Pupil()
    pupil.told.append(Lesson(low=1.0, high=1.0, end=End.COMPLETED, began_at=0.0))
    wait = Wait(Policy(pupil), now=0.0)
    wait.answered(Observation("pending"), 0.0)
    assert wait.answered(Observation("pending"), 4.0) == 4.0
    wait.answered(COMPLETED, 8.0)
    assert len(pupil.told) == 1


@pytest.mark.parametrize("around", [lambda pupil: pupil, lambda pupil: Clamp(strategy=pupil, high=60.0)])
def test_a_wait_that_is_simulated_teaches_nothing(around: Callable[[Pupil], Strategy]) -> None:
    """It is as a wait that begins now would be, with its token and its lag, but its job is made up."""
    pupil = Pupil()
    pupil.told.append(Lesson.exact(1.0))
    job = ScriptedJob([Observation("completed", completed_at=5.0)], ends_at=5.0)
    outcome = simulate(around(pupil), job.poll, job.clock)
    assert (job.polls, outcome.lag) == ([0.0, 2.0, 4.0, 6.0], 1.0)
    endless = ScriptedJob(ends_at=1e9)
    assert simulate(Policy(around(pupil), Limits(max_attempts=2)), endless.poll, endless.clock).token
    assert len(pupil.told) == 1


def test_who_cannot_learn_breaks_no_wait(caplog: pytest.LogCaptureFixture) -> None:
    """The job has ended all the same, and the log says why nothing was learned."""

    class Broken(Pupil):
        def learn(self, lesson: Lesson) -> None:
            raise OSError("the disk is full")

    wait = Poller(Broken()).begin()
    with caplog.at_level(logging.ERROR, logger="bide"):
        end = wait.answered(COMPLETED, wait.started + 1.0)
    assert isinstance(end, Outcome)
    assert "could not learn" in caplog.text
    assert "the disk is full" in caplog.text

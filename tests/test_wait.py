"""The engine and its driver, on a virtual clock."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable

import pytest
from attrs import frozen
from generators import draws, limits, shipped
from hypothesis import given
from hypothesis import strategies as st

from bide import (
    AttemptsExhausted,
    ConfigError,
    End,
    JobCancelled,
    JobFailed,
    JobNotFound,
    Limits,
    Observation,
    Outcome,
    Poller,
    PollsFailed,
    RequestError,
    RequestRefused,
    Situation,
    Strategy,
    StrategyError,
    Update,
    Wait,
    WaitError,
    WaitTimeout,
)
from bide.testing import ScriptedJob, VirtualClock
from bide_strategies import Exponential, Fixed, Then

PENDING = Observation("pending")
DONE = Observation("completed", result="the film")


def poller_on(clock: VirtualClock, strategy: Strategy, limits: Limits, u: float = 0.5) -> Poller:
    """Return a poller that lives on the clock and draws the same number always."""
    return Poller(strategy, limits, clock=clock.time, sleep=clock.sleep, draw=lambda: u)


def end_of(wait: Callable[[], Outcome]) -> Outcome:
    """Return how a wait ended, whether it raised or not."""
    try:
        return wait()
    except WaitError as error:
        assert error.outcome is not None
        return error.outcome


EVERY_SECOND = Fixed(interval=1.0)


def test_looks_at_once_then_by_the_strategy() -> None:
    """The first poll is at 0, the next after each delay, and the outcome tells calls, time and result."""
    clock = VirtualClock()
    job = ScriptedJob([DONE], clock, ends_at=2.5)
    outcome = poller_on(clock, EVERY_SECOND, Limits()).wait(job.poll)
    assert job.polls == [0, 1, 2, 3]
    assert outcome == Outcome(end=End.COMPLETED, observation=DONE, calls=4, elapsed=3.0)


def test_last_poll_is_at_the_deadline() -> None:
    """A sleep that would pass the deadline is cut to it, one poll is made there, and none after it."""
    clock = VirtualClock()
    job = ScriptedJob([DONE], clock, ends_at=math.inf)
    with pytest.raises(WaitTimeout) as caught:
        poller_on(clock, EVERY_SECOND, Limits(timeout=2.5)).wait(job.poll)
    assert job.polls == [0, 1, 2, 2.5]
    assert isinstance(caught.value, TimeoutError)
    assert (caught.value.calls, caught.value.elapsed, caught.value.observation) == (4, 2.5, PENDING)


def test_a_job_that_ends_at_the_deadline_is_found() -> None:
    """What ended at the deadline itself is completed, not timed out."""
    clock = VirtualClock()
    job = ScriptedJob([DONE], clock, ends_at=2.5)
    assert poller_on(clock, EVERY_SECOND, Limits(timeout=2.5)).wait(job.poll).calls == 4


def test_a_slow_answer_over_the_deadline_is_followed_by_one_last_look() -> None:
    """A poll that saw the job pending before the deadline, and was answered after it, proves nothing."""
    clock = VirtualClock()
    job = ScriptedJob(
        [DONE], clock, ends_at=1.5, latency=2.0
    )  # seen pending at 0, answered at 2; the deadline is at 1.8
    outcome = poller_on(clock, EVERY_SECOND, Limits(timeout=1.8)).wait(job.poll)
    assert job.polls == [0, 2]
    assert outcome.end is End.COMPLETED


def test_an_early_wake_at_the_deadline_is_not_the_last() -> None:
    """Where a sleep ends too early, the wait sleeps again and still looks at the deadline."""
    clock = VirtualClock()
    job = ScriptedJob([DONE], clock, ends_at=9.9)
    limits = Limits(max_attempts=None, timeout=10.0)
    poller = Poller(
        Fixed(interval=100.0), limits, clock=clock.time, sleep=lambda seconds: clock.sleep(seconds / 2)
    )
    assert poller.wait(job.poll).elapsed == pytest.approx(9.92, abs=0.02)


def test_attempts_are_counted_and_no_sleep_follows_the_last() -> None:
    """After the last attempt the wait ends at once."""
    clock = VirtualClock()
    job = ScriptedJob([DONE], clock, ends_at=math.inf)
    with pytest.raises(AttemptsExhausted, match="attempts exhausted after 3 calls in 2s"):
        poller_on(clock, EVERY_SECOND, Limits(max_attempts=3)).wait(job.poll)
    assert clock.now == 2.0


@pytest.mark.parametrize(
    ("status", "error", "end"),
    [("error", JobFailed, End.JOB_FAILED), ("cancelled", JobCancelled, End.JOB_CANCELLED)],
)
def test_a_job_that_ends_otherwise_raises_its_kind(status: str, error: type[WaitError], end: End) -> None:
    """A job's own failure is told apart from all others, and carries what was last seen."""
    seen = Observation(status, result={"message": "no disk"})  # type: ignore[arg-type]
    with pytest.raises(error, match=r"job failed after 1 call in 0s: no disk|job cancelled") as caught:
        poller_on(VirtualClock(), EVERY_SECOND, Limits()).wait(lambda: seen)
    assert caught.value.observation == seen
    assert caught.value.outcome is not None
    assert caught.value.outcome.end is end


def test_failed_polls_say_nothing_about_the_job() -> None:
    """Failures count as calls, leave the schedule where it was, and the wait goes on."""
    clock = VirtualClock()
    down = RequestError("no connection")
    script = ScriptedJob([PENDING, PENDING, down, down, PENDING, DONE])
    strategy = Exponential(base=1.0, factor=2.0, cap=100.0)
    updates = list(poller_on(clock, strategy, Limits()).watch(script.poll))
    # answered polls: 1, 2, then 4 s; after failures the strategy begins anew: 1, 2
    assert [update.next_delay for update in updates] == [1, 2, 1, 2, 4, None]
    assert [update.failure for update in updates] == [None, None, down, down, None, None]
    assert updates[-1].calls == 6


def test_a_failure_late_in_a_wait_is_no_new_beginning() -> None:
    """What a strategy chooses after a failure, it chooses in the knowledge of the time."""
    clock = VirtualClock()
    script = ScriptedJob([PENDING, PENDING, RequestError("503"), DONE])
    strategy = Then(start=Fixed(interval=50.0), seconds=60.0, rest=Fixed(interval=3.0))
    updates = list(poller_on(clock, strategy, Limits()).watch(script.poll))
    assert [update.next_delay for update in updates] == [50, 50, 3, None]


def test_a_strategy_is_told_the_truth() -> None:
    """Polls, time, its own delay and what was last seen: each as it is when the delay is chosen."""
    told: list[Situation] = []

    @frozen
    class Recording:
        def delay(self, situation: Situation, u: float) -> float:
            told.append(situation)
            return 2.0

    clock = VirtualClock()
    halfway = Observation("pending", progress=0.5)
    down = RequestError("503")
    job = ScriptedJob([PENDING, down, down, halfway, DONE], clock, latency=0.5)
    poller_on(clock, Recording(), Limits()).wait(job.poll)
    assert told == [
        Situation(0, 0.0, 0.0, None),
        Situation(1, 2.5, 2.0, PENDING),
        Situation(1, 5.0, 0.0, PENDING),  # the first failure in a row
        Situation(2, 7.5, 2.0, PENDING),
        Situation(2, 10.0, 2.0, halfway),
    ]


def test_a_poll_that_the_deadline_cut_short_is_followed_by_one_at_it() -> None:
    """Such a failure is no fault of the server: it does not end the streak before the last look."""
    clock = VirtualClock()
    job = ScriptedJob([RequestError("cut short"), DONE], clock, latency=4.0)
    outcome = poller_on(clock, EVERY_SECOND, Limits(timeout=4.0, max_failures=1)).wait(job.poll)
    assert job.polls == [0.0, 4.0]
    assert outcome.end is End.COMPLETED


@pytest.mark.parametrize("early", [0.01, 0.5])
def test_a_sleep_that_ends_early_is_no_deadline(early: float) -> None:
    """A poll that comes noticeably before the deadline is not taken for the one at it."""
    clock = VirtualClock()
    job = ScriptedJob([DONE], clock, ends_at=9.999)

    def sleep(seconds: float) -> None:
        clock.sleep(seconds - early if seconds > early else seconds)

    limits = Limits(max_attempts=None, timeout=10.0)
    poller = Poller(Fixed(interval=100.0), limits, clock=clock.time, sleep=sleep)
    assert poller.wait(job.poll).elapsed == pytest.approx(10.0, abs=1e-3)


@pytest.mark.parametrize("form", ["called back", "watched"])
def test_who_takes_time_over_an_update_does_not_move_the_schedule(form: str) -> None:
    """The next poll comes when it was due, and the deadline where it was."""
    clock = VirtualClock()
    job = ScriptedJob(clock=clock, ends_at=math.inf)
    poller = poller_on(clock, EVERY_SECOND, Limits(timeout=2.5))

    def watch_slowly() -> None:
        for _ in poller.watch(job.poll):
            clock.sleep(0.8)

    def wait_slowly() -> None:
        poller.wait(job.poll, on_update=lambda _: clock.sleep(0.8))

    with pytest.raises(WaitTimeout):
        (watch_slowly if form == "watched" else wait_slowly)()
    assert job.polls == pytest.approx([0.0, 1.0, 2.0, 2.8])  # the last one is late, and still the last


@pytest.mark.parametrize("answer", [None, "completed", Observation])
def test_a_poll_function_that_returns_something_else_is_told(answer: object) -> None:
    """The error says what it must return, and what it did."""
    with pytest.raises(TypeError, match="the poll function must return an Observation, got"):
        poller_on(VirtualClock(), EVERY_SECOND, Limits()).wait(lambda: answer)  # type: ignore[arg-type, return-value]


def test_a_poller_takes_nothing_but_strategies() -> None:
    """The mistake shows where it is made."""
    for wrong in (None, "fixed", Fixed, 3):
        with pytest.raises(ConfigError, match="strategy: must be a strategy"):
            Poller(wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="jitter: must be a jitter, such as Full"):
        Exponential(jitter="full")  # type: ignore[arg-type]


def test_too_many_failures_in_a_row_end_the_wait() -> None:
    """A streak is limited; the error's cause is the last failure."""
    down = RequestError("no connection")
    script = ScriptedJob([PENDING, down, down, PENDING, down])
    poller = poller_on(VirtualClock(), EVERY_SECOND, Limits(max_attempts=None, max_failures=3))
    with pytest.raises(PollsFailed, match="no connection") as caught:
        poller.wait(script.poll)
    assert caught.value.__cause__ is down
    assert caught.value.calls == 7


def test_failures_count_as_attempts() -> None:
    """The limit of calls holds for failed polls too."""
    poller = poller_on(VirtualClock(), EVERY_SECOND, Limits(max_attempts=2))
    with pytest.raises(AttemptsExhausted):
        poller.wait(ScriptedJob([RequestError("503")]).poll)


@pytest.mark.parametrize("refusal", [JobNotFound("404"), RequestRefused("401")])
def test_a_refusal_ends_the_wait_at_once(refusal: RequestRefused) -> None:
    """What repeating cannot mend is not repeated; the error's kind stays, and it has the outcome."""
    script = ScriptedJob([PENDING, refusal])
    with pytest.raises(type(refusal)) as caught:
        poller_on(VirtualClock(), EVERY_SECOND, Limits()).wait(script.poll)
    assert caught.value.calls == 2
    assert caught.value.observation == PENDING


def test_a_bug_in_the_poll_function_passes_through() -> None:
    """An exception that is none of ours is neither swallowed nor counted."""
    with pytest.raises(ZeroDivisionError):
        poller_on(VirtualClock(), EVERY_SECOND, Limits()).wait(lambda: 1 / 0)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("hint", [0.0, -5.0, math.nan, None])
def test_a_hint_below_the_delay_changes_nothing(hint: float | None) -> None:
    """Zero, negative and senseless hints neither shorten the delay nor do harm."""
    clock = VirtualClock()
    script = ScriptedJob([Observation("pending", hint=hint), DONE])
    poller_on(clock, EVERY_SECOND, Limits()).wait(script.poll)
    assert clock.now == 1.0


def test_a_hint_is_a_floor_and_stays_out_of_the_strategy() -> None:
    """The wait is never earlier than the server says, and the strategy does not learn of it."""
    told: list[Situation] = []

    @frozen
    class Recording:
        def delay(self, situation: Situation, u: float) -> float:
            told.append(situation)
            return float(situation.polls)

    clock = VirtualClock()
    script = ScriptedJob([Observation("pending", hint=7.0), PENDING, DONE])
    updates = list(poller_on(clock, Recording(), Limits()).watch(script.poll))
    assert [update.next_delay for update in updates] == [7.0, 2.0, None]
    assert [situation.previous_delay for situation in told] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("hint", [1e12, math.inf])
def test_a_huge_hint_waits_no_longer_than_the_deadline(hint: float) -> None:
    """A server cannot make a wait pass its deadline; and without one it is followed for an hour."""
    clock = VirtualClock()
    script = ScriptedJob([Observation("pending", hint=hint), DONE])
    poller_on(clock, EVERY_SECOND, Limits()).wait(script.poll)
    assert clock.now == 120.0
    clock = VirtualClock()
    script = ScriptedJob([Observation("pending", hint=hint), DONE])
    poller_on(clock, EVERY_SECOND, Limits(timeout=None)).wait(script.poll)
    assert clock.now == 3600.0


def test_a_failure_s_hint_is_a_floor_too() -> None:
    """What a 429 or 503 says about coming back is followed."""
    clock = VirtualClock()
    poller_on(clock, EVERY_SECOND, Limits()).wait(ScriptedJob([RequestError("429", hint=9.0), DONE]).poll)
    assert clock.now == 9.0


@pytest.mark.parametrize("nonsense", [-1.0, math.nan, math.inf])
def test_a_strategy_that_answers_nonsense_is_named(nonsense: float) -> None:
    """What is no delay becomes an error that shows the strategy, its answer and the situation."""

    @frozen
    class Broken:
        def delay(self, situation: Situation, u: float) -> float:
            return nonsense

    with pytest.raises(StrategyError, match=r"Broken\(\) answered .* in Situation\(polls=0"):
        poller_on(VirtualClock(), Broken(), Limits()).wait(lambda: PENDING)


def test_an_unknown_status_is_named() -> None:
    """A poll function that invents a status is told which there are."""
    invented = Observation("running")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="pending, completed, error, cancelled, got 'running'"):
        poller_on(VirtualClock(), EVERY_SECOND, Limits()).wait(lambda: invented)


def test_a_delay_of_zero_does_not_sleep() -> None:
    """Even a sleep of zero seconds costs a system call."""

    @frozen
    class Eager:
        def delay(self, situation: Situation, u: float) -> float:
            return 0.0

    def sleep(seconds: float) -> None:
        raise AssertionError

    clock = VirtualClock()
    poller = Poller(Eager(), Limits(), clock=clock.time, sleep=sleep)
    assert poller.wait(ScriptedJob([PENDING, PENDING, DONE]).poll).calls == 3


def test_updates_come_as_they_happen_and_read_like_the_seed_s() -> None:
    """Each poll gives one update, at its time; the last one has the outcome; then the error, if any."""
    clock = VirtualClock()
    job = ScriptedJob([Observation("error")], clock, ends_at=1.0)
    seen: list[tuple[float, Update]] = []
    with pytest.raises(JobFailed):
        poller_on(clock, EVERY_SECOND, Limits()).wait(
            job.poll, on_update=lambda update: seen.append((clock.now, update))
        )
    assert [(time, str(update)) for time, update in seen] == [
        (0.0, "Attempt 1: job is pending"),
        (1.0, "Attempt 2: job is error"),
    ]
    assert [update.outcome is None for _, update in seen] == [True, False]


def test_an_error_survives_pickling() -> None:
    """What a worker process raises arrives whole: kind, text, outcome."""
    with pytest.raises(AttemptsExhausted) as caught:
        poller_on(VirtualClock(), EVERY_SECOND, Limits(max_attempts=1)).wait(lambda: PENDING)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is AttemptsExhausted
    assert str(copy) == str(caught.value)
    assert copy.outcome == caught.value.outcome


latencies = st.just(0.0) | st.floats(0, 10)


@given(shipped, limits, st.floats(0, 1e4), latencies, st.lists(draws, min_size=1, max_size=50))
def test_every_wait_keeps_its_limits(
    strategy: Strategy, within: Limits, duration: float, latency: float, drawn: list[float]
) -> None:
    """
    No more calls than allowed, none begun after the deadline but one, and that one ends the wait.

    A job that ended before the deadline is found; only the answers' own time may pass it. The wait knows no
    time of day, so nothing is learned between the examples.
    """
    if within.max_attempts is None:
        return
    clock = VirtualClock()
    job = ScriptedJob([DONE], clock, ends_at=duration, latency=latency)
    draw = iter(drawn * (within.max_attempts + 1)).__next__
    poller = Poller(strategy, within, clock=clock.time, sleep=clock.sleep)
    outcome = end_of(lambda: poller.wait(job.poll, wait=Wait(poller, now=clock.now, draw=draw)))
    assert outcome.calls == len(job.polls) <= within.max_attempts
    deadline = within.timeout if within.timeout is not None else math.inf
    on_time = deadline * (1 - 1e-12)
    assert all(poll < on_time for poll in job.polls[:-1])
    if outcome.end is End.TIMED_OUT:
        assert job.polls[-1] == pytest.approx(max(deadline, outcome.elapsed - latency), rel=1e-9)
        assert duration > on_time
    if outcome.end is End.COMPLETED:
        assert duration <= job.polls[-1]
        assert job.polls[-1] <= max(deadline, latency) + latency + 1e-6

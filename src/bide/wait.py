"""The engine: one wait as a small session that is told what happened and when, and does nothing itself."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from enum import StrEnum

from attrs import field, frozen

from bide.durations import MAX_SECONDS, Seconds, format_duration
from bide.errors import (
    AttemptsExhausted,
    JobCancelled,
    JobFailed,
    JobNotFound,
    PollsFailed,
    RequestError,
    RequestRefused,
    StrategyError,
    WaitError,
    WaitTimeout,
    printable,
)
from bide.rules import Number, seconds
from bide.strategy import Observation, Situation, Strategy

__all__ = ["End", "Limits", "Observation", "Outcome", "Wait"]

# A sleep may wake this many seconds early, by rounding or by the clock's steps, and still count as on time.
_ON_TIME = 1e-6


@frozen(kw_only=True)
class Limits:
    """
    What ends a wait that the job does not end.

    Args:
        max_attempts: most calls of one wait, failed ones included; None for any number.
        timeout: seconds from the start to the deadline, where one last poll is made; None for no deadline.
        max_failures: most failed polls in a row; None for any number.
    """

    max_attempts: int | None = field(default=10, validator=Number(least=1, whole=True, optional=True))
    timeout: Seconds | None = field(default=120.0, validator=seconds(above=0, optional=True))
    max_failures: int | None = field(default=5, validator=Number(least=1, whole=True, optional=True))


class End(StrEnum):
    """Why a wait is over."""

    COMPLETED = "completed"
    JOB_FAILED = "job failed"
    JOB_CANCELLED = "job cancelled"
    JOB_NOT_FOUND = "job not found"
    TIMED_OUT = "timed out"
    ATTEMPTS_EXHAUSTED = "attempts exhausted"
    POLLS_FAILED = "polls failed"
    REFUSED = "request refused"


_END_OF_JOB = {"completed": End.COMPLETED, "error": End.JOB_FAILED, "cancelled": End.JOB_CANCELLED}

_ERRORS: dict[End, type[WaitError]] = {
    End.JOB_FAILED: JobFailed,
    End.JOB_CANCELLED: JobCancelled,
    End.JOB_NOT_FOUND: JobNotFound,
    End.TIMED_OUT: WaitTimeout,
    End.ATTEMPTS_EXHAUSTED: AttemptsExhausted,
    End.POLLS_FAILED: PollsFailed,
    End.REFUSED: RequestRefused,
}


@frozen(kw_only=True)
class Outcome:
    """
    How a wait ended.

    Args:
        end: why it is over.
        observation: what the last answered poll saw; None if none was answered.
        calls: polls made, failed ones included.
        elapsed: seconds from the start of the wait to its end.
        failure: why the last poll failed, if it did.
    """

    end: End
    observation: Observation | None
    calls: int
    elapsed: float
    failure: RequestError | None = None

    def raise_for_end(self) -> Outcome:
        """
        Return this outcome if the job completed.

        Raises:
            WaitError: the kind that says how else the wait ended, with this outcome in it.
        """
        if self.end is End.COMPLETED:
            return self
        error = _ERRORS[self.end](str(self))
        error.outcome = self
        raise error from self.failure

    def __str__(self) -> str:
        calls = f"{self.calls} call{'' if self.calls == 1 else 's'}"
        text = f"{self.end} after {calls} in {format_duration(self.elapsed)}"
        reason = self._reason()
        return text if reason is None else f"{text}: {reason}"

    def _reason(self) -> object:
        """Return why the last poll failed, or what a failed job says; None without a reason."""
        if self.failure is not None or self.end is not End.JOB_FAILED or self.observation is None:
            return self.failure
        said = self.observation.result
        if isinstance(said, dict) and isinstance(said.get("message"), str):
            said = said["message"]
        return said if said is None else printable(str(said))


class Wait:
    """
    One client waiting for one job: a session without I/O, clock or sleep.

    A driver asks `first_delay`, sleeps, polls, and tells `answered` or `failed`; each says in return how many
    seconds to sleep before the next poll, or how the wait ended.

    The deadline is exact: a delay that would pass it is cut to it, and the poll there is the last. A poll
    that was due before the deadline but answered after it is followed by that last one at once, so a job that
    ended in time is never reported as timed out.

    A failed poll says nothing about the job. It counts as a call, and leaves the strategy's situation where
    it was; the n-th failure in a row is followed by the delay that the strategy would choose after n polls.

    Args:
        strategy: chooses the delays.
        limits: end the wait if the job does not.
        now: the time of the start, in seconds on the clock that the other methods are told about.
        draw: gives one number in [0, 1] for each delay.

    How far it has come: `calls`; `elapsed` seconds at the last poll; `observation`, of the last answered
    poll; `failure`, of the last poll if it failed.
    """

    __slots__ = (
        "_at_deadline",
        "_deadline",
        "_draw",
        "_failed_delay",
        "_failures",
        "_limits",
        "_max_calls",
        "_polls",
        "_previous_delay",
        "_strategy",
        "calls",
        "elapsed",
        "failure",
        "observation",
        "started",
    )

    def __init__(
        self, strategy: Strategy, limits: Limits, *, now: float, draw: Callable[[], float] = random.random
    ) -> None:
        """Start the wait now."""
        self._strategy = strategy
        self._limits = limits
        self._draw = draw
        self.started = now
        self._deadline = now + (limits.timeout if limits.timeout is not None else math.inf)
        self._max_calls = limits.max_attempts if limits.max_attempts is not None else math.inf
        self._at_deadline = False
        self._polls = 0
        self._previous_delay = 0.0
        self._failures = 0
        self._failed_delay = 0.0
        self.calls = 0
        self.elapsed = 0.0
        self.observation: Observation | None = None
        self.failure: RequestError | None = None

    def first_delay(self) -> float:
        """Return the seconds to sleep before the first poll."""
        return self._next_delay(self.started, None)

    def request_timeout(self, now: float, most: float) -> float:
        """
        Return the seconds that a request starting now may take.

        One that starts before the deadline may not pass it; the last one, at the deadline, may take the most.
        """
        remaining = self._deadline - now
        return most if remaining <= _ON_TIME else min(most, remaining)

    def answered(self, observation: Observation, now: float) -> float | Outcome:
        """Take what a poll saw; return the seconds to sleep before the next poll, or the outcome."""
        self.calls += 1
        self.elapsed = now - self.started
        self._polls += 1
        self._failures = 0
        self.observation = observation
        self.failure = None
        if observation.status != "pending":
            return self._outcome(_end_of_job(observation))
        end = self._limit_reached(now)
        return self._outcome(end) if end is not None else self._next_delay(now, observation.hint)

    def failed(self, failure: RequestError, now: float) -> float | Outcome:
        """Take why a poll failed; return the seconds to sleep before the next poll, or the outcome."""
        self.calls += 1
        self.elapsed = now - self.started
        self.failure = failure
        end = self._end_by_failure(failure, now) or self._limit_reached(now)
        if end is not None:
            return self._outcome(end)
        return self._delay_after_failure(now, failure.hint)

    def _end_by_failure(self, failure: RequestError, now: float) -> End | None:
        if isinstance(failure, JobNotFound):
            return End.JOB_NOT_FOUND
        if isinstance(failure, RequestRefused):
            return End.REFUSED
        if now >= self._deadline and not self._at_deadline:
            return None  # the deadline cut it short; the look at the deadline is still to come
        self._failures += 1
        most = self._limits.max_failures
        return End.POLLS_FAILED if most is not None and self._failures >= most else None

    def _limit_reached(self, now: float) -> End | None:
        if self._at_deadline and now >= self._deadline - _ON_TIME:
            return End.TIMED_OUT
        return End.ATTEMPTS_EXHAUSTED if self.calls >= self._max_calls else None

    def _next_delay(self, now: float, hint: float | None) -> float:
        delay = self._chosen(Situation(self._polls, self.elapsed, self._previous_delay, self.observation))
        self._previous_delay = delay
        return self._until_next(delay, hint, now)

    def _delay_after_failure(self, now: float, hint: float | None) -> float:
        before = 0.0 if self._failures == 1 else self._failed_delay
        delay = self._chosen(Situation(self._failures, self.elapsed, before, self.observation))
        self._failed_delay = delay
        return self._until_next(delay, hint, now)

    def _chosen(self, situation: Situation) -> float:
        """Return the strategy's delay, before a hint or the deadline changes it."""
        delay = self._strategy.delay(situation, self._draw())
        if 0.0 <= delay < math.inf:
            return delay
        raise StrategyError(
            f"{self._strategy!r} answered {delay!r} in {situation!r};"
            " a delay is a finite number of seconds, at least 0"
        )

    def _until_next(self, delay: float, hint: float | None, now: float) -> float:
        """Return the delay as the server's hint and the deadline change it."""
        # Comparisons, not min and max, which cost a call each at every poll.
        if hint is not None and hint > delay:
            delay = hint
        delay = delay if delay < MAX_SECONDS else MAX_SECONDS
        remaining = self._deadline - now
        self._at_deadline = delay >= remaining
        if not self._at_deadline:
            return delay
        return remaining if remaining > 0.0 else 0.0

    def _outcome(self, end: End) -> Outcome:
        return Outcome(
            end=end,
            observation=self.observation,
            calls=self.calls,
            elapsed=self.elapsed,
            failure=self.failure,
        )


def _end_of_job(observation: Observation) -> End:
    end = _END_OF_JOB.get(observation.status)
    if end is None:
        known = ", ".join(["pending", *_END_OF_JOB])
        raise ValueError(f"status must be one of {known}, got {observation.status!r}")
    return end

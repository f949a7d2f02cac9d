"""Where a wait stands in its schedule, what delay it chooses next, and when a limit ends it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from attrs import define, field, setters

from bide.draws import Draws
from bide.durations import MAX_SECONDS
from bide.errors import JobNotFound, RequestError, RequestRefused, StrategyError
from bide.events import Observer, Teller
from bide.outcome import End
from bide.policy import Policy
from bide.strategy import Observation, Situation, Strategy

ON_TIME = 1e-6
"""Seconds that a sleep may wake early, by rounding or by the clock's steps, and still count as on time."""


def _drawing(draw: Callable[[], float] | None) -> Callable[[], float]:
    return Draws() if draw is None else draw


@define(eq=False, weakref_slot=False, on_setattr=setters.NO_OP)
class Schedule:
    """
    The part of a `Wait` that chooses delays, or the end: from what polls saw, from hints and from its limits.

    Args:
        policy: the strategy, and how it is used.
        now: the time of the start, in seconds on the clock that the methods are told about.
        hint: seconds to the first poll that the server asked for when it made the job, if it did.
        draw: gives one number in [0, 1] for each delay.
        observers: are told what happens.
    """

    policy: Policy
    started: float = field(alias="now", kw_only=True)
    _hint: float | None = field(default=None, alias="hint", kw_only=True)
    _draw: Callable[[], float] = field(default=None, alias="draw", converter=_drawing, kw_only=True)
    observers: Sequence[Observer] = field(default=(), kw_only=True)

    calls: int = field(default=0, init=False)
    failed_calls: int = field(default=0, init=False)
    elapsed: float = field(default=0.0, init=False)
    observation: Observation | None = field(default=None, init=False)
    failed_in_a_row: int = field(default=0, init=False)
    previous_delay: float = field(default=0.0, init=False)
    failed_delay: float = field(default=0.0, init=False)
    hints_followed: int = field(default=0, init=False)
    _failing_since: float = field(default=0.0, init=False)
    _tell: Teller | None = field(default=None, init=False)
    _strategy: Strategy = field(init=False)
    _resumed: float = field(init=False)
    _deadline: float = field(init=False)
    _at_deadline: bool = field(default=False, init=False)
    _due: float | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        limits = self.policy.limits
        self._strategy = self.policy.strategy
        self._tell = Teller(self.observers) if self.observers else None
        self._resumed = self.started
        self._deadline = self.started + (math.inf if limits.timeout is None else limits.timeout)

    def first_delay(self) -> float:
        """Return the seconds to sleep before the first poll; of a resumed wait, before its next one."""
        now = self._resumed
        if self._due is not None:
            return self._until(self._due - now, now)
        return self._until(self._chosen() - (now - self.started - self.elapsed), now)

    def delay_left(self, now: float) -> float:
        """Return what is left of the delay, in seconds, for a driver that has let time pass since."""
        due = now if self._due is None else self._due
        return self._until(due - now, now)

    def request_timeout(self, now: float, most: float) -> float:
        """
        Return the seconds that a request starting now may take.

        One that starts before the deadline may not pass it; the last one, at the deadline, may take the most.
        """
        remaining = self._deadline - now
        return most if remaining <= ON_TIME else min(most, remaining)

    def hold_time(self, now: float, most: float) -> float:
        """Return the seconds for which a server may hold an answer back now: at the deadline none."""
        return max(0.0, min(most, self._deadline - now))

    def _end_by_failure(self, failure: RequestError, now: float, *, fatal: bool) -> End | None:
        if isinstance(failure, JobNotFound):
            return End.JOB_NOT_FOUND
        if isinstance(failure, RequestRefused):
            return End.REFUSED
        if fatal:
            return End.POLLS_FAILED
        if now >= self._deadline and not self._at_deadline:
            return None  # the deadline cut it short
        if self.failed_in_a_row == 0:
            self._failing_since = self.elapsed
        self.failed_in_a_row += 1
        return End.POLLS_FAILED if self._streak_is_over() else None

    def _streak_is_over(self) -> bool:
        most, longest = self.policy.limits.max_failures, self.policy.limits.failure_timeout
        if most is not None and self.failed_in_a_row >= most:
            return True
        return longest is not None and self.elapsed - self._failing_since >= longest - ON_TIME

    def _limit_reached(self, now: float) -> End | None:
        if self._at_deadline and now >= self._deadline - ON_TIME:
            return End.TIMED_OUT
        most = self.policy.limits.max_attempts
        return End.ATTEMPTS_EXHAUSTED if most is not None and self.calls >= most else None

    def _chosen(self) -> float:
        """Choose the delay from the last poll, or from the start, to the next poll."""
        if self.started + self.elapsed >= self._deadline:
            return 0.0  # the answer came too late to ask anybody: the look at the deadline follows at once
        u = self._draw()
        delay = self._after_failure(u) if self.failed_in_a_row else self._after_answer(u)
        if self.failed_in_a_row and self.policy.limits.failure_timeout is not None:
            delay = min(delay, self._failing_since + self.policy.limits.failure_timeout - self.elapsed)
        return delay if self._hint is None else self._as_hinted(delay, self._hint, u)

    def _after_answer(self, u: float) -> float:
        """Return the strategy's delay after the last answered poll, and remember it."""
        seen = self.observation
        situation = Situation(self.calls - self.failed_calls, self.elapsed, self.previous_delay, seen)
        delay = self._strategy.delay(situation, u)
        if not 0.0 <= delay < math.inf:
            raise _no_delay(self._strategy, situation, delay)
        self.previous_delay = delay
        if seen is None:
            return delay if self.policy.initial_delay is None else self.policy.initial_delay
        return delay - seen.held if seen.held > 0.0 else delay  # the server has slept for us

    def _after_failure(self, u: float) -> float:
        """Return the error strategy's delay after the last failed poll, and remember it."""
        before = 0.0 if self.failed_in_a_row == 1 else self.failed_delay
        situation = Situation(self.failed_in_a_row, self.elapsed, before, self.observation)
        strategy = self.policy.error_strategy or self._strategy
        delay = strategy.delay(situation, u)
        if not 0.0 <= delay < math.inf:
            raise _no_delay(strategy, situation, delay)
        self.failed_delay = delay
        return delay

    def _as_hinted(self, delay: float, hint: float, u: float) -> float:
        """Return the delay as the server's hint changes it; one of 0 seconds asks nothing."""
        if not hint > 0.0:
            return delay
        hinted = self.policy.hints.applied(hint, delay, u)
        if hinted != delay:
            self.hints_followed += 1
            if self._tell is not None:
                self._tell.hint_followed(self.elapsed, hint, delay, hinted)
        return hinted

    def _until(self, delay: float, now: float) -> float:
        """Keep when a delay ends, and return it as the deadline cuts it."""
        # Comparisons, not min and max, which cost a call each at every poll.
        if not delay > 0.0:
            delay = 0.0
        elif delay > MAX_SECONDS:
            delay = MAX_SECONDS
        self._due = now + delay
        remaining = self._deadline - now
        self._at_deadline = delay >= remaining - ON_TIME
        if self._at_deadline:
            delay = remaining if remaining > 0.0 else 0.0
        return delay


def _no_delay(strategy: object, situation: Situation, delay: float) -> StrategyError:
    return StrategyError(
        f"{strategy!r} answered {delay!r} in {situation!r}; a delay is a finite number of seconds, at least 0"
    )

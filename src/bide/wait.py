"""The engine: one wait as a small session that is told what happened and when, and does nothing itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Self

from attrs import define, field, setters

from bide.draws import Draws
from bide.durations import MAX_SECONDS
from bide.errors import JobNotFound, RequestError, RequestRefused, StrategyError
from bide.events import Observer, Teller
from bide.outcome import END_OF_JOB, End, Outcome
from bide.policy import Limits, Policy
from bide.position import COUNTED, Position, as_number
from bide.strategy import Observation, Situation

__all__ = ["End", "Limits", "Observation", "Outcome", "Wait"]

# A sleep may wake this many seconds early, by rounding or by the clock's steps, and still count as on time.
_ON_TIME = 1e-6

_FAILURES_KEPT = 10

_CAUSES = 100
"""How far back the causes of a failure are followed."""


def _drawing(draw: Callable[[], float] | None) -> Callable[[], float]:
    return Draws() if draw is None else draw


@define(eq=False, weakref_slot=False, on_setattr=setters.NO_OP)
class Wait:
    """
    One client waiting for one job: a session without I/O, clock or sleep.

    A driver asks `first_delay`, sleeps, says that a poll is `starting`, polls, and tells `answered` or
    `failed`; each of these says in return how many seconds to sleep before the next poll, or how the wait
    ended. `token` is text from which `resume` goes on in another process.

    The deadline is exact: a delay that would pass it is cut to it, and the poll there is the last. A poll
    that was due before the deadline but answered after it is followed by that last one at once, so a job that
    ended in time is never reported as timed out.

    A failed poll says nothing about the job. It counts as a call, and leaves the strategy's situation where
    it was; the n-th failure in a row is followed by the delay that the error strategy would choose after n
    polls.

    Args:
        policy: the strategy, and how it is used.
        now: the time of the start, in seconds on the clock that the other methods are told about.
        started_at: the same on the wall clock, in seconds since the epoch: for a token and the lag.
        hint: seconds to the first poll that the server asked for when it made the job, if it did.
        draw: gives one number in [0, 1] for each delay; by default a stream of the wait's own, which a token
            continues.
        observers: are told what happens.

    How far it has come: `calls`, of them `failed_calls`; `elapsed` seconds at the
    last poll; `observation`, of the last answered poll; `failure`, of the last poll if it failed;
    `failed_in_a_row`; `previous_delay` and `failed_delay`, the last ones that the strategies chose;
    `hints_followed`.
    """

    policy: Policy
    started: float = field(alias="now", kw_only=True)
    started_at: float | None = field(default=None, kw_only=True)
    _hint: float | None = field(default=None, alias="hint", kw_only=True)
    _draw: Callable[[], float] = field(default=None, alias="draw", converter=_drawing, kw_only=True)
    observers: Sequence[Observer] = field(default=(), kw_only=True)

    calls: int = field(default=0, init=False)
    failed_calls: int = field(default=0, init=False)
    elapsed: float = field(default=0.0, init=False)
    observation: Observation | None = field(default=None, init=False)
    failure: RequestError | None = field(default=None, init=False)
    failed_in_a_row: int = field(default=0, init=False)
    previous_delay: float = field(default=0.0, init=False)
    failed_delay: float = field(default=0.0, init=False)
    hints_followed: int = field(default=0, init=False)
    _failing_since: float = field(default=0.0, init=False)
    _failures: tuple[RequestError, ...] = field(default=(), init=False)
    _tell: Teller | None = field(default=None, init=False)
    _resumed: float = field(init=False)
    _deadline: float = field(init=False)
    _at_deadline: bool = field(default=False, init=False)
    _due: float | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        limits = self.policy.limits
        self._tell = Teller(self.observers) if self.observers else None
        self._resumed = self.started
        self._deadline = self.started + (math.inf if limits.timeout is None else limits.timeout)

    @classmethod
    def resume(
        cls,
        token: str,
        policy: Policy,
        *,
        now: float,
        at: float,
        timeout: float | None = None,
        draw: Callable[[], float] | None = None,
        observers: Sequence[Observer] = (),
    ) -> Self:
        """
        Go on with a wait where a token left it: with its schedule, its counts and its deadline.

        Args:
            token: of the wait.
            policy: the one that it had; the limits count from its start, but its deadline stays.
            now: the time, in seconds on the clock that the other methods are told about.
            at: the same on the wall clock, in seconds since the epoch.
            timeout: seconds from now to a new deadline; by default the wait keeps its own.
            draw: as for a new wait, if it drew so; by default the wait's own stream goes on.
            observers: are told what happens.

        Raises:
            TokenError: the token is damaged, of a later version, or none at all.
        """
        position = Position.from_token(token)
        if draw is None and position.draws is not None:
            draw = Draws(position.draws)
        since = max(at - position.started_at, position.elapsed)  # also if the wall clock was set back
        wait = cls(policy, now=now - since, started_at=position.started_at, draw=draw, observers=observers)
        wait._restore(position)
        wait._resumed = now
        if timeout is not None:
            wait._deadline = now + timeout
        return wait

    def token(self) -> str:
        """
        Return text from which `resume` goes on in another process; see `bide.position.Position`.

        Raises:
            ValueError: the wait was not told when it started by the wall clock.
        """
        if self.started_at is None:
            raise ValueError("a token needs a wait that knows the time of day: give it started_at")
        seen = self.observation
        endless = self._deadline == math.inf
        return Position(
            started_at=self.started_at,
            deadline_at=None if endless else self.started_at + (self._deadline - self.started),
            due=None if self._due is None else self._due - self.started,
            failing_since=self._failing_since if self.failed_in_a_row else None,
            progress=as_number(seen.progress) if seen is not None else None,
            hint=as_number(seen.hint) if seen is not None else None,
            held=as_number(seen.held) if seen is not None else None,
            asked=as_number(self._hint),
            draws=self._draw.state if isinstance(self._draw, Draws) else None,
            **{name: getattr(self, name) for name in COUNTED},
        ).to_token()

    def _restore(self, position: Position) -> None:
        """Take over what a token says of a wait that started when this one did."""
        for name in COUNTED:
            setattr(self, name, getattr(position, name))
        self._hint = position.asked
        self._failing_since = position.failing_since or 0.0
        self._due = None if position.due is None else self.started + position.due
        at = position.deadline_at
        self._deadline = math.inf if at is None else self.started + (at - position.started_at)
        if position.calls > position.failed_calls:
            self.observation = Observation(
                "pending", progress=position.progress, hint=position.hint, held=position.held or 0.0
            )

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

    def starting(self, now: float) -> None:
        """Take that a poll starts now; only observers need to know."""
        if self._tell is not None:
            self._tell.starting(self.calls + 1, now - self.started)

    def request_timeout(self, now: float, most: float) -> float:
        """
        Return the seconds that a request starting now may take.

        One that starts before the deadline may not pass it; the last one, at the deadline, may take the most.
        """
        remaining = self._deadline - now
        return most if remaining <= _ON_TIME else min(most, remaining)

    def hold_time(self, now: float, most: float) -> float:
        """Return the seconds for which a server may hold an answer back now: at the deadline none."""
        return max(0.0, min(most, self._deadline - now))

    def answered(self, observation: Observation, now: float) -> float | Outcome:
        """Take what a poll saw; return the seconds to sleep before the next poll, or the outcome."""
        self.calls += 1
        self.elapsed = now - self.started
        self.failed_in_a_row = 0
        self.observation = observation
        self._hint = observation.hint
        self.failure = None
        if self._tell is not None:
            self._tell.answered(self.calls, self.elapsed, observation)
        if observation.status != "pending":
            return self._outcome(_end_of_job(observation))
        end = self._limit_reached(now)
        return self._until(self._chosen(), now) if end is None else self._outcome(end)

    def failed(self, failure: RequestError, now: float, *, fatal: bool = False) -> float | Outcome:
        """
        Take why a poll failed; return the seconds to sleep before the next poll, or the outcome.

        Args:
            failure: why.
            now: the time of it.
            fatal: whether it ends the wait, as `RequestRefused` does anyway.
        """
        self._count_failure(failure, now)
        end = self._end_by_failure(failure, now, fatal=fatal) or self._limit_reached(now)
        if end is not None:
            return self._outcome(end)
        _forget_frames(failure)
        return self._until(self._chosen(), now)

    def cancelled(self, now: float) -> Outcome:
        """Take that nobody waits any more; return the outcome, whose token goes on as if nothing had been."""
        return self._outcome(End.CANCELLED, elapsed=now - self.started)

    def _count_failure(self, failure: RequestError, now: float) -> None:
        self.calls += 1
        self.failed_calls += 1
        self.elapsed = now - self.started
        self.failure = failure
        self._hint = failure.hint
        self._failures = (*self._failures[1 - _FAILURES_KEPT :], failure)
        if self._tell is not None:
            self._tell.failed(self.calls, self.elapsed, failure)

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
        return longest is not None and self.elapsed - self._failing_since >= longest - _ON_TIME

    def _limit_reached(self, now: float) -> End | None:
        if self._at_deadline and now >= self._deadline - _ON_TIME:
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
        delay = self.policy.strategy.delay(situation, u)
        if not 0.0 <= delay < math.inf:
            raise _no_delay(self.policy.strategy, situation, delay)
        self.previous_delay = delay
        if seen is None:
            return delay if self.policy.initial_delay is None else self.policy.initial_delay
        return delay - seen.held if seen.held > 0.0 else delay  # the server has slept for us

    def _after_failure(self, u: float) -> float:
        """Return the error strategy's delay after the last failed poll, and remember it."""
        before = 0.0 if self.failed_in_a_row == 1 else self.failed_delay
        situation = Situation(self.failed_in_a_row, self.elapsed, before, self.observation)
        strategy = self.policy.error_strategy or self.policy.strategy
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
        self._at_deadline = delay >= remaining - _ON_TIME
        if self._at_deadline:
            delay = remaining if remaining > 0.0 else 0.0
        return delay

    def _outcome(self, end: End, elapsed: float | None = None) -> Outcome:
        if end is not End.CANCELLED:
            self._due = None
        over = end in END_OF_JOB.values()
        outcome = Outcome(
            end=end,
            observation=self.observation,
            calls=self.calls,
            elapsed=self.elapsed if elapsed is None else elapsed,
            failure=self.failure,
            failed_calls=self.failed_calls,
            failures=self._failures,
            hints_followed=self.hints_followed,
            lag=self._lag() if over else None,
            token=None if over or self.started_at is None else self.token(),
        )
        if self._tell is not None:
            self._tell.ended(outcome)
        return outcome

    def _lag(self) -> float | None:
        ended_at = self.observation.completed_at if self.observation is not None else None
        if ended_at is None or self.started_at is None:
            return None
        return max(0.0, self.started_at + self.elapsed - ended_at)


def _no_delay(strategy: object, situation: Situation, delay: float) -> StrategyError:
    return StrategyError(
        f"{strategy!r} answered {delay!r} in {situation!r}; a delay is a finite number of seconds, at least 0"
    )


def _end_of_job(observation: Observation) -> End:
    end = END_OF_JOB.get(observation.status)
    if end is None:
        known = ", ".join(["pending", *END_OF_JOB])
        raise ValueError(f"status must be one of {known}, got {observation.status!r}")
    return end


def _forget_frames(error: BaseException | None) -> None:
    """Drop the tracebacks of a failure: a wait that goes on would keep alive all that its request held."""
    for _ in range(_CAUSES):  # some errors are causes of themselves
        if error is None:
            break
        error.__traceback__ = None
        error = error.__cause__ or error.__context__

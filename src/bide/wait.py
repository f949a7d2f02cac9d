"""The engine: one wait as a small session that is told what happened and when, and does nothing itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Self

from attrs import define, field, setters

from bide.draws import Draws
from bide.errors import AttemptsExhausted, RequestError, forget_frames
from bide.events import Observer
from bide.learning import begun, teach
from bide.outcome import END_OF_JOB, End, Outcome
from bide.policy import Limits, Policy
from bide.position import COUNTED, Position, as_number
from bide.rules import Text
from bide.schedule import Schedule
from bide.strategy import Observation

__all__ = ["End", "Limits", "Observation", "Outcome", "Wait"]

_FAILURES_KEPT = 10


@define(eq=False, weakref_slot=False, on_setattr=setters.NO_OP)
class Wait(Schedule):
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
        key: what the job has in common with some others of its kind, for a strategy that learns.

    How far it has come: `calls`, of them `failed_calls`; `elapsed` seconds at the
    last poll; `observation`, of the last answered poll; `failure`, of the last poll if it failed;
    `failed_in_a_row`; `previous_delay` and `failed_delay`, the last ones that the strategies chose;
    `hints_followed`.
    """

    started_at: float | None = field(default=None, kw_only=True)
    key: str = field(default="", validator=Text(empty=True), kw_only=True)
    failure: RequestError | None = field(default=None, init=False)
    _failures: tuple[RequestError, ...] = field(default=(), init=False)
    _asking: bool = field(default=False, init=False)
    _ran_until: float | None = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self._learns:
            self._strategy = begun(self.policy.strategy, self.key)

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
        key: str = "",
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
            key: as for a new wait; by default the wait keeps its own.

        Raises:
            TokenError: the token is damaged, of a later version, or none at all.
            AttemptsExhausted: the wait has made all the calls that the policy's limits allow.
        """
        position = Position.from_token(token)
        if draw is None and position.draws is not None:
            draw = Draws(position.draws)
        since = max(at - position.started_at, position.elapsed)  # also if the wall clock was set back
        began = now - since
        wait = cls(
            policy,
            now=began,
            started_at=position.started_at,
            draw=draw,
            observers=observers,
            key=key or position.key,
        )
        wait._restore(position)
        wait._resumed = now
        if timeout is not None:
            wait._deadline = now + timeout
        wait._refuse_without_attempts()
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
            key=self.key,
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
        self._ran_until = 0.0 if self.failed_in_a_row else self.elapsed
        if position.calls > position.failed_calls:
            self.observation = Observation(
                "pending", progress=position.progress, hint=position.hint, held=position.held or 0.0
            )

    def _refuse_without_attempts(self) -> None:
        """Refuse to go on where no call is left: one more for each resume would be calls without a limit."""
        most = self.policy.limits.max_attempts
        if most is None or self.calls < most:
            return
        outcome = self._outcome(End.ATTEMPTS_EXHAUSTED)
        error = AttemptsExhausted(f"{outcome}; to go on, resume it with max_attempts above {most}")
        error.outcome = outcome
        raise error

    def starting(self, now: float) -> None:
        """Take that a poll starts now, so that it counts even if the wait is cancelled before its answer."""
        self._asking = True
        if self._tell is not None:
            self._tell.starting(self.calls + 1, now - self.started)

    def answered(self, observation: Observation, now: float) -> float | Outcome:
        """Take what a poll saw; return the seconds to sleep before the next poll, or the outcome."""
        self._asking = False
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
        self._ran_until = self.elapsed
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
        forget_frames(failure)
        return self._until(self._chosen(), now)

    def asks_again(self, failure: RequestError, now: float) -> bool:
        """
        Take that a poll under way needs another request; say whether it may make it.

        Each request is a call: the one that failed, or was led elsewhere, counts as a failed one, but into no
        streak, for the poll goes on.

        Args:
            failure: what has become of the one before.
            now: the time of it.
        """
        most = self.policy.limits.max_attempts
        if most is not None and self.calls + 1 >= most:
            return False
        self._count_failure(failure, now)
        forget_frames(failure)
        self.starting(now)
        return True

    def cancelled(self, now: float) -> Outcome:
        """
        Take that nobody waits any more; return the outcome, whose token goes on as if nothing had been.

        A poll that is under way was a call, and failed, as it says nothing about the job.
        """
        if self._asking:
            self._asking = False
            self.calls += 1
            self.failed_calls += 1
        return self._outcome(End.CANCELLED, elapsed=now - self.started)

    def _count_failure(self, failure: RequestError, now: float) -> None:
        self._asking = False
        self.calls += 1
        self.failed_calls += 1
        self.elapsed = now - self.started
        self.failure = failure
        self._hint = failure.hint
        self._failures = (*self._failures[1 - _FAILURES_KEPT :], failure)
        if self._tell is not None:
            self._tell.failed(self.calls, self.elapsed, failure)

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
        if self._learns and self._ran_until is not None:
            self._teach(outcome, self._ran_until)
            self._ran_until = None  # a wait ends once
        return outcome

    @property
    def _learns(self) -> bool:
        """Whether this wait teaches its strategy: one that does not know the time of day is only tried."""
        return self.started_at is not None and self.policy.learns

    def _teach(self, outcome: Outcome, ran_until: float) -> None:
        """Tell the strategy what the wait found out of its job."""
        began_at, resumed = self.started_at or 0.0, self._resumed != self.started
        teach(self._strategy, outcome, ran_until=ran_until, began_at=began_at, key=self.key, resumed=resumed)

    def _lag(self) -> float | None:
        ended_at = self.observation.completed_at if self.observation is not None else None
        if ended_at is None or self.started_at is None:
            return None
        return max(0.0, self.started_at + self.elapsed - ended_at)


def _end_of_job(observation: Observation) -> End:
    end = END_OF_JOB.get(observation.status)
    if end is None:
        known = ", ".join(["pending", *END_OF_JOB])
        raise ValueError(f"status must be one of {known}, got {observation.status!r}")
    return end

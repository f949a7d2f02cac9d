"""A policy with a clock: what the drivers for threads and for tasks have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Self

from attrs import Attribute, field, frozen

from bide.errors import ConfigError, Problem, RequestError, RequestRefused, causes, printable, shown
from bide.events import Observer
from bide.outcome import Outcome
from bide.policy import Limits, Policy
from bide.strategy import Observation, Strategy
from bide.wait import Wait


@frozen(kw_only=True)
class Update:
    """
    What is known after one poll of a wait.

    Args:
        calls: polls made so far, failed ones included.
        elapsed: seconds since the wait began.
        observation: what the last answered poll saw; None if none was answered yet.
        failure: why this poll failed, if it did.
        next_delay: seconds until the next poll; None when the wait is over.
        outcome: how the wait ended; None while it goes on.
    """

    calls: int
    elapsed: float
    observation: Observation | None
    failure: RequestError | None
    next_delay: float | None
    outcome: Outcome | None

    def __str__(self) -> str:
        if self.failure is not None:
            return f"Attempt {self.calls}: {self.failure}"
        seen = self.observation.words if self.observation is not None else "unknown"
        return f"Attempt {self.calls}: job is {seen}"


def _as_tuple(values: Iterable[Any] | Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, Iterable) else (values,)


@frozen
class _Each:
    """Each of the field's values passes a test."""

    test: Callable[[Any], bool]
    words: str

    def __call__(self, instance: object, attribute: Attribute[Any], values: Iterable[Any]) -> None:
        """Raise a ConfigError that names the attribute, unless they do."""
        for value in values:
            if not self.test(value):
                raise ConfigError(Problem(f"must be {self.words}, got {shown(value)}", (attribute.name,)))


_OBSERVERS = _Each(callable, "functions of one event")
_EXCEPTIONS = _Each(
    lambda kind: isinstance(kind, type) and issubclass(kind, Exception), "classes of exceptions"
)


@frozen
class Driver(Policy):
    """
    A policy with a clock: what the sync and the async driver have in common.

    Args:
        clock: gives the time in seconds; only differences count.
        wall_clock: gives the time in seconds since the epoch, for tokens and the lag.
        draw: gives one number in [0, 1] for each delay; by default each wait has a stream of its own.
        observers: are told what happens, as `bide.events` has it.
        transient: exceptions of the poll function that mean: this look failed, another may succeed.
        fatal: exceptions that end a wait at once where one is why a poll failed, or among what led to it.
    """

    clock: Callable[[], float] = field(default=time.monotonic, kw_only=True)
    wall_clock: Callable[[], float] = field(default=time.time, kw_only=True)
    draw: Callable[[], float] | None = field(default=None, kw_only=True)
    observers: tuple[Observer, ...] = field(
        default=(), converter=_as_tuple, validator=_OBSERVERS, kw_only=True
    )
    transient: tuple[type[Exception], ...] = field(
        default=(), converter=_as_tuple, validator=_EXCEPTIONS, kw_only=True
    )
    fatal: tuple[type[Exception], ...] = field(
        default=(), converter=_as_tuple, validator=_EXCEPTIONS, kw_only=True
    )

    @classmethod
    def of(cls, policy: Strategy | Policy, limits: Limits | None = None) -> Self:
        """
        Return a strategy, or a policy, as one of this class.

        Args:
            policy: one of this class is returned as it is.
            limits: take the place of the policy's, if given.

        Raises:
            ConfigError: the policy is a driver of another kind, which sleeps otherwise.
        """
        if isinstance(policy, Driver) and not isinstance(policy, cls):
            words = f"must be a strategy, a Policy or one of {cls.__name__}"
            raise ConfigError(Problem(f"{words}, got one of {type(policy).__name__}", ("strategy",)))
        return super().of(policy, limits)

    def begin(self, hint: float | None = None, *, key: str = "") -> Wait:
        """
        Return a wait that begins now, for `wait` or `watch`.

        Args:
            hint: seconds to the first poll that the server asked for when it made the job, if it did.
            key: what the job has in common with some others of its kind, for a strategy that learns.
        """
        return Wait(
            self,
            now=self.clock(),
            started_at=self.wall_clock(),
            hint=hint,
            draw=self.draw,
            observers=self.observers,
            key=key,
        )

    def resume(self, token: str, timeout: float | None = None, *, key: str = "") -> Wait:
        """
        Return the wait that a token is of, for `wait` or `watch`; see `Wait.resume`.

        Args:
            token: of the wait.
            timeout: seconds from now to a new deadline; by default the wait keeps its own.
            key: as for `begin`; by default the wait keeps its own.

        Raises:
            TokenError: the token is damaged, of a later version, or none at all.
            ConfigError: the timeout is no number of seconds > 0.
        """
        if timeout is not None:
            Limits(timeout=timeout)  # has the rule
        now, at = self.clock(), self.wall_clock()
        return Wait.resume(
            token, self, now=now, at=at, timeout=timeout, draw=self.draw, observers=self.observers, key=key
        )

    def _begun(self, wait: Wait | None, key: str) -> tuple[Wait, float | Outcome]:
        """Return the wait, or one with a key that begins now, and the seconds until its next look."""
        if wait is None:
            wait = self.begin(key=key)
            return wait, wait.first_delay()
        if key != "":
            rule = "must not be given with a wait, which has its own: give it to begin or resume"
            raise ConfigError(Problem(f"{rule}, got {shown(key)}", ("key",)))
        return wait, self._left_of(wait.first_delay(), wait)

    def _failed(self, wait: Wait, error: Exception) -> float | Outcome:
        """Tell the engine of a failed look; raise what is none."""
        if isinstance(error, self.transient):
            error = _transient(error)
        elif not isinstance(error, RequestError):
            raise error
        fatal = bool(self.fatal) and any(isinstance(one, self.fatal) for one in causes(error))
        return wait.failed(error, self.clock(), fatal=fatal)

    def _left_of(self, step: float | Outcome, wait: Wait) -> float | Outcome:
        """Return what is left of a delay once somebody has taken time over it."""
        return step if isinstance(step, Outcome) else wait.delay_left(self.clock())


def _transient(error: Exception) -> RequestError:
    """Return an error as one of a look that failed: a refusal, or one of somebody else's, is its cause."""
    if isinstance(error, RequestError) and not isinstance(error, RequestRefused):
        return error
    if isinstance(error, RequestRefused):
        failure = RequestError(str(error), hint=error.hint, status=error.status)
    else:
        name = type(error).__name__
        failure = RequestError(f"{name}: {printable(str(error))}" if str(error) else name)
    failure.__cause__ = error
    return failure


def update_of(wait: Wait, step: float | Outcome) -> Update:
    """Return what is known after a look, of which the engine made this step."""
    return Update(
        calls=wait.calls,
        elapsed=wait.elapsed,
        observation=wait.observation,
        failure=wait.failure,
        next_delay=None if isinstance(step, Outcome) else step,
        outcome=step if isinstance(step, Outcome) else None,
    )


def no_observation(returned: object) -> TypeError:
    """Return the error for a poll function that returned something else."""
    return TypeError(f"the poll function must return an Observation, got {shown(returned)}")

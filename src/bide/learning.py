"""
Strategies that learn: what a wait tells them of its job, and how it finds them within others.

A strategy learns if it has two more methods, as `Learner` says. A wait asks it for what it has become when
the wait begins, which stays as it is, and tells it in the end how long the job took. So every wait teaches by
itself, whoever drives it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self, runtime_checkable

import attrs
from attrs import frozen

from bide.outcome import END_OF_JOB, End, Outcome
from bide.strategy import Strategy

_log = logging.getLogger("bide")


@frozen(kw_only=True)
class Lesson:
    """
    What a wait found out of how long its job took: more than `low`, and at most `high`.

    Args:
        low: seconds from the start of the wait to when the job was last seen to run.
        high: seconds to when it was seen to have ended, from when it was created, if the server says so;
            equal to `low` where the server says how long it took; infinite if the wait was over before it.
        end: how the wait ended.
        began_at: when it began: wall clock, seconds since the epoch.
        key: what the job has in common with some others of its kind; empty without any.
        resumed: it went on from a token, so the wait before it, which began at the same time, may have told
            of the same job.
    """

    low: float
    high: float
    end: End
    began_at: float
    key: str = ""
    resumed: bool = False

    @classmethod
    def exact(cls, duration: float, key: str = "", *, began_at: float = 0.0) -> Self:
        """Return what is known of a job that completed after so many seconds."""
        return cls(low=duration, high=duration, end=End.COMPLETED, key=key, began_at=began_at)


@runtime_checkable
class History(Protocol):
    """
    Remembers what waits found out of their jobs.

    A thread beside the waits asks it, and others of the process may at the same time. What it raises breaks
    no wait: the log says so once, and the process goes on with what it has seen itself.
    """

    def add(self, kind: str, lessons: Iterable[Lesson], /) -> None:
        """
        Remember lessons; one of a wait that was resumed takes the place of that before it.

        Raises:
            ConfigError: it cannot be written; all of them, or none, are remembered.
        """
        ...

    def lessons(self, kind: str, key: str | None = None, /) -> Sequence[Lesson]:
        """
        Return what is remembered of a kind, the oldest first; with a key, the newest of it and of others.

        Raises:
            ConfigError: it cannot be read.
        """
        ...

    def added(self, kind: str, since: int, /) -> tuple[int, Mapping[str, int]]:
        """
        Return a mark of how much is remembered of a kind, and how many jobs were added since one, by key.

        Args:
            kind: of the jobs.
            since: an earlier mark; 0 for all jobs.

        Raises:
            ConfigError: it cannot be read.
        """
        ...


@runtime_checkable
class Learner(Strategy, Protocol):
    """A strategy that learns from the waits that it is used in."""

    def begun(self, key: str, /) -> Strategy:
        """
        Return the strategy of a wait that begins now: what is known now, and stays as it is.

        Args:
            key: what the job has in common with some others of its kind; empty without any.
        """
        ...

    def learn(self, lesson: Lesson, /) -> None:
        """Take what a wait found out; soon, for the wait has to end. What it raises is logged."""
        ...


def learners_in(strategy: Any) -> Iterator[Learner]:
    """Yield the strategies that learn: this one, or those that it is made of."""
    if isinstance(strategy, Learner):
        yield strategy
    elif attrs.has(type(strategy)):
        for field in attrs.fields(type(strategy)):
            inner = getattr(strategy, field.name)
            if field.init and hasattr(inner, "delay"):
                yield from learners_in(inner)


def begun(strategy: Any, key: str = "") -> Any:
    """Return a strategy as it is for a wait that begins now: with what is known by those in it that learn."""
    if isinstance(strategy, Learner):
        return strategy.begun(key)
    if not attrs.has(type(strategy)):
        return strategy
    made_of = {
        str(field.alias): getattr(strategy, field.name)
        for field in attrs.fields(type(strategy))
        if field.init and hasattr(getattr(strategy, field.name), "delay")
    }
    changed = {name: new for name, inner in made_of.items() if (new := begun(inner, key)) is not inner}
    return attrs.evolve(strategy, **changed) if changed else strategy


def teach(
    strategy: Strategy, outcome: Outcome, *, ran_until: float, began_at: float, key: str, resumed: bool
) -> None:
    """
    Tell those in a strategy that learn what its wait found out.

    Args:
        strategy: of the wait.
        outcome: of the wait.
        ran_until: seconds from its start to when the job was last seen to run.
        began_at: when it began, in seconds since the epoch.
        key: of the wait.
        resumed: it went on from a token.
    """
    if _was_over(outcome, began_at):
        return  # when it was created, and so how long it took, nobody here knows
    low, high = _bounds(outcome, ran_until, began_at)
    if low == 0.0 and high == math.inf:
        return  # as if there had been no wait
    lesson = Lesson(low=low, high=high, end=outcome.end, began_at=began_at, key=key, resumed=resumed)
    for learner in dict.fromkeys(learners_in(strategy)):  # one may be in two places
        try:
            learner.learn(lesson)
        except Exception:
            _log.exception("the strategy %r could not learn; the wait is over all the same", learner)


def _was_over(outcome: Outcome, began_at: float) -> bool:
    """Say whether the server says that the job ended before its wait began, and not how long it took."""
    seen = outcome.observation
    if seen is None or seen.completed_at is None or seen.created_at is not None:
        return False
    return seen.completed_at <= began_at


def _bounds(outcome: Outcome, ran_until: float, began_at: float) -> tuple[float, float]:
    """Return what the job's duration is more than, and at most, in seconds."""
    seen = outcome.observation
    if seen is None or outcome.end not in END_OF_JOB.values():
        return ran_until, math.inf
    low, high = min(ran_until, outcome.elapsed), outcome.elapsed
    if seen.created_at is None:
        created_at, longest = began_at, high
    else:  # both moments are of the server's clock, so it need not be ours
        created_at, longest = seen.created_at, math.inf
        high += max(0.0, began_at - created_at)  # as much more as the wait is late; the low holds anyway
    if seen.completed_at is not None:
        said = seen.completed_at - created_at
        if low <= said <= longest and math.isfinite(said):
            return said, said
    return low, high

"""A strategy that learns how long jobs take, and looks as is best then."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import attrs
from attrs import field, frozen
from attrs.validators import deep_iterable

from bide.durations import Seconds
from bide.errors import ConfigError, Problem, shown
from bide.files import FileName
from bide.learning import History, Lesson
from bide.rules import STRATEGY, Number, Text, seconds
from bide.strategy import Situation, Strategy, ceiling_of, clump_of, envelope_of
from bide.target import target_among, targets_of

if TYPE_CHECKING:
    from bide.learn.learner import Complain, Learner


def _default_strategy() -> Strategy:
    from bide.config import default_strategy

    return default_strategy()


def _as_tuple(values: Iterable[float]) -> tuple[float, ...]:
    if not isinstance(values, Iterable):
        raise ConfigError(Problem(f"must be a list of durations, got {shown(values)}", ("durations",)))
    # The numbers in an array are not Python's.
    return tuple(getattr(values, "tolist", values.__iter__)())


def _as_name(history: str | Path | History | None) -> str | History | None:
    return str(history) if isinstance(history, Path) else history


def _is_history(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Hold a field to text, or what has the methods of a history."""
    if value is None or (isinstance(value, str) and value):
        return
    if isinstance(value, type) or not isinstance(value, History):
        rule = "must be the name of a file, or have the methods add, lessons and added of a history"
        raise ConfigError(Problem(f"{rule}, got {shown(value)}", (attribute.name,)))


def _comparable(history: Any) -> Hashable:
    """Return what tells histories apart: themselves, or which they are where they have no hash."""
    try:
        hash(history)
    except TypeError:
        return id(history)
    return cast("Hashable", history)


@frozen(kw_only=True)
class Learned:
    """
    Learn from every wait how long jobs of a kind take, and look when it pays.

    Until enough is known it waits as the fallback does. A wait keeps the plan that it began with; what is
    learned goes into those that begin later, also in other processes that share the history. What a call is
    worth is said in exactly one way. Two with the same fields learn together; they are equal if they have the
    same plan, too.

    Args:
        job_kind: names the jobs whose durations are alike, as those of the same API.
        history: the file that remembers them, or in Python any `bide.learning.History`; none to forget them
            when the process ends.
        call_cost: seconds of lag that saving one call is worth; > 0.
        mean_lag: the mean lag that is wanted, in seconds, with as few calls as that allows; > 0.
        calls: the mean calls per job that are wanted, with as little lag as that allows; >= 1.
        fallback: chooses the delays while too little is known.
        durations: of jobs that are known beforehand, in seconds, the oldest first.

    Raises:
        ConfigError: a field breaks its rule, or what a call is worth is not said in exactly one way.
        ImportError: the extra ``learn`` is not installed.
    """

    job_kind: str = field(default="jobs", validator=Text())
    history: FileName | History | None = field(
        default=None, converter=_as_name, validator=_is_history, eq=_comparable
    )
    call_cost: Seconds | None = field(default=None, validator=seconds(above=0, optional=True))
    mean_lag: Seconds | None = field(default=None, validator=seconds(above=0, optional=True))
    calls: float | None = field(default=None, validator=Number(least=1, optional=True))
    fallback: Strategy = field(factory=_default_strategy, validator=STRATEGY)
    durations: tuple[Seconds, ...] = field(
        default=(), converter=_as_tuple, validator=deep_iterable(seconds(least=0))
    )
    _table: Any = field(init=False, repr=False, default=None)

    def __attrs_post_init__(self) -> None:
        target_among(targets_of(self), "learned(call_cost=1s)")
        object.__setattr__(self, "_table", _learner_of(self).planned("")._table)

    @classmethod
    def from_durations(cls, durations: Iterable[float], **fields: Any) -> Self:
        """
        Return a strategy that has learned from jobs whose durations are known, and goes on to learn.

        Args:
            durations: in seconds, the oldest first; at least one.
            fields: the others.

        Raises:
            ConfigError: there are no durations, or a field breaks its rule.
        """
        given = _as_tuple(durations)
        if not given:
            raise ConfigError(Problem("must be one duration at least, got none", ("durations",)))
        return cls(durations=given, **fields)

    @property
    def ceiling(self) -> float:
        """The greatest delay, in seconds: that of the plan, or of the fallback."""
        return ceiling_of(self.fallback) if self._table is None else float(self._table.ceiling)

    @property
    def clump(self) -> float:
        """The share of draws that may gather: as with the fallback; a plan draws one of two looks."""
        return clump_of(self.fallback) if self._table is None else 1.0

    @property
    def envelope(self) -> Strategy:
        """The bounds of the fallback while it is used; a plan is its own."""
        return envelope_of(self.fallback) if self._table is None else self

    def delay(self, situation: Situation, u: float) -> float:
        """Return the time that is left to the next look of the plan, or the fallback's delay."""
        if self._table is None:
            return self.fallback.delay(situation, u)
        delay: float = self._table.delay(situation.elapsed, u)
        return delay

    @property
    def is_trained(self) -> bool:
        """Whether it knows of jobs, or has a history to know them from."""
        return self._table is not None or bool(self.durations) or self.history is not None

    def trained(self, durations: Sequence[float]) -> Learned:
        """Return what it would be if it had learned from jobs of these durations alone, the oldest first."""
        return self._with_plan("", [Lesson.exact(duration) for duration in durations])

    def planned(self, key: str = "") -> Learned:
        """Return this strategy with what is known now of jobs with a key; the plan is made at once."""
        return _learner_of(self).plan(key)

    def begun(self, key: str) -> Learned:
        """Return this strategy with what is known now of jobs with a key."""
        learner = _learner_of(self)
        # What was given is known from the first wait on; a file is read beside the waits.
        return learner.planned(key) if self.durations else learner.newest(key) or self

    def learn(self, lesson: Lesson) -> None:
        """Take what a wait found out, for waits that begin later."""
        _learner_of(self).take(lesson)

    def _with_plan(
        self, key: str, lessons: Sequence[Lesson], complain: Complain = lambda _error, _instead: None
    ) -> Learned:
        """Return this strategy with a plan made of lessons."""
        from bide.learn.advice import advice

        made = copy.copy(self)

        def missed(error: ConfigError) -> None:
            complain(error, "the nearest plan is followed")

        table = advice(lessons, key, self.fallback, targets_of(self), missed)
        object.__setattr__(made, "_table", table)
        return made


_SETTINGS = tuple(field.name for field in attrs.fields(Learned) if field.init)

# So many learners are kept in a process, those that were used last: what others have learned is in a history.
_MOST_LEARNERS = 200

_learners: dict[tuple[object, ...], Learner[Learned]] = {}
_finding = threading.Lock()
if hasattr(os, "register_at_fork"):  # a child has no thread that would release it
    os.register_at_fork(
        before=_finding.acquire, after_in_parent=_finding.release, after_in_child=_finding.release
    )


def _learner_of(learned: Learned) -> Learner[Learned]:
    """Return who learns for all strategies with the same fields in this process."""
    fields = {name: getattr(learned, name) for name in _SETTINGS}
    settings = tuple({**fields, "history": _comparable(learned.history)}.values())
    with _finding:
        learner = _learners.pop(settings, None) or _new_learner(learned)
        if len(_learners) >= _MOST_LEARNERS:
            _forget_one()
        _learners[settings] = learner  # the last is the one that was used last
    return learner


def _forget_one() -> None:
    """Forget who was used least recently of those whose history has all that they have seen, if any."""
    found = next((settings for settings, learner in _learners.items() if learner.is_written), None)
    if found is not None:
        del _learners[found]


def _new_learner(learned: Learned) -> Learner[Learned]:
    from bide.learn.history import SqliteHistory
    from bide.learn.learner import Learner

    known = [Lesson.exact(duration) for duration in learned.durations]
    history = SqliteHistory(learned.history) if isinstance(learned.history, str) else learned.history
    return Learner(history, learned.job_kind, learned._with_plan, known=known)

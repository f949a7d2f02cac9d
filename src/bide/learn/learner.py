"""What a process knows of one kind of jobs: it grows with every wait, and plans are made of it."""

from __future__ import annotations

import logging
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from attrs import define

from bide.errors import ConfigError
from bide.learn import background
from bide.learn.history import KEPT, KEYS
from bide.learning import History, Lesson

_log = logging.getLogger("bide")

S = TypeVar("S")
T = TypeVar("T")

Complain = Callable[[Exception, str], None]
"""Says what fails, and what happens instead, once."""

_MOST_NEW = 4
"""After so many new jobs there is a new plan, however many there were before: durations may have changed."""

_MANY, _REST, _CREDIT = 100, 20.0, 10.0
"""Once there are so many jobs, each plan is followed by a rest of so many times the time that it took; of all
these rests together, so many seconds may be owed."""

_LOOK = 1.0
"""What other processes have found out is looked for when a wait begins, once in so many seconds."""

_ALONE = "waits go on with what this process has seen itself"


@define
class _Planned(Generic[S]):
    """
    A plan, and what it was made of.

    Args:
        plan: the newest; None if there is none of its own.
        own: the jobs that it is about, when it was made; None if nobody has looked yet.
        new: how many there are since.
        is_asked: a wait has asked for it.
    """

    plan: S | None = None
    own: int | None = None
    new: int = 0
    is_asked: bool = False


class Learner(Generic[S]):
    """
    What a process knows of one kind of jobs, and the newest plan for each key.

    Args:
        history: remembers, also for other processes; None to know only what this one sees.
        kind: of the jobs.
        make: makes a plan for a key from lessons, the oldest first; from none, what to do without. It may
            complain.
        known: lessons to begin with.
        clock: gives the time in seconds; only differences count.
    """

    def __init__(
        self,
        history: History | None,
        kind: str,
        make: Callable[[str, Sequence[Lesson], Complain], S],
        *,
        known: Sequence[Lesson] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._history = history
        self._kind = kind
        self._make = make
        self._clock = clock
        self._given = tuple(known)
        self._seen: deque[Lesson] = deque(maxlen=KEPT)
        self._arrived: deque[Lesson] = deque()
        self._unwritten: deque[Lesson] = deque(maxlen=KEPT)
        self._keys: OrderedDict[str, _Planned[S]] = OrderedDict()
        self._stranger: _Planned[S] = _Planned()  # of all keys without jobs of their own
        self._counted = 0
        self._known = 0
        self._look_at = self._rest_until = -float("inf")
        self._complaints: set[str] = set()

    def planned(self, key: str) -> S:
        """Return the newest plan for a key, made now if there is none."""
        return self.plan(key) if self._of(key).own is None else self.newest(key) or self.plan(key)

    def newest(self, key: str) -> S | None:
        """Return the newest plan for a key; None if there is none yet, and then have one made."""
        found, now = self._of(key), self._clock()
        found.is_asked = True
        if found.own is None or now >= self._look_at or self._is_due(found):
            self._look_at = now + _LOOK
            background.put(self._digest)
        return found.plan or self._stranger.plan

    def take(self, lesson: Lesson) -> None:
        """Take a lesson; to write it, and to plan with it, is work for the background."""
        self._of(lesson.key)
        self._arrived.append(lesson)
        background.put(self._digest)

    @property
    def is_written(self) -> bool:
        """Whether its history has all that it has seen."""
        return not self._arrived and not self._unwritten

    def plan(self, key: str) -> S:
        """Make a plan for a key of all that is known, and keep it."""
        began = self._clock()
        self._count([])  # what is added from here on is new
        lessons = self._lessons(key)
        self._known = len(lessons)
        found = self._of(key)
        found.own, found.new = sum(lesson.key == key for lesson in lessons), 0
        if found.own:
            found.plan = plan = self._made(key, lessons)
        elif self._stranger.plan is not None and not self._is_due(self._stranger):
            found.plan = None
            return self._stranger.plan
        else:
            plan = self._made(key, lessons)
            found.plan, self._stranger = None, _Planned(plan, len(lessons))
        now = self._clock()
        self._rest_until = max(self._rest_until, began) + _REST * (now - began)
        return plan

    def _of(self, key: str) -> _Planned[S]:
        """Return what is kept for a key; the one that was used least recently may be forgotten for it."""
        found = self._keys.setdefault(key, _Planned())
        with suppress(KeyError):  # another thread has just forgotten it
            self._keys.move_to_end(key)
            if len(self._keys) > KEYS:
                self._keys.popitem(last=False)
        return found

    def _made(self, key: str, lessons: Sequence[Lesson]) -> S:
        try:
            return self._make(key, lessons, self._complain)
        except ConfigError as error:
            self._complain(error, "waits go on as if nothing were known")
            return self._make(key, [], self._complain)

    def _digest(self) -> None:
        """Remember all that has arrived, count what is new, and make the plans that are wanted, or due."""
        batch = [self._arrived.popleft() for _ in range(len(self._arrived))]
        self._seen.extend(batch)
        self._unwritten.extend(batch)
        self._write()
        self._count(batch)
        for key, found in sorted(self._keys.items(), key=lambda item: -item[1].new):
            is_wanted = found.is_asked and found.own is None
            if is_wanted or self._is_due(found if found.own != 0 or found.new else self._stranger):
                self.plan(key)

    def _is_due(self, found: _Planned[S]) -> bool:
        own = found.own or 0
        if found.new < min(max(1, own // 2), _MOST_NEW):
            return False
        is_cheap = self._known < _MANY or found.new > max(own, 1)  # so much it grows a few times only
        return is_cheap or self._clock() >= self._rest_until - _CREDIT

    def _count(self, batch: Sequence[Lesson]) -> None:
        """Count the jobs that are new to plans: what was written, or else what was seen here."""
        for key, jobs in self._added(batch).items():
            self._stranger.new += jobs
            if key in self._keys:
                self._keys[key].new += jobs

    def _added(self, batch: Sequence[Lesson]) -> Mapping[str, int]:
        def added(history: History) -> tuple[int, dict[str, int]]:
            mark, by_key = history.added(self._kind, self._counted)
            return mark, dict(by_key)

        seen = self._counted, dict(Counter(lesson.key for lesson in batch))
        self._counted, found = self._asked(added, seen)
        return found

    def _write(self) -> None:
        if self._history is None or not self._unwritten:
            return
        try:
            self._history.add(self._kind, self._unwritten)
            self._unwritten.clear()
        except Exception as error:  # the history may be anybody's
            self._complain(error, _ALONE)

    def _lessons(self, key: str) -> list[Lesson]:
        """Return what is known: what was given, and what the history has, or else what was seen here."""
        remembered = self._asked(lambda history: list(history.lessons(self._kind, key)), list(self._seen))
        return [*self._given, *remembered]

    def _asked(self, ask: Callable[[History], T], otherwise: T) -> T:
        """Return what the history answers; if it fails, or lacks what was seen here, what is given."""
        if self._history is None or self._unwritten:
            return otherwise
        try:
            return ask(self._history)
        except Exception as error:  # the history may be anybody's
            self._complain(error, _ALONE)
            return otherwise

    def _complain(self, error: Exception, instead: str) -> None:
        """Say what fails, and what happens instead, once: no wait is to break for it."""
        if instead not in self._complaints:
            what = error if isinstance(error, ConfigError) else repr(error)
            _log.warning("learning from %s: %s; %s", self._kind, what, instead)
        self._complaints.add(instead)

"""What a process knows of one kind of jobs: it grows with every wait, and plans are made of it."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from bide.errors import ConfigError
from bide.learn import background
from bide.learn.history import KEPT, History
from bide.learning import Lesson

_log = logging.getLogger("bide")

S = TypeVar("S")

_MOST_NEW = 16
"""After so many new jobs there is a new plan, however many there were before: durations may have changed."""

_MANY, _REST = 100, 20.0
"""Once there are so many jobs, there is no plan for so many times as long as the last one took."""

_ALONE = "waits go on with what this process has seen itself"


class Learner(Generic[S]):
    """
    What a process knows of one kind of jobs, and the newest plan for each key.

    Args:
        history: remembers, also for other processes; None to know only what this one sees.
        kind: of the jobs.
        make: makes a plan for a key from lessons, the oldest first; from none, what to do without.
        known: lessons to begin with.
        clock: gives the time in seconds; only differences count.
    """

    def __init__(
        self,
        history: History | None,
        kind: str,
        make: Callable[[str, Sequence[Lesson]], S],
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
        self._plans: dict[str, S] = {}
        self._planned_with: dict[str, int] = {}
        self._new: Counter[str] = Counter()
        self._rest_until = -float("inf")
        self._complained = False

    def planned(self, key: str) -> S:
        """Return the newest plan for a key, made now if there is none."""
        return self._plans.get(key) or self.plan(key)

    def newest(self, key: str) -> S | None:
        """Return the newest plan for a key; None if there is none yet, and then have one made."""
        plan = self._plans.get(key)
        if plan is None and key not in self._planned_with:
            self._planned_with[key] = 0
            background.put(lambda: self.plan(key))
        return plan

    def take(self, lesson: Lesson) -> None:
        """Take a lesson; to write it, and to plan with it, is work for the background."""
        self._arrived.append(lesson)
        background.put(self._digest)

    def plan(self, key: str) -> S:
        """Make a plan for a key of all that is known, and keep it."""
        began = self._clock()
        lessons = self._lessons(key)
        self._new[key] = 0
        self._planned_with[key] = sum(lesson.key == key for lesson in lessons)
        plan = self._plans[key] = self._made(key, lessons)
        now = self._clock()
        self._rest_until = now + _REST * (now - began)
        return plan

    def _made(self, key: str, lessons: Sequence[Lesson]) -> S:
        try:
            return self._make(key, lessons)
        except ConfigError as error:
            self._complain(error, "waits go on as if nothing were known")
            return self._make(key, [])

    def _digest(self) -> None:
        """Remember all that has arrived, and make the plans for which there is enough that is new."""
        batch = [self._arrived.popleft() for _ in range(len(self._arrived))]
        self._seen.extend(batch)
        self._unwritten.extend(batch)
        self._write()
        self._new.update(lesson.key for lesson in batch)
        for key in {lesson.key for lesson in batch}:
            if self._is_due(key):
                self.plan(key)

    def _is_due(self, key: str) -> bool:
        planned = self._planned_with.get(key, 0)
        enough = min(max(1, planned // 2), _MOST_NEW)
        return self._new[key] >= enough and (planned < _MANY or self._clock() >= self._rest_until)

    def _write(self) -> None:
        if self._history is None or not self._unwritten:
            return
        try:
            self._history.add(self._kind, self._unwritten)
            self._unwritten.clear()
        except ConfigError as error:
            self._complain(error, _ALONE)

    def _lessons(self, key: str) -> list[Lesson]:
        """Return what is known: what was given, and what the history has, or else what was seen here."""
        remembered: Sequence[Lesson] = self._seen
        if self._history is not None and not self._unwritten:
            try:
                remembered = self._history.lessons(self._kind, key)
            except ConfigError as error:
                self._complain(error, _ALONE)
        return [*self._given, *remembered]

    def _complain(self, error: ConfigError, instead: str) -> None:
        """Say what fails, and what happens instead, once: no wait is to break for it."""
        if not self._complained:
            _log.warning("learning from %s: %s; %s", self._kind, error, instead)
        self._complained = True

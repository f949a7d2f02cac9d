"""What a process knows of one kind of jobs: when it plans, and what it does when its history fails."""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pytest

from bide import ConfigError
from bide.learn import background
from bide.learn.background import Background
from bide.learn.learner import Complain, Learner
from bide.learning import Lesson
from bide.testing import VirtualClock


class Memory:
    """A history that can be made to fail."""

    def __init__(self) -> None:
        self.kept: list[Lesson] = []
        self.failing = ""

    def add(self, kind: str, lessons: Iterable[Lesson]) -> None:
        if self.failing == "add":
            raise ConfigError("disk full")
        self.kept += lessons

    def lessons(self, kind: str, key: str | None = None) -> Sequence[Lesson]:
        if self.failing == "read":
            raise ConfigError("disk torn")
        return self.kept

    def added(self, kind: str, since: int) -> tuple[int, Mapping[str, int]]:
        return len(self.kept), Counter(lesson.key for lesson in self.kept[since:])


class Planner:
    """Makes plans that say of what they were made; each takes a tenth of a second."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.made: list[tuple[str, int]] = []

    def __call__(self, key: str, lessons: Sequence[Lesson], complain: Complain) -> tuple[str, int]:
        self.clock.sleep(0.1)
        if any(lesson.low == 66666 for lesson in lessons):
            raise ConfigError("mean_lag: out of reach")
        self.made.append((key, len(lessons)))
        return self.made[-1]


def learner_of(memory: Memory | None) -> tuple[Learner[tuple[str, int]], Planner]:
    """Return one with a planner on a clock of its own."""
    planner = Planner(VirtualClock())
    return Learner(memory, "video", planner, clock=planner.clock.time), planner


def take(learner: Learner[tuple[str, int]], planner: Planner, *lessons: Lesson) -> None:
    """Let lessons arrive, ten seconds apart."""
    for lesson in lessons:
        planner.clock.sleep(10.0)
        learner.take(lesson)
        assert background.flush(10)


def test_plans_are_made_ever_more_seldom_but_not_too_seldom() -> None:
    """After half as many jobs again, as long as that is not more than four."""
    learner, planner = learner_of(Memory())
    assert learner.planned("") == ("", 0)
    take(learner, planner, *[Lesson.exact(float(n)) for n in range(80)])
    assert [count for _, count in planner.made] == [0, 1, 2, 3, 4, 6, *range(9, 80, 4)]
    assert learner.newest("") == ("", 77)


def test_plans_take_a_small_part_of_the_time() -> None:
    """A thousand jobs that end at once are not worth a hundred plans."""
    learner, planner = learner_of(None)
    for n in range(1000):
        learner.take(Lesson.exact(float(n)))
    assert background.flush(10)
    assert len(planner.made) <= 12
    take(learner, planner, *[Lesson.exact(1.0)] * 16)
    assert len(planner.made) <= 14
    assert learner.newest("")[1] >= 1000  # type: ignore[index]


def test_a_key_has_a_plan_of_its_own_once_somebody_asks() -> None:
    """It is made in the background, of all that is known of the kind."""
    learner, planner = learner_of(Memory())
    take(learner, planner, Lesson.exact(1.0), Lesson.exact(2.0))
    assert learner.newest("large") is None
    assert background.flush(10)
    assert learner.newest("large") == ("large", 2)


def test_keys_without_jobs_share_a_plan() -> None:
    """Whoever takes an id for a key has one plan, and not one for each; it follows what becomes known."""
    learner, planner = learner_of(Memory())
    take(learner, planner, *[Lesson.exact(1.0)] * 20)
    for n in range(1000):
        learner.newest(f"request {n}")
    assert background.flush(10)
    assert [key for key, _ in planner.made].count("") == len(planner.made) - 1
    assert learner.newest("request 2000") == planner.made[-1]
    take(learner, planner, *[Lesson.exact(1.0)] * 20)
    assert learner.newest("request 2000")[1] >= 30  # type: ignore[index]


def test_plans_are_kept_for_the_keys_used_last() -> None:
    """Of a thousand keys with jobs two hundred have plans; one that is asked for again has one again."""
    learner, planner = learner_of(Memory())
    for n in range(1000):
        learner.take(Lesson.exact(1.0, f"key {n}"))
    for n in range(1000):
        learner.newest(f"key {n}")
    assert background.flush(10)
    planner.made.clear()
    assert learner.newest("key 999") == ("key 999", 1000)
    assert background.flush(10)
    assert planner.made == []
    assert learner.newest("key 0") != ("key 0", 1000)
    assert background.flush(10)
    assert learner.newest("key 0") == ("key 0", 1000)


def test_many_new_keys_take_a_small_part_of_the_time() -> None:
    """Jobs that each have a key of their own do not make a plan each."""
    learner, planner = learner_of(Memory())
    for n in range(1000):
        learner.newest(f"request {n}")
        assert background.flush(10)
        planner.clock.sleep(0.1)
        learner.take(Lesson.exact(1.0, f"request {n}"))
        assert background.flush(10)
    assert len(planner.made) < 250


def test_what_other_processes_find_out_is_seen_when_a_wait_begins() -> None:
    """Also by one that never learns anything itself; it looks once in a second."""
    memory = Memory()
    (other, clock), (learner, planner) = learner_of(memory), learner_of(memory)
    assert learner.planned("") == ("", 0)
    for n in range(1, 40):
        take(other, clock, Lesson.exact(float(n)))
        planner.clock.sleep(2.0)
        learner.newest("")
        assert background.flush(10)
    assert learner.newest("")[1] >= 28  # type: ignore[index]
    planner.made.clear()
    take(other, clock, *[Lesson.exact(1.0)] * 20)
    learner.newest("")
    assert background.flush(10)
    assert planner.made == []


@pytest.mark.parametrize("failing", ["add", "read"])
def test_a_history_that_fails_is_told_of_once(failing: str, caplog: pytest.LogCaptureFixture) -> None:
    """The process goes on with what it has seen itself."""
    memory = Memory()
    memory.failing = failing
    learner, planner = learner_of(memory)
    with caplog.at_level(logging.WARNING, logger="bide"):
        take(learner, planner, *[Lesson.exact(float(n)) for n in range(9)])
    assert learner.newest("") == ("", 9)
    assert len(caplog.records) == 1
    assert "learning from video: disk" in caplog.text


def test_what_could_not_be_written_is_written_later() -> None:
    """A file that others held for a while loses nothing."""
    memory = Memory()
    learner, planner = learner_of(memory)
    lessons = [Lesson.exact(float(n)) for n in range(5)]
    memory.failing = "add"
    take(learner, planner, *lessons[:3])
    memory.failing = ""
    take(learner, planner, *lessons[3:])
    assert memory.kept == lessons


def test_without_a_plan_that_does_what_is_asked_waits_go_on(caplog: pytest.LogCaptureFixture) -> None:
    """A target that is out of reach breaks no wait: it is told of once, and nothing is planned."""
    learner, planner = learner_of(None)
    take(learner, planner, *[Lesson.exact(66666.0)] * 5)
    assert learner.newest("") == ("", 0)
    assert [record.message for record in caplog.records if record.name == "bide"] == [
        "learning from video: mean_lag: out of reach; waits go on as if nothing were known"
    ]


def test_the_background_survives_its_tasks(caplog: pytest.LogCaptureFixture) -> None:
    """Tasks are carried out in order; what one raises is logged, and the next one is carried out."""
    work, done, going = Background(), [], threading.Event()
    work.put(going.wait)
    work.put(lambda: done.append(1 / 0))
    work.put(lambda: done.append(1))
    assert not work.flush(0.0)
    going.set()
    assert work.flush(10)
    assert done == [1]
    assert "could not be learned" in caplog.text

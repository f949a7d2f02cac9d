"""The strategy that learns, in use."""

import gc
import math
import os
import pickle
import random
import threading
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide import (
    ConfigError,
    Limits,
    Observation,
    Policy,
    Poller,
    Situation,
    from_config,
    load_policy,
    to_config,
)
from bide.config import default_strategy
from bide.lab import Entrant, compare, find_workload
from bide.lab.comparison import Result
from bide.learn import background
from bide.learn.history import SqliteHistory
from bide.learn.learner import Learner
from bide.learning import Lesson
from bide.testing import ScriptedJob, VirtualClock
from bide_strategies import Clamp, Exponential, Fixed, Learned
from bide_strategies.learned import _finding

UNLIMITED = Limits(max_attempts=None, timeout=None)
SITUATIONS = [Situation(polls, elapsed, 1.0) for polls in (0, 1, 7) for elapsed in (0.0, 6.0, 20.0, 1e5)]


def delays(strategy: Learned) -> list[float]:
    """Return what a strategy does in some situations."""
    return [strategy.delay(situation, u) for situation in SITUATIONS for u in (0.0, 0.5, 1.0)]


def waits(strategy: Learned, durations: list[float], clock: VirtualClock, *, says: bool = False) -> list[int]:
    """Wait for jobs, one after the other, and return the calls of each."""
    poller = Poller(strategy, clock=clock.time, wall_clock=clock.time, sleep=clock.sleep)
    calls = []
    for duration in durations:
        end = clock.now + duration
        seen = Observation("completed", completed_at=end if says else None)
        calls.append(poller.wait(ScriptedJob([seen], clock, ends_at=end).poll).calls)
    assert background.flush(30)
    return calls


def cost(strategy: Learned, durations: str) -> Result:
    """Return what the lab says of a strategy as it is."""
    entrant = Entrant("learned", Policy(strategy, UNLIMITED))
    return compare([entrant], [find_workload(durations)]).workloads[0].results[0]


def test_as_long_as_nothing_is_known_it_waits_as_the_fallback_does() -> None:
    """Also as the fallback that it has by default, which is the one of the clients."""
    learned = Learned(job_kind="never seen", call_cost=1.0)
    assert learned.fallback == default_strategy()
    for situation in SITUATIONS:
        assert learned.delay(situation, 0.7) == default_strategy().delay(situation, 0.7)


def test_a_hundred_known_durations_come_near_the_least_possible() -> None:
    """At equal lag it makes hardly more calls than who knows the distribution."""
    chance = random.Random(7)
    known = [chance.uniform(5, 15) for _ in range(100)]
    result = cost(Learned.from_durations(known, call_cost=0.5), "uniform(5s, 15s)")
    assert result.excess is not None
    assert result.excess < 1.1


def test_waits_teach_it_by_themselves(tmp_path: Path) -> None:
    """After a few jobs it makes half the calls; another process begins where this one is."""
    chance, clock = random.Random(3), VirtualClock(1e9)
    fields: dict[str, Any] = {"job_kind": "video", "history": str(tmp_path / "waits.sqlite3")}
    before = waits(
        Learned(**fields, call_cost=1.0), [chance.uniform(5, 15) for _ in range(30)], clock, says=True
    )
    after = waits(Learned(**fields, call_cost=1.1), [chance.uniform(5, 15) for _ in range(10)], clock)
    assert before[0] >= 7
    assert sum(after) / 10 < 3.5
    assert [(each.kind, each.jobs) for each in SqliteHistory(fields["history"]).remembered()] == [
        ("video", 40)
    ]


def test_what_is_learned_does_not_change_what_is_in_use() -> None:
    """A strategy is frozen; the wait that begins next has a new one, which all waits share."""
    learned = Learned(job_kind="frozen", call_cost=1.0)
    before, begun = delays(learned), learned.begun("")
    for duration in (5.0, 6.0, 8.0, 9.0, 11.0, 12.0, 13.0, 14.0):
        learned.learn(Lesson.exact(duration))
        assert background.flush(30)
    assert delays(learned) == delays(begun) == before
    assert delays(learned.begun("")) != before
    assert learned.begun("") is learned.begun("")


def test_the_same_settings_learn_together() -> None:
    """Two pollers share what they know; who has another plan is not equal, and a copy is."""
    one, other = (Learned(job_kind="shared", calls=2.0) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    for duration in (5.0, 6.0, 8.0, 9.0, 11.0, 12.0, 13.0, 14.0):
        one.learn(Lesson.exact(duration))
    assert background.flush(30)
    assert delays(other.begun("")) == delays(one.begun("")) != delays(one)
    trained = one.begun("")
    assert delays(pickle.loads(pickle.dumps(trained))) == delays(trained)
    assert pickle.loads(pickle.dumps(trained)) == trained == from_config(to_config(trained)) != one
    assert hash(pickle.loads(pickle.dumps(trained))) == hash(trained)


def test_who_is_equal_looks_at_the_same_times() -> None:
    """Two strategies of the same fields, which were trained on other jobs, are not equal."""
    one = Learned(job_kind="trained", call_cost=1.0)
    few, many = one.trained([5.0, 7.0] * 3), one.trained([9.0, 15.0] * 30)
    assert delays(few) != delays(many)
    assert few != many
    assert few == one.trained([5.0, 7.0] * 3)


def test_keys_are_told_apart() -> None:
    """Jobs of another size are awaited at other times; a new key begins with what its kind knows."""
    learned = Learned(job_kind="sizes", call_cost=1.0, fallback=Fixed(interval=1.0))
    chance = random.Random(5)
    for _ in range(200):
        learned.learn(Lesson.exact(chance.uniform(20, 25), "small"))
        learned.learn(Lesson.exact(chance.uniform(300, 350), "large"))
    assert background.flush(30)
    start = Situation()
    first = {key: learned.planned(key).delay(start, 0.5) for key in ("small", "large", "new")}
    assert 15 < first["small"] < 25
    assert 250 < first["large"] < 350
    assert 15 < first["new"] < 30


@pytest.mark.parametrize(
    "durations",
    [[0.0] * 5, [5.0] * 5, [5.0, 500.0] * 3, [1e9] * 4, [1e-6, 1e9, 1.0], [10.0] * 50 + [1e9]],
)
def test_odd_durations_make_no_hot_loop_and_no_endless_delay(durations: list[float]) -> None:
    """All zero, all equal, of two values, huge, or with one that is absurd."""
    learned = Learned.from_durations(durations, job_kind=f"odd {durations}", call_cost=1.0)
    for elapsed in (0.0, 1e-3, 5.0, 1e4, 1e9):
        assert 0 < learned.delay(Situation(1, elapsed), 0.5) <= learned.ceiling < math.inf


def test_what_no_plan_can_do_is_done_as_nearly_as_can_be(caplog: pytest.LogCaptureFixture) -> None:
    """A lag that no plan has leads to the plan with the least; that is told of once."""
    chance = random.Random(7)
    known = [chance.lognormvariate(4.0, 0.5) for _ in range(40)]
    learned = Learned.from_durations(known, job_kind="soon", mean_lag=1e-6, fallback=Fixed(interval=1.0))
    for duration in known[:20]:
        learned.learn(Lesson.exact(duration))
        assert background.flush(30)
    assert cost(learned.begun(""), "lognormal(54.6s, 0.5)").lag_mean < 0.15
    (message,) = [record.message for record in caplog.records if record.name == "bide"]
    assert "mean_lag: must be between" in message
    assert message.endswith("got 1e-06; the nearest plan is followed")


def test_one_call_is_a_late_look() -> None:
    """Whoever wants a single call has it once hardly any job still runs."""
    known = [5.0 + n / 10 for n in range(60)]
    learned = Learned.from_durations(known, job_kind="once", calls=1.0)
    assert max(known) < learned.delay(Situation(), 0.9) < 10 * max(known)


def test_a_broken_history_breaks_no_wait(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The strategy can be made and used, learns for this process, and says once what is wrong."""
    path = tmp_path / "broken.sqlite3"
    path.write_text("this is no database" * 100)
    learned = Learned(job_kind="video", history=str(path), call_cost=1.0)
    waits(learned, [5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0], VirtualClock(), says=True)
    assert delays(learned.begun("")) != delays(learned)
    assert len([record for record in caplog.records if record.name == "bide"]) == 1
    assert f"{path}: cannot be used as a history" in caplog.text


class Memory:
    """A history that lives as long as its process, and can fail; it has no hash."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, failure: Exception | None = None) -> None:
        self.jobs: list[Lesson] = []
        self.failure = failure

    def add(self, kind: str, lessons: Iterable[Lesson]) -> None:
        self.jobs += lessons

    def lessons(self, kind: str, key: str | None = None) -> Sequence[Lesson]:
        if self.failure is not None:
            raise self.failure
        return self.jobs

    def added(self, kind: str, since: int) -> tuple[int, Mapping[str, int]]:
        return len(self.jobs), Counter(lesson.key for lesson in self.lessons(kind)[since:])


def test_anything_with_its_methods_is_a_history() -> None:
    """Whoever has the same learns from it, and whoever has another does not."""
    memory = Memory()
    first, second, other = (Learned(history=each, call_cost=1.0) for each in (memory, memory, Memory()))
    assert (first == second, hash(first) == hash(second), first == other) == (True, True, False)
    waits(first, [8.0, 11.0, 9.5, 14.0, 12.5, 10.0], VirtualClock(), says=True)
    assert [lesson.high for lesson in memory.jobs] == pytest.approx([8.0, 11.0, 9.5, 14.0, 12.5, 10.0])
    assert delays(second.planned()) != delays(other.planned()) == delays(other)


def test_equal_histories_are_one(tmp_path: Path) -> None:
    """So a strategy with the history of a file is equal to its pickled copy."""
    learned = Learned(history=SqliteHistory(str(tmp_path / "waits.sqlite3"), kept=50), call_cost=1.0)
    assert pickle.loads(pickle.dumps(learned)) == learned


def test_a_history_that_raises_breaks_no_wait(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it raises: the process learns from what it sees, and says once what is wrong."""
    learned = Learned(history=Memory(OSError("no route to host")), call_cost=1.0)
    waits(learned, [5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0], VirtualClock(), says=True)
    assert delays(learned.begun("")) != delays(learned)
    (message,) = [record.message for record in caplog.records if record.name == "bide"]
    assert "OSError('no route to host'); waits go on with what this process has seen itself" in message


@pytest.mark.parametrize("history", [Memory(), SqliteHistory("waits.sqlite3")])
def test_config_names_no_history_but_a_file(history: Any) -> None:
    """Also within a combinator."""
    learned = Learned(history=history, call_cost=1.0)
    with pytest.raises(ConfigError, match="history: config can only name a file, got "):
        to_config(Clamp(strategy=learned, high=60.0))


def test_what_has_not_its_methods_is_no_history() -> None:
    """It is refused with what it lacks."""
    with pytest.raises(ConfigError, match=r"history: must be .* the methods add, lessons and added"):
        Learned(history=5, call_cost=1.0)  # type: ignore[arg-type]


def test_config_names_the_history_beside_itself(tmp_path: Path) -> None:
    """Within a combinator too; and the strategy that is read learns."""
    SqliteHistory(str(tmp_path / "waits.sqlite3")).add(
        "video", [Lesson.exact(d) for d in (5.0, 5.5, 6.0, 6.2, 6.5, 6.8, 7.0, 7.5)]
    )
    config = tmp_path / "mine.toml"
    config.write_text(
        "[strategy]\n"
        'kind = "clamp"\n'
        'high = "1m"\n'
        "[strategy.strategy]\n"
        'kind = "learned"\n'
        'job_kind = "video"\n'
        'history = "waits.sqlite3"\n'
        'call_cost = "1s"\n'
        'fallback = { kind = "exponential", cap = "20s" }\n'
    )
    policy = load_policy(config)
    assert policy.learns
    assert isinstance(policy.strategy, Clamp)
    learned = policy.strategy.strategy
    assert isinstance(learned, Learned)
    assert learned.fallback == Exponential(cap=20.0)
    assert 3 < learned.delay(Situation(), 0.5) < 8


def test_however_many_there_are_in_a_process_nothing_learned_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those used long ago may be forgotten if a history remembers what they have learned; others are kept."""
    monkeypatch.setattr("bide_strategies.learned._MOST_LEARNERS", 2)
    monkeypatch.setattr("bide_strategies.learned._learners", {})
    histories = [str(tmp_path / "waits.sqlite3"), None, None, None]
    all_of_them = [
        Learned(job_kind=f"early {n}", history=history, call_cost=1.0) for n, history in enumerate(histories)
    ]
    known = [5.0, 6.0, 8.0, 9.0, 11.0, 12.0, 13.0, 14.0]
    for learned in all_of_them:
        waits(learned, known, VirtualClock(1e9), says=True)
    for learned in all_of_them:
        planned = delays(learned.planned())
        assert planned == pytest.approx(delays(learned.trained(known)))
        assert planned != delays(learned)


def test_those_that_learned_nothing_take_no_room() -> None:
    """However many settings a process comes across, it keeps a few hundred of them."""
    for user in range(400):
        Learned(job_kind=f"user {user}", call_cost=1.0)
    gc.collect()
    assert sum(isinstance(each, Learner) for each in gc.get_objects()) < 300


def test_durations_may_be_an_array_and_the_history_a_path(tmp_path: Path) -> None:
    """They become what config has: numbers of Python, and text."""
    path = tmp_path / "waits.sqlite3"
    for known in (np.array([5, 6, 8]), np.array([5.0, 6.0, 8.0])):
        learned = Learned.from_durations(known, history=path, call_cost=1.0)
        assert learned == Learned(durations=(5, 6, 8), history=str(path), call_cost=1.0)
        assert "np" not in repr(learned).replace(str(path), "")


def test_no_durations_are_nothing_to_learn_from() -> None:
    """A list that is empty by mistake is refused; so is a number, and what is no duration."""
    with pytest.raises(ConfigError, match="durations: must be one duration at least, got none"):
        Learned.from_durations([], call_cost=1.0)
    with pytest.raises(ConfigError, match="durations: must be a list of durations, got 5"):
        Learned.from_durations(5, call_cost=1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", [1e-3, 86400.0])
def test_whatever_the_unit_of_time_nobody_waits_much_longer_than_already(unit: float) -> None:
    """Beyond all that is known, of jobs of milliseconds and of days: at most as long as since then."""
    known = [(10 + n % 10) * unit for n in range(40)]
    learned = Learned.from_durations(known, job_kind=f"unit {unit}", call_cost=0.5 * unit)
    for late in (1.0, 10.0, 100.0, 1e6):
        delay = learned.delay(Situation(9, (20 + late) * unit), 0.9)
        assert 0 < delay <= min((2 + late) * unit, learned.ceiling)
        assert late < 100 or delay >= 0.3 * min(late * unit, learned.ceiling)
    assert 3600 <= learned.ceiling <= max(3600.0, 60 * unit)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"job_kind": "", "call_cost": 1.0}, "job_kind: must be text, and not empty, got ''"),
        ({"job_kind": "video"}, r"needs exactly one of .*, got none; such as learned\(call_cost=1s\)"),
        ({"job_kind": "video", "calls": 2.0, "mean_lag": 1.0}, "got mean_lag and calls"),
        ({"job_kind": "video", "calls": 2.0, "durations": [-1.0]}, "durations: must be a finite number >= 0"),
        ({"job_kind": "video", "calls": 2.0, "durations": 5}, "durations: must be a list, got 5"),
        ({"job_kind": "video", "calls": 2.0, "history": ""}, "history"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], message: str) -> None:
    """A bad field is a ConfigError with its place, its value and the rule."""
    with pytest.raises(ConfigError, match=message):
        from_config({"kind": "learned", **fields})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_learns_whatever_threads_did_then() -> None:
    """A strategy is made in the child, though a thread of the parent was making one as it forked."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with _finding:
            held.set()
            release.wait(0.05)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads, on newer versions
        child = os.fork()
    if not child:
        os._exit(0 if _finding.acquire(timeout=1) else 1)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def looks_until(strategy: Learned, end: float, round_trip: float = 0.0) -> list[float]:
    """Return when a wait looks at a job that ends at a time."""
    times: list[float] = []
    elapsed = delay = 0.0
    while elapsed < end:
        delay = strategy.delay(Situation(len(times), elapsed, delay), 1.0)
        elapsed += delay
        times.append(elapsed)
        elapsed += round_trip
    return times


@given(jobs=st.integers(10, 200), odd=st.floats(50.0, 5000.0), end=st.floats(1.0, 5000.0))
def test_one_odd_job_lets_none_wait_much_longer_than_it_takes(jobs: int, odd: float, end: float) -> None:
    """Whenever a job ends, it is seen to before twice the time; one took longer than all others."""
    durations = [*np.linspace(9.0, 11.0, jobs), odd]
    strategy = Learned.from_durations(durations, call_cost=0.5).trained(durations)
    assert looks_until(strategy, end)[-1] <= max(2.1 * end, 12.0)


@given(quick=st.sampled_from([0.0, 1e-3, 0.02]), calls=st.floats(1.5, 5.0))
def test_a_rare_job_is_no_hot_loop(quick: float, calls: float) -> None:
    """If jobs have become quick, one that takes as long as before is looked at a hundred times at most."""
    durations = [*np.linspace(9.0, 11.0, 60), *np.full(60, quick)]
    strategy = Learned(calls=calls).trained(durations)
    assert len(looks_until(strategy, 10.0, round_trip=0.005)) < 100

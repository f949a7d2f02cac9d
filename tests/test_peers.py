"""Peers: what is recorded is what their code does, and what the catalogue says of them."""

from __future__ import annotations

import math
import random
import statistics
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib import metadata
from itertools import accumulate, pairwise, repeat

import pytest
from attrs import evolve

import bide_peers
from bide import ConfigError, Limits, Observation, Outcome, Policy, Situation, Strategy, Wait
from bide.bounds import schedule
from bide.catalogue import find_policy
from bide.lab import recorded
from bide.lab.recorded import Peer, PendingJob, Recorded, record
from bide.strategy import ceiling_of
from bide_peers import ADAPTERS, peers_of, record_peers

UNLIMITED = Limits(max_attempts=None, timeout=None)

# By distribution and setting: the policy in the catalogue that speaks for it, or a strategy without limits.
POLICIES = {
    ("azure-core", "LROPoller.result()"): "azure-core",
    ("backoff", "fibo(max_value=13)"): "fibonacci(base=1s, cap=13s, jitter=full)",
    ("backoff", "constant(1), jitter=None"): "fixed(interval=1s)",
    ("backoffs", "Policy()"): "exponential(base=100ms, cap=30s)",
    ("botocore", "EC2 instance_running"): "botocore",
    ("databricks-sdk", "jobs.run_now_and_wait()"): "databricks",
    ("google-api-core", "Operation.result()"): "google-api-core",
    ("openai", "vector_stores.files.poll()"): "openai",
    ("openai", "files.wait_for_processing()"): "openai-files",
    ("replicate", "prediction.wait()"): "replicate",
    ("stamina", "retry()"): "stamina",
    ("stamina", "retry(attempts=None, timeout=None)"): "stamina",
    ("tenacity", "wait_random_exponential(multiplier=1, max=60)"): "tenacity-random-exponential",
    ("tenacity", "wait_fixed(2)"): "fixed(interval=2s)",
}


def policy_for(distribution: str, setting: str) -> Policy:
    """Return the policy that a peer should follow."""
    policy = find_policy(POLICIES[distribution, setting])
    unlimited = "(" in POLICIES[distribution, setting] or "attempts=None" in setting
    return evolve(policy, limits=UNLIMITED) if unlimited else policy


@cache
def recording(distribution: str, setting: str) -> Recorded:
    """Return the recording of a peer, past its limits if it has any."""
    peer = next(peer for peer in peers_of(distribution) if peer.setting == setting)
    policy = policy_for(distribution, setting)
    short = policy.limits == UNLIMITED and not deviation_of((distribution, setting))
    return record(peer, 300.0 if short else 2000.0)


@pytest.fixture
def recorded_peer(distribution: str, setting: str) -> Recorded:
    """The recording of a peer, if it is installed."""
    try:
        return recording(distribution, setting)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{distribution} is not installed")


def polls_of(policy: Policy, horizon: float) -> Iterator[float]:
    """Yield the poll times of the policy, by the engine, for a job that ends at the horizon."""
    wait, now = Wait(policy, now=0.0), 0.0
    step: float | Outcome = wait.first_delay()
    while not isinstance(step, Outcome):
        now += step
        yield now
        step = wait.answered(Observation("completed" if now >= horizon else "pending"), now)


def deviation_of(one: tuple[str, str]) -> float:
    """Return the standard deviation of the second delay of a peer's policy, in seconds."""
    return mean_and_deviation(policy_for(*one).strategy, 1)[1]


def mean_and_deviation(strategy: Strategy, polls: int) -> tuple[float, float]:
    """Return the mean and the standard deviation of the delay after so many polls, by its quantiles."""
    situation = Situation(polls, observation=Observation("pending"))
    delays = [strategy.delay(situation, (i + 0.5) / 200) for i in range(200)]
    return statistics.fmean(delays), statistics.pstdev(delays)


@pytest.mark.parametrize(("distribution", "setting"), [one for one in POLICIES if not deviation_of(one)])
def test_a_peer_without_jitter_polls_as_the_policy_does(
    recorded_peer: Recorded, distribution: str, setting: str
) -> None:
    """Poll by poll it has the policy's schedule, up to the policy's timeout."""
    policy = policy_for(distribution, setting)
    expected = list(polls_of(policy, recorded_peer.horizon))
    (polls,) = recorded_peer.schedules
    assert polls[: len(expected)] == pytest.approx(expected)
    assert policy.limits.timeout is not None or len(polls) == len(expected)


@pytest.mark.parametrize(("distribution", "setting"), [one for one in POLICIES if deviation_of(one)])
def test_a_peer_with_jitter_draws_its_delays_as_the_policy_does(
    recorded_peer: Recorded, distribution: str, setting: str
) -> None:
    """Polls lie within the policy's bounds, the means of the delays within four standard errors."""
    strategy, runs = policy_for(distribution, setting).strategy, recorded_peer.schedules
    assert len(runs) == 64
    fewest = min(map(len, runs))
    bounds = schedule(strategy, fewest)
    for run in runs:
        assert all(b.least - 1e-6 <= t <= b.most + 1e-6 for t, b in zip(run, bounds, strict=False))
    means, deviations = zip(*(mean_and_deviation(strategy, polls) for polls in range(1, fewest)), strict=True)
    drawn = [statistics.fmean(run[n] - run[n - 1] for run in runs) for n in range(1, fewest)]
    for one, mean, deviation in zip(drawn, means, deviations, strict=True):
        assert one == pytest.approx(mean, abs=4 * deviation / math.sqrt(len(runs)) + 1e-6)
    assert sum(drawn) == pytest.approx(sum(means), abs=4 * math.hypot(*deviations) / math.sqrt(len(runs)))


@pytest.mark.parametrize(("distribution", "setting"), POLICIES)
def test_a_peer_gives_up_where_the_policy_does(
    recorded_peer: Recorded, distribution: str, setting: str
) -> None:
    """It gives up if the policy has a limit: after as many polls, or at most a delay from the timeout."""
    policy = policy_for(distribution, setting)
    assert set(recorded_peer.gives_up) == {policy.limits != UNLIMITED}
    for polls in recorded_peer.schedules:
        assert (polls[-1] >= recorded_peer.horizon) == (policy.limits == UNLIMITED)
        if policy.limits.max_attempts is not None:
            assert len(polls) == policy.limits.max_attempts
        elif policy.limits.timeout is not None:
            assert abs(polls[-1] - policy.limits.timeout) <= ceiling_of(policy.strategy)


def test_every_peer_is_compared() -> None:
    """No adapter has a setting without a policy; those that are not installed cannot be asked."""
    for distribution in ADAPTERS:
        named = {setting for name, setting in POLICIES if name == distribution}
        assert named
        try:
            assert named == {peer.setting for peer in peers_of(distribution)}
        except metadata.PackageNotFoundError:
            continue


def test_who_is_recorded_and_who_is_missing_are_all() -> None:
    """Each library has recordings, with its version in the name, or a reason why not; progress is told."""
    told: list[tuple[int, int]] = []
    found, missing = record_peers(20.0, runs=2, progress=lambda done, of: told.append((done, of)))
    assert {text.partition(":")[0] for text in missing}.isdisjoint(one.name.split()[0] for one in found)
    assert {one.name.split()[0] for one in found} | {text.partition(":")[0] for text in missing} == {
        *ADAPTERS
    }
    assert all(one.name.split()[1].rstrip(":") == metadata.version(one.name.split()[0]) for one in found)
    assert all(text.endswith(": not installed") for text in missing)
    assert told == [(done, len(ADAPTERS)) for done in range(1, len(ADAPTERS) + 1)]


def test_a_peer_that_is_missing_or_broken_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is not there, one that cannot be imported and one that breaks do no harm."""
    monkeypatch.setitem(sys.modules, "bide_peers.halted", None)
    monkeypatch.setattr(
        bide_peers, "ADAPTERS", {"no-such-library": "none", "attrs": "halted", "pytest": "pending"}
    )
    found, missing = record_peers(20.0)
    assert found == ()
    assert [text.partition(":")[0] for text in missing] == ["no-such-library", "attrs", "pytest"]
    assert missing[0] == "no-such-library: not installed"
    assert missing[1].startswith("attrs: ModuleNotFoundError: import of bide_peers.halted halted")
    assert missing[2].startswith("pytest: AttributeError: ")


@pytest.mark.parametrize(
    ("horizon", "runs", "message"),
    [
        (0.0, 1, "horizon: must be a finite number > 0 seconds, got 0.0"),
        (float("inf"), 1, "horizon: .* got inf"),
        (float("nan"), 1, "horizon: .* got nan"),
        (1.0, 0, "runs: must be a whole number >= 1, got 0"),
    ],
)
def test_what_cannot_be_recorded_is_refused(horizon: float, runs: int, message: str) -> None:
    """A horizon or a number of runs that makes no sense is the caller's mistake, and no peer's."""
    with pytest.raises(ConfigError, match=message):
        record_peers(horizon, runs=runs)


def peer(wait: Callable[[PendingJob], object]) -> Peer:
    """Return a peer of a library that is surely installed."""
    return Peer("attrs", "made up", wait)


def every(seconds: float, attempts: int | None = None) -> Peer:
    """Return a peer that polls at a fixed interval, and may give up."""

    def wait(job: PendingJob) -> None:
        while not job.poll() and len(job.polls) != attempts:
            time.sleep(seconds)

    return peer(wait)


def jittered(job: PendingJob) -> None:
    """Poll at intervals below a second."""
    while not job.poll():
        time.sleep(random.random())


def test_polls_are_recorded_up_to_the_one_that_sees_the_end() -> None:
    """The last poll is the first at or past the horizon; and waits that are the same are recorded once."""
    recording = record(every(2.0), 5.0)
    assert recording.schedules == ((0.0, 2.0, 4.0, 6.0),)
    assert (recording.horizon, recording.gives_up) == (5.0, (False,))
    assert recording.name == f"attrs {metadata.version('attrs')}: made up"


def test_a_peer_that_gives_up_is_marked() -> None:
    """Its last poll is before the horizon; but one that would have given up later has not."""
    assert record(every(2.0, attempts=3), 5.0).gives_up == (True,)
    assert record(every(2.0, attempts=3), 4.0).gives_up == (False,)


def test_answers_take_time_for_peers_too() -> None:
    """With answers that take half a second, sleeps of two are two and a half apart."""
    assert record(every(2.0), 5.0, latency=0.5).schedules == ((0.0, 2.5, 5.0),)


def test_a_seed_gives_the_same_recording_again() -> None:
    """As many runs as asked for, all different; the same for the same seed, and others for another."""
    first, again, other = (record(peer(jittered), 20.0, runs=5, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert len({*first.schedules, *other.schedules}) == 10
    assert len(record(peer(jittered), 20.0, runs=1).schedules) == 1


def test_time_chance_and_warnings_are_as_before() -> None:
    """A recording puts back the clocks, the random numbers and the warning filters, even if it breaks."""

    def broken(job: PendingJob) -> None:
        time.sleep(random.random())
        job.poll()
        warnings.warn("the library's own", DeprecationWarning, stacklevel=1)
        raise LookupError("broken")

    before = (
        time.sleep,
        time.time,
        time.monotonic,
        time.perf_counter,
        random.getstate(),
        warnings.filters[:],
    )
    with pytest.raises(LookupError, match="broken"):
        record(peer(broken), 20.0)
    after = (time.sleep, time.time, time.monotonic, time.perf_counter, random.getstate(), warnings.filters[:])
    assert before == after


def test_clocks_agree_with_sleep_in_the_peer_s_threads_only() -> None:
    """The peer's clocks move with its sleeps, in its own threads too; who ran before sees the real time."""
    asked, answered = threading.Event(), threading.Event()
    seen: dict[str, float] = {}

    def bystander() -> None:
        asked.wait()
        seen["bystander"] = time.time()
        answered.set()

    def read() -> None:
        seen.update(time=time.time(), monotonic=time.monotonic(), perf_counter=time.perf_counter())

    def wait(job: PendingJob) -> None:
        asked.set()
        answered.wait()
        time.sleep(3.5)
        worker = threading.Thread(target=read)
        worker.start()
        worker.join()
        job.poll()

    thread = threading.Thread(target=bystander, daemon=True)
    thread.start()
    record(peer(wait), 1.0)
    thread.join()
    assert seen.pop("bystander") > 1e9
    assert seen == {"time": 3.5, "monotonic": 3.5, "perf_counter": 3.5}


def test_a_peer_that_polls_too_often_is_recorded_up_to_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The horizon then says how far that is, for all runs."""
    monkeypatch.setattr(recorded, "MOST_POLLS", 50)
    assert record(every(2.0), 1000.0).horizon == 98.0
    recording = record(peer(jittered), 1000.0, runs=3)
    assert recording.horizon == min(polls[-1] for polls in recording.schedules)
    assert {len(polls) for polls in recording.schedules} == {50}


@pytest.mark.parametrize(
    ("wait", "message"),
    [
        (lambda job: None, "does not poll"),
        (lambda job: [*iter(time.monotonic, -1)], "reads the clock or sleeps 100000 times"),
        (lambda job: [*map(time.sleep, repeat(1.0))], "reads the clock or sleeps 100000 times"),
        (lambda job: [*iter(job.poll, True)], "polls 10 times in no time"),
        (lambda job: time.sleep(-1.0), "sleep length must be non-negative"),
    ],
)
def test_a_peer_that_never_comes_to_an_end_is_stopped(
    wait: Callable[[PendingJob], object], message: str
) -> None:
    """What does not poll, or does nothing else, is an error and no endless loop."""
    with pytest.raises((RuntimeError, ValueError), match=message):
        record(peer(wait), 20.0)


def test_a_made_up_schedule_is_recorded_as_it_is() -> None:
    """Whatever the delays, the recording has their sums."""
    delays = [random.Random(3).uniform(0.1, 9) for _ in range(30)]

    def wait(job: PendingJob) -> None:
        for delay in delays:
            job.poll()
            time.sleep(delay)

    polls = record(peer(wait), 1e6).schedules[0]
    assert list(polls) == pytest.approx([0.0, *accumulate(delays)][:-1])
    assert all(a < b for a, b in pairwise(polls))

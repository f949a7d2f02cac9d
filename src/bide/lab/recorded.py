"""
The poll times of other libraries, recorded from their real code while time is virtual.

For as long as a peer is recorded, ``time.sleep`` moves a virtual clock, and ``time.time``, ``time.monotonic``
and ``time.perf_counter`` read it. Nothing else of its library is replaced: its own delays, jitter and limits
decide. ``datetime`` still tells the real time, so a limit that a library measures with it does not count.
"""

from __future__ import annotations

import random
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from attrs import define, evolve, field, frozen

from bide.errors import ConfigError, Problem, shown
from bide.rules import Number

MOST_POLLS = 4_000
"""A peer that polls more often in one wait is recorded up to there, and taken to go on as it did last."""

MOST_POLLS_AGAIN = 1_000
"""Further waits of a peer with jitter are recorded up to there."""

# Who does more of these waits for real time to pass, or not at all.
_MOST_AT_ONCE = 10  # polls
_MOST_READINGS = 100_000  # of the clock, from one poll to the next

_TRIED_POLLS = 100  # by these, two waits of a peer with jitter differ


@define
class PendingJob:
    """
    A job that is pending until the horizon, on a clock that only sleeping moves.

    Args:
        horizon: when the job ends, in seconds on the clock.
        latency: seconds that every answer takes; it tells what held when the poll began.
        most_polls: so many see it pending at most; then it ends.
        now: the time, in seconds.

    `polls` has the time of each poll so far, and `ended` says whether one of them saw the end.
    """

    horizon: float
    latency: float = 0.0
    most_polls: int = MOST_POLLS
    now: float = 0.0
    polls: list[float] = field(factory=list, init=False)
    ended: bool = field(default=False, init=False)
    _readings: int = field(default=0, init=False)

    def poll(self) -> bool:
        """Look once; say whether the job has ended, or was looked at too often."""
        self.polls.append(self.now)
        self._readings = 0
        self.ended = self.now >= self.horizon or self.is_cut or self.is_stuck
        self.now += self.latency
        return self.ended

    def time(self) -> float:
        """Return the time, in seconds."""
        self._readings += 1
        if self._readings > _MOST_READINGS:
            raise RuntimeError(f"does not poll, but reads the clock or sleeps {_MOST_READINGS} times")
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        if not seconds >= 0:
            raise ValueError("sleep length must be non-negative")  # as `time.sleep` says it
        self.now = self.time() + seconds

    @property
    def is_cut(self) -> bool:
        """Whether the end was made up, because of too many polls."""
        return len(self.polls) >= self.most_polls

    @property
    def is_stuck(self) -> bool:
        """Whether the end was made up, because time stands still."""
        return self.polls[-_MOST_AT_ONCE:] == self.polls[-1:] * _MOST_AT_ONCE


@frozen
class Peer:
    """
    Another library, as its user would have it wait for a job.

    Args:
        distribution: its name on the package index.
        setting: what is configured, in the library's own words.
        wait: waits for the job with the library's own code, and returns when it has ended or when the library
            gives up; what it raises means that it is broken.
    """

    distribution: str
    setting: str
    wait: Callable[[PendingJob], object]


@frozen(kw_only=True)
class Recorded:
    """
    When a peer polled a job that was pending all the time.

    Args:
        name: the library, its version and what was configured.
        schedules: the poll times of each run, ascending, in seconds from the start. The last of them is at
            the horizon or after it, unless the peer gave up. A peer without jitter has one run.
        horizon: seconds up to which was recorded.
        gives_up: for each schedule, whether the peer gave up by itself before the horizon.
    """

    name: str
    schedules: tuple[tuple[float, ...], ...]
    horizon: float
    gives_up: tuple[bool, ...]


def record(peer: Peer, horizon: float, *, latency: float = 0.0, runs: int = 64, seed: int = 0) -> Recorded:
    """
    Return when a peer polls.

    Args:
        peer: waits.
        horizon: seconds up to which to record; less is recorded of a peer that polls too often.
        latency: seconds that every answer takes; >= 0.
        runs: how many waits to record of a peer with jitter; >= 1.
        seed: the same seed gives the same recording.

    Raises:
        ConfigError: the horizon or the number of runs is out of range.
        PackageNotFoundError: the library is not installed.
        Exception: whatever a peer raises that cannot be used.
    """
    require_recordable(horizon, runs)
    jobs = _jobs(peer, PendingJob(horizon, latency, MOST_POLLS), runs, seed)
    return Recorded(
        name=f"{peer.distribution} {metadata.version(peer.distribution)}: {peer.setting}",
        schedules=tuple(tuple(job.polls) for job in jobs),
        horizon=min([horizon, *(job.polls[-1] for job in jobs if job.is_cut)]),
        gives_up=tuple(not job.ended for job in jobs),
    )


def require_recordable(horizon: float, runs: int) -> None:
    """
    Check what is asked of a recording, before any peer runs.

    Raises:
        ConfigError: the horizon or the number of runs is out of range.
    """
    problems = []
    if not (rule := Number(above=0, unit="seconds")).holds(horizon):
        problems.append(Problem(f"{rule}, got {shown(horizon)}", ("horizon",)))
    if not (rule := Number(least=1, whole=True)).holds(runs):
        problems.append(Problem(f"{rule}, got {shown(runs)}", ("runs",)))
    if problems:
        raise ConfigError(problems)


def _jobs(peer: Peer, job: PendingJob, runs: int, seed: int) -> list[PendingJob]:
    """Return the jobs, all alike, that the peer waited for; only one if its waits begin alike."""
    first = _waited_for(peer, job, f"{seed} 0")
    trial = _waited_for(peer, evolve(job, horizon=first.polls[:_TRIED_POLLS][-1]), f"{seed} 1")
    if trial.polls == first.polls[: len(trial.polls)]:
        return [first]
    others = evolve(job, most_polls=min(job.most_polls, MOST_POLLS_AGAIN))
    return [first, *(_waited_for(peer, others, f"{seed} {run}") for run in range(1, runs))]


def _waited_for(peer: Peer, job: PendingJob, seed: str) -> PendingJob:
    """Let the peer wait once for a job like this one."""
    job = evolve(job)
    with _virtual_time(job), _seeded(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are for the library's own users
        peer.wait(job)
    if not job.polls:
        raise RuntimeError("does not poll")
    if job.is_stuck:
        raise RuntimeError(f"polls {_MOST_AT_ONCE} times in no time")
    return job


_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def _virtual_time(job: PendingJob) -> Iterator[None]:
    """Put the job's clock in place of the real one, except for the threads that run already."""
    others = set(threading.enumerate()) - {threading.current_thread()}

    def for_the_peer(virtual: Callable[..., Any], real: Callable[..., Any]) -> Callable[..., Any]:
        def function(*args: float) -> Any:
            return real(*args) if threading.current_thread() in others else virtual(*args)

        return function

    virtual: dict[str, Callable[..., Any]] = {
        "sleep": job.sleep,
        "time": job.time,
        "monotonic": job.time,
        "perf_counter": job.time,
    }
    with _ONE_AT_A_TIME:
        real = {name: getattr(time, name) for name in virtual}
        try:
            for name, function in virtual.items():
                setattr(time, name, for_the_peer(function, real[name]))
            yield
        finally:
            for name, function in real.items():
                setattr(time, name, function)


@contextmanager
def _seeded(seed: str) -> Iterator[None]:
    """Make the draws of the module `random` reproducible, and put its state back."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)

"""The simulated work: what a job gets is a function of the seed and its number."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean
from uuid import UUID

import pytest
from harness import api
from hypothesis import given
from hypothesis import strategies as st

from bide.server import JobKind, ServerConfig
from bide.server.document import job_document
from bide.server.job import Job
from bide.server.kinds import Between
from bide.server.service import JobService, Order
from bide.server.store import Store
from bide.server.work import draw

times = st.floats(0, 4e9)


@given(seed=st.integers(), number=st.integers(1, 2**62), low=st.floats(0, 1e9), high=st.floats(0, 1e9))
def test_no_draw_leaves_the_bounds(seed: int, number: int, low: float, high: float) -> None:
    """Every duration lies between the shortest and the longest, for every seed and number."""
    low, high = sorted((low, high))
    kind = JobKind(durations=Between(low, high))
    assert low <= draw(number, seed=seed, kind=kind).duration <= high


@given(seed=st.integers(), number=st.integers(1, 10**9))
def test_a_share_of_none_or_all_is_exact(seed: int, number: int) -> None:
    """With a failing share of 0 no job fails, with 1 every job does."""
    assert draw(number, seed=seed, kind=JobKind(failing=0)).outcome == "completed"
    assert draw(number, seed=seed, kind=JobKind(failing=1)).outcome == "error"


def test_the_draws_are_uniform_and_independent() -> None:
    """Over 20,000 jobs, mean, variance, share of failures and their correlation are those of the model."""
    kind = JobKind(durations="0..1", failing=0.25)
    draws = [draw(number, seed=7, kind=kind) for number in range(1, 20_001)]
    durations = [one.duration for one in draws]
    failed = [one.duration for one in draws if one.outcome == "error"]
    # Five standard errors each: 1/2 +- 0.0102, 1/12 +- 0.0027, 1/4 +- 0.0153, 1/2 +- 0.0204.
    assert abs(fmean(durations) - 1 / 2) < 0.0102
    assert abs(fmean((x - 1 / 2) ** 2 for x in durations) - 1 / 12) < 0.0027
    assert abs(len(failed) / 20_000 - 1 / 4) < 0.0153
    assert abs(fmean(failed) - 1 / 2) < 0.0204


def test_other_seeds_draw_other_jobs() -> None:
    """A hundred seeds give a hundred different first jobs."""
    durations = {draw(1, seed=seed, kind=JobKind()).duration for seed in range(100)}
    assert len(durations) == 100


def test_same_seed_same_jobs_under_threads() -> None:
    """Eight threads that submit at once get, together, what one thread gets in turn."""

    def jobs(threads: int) -> list[tuple[float, str]]:
        with Store(":memory:") as store, ThreadPoolExecutor(threads) as pool:
            service = JobService(ServerConfig(), store, seed=42, clock=lambda: 0.0)
            done = list(pool.map(lambda _: service.submit(), range(200)))
        return sorted((job.duration, job.outcome) for job in done)

    assert jobs(8) == jobs(1)


def test_same_seed_same_jobs_over_a_restart(tmp_path: Path) -> None:
    """A server that restarts goes on with the next number: no job's draw is given twice or left out."""

    def submit(service: JobService) -> float:
        return service.submit().duration

    config = ServerConfig()
    with Store(":memory:") as store:
        service = JobService(config, store, seed=3, clock=lambda: 0.0)
        unbroken = [submit(service) for _ in range(4)]
    broken = []
    for _ in range(4):
        with Store(str(tmp_path / "jobs.db")) as store:
            broken.append(submit(JobService(config, store, seed=3, clock=lambda: 0.0)))
    assert broken == unbroken


def test_same_seed_same_ids_and_no_id_twice(tmp_path: Path) -> None:
    """Two servers of one seed name their jobs alike; in one file no id comes again, whatever seed returns."""

    def ids(database: str, seed: int | None) -> list[str]:
        with api(database=database, seed=seed) as server:
            return [server.submit() for _ in range(3)]

    first = ids(":memory:", 7)
    assert first == ids(":memory:", 7)
    assert all(UUID(one).version == 4 for one in first)
    file = str(tmp_path / "jobs.db")
    seen = [one for seed in (7, 8, 7, None, None) for one in ids(file, seed)]
    assert seen[:3] == first
    assert len(set(seen)) == 15
    assert ids(":memory:", None) != ids(":memory:", None)


def test_a_pinned_job_leaves_the_others_as_they_were() -> None:
    """What a client pins changes that job alone; the next one gets what it would have got."""
    with Store(":memory:") as store:
        service = JobService(ServerConfig(), store, seed=5, clock=lambda: 0.0)
        pinned = service.submit(Order(duration=0.0, outcome="error"))
        following = service.submit()
    assert (pinned.duration, pinned.outcome) == (0.0, "error")
    assert following.duration == round(draw(2, seed=5, kind=JobKind()).duration, 6)


def test_without_a_seed_two_servers_differ() -> None:
    """A server whose seed is left open draws one of its own."""
    lengths = []
    for _ in range(2):
        with api() as server:
            jobs = [server.submit() for _ in range(4)]
            server.clock.now += 60
            lengths.append([server.get(f"/v1/jobs/{job}").json["completed_at"] for job in jobs])
    assert lengths[0] != lengths[1]


@given(created_at=times, length=st.floats(0, 1e9), now=times)
def test_progress_and_status_agree(created_at: float, length: float, now: float) -> None:
    """At any time, even before the creation, progress is in [0, 1], and 1 exactly once the job has ended."""
    job = Job(id="x", created_at=created_at, ends_at=created_at + length, outcome="error")
    assert 0 <= job.worked(now) <= 1
    assert (job.status(now) == "error") == (job.worked(now) == 1) == (now >= job.ends_at)


def test_the_status_is_the_clocks() -> None:
    """A job of 10 s is half done after 5 s, pending just before its end, and ended at it."""
    with api() as server:
        path = f"/v1/jobs/{server.submit(duration=10)}"
        start = server.clock.now
        seen = []
        for server.clock.now in (start, start + 5, start + 9.999, start + 10):
            answer = server.get(path).json
            seen.append((answer["status"] == "pending", round(answer["progress"], 3)))
    assert seen == [(True, 0.0), (True, 0.5), (True, 1.0), (False, 1.0)]


@given(st.floats(1.6e9, 2.4e9), st.floats(1.6e9, 2.4e9), st.floats(1e-6, 1e5))
def test_a_duration_is_the_same_at_any_time(now: float, later: float, duration: float) -> None:
    """What a job shows that it took does not depend on when it was created, to the last digit."""

    def shown(now: float) -> float:
        service = JobService(ServerConfig(), store, seed=3, clock=lambda: now)
        job = service.submit(Order(duration=duration, outcome="completed"))
        took: float = job_document(job, service.kind_of(job), job.ends_at)["result"]["duration"]
        return took

    with Store(":memory:") as store:
        assert shown(now) == shown(later) == pytest.approx(duration, abs=5.1e-7)

"""Retention: jobs are forgotten some time after their end, and their room is given back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness import api

from bide.errors import ConfigError
from bide.server import ServerConfig
from bide.server.job import Job
from bide.server.store import Store


def job(number: int, ends_at: float) -> Job:
    return Job(id=f"{number:036}", created_at=0.0, ends_at=ends_at, outcome="completed")


def test_what_ended_before_is_forgotten() -> None:
    """Jobs that ended, or were cancelled, before a time are gone; all others are there."""
    with Store(":memory:") as store:
        for number, ends_at in enumerate((5.0, 10.0, 20.0, 99.0), 1):
            kept = job(number, ends_at)
            store.add(lambda _, kept=kept: kept)  # type: ignore[misc]
        store.cancel(job(4, 99.0).id, now=3.0)
        assert store.forget(10.0) == 2
        assert [number for number, _ in store.page(9)] == [3, 2]


def test_numbers_go_on_and_keys_are_free_again(tmp_path: Path) -> None:
    """After all is forgotten, and a restart, the next job has the next number: its draw is nobody else's."""
    path = str(tmp_path / "jobs.db")
    with Store(path) as store:
        for number in range(3):
            store.add(lambda number: job(number, 1.0))
        assert store.forget(2.0) == 3
    with Store(path) as store:
        store.add(lambda number: job(number, 1.0))
        assert [number for number, _ in store.page(9)] == [4]


def test_the_file_shrinks(tmp_path: Path) -> None:
    """Of 2,000 jobs nothing is left but a small file; also of one that an older bide has begun."""
    path = tmp_path / "jobs.db"
    with Store(str(path)) as store, ThreadPoolExecutor(50) as pool:  # which share commits
        for _ in pool.map(lambda _: store.add(lambda number: job(number, 1.0)), range(2000)):
            pass
    before = path.stat().st_size
    with Store(str(path)) as store:
        assert store.forget(2.0) == 2000
    assert path.stat().st_size < before / 10


def test_a_server_forgets_by_itself(tmp_path: Path) -> None:
    """With ``keep``, what ended longer ago is gone when the server has started; without, nothing ever is."""
    path = str(tmp_path / "jobs.db")
    with api(database=path) as server:
        old = server.submit(duration=1)
    for settings, code in (({}, 200), ({"keep": 60.0}, 404)):
        with api(database=path, **settings) as server:
            server.clock.now += 3600
            server.app.tidy()
            assert server.get(f"/v1/jobs/{old}").status_code == code


@pytest.mark.parametrize("keep", [0, -1, float("nan")])
def test_a_time_to_keep_is_above_zero(keep: float) -> None:
    """Nothing is forgotten before it has ended."""
    with pytest.raises(ConfigError, match=r"^keep: must be"):
        ServerConfig(keep=keep)

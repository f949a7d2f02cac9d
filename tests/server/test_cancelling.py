"""Jobs that are cancelled: ``DELETE /v1/jobs/{id}``."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import api
from hypothesis import given
from hypothesis import strategies as st
from test_job_api import assert_problem

from bide.server.job import Job

CANCELLED = {
    "kind": "default",
    "status": "cancelled",
    "progress": 0.25,
    "created_at": "2027-01-15T08:00:00Z",
    "completed_at": "2027-01-15T08:00:02.500000Z",
}


def test_a_cancelled_job_has_ended_there_and_then() -> None:
    """Cancelling answers 200 with the job, which stays as it is from that moment on, past its end too."""
    with api() as server:
        job = server.submit(duration=10)
        path = f"/v1/jobs/{job}"
        server.clock.now += 2.5
        answer = server.request("DELETE", path)
        server.clock.now += 60
        later = server.get(path)
    assert (answer.status_code, answer.json) == (200, {"id": job, **CANCELLED})
    assert later.json == answer.json


def test_cancelling_twice_is_cancelling_once() -> None:
    """The second time nothing changes, and the answer is the same."""
    with api() as server:
        path = f"/v1/jobs/{server.submit(duration=10)}"
        server.clock.now += 2.5
        first = server.request("DELETE", path)
        server.clock.now += 5
        second = server.request("DELETE", path)
    assert (second.status_code, second.json) == (200, first.json)


@pytest.mark.parametrize("outcome", ["completed", "error"])
def test_a_job_that_has_ended_stays_as_it_is(outcome: str) -> None:
    """From the moment of its end a job cannot be cancelled; the answer is 200 all the same."""
    with api() as server:
        path = f"/v1/jobs/{server.submit(duration=10, outcome=outcome)}"
        server.clock.now += 10
        before = server.get(path)
        answer = server.request("DELETE", path)
        assert server.get(path).json == before.json
    assert (answer.status_code, answer.json) == (200, before.json)


def test_an_unknown_job_cannot_be_cancelled() -> None:
    """An id that nobody was given is a 404 problem that names it."""
    with api() as server:
        problem = assert_problem(server.request("DELETE", "/v1/jobs/nobody"), 404)
    assert "'nobody'" in problem["detail"]


def test_a_cancelled_job_stays_so_over_a_restart(tmp_path: Path) -> None:
    """What was cancelled is cancelled after the database was closed and opened again."""
    database = str(tmp_path / "jobs.db")
    with api(database=database) as server:
        path = f"/v1/jobs/{server.submit(duration=10)}"
        server.clock.now += 2.5
        answer = server.request("DELETE", path)
    with api(database=database) as server:
        assert server.get(path).json == answer.json


def test_the_older_format_shows_a_cancelled_job_as_failed() -> None:
    """It has no word for it: 500, ``error``, as its clients know it, and a message that says more."""
    with api() as server:
        job = server.submit(duration=10)
        server.request("DELETE", f"/v1/jobs/{job}")
        answer = server.get(f"/status/{job}")
    assert answer.status_code == 500
    assert answer.json == {"meta": {"message": "the job was cancelled"}, "payload": {"status": "error"}}


def test_looking_is_counted_and_cancelling_is_not() -> None:
    """A DELETE is no status call; HEAD and a 304 are."""
    with api() as server:
        path = f"/v1/jobs/{server.submit(duration=10)}"
        server.request("DELETE", path)
        assert server.get("/v1/stats").json["status_calls"]["total"] == 0
        server.request("HEAD", path)
        server.get(path, If_None_Match="*")
        assert server.get("/v1/stats").json["status_calls"]["total"] == 2


@given(start=st.floats(0, 4e9), length=st.floats(1e-3, 1e9), share=st.floats(0, 0.99), now=st.floats(0, 9e9))
def test_a_cancelled_job_no_longer_depends_on_the_clock(
    start: float, length: float, share: float, now: float
) -> None:
    """Whatever the time, its status, its end and its progress are those of when it was cancelled."""
    moment = start + share * length
    job = Job(id="x", created_at=start, ends_at=start + length, outcome="error", cancelled_at=moment)
    assert (job.status(now), job.ended_at(now)) == ("cancelled", moment)
    assert job.worked(now) == job.worked(moment)
    assert 0 <= job.worked(now) <= 1

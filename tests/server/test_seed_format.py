"""The seed's wire format, spoken to the app without a socket."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from harness import Api, api


def create(server: Api, **request: Any) -> str:
    """Create a job as the seed's client does, and return the path of its status."""
    answer = server.post("/", **request)
    assert answer.status_code == 200
    assert set(answer.json) == {"meta", "payload"}
    assert isinstance(answer.json["meta"]["message"], str)
    return f"/status/{UUID(answer.json['payload']['jobID'])}"


@pytest.mark.parametrize(("failing", "code", "status"), [(0, 200, "completed"), (1, 500, "error")])
def test_a_job_is_seen_to_its_end(failing: float, code: int, status: str) -> None:
    """A job is pending with 200 until its end, then completed with 200 or error with 500."""
    with api(failing=failing) as server:
        path = create(server)
        pending = server.get(path)
        server.clock.now += 15
        ended = server.get(path)
    assert (pending.status_code, pending.json["payload"]) == (200, {"status": "pending"})
    assert (ended.status_code, ended.json["payload"]) == (code, {"status": status})
    assert isinstance(ended.json["meta"]["message"], str)
    assert ended.headers["content-type"] == "application/json"


def test_an_unknown_job_has_no_payload() -> None:
    """An id that nobody was given is 404, with meta alone."""
    with api() as server:
        answer = server.get("/status/unknown")
    assert answer.status_code == 404
    assert answer.json == {"meta": {"message": "there is no such job"}}


def test_the_body_of_a_new_job_is_ignored() -> None:
    """Whatever a client sends along, the job is created."""
    with api() as server:
        create(server, body=b"\xff{", content_type="text/plain")


def test_both_wire_formats_show_the_same_jobs() -> None:
    """A job created through one format is known to the other."""
    with api() as server:
        job = create(server).rpartition("/")[2]
        assert server.get(f"/v1/jobs/{job}").json["id"] == job
        assert server.get(f"/status/{server.submit()}").status_code == 200

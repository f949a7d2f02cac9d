"""A request for a new job that comes again: ``Idempotency-Key``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import Result
from harness import Api, api
from test_job_api import assert_problem


def create(server: Api, key: str, body: str = "{}") -> Result:
    return server.post(
        "/v1/jobs", body=body, headers={"Idempotency-Key": key, "Content-Type": "application/json"}
    )


def count(server: Api) -> int:
    """Return how many jobs there are."""
    return len(server.get("/v1/jobs?limit=100").json["jobs"])


def test_the_same_request_gets_the_same_job() -> None:
    """The second answer has the status, the place and the body of the first, though the job has ended."""
    with api(failing=1) as server:
        first = create(server, '"a"')
        server.clock.now += 60
        again = create(server, '"a"')
        assert count(server) == 1
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["location"] == first.headers["location"]


def test_another_key_or_none_is_another_job() -> None:
    """Each key makes a job of its own, and each request without a key another."""
    with api() as server:
        ids = {create(server, key).json["id"] for key in ("a", "b", "A")}
        ids |= {server.submit(), server.submit()}
    assert len(ids) == 5


def test_another_body_under_a_used_key_is_refused() -> None:
    """The same key with other bytes is a 422 problem that names the header, and makes no job."""
    with api() as server:
        create(server, "a")
        problem = assert_problem(create(server, "a", '{"input": {"duration": 1}}'), 422)
        assert_problem(create(server, "a", "{ }"), 422)
        assert count(server) == 1
    assert "Idempotency-Key" in problem["detail"]


def test_a_refused_request_leaves_its_key_free() -> None:
    """After a request that was refused for its body, the key still works for one that is not."""
    with api() as server:
        assert_problem(create(server, "a", '{"input": {"duration": -1}}'), 422)
        assert_problem(create(server, "a", "["), 400)
        assert create(server, "a").status_code == 202


def test_a_key_is_remembered_over_a_restart(tmp_path: Path) -> None:
    """After the server was closed and opened again, a key still stands for its job, and for its body."""
    database = str(tmp_path / "jobs.db")
    with api(database=database) as server:
        first = create(server, "a")
    with api(database=database) as server:
        assert create(server, "a").content == first.content
        assert_problem(create(server, "a", ""), 422)


def test_many_requests_at_once_make_one_job() -> None:
    """Sixteen threads that send the same request together get one job."""
    with api() as server, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: create(server, "a").content, range(64)))
        assert len(set(answers)) == 1
        assert count(server) == 1


def test_a_request_that_comes_again_draws_nothing() -> None:
    """The job after a repeated request is the one that would have come without the repetition."""

    def durations(keys: str) -> list[Any]:
        with api(seed=7, failing=0) as server:
            paths = [create(server, key).headers["location"] for key in keys]
            server.clock.now += 60
            return [server.get(path).json["result"] for path in dict.fromkeys(paths)]

    assert durations("aaab") == durations("ab")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"a b"', '"a b"'),
        ("a", '"a"'),
        ('"' + r"\"" * 255 + '"', '"' + r"\"" * 255 + '"'),
        ("x" * 255, f'"{"x" * 255}"'),
    ],
)
def test_quotes_are_not_part_of_a_key(one: str, other: str) -> None:
    """A key in quotes, as the draft has it, is the same as the key without; at most 255 characters."""
    with api() as server:
        assert create(server, one).json["id"] == create(server, other).json["id"]


MALFORMED = ["", '"', '""', "a b", "a, b", '"a", "b"', '"a";p=1', 'a"b', r'"a\b"', r"a\b", "é", "a\tb"]
TOO_LONG = ["x" * 256, f'"{"x" * 256}"', '"' + '\\"' * 60_000]


@pytest.mark.parametrize("key", MALFORMED + TOO_LONG)
def test_a_malformed_key_is_refused(key: str) -> None:
    """What is no key, or too long a one, is a 400 problem that names the header; no job is made."""
    with api() as server:
        problem = assert_problem(create(server, key), 400)
        assert count(server) == 0
    assert problem["detail"].startswith("Idempotency-Key: must be ")
    assert len(problem["detail"]) < 250


def test_the_older_format_knows_no_keys() -> None:
    """There, every request makes a job, whatever its headers say."""
    with api() as server:
        for _ in range(2):
            server.post("/", headers={"Idempotency-Key": "a"})
        assert count(server) == 2

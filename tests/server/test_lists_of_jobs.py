"""Many jobs in one request: those that are named, and all of them page by page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from harness import Api, api
from hypothesis import given
from hypothesis import strategies as st
from test_job_api import assert_problem

from bide.server.pages import cursor_of, read_cursor


def ids_of(document: dict[str, Any]) -> list[str]:
    return [job["id"] for job in document["jobs"]]


def pages(server: Api, path: str) -> list[list[str]]:
    """Follow the links from a page to the last, and return the ids on each."""
    found = []
    while path:
        answer = server.get(path)
        found.append(ids_of(answer.json))
        link = answer.headers.get("link", "")
        assert (answer.json["next"] is None) == (link == "")
        path = link.removeprefix("<").removesuffix(">; rel=next")
    return found


def test_named_jobs_come_in_the_order_of_the_query() -> None:
    """The answer has each job once, as it is, and names the ids that are unknown; that is no failure."""
    with api() as server:
        one, two = server.submit(duration=1, outcome="error"), server.submit(duration=60)
        server.clock.now += 30
        answer = server.get(f"/v1/jobs?id={two}&id=x&id={one}&id={two}&id=&id=x")
        single = [server.get(f"/v1/jobs/{job}").json for job in (two, one)]
    assert answer.status_code == 200
    assert answer.json == {"jobs": single, "unknown": ["x", ""]}


@pytest.mark.parametrize("query", ["status=pending", "status", "limit=5&page=2", "ids=a", "=", "%FF"])
def test_an_unknown_parameter_is_refused(query: str) -> None:
    """Whoever filters what the server does not filter learns it, and gets no jobs."""
    with api() as server:
        server.submit()
        problem = assert_problem(server.get(f"/v1/jobs?{query}"), 400)
    assert problem["detail"].startswith("there is no parameter ")
    assert problem["detail"].endswith(" (known: cursor, id, limit)")


def test_a_hundred_jobs_may_be_named() -> None:
    """One id more, be it one that comes again, is a 400 problem with both numbers."""
    with api() as server:
        ids = [server.submit() for _ in range(100)]
        answer = server.get(f"/v1/jobs?{urlencode({'id': ids}, doseq=True)}")
        assert ids_of(answer.json) == ids
        problem = assert_problem(server.get(f"/v1/jobs?{urlencode({'id': [*ids, ids[0]]}, doseq=True)}"), 400)
    assert problem["detail"] == "id: must be at most 100 jobs, got 101"


def test_naming_jobs_is_one_status_call_and_listing_none() -> None:
    """However many ids it has, a request counts once, for its strategy; a page of all jobs is no look."""
    with api() as server:
        server.get("/v1/jobs?id=a&id=b", Bide_Strategy="fixed")
        server.get("/v1/jobs", Bide_Strategy="fixed")
        calls = server.get("/v1/stats").json["status_calls"]
    assert (calls["total"], calls["by_strategy"]) == (1, {"fixed": 1})


@pytest.mark.parametrize(
    ("jobs", "limit", "sizes"), [(0, 3, [0]), (2, 3, [2]), (3, 3, [3]), (4, 3, [3, 1]), (6, 1, [1] * 6)]
)
def test_pages_hold_every_job_once(jobs: int, limit: int, sizes: list[int]) -> None:
    """The newest comes first; each page but the last is full and leads to the next."""
    with api() as server:
        ids = [server.submit() for _ in range(jobs)]
        found = pages(server, f"/v1/jobs?limit={limit}")
    assert [len(page) for page in found] == sizes
    assert [job for page in found for job in page] == ids[::-1]


def test_a_page_shows_jobs_as_they_are() -> None:
    """What a page says of a job is what the job says itself."""
    with api() as server:
        job = server.submit(duration=1)
        server.clock.now += 5
        assert server.get("/v1/jobs").json == {"jobs": [server.get(f"/v1/jobs/{job}").json], "next": None}


def test_new_jobs_move_nothing() -> None:
    """Jobs that are created while somebody pages through the list are on no page that is still to come."""
    with api() as server:
        ids = [server.submit() for _ in range(6)]
        first = server.get("/v1/jobs?limit=2")
        for _ in range(3):
            server.submit()
        rest = pages(server, f"/v1/jobs?limit=2&cursor={first.json['next']}")
    assert [ids_of(first.json), *rest] == [[ids[5], ids[4]], [ids[3], ids[2]], [ids[1], ids[0]]]


def test_twenty_jobs_are_on_a_page() -> None:
    """Without a limit a page has 20 jobs; with the greatest, 100."""
    with api() as server:
        for _ in range(101):
            server.submit()
        assert [len(page) for page in pages(server, "/v1/jobs")] == [20] * 5 + [1]
        assert [len(page) for page in pages(server, "/v1/jobs?limit=100")] == [100, 1]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "", "ten", "1e1", "1_0", "٣", " 5", "9" * 5000])
def test_a_limit_is_a_number_of_jobs(limit: str) -> None:
    """What is no whole number from 1 to 100 is a 400 problem that names the place, the value and the rule."""
    with api() as server:
        problem = assert_problem(server.get(f"/v1/jobs?{urlencode({'limit': limit})}"), 400)
    assert problem["detail"].startswith("limit: must be a whole number from 1 to 100, got '")
    assert len(problem["detail"]) < 200


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "0",
        "AAAAAAAAAAA",
        "__________8",
        "gAAAAAAAAAA",
        "AAAAAAAAAAF",
        "AAAAAAAAAAE=",
        "é" * 11,
        "A" * 9999,
    ],
)
def test_a_cursor_is_one_that_was_given(cursor: str) -> None:
    """Nothing, zero, what is beyond every number, and other spellings are 400 problems with the value."""
    with api() as server:
        problem = assert_problem(server.get(f"/v1/jobs?{urlencode({'cursor': cursor})}"), 400)
    assert problem["detail"].startswith("cursor: must be as it stood in the answer before, got '")
    assert len(problem["detail"]) < 200


@given(number=st.integers(1, 2**63 - 1))
def test_a_cursor_says_its_number(number: int) -> None:
    """Every number of a job can be read from its cursor again."""
    assert read_cursor(cursor_of(number)) == number


def test_a_cursor_beyond_the_list_finds_what_is_below() -> None:
    """A cursor of another database is not refused: it finds all jobs with lower numbers, if any."""
    with api() as server:
        job = server.submit()
        assert ids_of(server.get(f"/v1/jobs?cursor={cursor_of(2**63 - 1)}").json) == [job]
        assert ids_of(server.get(f"/v1/jobs?cursor={cursor_of(1)}").json) == []

"""Reads of a job that the client may know already: ``ETag`` and ``If-None-Match``."""

from __future__ import annotations

import pytest
from harness import api


def test_the_tag_is_the_status_and_the_percent() -> None:
    """A weak tag is new with each percent of the progress, and with the status; else it stays."""
    with api() as server:
        path = f"/v1/jobs/{server.submit(duration=1000, outcome='error')}"
        start = server.clock.now
        tags = []
        for server.clock.now in (start, start + 9.9, start + 10.1, start + 999.9, start + 1000, start + 5000):
            tags.append(server.get(path).headers["etag"])
    assert tags == [
        'W/"pending-0"',
        'W/"pending-0"',
        'W/"pending-1"',
        'W/"pending-99"',
        'W/"error-100"',
        'W/"error-100"',
    ]


def test_a_cancelled_job_has_a_tag_of_its_own() -> None:
    """A job that was cancelled half way is another than one that is half done."""
    with api() as server:
        path = f"/v1/jobs/{server.submit(duration=10)}"
        server.clock.now += 5
        server.request("DELETE", path)
        assert server.get(path).headers["etag"] == 'W/"cancelled-50"'


def test_what_the_client_knows_is_not_sent_again() -> None:
    """The tag of the answer before gets 304, with the tag and without a body; once there is news, 200."""
    with api() as server:
        path = f"/v1/jobs/{server.submit(duration=100)}"
        tag = server.get(path).headers["etag"]
        same = server.get(path, If_None_Match=tag)
        server.clock.now += 1
        news = server.get(path, If_None_Match=tag)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert "content-type" not in same.headers
    assert (news.status_code, news.json["progress"]) == (200, 0.01)


@pytest.mark.parametrize(
    "header",
    ['W/"pending-0"', '"pending-0"', "*", '"x", W/"pending-0"', 'W/"a" , "b","pending-0"'],
)
def test_any_tag_that_matches_will_do(header: str) -> None:
    """Strong or weak (RFC 9110, section 13.1.2: weak comparison), alone or among others, or any at all."""
    with api() as server:
        assert server.get(f"/v1/jobs/{server.submit()}", If_None_Match=header).status_code == 304


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ",",
        '"',
        'W/"pending-1"',
        '"Pending-0"',
        "W/",
        '"pending-0',
        "pending",
        '"a" "b"',
        "é",
        '"' * 999,
    ],
)
def test_what_matches_nothing_is_ignored(header: str) -> None:
    """Another tag, and what is no tag, get the job."""
    with api() as server:
        assert server.get(f"/v1/jobs/{server.submit()}", If_None_Match=header).status_code == 200


def test_an_unknown_job_is_not_found_all_the_same() -> None:
    """Where there is no job, no condition matters, not even the one that matches anything."""
    with api() as server:
        assert server.get("/v1/jobs/x", If_None_Match="*").status_code == 404


def test_head_is_get_without_the_body() -> None:
    """HEAD says what GET says, in the same headers, and 304 and 404 as well."""
    with api() as server:
        path = f"/v1/jobs/{server.submit()}"
        get, head = server.get(path), server.request("HEAD", path)
        known = server.request("HEAD", path, If_None_Match=get.headers["etag"])
        unknown = server.request("HEAD", "/v1/jobs/x")
    assert (head.status_code, head.content, head.headers) == (200, b"", get.headers)
    assert (known.status_code, known.content) == (304, b"")
    assert (unknown.status_code, unknown.content) == (404, b"")


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs?id=x", "/v1/stats", "/healthz"])
def test_whatever_can_be_got_has_a_head(path: str) -> None:
    """All routes of this format that answer GET answer HEAD (RFC 9110, section 9.1)."""
    with api() as server:
        head = server.request("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == "application/json"

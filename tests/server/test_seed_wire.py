"""A client that knows nothing but the seed's wire format, over a real socket."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from bide.cli.server_process import server_process

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a server whose jobs are short."""
    with server_process("--durations", "0.1s..0.2s", "--seed", "1") as url:
        yield url


def call(method: str, url: str) -> tuple[int, dict[str, Any]]:
    """Make one request; return the status and the JSON of the answer."""
    try:
        with urlopen(Request(url, method=method), timeout=5) as answer:  # noqa: S310 - our own server
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def follow(url: str) -> list[tuple[int, str]]:
    """Poll a status until it is not pending, for five seconds at most; return what was seen."""
    seen = [(200, "pending")]
    deadline = time.monotonic() + 5
    while seen[-1] == (200, "pending"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
        code, answer = call("GET", url)
        assert isinstance(answer["meta"]["message"], str)
        seen.append((code, answer["payload"]["status"]))
    return seen


def test_jobs_are_seen_to_their_ends(url: str) -> None:
    """Of ten jobs each is first pending, then completed with 200 or error with 500; both ends occur."""
    paths = []
    for _ in range(10):
        code, answer = call("POST", f"{url}/")
        assert code == 200
        paths.append(f"{url}/status/{answer['payload']['jobID']}")
    assert call("GET", paths[-1])[1]["payload"] == {"status": "pending"}
    assert {follow(path)[-1] for path in paths} == {(200, "completed"), (500, "error")}


def test_an_unknown_job_is_not_found(url: str) -> None:
    """An unknown id is 404, with meta alone."""
    code, answer = call("GET", f"{url}/status/00000000-0000-4000-8000-000000000000")
    assert code == 404
    assert list(answer) == ["meta"]

"""Who answers: the server's loop what need not wait, and threads what may."""

from __future__ import annotations

import logging
from urllib.request import Request, urlopen

import pytest
from harness import api

from bide.server import ServerConfig
from bide.server.faults import Faults
from bide.testing import running_server


@pytest.mark.parametrize(
    ("method", "path", "headers", "quick"),
    [
        ("GET", "/v1/jobs/{id}", {}, True),
        ("HEAD", "/v1/jobs/{id}", {}, True),
        ("GET", "/status/{id}", {}, True),
        ("GET", "/v1/jobs/{id}", {"PREFER": "wait=5"}, False),
        ("DELETE", "/v1/jobs/{id}", {}, False),
        ("POST", "/v1/jobs", {}, False),
        ("GET", "/v1/jobs", {}, False),
        ("GET", "/metrics", {}, False),
    ],
)
def test_a_look_at_one_job_is_quick(method: str, path: str, headers: dict[str, str], quick: bool) -> None:
    """Only what looks at one job, and would not rather wait, is answered without a thread."""
    with api() as server:
        assert server.app.is_quick(method, path.format(id=server.submit()), headers) is quick


def test_nothing_is_quick_that_may_be_late() -> None:
    """Where faults are made, an answer may be late, and the loop must not be."""
    with api(faults=Faults(by_header=True)) as server:
        assert not server.app.is_quick("GET", f"/v1/jobs/{server.submit()}", {})


def test_the_loop_answers_what_is_quick(caplog: pytest.LogCaptureFixture) -> None:
    """On a real server a job is created by a thread, and looked at, found or not, by the loop."""
    with caplog.at_level(logging.INFO, "bide.server.access"), running_server(ServerConfig()) as url:
        with urlopen(Request(f"{url}/v1/jobs", b"")) as answer:  # noqa: S310
            place = answer.headers["Location"]
        for _ in range(3):
            urlopen(f"{url}{place}").close()  # noqa: S310
    by = [record.threadName for record in caplog.records]
    assert str(by[0]).startswith("waitress")
    assert by[1:] == ["bide-server"] * 3

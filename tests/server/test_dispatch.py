"""Who answers: the server's loop what need not wait, and threads what may."""

from __future__ import annotations

import logging
import socket
from contextlib import ExitStack
from urllib.parse import urlsplit
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
        ("GET", "/healthz", {}, True),
    ],
)
def test_a_look_at_one_job_is_quick(method: str, path: str, headers: dict[str, str], quick: bool) -> None:
    """What looks at one job, and would not rather wait, needs no thread; nor does health, but all else."""
    with api() as server:
        assert server.app.is_quick(method, path.format(id=server.submit()), headers) is quick


def test_nothing_is_quick_that_may_be_late() -> None:
    """Where faults are made, an answer may be late, and the loop must not be."""
    with api(faults=Faults(by_header=True)) as server:
        assert not server.app.is_quick("GET", f"/v1/jobs/{server.submit()}", {})


def test_health_is_told_while_every_thread_waits() -> None:
    """Late answers take threads, and may take all; a check of health must not take that for the end."""
    config = ServerConfig(threads=2, faults=Faults(latency="30s..30s"))
    with running_server(config) as url, ExitStack() as stack:
        server = urlsplit(url)
        for _ in range(3):
            late = socket.create_connection((server.hostname, server.port))
            stack.enter_context(late).sendall(b"GET /v1/jobs HTTP/1.1\r\nHost: a\r\n\r\n")
        with urlopen(f"{url}/healthz", timeout=5) as answer:  # noqa: S310
            assert answer.status == 200


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

"""A server in a thread: ready when it is there, gone afterwards, as a context manager and as a fixture."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from bide import JobClient
from bide.server import JobKind, ServerConfig
from bide.server.faults import Faults
from bide.testing import running_server
from bide_strategies import Fixed

pytestmark = pytest.mark.wire

QUICK = ServerConfig(kinds={"default": JobKind(durations="50ms", failing=0)})


@pytest.fixture
def bide_server_config() -> ServerConfig:
    """Make the fixture's server quick."""
    return QUICK


def test_the_fixture_is_a_real_server(bide_server: str) -> None:
    """A client creates a job there, and waits for it."""
    with JobClient(bide_server, Fixed(interval=0.02)) as client:
        assert str(client.wait_for_job(client.create_job()).end) == "completed"


def test_nothing_is_left_of_it() -> None:
    """Afterwards nobody listens, and no thread is left; another can be started in its place."""
    before = threading.active_count()
    for _ in range(2):
        with running_server(QUICK) as url:
            address = (urlsplit(url).hostname, urlsplit(url).port)
            idle = socket.create_connection(address)
        idle.close()
        assert threading.active_count() == before
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(address)


def test_it_does_not_take_the_callers_core() -> None:
    """The server keeps to one core; whoever started it keeps all that it had."""
    os = pytest.importorskip("os")
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("cores cannot be chosen here")
    before = os.sched_getaffinity(0)
    with running_server(QUICK):
        assert os.sched_getaffinity(0) == before


def test_requests_that_are_under_way_are_answered_at_its_end() -> None:
    """Of twenty requests on two threads, most of them queued, none is lost when the server stops."""
    late = ServerConfig(threads=2, faults=Faults(latency="100ms"))
    asked = threading.Barrier(21)

    def ask(url: str) -> int:
        link = http.client.HTTPConnection(str(urlsplit(url).hostname), urlsplit(url).port, timeout=20)
        with closing(link):
            link.request("GET", "/healthz")  # so that the connection is known
            link.getresponse().read()
            link.request("GET", "/v1/jobs")
            asked.wait()
            answer = link.getresponse()
            assert json.loads(answer.read()) == {"jobs": [], "next": None}
            return answer.status

    with ThreadPoolExecutor(20) as pool:
        with running_server(late) as url:
            answers = [pool.submit(ask, url) for _ in range(20)]
            asked.wait()
        assert [answer.result() for answer in answers] == [200] * 20

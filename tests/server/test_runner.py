"""The server as a process: how it starts, refuses to start, and ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from bide.errors import ConfigError
from bide.server import JobServer, ServerConfig, run
from bide.server.listening import bind
from bide.server.runner import _Loop
from bide.server.store import Store

pytestmark = pytest.mark.wire

STARTER = """
import json, os, sys
from bide.server import ServerConfig, run

def report(url):
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    print(json.dumps({"url": url, "cores": cores}), flush=True)

run(ServerConfig(database=sys.argv[1]), host=sys.argv[2], port=0, on_ready=report)
print("ended", flush=True)
"""


@contextmanager
def started(database: str = ":memory:", host: str = "127.0.0.1") -> Iterator[Any]:
    """Run a server in a process; give the process and what it reported when it listened."""
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", STARTER, database, host]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield process, json.loads(line) if line else process.communicate()[1]
        finally:
            process.kill()


def ask(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
    """Make a request, and return the answer, read to its end."""
    with urlopen(Request(url, body, headers or {}), timeout=20) as answer:  # noqa: S310 - our own server
        return answer.headers, json.load(answer)


def health(url: str) -> Any:
    return ask(f"{url}/healthz")[1]


def refuse(on_ready: object) -> None:
    raise AssertionError("the server listens")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    """On SIGTERM and on Ctrl-C the server returns in silence, with its sockets and its database closed."""
    database = tmp_path / "jobs.db"
    with started(str(database)) as (process, report):
        url = report["url"]
        # An idle connection of a client must not keep it.
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))):
            health(url)
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "ended\n", "")
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.db"]
    Store(str(database)).close()


def test_held_requests_are_answered_at_its_end() -> None:
    """On SIGTERM a request that waits for a job is told how the job is, and the server does not wait."""
    with started() as (process, report), ThreadPoolExecutor(1) as pool:
        url = report["url"]
        _, job = ask(f"{url}/v1/jobs", b'{"input": {"duration": 3600}}', {"Content-Type": "application/json"})
        held = pool.submit(ask, f"{url}/v1/jobs/{job['id']}", headers={"Prefer": "wait=30"})
        while not ask(f"{url}/v1/stats")[1]["held"]:
            pass
        process.send_signal(signal.SIGTERM)
        headers, seen = held.result()
        assert (seen["status"], headers["preference-applied"]) == ("pending", "wait=30")
        assert process.communicate(timeout=3) == ("ended\n", "")


@pytest.fixture
def serving() -> Iterator[tuple[_Loop, Future[None], socket.socket]]:
    """A loop that runs in a thread, until when it has ended, and a connection to it."""
    with (
        closing(bind("127.0.0.1", 0)) as listener,
        JobServer(ServerConfig()) as app,
        _Loop(app, listener, 2) as loop,
        ThreadPoolExecutor(1) as pool,
        socket.create_connection(listener.getsockname(), timeout=20) as link,
    ):
        ended = pool.submit(loop.run)
        try:
            yield loop, ended, link
        finally:
            loop.stop()


def read_answer(link: socket.socket) -> bytes:
    """Return an answer with a body of JSON."""
    answer = b""
    while not answer.endswith(b"}"):
        answer += link.recv(4096)
    return answer


def test_a_request_whose_body_is_coming_is_answered_at_the_end(
    serving: tuple[_Loop, Future[None], socket.socket],
) -> None:
    """A server that stops waits for the rest of a body, answers, and says that it was the last answer."""
    loop, ended, link = serving
    create = b"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
    link.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" + create + b"{")
    assert b"200 OK" in read_answer(link)  # and what came with that request has been read
    loop.stop()
    with pytest.raises(TimeoutError):
        ended.result(timeout=0.2)
    link.sendall(b"}")
    answer = read_answer(link)
    assert answer.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert b"Connection: close\r\n" in answer
    ended.result(timeout=5)


def test_half_a_head_keeps_no_server(serving: tuple[_Loop, Future[None], socket.socket]) -> None:
    """A server that stops does not wait for a request of which nobody knows yet what it wants."""
    loop, ended, link = serving
    whole = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    link.sendall(whole + whole[:-2])
    assert b"200 OK" in read_answer(link)
    loop.stop()
    ended.result(timeout=5)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
def test_it_keeps_to_one_core() -> None:
    """The server's process runs on one core."""
    with started() as (_, report):
        assert report["cores"] == 1


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_an_ipv6_address_is_a_good_url() -> None:
    """On ::1 the server reports a URL that a client can use."""
    with started(host="::1") as (_, report):
        assert report["url"].startswith("http://[::1]:")
        assert health(report["url"]) == {"status": "ok"}


def test_localhost_is_one_address() -> None:
    """The name localhost stands for 127.0.0.1 alone."""
    with started(host="localhost") as (_, report):
        assert report["url"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("soft", "hard", "limit", "connections"),
    [
        (100, 100, 100, 36),
        (20, 20, 20, 16),
        (100, 3000, 3000, 2936),
        (100, 5000, 4064, 4000),
        (5000, 5000, 5000, 4000),
    ],
)
def test_connections_are_as_many_as_files(soft: int, hard: int, limit: int, connections: int) -> None:
    """The limit of open files is raised as far as it goes and helps; connections leave some files free."""
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
        pytest.skip("this process may not open so many files")
    code = (
        "import resource; from bide.server.listening import connection_limit as limit;"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}));"
        "print(limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(connections), str(limit), str(hard)]


def test_a_port_in_use_is_refused() -> None:
    """When somebody else listens there, the error names address, port and reason."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            ConfigError, match=rf"^cannot listen on 127.0.0.1 port {port}: Address already in use$"
        ):
            run(ServerConfig(), port=port, on_ready=refuse)


@pytest.mark.parametrize("host", ["example.com", "", "127.0.0.1:8080", "[::1]", "256.0.0.1", "*"])
def test_a_host_is_an_address(host: str) -> None:
    """What is no IP address is refused without being looked up, and shown."""
    with pytest.raises(ConfigError, match=r"^host: must be an IP address or localhost, got ") as caught:
        run(ServerConfig(), host=host, port=0, on_ready=refuse)
    assert repr(host) in str(caught.value)


def test_an_address_of_another_machine_is_refused() -> None:
    """An address that is not this machine's cannot be listened on (192.0.2.1 is nobody's: RFC 5737)."""
    with pytest.raises(ConfigError, match=r"^cannot listen on 192\.0\.2\.1 port 0: "):
        run(ServerConfig(public=True), host="192.0.2.1", port=0, on_ready=refuse)


@pytest.mark.parametrize("port", [-1, 65536, 80.5])
def test_a_port_is_a_port(port: Any) -> None:
    """A number that is no TCP port is refused."""
    with pytest.raises(ConfigError, match=f"^port: must be a whole number >= 0 and <= 65535, got {port}$"):
        run(ServerConfig(), port=port, on_ready=refuse)


def test_a_signal_before_the_first_request_counts() -> None:
    """A signal that comes while the caller is told the URL ends the server, too."""
    run(ServerConfig(), port=0, on_ready=lambda _: signal.raise_signal(signal.SIGTERM))


def test_a_failure_of_the_caller_leaves_nothing_behind(tmp_path: Path) -> None:
    """When the callback raises, the process is as before: database, signals and cores."""
    database = str(tmp_path / "jobs.db")

    def state() -> list[Any]:
        cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
        return [cores, signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)]

    def fail(_url: str) -> None:
        raise ZeroDivisionError

    before = state()
    with pytest.raises(ZeroDivisionError):
        run(ServerConfig(database=database), port=0, on_ready=fail)
    assert state() == before
    Store(database).close()

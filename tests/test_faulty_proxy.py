"""The faulty proxy itself: each fault does on the wire what it says."""

from __future__ import annotations

import gzip
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from faults import (
    HINTS,
    CutBody,
    CutHead,
    DripHead,
    Drop,
    Fault,
    Garbage,
    Gzip,
    HugeBody,
    InterimFlood,
    Pass,
    RedirectInCircles,
    Reset,
    Respond,
    fault_scripts,
)
from faulty_proxy import FaultyProxy
from hypothesis import HealthCheck, given, settings

from bide.cli.server_process import server_process

pytestmark = pytest.mark.wire

GET = b"GET /healthz HTTP/1.1\r\nHost: proxy.test\r\n\r\n"
HEALTHY = b'{"status": "ok"}'


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a real server."""
    with server_process() as url:
        yield url


def _connected(proxy: FaultyProxy) -> socket.socket:
    port = int(proxy.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def _asked(proxy: FaultyProxy, request: bytes = GET) -> bytes:
    """Return all that a connection answers to one request, until it is closed or silent for a moment."""
    with _connected(proxy) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(2**16), b""))


def _parts(answer: bytes) -> tuple[str, dict[str, str], bytes]:
    """Return an answer's status line, its headers by their names in lower case, and its body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    return status, {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}, body


def _passes(answer: bytes) -> bool:
    status, headers, body = _parts(answer)
    return (status, body, headers["content-length"]) == ("HTTP/1.1 200 OK", HEALTHY, str(len(HEALTHY)))


def _is_compressed(answer: bytes) -> bool:
    status, headers, body = _parts(answer)
    told = headers["content-encoding"], headers["content-length"]
    return status.endswith("200 OK") and told == ("gzip", str(len(body))) and gzip.decompress(body) == HEALTHY


def _is_cut_in_its_body(answer: bytes) -> bool:
    _, headers, body = _parts(answer)
    return 0 < len(body) < int(headers["content-length"]) and HEALTHY.startswith(body)


def _is_cut_in_its_head(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.1 200 OK\r\n") and b"\r\n\r\n" not in answer


def _leads_in_circles(answer: bytes) -> bool:
    status, headers, body = _parts(answer)
    return (status, headers["location"], body) == ("HTTP/1.1 302 Found", "/circle/1", b"")


def _is_huge(answer: bytes) -> bool:
    _, headers, body = _parts(answer)
    return int(headers["content-length"]) == len(body) == 20 * 2**20 and not body.strip()


def _comes_after_a_flood(answer: bytes) -> bool:
    *flood, _, body = answer.split(b"\r\n\r\n")
    return len(flood) == 1000 and all(head.startswith(b"HTTP/1.1 103 ") for head in flood) and body == HEALTHY


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (Pass(), _passes),
        (Pass(delay_ms=50), _passes),
        (Drop(), lambda answer: answer == b""),
        (CutBody(), _is_cut_in_its_body),
        (CutHead(), _is_cut_in_its_head),
        (Garbage(b"\x16\x03\x01"), lambda answer: answer == b"\x16\x03\x01"),
        (Respond(503), lambda answer: answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")),
        (Respond(204), lambda answer: answer == b"HTTP/1.1 204 No Content\r\n\r\n"),
        (Respond(200, body=b"[]"), lambda answer: answer.endswith(b"Content-Length: 2\r\n\r\n[]")),
        (RedirectInCircles(), _leads_in_circles),
        (HugeBody(size=20 * 2**20), _is_huge),
        (DripHead(pause_ms=1), lambda answer: answer == b"HTTP/1.1 200 OK\r\nX-Drip: " + b"a" * 25),
        (InterimFlood(), _comes_after_a_flood),
        (Gzip(), _is_compressed),
    ],
    ids=lambda value: repr(value) if not callable(value) else "",
)
def test_a_fault_does_what_it_says(server: str, fault: Fault, seen: Callable[[bytes], bool]) -> None:
    """The bytes that a client sees are those of the fault, and the next request passes."""
    with FaultyProxy(server, [fault]) as proxy:
        assert seen(_asked(proxy))
        assert _passes(_asked(proxy))
    assert [exchange.fault for exchange in proxy.exchanges] == [fault, Pass()]


@pytest.mark.parametrize("kind", HINTS)
def test_a_hint_is_sent_as_it_is(server: str, kind: str) -> None:
    """429 comes with the headers of each kind of hint, in their order."""
    with FaultyProxy(server, [Respond(429, HINTS[kind])]) as proxy:
        head = _asked(proxy).partition(b"\r\n\r\n")[0].decode()
    sent = [tuple(line.split(": ", 1)) for line in head.split("\r\n")[1:]]
    assert sent == [*HINTS[kind], ("Content-Length", "0")]


def test_a_reset_is_a_reset(server: str) -> None:
    """The client's read fails, which it does not when the connection is only closed."""
    with FaultyProxy(server, [Reset()]) as proxy, _connected(proxy) as connection:
        connection.sendall(GET)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_circle_has_no_end(server: str) -> None:
    """Whoever follows is led on, and none of that counts against the script."""
    with FaultyProxy(server, [RedirectInCircles()]) as proxy:
        seen = [_parts(_asked(proxy, GET.replace(b"/healthz", path)))[1]["location"] for path in PATHS]
        assert seen == ["/circle/1", "/circle/2", "/circle/1"]
        assert _passes(_asked(proxy))


PATHS = [b"/healthz", b"/circle/1", b"/circle/2"]


def test_a_huge_body_is_made_no_faster_than_it_is_read(server: str) -> None:
    """To a client that stops after a megabyte little more is sent than the system's buffers hold."""
    with FaultyProxy(server, [HugeBody()]) as proxy:
        with _connected(proxy) as connection, connection.makefile("rb") as answer:
            connection.sendall(GET)
            assert len(answer.read(2**20)) == 2**20
            assert all(_passes(_asked(proxy)) for _ in range(20))
        assert _passes(_asked(proxy))
    assert 2**20 <= proxy.exchanges[0].sent < 50 * 2**20


def test_one_connection_takes_one_request_after_the_other(server: str) -> None:
    """Connections are kept alive, each request has its own fault, and all are told with their times."""
    post = (
        b"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    before = time.monotonic()
    with FaultyProxy(server, [Respond(500), Pass(), Respond(500)]) as proxy:
        answers = _asked(proxy, GET + post + GET + b"GET /unfinished")
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"500", b"202", b"500"]
    asked = [(exchange.method, exchange.path) for exchange in proxy.exchanges]
    assert asked == [("GET", "/healthz"), ("POST", "/v1/jobs"), ("GET", "/healthz")]
    times = [before, *(exchange.at for exchange in proxy.exchanges), time.monotonic()]
    assert times == sorted(times)


def test_the_proxy_leaves_nothing_behind(server: str) -> None:
    """Its end ends what is going on, its thread and its port."""
    threads = threading.active_count()
    with FaultyProxy(server, [Pass(delay_ms=3_600_000), HugeBody()]) as proxy:
        held = [_connected(proxy) for _ in range(3)]
        for connection in held[:2]:
            connection.sendall(GET)
        held[1].recv(1)
    assert threading.active_count() == threads
    for connection in held:
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        _connected(proxy)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(script=fault_scripts)
def test_any_script_is_played_in_order(server: str, script: list[Fault]) -> None:
    """Each request meets the fault whose turn it is; after the last one, the answer passes."""
    with FaultyProxy(server, script) as proxy:
        for _ in script:
            with _connected(proxy) as connection:
                connection.sendall(GET)
                with suppress(ConnectionResetError):
                    connection.recv(1)
        assert _passes(_asked(proxy))
    assert [exchange.fault for exchange in proxy.exchanges] == [*script, Pass()]

"""The client and the shell against a server that misbehaves, over a real socket."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from bide import JobClient, Limits, RequestError, WaitTimeout
from bide.cli.app import run
from bide.http.answers import Ask
from bide.http.transfer import MOST_BYTES, atransfer, finish, make_async_http
from bide_strategies import Fixed

pytestmark = pytest.mark.wire

NUMBER = f'{{"id": "number", "status": "pending", "progress": 1{"0" * 400}}}'
JOB = '{"id": "%s", "status": "error", "error": {"message": "%s"}}'
ANSWERS = {
    "html": (200, "text/html", "<html>welcome</html>"),
    "charset": (200, "text/html; charset=hex", "<html>welcome</html>"),
    "undefined": (400, "text/html; charset=undefined", "\x1b]0;title\x07 no"),
    "number": (200, "application/json", NUMBER),
    "surrogate": (200, "application/json", r'{"id": "\ud800", "status": "pending"}'),
    "other": (200, "application/json", '{"id": "another", "status": "completed"}'),
    "status": (200, "application/json", '{"id": "status", "status": "%s"}' % ("x" * 300_000)),
    "coded": (200, "application/json", "whatever it is"),
    "teapot": (418, "text/plain", "short and stout"),
    "screen": (200, "application/json", JOB % ("screen", r"\n" * 300 + r"\u001b]0;title\u0007")),
    "endless": (200, "application/json", None),
    "drip": (200, "application/json", None),
}  # fmt: skip
DRIPS = {
    "header": (b"HTTP/1.1 200 OK\r\nX: ", b"a"),
    "interim": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a"),
}


class Handler(BaseHTTPRequestHandler):
    """Answers as the last part of the path says."""

    def do_GET(self) -> None:
        """Answer, for ever if that is what is asked for."""
        name = self.path.rpartition("/")[2]
        if name in DRIPS:
            self.for_ever(*DRIPS[name], pause=0.05)
            return
        status, media_type, body = ANSWERS[name]
        self.send_response(status, "I am\x1b[31m odd")
        self.send_header("Content-Type", media_type)
        if name == "coded":
            self.send_header("Content-Encoding", "gzip, gzip")
        self.end_headers()
        if body is not None:
            self.wfile.write(body.encode())
        elif name == "drip":
            self.for_ever(b"", b" ", pause=0.05)
        else:
            self.for_ever(b"", b" " * 2**16, pause=0)

    def for_ever(self, head: bytes, piece: bytes, pause: float) -> None:
        """Write the beginning, and then the same again and again, with a pause of so many seconds."""
        until = time.monotonic() + 10
        with suppress(OSError):  # the client has had enough
            self.wfile.write(head)
            while time.monotonic() < until:
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(pause)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server that answers nonsense."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "name", ["html", "charset", "undefined", "surrogate", "other", "status", "coded", "teapot"]
)
def test_nonsense_is_one_clear_error(server: str, name: str) -> None:
    """Whatever comes, it is a RequestError of one short line that no screen obeys."""
    with JobClient(server) as client, pytest.raises(RequestError) as caught:
        client.get_status(name)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


def test_an_absurd_number_is_no_progress(server: str) -> None:
    """What cannot be read of the details is not there."""
    with JobClient(server) as client:
        assert client.get_status("number").progress is None


@pytest.mark.parametrize("name", ["drip", "endless", *DRIPS])
def test_an_answer_that_does_not_end_is_given_up(server: str, name: str) -> None:
    """The time and the size of a whole answer are bounded, not only of its next piece."""
    begun = time.monotonic()
    with JobClient(server, request_timeout=0.5) as client, pytest.raises(RequestError):
        client.get_status(name)
    assert time.monotonic() - begun < 3
    assert MOST_BYTES < 2**25


@pytest.mark.parametrize("name", ["drip", "endless", *DRIPS])
def test_an_answer_that_does_not_end_is_given_up_in_async_too(server: str, name: str) -> None:
    """By the same bounds."""

    async def look() -> None:
        async with make_async_http(httpx.URL(server)) as http:
            with pytest.raises(RequestError):
                await atransfer(http, Ask("GET", f"{server}/v1/jobs/{name}"), timeout=0.5)
            await finish(http)

    begun = time.monotonic()
    asyncio.run(look())
    assert time.monotonic() - begun < 3


def test_a_wait_ends_in_its_time_whatever_drips(server: str) -> None:
    """At most the timeout and one request."""
    limits = Limits(timeout=0.3)
    begun = time.monotonic()
    with JobClient(server, Fixed(), limits, request_timeout=0.5) as client, pytest.raises(WaitTimeout):
        client.wait_for_job("drip")
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("name", DRIPS)
def test_a_client_of_the_callers_is_left_in_time_too(server: str, name: str) -> None:
    """Whatever httpx itself would wait for, the look ends; its connection does when the server is done."""
    begun = time.monotonic()
    with httpx.Client() as http, pytest.raises(RequestError):
        JobClient(server, http=http, request_timeout=0.3).get_status(name)
    assert time.monotonic() - begun < 3


def test_a_name_that_is_looked_up_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's search for an address has no bound of its own; the look has one."""
    never = threading.Event()
    monkeypatch.setattr("bide.http.network.socket.getaddrinfo", lambda *_, **__: never.wait(20))
    begun = time.monotonic()
    with JobClient("http://api.test", request_timeout=0.2) as client, pytest.raises(RequestError):
        client.get_status("x")
    assert time.monotonic() - begun < 3
    never.set()


def test_nonsense_is_status_5_in_one_line(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The shell tells it as it tells that nobody is there."""
    assert run(["wait", f"{server}/v1/jobs/charset", "--max-failures", "1"]) == 5
    assert capsys.readouterr().err.count("\n") == 3  # the poll, the token to go on with, and the end


def test_a_job_s_own_words_are_one_safe_line(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A message of 300 lines that would name the window is shown short, and as it is written."""
    assert run(["wait", f"{server}/v1/jobs/screen"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(r"bide: job failed after 1 call in")
    assert last.isprintable()

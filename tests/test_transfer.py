"""One request and its whole answer, over a real socket, in every way there is to make it."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from importlib import import_module
from traceback import walk_tb

import httpx
import pytest
from raw_server import Writer, drips, drops, resets, says, serve, whole
from ways import LIBRARIES, WAYS, Way, sync_client

from bide.errors import RequestError, causes
from bide.http.answers import Answer, Ask
from bide.http.exchange import Body
from bide.http.transfer import MOST_BYTES, make_http, transfer

pytestmark = pytest.mark.wire

JOB = b'{"id": "a1", "status": "pending"}'
BOMB = zlib.compress(bytes(4 * MOST_BYTES), 9)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def bare_deflate(body: bytes) -> bytes:
    """Compress as some servers do: without the frame that the standard asks for."""
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(body) + packing.flush()


async def endless(writer: Writer) -> None:
    """Answer with 100 MB, as fast as they are taken."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
    await says(head, *[b" " * 10_000] * 10_000)(writer)


ANSWERS = {
    "job": says(whole(JOB)),
    "redirect": says(whole(b"", b"Location: /job", status=b"303 See Other")),
    "secretive": says(
        whole(JOB, b"Set-Cookie: id=s3cret", b"Location: /x?sig=s3cret", status=b"200 Fine s3cret")
    ),
    "no-content": says(b"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n"),
    "gzip": says(whole(gzip.compress(JOB), b"Content-Encoding: gzip")),
    "x-gzip": says(whole(gzip.compress(JOB), b"Content-Encoding: X-GZip")),
    "deflate": says(whole(zlib.compress(JOB), b"Content-Encoding: deflate")),
    "bare-deflate": says(whole(bare_deflate(JOB), b"Content-Encoding: deflate")),
    "identity": says(whole(JOB, b"Content-Encoding: identity")),
    "brotli": says(whole(b"whatever", b"Content-Encoding: br")),
    "twice": says(whole(gzip.compress(gzip.compress(JOB)), b"Content-Encoding: gzip, gzip")),
    "no-gzip": says(whole(JOB, b"Content-Encoding: gzip")),
    "short-gzip": says(whole(gzip.compress(JOB)[:-9], b"Content-Encoding: gzip")),
    "more-gzip": says(whole(gzip.compress(JOB) + b"more", b"Content-Encoding: gzip")),
    "bomb": says(whole(BOMB, b"Content-Encoding: deflate")),
    "endless": endless,
    "drops": drops,
    "resets": resets,
    "mid-headers": says(b"HTTP/1.1 200 OK\r\nContent-Le", close=True),
    "mid-body": says(whole(JOB)[:-5], close=True),
    "garbage": says(b"\x16\x03\x01\x00 what?\r\n\r\n", close=True),
    "chunks": says(CHUNKED + b"not a size\r\n", close=True),
    "long-header": says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, close=True),
    "head": drips(b"HTTP/1.1 200 OK\r\nX: ", b"a"),
    "interim": drips(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "chunk": drips(CHUNKED + b"1;", b"a"),
    "body": drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"a"),
    "silence": drips(b"", b""),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a server that answers as the path says."""
    with serve(ANSWERS) as url:
        yield url


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_comes_whole(way: Way, url: str) -> None:
    """Method and URL, status, headers in any case, and the body."""
    ask = Ask("GET", f"{url}/job")
    answer = way.answer(ask)
    assert answer == Answer(ask, 200, answer.headers, JOB)
    assert str(answer.asked) == f"GET {url}/job"
    assert answer.headers["content-length"] == answer.headers["Content-Length"] == str(len(JOB))


@pytest.mark.parametrize("way", WAYS)
def test_a_redirect_is_an_answer(way: Way, url: str) -> None:
    """Also with a client that would follow it."""
    answer = way.answer(Ask("GET", f"{url}/redirect"), follow_redirects=True)
    assert (answer.status, answer.headers["location"], answer.body) == (303, "/job", b"")


@pytest.mark.parametrize("name", ["gzip", "x-gzip", "deflate", "bare-deflate", "identity"])
@pytest.mark.parametrize("way", WAYS)
def test_what_comes_compressed_is_opened(way: Way, name: str, url: str) -> None:
    """Though it was not asked for."""
    assert way.answer(Ask("GET", f"{url}/{name}")).body == JOB


@pytest.mark.parametrize("way", WAYS)
def test_nothing_needs_no_opening(way: Way, url: str) -> None:
    """An answer without a body may name a coding all the same."""
    assert way.answer(Ask("GET", f"{url}/no-content")).body == b""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("brotli", "coded as br, which was not asked for"),
        ("twice", "coded as gzip, gzip, which was not asked for"),
        ("no-gzip", "not in gzip"),
        ("short-gzip", "does not end where"),
        ("more-gzip", "does not end where"),
        ("bomb", f"longer than {MOST_BYTES} bytes"),
        ("endless", f"longer than {MOST_BYTES} bytes"),
        ("drops", ""),
        ("resets", ""),
        ("mid-headers", ""),
        ("mid-body", ""),
        ("garbage", ""),
        ("chunks", ""),
        ("long-header", ""),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_answer_is_a_request_error(way: Way, name: str, said: str, url: str) -> None:
    """It names method and URL, tells what happened, and has the library's own error as its cause."""
    error = way.failure(Ask("GET", f"{url}/{name}"))
    assert str(error).startswith(f"GET {url}/{name}: ")
    assert said in str(error)
    assert not str(error).endswith(": ")
    assert isinstance(error.__cause__, Exception)


@contextmanager
def plain() -> Iterator[str]:
    """Yield the URL of a server that should speak TLS, and does not."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with listening.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(1000)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join()


@pytest.mark.parametrize(
    ("name", "kind", "led"),
    [
        ("silence", "ReadTimeout", TimeoutError),
        ("body", "ReadTimeout", TimeoutError),
        ("drops", "RemoteProtocolError", Exception),
        ("refused", "ConnectError", ConnectionRefusedError),
        ("plain", "ConnectError", ssl.SSLError),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_failure_has_the_same_causes_in_every_way(
    way: Way, name: str, kind: str, led: type[Exception], url: str
) -> None:
    """First the library's own error, and among what led to it the system's: either may be named as fatal."""
    place = "http://127.0.0.1:1/" if name == "refused" else f"{url}/{name}"
    with plain() if name == "plain" else nullcontext(place) as place:
        failure = way.failure(Ask("GET", place), timeout=0.1 if led is TimeoutError else 5.0)
    assert type(failure.__cause__) is getattr(import_module(way.library), kind)
    assert [one for one in causes(failure) if isinstance(one, led)]


@pytest.mark.parametrize(
    "ask",
    [
        Ask("GET", "http://127.0.0.1:1/"),
        Ask("GET", "http://127.0.0.1:99999/"),
        Ask("GET", f"http://{'a' * 70}.test/"),
        Ask("GET", "http://[/"),
        Ask("GET", "http://\ud800/"),
        Ask("GET", "ftp://127.0.0.1/"),
        Ask("GET", "/nowhere"),
        Ask("GET IT", "http://127.0.0.1:1/"),
        Ask("GET", "http://127.0.0.1:1/", {"X": "…"}),
        Ask("GET", "http://127.0.0.1:1/", {"a header": "x"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("way", WAYS)
def test_what_cannot_be_asked_is_a_request_error(way: Way, ask: Ask) -> None:
    """No server, no such name, no URL, or nothing that HTTP allows."""
    assert isinstance(way.failure(ask).__cause__, Exception)


@pytest.mark.parametrize("name", ["mid-body", "endless"])
@pytest.mark.parametrize("way", WAYS)
def test_a_failure_keeps_no_body(way: Way, name: str, url: str) -> None:
    """An error may be kept for long, and there may be many."""
    error: BaseException | None = way.failure(Ask("GET", f"{url}/{name}"))
    while error is not None:
        for frame, _ in walk_tb(error.__traceback__):
            assert not [name for name, value in frame.f_locals.items() if isinstance(value, Body)]
        error = error.__cause__


@pytest.mark.parametrize("way", WAYS)
def test_a_body_that_is_not_what_its_header_says_is_a_request_error(way: Way, url: str) -> None:
    """The parser's own errors come out of httpx as they are."""
    error = way.failure(Ask("POST", f"{url}/job", {"Content-Length": "5"}, b"{}"))
    assert str(error) == f"POST {url}/job: the request is none that HTTP allows"


@pytest.mark.parametrize("way", WAYS)
def test_no_secret_is_told(way: Way, url: str) -> None:
    """Neither of the URL, nor of a header that cannot be sent; not by the causes either."""
    place = url.replace("://", "://me:s3cret@") + "/drops?sig=s3cret&s3cret#s3cret"
    for ask in (Ask("GET", place), Ask("GET", url, {"Authorization": "Bearer s3cret\n"})):
        error: BaseException | None = way.failure(ask)
        while error is not None:
            assert "s3cret" not in str(error)
            error = error.__cause__
    assert str(way.failure(Ask("GET", place))).startswith(f"GET {url}/drops?sig=…&…: ")


@pytest.mark.parametrize("way", WAYS)
def test_no_log_tells_a_secret(way: Way, url: str, caplog: pytest.LogCaptureFixture) -> None:
    """At no level, of no library: not what is sent, nor what a server sets or where it leads to."""
    caplog.set_level(logging.DEBUG)
    place = url.replace("://", "://me:s3cret@") + "/secretive?sig=s3cret&s3cret"
    way.answer(Ask("GET", place, {"Authorization": "Bearer s3cret"}))
    way.failure(Ask("GET", place.replace("secretive", "drops")))
    names = {record.name.partition(".")[0] for record in caplog.records}
    assert {way.library, way.library.replace("x", "core")} <= names
    assert "s3cret" not in caplog.text
    assert f"{url}/secretive?sig=…&…" in caplog.text


@pytest.mark.parametrize("library", LIBRARIES)
def test_other_requests_are_logged_as_ever(library: str, url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Those that a program makes itself are its own affair."""
    caplog.set_level(logging.INFO)
    with sync_client(library) as http:
        transfer(http, Ask("GET", f"{url}/job?one=1"), timeout=5)
        http.get(f"{url}/job?two=2")
    assert f"{url}/job?one=…" in caplog.text
    assert f"{url}/job?two=2" in caplog.text


@pytest.mark.parametrize("name", ["head", "interim", "chunk", "body", "silence"])
@pytest.mark.parametrize("way", [way for way in WAYS if "None" not in str(way.id)])
def test_every_async_answer_ends_in_its_time(way: Way, name: str, url: str) -> None:
    """Whatever drips, and whoever made the client."""
    begun = time.monotonic()
    assert str(way.failure(Ask("GET", f"{url}/{name}"), timeout=0.1)).endswith("no answer in 0.1 s")
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("name", ["head", "interim", "chunk", "body", "silence"])
def test_every_answer_to_a_client_of_bide_s_own_ends_in_its_time(name: str, url: str) -> None:
    """Whatever drips."""
    with make_http(httpx.URL(url)) as http:
        begun = time.monotonic()
        with pytest.raises(RequestError, match=r"no answer in 0\.1 s"):
            transfer(http, Ask("GET", f"{url}/{name}"), timeout=0.1)
        assert time.monotonic() - begun < 1
        assert transfer(http, Ask("GET", f"{url}/job"), timeout=5).body == JOB


def test_threads_share_a_client(url: str) -> None:
    """Each request has a time of its own, also beside one that does not end."""

    def ask(index: int) -> str:
        try:
            name, timeout = ("head", 0.2) if index % 4 == 0 else ("job", 10.0)
            return transfer(http, Ask("GET", f"{url}/{name}"), timeout=timeout).body.decode()
        except RequestError as error:
            return str(error)[-16:]

    with make_http(httpx.URL(url)) as http, ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(ask, range(64)))
    assert outcomes == ["no answer in 0.2 s"[-16:], *[JOB.decode()] * 3] * 16


@pytest.mark.parametrize("way", WAYS)
def test_what_a_hook_has_read_is_not_read_again(way: Way, url: str) -> None:
    """A client's own hooks may read an answer first, and open it."""

    def sync_hook(response: httpx.Response) -> None:
        response.read()

    async def async_hook(response: httpx.Response) -> None:
        await response.aread()

    hook = sync_hook if way.backend is None else async_hook
    assert way.answer(Ask("GET", f"{url}/gzip"), event_hooks={"response": [hook]}).body == JOB

"""How a client of bide's own connects: in time, through proxies, and to all addresses of a host."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx
import pytest
from raw_server import drips, says, serve, whole

from bide.errors import ConfigError, RequestError
from bide.http import network
from bide.http.answers import Ask
from bide.http.transfer import make_async_http, make_http, transfer

pytestmark = pytest.mark.wire

ANSWERS = {
    "job": says(whole(b"{}")),
    "head": drips(b"HTTP/1.1 200 OK\r\nX: ", b"a"),
    "server.test:443": drips(b"HTTP/1.1 200 OK\r\nX: ", b"a"),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a server, which will do as a proxy too."""
    with serve(ANSWERS) as url:
        yield url


@contextmanager
def silent() -> Iterator[int]:
    """Yield the port of a server that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def gives_up(http: httpx.Client, url: str) -> bool:
    """Say whether a request that may take 0.2 seconds is given up in less than a second."""
    begun = time.monotonic()
    with pytest.raises(RequestError, match=r"no answer in 0\.2 s"):
        transfer(http, Ask("GET", url), timeout=0.2)
    return time.monotonic() - begun < 1


def test_a_tls_handshake_ends_in_its_time() -> None:
    """Also if the other side never begins it."""
    with silent() as port, make_http(httpx.URL("https://127.0.0.1")) as http:
        assert gives_up(http, f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize("target", ["http://server.test/head", "https://server.test/"])
def test_what_a_proxy_says_ends_in_its_time(target: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be it an answer, or the way to a server behind it."""
    monkeypatch.setenv("HTTP_PROXY", url)
    monkeypatch.setenv("HTTPS_PROXY", url)
    with make_http(httpx.URL(target)) as http:
        assert gives_up(http, target)


def test_the_environment_s_proxy_is_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As httpx does, but for this machine itself."""
    monkeypatch.setenv("HTTP_PROXY", url)
    monkeypatch.setenv("NO_PROXY", "direct.test")
    with make_http(httpx.URL("http://server.test")) as http:
        assert transfer(http, Ask("GET", "http://server.test/job"), timeout=5).body == b"{}"
        with pytest.raises(RequestError):
            transfer(http, Ask("GET", "http://direct.test/job"), timeout=5)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with make_http(httpx.URL(url)) as http:
        assert transfer(http, Ask("GET", f"{url}/job"), timeout=5).body == b"{}"


def test_a_proxy_that_is_no_url_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slash in a password must be escaped, or what follows it is taken for a port."""
    monkeypatch.setenv("HTTP_PROXY", "http://me:s3/cret@127.0.0.1:1")
    for make in (make_http, make_async_http):
        with pytest.raises(ConfigError, match=r"^the environment's proxy cannot be used") as caught:
            make(httpx.URL("http://server.test"))
        assert not [part for part in ("s3", "cret") if part in str(caught.value)]


def test_every_pool_of_a_client_keeps_to_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is private to httpx and relied on: `_transport`, `_mounts`, `_pool` and its `_network_backend`."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with make_http(httpx.URL("http://server.test")) as http:
        transports: list[Any] = [http._transport, *http._mounts.values()]
        assert len(transports) == 2
        for transport in transports:
            assert isinstance(transport._pool._network_backend, network._Network)


class Deaf(httpcore.NetworkBackend):
    """Lets every connection time out."""

    def __init__(self) -> None:
        self.tried: list[tuple[str, float | None]] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """Sleep, and fail."""
        self.tried.append((host, timeout))
        time.sleep(min(timeout or 0, 0.04))
        raise httpcore.ConnectTimeout


def test_all_addresses_of_a_host_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is tried with what those before it have left."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{last}", 80)) for last in range(1, 9)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    deaf = Deaf()
    with pytest.raises(httpcore.ConnectTimeout), network.until(time.monotonic() + 0.1):
        network._Network(deaf).connect_tcp("server.test", 80, timeout=10)
    assert [host for host, _ in deaf.tried] == [f"127.0.0.{last}" for last in (1, 2, 3)]
    left = [timeout for _, timeout in deaf.tried if timeout is not None]
    assert left == sorted(left, reverse=True)
    assert left[0] <= 0.1


def test_the_next_address_is_tried_when_one_refuses(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for `localhost`, which has two, and one of them often unused."""
    port = int(url.rpartition(":")[2])
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]
    asked: list[str] = []

    def addresses(host: str, *rest: Any, **more: Any) -> list[Any]:
        asked.append(host)
        return found if host == "localhost" else real(host, *rest, **more)

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    with make_http(httpx.URL(f"http://localhost:{port}")) as http:
        assert transfer(http, Ask("GET", f"http://localhost:{port}/job"), timeout=5).body == b"{}"
    assert asked[0] == "localhost"


def test_outside_of_a_transfer_nothing_is_bounded(url: str) -> None:
    """A client does as it always does when somebody else uses it."""
    with make_http(httpx.URL(url)) as http:
        assert http.get(f"{url}/job", timeout=None).content == b"{}"


def test_clients_share_one_tls_context() -> None:
    """Building it takes longer than a request."""
    url = httpx.URL("https://server.test")
    clients: list[Any] = [make_http(url), make_http(url), make_async_http(url), make_async_http(url)]
    assert len({id(http._transport._pool._ssl_context) for http in clients}) == 1

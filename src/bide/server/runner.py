"""
The job server in a process of its own, on waitress.

The settings answer what was measured: left to itself, waitress collapses when its threads share two cores,
stops at 100 connections, dies in ``select()`` above about 1,000, and takes bodies of up to 1 GiB.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.server import create_server  # type: ignore[import-untyped]

from bide.errors import ConfigError, Problem
from bide.rules import Number
from bide.server.app import JobServer, create_app
from bide.server.bodies import LONGEST
from bide.server.channel import Channel
from bide.server.config import ServerConfig

MOST_CONNECTIONS = 4000
"""So many connections are open at once, if the system lets the process have as many files."""

_LEAST_CONNECTIONS = 16
_RESERVED_FILES = 64  # for the database, the log, and what Python keeps open
_PORT = Number(least=0, most=65535, whole=True)
_SETTINGS = {
    "ident": "bide",
    # The app refuses a body above its own limit with a problem document; waitress cuts off what is far above.
    "max_request_body_size": 2 * LONGEST,
    "max_request_header_size": 2 * LONGEST,
    "clear_untrusted_proxy_headers": True,
    "log_socket_errors": False,
}


class _Stop(SystemExit):
    """A signal asked the server to end. waitress ends its loop on every SystemExit."""


def run(
    config: ServerConfig,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    on_ready: Callable[[str], None],
) -> None:
    """
    Run a job server until SIGTERM or SIGINT; it takes the whole process for itself.

    Args:
        config: where the jobs lie, and how the work behaves.
        host: the IP address to listen on, or ``localhost`` for 127.0.0.1.
        port: the TCP port; 0: the system chooses one.
        on_ready: called with the server's URL once it listens.

    Raises:
        ConfigError: the database or the address cannot be used.
    """
    # "Task queue depth is 1", for every request that waits a moment for a thread
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    with (
        contextlib.closing(_bind(host, port)) as listener,
        create_app(config) as app,
        _one_core(),
        contextlib.suppress(_Stop),
        _stopped_by_signals(),
        _listening(app, listener, config.workers) as channels,
    ):
        on_ready(_url(listener))
        # Not the server's own `run`: it waits for threads that hold requests before anybody can release them.
        wasyncore.loop(map=channels, use_poll=True, timeout=1)


def _bind(host: str, port: int) -> socket.socket:
    address = _address(host)
    if not _PORT.holds(port):
        raise ConfigError(Problem(f"{_PORT}, got {port!r}", ("port",)))
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        return socket.create_server((str(address), port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigError(f"cannot listen on {host} port {port}: {reason}") from error


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    # A name may stand for several addresses: then there would be several sockets, and no one URL.
    try:
        return ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ConfigError(Problem(f"must be an IP address or localhost, got {host!r}", ("host",))) from None


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def _listening(app: JobServer, listener: socket.socket, threads: int) -> Iterator[dict[int, Any]]:
    """Give the sockets of a server for an app; afterwards none of them is left open, and no thread."""
    channels: dict[int, Any] = {}
    server: Any = create_server(
        app,
        map=channels,
        sockets=[listener],
        threads=threads,
        connection_limit=_connection_limit(),
        **_SETTINGS,
    )
    server.channel_class = Channel
    try:
        yield channels
    finally:
        app.release()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(channels, ignore_all=True)


def _connection_limit() -> int:
    """Return how many connections may be open at once."""
    files = _allow_files(MOST_CONNECTIONS + _RESERVED_FILES)
    # With more connections than files, accepting would fail again and again in a hot loop.
    return max(files - _RESERVED_FILES, _LEAST_CONNECTIONS)


def _allow_files(wanted: int) -> int:
    """Raise the limit of open files as far as wanted and allowed; return how many of those there may be."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """
    Keep this thread, and those that it starts, on one core, where the system can.

    Over two, the interpreter's lock is passed between waitress's loop and its threads: 700 requests a second
    instead of 6,000.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    # Several servers on one machine should not all choose the same core.
    os.sched_setaffinity(0, {sorted(cores)[os.getpid() % len(cores)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Raise `_Stop` on SIGTERM and SIGINT. Only the main thread may handle signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _Stop(0)

"""Where a job server listens: its socket and its URL, and what it needs of the system."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from collections.abc import Iterator

from bide.errors import ConfigError, Problem
from bide.rules import Number

MOST_CONNECTIONS = 4000
"""So many connections are open at once, if the system lets the process have as many files."""

_LEAST_CONNECTIONS = 16
_RESERVED_FILES = 64  # for the database, the log, and what Python keeps open
_PORT = Number(least=0, most=65535, whole=True)


def bind(host: str, port: int) -> socket.socket:
    """
    Return a socket that listens.

    Args:
        host: the IP address, or ``localhost`` for 127.0.0.1.
        port: the TCP port; 0: the system chooses one.

    Raises:
        ConfigError: the address is none, or cannot be used.
    """
    address = address_of(host)
    if not _PORT.holds(port):
        raise ConfigError(Problem(f"{_PORT}, got {port!r}", ("port",)))
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        return socket.create_server((str(address), port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigError(f"cannot listen on {host} port {port}: {reason}") from error


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """
    Return the IP address that a text means.

    Raises:
        ConfigError: it means none, or several.
    """
    # A name may stand for several addresses: then there would be several sockets, and no one URL.
    try:
        return ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ConfigError(Problem(f"must be an IP address or localhost, got {host!r}", ("host",))) from None


def url_of(listener: socket.socket) -> str:
    """Return the URL of a server that listens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def connection_limit() -> int:
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
def one_core() -> Iterator[None]:
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

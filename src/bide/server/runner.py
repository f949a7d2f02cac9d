"""
The job server on waitress, as a process or in a thread.

The settings answer what was measured: left to itself, waitress collapses when its threads share two cores,
stops at 100 connections, dies in ``select()`` above about 1,000, and takes bodies of up to 1 GiB.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.server import create_server  # type: ignore[import-untyped]

from bide.errors import ConfigError, Problem
from bide.server.app import JobServer, create_app
from bide.server.bodies import LONGEST
from bide.server.channel import Channel
from bide.server.config import ServerConfig
from bide.server.dispatch import Dispatcher
from bide.server.listening import address_of, bind, connection_limit, one_core, url_of
from bide.server.polling import Polling

WHOLE = 65536
"""Bytes that waitress gathers before it sends some: an answer goes out as a whole, not its head before it."""

_SETTINGS = {
    "ident": "bide",
    # The app refuses a body above its own limit with a problem document; waitress cuts off what is far above.
    "max_request_body_size": 2 * LONGEST,
    "max_request_header_size": 2 * LONGEST,
    "clear_untrusted_proxy_headers": True,
    "log_socket_errors": False,
    "cleanup_interval": 5,  # seconds from one look for slow clients to the next
}
_GRACE = 10.0  # seconds for the requests that are under way when the server stops


def run(
    config: ServerConfig,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    on_ready: Callable[[str], None],
) -> None:
    """
    Run a job server until SIGTERM or SIGINT; it takes the whole process for itself.

    It then answers the requests that are under way, for up to ten seconds.

    Args:
        config: where the jobs lie, and how the work behaves.
        host: the IP address to listen on, or ``localhost`` for 127.0.0.1.
        port: the TCP port; 0: the system chooses one.
        on_ready: called with the server's URL once it listens.

    Raises:
        ConfigError: the database or the address cannot be used, or the address is public and there are no
            keys.
    """
    with (
        contextlib.closing(_bound(config, host, port)) as listener,
        create_app(config) as app,
        one_core(),
        _Loop(app, listener, config.workers) as loop,
        _stopped_by_signals(loop),
    ):
        gc.freeze()  # the garbage collector need not look again at what is there by now
        on_ready(url_of(listener))
        loop.run()


@contextlib.contextmanager
def running(config: ServerConfig, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """
    Run a job server in a thread, and give its URL; it listens already, and afterwards it is gone.

    Args:
        config: where the jobs lie, and how the work behaves.
        host: the IP address to listen on, or ``localhost`` for 127.0.0.1.
        port: the TCP port; 0: the system chooses one.

    Raises:
        ConfigError: the database or the address cannot be used, or the address is public and there are no
            keys.
    """
    with contextlib.closing(_bound(config, host, port)) as listener, create_app(config) as app:
        with one_core():  # which threads inherit
            loop = _Loop(app, listener, config.workers)
            thread = threading.Thread(target=loop.run, name="bide-server", daemon=True)
            thread.start()
        with loop:
            try:
                yield url_of(listener)
            finally:
                loop.stop()
                thread.join()


def _bound(config: ServerConfig, host: str, port: int) -> socket.socket:
    if not (config.keys or config.public or address_of(host).is_loopback):
        rule = "others can reach it, so the server needs keys (see 'bide key'), or must be told to be public"
        raise ConfigError(Problem(f"{rule}, got {host!r}", ("host",)))
    return bind(host, port)


class _Loop:
    """
    waitress around an app, until any thread or signal asks it to stop.

    Args:
        app: answers the requests.
        listener: a socket that listens.
        threads: how many requests are answered at once.
    """

    def __init__(self, app: JobServer, listener: socket.socket, threads: int) -> None:
        """Start the threads; accept nothing yet."""
        # "Task queue depth is 1", for every request that waits a moment for a thread
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._app = app
        self._channels = Polling()
        self._stopping = threading.Event()
        self._dispatcher = Dispatcher(threads, self._is_quick)
        self._server: Any = create_server(
            app,
            map=self._channels,
            sockets=[listener],
            _dispatcher=self._dispatcher,
            connection_limit=connection_limit(),
            **_SETTINGS,
        )
        self._server.channel_class = Channel
        self._server.note_refusal = app.traffic.refused
        self._server.adj.send_bytes = WHOLE
        self._wake = self._server.pull_trigger
        self._server.pull_trigger = self._wake_from_elsewhere
        self._close_silent = self._server.maintenance
        self._server.maintenance = lambda now: self.close_slow(now, time.monotonic())

    def run(self) -> None:
        """Answer requests until somebody asks to stop, and then those that are under way."""
        self._dispatcher.begin()
        while not self._stopping.is_set():
            self.turn(1.0)
        # The listener alone: the server's own close stops its threads too.
        wasyncore.dispatcher.close(self._server)
        self._app.release()
        for channel in self._open():
            channel.is_leaving = True
        ends_at = time.monotonic() + _GRACE
        self.turn(0)  # what has come by now is under way
        while any(channel.is_busy() for channel in self._open()) and time.monotonic() < ends_at:
            self.turn(0.05)

    def stop(self) -> None:
        """Ask to stop; any thread may, and a signal's handler."""
        self._stopping.set()
        self._wake()

    def close_slow(self, wall: float, now: float) -> None:
        """
        Close the connections that say nothing, or too little, at the next turn.

        Args:
            wall: the wall clock, by which waitress notes when something was said last.
            now: the monotonic clock.
        """
        self._close_silent(wall)
        for channel in self._open():
            channel.will_close = channel.will_close or channel.is_late(now)
        self._channels.review()

    def turn(self, timeout: float) -> None:
        """Do what there is to do, or wait for it, for no more than so many seconds."""
        self._channels.turn(timeout)
        self._dispatcher.answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._app.release()
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._channels, ignore_all=True)
        self._channels.close()

    def _wake_from_elsewhere(self) -> None:
        """Let the loop take an answer from a thread; of its own it knows."""
        if not self._dispatcher.is_loop():
            self._wake()

    def _is_quick(self, request: Any) -> bool:
        """Say whether a request, as waitress has read it, is answered without waiting; a broken one is."""
        if request.error:
            return True
        return self._app.is_quick(request.command, request.path, request.headers)

    def _open(self) -> list[Channel]:
        """Return the connections to clients."""
        return list(self._server.active_channels.values())


@contextlib.contextmanager
def _stopped_by_signals(loop: _Loop) -> Iterator[None]:
    """Stop on SIGTERM and SIGINT. Only the main thread may handle signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: loop.stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

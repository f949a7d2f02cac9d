"""
Connections that stay open after a 304, that can be reset, and that no client can keep busy for ever.

waitress closes a connection after every answer that has no body, for want of a length. But such an answer
needs none (RFC 9112, section 6.3), and a client that polls with ``If-None-Match`` would connect anew for each
poll.

And it closes a connection only after two minutes of silence: a client that sends a byte a second keeps its
own for as long as it likes. So a request has to be complete in time, however busily it comes.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.task import WSGITask  # type: ignore[import-untyped]

from bide.server.holds import WHEN_GONE
from bide.server.misbehave import RESET
from bide.server.refusals import Parser, Refusal

REQUEST_SECONDS = 30.0
"""In so many seconds from its first byte a request is complete, or nobody waits for the rest."""


class _Task(WSGITask):  # type: ignore[misc]
    request: Any  # waitress says no more
    channel: Any

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment, with ways to reset the connection, and to learn of its end."""
        environ: dict[str, Any] = super().get_environment()
        environ[RESET] = self._reset
        environ[WHEN_GONE] = self.channel.when_gone
        return environ

    def build_response_header(self) -> bytes:
        """Return the head of the answer; the last one says that it is."""
        if self.channel.is_leaving:
            super().set_close_on_finish()
        head: bytes = super().build_response_header()
        return head

    def _reset(self) -> None:
        """Make the close of the connection a reset: nothing that was written is waited for."""
        self.channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def set_close_on_finish(self) -> None:
        """Close the connection after this answer, unless all that speaks for it is that it has no body."""
        asked = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or asked or self.version != "1.1":
            super().set_close_on_finish()


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection to a client."""

    task_class = _Task
    parser_class = Parser
    error_task_class = Refusal
    request: Any  # the one that has not come completely; waitress says no more
    requests: Any
    socket: Any
    is_leaving = False  # whether the next answer is the last
    _on_gone: Callable[[], object] | None = None
    _unfinished: Any = None
    _began = 0.0

    def received(self, data: bytes) -> bool:
        """Take what came, and note when the request began that it leaves unfinished."""
        taken = bool(super().received(data))
        if self.request is not self._unfinished:
            self._unfinished, self._began = self.request, time.monotonic()
        return taken

    def is_late(self, now: float) -> bool:
        """Say whether the client takes too long over a request, at a time on the monotonic clock."""
        coming = self._unfinished is not None and not self.requests
        return coming and now - self._began > REQUEST_SECONDS

    def when_gone(self, action: Callable[[], object]) -> None:
        """Take what to do when the client goes away while it is owed an answer; perhaps it has."""
        self._on_gone = action
        self.handle_expt_event()

    def handle_expt_event(self) -> None:
        """Take note that something came of the client while it is owed an answer: more, or its end."""
        if self._on_gone is not None and self._has_gone():
            self._on_gone()

    def _has_gone(self) -> bool:
        try:
            return self.socket is None or self.socket.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:  # reset, or closed here
            return True

    def is_busy(self) -> bool:
        """Say whether a request is being answered or its body is coming, or an answer is on its way."""
        is_coming = self.request is not None and self.request.headers_finished
        return bool(self.requests or self.total_outbufs_len or is_coming)

"""What the sync and the async transfer have in common: how a request is put, read and told about."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import clear_frames
from typing import Any

import h11

from bide.durations import Seconds
from bide.errors import RequestError, shown
from bide.http.answers import Answer, Ask
from bide.http.codings import decoded
from bide.http.wire import Wire

MOST_BYTES = 16 * 2**20
"""The longest body that is read, in bytes: 16 MiB. What is longer is no answer about a job."""

_LEGAL_VALUE = re.compile(r"([\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?)?")
_FAILURES = (OSError, ValueError, OverflowError, EOFError, ExceptionGroup, h11.ProtocolError)


def request(ask: Ask, timeout: Seconds, trace: Any) -> dict[str, Any]:
    """
    Return what the ``stream`` of a client is to be called with.

    Raises:
        ValueError: a header cannot be sent. Its value is not told, for it may be a secret.
    """
    # A status is short: compressing it costs both sides more than it saves.
    headers = {"accept-encoding": "identity"}
    for name, value in ask.headers.items():
        if not _LEGAL_VALUE.fullmatch(value):
            raise ValueError(
                f"the header {shown(name)} holds more than ASCII, a line break, or a space at an end"
            )
        headers[name.lower()] = value
    return {
        "method": ask.method,
        "url": ask.url,
        "headers": headers,
        "content": ask.body,
        "timeout": timeout,
        "follow_redirects": False,
        "extensions": {"trace": trace},
    }


class Body:
    """The body of a response as far as it has been read, coded as it came."""

    def __init__(self, ask: Ask, response: Any) -> None:
        self._ask = ask
        self._response = response
        self._raw = bytearray()
        self._coding = response.headers.get("content-encoding", "")
        if self.is_read:
            self._coding = ""
            self.add(response.content)

    @property
    def is_read(self) -> bool:
        """Whether somebody else has read and opened it: a hook, or a transport without a network."""
        return bool(self._response.is_stream_consumed)

    def add(self, piece: bytes) -> None:
        """
        Take in the next piece.

        Raises:
            ValueError: the whole would be too long.
        """
        if len(self._raw) + len(piece) > MOST_BYTES:
            raise ValueError(f"the answer is longer than {MOST_BYTES} bytes")
        self._raw += piece

    def answer(self) -> Answer:
        """
        Return the answer, its body opened.

        Raises:
            ValueError: it is coded in another way than it says, or holds too much.
        """
        body = decoded(bytes(self._raw), self._coding, MOST_BYTES)
        return Answer(self._ask, self._response.status_code, self._response.headers, body)


class StaleConnection(RequestError):
    """
    A connection kept from an earlier request gave nothing, and the request may be made once more, at once.

    A server may close a kept connection while a request is on its way. What only asks does no harm twice.

    Source: RFC 9112, section 9.3.1.
    """


@contextmanager
def told(ask: Ask, timeout: Seconds, wire: Wire) -> Iterator[None]:
    """
    Tell every failure of the network, and of what came over it, as one of the request.

    Raises:
        RequestError: with the failure as its cause.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, _FAILURES) and not is_a(error, "HTTPError", "InvalidURL"):
            raise
        clear_frames(error.__traceback__)  # who keeps the error need not keep what there was of a body
        kind = StaleConnection if _is_stale(ask, wire, error) else RequestError
        raise kind(ask.hidden(f"{ask}: {_what(error, timeout)}")) from error


def is_a(error: Exception, *names: str) -> bool:
    """Say whether an error is of a kind so named: httpx and httpx2 each have their own, by the same names."""
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _what(error: Exception, timeout: Seconds) -> str:
    if is_a(error, "TimeoutException", "TimeoutError"):
        return f"no answer in {timeout:.3g} s"
    if is_a(error, "LocalProtocolError"):  # its text quotes headers, which may be secrets
        return "the request is none that HTTP allows"
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


def too_late(http: object, wire: Wire) -> Exception:
    """Return the error of an answer that takes too long, as the library of a client would raise it."""
    name = "ReadTimeout" if wire.sent else "ConnectTimeout"
    late = TimeoutError("the answer does not end")
    for kind in type(http).__mro__:
        library = sys.modules.get(kind.__module__.partition(".")[0])
        if hasattr(library, name):
            error: Exception = getattr(library, name)(str(late))
            error.__cause__ = late
            return error
    return late


def _is_stale(ask: Ask, wire: Wire, error: Exception) -> bool:
    asks = ask.method in ("GET", "HEAD")
    return asks and wire.may_have_been_stale and is_a(error, "NetworkError", "RemoteProtocolError")

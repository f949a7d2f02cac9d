"""
What HTTP libraries may write to their logs of bide's requests.

httpx logs the whole URL of every request at INFO, and httpcore the headers of every answer at DEBUG, whoever
made the request. So their loggers get a filter that lets all pass, but takes the secrets out of what is
written while bide makes a request; whatever else a program asks of them is logged as ever.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from bide.http.answers import Ask
from bide.http.urls import public

_ASKING: ContextVar[Ask | None] = ContextVar("asking", default=None)

_LAYERS = ("connection", "http11", "http2", "proxy", "socks")
"""What httpcore has a logger for."""

_ANSWERED = re.compile(r" (return_value|exception)=.*", re.DOTALL)
"""What came over the network, in a line of httpcore's."""


@contextmanager
def discreet(ask: Ask) -> Iterator[None]:
    """Keep the secrets of a request, and of its answer, out of the logs of HTTP libraries."""
    token = _ASKING.set(ask)
    try:
        yield
    finally:
        _ASKING.reset(token)


def _without_secrets(record: logging.LogRecord) -> bool:
    ask = _ASKING.get()
    if ask is not None and isinstance(record.args, tuple):
        record.msg = ask.hidden(_ANSWERED.sub(r" \1=…", str(record.msg)))
        record.args = tuple(
            arg if isinstance(arg, int) else ask.hidden(public(str(arg))) for arg in record.args
        )
    return True


for _fork in ("", "2"):
    for _name in (f"httpx{_fork}", *(f"httpcore{_fork}.{layer}" for layer in _LAYERS)):
        logging.getLogger(_name).addFilter(_without_secrets)

"""
Misbehaving: what the faults that are configured do to requests and answers.

A middleware of Falcon chooses for each request for jobs, refuses some, and changes headers; what breaks
connections and bodies happens around Falcon, which knows neither.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from threading import Event
from typing import Any

import falcon
from attrs import frozen

from bide.errors import ConfigError
from bide.server.faults import Faults, Misbehaviour, read_faults
from bide.server.holds import WHEN_GONE, Holds, Pause
from bide.server.lots import lots
from bide.server.routes import is_for_jobs

RESET = "bide.reset"
"""Where the WSGI environment has a function that makes the close of its connection a reset, if it can."""

_HEADER = "Bide-Fault"
_IN_ENVIRON = "HTTP_BIDE_FAULT"  # to ask WSGI itself costs every request less
_BROKEN = "bide.broken"


@frozen
class _Fate:
    """What happens to one request, and the lot that says which status or how late."""

    faults: Misbehaviour
    what: str | None
    lot: float


class BehavingOnly:
    """Refuses to misbehave, as a middleware of Falcon, where no request may ask for it."""

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """
        Let requests pass that ask for nothing.

        Raises:
            falcon.HTTPBadRequest: whoever sends that header waits for a fault, and would wait in vain.
        """
        if _IN_ENVIRON in req.env and is_for_jobs(req):
            rule = "this server takes no faults from requests: set by_header = true in its [faults]"
            raise falcon.HTTPBadRequest(description=f"{_HEADER}: {rule}")


class Misbehaving:
    """
    Makes requests for jobs go wrong.

    Args:
        faults: what goes wrong, how often, and when.
        seed: of the choices: the n-th request of a seed has always the same fate.
        clock: wall clock, in seconds since the epoch.
        pause: how a late answer waits.
    """

    def __init__(
        self,
        faults: Faults,
        *,
        seed: int,
        clock: Callable[[], float] = time.time,
        pause: Pause = Event.wait,
    ) -> None:
        """Begin now: windows are counted from here."""
        self._faults = faults
        self._seed = seed
        self._clock = clock
        self._began = clock()
        self._numbers = itertools.count(1)
        self._late = Holds(sys.maxsize, pause)  # whoever has a thread

    def release(self) -> None:
        """Let no answer be late any more."""
        self._late.close()

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Choose what happens to a request; it may be late, and refused."""
        fate = self._fate(req)
        if fate is None:
            return
        req.context.fate, req.context.fault = fate, fate.what
        if fate.faults.latency is not None:
            late = fate.faults.latency.at(fate.lot)
            self._late.hold("", lambda: late, req.env.get(WHEN_GONE))
        if fate.what == "errors":
            statuses = fate.faults.statuses
            raise falcon.HTTPError(
                statuses[int(fate.lot * len(statuses))], description="this fault was asked for"
            )
        req.env[_BROKEN] = fate.what

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Change the headers of an answer."""
        fate: _Fate | None = getattr(req.context, "fate", None)
        if fate is None:
            return
        if fate.faults.skew:
            resp.set_header("Date", formatdate(self._clock() + fate.faults.skew, usegmt=True))
        if fate.faults.retry_after == "":
            resp.delete_header("Retry-After")
        elif fate.faults.retry_after is not None:
            resp.set_header("Retry-After", fate.faults.retry_after)

    def _fate(self, req: falcon.Request) -> _Fate | None:
        if not is_for_jobs(req):
            return None
        asked = req.get_header(_HEADER) if self._faults.by_header else None
        faults = self._faults.at(self._clock() - self._began) if asked is None else _asked(asked)
        method = "GET" if req.method == "HEAD" else req.method  # whoever polls by HEAD meets the same
        if method not in faults.methods:
            return None
        choice, lot, *_ = lots(self._seed, f"fault {next(self._numbers)}")
        return _Fate(faults, faults.chosen(choice), lot)


def _asked(header: str) -> Misbehaviour:
    try:
        return read_faults(header)
    except ConfigError as error:
        said = "; ".join(map(str, error.inside(source=_HEADER).problems))
        raise falcon.HTTPBadRequest(description=said) from None


def breaking(
    env: dict[str, Any], start: Callable[..., Any], answer: Callable[..., Iterable[bytes]]
) -> Iterable[bytes]:
    """
    Return the body of an answer, after breaking what its request's fate has broken.

    Args:
        env: the WSGI environment.
        start: WSGI's ``start_response``.
        answer: the app that answers.

    Raises:
        ConnectionAbortedError: the connection shall be closed without an answer.
    """
    begun: list[Any] = []
    body = b"".join(answer(env, lambda *args: begun.extend(args)))
    what = env.get(_BROKEN)
    if what in {"dropped", "reset"}:
        if what == "reset" and RESET in env:
            env[RESET]()
        raise ConnectionAbortedError("this connection shall break")
    status, headers = begun[0], begun[1]
    half = body[: len(body) // 2]
    if what == "malformed":
        body = half
        headers = [h for h in headers if h[0].lower() != "content-length"] + [
            ("Content-Length", str(len(half)))
        ]
    start(status, headers)
    return _until_it_breaks(half) if what == "truncated" and body else [body]


def _until_it_breaks(half: bytes) -> Iterator[bytes]:
    yield half
    raise ConnectionAbortedError("this answer shall break off")

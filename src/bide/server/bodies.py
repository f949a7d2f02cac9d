"""What requests may carry: bounded JSON, and the order of a new job. Refusals name place, value and rule."""

from __future__ import annotations

import json
import math
from typing import Any, cast, get_args

import falcon

from bide.durations import parse_duration
from bide.errors import ConfigError, Problem, nearest, shown
from bide.rules import seconds
from bide.server.config import DEFAULT
from bide.server.job import Outcome
from bide.server.keys import owner_of
from bide.server.service import Order

LONGEST = 64 * 1024
"""The largest body that is read, in bytes."""

_MEDIA_TYPE = "application/json"
_PINS = ("duration", "outcome")
_DURATION = seconds(least=0)


def read_body(req: falcon.Request) -> bytes:
    """
    Return the body of a request.

    Raises:
        falcon.HTTPContentTooLarge: it is too large.
    """
    raw: bytes = req.bounded_stream.read(LONGEST + 1)
    if len(raw) > LONGEST:
        raise falcon.HTTPContentTooLarge(description=f"the body must be at most {LONGEST} bytes")
    return raw


def read_order(req: falcon.Request, body: bytes) -> Order:
    """
    Return what the body of a request for a new job wants.

    Raises:
        falcon.HTTPError: the body is of another media type, or not JSON.
        ConfigError: it is JSON, but says something that it may not.
    """
    document = _object(req, body)
    _refuse_others(document, ("kind", "input"))
    kind, inputs = _kind(document.get("kind")), _inputs(document)
    try:
        _refuse_others(inputs, _PINS)
        return Order(
            owner=owner_of(req),
            kind=kind,
            duration=_duration(inputs.get("duration")),
            outcome=_outcome(inputs.get("outcome")),
        )
    except ConfigError as error:
        raise error.inside("input") from None


def _object(req: falcon.Request, body: bytes) -> dict[str, Any]:
    """Return the JSON object in the body of a request; no body is an empty one."""
    if not body:
        return {}
    _require_json(req)
    document = _parse(body)
    if not isinstance(document, dict):
        raise ConfigError(f"the body must be an object, got {_said(document)}")
    return document


def _require_json(req: falcon.Request) -> None:
    given = req.content_type or _MEDIA_TYPE
    if given.partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise falcon.HTTPUnsupportedMediaType(description=f"must be {_MEDIA_TYPE}, got {shown(given)}")


def _parse(raw: bytes) -> object:
    try:
        # Integers as floats, too: Python's own have no largest, and no rule expects one beyond every float.
        return json.loads(raw.decode(), parse_int=float, parse_constant=_refuse_constant)
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:
        reason = str(error)
    raise falcon.HTTPBadRequest(description=f"the body is not JSON: {reason}")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _inputs(document: dict[str, Any]) -> dict[str, Any]:
    value = document.get("input", {})
    if not isinstance(value, dict):
        raise ConfigError(Problem(f"must be an object, got {_said(value)}", ("input",)))
    return value


def _kind(value: object) -> str:
    if value is None:
        return DEFAULT
    if not isinstance(value, str):
        raise ConfigError(Problem(f"must be the name of a kind, got {_said(value)}", ("kind",)))
    return value


def _refuse_others(document: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in document:
        if name not in known:
            raise ConfigError(f"there is no member {shown(name)} here{nearest(name, known)}")


def _duration(value: object) -> float | None:
    if value is None:
        return None
    number = _seconds(value)
    if not isinstance(number, float) or not _DURATION.holds(number):
        rule = f"{_DURATION}, or a text such as '2m30s', got {_said(value)}"
        raise ConfigError(Problem(rule, ("duration",)))
    return number


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_duration(value)
    except ConfigError as error:
        raise error.inside("duration") from None


def _outcome(value: object) -> Outcome | None:
    known = get_args(Outcome)
    if value is not None and value not in known:
        rule = f"must be one of {', '.join(known)}, got {_said(value)}"
        raise ConfigError(Problem(rule, ("outcome",)))
    return cast("Outcome | None", value)


def _said(value: object) -> str:
    """Return a value of the body as a message may show it: short, and in the words of JSON."""
    if isinstance(value, float):
        return f"{value:.15g}" if math.isfinite(value) else "a number too large to hold"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    return shown(value) if isinstance(value, str) else json.dumps(value)

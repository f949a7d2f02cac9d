"""How the server misbehaves, when it is told to: what goes wrong, how often, and when."""

from __future__ import annotations

import math
import re
from typing import Any

from attrs import field, frozen

from bide.convert import structure
from bide.durations import MAX_SECONDS, parse_duration, parse_range
from bide.errors import ConfigError, Problem, shown
from bide.inline import parse_fields
from bide.rules import Number, seconds
from bide.server.kinds import Between, Durations, durations_of

METHODS = ("GET", "POST", "DELETE")
_SHARE = Number(least=0, most=1)
_SKEW = Number(least=-MAX_SECONDS, most=MAX_SECONDS, unit="seconds")
_HINT = re.compile(r"[!-~]?(?:[ -~]*[!-~])?")  # what a header can hold


def _latency(value: object) -> Durations | None:
    try:
        return None if value is None else durations_of(value)
    except ConfigError as error:
        raise error.inside("latency") from error


def _of_5xx(_instance: object, _attribute: object, value: tuple[int, ...]) -> None:
    if not value or not all(500 <= status <= 599 for status in value):
        raise ConfigError(
            Problem(f"must be statuses from 500 to 599, got {shown(list(value))}", ("statuses",))
        )


def _known_methods(_instance: object, _attribute: object, value: tuple[str, ...]) -> None:
    if not value or not set(value) <= set(METHODS):
        raise ConfigError(
            Problem(f"must be some of {', '.join(METHODS)}, got {shown(list(value))}", ("methods",))
        )


def _hint(value: object) -> str | None:
    """Return what the header says; a number says its digits."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    is_number = is_whole or (isinstance(value, float) and math.isfinite(value))
    text = str(value) if is_number else value
    if text is None or (isinstance(text, str) and _HINT.fullmatch(text)):
        return text
    rule = f"must be a finite number, or text of visible ASCII characters, got {shown(value)}"
    raise ConfigError(Problem(rule, ("retry_after",)))


def _skew(value: object) -> float:
    """Return seconds; text may have a sign here."""
    try:
        ahead = _signed(value) if isinstance(value, str) else value
    except ConfigError as error:
        raise error.inside("skew") from error
    if not isinstance(ahead, (int, float)) or not _SKEW.holds(ahead):
        raise ConfigError(Problem(f"{_SKEW}, or text such as '5m' or '-5m', got {shown(value)}", ("skew",)))
    return float(ahead)


def _signed(text: str) -> float:
    return -parse_duration(text[1:]) if text.startswith("-") else parse_duration(text)


@frozen(kw_only=True)
class Misbehaviour:
    """
    What goes wrong with requests for jobs. The five shares exclude each other, and are at most 1 together.

    Args:
        latency: how long each answer is late: as the durations of a kind of jobs, such as ``50ms..2s``.
        errors: share of the requests that are refused with a 5xx, and do nothing.
        statuses: which 5xx; each as often as the others.
        dropped: share whose connection is closed without an answer, after the work was done.
        reset: the same, with a reset (RST).
        truncated: share of the answers whose connection is closed after half of the body.
        malformed: share of the answers whose body ends half way, as if that were all.
        retry_after: what each answer has as ``Retry-After``, be it true or not; ``""``: it has none.
        skew: seconds by which ``Date`` is ahead of the clock; below 0, or text with a minus: behind it.
        methods: the requests to which all this happens; what happens to GET happens to HEAD.
    """

    latency: Durations | None = field(default=None, converter=_latency)
    errors: float = field(default=0.0, validator=_SHARE)
    statuses: tuple[int, ...] = field(default=(500, 502, 503), validator=_of_5xx)
    dropped: float = field(default=0.0, validator=_SHARE)
    reset: float = field(default=0.0, validator=_SHARE)
    truncated: float = field(default=0.0, validator=_SHARE)
    malformed: float = field(default=0.0, validator=_SHARE)
    retry_after: Any = field(default=None, converter=_hint)
    skew: Any = field(default=0.0, converter=_skew)
    methods: tuple[str, ...] = field(default=METHODS, validator=_known_methods)

    def __attrs_post_init__(self) -> None:
        total = sum(share for _, share in self.shares)
        if total > 1 + 1e-9:
            names = ", ".join(name for name, share in self.shares if share)
            raise ConfigError(f"the shares of {names} must be at most 1 together, got {total:g}")

    @property
    def shares(self) -> tuple[tuple[str, float], ...]:
        """What happens to some of the requests, and to which share of them."""
        names = ("errors", "dropped", "reset", "truncated", "malformed")
        return tuple((name, getattr(self, name)) for name in names)

    def chosen(self, lot: float) -> str | None:
        """Return what happens to the request that drew a number in [0, 1), if anything."""
        for name, share in self.shares:
            if lot < share:
                return name
            lot -= share
        return None


def _span(text: object) -> tuple[float, float]:
    if isinstance(text, tuple):
        return text
    if not isinstance(text, str):
        raise ConfigError(Problem(f"must be text such as '10s..20s', got {shown(text)}", ("during",)))
    try:
        begin, end = parse_range(text)
    except ConfigError as error:
        raise error.inside("during") from error
    rule = seconds(least=0)
    if not rule.holds(begin) or not rule.holds(end) or begin >= end:
        raise ConfigError(
            Problem(f"must begin at 0s or later, and end after that, got {shown(text)}", ("during",))
        )
    return begin, end


@frozen(kw_only=True)
class Window(Misbehaviour):
    """
    What goes wrong during a stretch of time, in place of what does otherwise.

    Args:
        during: seconds after the server's start, from and to: as text, ``10s..20s``.
    """

    during: Any = field(converter=_span)


@frozen(kw_only=True)
class Faults(Misbehaviour):
    """
    All that goes wrong, and when.

    Args:
        windows: stretches of time that are different; where two overlap, the first counts.
        by_header: whether a request may ask for faults of its own, in the header ``Bide-Fault``.
    """

    windows: tuple[Window, ...] = ()
    by_header: bool = False

    @property
    def may_be_late(self) -> bool:
        """Whether any answer may be late."""
        return self.by_header or any(part.latency is not None for part in (self, *self.windows))

    def at(self, elapsed: float) -> Misbehaviour:
        """Return what goes wrong at a time, in seconds after the server's start."""
        for window in self.windows:
            begin, end = window.during
            if begin <= elapsed < end:
                return window
        return self


def read_faults(header: str) -> Misbehaviour:
    """
    Return the faults that a request asks for.

    Args:
        header: fields of `Misbehaviour`, such as ``errors=1, statuses=[503]`` or ``latency=2s, dropped=1``;
            the latency is one or a range, because a distribution may name a file of the server.

    Raises:
        ConfigError: it cannot be read, or something in it is wrong.
    """
    table = parse_fields(header)
    if "latency" in table:
        table["latency"] = _late(table["latency"])
    return structure(table, Misbehaviour)


def _late(value: object) -> Between:
    """Return the latency that a request asks for."""
    try:
        if isinstance(value, str):
            return Between(*parse_range(value))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return Between(value, value)
    except ConfigError as error:
        raise error.inside("latency") from error
    raise ConfigError(Problem(f"must be such as '2s' or '50ms..2s', got {shown(value)}", ("latency",)))

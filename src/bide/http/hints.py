"""
What a server says about when to come back.

========================  ===========  ==============================================================
header                    unit         source
========================  ===========  ==============================================================
``retry-after-ms``        ms           OpenAI's client libraries, which read it before Retry-After
``x-ms-retry-after-ms``   ms           Azure SDKs, their retry policies
``Retry-After``           s, or date   RFC 9110, section 10.2.3
``openai-poll-after-ms``  ms           OpenAI's client libraries, their polling helpers
``Poll-Interval``         ms           GitLab, "Polling with ETag caching"; -1 for "do not poll"
``X-Poll-Interval``       s            GitHub REST API, "REST API endpoints for events"
``RateLimit``             s            draft-ietf-httpapi-ratelimit-headers-10
``RateLimit-Reset``       s, or epoch  the same, -06; as an epoch: GitLab, "Rate limits"
``X-RateLimit-Reset``     the same     GitHub REST API, "Rate limits for the REST API"
========================  ===========  ==============================================================

The first of them that can be read is the hint: what is said about this resource comes before what is said
about a quota (as the draft has it), and of two that say the same, the finer unit. A quota counts only when
nothing of it remains, or when the answer is a 429.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from bide.durations import MAX_SECONDS

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_LONGEST_FIELD = 1000
"""In characters: of a field made to be long, quotes that never close would take a minute to look through."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PARAMETER = re.compile(r";\s*([rt])=([0-9]+)")
_LONGEST_DATE = 40

EARLIEST_IN_MS = 1e11
"""As seconds since the epoch this is the year 5138, as milliseconds it is 1973."""

Clock = Callable[[], float]
"""Tells what the time was when the answer was sent, in seconds since the epoch."""


def hint_in(headers: Mapping[str, str], *, status: int = 200, now: float | None = None) -> float | None:
    """
    Return the seconds that an answer asks to be left alone for; None if it says nothing that can be read.

    Zero and a moment that has passed ask for nothing: 0. What is negative or malformed says nothing: None.
    A moment counts from the answer's own ``Date``, so that clocks which disagree do no harm. Never more than
    `MAX_SECONDS`, and never an exception.

    Args:
        headers: of the answer; names in any case.
        status: of the answer.
        now: stands in for a ``Date`` that is missing, in seconds since the epoch; by default the time it is.
    """
    said = {name.lower(): text.strip() for name, text in headers.items()}

    def sent_at() -> float:
        dated = _date(said.get("date", ""))
        return dated if dated is not None else time.time() if now is None else now

    hint = next(_delays(said, sent_at), None)
    if hint is None:
        hint = _quota(said, sent_at, limited=status == 429)
    return None if hint is None else min(max(0.0, hint), MAX_SECONDS)


def left_of(hint: float | None, *, told_at: float) -> float | None:
    """
    Return what is left of a hint, in seconds.

    Args:
        hint: seconds; None if there is none.
        told_at: when it was told, on the monotonic clock.
    """
    return None if hint is None else max(0.0, hint - (time.monotonic() - told_at))


def _seconds(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


_UNITS = {
    "retry-after-ms": 1e-3,
    "x-ms-retry-after-ms": 1e-3,
    "retry-after": 1.0,
    "openai-poll-after-ms": 1e-3,
    "poll-interval": 1e-3,
    "x-poll-interval": 1.0,
}


def _delays(said: Mapping[str, str], sent_at: Clock) -> Iterator[float]:
    """Yield the seconds that each header asks for, the one that counts first."""
    for name, unit in _UNITS.items():
        number = _seconds(said.get(name, ""))
        if number is not None:
            yield number * unit
        elif name == "retry-after":
            until = _date(said.get(name, ""))
            if until is not None:
                yield until - sent_at()


def _quota(said: Mapping[str, str], sent_at: Clock, *, limited: bool) -> float | None:
    """Return the seconds until there is a quota again, if there is none now."""
    resets = _resets(said.get("ratelimit", ""), limited=limited)
    for prefix in ("ratelimit", "x-ratelimit"):
        if limited or _seconds(said.get(f"{prefix}-remaining", "")) == 0:
            reset = _seconds(said.get(f"{prefix}-reset", ""))
            if reset is not None:
                resets.append(_until(reset, sent_at))
    return max(resets, default=None)


def _until(reset: float, sent_at: Clock) -> float:
    """Return the seconds until a reset, given in seconds, or as an epoch in seconds or milliseconds."""
    if reset <= MAX_SECONDS:  # no window is as long, and no epoch since 2001 is as short
        return reset
    return (reset / 1000 if reset >= EARLIEST_IN_MS else reset) - sent_at()


def _resets(text: str, *, limited: bool) -> list[float]:
    """Return the seconds ``t`` of each policy of a RateLimit field of which nothing remains: ``r=0``."""
    if len(text) > _LONGEST_FIELD:
        return []
    policies = [dict(_PARAMETER.findall(item)) for item in _QUOTED.sub("", text).split(",")]
    return [
        float(policy["t"]) for policy in policies if "t" in policy and (limited or _is_zero(policy.get("r")))
    ]


def _is_zero(digits: str | None) -> bool:
    return digits is not None and not digits.strip("0")


def _date(text: str) -> float | None:
    """Return a date of HTTP in seconds since the epoch. Source: RFC 9110, section 5.6.7."""
    if len(text) > _LONGEST_DATE or not text.isascii():
        return None
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None

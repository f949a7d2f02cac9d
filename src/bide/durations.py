"""Durations: seconds as numbers, or as text with units such as ``100ms``, ``2m30s`` and ``1.5h``."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated

from bide.errors import ConfigError, shown

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(us|ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern}\s*)+")

MAX_SECONDS = 1e9
"""The longest duration there is, in seconds: 31 years. Longer sleeps overflow in the standard library."""

Seconds = Annotated[float, "seconds"]
"""The type of a field that holds a duration: a float, which config may also write as text with a unit."""


def parse_duration(text: str) -> float:
    """
    Return the seconds that a text such as ``1.5h`` means.

    Units: us, ms, s, m, h, d; several may follow each other, the larger first: ``1h30m``.

    Raises:
        ConfigError: the text is no duration, or has no unit.
    """
    if not _WHOLE.fullmatch(text.strip()):
        raise ConfigError(f"must be a duration such as 100ms, 2m30s or 1.5h, got {shown(text)}")
    parts = _PART.findall(text)
    sizes = [UNITS[unit] for _, unit in parts]
    if any(later >= earlier for earlier, later in pairwise(sizes)):
        raise ConfigError(f"must name each unit once, the larger first, got {shown(text)}")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def parse_seconds(text: str) -> float:
    """
    Return the seconds that a text means: a duration, or a plain number of seconds.

    Raises:
        ConfigError: it is neither.
    """
    try:
        return float(text)
    except ValueError:
        return parse_duration(text)


def parse_range(text: str) -> tuple[float, float]:
    """
    Return the shortest and the longest seconds that a text such as ``5s..15s`` means; ``5s`` means both.

    Raises:
        ConfigError: an end is no duration.
    """
    shortest, dots, longest = text.partition("..")
    return parse_seconds(shortest), parse_seconds(longest if dots else shortest)


def format_duration(seconds: float) -> str:
    """Return seconds as a short text for people: ``80ms``, ``2.5s``, ``2m30s``, ``1d3h``."""
    if not seconds:
        return "0s"
    if seconds < 0.001:
        return f"{seconds * 1e6:.3g}us"
    if seconds < 1:
        return f"{seconds * 1000:.3g}ms"
    if seconds < 59.95:
        return f"{seconds:.3g}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    named = ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{count}{unit}" for count, unit in named if count)

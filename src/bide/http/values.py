"""Values in anybody's JSON, read as what a job says with them: a status, a progress, a moment, an id."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from bide.http.hints import EARLIEST_IN_MS
from bide.rules import Number

_NUMBER = Number()


def text_of(value: object) -> str | None:
    """Return text, a number or a truth as text, as JSON writes it; None for all else."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, (bool, int, float)) else None


def folded(value: str) -> str:
    """Return a value so that those which differ in case or space only are equal."""
    return " ".join(value.casefold().split())


def is_there(found: Any) -> bool:
    """Say whether an expression found something, be it in one of the parts that it names."""
    parts = found.values() if isinstance(found, dict) and found else (found,)
    return any(part is not None for part in parts)


def number_of(value: object) -> float | None:
    """Return a finite number, also one that is written as text; None for all else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return float(value) if _NUMBER.holds(value) else None  # type: ignore[arg-type]


def progress_of(value: object, done: float) -> float | None:
    """
    Return a share of work that is done, 0 to 1.

    Args:
        value: a number, or text such as ``42%``, which is a percentage whatever `done` says.
        done: the number that means all of it.
    """
    percent = isinstance(value, str) and value.rstrip().endswith("%")
    number = number_of(str(value).rstrip()[:-1] if percent else value)
    return None if number is None else min(max(number / (100 if percent else done), 0.0), 1.0)


def instant_of(value: Any) -> float | None:
    """
    Return a moment in seconds since the epoch.

    Args:
        value: text as ISO 8601 has it, in UTC unless it says otherwise; or a number of seconds, or of
            milliseconds, since the epoch, where 0 stands for no moment.
    """
    if isinstance(value, str):
        return _iso(value)
    number = None if isinstance(value, bool) else number_of(value)
    if number is None or number <= 0:
        return None
    return number / 1000 if number >= EARLIEST_IN_MS else number


def _iso(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def seconds_of(value: object, most: float) -> float | None:
    """Return a duration in seconds, of at most so many; None if it is negative, or no number."""
    number = number_of(value)
    return None if number is None or number < 0 else min(number, most)

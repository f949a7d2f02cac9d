"""What is known of jobs as a file: what `bide learn export` writes and `bide learn import` reads."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from bide.errors import ConfigError
from bide.lab.records import Record, records_in
from bide.learning import Lesson
from bide.outcome import End
from bide.rules import Number

COLUMNS: tuple[str, ...] = ("key", "low", "high", "end", "began_at")
"""What a file has of each job; without a key it has none, and it completed unless something else is said."""

_BOUND = Number(least=0, unit="seconds")
_BEGAN_AT = Number(least=-1e12, most=1e12, unit="seconds since the epoch")
_NEVER = ("inf", "None")


def as_record(lesson: Lesson) -> dict[str, Any]:
    """Return a lesson by columns."""
    return {**{name: getattr(lesson, name) for name in COLUMNS}, "end": str(lesson.end)}


def write_lessons(lessons: Iterable[Lesson], file: TextIO) -> None:
    """Write lessons as CSV; no bit of them is lost."""
    # All text is quoted, or a key with a carriage return would end its line.
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerows(as_record(lesson) for lesson in lessons)


def read_lessons(
    path: Path, column: str | None = None, *, key: str | None = None, now: float
) -> list[Lesson]:
    """
    Return what a file says of jobs, the oldest first.

    Args:
        path: as `records_in` takes it; with the columns ``low`` and ``high``, between which the durations
            lie, and maybe ``key``, ``end`` and ``began_at``; or else with durations.
        column: that of the durations; needed unless there is one only.
        key: of all jobs; by default as the file has it, or none.
        now: when jobs began of which the file does not say it: wall clock, seconds since the epoch.

    Raises:
        ConfigError: the file cannot be read, holds no job, or something that is wrong; the error names file,
            line, column, value and rule.
    """
    with records_in(path) as records:
        lessons = [_lesson(record, column, key, now) for record in records]
        if not lessons:
            raise ConfigError("holds no durations")
        return lessons


def _lesson(record: Record, column: str | None, key: str | None, now: float) -> Lesson:
    if column is None and {"low", "high"} <= record.values.keys():
        return _with_bounds(record, key, now)
    duration = record.number(record.only_column() if column is None else column)
    return Lesson.exact(duration, key or "", began_at=now)


def _with_bounds(record: Record, key: str | None, now: float) -> Lesson:
    low = record.number("low", _BOUND)
    high = math.inf if str(record["high"]) in _NEVER else record.number("high", _BOUND)
    if high < low:
        raise record.wrong("high", f"must be >= 'low' ({low:g})")
    said = record.values
    return Lesson(
        low=low,
        high=high,
        end=_end_in(record) if "end" in said else End.COMPLETED,
        key=_key_in(record) if key is None and "key" in said else key or "",
        began_at=_began_at_in(record) if "began_at" in said else now,
    )


def _began_at_in(record: Record) -> float:
    try:
        return record.number("began_at", _BEGAN_AT)
    except ConfigError:  # which may be about durations
        raise record.wrong("began_at", str(_BEGAN_AT)) from None


def _end_in(record: Record) -> End:
    try:
        return End(record["end"])
    except ValueError:
        raise record.wrong("end", f"must be one of {', '.join(End)}") from None


def _key_in(record: Record) -> str:
    key = record["key"]
    if not isinstance(key, str):
        raise record.wrong("key", "must be text")
    return key

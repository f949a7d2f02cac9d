"""Measured durations, read from CSV and JSON files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bide.durations import parse_seconds
from bide.errors import ConfigError, Problem, nearest, shown
from bide.rules import seconds

_RULE = seconds(least=0)


def read_durations(path: Path, column: str | None = None) -> tuple[float, ...]:
    """
    Return the durations in a file, in seconds.

    Args:
        path: a JSON file, by its ending, with a list of numbers or of objects; or else a CSV file with a
            header.
        column: the column, or the objects' key; needed unless there is one only.

    Raises:
        ConfigError: the file cannot be read, has no such column, holds nothing, or something that is no
            duration; the error names file, line and column.
    """
    read = _in_json if path.suffix.lower() == ".json" else _in_csv
    try:
        values = tuple(read(path, column))
        if not values:
            raise ConfigError("holds no durations")
        return values
    except ConfigError as error:
        raise error.inside(source=str(path)) from error
    except OSError as error:
        raise ConfigError(Problem(f"cannot be read: {error.strerror}", source=str(path))) from error
    except (ValueError, RecursionError, csv.Error) as error:  # not UTF-8, not JSON, not CSV
        raise ConfigError(Problem(f"cannot be read: {error}", source=str(path))) from error


def _in_csv(path: Path, column: str | None) -> Iterator[float]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        place = _place_of(column, [name.strip() for name in header])
        for row in rows:
            if any(cell.strip() for cell in row):
                cell = row[place] if place < len(row) else ""
                yield _duration(cell.strip(), f"line {rows.line_num}, {header[place].strip()}")


def _place_of(column: str | None, header: list[str]) -> int:
    if column is None and len(header) == 1:
        return 0
    if column is None:
        raise ConfigError(f"needs a 'column' (there are: {', '.join(header) or 'none'})")
    if column not in header:
        raise ConfigError(f"has no column {shown(column)}{nearest(str(column), header)}")
    return header.index(column)


def _in_json(path: Path, column: str | None) -> Iterator[float]:
    data = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(data, list):
        raise ConfigError(f"must be a list of durations, or of objects, got {shown(data)}")
    for index, value in enumerate(data):
        yield _duration(_of_object(value, column, index), f"[{index}]")


def _of_object(value: Any, column: str | None, index: int) -> Any:
    if not isinstance(value, dict):
        return value
    if column is None and len(value) == 1:
        return next(iter(value.values()))
    if column not in value:
        needs = "needs a 'column'" if column is None else f"has no {shown(column)}"
        raise ConfigError(Problem(f"{needs}{nearest(str(column), value)}", (f"[{index}]",)))
    return value[column]


def _duration(value: Any, place: str) -> float:
    """Return a cell as seconds, or say where it stands and what is wrong with it."""
    try:
        number = parse_seconds(value) if isinstance(value, str) else value
    except ConfigError as error:
        raise error.inside(place) from error
    if not _RULE.holds(number):
        raise ConfigError(Problem(f"{_RULE}, got {shown(value)}", (place,)))
    return float(number)

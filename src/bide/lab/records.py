"""Files of records, CSV or JSON; each knows where it stands, for the error if something in it is wrong."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from bide.durations import parse_seconds
from bide.errors import ConfigError, Problem, nearest, shown
from bide.rules import Number, seconds

STDIN = Path("-")
"""The path that stands for standard input."""

_DURATION = seconds(least=0)

# What begins so is meant as a number, if not always a good one; so the line is no header.
_NUMERIC = re.compile(r"[+-]?(\.?\d|(nan|inf|infinity)$)", re.IGNORECASE)


@frozen
class Record:
    """
    A line of a CSV file, or an item of a JSON list.

    Args:
        place: where it stands, such as ``line 3``.
        values: what it holds, by column; a value without a name has the name ''.
    """

    place: str
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        if column in self.values:
            return self.values[column]
        if "" in self.values:
            raise ConfigError(Problem(f"is below no header with a column {shown(column)}", (self.place,)))
        known = nearest(column, self.values)
        raise ConfigError(Problem(f"has no column {shown(column)}{known}", (self.place,)))

    def only_column(self) -> str:
        """
        Return the name of the one column.

        Raises:
            ConfigError: there are several.
        """
        if len(self.values) == 1:
            return next(iter(self.values))
        known = ", ".join(self.values) or "none"
        raise ConfigError(Problem(f"needs a 'column' (there are: {known})", (self.place,)))

    def number(self, column: str, rule: Number = _DURATION) -> float:
        """
        Return the number in a column; by default a duration, in seconds.

        Raises:
            ConfigError: there is no such column, or it holds what breaks the rule.
        """
        value = self[column]
        try:
            number = parse_seconds(value) if isinstance(value, str) else value
        except ConfigError as error:
            raise error.inside(self._place_of(column)) from error
        if not rule.holds(number):
            raise self.wrong(column, str(rule))
        return float(number)

    def wrong(self, column: str, rule: str) -> ConfigError:
        """Return the error that says what a value should be."""
        return ConfigError(Problem(f"{rule}, got {shown(self[column])}", (self._place_of(column),)))

    def _place_of(self, column: str) -> str:
        return f"{self.place}, {column}" if column else self.place


@contextmanager
def records_in(path: Path) -> Iterator[Iterator[Record]]:
    """
    Read a file, record by record.

    Args:
        path: a JSON list, by its ending or its first character, of objects or of values without a name; or
            else CSV, of which the first line is a header unless there is a number in it. ``-`` is standard
            input.

    Raises:
        ConfigError: the file cannot be read, or what is done with it meanwhile raises one; it names the file.
    """
    source = "standard input" if path == STDIN else str(path)
    try:
        text = _text_in(path)
        is_json = path.suffix.lower() == ".json" or text.lstrip()[:1] in ("[", "{")
        yield _in_json(text) if is_json else _in_csv(text)
    except ConfigError as error:
        raise error.inside(source=source) from error
    except OSError as error:
        raise ConfigError(Problem(f"cannot be read: {error.strerror}", source=source)) from error
    except (ValueError, RecursionError, csv.Error) as error:  # not UTF-8, not JSON, not CSV
        raise ConfigError(Problem(f"cannot be read: {error}", source=source)) from error


def _text_in(path: Path) -> str:
    data = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
    return data.decode("utf-8-sig")


def _in_csv(text: str) -> Iterator[Record]:
    rows = csv.reader(io.StringIO(text, newline=""))
    header: list[str] | None = None
    for row in rows:
        place = f"line {rows.line_num}"
        if not any(cell.strip() for cell in row):
            continue
        if header is not None:
            yield Record(place, _under(header, row, place))
        elif any(_NUMERIC.match(cell.strip()) for cell in row):
            header = _no_header(row, place)
            yield Record(place, _under(header, row, place))
        else:
            header = [name.strip() for name in row]


def _no_header(row: list[str], place: str) -> list[str]:
    if len(row) > 1:
        rule = (
            f"needs a header that names the {len(row)} columns; there is a number in {shown(','.join(row))}"
        )
        raise ConfigError(Problem(rule, (place,)))
    return [""]


def _under(header: list[str], row: list[str], place: str) -> dict[str, str]:
    """Return the cells of a row by their columns; those that are missing at its end are empty."""
    if any(row[len(header) :]):
        raise ConfigError(Problem(f"must have {len(header)} cells, got {shown(','.join(row))}", (place,)))
    return dict(zip(header, row + [""] * (len(header) - len(row)), strict=False))


def _in_json(text: str) -> Iterator[Record]:
    data = json.loads(text)
    if not isinstance(data, list):
        raise ConfigError(f"must be a list of durations, or of objects, got {shown(data)}")
    for index, value in enumerate(data):
        yield Record(f"[{index}]", value if isinstance(value, dict) else {"": value})

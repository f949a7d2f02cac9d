"""Measured durations, read from CSV and JSON files."""

from __future__ import annotations

from pathlib import Path

from bide.errors import ConfigError
from bide.files import check_readable
from bide.lab.records import STDIN, records_in

_LARGEST = 64 * 2**20  # bytes: some millions of durations


def read_durations(path: Path, column: str | None = None) -> tuple[float, ...]:
    """
    Return the durations in a file, in seconds.

    Args:
        path: CSV with a header or of durations alone, or a JSON list, as `records_in` takes it.
        column: the column, or the objects' key; needed unless there is one only.

    Raises:
        ConfigError: the file cannot be read or is larger than 64 MiB, has no such column, holds nothing, or
            something that is no duration; the error names file, line and column.
    """
    if path == STDIN:  # of which whoever is told of a file knows nothing, and would wait for its end
        raise ConfigError("must be read from a file, got '-'")
    check_readable(path, _LARGEST)
    with records_in(path) as records:
        durations = tuple(
            record.number(record.only_column() if column is None else column) for record in records
        )
        if not durations:
            raise ConfigError("holds no durations")
        return durations

"""Tables of figures, as the template takes them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bide.lab.columns import Column
from bide.lab.figures import is_number
from bide.lab.report.symbols import Symbol


def table(
    names: Sequence[str],
    columns: Mapping[str, Column],
    symbols: Mapping[str, Symbol],
    *,
    pale: Collection[str] = (),
    bars: str | None = None,
) -> dict[str, Any]:
    """
    Return a table with a row for each name; those without a symbol stand above the others, and stay there.

    Args:
        names: of the rows, in order.
        columns: by name, with a cell for each row.
        symbols: of those that have one, by name.
        pale: the names whose rows stand back.
        bars: the column whose figures are drawn behind them as well, as a bar.
    """
    rows = [
        {
            "name": name,
            "symbol": symbols.get(name),
            "pale": name in pale,
            "cells": [_cell(column, index, bar=key == bars) for key, column in columns.items()],
        }
        for index, name in enumerate(names)
    ]
    return {"columns": list(columns.values()), "sorted_by": bars, "rows": rows}


def bar_share(value: float | None, greatest: float) -> int:
    """Return how far a multiple goes from 1 to the greatest, by its logarithm, in percent."""
    if not is_number(value) or value <= 1 or greatest <= 1:
        return 0
    return round(100 * math.log(value) / math.log(greatest))


def _cell(column: Column, index: int, *, bar: bool) -> dict[str, Any]:
    value = column.values[index]
    greatest = max(filter(is_number, column.values), default=1.0)
    return {
        "text": column.cells[index],
        "error": column.errors[index] if any(column.errors) else None,
        "value": "" if value is None else value,
        "wide": not column.figure.essential,
        "share": bar_share(value, greatest) if bar else 0,
    }

"""JSON for scripts, as the standard has it."""

from __future__ import annotations

import json
import math
from typing import Any

import click


def print_json(data: Any) -> None:
    """Print data as one line of JSON; a number that JSON cannot hold, such as NaN, is null."""
    click.echo(json.dumps(_finite(data), allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

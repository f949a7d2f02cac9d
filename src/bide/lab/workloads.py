"""
Workloads: named distributions of job durations, from TOML files and from lines of text.

A file has a ``name`` and a table ``durations``, with a ``kind`` and its fields. Measured durations come from
a CSV or JSON file, named beside the kind ``samples``, relative to the file that names it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import attrs
from attrs import frozen

from bide.config import read_toml
from bide.convert import structure
from bide.errors import ConfigError, nearest, shown
from bide.inline import parse_inline
from bide.lab.measured import read_durations
from bide.lab.mixed import Durations

_KINDS: dict[str, type[Any]] = {kind.kind: kind for kind in get_args(Durations)}

_MEASURED = re.compile(r"\.(csv|json|txt)$", re.IGNORECASE)


@frozen
class Workload:
    """
    How long the jobs take that strategies are compared on.

    Args:
        name: what people call it.
        durations: the distribution of their durations.
    """

    name: str
    durations: Durations


def find_workload(text: str) -> Workload:
    """
    Return the workload that a person means by a text.

    Args:
        text: a TOML file, by its ending; or durations in one line, with fields by place or by name, such as
            ``uniform(5s, 15s)``, ``lognormal(median=60s, sigma=0.5)`` or ``samples(times.csv, seconds)``.

    Raises:
        ConfigError: there is no such thing, or something in it is wrong.
    """
    if text.endswith(".toml") or (os.sep in text and not _MEASURED.search(text) and "(" not in text):
        return load_workload(text)
    try:
        table = _with_values(_in_one_line(text), Path())
        return structure({"name": text, "durations": table}, Workload)
    except ConfigError as error:
        raise error.inside(source=shown(text)) from error


def load_workload(path: str | Path) -> Workload:
    """
    Read a workload from a TOML file; without a ``name`` it has that of the file.

    Raises:
        ConfigError: the file is missing, unreadable or broken, or something in it is wrong.
    """
    table = {"name": Path(path).stem, **read_toml(path)}
    try:
        if "durations" in table:
            table["durations"] = _with_values(table["durations"], Path(path).parent)
        return structure(table, Workload)
    except ConfigError as error:
        raise error.inside(source=str(path)) from error


def durations_from(value: Any, folder: Path) -> Durations:
    """
    Return the durations that a value in a TOML file means.

    Args:
        value: a table with a ``kind`` and its fields; or a text, as `find_workload` takes it.
        folder: where the file lies; other files are named relative to it.

    Raises:
        ConfigError: something in the value, or in a file that it names, is wrong.
    """
    if isinstance(value, str) and value.endswith(".toml"):
        return load_workload(folder / value).durations
    table = _in_one_line(value) if isinstance(value, str) else value
    durations: Durations = structure(_with_values(table, folder), Durations)  # type: ignore[arg-type]
    return durations


def _in_one_line(text: str) -> dict[str, Any]:
    if _MEASURED.search(text):
        raise ConfigError(f"is no TOML file; measured durations are written samples({text})")
    return parse_inline(text, _field_names)


def _with_values(table: Any, folder: Path) -> Any:
    """Put the values of the file that samples name in its place, also within a mixture."""
    if not isinstance(table, Mapping):
        return table
    if isinstance(table.get("parts"), list):
        table = {**table, "parts": [_with_values(part, folder) for part in table["parts"]]}
    if table.get("kind") != "samples" or "file" not in table:
        return table
    rest = {name: value for name, value in table.items() if name not in {"file", "column"}}
    return {**rest, "values": read_durations(folder / str(table["file"]), table.get("column"))}


def _field_names(kind: str) -> list[str]:
    """Return the fields of a kind, in the order in which a line of text may give them."""
    if kind == "samples":
        return ["file", "column"]
    if kind not in _KINDS:
        raise ConfigError(f"unknown kind {shown(kind)}{nearest(kind, _KINDS)}")
    return [field.name for field in attrs.fields(_KINDS[kind]) if field.init]

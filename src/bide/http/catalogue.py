"""Where mappings come from: the catalogue that comes with bide, TOML files, tables and options."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from bide.config import read_toml
from bide.convert import is_list, structure
from bide.errors import ConfigError, nearest, shown
from bide.http.answers import Answer
from bide.http.mapping import JobMapping
from bide.inline import parse_scalar

_PLACES = ("result_url", "next_url")
_FOLDER = Path(__file__).parent / "mappings"
_LEAST_FIELDS = 2
"""As many fields of a mapping are in an answer that it fits: many an API has one named status."""


def mappings() -> dict[str, Path]:
    """Return the files of the catalogue by name, in alphabetical order."""
    return dict(_files())


def find_mapping(text: str | Path) -> JobMapping:
    """
    Return the mapping that a person means.

    Args:
        text: a TOML file, by its ending or a slash in it, or a name in the catalogue, which takes
            ``github_run`` for ``github-run``.

    Raises:
        ConfigError: there is no such thing, or something in it is wrong.
    """
    name = str(text)
    if name.endswith(".toml") or os.sep in name:
        return _load(Path(name))
    file = _files().get(name.replace("_", "-"))
    if file is None:
        raise ConfigError(f"{shown(name)} is no TOML file and no mapping{nearest(name, _files())}")
    return _shipped(file)


def mapping_from_config(table: Mapping[str, Any], base: JobMapping | None = None) -> JobMapping:
    """
    Build a mapping from its table.

    Args:
        table: fields by name.
        base: has the fields that the table leaves out.

    Raises:
        ConfigError: with all that is wrong in the table.
    """
    return structure(table if base is None else {**attrs.asdict(base), **table}, JobMapping)


def mapping_from_options(
    options: Mapping[str, str | Sequence[str] | None], base: JobMapping | None = None
) -> JobMapping:
    """
    Build a mapping from texts, as a command line has them.

    Args:
        options: fields by name; values and codes are several texts, or one with commas between them, and None
            is left out.
        base: has the fields that the options leave out.

    Raises:
        ConfigError: with all that is wrong in the options.
    """
    given = {name: value for name, value in options.items() if value is not None}
    return mapping_from_config({name: _option(name, value) for name, value in given.items()}, base)


def fitting(answer: Answer) -> tuple[str, ...]:
    """Return the names of the mappings of the catalogue that an answer fits, the closest first."""
    found = {name: _shipped(file).fields_in(answer) for name, file in _files().items()}
    return tuple(
        sorted((name for name in found if found[name] >= _LEAST_FIELDS), key=lambda name: -found[name])
    )


def _option(name: str, given: str | Sequence[str]) -> Any:
    if not isinstance(given, str):
        return list(given)
    kinds = {one.name: one.type for one in attrs.fields(attrs.resolve_types(JobMapping))}
    if is_list(kinds.get(name)):
        texts = [given] if name in _PLACES else given.split(",")  # an expression may have commas in it
        return [part.strip() for part in texts if part.strip()]
    return parse_scalar(given) if name == "progress_done" else given


@cache
def _files() -> dict[str, Path]:
    return {file.stem: file for file in sorted(_FOLDER.glob("*.toml"), key=lambda file: file.stem)}


@cache
def _shipped(file: Path) -> JobMapping:
    return _load(file)


def _load(file: Path) -> JobMapping:
    table = read_toml(file)
    try:
        return mapping_from_config(table)
    except ConfigError as error:
        raise error.inside(source=str(file)) from error

"""The mappings that come with bide, one TOML file each, and what a mapping may be called."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from bide.config import read_toml
from bide.errors import ConfigError, RequestError, nearest, shown
from bide.http.mapping import JobMapping, mapping_from_config

_FOLDER = Path(__file__).parent / "mappings"


def mappings() -> dict[str, Path]:
    """Return the files of the catalogue by name, in alphabetical order."""
    return {file.stem: file for file in sorted(_FOLDER.glob("*.toml"), key=lambda file: file.stem)}


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
    file = mappings().get(name.replace("_", "-"))
    if file is None:
        raise ConfigError(f"{shown(name)} is no TOML file and no mapping{nearest(name, mappings())}")
    return _shipped(file)


def fitting(document: Any) -> tuple[str, ...]:
    """Return the names of the mappings that find in a document a status that they know, the closest first."""
    found = {name: _closeness(_shipped(file), document) for name, file in mappings().items()}
    return tuple(sorted((name for name in found if found[name]), key=lambda name: -found[name]))


def _closeness(mapping: JobMapping, document: Any) -> int:
    """Return how many of its fields a mapping finds in a document; 0 without a status that it knows."""
    try:
        return mapping.fields_in(document) if mapping.status_in(document) is not None else 0
    except RequestError:  # one of its expressions cannot be evaluated over this document
        return 0


@cache
def _shipped(file: Path) -> JobMapping:
    return _load(file)


def _load(file: Path) -> JobMapping:
    table = read_toml(file)
    try:
        return mapping_from_config(table)
    except ConfigError as error:
        raise error.inside(source=str(file)) from error

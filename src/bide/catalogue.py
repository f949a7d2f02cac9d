"""The catalogue: named policies, one TOML file each, that come with bide; and what a policy may be called."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bide import registry
from bide.config import policy_in, read_toml
from bide.errors import ConfigError, nearest, shown
from bide.inline import parse_inline
from bide.policy import Policy


def catalogue() -> dict[str, Path]:
    """Return the files of the catalogue by name, in alphabetical order."""
    return {file.stem: file for file in sorted(_folder().glob("*.toml"), key=lambda file: file.stem)}


def find_policy(text: str) -> Policy:
    """
    Return the policy that a person means by a text; see `policy_table` for what it may be.

    Raises:
        ConfigError: there is no such thing, or something in it is wrong.
    """
    return policy_in(*policy_table(text))


def policy_table(text: str) -> tuple[str, dict[str, Any]]:
    """
    Return where a policy comes from, and its tables as they stand there, unchecked.

    Args:
        text: a TOML file, by its ending or a slash in it; a name in the catalogue, which takes
            ``decorrelated_jitter`` for ``decorrelated-jitter``; a kind, with its defaults; or a strategy in
            one line, such as ``exponential(base=100ms, jitter=full)``.

    Raises:
        ConfigError: there is no such thing, or it cannot be read.
    """
    if text.endswith(".toml") or (os.sep in text and "(" not in text):
        return text, read_toml(text)
    if "(" in text:
        return text, {"strategy": _parsed(text)}
    file = catalogue().get(text.replace("_", "-"))
    if file is not None:
        return str(file), read_toml(file)
    if text in registry.kinds():
        return text, {"strategy": text}
    known = nearest(text, {*catalogue(), *registry.kinds()})
    raise ConfigError(f"{shown(text)} is no TOML file, no name in the catalogue and no kind{known}")


def _parsed(text: str) -> dict[str, Any]:
    try:
        return parse_inline(text)
    except ConfigError as error:
        raise error.inside(source=shown(text)) from error


def _folder() -> Path:
    spec = find_spec("bide_strategies")
    if spec is None or spec.origin is None:
        raise ConfigError("the package bide_strategies, which comes with bide, is not installed")
    package = Path(spec.origin).parent
    installed = package / "catalogue"
    return (
        installed if installed.is_dir() else package.parent
    )  # a source tree has the files beside the package

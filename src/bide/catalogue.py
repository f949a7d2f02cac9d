"""The catalogue: named policies, one TOML file each, that come with bide."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bide import registry
from bide.config import Policy, from_config, load_policy
from bide.errors import ConfigError, nearest, shown


def catalogue() -> dict[str, Path]:
    """Return the files of the catalogue by name, in alphabetical order."""
    return {file.stem: file for file in sorted(_folder().glob("*.toml"))}


def find_policy(text: str) -> Policy:
    """
    Return the policy that a person means: a TOML file, a name in the catalogue, or a kind with its defaults.

    The catalogue takes ``decorrelated_jitter`` for ``decorrelated-jitter``.

    Raises:
        ConfigError: there is no such thing, or something in it is wrong.
    """
    if text.endswith(".toml") or Path(text).is_file():
        return load_policy(text)
    files = catalogue()
    file = files.get(text.replace("_", "-"))
    if file is not None:
        return load_policy(file)
    if text not in registry.kinds():
        known = nearest(text, {*files, *registry.kinds()})
        raise ConfigError(f"{shown(text)} is no TOML file, no name in the catalogue and no kind{known}")
    return Policy(strategy=from_config(text))


def _folder() -> Path:
    spec = find_spec("bide_strategies")
    if spec is None or spec.origin is None:
        raise ConfigError("the package bide_strategies, which comes with bide, is not installed")
    package = Path(spec.origin).parent
    installed = package / "catalogue"
    return (
        installed if installed.is_dir() else package.parent
    )  # a source tree has the files beside the package

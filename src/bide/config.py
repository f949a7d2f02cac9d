"""
Strategies and limits as data, both ways.

A policy is a table ``strategy``, with a ``kind`` and its fields; and, where they are not the defaults, tables
``limits``, ``hints`` and ``error_strategy``, and ``initial_delay``. Durations are
numbers of seconds or text with a unit; ``"none"`` lifts an optional limit. Everything that is wrong is
reported at once, each problem with its place, its value and the rule. Config imports no code but what the
registry knows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bide.convert import structure, to_data
from bide.errors import ConfigError, Problem
from bide.files import beside, check_readable
from bide.policy import Policy
from bide.strategy import Strategy

DEFAULT_STRATEGY = {
    "kind": "exponential",
    "base": 0.1,
    "factor": 2.0,
    "cap": 10.0,
    "jitter": {"kind": "additive", "share": 0.5},
}
"""What a client waits with unless told otherwise; with the default `Limits`, ``strategies/seed.toml``."""

_LARGEST = 2**20  # bytes of a TOML file: what is larger is none that a person wrote


def load_policy(path: str | Path) -> Policy:
    """
    Read a policy from a TOML file.

    Raises:
        ConfigError: the file is missing, unreadable or broken, or something in it is wrong.
    """
    return policy_in(path, read_toml(path))


def policy_in(source: str | Path, table: Mapping[str, Any]) -> Policy:
    """
    Build a policy from its tables, and from where they stand.

    Args:
        source: a file, beside which the files are that the tables name; or a text.
        table: what stands there.

    Raises:
        ConfigError: as `policy_from_config`, with the source.
    """
    try:
        with beside(source):
            return policy_from_config(table)
    except ConfigError as error:
        raise error.inside(source=str(source)) from error


def read_toml(path: str | Path) -> dict[str, Any]:
    """
    Return the tables of a TOML file.

    Raises:
        ConfigError: the file is missing, unreadable, broken, or larger than 1 MiB.
    """
    check_readable(path, _LARGEST)
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 text: {error}"
    except (ValueError, RecursionError) as error:  # a syntax error, an endless number, brackets without end
        problem = f"is not TOML: {error}"
    raise ConfigError(Problem(problem, source=str(path)))


def policy_from_config(table: Mapping[str, Any]) -> Policy:
    """
    Build a policy from its tables.

    Raises:
        ConfigError: a table is missing or unknown, or something in one is wrong.
    """
    return structure(table, Policy)


def from_config(config: Mapping[str, Any] | str) -> Strategy:
    """
    Build a strategy from its table, or from the name of a kind alone.

    Raises:
        ConfigError: the kind or a field is unknown, or a value breaks its rule.
    """
    strategy: Strategy = structure(config, Strategy)  # type: ignore[type-abstract]
    return strategy


def to_config(strategy: Strategy) -> dict[str, Any]:
    """
    Return the table from which `from_config` builds an equal strategy: numbers, text and tables only.

    Raises:
        ConfigError: the strategy's class is not registered.
    """
    table: dict[str, Any] = to_data(strategy)
    return table


def default_strategy() -> Strategy:
    """Return the strategy that a client waits with unless told otherwise."""
    return from_config(DEFAULT_STRATEGY)

"""
Which policy holds: the caller's word before the environment, that before a file, that before the default.

The strategy and each limit are looked up by themselves: whoever says nothing about one leaves it to the next.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs
from attrs import field, frozen

from bide.catalogue import policy_table
from bide.config import DEFAULT_STRATEGY, read_toml
from bide.convert import structure
from bide.durations import Seconds
from bide.errors import ConfigError, Problem
from bide.files import beside
from bide.inline import parse_scalar
from bide.policy import Hints, Limits, Policy
from bide.strategy import Strategy

FILE = "bide.toml"
"""The file that is read from the current folder, if it is there and no other is named."""

LIMITS = tuple(field.name for field in attrs.fields(Limits))
VARIABLES = {f"BIDE_{name.upper()}": name for name in ("strategy", "config", *LIMITS)}
"""The environment variables, and what each sets."""


@frozen
class Setting:
    """One setting, its value, and who says so."""

    name: str
    value: Any
    source: str


@frozen
class Resolved:
    """
    The policy that holds.

    Args:
        policy: the strategy and the limits.
        settings: where each of them comes from.
    """

    policy: Policy
    settings: tuple[Setting, ...]


@frozen(kw_only=True)
class _Part:
    """
    Part of a policy, checked: what one of several sources says.

    Args:
        strategy: None where the source says nothing of it; and so on: what is not said is the default.
    """

    strategy: Strategy | None = None
    limits: Limits = field(factory=Limits)
    hints: Hints = field(factory=Hints)
    error_strategy: Strategy | None = None
    initial_delay: Seconds | None = None


_OTHERS = ("hints", "error_strategy", "initial_delay")


@frozen
class _Source:
    """What one source says: tables, as a policy has them, with nothing that it does not say."""

    name: str
    table: Mapping[str, Any]
    is_option: bool = False
    file: str = ""


_Find = Callable[[], _Source]


def resolve_policy(
    strategy: str | None = None,
    limits: Mapping[str, str] | None = None,
    *,
    config: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    named: str = "--strategy",
) -> Resolved:
    """
    Return the policy that holds, and where each part of it comes from.

    Args:
        strategy: what the caller says of the strategy, as text; see `bide.catalogue.policy_table`.
        limits: what the caller says of limits, as text by name; ``"none"`` lifts one.
        config: the TOML file to read; by default `BIDE_CONFIG`, or ``bide.toml`` if it is there.
        environ: the environment; by default that of the process.
        named: what the caller knows `strategy` by, for messages and as its source.

    Raises:
        ConfigError: with all that is wrong in any of the sources, also in what is not used in the end.
    """
    environ = os.environ if environ is None else environ
    problems = _misspelt(environ)
    checked: list[tuple[_Source, _Part]] = []
    chosen = None if strategy is None else partial(_named_policy, named, strategy)
    for find in _sources(chosen, limits or {}, config, environ):
        try:
            source = find()
            checked.append((source, _check(source)))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return _merged(checked)


def limits_of_options(limits: Mapping[str, str]) -> dict[str, Any]:
    """
    Return the limits that a caller gives as text, by name; each is checked under the name of its option.

    Raises:
        ConfigError: a limit is out of range, or no number.
    """
    sources = {name: _limit(f"--{name.replace('_', '-')}", name, text) for name, text in limits.items()}
    return {name: getattr(_check(source).limits, name) for name, source in sources.items()}


def _sources(
    chosen: _Find | None, limits: Mapping[str, str], config: str | Path | None, environ: Mapping[str, str]
) -> Iterator[_Find]:
    """Yield functions that find what each source says, the strongest first; each may raise for itself."""
    for name, text in limits.items():
        yield partial(_limit, f"--{name.replace('_', '-')}", name, text)
    if chosen is not None:
        yield chosen
    for variable, name in VARIABLES.items():
        if name in LIMITS and variable in environ:
            yield partial(_limit, variable, name, environ[variable])
    if "BIDE_STRATEGY" in environ:
        yield partial(_named_policy, "BIDE_STRATEGY", environ["BIDE_STRATEGY"])
    file = environ.get("BIDE_CONFIG") if config is None else config
    if file is not None or Path(FILE).is_file():
        yield partial(_file, file or FILE)
    yield lambda: _Source("default", {"strategy": DEFAULT_STRATEGY, "limits": attrs.asdict(Limits())})


def _misspelt(environ: Mapping[str, str]) -> list[Problem]:
    """Name the variables that look like one of ours; others that begin alike may be anybody's."""
    close = {
        name: difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.85)
        for name in environ
        if name.startswith("BIDE_") and name not in VARIABLES
    }
    return [
        Problem(f"unknown variable; did you mean {known[0]}?", source=name)
        for name, known in close.items()
        if known
    ]


def _limit(source: str, name: str, text: str) -> _Source:
    return _Source(source, {"limits": {name: parse_scalar(text)}}, is_option=True)


def _named_policy(source: str, text: str) -> _Source:
    try:
        found, table = policy_table(text)
    except ConfigError as error:
        raise ConfigError(attrs.evolve(p, source=p.source or source) for p in error.problems) from error
    return _Source(f"{source} {found}", table, file=found)


def _file(path: str | Path) -> _Source:
    return _Source(str(path), read_toml(path), file=str(path))


def _check(source: _Source) -> _Part:
    try:
        with beside(source.file):
            return structure(source.table, _Part)
    except ConfigError as error:
        if not source.is_option:
            raise error.inside(source=source.name) from error
        # An option, or a variable, is its own place.
        raise ConfigError(Problem(p.rule, source=source.name) for p in error.problems) from error


def _merged(checked: list[tuple[_Source, _Part]]) -> Resolved:
    """Take each setting from the first source that says something about it."""
    named = ((part.strategy, source.name) for source, part in checked if part.strategy is not None)
    strategy, name = next(named)
    settings = [Setting("strategy", strategy, name)]
    for limit in LIMITS:
        source, part = next(pair for pair in checked if limit in pair[0].table.get("limits", {}))
        settings.append(Setting(limit, getattr(part.limits, limit), source.name))
    limits = Limits(**{setting.name: setting.value for setting in settings[1:]})
    others = [
        Setting(other, getattr(part, other), source.name)
        for other in _OTHERS
        for source, part in [next(((s, p) for s, p in checked if other in s.table), (None, None))]
        if source is not None
    ]
    policy = Policy(strategy, limits, **{setting.name: setting.value for setting in others})
    return Resolved(policy, (*settings, *others))

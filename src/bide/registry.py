"""Names of strategies: who owns which, and how config finds the class behind a name."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, TypeVar

import attrs
from attrs import frozen

from bide.errors import ConfigError, nearest, shown

GROUP = "bide.strategies"
"""The entry-point group in which a distribution names its strategy classes."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")

C = TypeVar("C", bound=type[Any])


@frozen
class Kind:
    """
    One name that config knows.

    Args:
        name: what config writes as ``kind``.
        target: where the class is, as ``module:Class``.
        owner: the distribution, or the module that registered it.
        load: imports the class.
    """

    name: str
    target: str
    owner: str
    load: Callable[[], type[Any]]

    def __str__(self) -> str:
        return f"{self.target} of {self.owner}"


_registered: dict[str, Kind] = {}


def register(name: str) -> Callable[[C], C]:
    """
    Make a strategy class known to config under a name; a class decorator.

    Raises:
        ConfigError: the name is none, or is taken by another class; both owners are named.
    """
    _require_name(name)

    def add(cls: C) -> C:
        _require_strategy(name, cls)
        target = _target(cls)
        kind = Kind(name, target, f"module {cls.__module__}", lambda: cls)
        for other in _kinds_named(name):
            if other.target != target:
                raise ConfigError(f"the kind {name!r} is taken twice: by {other}, and by {kind}")
        _registered[name] = kind
        return cls

    return add


def import_kinds(module: str) -> None:
    """
    Import a module, so that the strategies which it registers are known.

    Raises:
        ConfigError: it cannot be imported, or no known strategy is in it or below it.
    """
    import_module(module)
    targets = [kind.target for owners in kinds().values() for kind in owners]
    if not any(target.startswith((f"{module}:", f"{module}.")) for target in targets):
        raise ConfigError(f"the module {module!r} registers no strategy: decorate one with bide.register(…)")


def import_module(name: str) -> ModuleType:
    """
    Import a module, which may also lie in the current folder.

    Raises:
        ConfigError: it cannot be imported.
    """
    if "" not in sys.path:
        sys.path.append("")  # last, so that a file in the folder stands in for nothing that is installed
    try:
        return importlib.import_module(name)
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"the module {name!r} cannot be imported: {error!r}") from error


def kinds() -> dict[str, list[Kind]]:
    """Return all known names with their owners; more than one owner of a name is a conflict."""
    names = sorted({kind.name for kind in _installed()} | _registered.keys())
    return {name: _kinds_named(name) for name in names}


def strategy_class(name: str) -> type[Any]:
    """
    Return the class that config calls by this name.

    Raises:
        ConfigError: nobody owns the name, two distributions do, or its owner cannot be imported.
    """
    owners = _kinds_named(name)
    if not owners:
        raise ConfigError(f"unknown kind {shown(name)}{nearest(name, kinds())}")
    if len(owners) > 1:
        raise ConfigError(f"the kind {name!r} is taken twice: by {' and by '.join(map(str, owners))}")
    try:
        cls = owners[0].load()
    except (Exception, SystemExit) as error:
        raise ConfigError(f"the kind {name!r}, {owners[0]}, cannot be imported: {error!r}") from error
    _require_strategy(name, cls)
    return cls


def kind_of(cls: type[Any]) -> str:
    """
    Return the name under which config knows a class.

    Raises:
        ConfigError: the class is not registered.
    """
    target = _target(cls)
    for name, owners in kinds().items():
        if any(kind.target == target for kind in owners):
            return name
    for name in kinds():  # a class that its package exports from elsewhere than where it is defined
        if _loaded(name) is cls:
            return name
    raise ConfigError(f"{target} has no name in config: use bide.register, or an entry point in {GROUP!r}")


def _loaded(name: str) -> type[Any] | None:
    try:
        return strategy_class(name)
    except ConfigError:
        return None


def _require_name(name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        rule = "letters, digits, '_' and '-', a letter first"
        raise ConfigError(
            f"register takes the name of a kind ({rule}), as in register('mine'), got {shown(name)}"
        )


def _require_strategy(name: str, cls: object) -> None:
    """Config needs to know fields, and equality: that is an attrs class. A strategy has a delay."""
    if not (isinstance(cls, type) and attrs.has(cls) and callable(getattr(cls, "delay", None))):
        raise ConfigError(f"the kind {name!r} must be a class of attrs with a method 'delay', got {cls!r}")


def _kinds_named(name: str) -> list[Kind]:
    found = {kind.target: kind for kind in _installed() if kind.name == name}
    if name in _registered:
        found.setdefault(_registered[name].target, _registered[name])
    return list(found.values())


@cache
def _installed() -> tuple[Kind, ...]:
    return tuple(_kind(point) for point in entry_points(group=GROUP))


def _kind(point: EntryPoint) -> Kind:
    owner = f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unknown distribution"
    return Kind(point.name, point.value, owner, point.load)


def _target(cls: type[Any]) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"

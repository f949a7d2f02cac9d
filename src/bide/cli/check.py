"""``bide check``: does a strategy keep the laws?"""

from __future__ import annotations

from typing import Any

import click

from bide.catalogue import find_policy
from bide.errors import ConfigError
from bide.registry import import_module
from bide.strategy import Strategy


@click.command()
@click.argument("targets", nargs=-1, required=True)
def check(targets: tuple[str, ...]) -> None:
    """
    Try to break the laws of strategies; exit with 1 if one breaks.

    TARGETS are TOML files, names in the catalogue, kinds, strategies in one line, or package.module:Class of
    a class that needs no arguments, or of a strategy.
    """
    from bide.testing.laws import LAWS, LawBroken, check_strategy

    broken = 0
    for target in targets:
        try:
            check_strategy(_strategy_of(target))
        except LawBroken as error:
            broken += 1
            click.echo(f"{target}: {error}")
        else:
            click.echo(f"{target}: keeps the laws: {', '.join(LAWS)}")
    raise click.exceptions.Exit(1 if broken else 0)


def _strategy_of(target: str) -> Strategy:
    if ":" in target and "(" not in target and not target.endswith(".toml"):
        return _imported(target)
    return find_policy(target).strategy


def _imported(target: str) -> Strategy:
    module, _, path = target.partition(":")
    found: Any = import_module(module)
    try:
        for name in path.split("."):
            found = getattr(found, name)
        strategy = found() if isinstance(found, type) else found
    except Exception as error:
        hint = "; a class must need no arguments, so name a strategy, or write kind(field=value, …)"
        raise ConfigError(f"{target}: cannot be built: {error!r}{hint}") from error
    if not isinstance(strategy, Strategy):
        raise ConfigError(f"{target}: is no strategy: it has no method 'delay'")
    return strategy

"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from bide.durations import parse_range, parse_seconds
from bide.errors import ConfigError
from bide.resolve import LIMITS


class _Parsed(click.ParamType[Any]):
    """A value that a function of ours parses; what the function refuses is wrong usage."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._parse(value) if isinstance(value, str) else value
        except ConfigError as error:
            self.fail(str(error), param, ctx)


F = TypeVar("F", bound=Callable[..., Any])


def limit_options(command: F) -> F:
    """Give a command an option for each limit; it takes ``limits``, a dict of those that were given."""

    @click.option(
        "--timeout", metavar="DURATION", help="Give up after so long, such as 90s or 2m; none: never."
    )
    @click.option("--max-attempts", metavar="NUMBER", help="Give up after so many calls; none: never.")
    @click.option(
        "--max-failures", metavar="NUMBER", help="Give up after so many failed calls in a row; none: never."
    )
    @click.option(
        "--failure-timeout",
        metavar="DURATION",
        help="Give up once calls have failed for so long; none: never.",
    )
    @functools.wraps(command)
    def with_limits(*args: Any, **options: Any) -> Any:
        given = {name: options.pop(name) for name in LIMITS}
        return command(
            *args, limits={name: text for name, text in given.items() if text is not None}, **options
        )

    return cast("F", with_limits)


def policy_options(command: F) -> F:
    """
    Give a command the options from which `bide.resolve.resolve_policy` finds the policy.

    The command takes ``strategy``, ``config`` and ``limits``, the last a dict of those that were given.
    """
    config = click.option(
        "--config",
        metavar="FILE",
        help="A TOML file to read the policy from; by default bide.toml, if it is there.",
    )
    strategy = click.option(
        "--strategy",
        metavar="STRATEGY",
        help="A TOML file, a name in the catalogue, a kind, or kind(field=value, …).",
    )
    return strategy(limit_options(config(command)))


class _Output(click.ParamType[Path]):
    """A file to be written, which is tried before anything is computed for it."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        file = Path(value)
        is_new = not file.exists()
        try:
            file.open("ab").close()
        except OSError as error:
            self.fail(f"{click.format_filename(file)} cannot be written: {error.strerror}", param, ctx)
        if is_new:
            file.unlink()
        return file


OUTPUT = _Output()
DURATION = _Parsed("duration", parse_seconds)
DURATIONS = _Parsed("shortest..longest", parse_range)

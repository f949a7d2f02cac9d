"""Commands that tell what is wrong by the name of the option, and whose help has headings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from bide.errors import ConfigError, Problem


class Command(click.Command):
    """
    A command whose options may be fields of a value that has rules of its own.

    Args:
        sections: headings in the help, each with the names of its parameters; what is in none stands last,
            as ``Options``.
    """

    def __init__(
        self, *args: Any, sections: Mapping[str, Iterable[str]] | None = None, **settings: Any
    ) -> None:
        """Take what every command does, and the sections."""
        super().__init__(*args, **settings)
        self._heading_of = {name: heading for heading, names in (sections or {}).items() for name in names}

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a problem with a field is told as one with the option that holds it."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise ConfigError(map(self._at_option, error.problems)) from error

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options below their headings, each section in the order of its options."""
        rows: dict[str, list[tuple[str, str]]] = {heading: [] for heading in self._heading_of.values()}
        for param in self.get_params(ctx):
            row = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if row is not None:
                rows.setdefault(self._heading_of.get(param.name or "", "Options"), []).append(row)
        for heading, records in rows.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def _at_option(self, problem: Problem) -> Problem:
        name = problem.path[0] if problem.path and problem.source is None else None
        named = (param.opts[-1] for param in self.params if param.name == name)
        option = next(named, None)
        return problem if option is None else Problem(problem.rule, problem.path[1:], option)

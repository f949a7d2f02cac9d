"""Commands with so many options that their help needs headings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click


class Sectioned(click.Command):
    """
    A command whose help lists its options under headings.

    Args:
        sections: names of parameters by heading; what is in none stands last, as ``Options``.
    """

    def __init__(self, *args: Any, sections: Mapping[str, Iterable[str]], **settings: Any) -> None:
        """Take what every command does, and the sections."""
        super().__init__(*args, **settings)
        self._heading_of = {name: heading for heading, names in sections.items() for name in names}

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

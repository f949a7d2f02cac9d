"""Options that several commands share, and the types of their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from bide.durations import parse_range, parse_seconds
from bide.errors import ConfigError


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


DURATION = _Parsed("duration", parse_seconds)
DURATIONS = _Parsed("shortest..longest", parse_range)

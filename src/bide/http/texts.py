"""A rule for the fields of a mapping that hold text, or several texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import Attribute, frozen

from bide.errors import ConfigError, Problem, shown


@frozen
class EachText:
    """
    The field holds text or none, or several texts, and each passes a check.

    Args:
        check: raises a ConfigError.
        least: how many there must be of several.
    """

    check: Callable[[str], None]
    least: int = 0

    def __call__(self, instance: object, attribute: Attribute[Any], value: Any) -> None:
        """Raise a ConfigError that names the attribute, unless the value keeps the rule."""
        if isinstance(value, tuple) and len(value) < self.least:
            raise ConfigError(Problem(f"must name at least {self.least}", (attribute.name,)))
        for text in value if isinstance(value, tuple) else () if value is None else (value,):
            try:
                self._check(text)
            except ConfigError as error:
                raise error.inside(attribute.name) from error

    def _check(self, text: object) -> None:
        if not isinstance(text, str):
            raise ConfigError(f"must be text, got {shown(text)}")
        self.check(text)

"""Rules for fields: attrs validators that name the field, the value and what is allowed."""

from __future__ import annotations

import sys
from typing import Any

from attrs import Attribute, field, frozen

from bide.durations import MAX_SECONDS
from bide.errors import ConfigError, Problem, shown


def such_as(example: str) -> dict[str, str]:
    """Return the metadata of a required field, with what is shown to somebody who leaves it out."""
    return {"example": f", such as {example}"}


@frozen(kw_only=True)
class Number:
    """
    The field holds a finite number within bounds.

    Args:
        above: the number is greater than this.
        least: the number is at least this.
        most: the number is at most this.
        whole: the number is an int.
        unit: named in the message.
        optional: None is allowed too.
    """

    above: float | None = None
    least: float | None = None
    most: float | None = None
    whole: bool = False
    unit: str = ""
    optional: bool = False

    def __call__(self, instance: object, attribute: Attribute[Any], value: object) -> None:
        """Raise a ConfigError that names the attribute, unless the value keeps the rule."""
        if not self.holds(value):
            raise ConfigError(Problem(f"{self}, got {shown(value)}", (attribute.name,)))

    def holds(self, value: object) -> bool:
        """Say whether the value keeps the rule."""
        if value is None:
            return self.optional
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            return False
        return (
            (self.whole or abs(value) <= sys.float_info.max)  # NaN is not, nor an int beyond all floats
            and (self.above is None or value > self.above)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
        )

    def __str__(self) -> str:
        bounds = ((">", self.above), (">=", self.least), ("<=", self.most))
        limits = " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
        kind = "a whole number" if self.whole else "a finite number"
        words = ("must be", kind, limits, self.unit, "or none" if self.optional else "")
        return " ".join(word for word in words if word)


class OneOf:
    """The field holds one of a few words."""

    def __init__(self, *words: str) -> None:
        """Take the words."""
        self._words = words

    def __call__(self, instance: object, attribute: Attribute[Any], value: object) -> None:
        """Raise a ConfigError that names the attribute, unless the value keeps the rule."""
        if value not in self._words:
            rule = f"must be one of {', '.join(self._words)}, got {shown(value)}"
            raise ConfigError(Problem(rule, (attribute.name,)))


@frozen
class Text:
    """
    The field holds text, and not none at all.

    Args:
        optional: None is allowed too.
        empty: so is text without a character.
    """

    optional: bool = False
    empty: bool = field(default=False, kw_only=True)

    def __call__(self, instance: object, attribute: Attribute[Any], value: object) -> None:
        """Raise a ConfigError that names the attribute, unless the value keeps the rule."""
        if value is None and self.optional:
            return
        if not isinstance(value, str) or not (value or self.empty):
            rule = "must be text" if self.empty else "must be text, and not empty"
            raise ConfigError(Problem(f"{rule}, got {shown(value)}", (attribute.name,)))


@frozen
class Has:
    """
    The field holds an instance that has an attribute, such as the method that makes it what it should be.

    Args:
        name: of the attribute.
        words: what such a thing is called.
        optional: None is allowed too.
    """

    name: str
    words: str
    optional: bool = False

    def __call__(self, instance: object, attribute: Attribute[Any], value: object) -> None:
        """Raise a ConfigError that names the attribute, unless the value keeps the rule."""
        if value is None and self.optional:
            return
        if isinstance(value, type) or not hasattr(value, self.name):
            raise ConfigError(Problem(f"must be {self.words}, got {shown(value)}", (attribute.name,)))


STRATEGY = Has("delay", "a strategy, such as Fixed()")
"""The rule for a field that holds a strategy."""


def seconds(*, above: float | None = None, least: float | None = None, optional: bool = False) -> Number:
    """Return the rule for a duration in seconds; never more than `MAX_SECONDS`."""
    return Number(above=above, least=least, most=MAX_SECONDS, unit="seconds", optional=optional)


def ordered(instance: object, lower: str, upper: str) -> None:
    """
    Hold two fields in order; for `__attrs_post_init__`.

    Raises:
        ConfigError: the field named `upper` is below the one named `lower`.
    """
    low, high = getattr(instance, lower), getattr(instance, upper)
    if high < low:
        raise ConfigError(Problem(f"must be >= {lower!r} ({low:g}), got {high:g}", (upper,)))

"""Delays from a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from attrs import Attribute, field, frozen

from bide.durations import Seconds
from bide.errors import ConfigError, Problem, shown
from bide.rules import seconds
from bide_strategies.growing import Growing
from bide_strategies.jitter import JITTER, Jitter, NoJitter

_DELAY = seconds(least=0)


def _delays(_instance: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, tuple) or not value:
        raise ConfigError(
            Problem(f"must be a list of at least one delay, got {shown(value)}", (attribute.name,))
        )
    problems = [
        Problem(f"{_DELAY}, got {shown(delay)}", (attribute.name, f"[{index}]"))
        for index, delay in enumerate(value)
        if not _DELAY.holds(delay)
    ]
    if problems:
        raise ConfigError(problems)
    if value[-1] == 0:
        raise ConfigError(
            Problem("must not end with 0: the last delay is repeated for ever", (attribute.name,))
        )


def _as_tuple(value: Sequence[float]) -> tuple[float, ...]:
    # What is no list is left for the validator to name.
    return tuple(value) if isinstance(value, list) else cast("tuple[float, ...]", value)


@frozen(kw_only=True)
class Schedule(Growing):
    """
    Take the delays from a list, and repeat its last for as long as the wait goes on.

    Args:
        delays: after the first poll, the second …, in seconds; at least one, each >= 0, the last > 0.
        jitter: how the draw spreads them.
        first: delay before the first poll, in seconds; >= 0.

    Source: snowflake-connector's pattern of waits; .NET's table of delays for long-running operations.
    """

    delays: tuple[Seconds, ...] = field(validator=_delays, converter=_as_tuple)
    jitter: Jitter = field(default=NoJitter(), validator=JITTER)
    first: Seconds = field(default=0.0, validator=seconds(least=0))

    @property
    def cap(self) -> float:
        """The greatest delay before jitter, in seconds."""
        return max(self.delays)

    def grown(self, steps: int) -> float:
        """Return the delay at this place in the list, or the last."""
        return self.delays[min(steps, len(self.delays) - 1)]

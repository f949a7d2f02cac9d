"""How the clients of a herd come to be there."""

from __future__ import annotations

import random
from typing import ClassVar, get_args

import attrs
from attrs import field, frozen

from bide.convert import structure
from bide.durations import Seconds
from bide.inline import parse_inline
from bide.rules import seconds

NO_OUTAGE = (0.0, 0.0)


@frozen
class Together:
    """Start all clients at the same instant."""

    kind: ClassVar[str] = "together"
    down: ClassVar[tuple[float, float]] = NO_OUTAGE

    def times(self, clients: int, chance: random.Random) -> list[float]:
        """Return when each client starts, in seconds."""
        return [0.0] * clients


@frozen(kw_only=True)
class Spread:
    """
    Start the clients at random over a time.

    Args:
        over: seconds from the first start to the last; > 0.
    """

    kind: ClassVar[str] = "spread"
    down: ClassVar[tuple[float, float]] = NO_OUTAGE

    over: Seconds = field(validator=seconds(above=0))

    def times(self, clients: int, chance: random.Random) -> list[float]:
        """Return when each client starts, in seconds."""
        return [self.over * chance.random() for _ in range(clients)]


@frozen(kw_only=True)
class Outage:
    """
    Start the clients at random over a time, then let every request fail for a while.

    A client whose job is shorter than that time may be through before the outage begins.

    Args:
        after: seconds from the first start to the last, where the outage begins; > 0.
        lasts: seconds that it lasts; > 0.
    """

    kind: ClassVar[str] = "outage"

    after: Seconds = field(validator=seconds(above=0))
    lasts: Seconds = field(validator=seconds(above=0))

    @property
    def down(self) -> tuple[float, float]:
        """When the outage begins, and when it is over, in seconds."""
        return self.after, self.after + self.lasts

    def times(self, clients: int, chance: random.Random) -> list[float]:
        """Return when each client starts, in seconds."""
        return Spread(over=self.after).times(clients, chance)


Start = Together | Spread | Outage


def parse_start(text: str) -> Start:
    """
    Return the start that a text means: ``together``, ``spread(30s)`` or ``outage(5s, 10s)``.

    Raises:
        ConfigError: the text means none, or a time in it is out of range.
    """
    fields = {kind.kind: [field.name for field in attrs.fields(kind)] for kind in get_args(Start)}
    start: Start = structure(parse_inline(text, lambda kind: fields.get(kind, [])), Start)  # type: ignore[arg-type]
    return start

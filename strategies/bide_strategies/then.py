"""One strategy at first, then another."""

from __future__ import annotations

from attrs import evolve, field, frozen

from bide.durations import Seconds
from bide.errors import ConfigError
from bide.rules import STRATEGY, Number, seconds
from bide.strategy import Situation, Strategy, ceiling_of, envelope_of
from bide_strategies.envelope import Envelope

# Nobody begins with more polls than these, and then goes on otherwise.
_MOST_POLLS = 100_000


@frozen(kw_only=True)
class Then:
    """
    Wait by one strategy at first, then by another, whose delays begin anew.

    Polls are counted anew, time is not: what reads it (`then` by seconds, `follow_progress`) reads that of
    the whole wait. A switch by time cannot tell how many polls there were: the other begins where the first
    would stand with all draws at one half.

    Args:
        start: chooses the delays at first.
        polls: how many polls it chooses the delays before; >= 1.
        seconds: or for how long, in seconds; > 0. Exactly one of the two is given.
        rest: chooses all delays after.
    """

    start: Strategy = field(validator=STRATEGY)
    rest: Strategy = field(validator=STRATEGY)
    polls: int | None = field(default=None, validator=Number(least=1, whole=True, optional=True))
    seconds: Seconds | None = field(default=None, validator=seconds(above=0, optional=True))
    _late: _Late = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if (self.polls is None) == (self.seconds is None):
            raise ConfigError("takes a number of polls or of seconds, and one of them")
        count = self._count_polls(self.seconds) if self.polls is None else self.polls
        object.__setattr__(self, "_late", _Late(self.rest, count))

    def _count_polls(self, until: float | None) -> int:
        polls, elapsed, delay = 0, 0.0, 0.0
        while elapsed < (until or 0.0):
            delay = self.start.delay(Situation(polls, elapsed, delay), 0.5)
            polls, elapsed = polls + 1, elapsed + delay
            if polls > _MOST_POLLS:
                raise ConfigError(f"start makes more than {_MOST_POLLS} polls in {until:g} seconds")
        return polls

    @property
    def ceiling(self) -> float:
        """The greatest delay, in seconds."""
        return max(ceiling_of(self.start), ceiling_of(self.rest))

    @property
    def clump(self) -> float:
        """One of the two may have jitter and the other none, so all draws may have one value."""
        return 1.0

    @property
    def envelope(self) -> Strategy:
        """By polls, the bounds of both, one after the other; by time, all that either may choose."""
        start, rest = envelope_of(self.start), envelope_of(self.rest)
        if self.polls is not None:
            return evolve(self, start=start, rest=rest)
        return Envelope((start, _Late(rest, self._late.after)))

    def delay(self, situation: Situation, u: float) -> float:
        """Return the delay of the strategy whose turn it is."""
        if self._is_start(situation):
            return self.start.delay(situation, u)
        return self._late.delay(situation, u)

    def _is_start(self, situation: Situation) -> bool:
        if self.seconds is not None:
            return situation.elapsed < self.seconds
        return situation.polls < self._late.after


@frozen
class _Late:
    """A strategy that begins after so many polls of another."""

    strategy: Strategy
    after: int

    def delay(self, situation: Situation, u: float) -> float:
        polls = max(1, situation.polls - self.after + 1)
        return self.strategy.delay(situation._replace(polls=polls), u)

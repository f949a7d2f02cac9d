"""Delays that aim at the end, as the job's own progress foretells it."""

from __future__ import annotations

from attrs import field, frozen

from bide.durations import Seconds
from bide.rules import STRATEGY, ordered, seconds
from bide.strategy import Situation, Strategy, ceiling_of, envelope_of
from bide_strategies.envelope import Envelope
from bide_strategies.fixed import Fixed


@frozen(kw_only=True)
class FollowProgress:
    """
    Aim at the end: after ``elapsed`` seconds at a share p of the work, elapsed * (1 - p) / p are left.

    Args:
        fallback: chooses the delays while the job reports no progress, or none yet.
        floor: least delay while it does, in seconds; > 0.
        cap: greatest delay while it does, in seconds; >= floor.

    Source: linear extrapolation, as in the progress bars of wget and tqdm.
    """

    fallback: Strategy = field(validator=STRATEGY)
    floor: Seconds = field(default=0.5, validator=seconds(above=0))
    cap: Seconds = field(default=30.0, validator=seconds(above=0))

    def __attrs_post_init__(self) -> None:
        ordered(self, "floor", "cap")

    @property
    def ceiling(self) -> float:
        """The greatest delay, in seconds."""
        return max(self.cap, ceiling_of(self.fallback))

    @property
    def clump(self) -> float:
        """While the job reports progress nothing is drawn, so all may have one value."""
        return 1.0

    @property
    def envelope(self) -> Envelope:
        """All that it may choose, whatever the job reports."""
        return Envelope((envelope_of(self.fallback), Fixed(interval=self.floor), Fixed(interval=self.cap)))

    def delay(self, situation: Situation, u: float) -> float:
        """Return the seconds to the foretold end, between floor and cap."""
        progress = situation.observation.progress if situation.observation is not None else None
        if progress is None or not 0 < progress <= 1 or not situation.polls:
            return self.fallback.delay(situation, u)
        left = situation.elapsed / progress * (1 - progress)
        return min(max(left, self.floor), self.cap)

"""A strategy for jobs of which one knows about how long they take."""

from attrs import field, frozen

from bide import Situation
from bide.durations import Seconds
from bide.rules import Number, ordered, seconds


@frozen(kw_only=True)
class Around:
    """
    Look seldom far from the expected end, often around it, and less and less often once it is past.

    Args:
        expected: when the job usually ends, in seconds from the start of the wait; > 0.
        share: of the time to the expected end, or since, that a delay takes; > 0, at most 1.
        floor: least delay before jitter, in seconds; > 0.
        cap: greatest delay, in seconds; >= floor.
        jitter: greatest share of a delay that the draw takes off it; 0 to 1.
    """

    expected: Seconds = field(validator=seconds(above=0))
    share: float = field(default=0.5, validator=Number(above=0, most=1))
    floor: Seconds = field(default=1.0, validator=seconds(above=0))
    cap: Seconds = field(default=60.0, validator=seconds(above=0))
    jitter: float = field(default=0.1, validator=Number(least=0, most=1))

    def __attrs_post_init__(self) -> None:
        ordered(self, "floor", "cap")

    @property
    def ceiling(self) -> float:
        """The greatest delay, in seconds."""
        return self.cap

    def delay(self, situation: Situation, u: float) -> float:
        """Return a share of the distance to the expected end, between floor and cap, less the jitter."""
        aimed = self.share * abs(self.expected - situation.elapsed)
        held = min(max(aimed, self.floor), self.cap)
        return held * (1 - self.jitter * (1 - u))

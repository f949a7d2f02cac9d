"""
What a strategy is: one pure function from a situation, and one random number, to a delay.

Its laws, which `tests/test_laws.py` holds every shipped strategy to:

1. pure: equal input gives equal answers; a strategy is frozen, hashable and picklable;
2. finite: ``0 <= delay < inf`` for every number of polls up to 10**6 and every u in [0, 1];
3. monotone in u: ``delay(s, 0)`` and ``delay(s, 1)`` bound every draw;
4. capped: never above the strategy's ceiling, and with jitter no value there gathers the draws;
5. round trip: ``from_config(to_config(s)) == s``, and ``repr(s)`` evaluates to ``s``;
6. counted: the polls of a wait lie within `bide.bounds.request_bounds`.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from attrs import frozen

Status = Literal["pending", "completed", "error", "cancelled"]
"""Where a job stands: ``pending``, or how it ended."""


@frozen(weakref_slot=False)
class Observation:
    """
    What one poll saw.

    Args:
        status: where the job stands.
        progress: share of the work that is done, 0 to 1, if the job reports it.
        hint: seconds that the server asks to be left alone before the next poll, if it said so.
        completed_at: when the job ended, however it ended: wall clock, seconds since the epoch, if known.
        result: what the job produced, or what it says of its failure; of a pending one what the poll function
            keeps of it; anything.
        held: seconds that the server held the answer back because it was asked to: they count as slept.
        created_at: when the job was created: wall clock, seconds since the epoch, if known.
        said: what the API calls the status, if that is another word: short, and fit to be shown.
    """

    status: Status
    progress: float | None = None
    hint: float | None = None
    completed_at: float | None = None
    result: Any = None
    held: float = 0.0
    created_at: float | None = None
    said: str | None = None

    @property
    def words(self) -> str:
        """The status, and what the API calls it: ``pending (RUNNING)``."""
        return self.status if self.said is None else f"{self.status} ({self.said})"


class Situation(NamedTuple):
    """
    All that a strategy may know when it chooses the next delay.

    Args:
        polls: polls answered so far; 0 before the first.
        elapsed: seconds since the wait began.
        previous_delay: seconds, as the strategy chose it, not as a hint or a deadline changed it; 0 at first.
        observation: what the last answered poll saw; None before the first.
    """

    polls: int = 0
    elapsed: float = 0.0
    previous_delay: float = 0.0
    observation: Observation | None = None


def ceiling_of(strategy: Strategy) -> float:
    """Return the greatest delay that a strategy declares as its ``ceiling``, in seconds; else infinity."""
    return float(getattr(strategy, "ceiling", math.inf))


def clump_of(strategy: Strategy) -> float:
    """Return the share of draws that may gather at one value, as a strategy's ``clump`` declares; else 0."""
    return float(getattr(strategy, "clump", 0.0))


def envelope_of(strategy: Strategy) -> Strategy:
    """
    Return the strategy that a strategy declares as its ``envelope``; itself without one.

    An envelope is never later at u = 0, nor earlier at u = 1, whatever happened before; and of two waits, the
    one that is later at a poll is not earlier at the next. So bounds that hold for it hold for the strategy.
    """
    envelope: Strategy = getattr(strategy, "envelope", strategy)
    return envelope


@runtime_checkable
class Strategy(Protocol):
    """Decides the delay before the next poll."""

    def delay(self, situation: Situation, u: float, /) -> float:
        """
        Return the seconds to wait before the next poll.

        Args:
            situation: what is known of the wait so far.
            u: the only randomness, a number in [0, 1]: the answer is the u-quantile of the delay.
        """
        ...

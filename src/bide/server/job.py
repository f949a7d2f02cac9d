"""A job as it is kept, and what it looks like at a time: a function of its row and the clock."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

Outcome = Literal["completed", "error"]
"""How a job ends."""

Status = Literal["pending", "completed", "error"]
"""What a job is, at a time."""


@frozen(kw_only=True)
class Job:
    """
    One simulated job, whose end is known from its beginning.

    Args:
        id: the name that clients know it by.
        created_at: wall clock, UTC, in seconds since the epoch.
        ends_at: the same clock; >= created_at.
        outcome: how it ends.
    """

    id: str
    created_at: float
    ends_at: float
    outcome: Outcome

    @property
    def duration(self) -> float:
        """Seconds from its creation to its end."""
        return self.ends_at - self.created_at

    def status(self, now: float) -> Status:
        """Return what the job is at a time: pending until its end has come."""
        return self.outcome if now >= self.ends_at else "pending"

    def progress(self, now: float) -> float:
        """Return the share of its duration that has passed at a time: 0 to 1."""
        if now >= self.ends_at:
            return 1.0
        # A wall clock may step back before the creation, even that of a job of no duration.
        elapsed = max(0.0, now - self.created_at)
        return elapsed / self.duration if elapsed else 0.0

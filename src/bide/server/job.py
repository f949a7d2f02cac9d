"""A job as it is kept, and what it looks like at a time: a function of its row and the clock."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

Outcome = Literal["completed", "error"]
"""How a job ends, if nobody cancels it."""

Status = Literal["pending", "completed", "error", "cancelled"]
"""What a job is, at a time."""

DIGITS = 6
"""Of a time in seconds, behind the point: as many as are shown, so that what is shown adds up."""


@frozen(kw_only=True)
class Job:
    """
    One simulated job, whose end is known from its beginning, unless it is cancelled.

    Args:
        id: the name that clients know it by.
        created_at: wall clock, UTC, in seconds since the epoch.
        ends_at: the same clock; >= created_at.
        outcome: how it ends then.
        kind: the name of its kind.
        owner: whose it is; the empty text if the server knew no keys when it was created.
        cancelled_at: the same clock; < ends_at; None if nobody cancelled it.
    """

    id: str
    created_at: float
    ends_at: float
    outcome: Outcome
    kind: str = "default"
    owner: str = ""
    cancelled_at: float | None = None

    @property
    def duration(self) -> float:
        """Seconds from its creation to the end that it has by itself."""
        return self.ends_at - self.created_at

    def status(self, now: float) -> Status:
        """Return what the job is at a time: pending until its end has come."""
        if self.cancelled_at is not None:
            return "cancelled"
        return self.outcome if now >= self.ends_at else "pending"

    def ended_at(self, now: float) -> float | None:
        """Return when the job ended, however it did; None if it has not at that time."""
        if self.cancelled_at is not None:
            return self.cancelled_at
        return self.ends_at if now >= self.ends_at else None

    def worked(self, now: float) -> float:
        """Return the share of its duration that it has worked for at a time: 0 to 1."""
        if self.cancelled_at is not None:
            now = self.cancelled_at
        if now >= self.ends_at:
            return 1.0
        # A wall clock may step back before the creation, even that of a job of no duration.
        elapsed = max(0.0, now - self.created_at)
        return elapsed / self.duration if elapsed else 0.0

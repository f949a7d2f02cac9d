"""The simulated work: how long each job takes and how it ends, all of it from one seed."""

from __future__ import annotations

from attrs import frozen

from bide.server.job import Outcome
from bide.server.kinds import JobKind
from bide.server.lots import lots


@frozen(kw_only=True)
class Draw:
    """
    What fate has in store for one job.

    Args:
        duration: seconds from its creation to its end.
        outcome: how it ends.
    """

    duration: float
    outcome: Outcome


def draw(number: int, *, seed: int, kind: JobKind) -> Draw:
    """Return the fate of the job of a sequence number: the same for ever, for one seed and one kind."""
    length, luck, *_ = lots(seed, str(number))
    return Draw(duration=kind.durations.at(length), outcome="error" if luck < kind.failing else "completed")

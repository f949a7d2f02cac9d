"""The simulated work: how long each job takes and how it ends, all of it from one seed."""

from __future__ import annotations

from hashlib import blake2b

from attrs import frozen

from bide.server.job import Outcome
from bide.server.kinds import JobKind


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
    """
    Return the fate of the job of a sequence number: the same for ever, for one seed and one kind.

    No generator is kept, so that neither threads nor restarts can change what a job gets.
    """
    length, luck = _uniforms(seed, number)
    return Draw(
        duration=kind.durations.at(length),
        outcome="error" if luck < kind.failing else "completed",
    )


def _uniforms(seed: int, number: int) -> tuple[float, float]:
    # A hash, because `random` promises the same numbers over Python's versions for few of its methods.
    lot = blake2b(f"{seed}/{number}".encode(), digest_size=16).digest()
    return _uniform(lot[:8]), _uniform(lot[8:])


def _uniform(eight: bytes) -> float:
    # 53 bits are what a float holds. More would round up to 1.0 now and then, and durations past the longest.
    return (int.from_bytes(eight) >> 11) / 2**53

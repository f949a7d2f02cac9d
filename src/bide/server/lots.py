"""What is drawn: numbers and names that depend on what they are drawn for, and on nothing else."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID


def lots(seed: int, purpose: str) -> tuple[float, float, float, float]:
    """
    Return four numbers in [0, 1): the same for ever, for one seed and one purpose.

    No generator is kept, so that neither threads nor restarts can change what anything gets.
    """
    # A hash, because `random` promises the same numbers over Python's versions for few of its methods.
    lot = blake2b(f"{seed}/{purpose}".encode(), digest_size=32).digest()
    return _share(lot[:8]), _share(lot[8:16]), _share(lot[16:24]), _share(lot[24:])


def named(seed: int, purpose: str) -> str:
    """Return a UUID: the same for ever, for one seed and one purpose."""
    return str(UUID(bytes=blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest(), version=4))


def _share(eight: bytes) -> float:
    # 53 bits are what a float holds. More would round up to 1.0 now and then, and durations past the longest.
    return (int.from_bytes(eight) >> 11) / 2**53

"""Uniform numbers for one wait: a stream that another process can continue."""

from __future__ import annotations

import random

from attrs import define, field

_ALL = 2**64 - 1


@define
class Draws:
    """
    A stream of numbers in [0, 1), which a seed and a place in it determine.

    Calling it gives the next one. It takes a hundred bytes, where `random.Random` takes 2,500.

    Args:
        seed: which stream: a whole number from 0 to 2**64 - 1; by default a random one.
        made: how many numbers it has given.

    Source: SplitMix64; Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
    """

    seed: int = field(factory=lambda: random.getrandbits(64))
    made: int = 0

    def __call__(self) -> float:
        """Return the next number: its 53 bits are all that a float below 1 has room for."""
        self.made = made = self.made + 1
        z = (self.seed + made * 0x9E3779B97F4A7C15) & _ALL
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _ALL
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53

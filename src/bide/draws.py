"""Uniform numbers for one wait: a stream that another process can continue."""

from __future__ import annotations

import random

from attrs import define, field

_ALL = 2**64 - 1


@define(weakref_slot=False)
class Draws:
    """
    A stream of numbers in [0, 1), which continues from its state.

    Calling it gives the next one. It takes a hundred bytes, where `random.Random` takes 2,500.

    Args:
        state: a whole number from 0 to 2**64 - 1; by default a random one. Each call moves it on.

    Source: SplitMix64; Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
    """

    state: int = field(factory=lambda: random.getrandbits(64))

    def __call__(self) -> float:
        """Return the next number: its 53 bits are all that a float below 1 has room for."""
        self.state = z = (self.state + 0x9E3779B97F4A7C15) & _ALL
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _ALL
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53

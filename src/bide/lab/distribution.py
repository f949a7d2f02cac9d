"""
What a distribution of durations is: what exact evaluation needs to know of how long jobs take.

It answers for arrays of times at once. `limited_mean` is the mean of min(X, t), which is also the integral of
the survival from 0 to t.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NO_ATOMS: Array = np.empty(0)


class Distribution(Protocol):
    """The distribution of a duration X, in seconds."""

    @property
    def mean(self) -> float:
        """The mean duration."""
        ...

    @property
    def longest(self) -> float:
        """The longest duration; infinite if there is none."""
        ...

    @property
    def atoms(self) -> Array:
        """The durations that have a probability of their own, ascending."""
        ...

    def survival(self, t: Array, /) -> Array:
        """Return the share of jobs that still run at t: P(X > t)."""
        ...

    def limited_mean(self, t: Array, /) -> Array:
        """Return the mean of min(X, t)."""
        ...

    def quantile(self, p: Array, /) -> Array:
        """Return the least duration that a share p of the jobs, 0 < p < 1, does not exceed."""
        ...


class Continuous:
    """A distribution without atoms or end, unless it says otherwise."""

    __slots__ = ()

    @property
    def longest(self) -> float:
        """There is no longest duration."""
        return math.inf

    @property
    def atoms(self) -> Array:
        """No duration has a probability of its own."""
        return NO_ATOMS

"""Durations that are made of others: mixtures, and measured samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from attrs import field, frozen
from attrs.validators import deep_iterable, min_len

from bide.durations import Seconds
from bide.errors import ConfigError
from bide.lab.distribution import Array, Distribution
from bide.lab.distributions import Exponential, Fixed, Gamma, Lognormal, Uniform, Weibull
from bide.rules import Number, seconds, such_as

# Between two of these quantiles of each part, a quantile of the mixture is found by halving. The first ones
# may be many orders of magnitude apart.
_BRACKETS = np.concatenate((np.geomspace(1e-12, 1e-3, 28), np.linspace(0.0, 1.0, 502)[1:-1]))
_HALVINGS = 44


def _as_floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(values)


def _as_parts(parts: Iterable[Durations]) -> tuple[Durations, ...]:
    return tuple(parts)


_EXAMPLE = "mixture([0.7, 0.3], [fixed(5s), uniform(1m, 2m)])"


@frozen
class Samples:
    """
    Jobs take what was measured, each measurement equally likely.

    Args:
        values: durations in seconds; >= 0, at least one.
    """

    kind: ClassVar[str] = "samples"

    values: tuple[Seconds, ...] = field(
        converter=_as_floats,
        validator=[min_len(1), deep_iterable(seconds(least=0))],
        metadata=such_as("samples(times.csv)"),
    )
    _sorted: Array = field(init=False, repr=False, eq=False)
    _sums: Array = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        ordered = np.sort(np.array(self.values, dtype=float))
        object.__setattr__(self, "_sorted", ordered)
        object.__setattr__(self, "_sums", np.concatenate(([0.0], np.cumsum(ordered))))

    @property
    def mean(self) -> float:
        """The mean of the values."""
        return float(self._sorted.mean())

    @property
    def longest(self) -> float:
        """The greatest value."""
        return float(self._sorted[-1])

    @property
    def atoms(self) -> Array:
        """The values, each once."""
        return np.unique(self._sorted)

    def survival(self, t: Array) -> Array:
        """Return the share of values above t."""
        return np.asarray(1.0 - np.searchsorted(self._sorted, t, side="right") / len(self._sorted))

    def limited_mean(self, t: Array) -> Array:
        """Return the mean of the values, each cut to t."""
        count = len(self._sorted)
        below = np.searchsorted(self._sorted, t, side="right")
        return np.asarray((self._sums[below] + (count - below) * t) / count)

    def quantile(self, p: Array) -> Array:
        """Return the least value that a share p of the values does not exceed."""
        count = len(self._sorted)
        rank = np.ceil(p * count - 1e-9).astype(int) - 1
        return np.asarray(self._sorted[np.clip(rank, 0, count - 1)])


@frozen
class Cut:
    """
    The durations for which somebody waits who gives up on jobs that take longer.

    Args:
        whole: the durations of the jobs.
        at: when they are given up on, in seconds; > 0.
    """

    whole: Distribution
    at: float

    @property
    def mean(self) -> float:
        """The limited mean of the whole."""
        return float(self.whole.limited_mean(np.array(self.at)))

    @property
    def longest(self) -> float:
        """The cut."""
        return self.at

    @property
    def atoms(self) -> Array:
        """The atoms before the cut, and the cut."""
        atoms = self.whole.atoms
        return np.append(atoms[atoms < self.at], self.at)

    def survival(self, t: Array) -> Array:
        """Return the survival of the whole, up to the cut."""
        return np.where(t < self.at, self.whole.survival(t), 0.0)

    def limited_mean(self, t: Array) -> Array:
        """Return the limited mean of the whole, up to the cut."""
        return self.whole.limited_mean(np.minimum(t, self.at))

    def quantile(self, p: Array) -> Array:
        """Return the quantile of the whole, up to the cut."""
        return np.minimum(self.whole.quantile(p), self.at)


@frozen
class Mixture:
    """
    Each job is of one of several sorts, drawn by weight.

    Args:
        weights: how many jobs are of each sort, relative to the others; > 0.
        parts: the durations of each sort.
    """

    kind: ClassVar[str] = "mixture"

    weights: tuple[float, ...] = field(
        converter=_as_floats,
        validator=[min_len(1), deep_iterable(Number(above=0))],
        metadata=such_as(_EXAMPLE),
    )
    parts: tuple[Durations, ...] = field(converter=_as_parts, metadata=such_as(_EXAMPLE))

    def __attrs_post_init__(self) -> None:
        if len(self.weights) != len(self.parts):
            counts = f"{len(self.weights)} weights for {len(self.parts)} parts"
            raise ConfigError(f"needs a weight for each part, got {counts}")

    @property
    def _shares(self) -> Array:
        weights = np.array(self.weights)
        return np.asarray(weights / weights.sum())

    @property
    def mean(self) -> float:
        """The weighted mean of the parts' means."""
        return float(self._shares @ [part.mean for part in self.parts])

    @property
    def longest(self) -> float:
        """The greatest of the parts' longest."""
        return max(part.longest for part in self.parts)

    @property
    def atoms(self) -> Array:
        """All atoms of all parts."""
        return np.unique(np.concatenate([part.atoms for part in self.parts]))

    def survival(self, t: Array) -> Array:
        """Return the weighted mean of the parts' survivals."""
        return sum(
            (share * part.survival(t) for share, part in zip(self._shares, self.parts, strict=True)),
            start=np.zeros(np.shape(t)),
        )

    def limited_mean(self, t: Array) -> Array:
        """Return the weighted mean of the parts' limited means."""
        return sum(
            (share * part.limited_mean(t) for share, part in zip(self._shares, self.parts, strict=True)),
            start=np.zeros(np.shape(t)),
        )

    def quantile(self, p: Array) -> Array:
        """Return the least duration that a share p does not exceed, to 12 digits; an atom exactly."""
        low, high = self._brackets(p)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            reached = 1.0 - self.survival(middle) >= p
            high = np.where(reached, middle, high)
            low = np.where(reached, low, middle)
        return high

    def _brackets(self, p: Array) -> tuple[Array, Array]:
        """Return two durations for each p: too few jobs do not exceed the one, enough not the other."""
        extreme = np.array([p.min(initial=0.5), p.max(initial=0.5)])
        quantiles = [part.quantile(np.concatenate((_BRACKETS, extreme))) for part in self.parts]
        points = np.unique(np.concatenate([[0.0], self.atoms, *quantiles]))
        shares = 1.0 - self.survival(points)
        above = np.clip(np.searchsorted(shares, p - 1e-12), 1, len(points) - 1)
        first = p <= shares[0]
        return points[above - 1], np.where(first, points[0], points[above])


Durations = Fixed | Uniform | Exponential | Lognormal | Weibull | Gamma | Mixture | Samples
"""What a workload's ``durations`` may be, told apart by their ``kind``."""

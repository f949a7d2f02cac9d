"""
The kinds of durations: frozen values, told apart by their ``kind`` as config writes it.

All their integrals have a closed form.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from attrs import field, frozen

from bide.durations import Seconds
from bide.errors import ConfigError, Problem
from bide.lab.distribution import NO_ATOMS, Array, Continuous
from bide.rules import Number, seconds, such_as


@frozen
class Fixed:
    """
    All jobs take the same time.

    Args:
        duration: in seconds; >= 0.
    """

    kind: ClassVar[str] = "fixed"

    duration: Seconds = field(validator=seconds(least=0), metadata=such_as("fixed(10s)"))

    @property
    def mean(self) -> float:
        """The duration."""
        return self.duration

    @property
    def longest(self) -> float:
        """The duration."""
        return self.duration

    @property
    def atoms(self) -> Array:
        """The duration alone."""
        return np.array([self.duration])

    def survival(self, t: Array) -> Array:
        """Return 1 before the duration, and 0 from there."""
        return np.where(t < self.duration, 1.0, 0.0)

    def limited_mean(self, t: Array) -> Array:
        """Return min(duration, t)."""
        return np.minimum(t, self.duration)

    def quantile(self, p: Array) -> Array:
        """Return the duration."""
        return np.full(np.shape(p), self.duration)


@frozen
class Uniform:
    """
    All durations between two are equally likely.

    Args:
        shortest: in seconds; >= 0.
        longest: in seconds; > shortest.
    """

    kind: ClassVar[str] = "uniform"

    shortest: Seconds = field(validator=seconds(least=0), metadata=such_as("uniform(5s, 15s)"))
    longest: Seconds = field(validator=seconds(above=0), metadata=such_as("uniform(5s, 15s)"))

    def __attrs_post_init__(self) -> None:
        if not self.longest > self.shortest:
            rule = f"must be > 'shortest' ({self.shortest:g}), got {self.longest:g}"
            raise ConfigError(Problem(rule, ("longest",)))

    @property
    def mean(self) -> float:
        """The middle."""
        return (self.shortest + self.longest) / 2

    @property
    def atoms(self) -> Array:
        """No duration has a probability of its own."""
        return NO_ATOMS

    def _share(self, t: Array) -> Array:
        return np.clip((t - self.shortest) / (self.longest - self.shortest), 0.0, 1.0)

    def survival(self, t: Array) -> Array:
        """Return 1 - (t - shortest) / (longest - shortest), within 0 and 1."""
        return 1.0 - self._share(t)

    def limited_mean(self, t: Array) -> Array:
        """Return t, less half the square of what is past the shortest, over the width."""
        share = self._share(t)
        inside = (self.longest - self.shortest) * (share - share**2 / 2)
        return np.minimum(t, self.shortest) + inside

    def quantile(self, p: Array) -> Array:
        """Return shortest + p * (longest - shortest)."""
        return np.asarray(self.shortest + p * (self.longest - self.shortest))


@frozen
class Exponential(Continuous):
    """
    The end is equally near at any time: durations without memory.

    Args:
        mean: in seconds; > 0.
    """

    kind: ClassVar[str] = "exponential"

    mean: Seconds = field(validator=seconds(above=0), metadata=such_as("exponential(10s)"))

    def survival(self, t: Array) -> Array:
        """Return exp(-t / mean)."""
        return np.exp(-t / self.mean)

    def limited_mean(self, t: Array) -> Array:
        """Return mean * (1 - exp(-t / mean))."""
        return -self.mean * np.expm1(-t / self.mean)

    def quantile(self, p: Array) -> Array:
        """Return -mean * ln(1 - p)."""
        with np.errstate(divide="ignore"):  # there is no longest
            return -self.mean * np.log1p(-p)


@frozen
class Lognormal(Continuous):
    """
    The logarithm of the duration is normal: many near the median, a long tail.

    Args:
        median: in seconds; > 0.
        sigma: standard deviation of the natural logarithm; > 0, at most 3.
    """

    kind: ClassVar[str] = "lognormal"

    median: Seconds = field(validator=seconds(above=0), metadata=such_as("lognormal(60s, 0.5)"))
    sigma: float = field(validator=Number(above=0, most=3), metadata=such_as("lognormal(60s, 0.5)"))

    @property
    def mean(self) -> float:
        """The mean, median * exp(sigma**2 / 2)."""
        return self.median * math.exp(self.sigma**2 / 2)

    def _z(self, t: Array) -> Array:
        with np.errstate(divide="ignore"):  # the logarithm of 0 is -inf, as it should be
            return np.log(t / self.median) / self.sigma

    def survival(self, t: Array) -> Array:
        """Return Phi(-z), with z = ln(t / median) / sigma."""
        from scipy.special import ndtr

        return np.asarray(ndtr(-self._z(t)))

    def limited_mean(self, t: Array) -> Array:
        """Return mean * Phi(z - sigma) + t * Phi(-z)."""
        from scipy.special import ndtr

        z = self._z(t)
        return np.asarray(self.mean * ndtr(z - self.sigma) + t * ndtr(-z))

    def quantile(self, p: Array) -> Array:
        """Return median * exp(sigma * z), with Phi(z) = p."""
        from scipy.special import ndtri

        return self.median * np.exp(self.sigma * np.asarray(ndtri(p)))


@frozen
class Weibull(Continuous):
    """
    The end comes nearer, or recedes, as a power of the time.

    Args:
        shape: below 1, the longer it runs the longer it will; above 1, the reverse; from 0.2 to 1000.
        scale: the duration that 63 % of the jobs do not exceed, in seconds; > 0.
    """

    kind: ClassVar[str] = "weibull"

    shape: float = field(validator=Number(least=0.2, most=1000), metadata=such_as("weibull(0.6, 60s)"))
    scale: Seconds = field(validator=seconds(above=0), metadata=such_as("weibull(0.6, 60s)"))

    @property
    def mean(self) -> float:
        """The mean, scale * Gamma(1 + 1 / shape)."""
        return self.scale * math.gamma(1 + 1 / self.shape)

    def _power(self, t: Array) -> Array:
        with np.errstate(over="ignore"):  # infinitely far in the tail
            return np.asarray((t / self.scale) ** self.shape)

    def survival(self, t: Array) -> Array:
        """Return exp(-(t / scale)**shape)."""
        return np.exp(-self._power(t))

    def limited_mean(self, t: Array) -> Array:
        """Return mean * P(1 + 1 / shape, (t / scale)**shape) + t * survival(t)."""
        from scipy.special import gammainc

        power = self._power(t)
        return np.asarray(self.mean * gammainc(1 + 1 / self.shape, power) + t * np.exp(-power))

    def quantile(self, p: Array) -> Array:
        """Return scale * (-ln(1 - p))**(1 / shape)."""
        with np.errstate(divide="ignore"):  # there is no longest
            return np.asarray(self.scale * (-np.log1p(-p)) ** (1 / self.shape))


@frozen
class Gamma(Continuous):
    """
    The sum of a number of stages, each with an exponential duration.

    Args:
        shape: the number of stages, which need not be whole; from 0.05 to 100,000.
        scale: mean duration of a stage, in seconds; > 0.
    """

    kind: ClassVar[str] = "gamma"

    shape: float = field(validator=Number(least=0.05, most=100_000), metadata=such_as("gamma(4, 30s)"))
    scale: Seconds = field(validator=seconds(above=0), metadata=such_as("gamma(4, 30s)"))

    @property
    def mean(self) -> float:
        """The mean, shape * scale."""
        return self.shape * self.scale

    def survival(self, t: Array) -> Array:
        """Return Q(shape, t / scale)."""
        from scipy.special import gammaincc

        return np.asarray(gammaincc(self.shape, t / self.scale), dtype=np.float64)

    def limited_mean(self, t: Array) -> Array:
        """Return mean * P(shape + 1, t / scale) + t * survival(t)."""
        from scipy.special import gammainc

        reached = gammainc(self.shape + 1, t / self.scale)
        return np.asarray(self.mean * reached + t * self.survival(t))

    def quantile(self, p: Array) -> Array:
        """Return the inverse of P(shape, t / scale)."""
        from scipy.special import gammaincinv

        return np.asarray(self.scale * gammaincinv(self.shape, p), dtype=np.float64)

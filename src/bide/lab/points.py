"""Where the optimum may look: points so dense that choosing among them costs next to nothing."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from bide.lab.distribution import Array, Distribution
from bide.lab.mixed import Cut, Mixture

# Where so small a share of the cost is still to come, looks may be further apart than is best.
_FEW = 1e-3

# So many distinct durations are all points.
_MOST_ATOMS = 20_000

# Fine points are put between two that have more than this part of all points between them.
_FINE = 1_500
_HALVINGS = 30

# Where so small a share still runs, the longest durations end.
_TAIL = 1e-10

_FAR_OUT = np.geomspace(_TAIL, 0.1, 28)
_LANDMARKS = np.concatenate(([0.0], _FAR_OUT, np.linspace(0.15, 0.85, 15), 1 - _FAR_OUT[::-1], [1.0]))


@frozen(kw_only=True, eq=False)
class Points:
    """
    The times at which the optimum may look, for any worth of a call.

    Few distinct durations are all taken. Otherwise the optimum's looks have a density of
    sqrt(f / (2 call_cost S)), if there are many. Looks of that density are points, and the more jobs still
    run, the more points are put between each two: the more dearly a best time is missed.

    Args:
        fine: times from 0 to the end of the longest job, closer together than anything changes.
        running: the share of the jobs that still run at each.
        density: the integral up to each of sqrt(f / S), over a call's worth of one half: how many looks come
            before, by that density.
        spread: the integral of sqrt(f S), in the root of seconds: how hard to foresee the end is. With
            many calls, the optimum makes spread / sqrt(2 call_cost) of them, at a lag of
            spread sqrt(call_cost / 2).
        landmarks: where each sort of jobs begins to end, and ceases to.
        atoms: durations that have a probability of their own.
        is_discrete: there are no others.
        per_look: how many points there are between two looks while all jobs run, at least.
        fewest: so many there would be, if jobs did not end: with few looks there are more between two.
        most_looks: there are points for so many looks at most, even where more are wanted.
    """

    fine: Array
    running: Array
    density: Array
    spread: float
    landmarks: Array
    atoms: Array
    is_discrete: bool
    per_look: int = 24
    fewest: int = 1_200
    most_looks: int = 100_000

    def for_cost(self, call_cost: float) -> Array:
        """Return 0, and when the optimum may look, ascending; at the last, all jobs are over."""
        looks = self._looks(call_cost)
        some_end_at_once = 0.0 in self.atoms[:1]
        return np.append(0.0, looks if some_end_at_once else looks[looks > 0.0])

    def _looks(self, call_cost: float) -> Array:
        if self.is_discrete and len(self.atoms) <= _MOST_ATOMS:
            return self.atoms
        points = self._by_density(call_cost)
        if self.is_discrete:
            return np.unique(self.atoms[np.searchsorted(self.atoms, points).clip(max=len(self.atoms) - 1)])
        atoms = self.atoms if len(self.atoms) <= _MOST_ATOMS else self.atoms[:0]
        return np.unique(np.concatenate((points, atoms, self.landmarks, self.fine[-1:])))

    def _by_density(self, call_cost: float) -> Array:
        """Return looks of the density that the best have, each followed by points up to the next."""
        looks = min(max(self.density[-1] / math.sqrt(2 * call_cost), 1.0), self.most_looks)
        per_look = max(self.per_look, self.fewest / looks)
        even = np.linspace(0.0, self.density[-1], math.ceil(looks) + 1)
        running = np.interp(even[:-1], self.density, self.running)
        parts = np.ceil(per_look * np.cbrt(running)).clip(min=1).astype(int)
        first = np.repeat(np.cumsum(parts) - parts, parts)
        way = (np.arange(len(first)) - first) / np.repeat(parts, parts)
        return np.asarray(np.interp(np.repeat(even[:-1], parts) + way * even[1], self.density, self.fine))


def points_of(durations: Distribution) -> Points:
    """Return the points for a distribution of durations."""
    return points_among(durations, _fine_points(durations))


def points_among(durations: Distribution, fine: Array) -> Points:
    """Return the points for durations, between times that are closer together than anything changes."""
    running = durations.survival(fine)
    roots, middle = _roots(fine, running), (running[:-1] + running[1:]) / 2
    spread = np.append(0.0, np.cumsum(roots * np.sqrt(middle)))
    few = max(running[np.searchsorted(spread, (1 - _FEW) * spread[-1])], _TAIL)
    is_discrete = not _has_density(durations)
    return Points(
        fine=fine,
        running=running,
        density=np.append(0.0, np.cumsum(roots / np.sqrt(np.maximum(middle, few)))),
        spread=0.0 if is_discrete else float(spread[-1]),
        landmarks=_landmarks(durations),
        atoms=durations.atoms,
        is_discrete=is_discrete,
    )


def _weights(fine: Array, survival: Array) -> Array:
    """Return how much happens between any two times: where most, fine points are closest."""
    return np.asarray(_roots(fine, survival) * np.maximum(survival[:-1], _TAIL) ** (-1 / 6))


def _roots(fine: Array, survival: Array) -> Array:
    """Return the integral of sqrt(f) between any two times."""
    ended = np.maximum(-np.diff(survival), 0.0)  # rounding may let a survival rise
    return np.asarray(np.sqrt(ended * np.diff(fine)))


def _has_density(durations: Distribution) -> bool:
    """Say whether some durations have no probability of their own."""
    atoms = durations.atoms
    jumps = durations.survival(np.nextafter(atoms, -1.0)) - durations.survival(atoms)
    return bool(jumps.sum() < 1 - 1e-9)


def _landmarks(durations: Distribution) -> Array:
    """Return quantiles of the durations, or of each of their parts: most of them far out on either side."""
    if isinstance(durations, Mixture):
        return np.unique(np.concatenate([_landmarks(part) for part in durations.parts]))
    if isinstance(durations, Cut):
        return np.minimum(_landmarks(durations.whole), durations.at)
    quantiles = durations.quantile(_LANDMARKS)
    return np.unique(quantiles[np.isfinite(quantiles)])


def _fine_points(durations: Distribution) -> Array:
    """Return times from 0 to the end of the longest job: landmarks, and more where much happens."""
    atoms = durations.atoms
    before = np.nextafter(atoms, -1.0).clip(min=0.0)
    fine = np.unique(np.concatenate(([0.0], _landmarks(durations), before, atoms)))
    for _ in range(_HALVINGS):
        weights = _weights(fine, durations.survival(fine))
        wide = np.flatnonzero((weights > weights.sum() / _FINE) & (np.diff(fine) > 1e-9 * fine[1:]))
        if not len(wide):
            break
        fine = np.insert(fine, wide + 1, (fine[wide] + fine[wide + 1]) / 2)
    return fine

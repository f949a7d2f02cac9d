"""Figures as people read them: a column has one unit, and as many decimals in each row."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeGuard

from attrs import frozen

from bide.lab.comparison import WorkloadResults

NOTHING = "\N{EN DASH}"


@frozen
class Unit:
    """
    A unit of time.

    Args:
        name: as it stands after a number.
        seconds: how long it is.
    """

    name: str
    seconds: float


_MS, _S, _MIN, _H = Unit("ms", 0.001), Unit("s", 1.0), Unit("min", 60.0), Unit("h", 3600.0)


def unit_for(mean: float) -> Unit:
    """Return the unit in which to tell times about jobs of such a mean duration, in seconds."""
    largest = ((1.0, _MS), (15 * 60.0, _S), (10 * 3600.0, _MIN))
    return next((unit for most, unit in largest if mean < most), _H)


def is_number(value: float | None) -> TypeGuard[float]:
    """Say whether there is a number; infinity is one."""
    return value is not None and not math.isnan(value)


def decimals_for(values: Iterable[float | None]) -> int:
    """Return how many decimals a column of such values has: none for whole numbers, one for long ones."""
    known = [value for value in values if is_number(value) and value < math.inf]
    if all(value == int(value) for value in known):
        return 0
    return 2 if max(known) < 1000 else 1


def format_number(value: float | None, decimals: int) -> str:
    """Return a number with so many decimals, or a dash where there is none."""
    if not is_number(value):
        return NOTHING
    return "∞" if value == math.inf else f"{value:.{decimals}f}"


def format_error(error: float | None, decimals: int) -> str:
    """Return a standard error, if it is large enough to be seen in a number of so many decimals."""
    if not is_number(error) or error < 0.5 * 10**-decimals:
        return ""
    return f"±{format_number(error, decimals)}"


def format_share(share: float | None) -> str:
    """Return a share in percent; what is not all, or not nothing, does not look so."""
    if not is_number(share):
        return NOTHING
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"


def durations_in_words(workload: WorkloadResults) -> str:
    """Return a sentence on how long the jobs of a workload take."""
    unit = unit_for(workload.mean)
    mean, short, long = (
        f"{seconds / unit.seconds:.3g} {unit.name}"
        for seconds in (workload.mean, workload.quantiles[0], workload.quantiles[-1])
    )
    if short == long:
        return f"Jobs take {mean}."
    return f"Jobs take {mean} in the mean; nine in ten take between {short} and {long}."

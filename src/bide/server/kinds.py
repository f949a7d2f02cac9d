"""Kinds of jobs: how long they last, how many fail, and what they show of themselves on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import orjson
from attrs import Attribute, field, frozen

from bide.durations import parse_range
from bide.errors import ConfigError, Problem, shown
from bide.files import located
from bide.rules import Number, OneOf, seconds

Progress = Literal["linear", "stalling", "none"]
"""What jobs say of their progress; a stalling one hurries to nine tenths, and stays there until its end."""

_STALLS_AT = 0.9
_STALLS_FROM = 0.5  # of the duration


class Durations(Protocol):
    """How long the jobs of a kind last."""

    @property
    def shortest(self) -> float:
        """The least duration, in seconds."""
        ...

    def at(self, share: float) -> float:
        """Return the duration in seconds that a share of the jobs does not exceed; from 0, below 1."""
        ...


@frozen
class Between:
    """
    All durations between two are equally likely.

    Args:
        shortest: in seconds; >= 0.
        longest: in seconds; >= shortest.
    """

    shortest: float = field(validator=seconds(least=0))
    longest: float = field(validator=seconds(least=0))

    def __attrs_post_init__(self) -> None:
        if self.longest < self.shortest:
            raise ConfigError(f"the shorter end comes first, got {self.shortest:g}..{self.longest:g} seconds")

    def at(self, share: float) -> float:
        """Return the duration that lies at a share of the way."""
        return self.shortest + (self.longest - self.shortest) * share


@frozen
class Distributed:
    """
    Durations of a distribution of the lab.

    Args:
        distribution: has ``quantile``, as the workloads of `bide.lab` do.
    """

    distribution: Any

    @property
    def shortest(self) -> float:
        """The least duration, in seconds."""
        return self.at(0.0)

    def at(self, share: float) -> float:
        """Return the distribution's quantile."""
        import numpy as np

        return float(self.distribution.quantile(np.array([share]))[0])


def durations_of(value: object) -> Durations:
    """
    Return the durations that a value in a config means.

    Args:
        value: text such as ``5s..15s``; or text or a table that means a distribution to the lab.

    Raises:
        ConfigError: it means none; or it means a distribution, and the extra ``lab`` is not installed.
    """
    if isinstance(value, (Between, Distributed)):
        return value
    if isinstance(value, str) and "(" not in value and not value.endswith(".toml"):
        return Between(*parse_range(value))
    if not isinstance(value, (str, Mapping)):
        raise ConfigError(f"must be text such as '5s..15s' or 'lognormal(60s, 0.5)', got {shown(value)}")
    try:
        from bide.lab.workloads import durations_from
    except ImportError as error:
        raise ConfigError(f"{shown(value)} needs bide's extra 'lab': {error}") from error
    return Distributed(durations_from(value, Path(located(""))))


def _durations(value: object) -> Durations:
    try:
        return durations_of(value)
    except ConfigError as error:
        raise error.inside("durations") from error


def _is_json(_instance: object, attribute: Attribute[Any], value: object) -> None:
    try:
        json.dumps(value, allow_nan=False)
        orjson.dumps(value)  # which takes no number beyond 64 bits, and no text that has no UTF-8
    except (TypeError, ValueError) as error:
        raise ConfigError(
            Problem(f"must be what JSON can hold: {error}; got {shown(value)}", (attribute.name,))
        ) from None


@frozen(kw_only=True)
class JobKind:
    """
    A kind of simulated jobs.

    Args:
        durations: how long they last: ``5s..15s`` for all between to be equally likely, or a distribution as
            the lab's workloads have them, such as ``lognormal(60s, 0.5)`` or ``samples(times.csv, seconds)``;
            these need the extra ``lab``.
        failing: share of the jobs that end as ``error``; 0 to 1.
        progress: ``linear``; ``stalling``, which is nine tenths after half the time and then no more; or
            ``none``, when jobs say nothing of it.
        result: what a completed job has as its result; by default its duration.
        pinnable: whether a request may fix a job's duration and outcome.
    """

    durations: Durations = field(default=Between(5.0, 15.0), converter=_durations)
    failing: float = field(default=0.5, validator=Number(least=0, most=1))
    progress: Progress = field(default="linear", validator=OneOf("linear", "stalling", "none"))
    result: Mapping[str, Any] | None = field(default=None, validator=_is_json)
    pinnable: bool = True

    def shown_progress(self, worked: float) -> float | None:
        """Return what a job says of its progress, after a share of its duration."""
        if self.progress == "none":
            return None
        if self.progress == "linear" or worked >= 1:
            return worked
        return _STALLS_AT * min(1.0, worked / _STALLS_FROM)

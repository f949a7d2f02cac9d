"""What a job server can be told: where its jobs lie, and how the simulated work behaves."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, field, frozen

from bide.durations import Seconds
from bide.errors import ConfigError, Problem
from bide.rules import Number, seconds

MEMORY = ":memory:"
"""The database that lives and dies with its server."""


def _path(_instance: object, attribute: Attribute[Any], value: object) -> None:
    # To SQLite an empty path means a nameless temporary file: no acknowledged job would outlive the server.
    if not isinstance(value, str) or not value or "\0" in value:
        rule = f"must be the path of a file, or {MEMORY}, got {value!r}"
        raise ConfigError(Problem(rule, (attribute.name,)))


@frozen(kw_only=True)
class ServerConfig:
    """
    The settings of one job server.

    Args:
        database: path of the SQLite file that keeps the jobs, or ``:memory:``.
        shortest: least duration of a job, in seconds; >= 0.
        longest: greatest duration of a job, in seconds; >= shortest. Durations are uniform between the two.
        failing: share of the jobs that end as ``error``; 0 to 1.
        seed: what all durations and outcomes are drawn from; None: the operating system chooses one.
        retry_after: seconds for which the answer to a new job asks to be left alone, rounded down to whole
            ones; 0 for none; None: the shortest, unless the client pinned a duration.
        threads: answer requests; >= 2. At most half of them hold an answer back at once.
    """

    database: str = field(default=MEMORY, validator=_path)
    shortest: Seconds = field(default=5.0, validator=seconds(least=0))
    longest: Seconds = field(default=15.0, validator=seconds(least=0))
    failing: float = field(default=0.5, validator=Number(least=0, most=1))
    seed: int | None = field(default=None, validator=Number(whole=True, optional=True))
    retry_after: Seconds | None = field(default=None, validator=seconds(least=0, optional=True))
    threads: int = field(default=4, validator=Number(least=2, whole=True))

    def __attrs_post_init__(self) -> None:
        if self.longest < self.shortest:
            rule = f"must be >= shortest ({self.shortest:g} seconds), got {self.longest!r}"
            raise ConfigError(Problem(rule, ("longest",)))

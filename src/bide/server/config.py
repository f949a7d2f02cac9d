"""What a job server can be told: where its jobs lie, and how the simulated work behaves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import Attribute, field, frozen

from bide.config import read_toml
from bide.convert import structure
from bide.durations import Seconds
from bide.errors import ConfigError, Problem
from bide.files import beside, located
from bide.rules import Number, seconds
from bide.server.faults import Faults
from bide.server.keys import are_hashes
from bide.server.kinds import JobKind
from bide.server.rate_limit import RateLimit

_WORKERS = 16  # with 4, creates share a commit with so few that the disk limits them; reads do not care
_LATE_WORKERS = 64  # more cost every request a little
_MOST_WORKERS = 1000

DEFAULT = "default"
"""The kind of the jobs for which a client names none."""

MEMORY = ":memory:"
"""The database that lives and dies with its server."""


def _path(_instance: object, attribute: Attribute[Any], value: object) -> None:
    # To SQLite an empty path means a nameless temporary file: no acknowledged job would outlive the server.
    if not isinstance(value, str) or not value or "\0" in value:
        rule = f"must be the path of a file, or {MEMORY}, got {value!r}"
        raise ConfigError(Problem(rule, (attribute.name,)))


def _beside_the_config(path: Any) -> Any:
    is_file = isinstance(path, str) and path not in {MEMORY, ""}
    return located(path) if is_file else path  # what is no path at all is refused afterwards


def _with_default(kinds: Mapping[str, JobKind]) -> Mapping[str, JobKind]:
    return {DEFAULT: JobKind(), **kinds}


@frozen(kw_only=True)
class ServerConfig:
    """
    The settings of one job server.

    Args:
        database: path of the SQLite file that keeps the jobs, or ``:memory:``.
        kinds: the kinds of jobs by their names. There is always a ``default``: the kind of a job for which
            the client names none.
        seed: what all ids, durations and outcomes are drawn from; None: the operating system chooses one, and
            nobody can guess an id.
        speed: how much faster than real time jobs run; > 0. A duration of 60 s takes 6 s at a speed of 10.
        retry_after: seconds for which the answer to a new job asks to be left alone, rounded down to whole
            ones; 0 for none; None: the shortest of its kind, unless the client pinned a duration.
        threads: answer requests; 2 to 1,000. At most half of them hold an answer back at once, and an answer
            that a fault delays takes one. None: 16, or 64 if there are such faults.
        faults: what goes wrong on purpose, if anything.
        keep: seconds for which a job is kept after it ended; > 0. None: for ever.
        keys: the hashes of API keys, by the names of those who have them, as ``bide key`` prints them; with
            any, requests need one, and jobs are visible to their owner only.
        public: whether a server without keys may listen where other machines can reach it.
        rate_limit: how many requests each client may make; None: any number.
    """

    database: str = field(default=MEMORY, converter=_beside_the_config, validator=_path)
    kinds: Mapping[str, JobKind] = field(factory=dict, converter=_with_default)
    seed: int | None = field(default=None, validator=Number(whole=True, optional=True))
    speed: float = field(default=1.0, validator=Number(above=0))
    retry_after: Seconds | None = field(default=None, validator=seconds(least=0, optional=True))
    threads: int | None = field(
        default=None, validator=Number(least=2, most=_MOST_WORKERS, whole=True, optional=True)
    )
    keep: Seconds | None = field(default=None, validator=seconds(above=0, optional=True))
    keys: Mapping[str, str] = field(factory=dict, validator=are_hashes, repr=False)
    public: bool = False
    faults: Faults | None = None
    rate_limit: RateLimit | None = None

    @property
    def workers(self) -> int:
        """How many threads answer requests."""
        if self.threads is not None:
            return self.threads
        return _LATE_WORKERS if self.faults is not None and self.faults.may_be_late else _WORKERS


def load_config(path: str | Path) -> ServerConfig:
    """
    Read the settings of a job server from a TOML file.

    Raises:
        ConfigError: the file is missing, unreadable or broken, or something in it is wrong.
    """
    table = read_toml(path)
    try:
        with beside(path):
            return structure(table, ServerConfig)
    except ConfigError as error:
        raise error.inside(source=str(path)) from error

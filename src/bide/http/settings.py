"""What a client of bide's job server waits with, and how to change it: the same for threads and for tasks."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import attrs

from bide.durations import Seconds
from bide.errors import ConfigError
from bide.http.api import JobApi
from bide.http.async_poller import AsyncHttpPoller
from bide.http.poller import HttpPoller
from bide.policy import Limits
from bide.strategy import Strategy

W = TypeVar("W", HttpPoller, AsyncHttpPoller)


class Settings(Generic[W]):
    """A server, and how a client waits for its jobs."""

    def __init__(self, base_url: str, waits: W) -> None:
        self._api = JobApi.at(base_url)
        self._waits: W = waits

    @property
    def strategy(self) -> Strategy:
        """What the next wait will choose its delays with."""
        return self._waits.poller.strategy

    @property
    def limits(self) -> Limits:
        """What ends the next wait if the job does not."""
        return self._waits.poller.limits

    def url_of(self, job_id: str) -> str:
        """
        Return the URL at which the server tells of a job.

        Raises:
            ConfigError: the id is no text, empty, or a step in a path.
        """
        return self._api.url_of(job_id)

    def set_max_attempts(self, max_attempts: int) -> None:
        """
        Allow at most so many calls for each of the next waits.

        Raises:
            ConfigError: not a whole number >= 1; nothing is changed.
        """
        self._set_limits(max_attempts=max_attempts)

    def set_timeout(self, timeout: Seconds) -> None:
        """
        Put the deadline of the next waits so many seconds after their start.

        Raises:
            ConfigError: not a number of seconds > 0; nothing is changed.
        """
        self._set_limits(timeout=timeout)

    def set_base_delay(self, base_delay: Seconds) -> None:
        """
        Let the delays of the next waits grow from so many seconds.

        Raises:
            ConfigError: not seconds > 0, above the cap, or the strategy has no base; nothing is changed.
        """
        self._set_strategy(base=base_delay)

    def set_max_delay(self, max_delay: Seconds) -> None:
        """
        Let the delays of the next waits grow up to so many seconds, before jitter.

        Raises:
            ConfigError: not seconds > 0, below the base, or the strategy has no cap; nothing is changed.
        """
        self._set_strategy(cap=max_delay)

    def _set_limits(self, **changes: Any) -> None:
        if None in changes.values():
            raise ConfigError(f"{next(iter(changes))}: None lifts a limit; pass limits=Limits(…) to do that")
        self._evolve(limits=attrs.evolve(self.limits, **changes))

    def _set_strategy(self, **changes: Any) -> None:
        strategy: Any = self.strategy
        fields = attrs.fields_dict(type(strategy)) if attrs.has(type(strategy)) else {}
        for name in changes:
            if name not in fields:
                raise ConfigError(f"the strategy {strategy!r} has no {name!r} to set")
        self._evolve(strategy=attrs.evolve(strategy, **changes))

    def _evolve(self, **changes: Any) -> None:
        poller: Any = attrs.evolve(self._waits.poller, **changes)
        self._waits.poller = poller

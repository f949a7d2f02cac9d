"""What a client can ask of the server, whatever the wire format: submit a job, find a job."""

from __future__ import annotations

import logging
import secrets
import uuid
from collections.abc import Callable

from attrs import frozen

from bide.server.config import ServerConfig
from bide.server.job import Job, Outcome
from bide.server.store import Store
from bide.server.work import draw

_logger = logging.getLogger(__name__)


@frozen(kw_only=True)
class Pins:
    """
    What a client fixes of a job that would be drawn otherwise; None leaves it to the draw.

    Args:
        duration: seconds from the job's creation to its end.
        outcome: how the job ends.
    """

    duration: float | None = None
    outcome: Outcome | None = None


class JobService:
    """
    The jobs of one server: its store, its simulated work and its clock, put together.

    Args:
        config: how the work behaves.
        store: where the jobs are kept.
        clock: wall clock, in seconds since the epoch.
    """

    def __init__(self, config: ServerConfig, store: Store, *, clock: Callable[[], float]) -> None:
        """Draw a seed, if the config leaves it open."""
        self.clock = clock
        self._config = config
        self._store = store
        self._seed = secrets.randbits(32) if config.seed is None else config.seed
        _logger.info("jobs are drawn from seed %d", self._seed)

    def submit(self, pins: Pins | None = None) -> Job:
        """Start one more job, and return it once it is kept."""
        return self._store.add(lambda number: self._plan(number, pins or Pins()))

    def find(self, id: str) -> Job | None:  # noqa: A002 - the word that the API uses
        """Return the job of an id, or None if there is none."""
        return self._store.get(id)

    def _plan(self, number: int, pins: Pins) -> Job:
        fate = draw(number, seed=self._seed, config=self._config)
        duration = fate.duration if pins.duration is None else pins.duration
        now = self.clock()
        return Job(
            id=str(uuid.uuid4()),
            created_at=now,
            ends_at=now + duration,
            outcome=pins.outcome or fate.outcome,
        )

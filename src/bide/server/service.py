"""What a client can ask of the server, whatever the wire format: submit jobs, find, list and cancel them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from threading import Event

from attrs import frozen

from bide.errors import ConfigError, Problem, nearest, shown
from bide.server.config import DEFAULT, ServerConfig
from bide.server.holds import Holds, Pause, WhenGone
from bide.server.idempotency import Claim
from bide.server.job import DIGITS, Job, Outcome
from bide.server.kinds import JobKind
from bide.server.lots import named
from bide.server.store import Store
from bide.server.work import draw

_MARGIN = 0.001  # seconds: two clocks are not read at the same instant, and a time has its last digit


@frozen(kw_only=True)
class Order:
    """
    What a client wants of a new job; None leaves it to the draw.

    Args:
        owner: whose the job is.
        kind: the name of its kind.
        duration: seconds from the job's creation to its end.
        outcome: how the job ends.
    """

    owner: str = ""
    kind: str = DEFAULT
    duration: float | None = None
    outcome: Outcome | None = None


@frozen
class Page:
    """
    A part of the list of all jobs.

    Args:
        jobs: the newest first.
        last: the sequence number of the last of them, if there are older ones.
    """

    jobs: list[Job]
    last: int | None


class JobService:
    """
    The jobs of one server: its store, its simulated work and its clock, put together.

    Args:
        config: how the work behaves.
        store: where the jobs are kept.
        seed: what durations and outcomes are drawn from.
        clock: wall clock, in seconds since the epoch.
        pause: how a request waits for a job.
    """

    def __init__(
        self,
        config: ServerConfig,
        store: Store,
        *,
        seed: int,
        clock: Callable[[], float],
        pause: Pause = Event.wait,
    ) -> None:
        """Hold no request yet."""
        self.clock = clock
        self._config = config
        self._store = store
        self._holds = Holds(config.workers // 2, pause)
        self._seed = seed

    def submit(self, order: Order | None = None, claim: Claim | None = None) -> Job:
        """
        Start one more job, and return it once it is kept; or return the one that the same claim started.

        Raises:
            ConfigError: there is no such kind, or it does not let a client choose what the order chooses.
            KeyReused: the claim's key came with another body.
        """
        order = order or Order()
        kind = self._kind_for(order)
        return self._store.add(lambda number: self._plan(number, order, kind), claim)

    def kind_of(self, job: Job) -> JobKind:
        """Return the kind of a job; of one whose kind the config has no more, the default."""
        return self._config.kinds.get(job.kind) or self._config.kinds[DEFAULT]

    def find(self, id: str, owner: str) -> Job | None:  # noqa: A002 - the word that the API uses
        """Return the job of an id, or None if this owner has none."""
        return self._store.get(id, owner)

    def find_many(self, ids: Iterable[str], owner: str) -> list[Job | None]:
        """Return the job of each id, or None if this owner has none."""
        return self._store.get_many(ids, owner)

    def page(self, most: int, owner: str, *, before: int | None) -> Page:
        """
        Return jobs, the newest first.

        Args:
            most: how many.
            owner: whose they are.
            before: the sequence number that ended the page before; None for the first page.
        """
        # One more than asked for: it tells whether there is another page.
        limits = {} if before is None else {"before": before}
        rows = self._store.page(most + 1, owner, **limits)
        last = rows[most - 1][0] if len(rows) > most else None
        return Page([job for _, job in rows[:most]], last)

    def cancel(self, id: str, owner: str) -> Job | None:  # noqa: A002 - the word that the API uses
        """Cancel a job, if it has not ended, and return how it is then; None if this owner has none."""
        job = self._store.cancel(id, self.clock(), owner)
        if job is not None:
            self._holds.release(id)
        return job

    def hold(self, id: str, owner: str, seconds: float, when_gone: WhenGone | None = None) -> bool:  # noqa: A002 - the word that the API uses
        """
        Wait until a job has ended, if a thread can be spared; return whether there was anything to wait for.

        Args:
            id: of the job.
            owner: whose it must be.
            seconds: how long to wait at most.
            when_gone: lets the waiting end when the client goes away.
        """
        return self._holds.hold(id, lambda: min(seconds, self._left(id, owner)), when_gone)

    def held(self) -> int:
        """Return how many requests wait for jobs at this moment."""
        return self._holds.taken()

    def release(self) -> None:
        """End all waiting for jobs, and begin no more."""
        self._holds.close()

    def hint(self, job: Job, order: Order) -> int:
        """
        Return the whole seconds for which a new job need not be looked at; 0 if nothing is known.

        Args:
            job: new, or started before by the same request.
            order: what that request wants.
        """
        seconds = self._config.retry_after
        if seconds is None:
            # What a client pinned is its own affair: told back, it would spoil whatever the client tries out.
            seconds = self._shortest(job) if order.duration is None else 0.0
        # Down, not up: a hint should make nobody late.
        elapsed = max(0.0, self.clock() - job.created_at)
        return max(0, int(seconds) - int(elapsed))

    def _left(self, id: str, owner: str) -> float:  # noqa: A002 - the word that the API uses
        job, now = self.find(id, owner), self.clock()
        pending = job is not None and job.status(now) == "pending"
        return job.ends_at - now + _MARGIN if job is not None and pending else 0.0

    def _shortest(self, job: Job) -> float:
        return self.kind_of(job).durations.shortest / self._config.speed

    def _kind_for(self, order: Order) -> JobKind:
        kinds = self._config.kinds
        if order.kind not in kinds:
            raise ConfigError(
                Problem(f"unknown kind {shown(order.kind)}{nearest(order.kind, kinds)}", ("kind",))
            )
        kind = kinds[order.kind]
        if not kind.pinnable and (order.duration, order.outcome) != (None, None):
            raise ConfigError(
                Problem(f"nothing of a job of the kind {order.kind!r} can be fixed", ("input",))
            )
        return kind

    def _plan(self, number: int, order: Order, kind: JobKind) -> Job:
        fate = draw(number, seed=self._seed, kind=kind)
        duration = fate.duration if order.duration is None else order.duration
        # Each on its own, or the same duration would differ in its last digit from one moment to another.
        now, lasts = round(self.clock(), DIGITS), round(duration / self._config.speed, DIGITS)
        return Job(
            id=self._id(number),
            created_at=now,
            ends_at=round(now + lasts, DIGITS),
            outcome=order.outcome or fate.outcome,
            kind=order.kind,
            owner=order.owner,
        )

    def _id(self, number: int) -> str:
        # Nobody can guess an id, unless somebody wished to know all of them beforehand, and chose the seed.
        return str(uuid.uuid4()) if self._config.seed is None else named(self._seed, f"id {number}")

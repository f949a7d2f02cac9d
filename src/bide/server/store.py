"""The store: jobs in SQLite, over one connection for everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Any, Self

from bide.server.group_commit import GroupCommit
from bide.server.idempotency import Claim, KeyReused
from bide.server.job import Job
from bide.server.schema import explained, open_database

_COLUMNS = "id, created_at, ends_at, outcome, kind, owner, cancelled_at"
_INSERT = """
    INSERT INTO jobs (number, id, created_at, ends_at, outcome, kind, owner, idempotency_key, body_digest)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CANCEL = """
    UPDATE jobs SET cancelled_at = ? WHERE id = ? AND owner = ? AND cancelled_at IS NULL AND ends_at > ?
"""
_BY_ID = f"SELECT {_COLUMNS} FROM jobs WHERE id = ?"  # noqa: S608 - our own columns
_BY_KEY = f"SELECT {_COLUMNS}, body_digest FROM jobs WHERE owner = ? AND idempotency_key = ?"  # noqa: S608
_PAGE = f"""
    SELECT {_COLUMNS}, number FROM jobs WHERE owner = ? AND number < ? ORDER BY number DESC LIMIT ?
"""  # noqa: S608
_FORGET = """
    DELETE FROM jobs WHERE number IN
    (SELECT number FROM jobs WHERE coalesce(cancelled_at, ends_at) < ? LIMIT ?)
"""
_AT_ONCE = 1000  # jobs that are forgotten before others get a turn
_BEYOND = 2**63 - 1  # no job has this number
_REMEMBERED = 32_768  # jobs: some 15 MB


class Store:
    """
    The jobs of one server. Any thread may use it.

    Args:
        path: the SQLite file, created if there is none, or ``:memory:``.

    Raises:
        ConfigError: the file cannot be opened, is not bide's, is newer than this code, or is in use.
    """

    def __init__(self, path: str) -> None:
        """Open the file, and hold it until `close`."""
        self._lock = Lock()
        # Jobs as they are on disk: whoever polls comes again. Only who holds the lock changes this.
        self._recent: dict[str, Job] = {}
        with explained(path):
            self._connection = open_database(path)
        self._writes = GroupCommit(self._connection, self._lock)

    def add(self, plan: Callable[[int], Job], claim: Claim | None = None) -> Job:
        """
        Keep one more job, on disk when this returns; or return the one that the same request made before.

        Args:
            plan: makes the job of a sequence number; the first is 1. Called at most once, by one thread at a
                time.
            claim: tells the same request, if it comes again.

        Raises:
            KeyReused: the claim's key came with another body.
        """
        return self._writes.run(partial(self._add, plan, claim))

    def get(self, id: str, owner: str = "") -> Job | None:  # noqa: A002 - the word that the API uses
        """Return the job of an id, if it is this owner's, or None."""
        job = self._recent.get(id)
        if job is None:
            with self._lock:
                job = self._find(id)
        return _if_of(owner, job)

    def is_at_hand(self, id: str) -> bool:  # noqa: A002 - the word that the API uses
        """Say whether `get` need not wait for others, who write; a moment later it may."""
        return id in self._recent or not self._lock.locked()

    def get_many(self, ids: Iterable[str], owner: str = "") -> list[Job | None]:
        """Return the job of each id, if it is this owner's, or None; all as they were at one moment."""
        with self._lock:
            return [_if_of(owner, self._find(one)) for one in ids]

    def page(self, most: int, owner: str = "", *, before: int = _BEYOND) -> list[tuple[int, Job]]:
        """
        Return jobs and their sequence numbers, the newest first.

        Args:
            most: how many jobs.
            owner: of the jobs.
            before: only jobs with a lower number than this.
        """
        with self._lock:
            rows = self._connection.execute(_PAGE, (owner, before, most)).fetchall()
        return [(row[-1], _job(row)) for row in rows]

    def cancel(self, id: str, now: float, owner: str = "") -> Job | None:  # noqa: A002 - the word that the API uses
        """
        Cancel a job, if it has not ended; it is on disk when this returns. Return how it is then, or None.

        Args:
            id: of the job.
            now: wall clock, in seconds since the epoch.
            owner: whose it must be.
        """
        return self._writes.run(partial(self._cancel, id, now, owner))

    def forget(self, before: float) -> int:
        """
        Delete the jobs that ended before a time, and give their room back; return how many there were.

        Other requests get their turn after every thousand.

        Args:
            before: wall clock, in seconds since the epoch.
        """
        forgotten = 0
        while True:
            with self._lock:
                count = self._connection.execute(_FORGET, (before, _AT_ONCE)).rowcount
                self._recent.clear()
                # Not by `execute`, which stops after the first page.
                self._connection.executescript(f"PRAGMA incremental_vacuum({_AT_ONCE})")
            forgotten += count
            if count < _AT_ONCE:
                return forgotten

    def close(self) -> None:
        """Let go of the file. A second call does nothing."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _add(self, plan: Callable[[int], Job], claim: Claim | None) -> Job:
        kept = None if claim is None else self._claimed(claim)
        return self._insert(plan, claim) if kept is None else kept

    def _cancel(self, id: str, now: float, owner: str) -> Job | None:  # noqa: A002 - the word that the API uses
        self._connection.execute(_CANCEL, (now, id, owner, now))
        self._recent.pop(id, None)  # whoever asks before this is on disk, waits for the lock
        return _if_of(owner, self._get(id))

    def _claimed(self, claim: Claim) -> Job | None:
        row = self._connection.execute(_BY_KEY, (claim.owner, claim.key)).fetchone()
        if row is not None and row[-1] != claim.digest:
            raise KeyReused
        return None if row is None else _job(row)

    def _insert(self, plan: Callable[[int], Job], claim: Claim | None) -> Job:
        number = self._last_number() + 1
        job = plan(number)
        key, digest = (None, None) if claim is None else (claim.key, claim.digest)
        row = (number, job.id, job.created_at, job.ends_at, job.outcome, job.kind, job.owner, key, digest)
        self._connection.execute(_INSERT, row)
        return job

    def _find(self, id: str) -> Job | None:  # noqa: A002 - the word that the API uses
        job = self._recent.get(id) or self._get(id)
        if job is not None:
            self._recent[id] = job
            if len(self._recent) > _REMEMBERED:
                del self._recent[next(iter(self._recent))]
        return job

    def _get(self, id: str) -> Job | None:  # noqa: A002 - the word that the API uses
        row = self._connection.execute(_BY_ID, (id,)).fetchone()
        return None if row is None else _job(row)

    def _last_number(self) -> int:
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()
        return int(row[0]) if row else 0


def _job(row: tuple[Any, ...]) -> Job:
    return Job(
        id=row[0],
        created_at=row[1],
        ends_at=row[2],
        outcome=row[3],
        kind=row[4],
        owner=row[5],
        cancelled_at=row[6],
    )


def _if_of(owner: str, job: Job | None) -> Job | None:
    return job if job is not None and job.owner == owner else None

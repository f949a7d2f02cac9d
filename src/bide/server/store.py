"""
The store: jobs in SQLite.

One connection does everything. SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when two connections write
or checkpoint at once; and with one, the file can stay locked for as long as the server lives
(``locking_mode=EXCLUSIVE``), which refuses a second server. The kernel drops the lock when the process dies,
however it dies, so none is ever stale. Nothing here may open the file except through SQLite: to close any
other descriptor of it would drop the lock as well (POSIX).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from bide.errors import ConfigError, Problem
from bide.server.config import MEMORY
from bide.server.job import Job

APPLICATION_ID = int.from_bytes(b"bide")
"""What marks a database as bide's, in its header."""

SCHEMA_VERSION = 1
"""The layout that this code writes, in ``user_version``."""

# AUTOINCREMENT: a number is never given twice, whatever is deleted. The draws depend on it.
_CREATE = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        created_at REAL NOT NULL,
        ends_at REAL NOT NULL,
        outcome TEXT NOT NULL
    )
    """,
)


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
        with _explained(path):
            _inspect(path)
            self._connection = _open(path)
            self._last = self._last_number()

    def add(self, plan: Callable[[int], Job]) -> Job:
        """
        Keep one more job; it is on disk when this returns.

        Args:
            plan: makes the job of a sequence number; the first is 1. Called once, by one thread at a time.
        """
        with self._lock:
            number = self._last + 1
            job = plan(number)
            row = (number, job.id, job.created_at, job.ends_at, job.outcome)
            self._connection.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?)", row)
            self._last = number
        return job

    def get(self, id: str) -> Job | None:  # noqa: A002 - the word that the API uses
        """Return the job of an id, or None."""
        query = "SELECT created_at, ends_at, outcome FROM jobs WHERE id = ?"
        with self._lock:
            row = self._connection.execute(query, (id,)).fetchone()
        if row is None:
            return None
        created_at, ends_at, outcome = row
        return Job(id=id, created_at=created_at, ends_at=ends_at, outcome=outcome)

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

    def _last_number(self) -> int:
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()
        return int(row[0]) if row else 0


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn what SQLite says into one line about the file."""
    try:
        yield
    except sqlite3.Error as error:
        # The low byte is the primary code; SQLITE_BUSY has several extended ones.
        busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        what = "is in use by another process" if busy else f"cannot be used as a database: {error}"
        raise ConfigError(Problem(what, source=path)) from error
    except ConfigError as error:
        raise error.inside(source=path) from error.__cause__


def _inspect(path: str) -> None:
    """Refuse a file that is not bide's before anything can change a byte of it."""
    file = Path(path)
    if path == MEMORY:
        return
    if not file.exists():
        _require_folder(file)
    elif not file.is_file():
        raise ConfigError("is not a file")
    elif file.stat().st_size:
        # `immutable`: no lock, no recovery, no checkpoint when it is closed.
        uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            _require_ours(connection)


def _require_folder(file: Path) -> None:
    if not file.parent.is_dir():
        raise ConfigError(f"cannot be created: there is no folder {file.parent}")


def _require_ours(connection: sqlite3.Connection) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise ConfigError("is a database, but not one of bide's")
    version = _pragma(connection, "user_version")
    if version > SCHEMA_VERSION:
        raise ConfigError(f"was written by a newer bide (schema {version}; this one knows {SCHEMA_VERSION})")


def _open(path: str) -> sqlite3.Connection:
    # No timeout: whoever holds the lock holds it for as long as it lives.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN EXCLUSIVE")
    # In one transaction, and before WAL: so the header of the file holds the mark from the start.
    if _pragma(connection, "application_id") == 0:
        for statement in _CREATE:
            connection.execute(statement)
    _require_ours(connection)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

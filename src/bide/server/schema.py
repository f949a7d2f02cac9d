"""
The database: opened, checked to be bide's, brought to the layout of this code, and held.

SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when two connections write or checkpoint at once. With one
connection that cannot happen; and the file can stay locked for as long as the server lives
(``locking_mode=EXCLUSIVE``), which refuses a second server. The kernel drops the lock when the process dies,
however it dies, so none is ever stale. Nothing here may open the file except through SQLite: to close any
other descriptor of it would drop the lock as well (POSIX).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bide.errors import ConfigError, Problem
from bide.server.config import MEMORY

APPLICATION_ID = int.from_bytes(b"bide")
"""What marks a database as bide's, in its header."""

_STEPS = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        # AUTOINCREMENT: a number is never given twice, whatever is deleted. The draws depend on it.
        """
        CREATE TABLE jobs (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            created_at REAL NOT NULL,
            ends_at REAL NOT NULL,
            outcome TEXT NOT NULL
        )
        """,
    ),
    (
        "ALTER TABLE jobs ADD COLUMN cancelled_at REAL",
        "ALTER TABLE jobs ADD COLUMN idempotency_key TEXT",
        "ALTER TABLE jobs ADD COLUMN body_digest BLOB",
        # Most jobs come without a key, and should not pay for the index.
        """
        CREATE UNIQUE INDEX jobs_by_idempotency_key ON jobs (idempotency_key)
        WHERE idempotency_key IS NOT NULL
        """,
    ),
    ("ALTER TABLE jobs ADD COLUMN kind TEXT NOT NULL DEFAULT 'default'",),
    (
        "ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
        "DROP INDEX jobs_by_idempotency_key",
        """
        CREATE UNIQUE INDEX jobs_by_owner_and_key ON jobs (owner, idempotency_key)
        WHERE idempotency_key IS NOT NULL
        """,
        "CREATE INDEX jobs_by_owner ON jobs (owner, number)",
        "CREATE INDEX jobs_by_end ON jobs (coalesce(cancelled_at, ends_at))",
    ),
)
# Never changed, only added to: a database that stands at any of them may come.

_INCREMENTAL = 2

SCHEMA_VERSION = len(_STEPS)
"""The layout that this code reads and writes, in ``user_version``: how many of the steps were taken."""


def open_database(path: str) -> sqlite3.Connection:
    """
    Open a database, and hold it until the connection is closed; every commit is on disk when it returns.

    Args:
        path: the SQLite file, created if there is none, or ``:memory:``.

    Raises:
        ConfigError: the file is not bide's, or newer than this code.
        sqlite3.Error: it cannot be opened, or is in use.
    """
    _inspect(path)
    # Absolute, or SQLite may take what begins with "file:" for the URI of something else than that file.
    target = path if path == MEMORY else str(Path(path).absolute())
    # No timeout: whoever holds the lock holds it for as long as it lives.
    connection = sqlite3.connect(target, isolation_level=None, check_same_thread=False, timeout=0)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


_IN_USE = "is in use by another process; each server needs a database of its own (--db)"


@contextmanager
def explained(path: str) -> Iterator[None]:
    """
    Turn what SQLite says into one line about the file.

    Raises:
        ConfigError: SQLite raised an error, or somebody a ConfigError, which then names the file.
    """
    try:
        yield
    except sqlite3.Error as error:
        # The low byte is the primary code; SQLITE_BUSY has several extended ones.
        busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        what = _IN_USE if busy else f"cannot be used as a database: {error}"
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
            # Without its log, a file is shorter than its header says if a kill cut a checkpoint short. SQLite
            # calls that malformed, unless it may expect the worst.
            connection.execute("PRAGMA writable_schema = ON")
            _require_ours(connection)


def _require_folder(file: Path) -> None:
    if not file.parent.is_dir():
        raise ConfigError(f"cannot be created: there is no folder {file.parent}")


def _require_ours(connection: sqlite3.Connection) -> None:
    version = _pragma(connection, "user_version")
    if _pragma(connection, "application_id") != APPLICATION_ID or version < 1:
        raise ConfigError("is a database, but not one of bide's")
    if version > SCHEMA_VERSION:
        raise ConfigError(f"was written by a newer bide (schema {version}; this one knows {SCHEMA_VERSION})")


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before there is a table, or it takes a VACUUM
    connection.execute("BEGIN EXCLUSIVE")
    # In one transaction, and before WAL: so the header of the file holds the mark from the start.
    if _pragma(connection, "application_id") != 0:
        _require_ours(connection)
    _upgrade(connection)
    connection.execute("COMMIT")
    if _pragma(connection, "auto_vacuum") != _INCREMENTAL:
        connection.execute("VACUUM")  # of an older bide's, once: so that it can shrink from now on
    connection.execute("PRAGMA journal_mode = WAL")


def _upgrade(connection: sqlite3.Connection) -> None:
    """Take the steps that the database has not seen yet: all of them, if it is new."""
    for number in range(_pragma(connection, "user_version"), SCHEMA_VERSION):
        for statement in (*_STEPS[number], f"PRAGMA user_version = {number + 1}"):
            connection.execute(statement)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

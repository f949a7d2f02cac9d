"""
What is remembered of jobs: how long those of a kind took, in a file that several processes share.

The file is a database of SQLite with a rollback journal. A write-ahead log is quicker, but before SQLite
3.51.3 it may break where two processes write at once, and here they do.
"""

from __future__ import annotations

import itertools
import math
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import field, frozen

from bide.durations import MAX_SECONDS
from bide.errors import ConfigError, Problem
from bide.learning import Lesson
from bide.outcome import End
from bide.rules import Text

KEPT = 2000
"""How many jobs are remembered of each kind and key: the newest."""

KEYS = 200
"""How many keys are remembered of each kind: those that were used last."""

_BUSY = 2.0
"""How long the file may be locked by others, in seconds, before that is an error."""

_MARKS = ("application_id", "user_version")
_APPLICATION, _VERSION = 0x62696465, 1  # "bide"

_SCHEMA = f"""
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    ended TEXT NOT NULL,
    began_at REAL NOT NULL
);
CREATE INDEX jobs_of_kind ON jobs (kind, key, id);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""

_ADD = "INSERT INTO jobs (kind, key, low, high, ended, began_at) VALUES (?, ?, ?, ?, ?, ?)"
_REPLACED = "DELETE FROM jobs WHERE kind = ? AND key = ? AND began_at = ? AND high > 1e300"
_OLD = """
DELETE FROM jobs WHERE kind = :kind AND key = :key AND id <= (
    SELECT id FROM jobs WHERE kind = :kind AND key = :key ORDER BY id DESC LIMIT 1 OFFSET :kept)
"""
_IS_KNOWN = "SELECT 1 FROM jobs WHERE kind = :kind AND key = :key"
_UNUSED = """
DELETE FROM jobs WHERE kind = :kind AND key IN (
    SELECT key FROM jobs WHERE kind = :kind GROUP BY key ORDER BY max(id) DESC LIMIT -1 OFFSET :keys)
"""
# Once jobs are forgotten, their numbers are given again.
_ADDED = """
SELECT key, count(*), max(id) FROM jobs
WHERE +kind = :kind AND id > CASE WHEN :since > (SELECT max(id) FROM jobs) THEN 0 ELSE :since END
GROUP BY key
"""
_ALL = "SELECT key, low, high, ended, began_at FROM jobs WHERE kind = :kind ORDER BY id"
_FOR_KEY = """
SELECT key, low, high, ended, began_at FROM (
    SELECT * FROM (SELECT * FROM jobs WHERE kind = :kind AND key = :key ORDER BY id DESC LIMIT :kept)
    UNION ALL
    SELECT * FROM (SELECT * FROM jobs WHERE kind = :kind AND key <> :key ORDER BY id DESC LIMIT :kept)
) ORDER BY id
"""
_FORGET = "DELETE FROM jobs WHERE kind = :kind AND (:key IS NULL OR key = :key)"
_COUNTS = (
    "SELECT kind, key, count(*), min(began_at), max(began_at) FROM jobs GROUP BY kind, key ORDER BY 1, 2"
)


@frozen(kw_only=True)
class Remembered:
    """
    How much is remembered of one kind and key.

    Args:
        kind: of the jobs.
        key: what they have in common with some of their kind; empty without any.
        jobs: how many.
        oldest: when the first of them began: UTC.
        newest: when the last did.
    """

    kind: str
    key: str
    jobs: int
    oldest: datetime
    newest: datetime


@frozen
class SqliteHistory:
    """
    A file that remembers, shared by any number of processes; made when something is added.

    Each method opens the file and closes it, so it is safe to use from any thread and after a fork.

    Args:
        path: of the file.
        kept: how many jobs are remembered of each kind and key: the newest.
        keys: how many keys are remembered of each kind: those that were used last.
    """

    path: str = field(validator=Text())
    kept: int = field(default=KEPT, kw_only=True)
    keys: int = field(default=KEYS, kw_only=True)

    def add(self, kind: str, lessons: Iterable[Lesson]) -> None:
        """Remember lessons; see `bide.learning.History`."""
        given = list(lessons)
        with self._opened() as db:
            db.execute("BEGIN IMMEDIATE")
            _prepare(db)
            keys = [{"kind": kind, "key": key, "kept": self.kept} for key in {each.key for each in given}]
            are_known = all(db.execute(_IS_KNOWN, key).fetchone() for key in keys)
            db.executemany(_REPLACED, [(kind, each.key, each.began_at) for each in given if each.resumed])
            db.executemany(_ADD, [_row(kind, each) for each in given])
            db.executemany(_OLD, keys)
            if not are_known:
                db.execute(_UNUSED, {"kind": kind, "keys": self.keys})
            db.execute("COMMIT")

    def lessons(self, kind: str, key: str | None = None) -> Sequence[Lesson]:
        """Return what is remembered of a kind; see `bide.learning.History`."""
        wanted = {"kind": kind, "key": key, "kept": self.kept}
        rows = self._read(_ALL if key is None else _FOR_KEY, wanted)
        lessons = [lesson for lesson in itertools.starmap(_lesson, rows) if lesson is not None]
        if rows and not lessons:
            raise ConfigError(Problem("holds rows, and none of them is a job", source=self.path))
        return lessons

    def added(self, kind: str, since: int) -> tuple[int, Mapping[str, int]]:
        """Return a mark, and how many jobs were added since one; see `bide.learning.History`."""
        rows = self._read(_ADDED, {"kind": kind, "since": since})
        return max((last for _, _, last in rows), default=since), {key: jobs for key, jobs, _ in rows}

    def remembered(self) -> list[Remembered]:
        """
        Return what kinds and keys there are, in alphabetical order.

        Raises:
            ConfigError: it cannot be read.
        """
        return [
            Remembered(kind=kind, key=key, jobs=jobs, oldest=_utc(oldest), newest=_utc(newest))
            for kind, key, jobs, oldest, newest in self._read(_COUNTS, {})
        ]

    def forget(self, kind: str, key: str | None = None) -> int:
        """
        Forget the jobs of a kind, or of one key of it; return how many there were.

        Raises:
            ConfigError: it cannot be written.
        """
        if not is_there(self.path):
            return 0
        with self._opened() as db:
            _prepare(db)
            return db.execute(_FORGET, {"kind": kind, "key": key}).rowcount

    def _read(self, query: str, wanted: Mapping[str, object]) -> list[tuple[Any, ...]]:
        if not is_there(self.path):
            return []
        with self._opened() as db:
            return db.execute(query, wanted).fetchall() if _is_ours(db) else []

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            # SQLite takes some names for no file at all, but no absolute ones.
            path = Path(self.path).absolute()
            with closing(sqlite3.connect(path, timeout=_BUSY, isolation_level=None)) as db:
                yield db
        except (sqlite3.Error, UnicodeError) as error:  # a damaged file may hold what is no text
            raise ConfigError(Problem(f"cannot be used as a history: {error}", source=self.path)) from error
        except ConfigError as error:
            raise error.inside(source=self.path) from error


def is_there(path: str) -> bool:
    """Say whether there is a file; one in a folder that nobody may look into is none."""
    return os.path.exists(path)  # noqa: PTH110 - a Path raises an error there


def _is_ours(db: sqlite3.Connection) -> bool:
    """Say whether a file holds a history; False if it holds nothing yet."""
    application, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in _MARKS)
    if (application, version) == (_APPLICATION, _VERSION):
        return True
    if application == _APPLICATION:
        rule = f"is a history of version {version}; this bide reads version {_VERSION}"
        raise ConfigError(rule)
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise ConfigError("is a database, but no history of jobs")
    return False


def _prepare(db: sqlite3.Connection) -> None:
    """Make the tables in a new file; within a transaction, so that only one process does."""
    if not _is_ours(db):
        for statement in _SCHEMA.split(";"):
            db.execute(statement)


def _row(kind: str, lesson: Lesson) -> tuple[str, str, float, float, str, float]:
    return kind, lesson.key, lesson.low, lesson.high, str(lesson.end), lesson.began_at


def _lesson(key: str, low: float, high: float, ended: str, began_at: float) -> Lesson | None:
    """Return what a row remembers; None if it is damaged, as the others need not be."""
    try:
        lesson = Lesson(key=key, low=float(low), high=float(high), end=End(ended), began_at=float(began_at))
    except (ValueError, TypeError):
        return None
    is_sound = 0 <= lesson.low <= min(lesson.high, MAX_SECONDS)
    return lesson if is_sound and (lesson.high <= MAX_SECONDS or lesson.high == math.inf) else None


def _utc(at: object) -> datetime:
    try:
        return datetime.fromtimestamp(float(str(at)), UTC)
    except (ValueError, OverflowError, OSError):  # of a damaged row
        return datetime.fromtimestamp(0, UTC)

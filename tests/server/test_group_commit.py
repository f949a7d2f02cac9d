"""Group commit: what waits together is written together, and fails alone where it can."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Lock

import pytest

from bide.server.group_commit import GroupCommit


class Numbers:
    """A table of numbers, and what SQLite was told."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.lock = Lock()
        self.commits = GroupCommit(connection, self.lock)
        connection.execute("CREATE TABLE numbers (number INTEGER UNIQUE)")
        self.told: list[str] = []
        connection.set_trace_callback(self.told.append)

    def add(self, number: int) -> int:
        """Write a number, at once: an action of the group's."""
        self.connection.execute("INSERT INTO numbers VALUES (?)", (number,))
        return number

    def kept(self) -> list[int]:
        return [number for (number,) in self.connection.execute("SELECT number FROM numbers ORDER BY number")]

    def together(self, actions: Sequence[Callable[[], int]]) -> list[Future[int]]:
        """Run actions that all have to wait for the connection, and return how they went."""
        with ThreadPoolExecutor(len(actions)) as pool, self.lock:
            futures = [pool.submit(self.commits.run, action) for action in actions]
            while len(self.commits._waiting) < len(actions):
                pass
        return futures


@pytest.fixture
def numbers(tmp_path: Path) -> Iterator[Numbers]:
    """A table of numbers on disk."""
    path = tmp_path / "numbers.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        yield Numbers(connection)


def test_whoever_waits_together_shares_one_commit(numbers: Numbers) -> None:
    """Eight writes that wait for the connection are one transaction, and each gets its own answer."""
    futures = numbers.together([partial(numbers.add, n) for n in range(8)])
    assert [future.result() for future in futures] == numbers.kept() == list(range(8))
    assert [numbers.told.count(word) for word in ("BEGIN", "COMMIT")] == [1, 1]


def test_an_action_that_raises_fails_alone(numbers: Numbers) -> None:
    """What an action raises of its own reaches its caller, and the others' work is kept."""
    futures = numbers.together([lambda: numbers.add(1), lambda: 1 // 0, lambda: numbers.add(3)])
    assert [type(future.exception()) for future in futures] == [type(None), ZeroDivisionError, type(None)]
    assert numbers.kept() == [1, 3]


def test_an_error_of_the_database_fails_all_who_share_it(numbers: Numbers) -> None:
    """When SQLite refuses, nobody in the transaction is told that its work is kept, and none of it is."""
    futures = numbers.together([lambda: numbers.add(1), lambda: numbers.add(1), lambda: numbers.add(2)])
    assert [type(future.exception()) for future in futures] == [sqlite3.IntegrityError] * 3
    assert numbers.kept() == []
    assert numbers.commits.run(lambda: numbers.add(4)) == 4
    assert numbers.kept() == [4]


def test_a_commit_that_fails_acknowledges_nothing(numbers: Numbers) -> None:
    """When it is the commit that fails, the writer hears of it, and the next one is served."""
    numbers.connection.execute("PRAGMA foreign_keys = ON")
    numbers.connection.execute(
        "CREATE TABLE uses (n INTEGER REFERENCES numbers (number) DEFERRABLE INITIALLY DEFERRED)"
    )
    with pytest.raises(sqlite3.IntegrityError):
        numbers.commits.run(lambda: numbers.connection.execute("INSERT INTO uses VALUES (7)"))
    assert not numbers.connection.in_transaction
    assert numbers.commits.run(lambda: numbers.add(7)) == 7


def test_many_writers_are_all_served(numbers: Numbers) -> None:
    """Writes of eight threads at once all return, each with its own answer, however they meet."""
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: numbers.commits.run(lambda: numbers.add(n)), range(100)))
    assert done == numbers.kept() == list(range(100))

"""The store: what was acknowledged is kept, and no file is used that is not its own."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest
from attrs import evolve

from bide.errors import ConfigError
from bide.server.idempotency import Claim
from bide.server.job import Job
from bide.server.schema import APPLICATION_ID, SCHEMA_VERSION
from bide.server.store import Store


def plan(number: int) -> Job:
    """Make a job that shows its number."""
    return Job(id=str(uuid4()), created_at=float(number), ends_at=number + 0.1, outcome="completed")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A path where there is no file yet."""
    return str(tmp_path / "jobs.db")


def refusal(path: str) -> str:
    """Return what the store says about a file that it refuses."""
    with pytest.raises(ConfigError) as caught:
        Store(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def elsewhere(code: str, path: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own; its arguments are a path, and the folder of this module."""
    command = [sys.executable, "-c", code, path, str(Path(__file__).parent)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_reopened_store_knows_every_job(path: str) -> None:
    """Jobs written by several threads are all there, unchanged, when the file is opened again."""
    with Store(path) as store, ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda _: store.add(plan), range(300)))
    with Store(path) as store:
        assert [store.get(job.id) for job in jobs] == jobs
    assert sorted(job.created_at for job in jobs) == [float(number) for number in range(1, 301)]


@pytest.mark.parametrize("name", ["jobs.db", ":memory:"])
def test_an_unknown_id_is_none(name: str, tmp_path: Path) -> None:
    """An id that nobody was given finds nothing."""
    with Store(name if name == ":memory:" else str(tmp_path / name)) as store:
        assert store.get(str(uuid4())) is None


def test_a_job_is_committed_when_add_returns(path: str) -> None:
    """A copy of the files, taken while the store is open, has every job that was acknowledged."""
    with Store(path) as store:
        jobs = [store.add(plan) for _ in range(20)]
        # By another process: closing the file in this one would drop the lock.
        copy = f"{path}.copy"
        for ending in ("", "-wal"):
            copying = f"import shutil; shutil.copy({path + ending!r}, {copy + ending!r})"
            subprocess.run([sys.executable, "-c", copying], check=True)
    with Store(copy) as store:
        assert [store.get(job.id) for job in jobs] == jobs


def test_every_commit_is_synced(path: str) -> None:
    """The file is in WAL mode and synchronous is FULL (2): an acknowledged job survives a power cut."""
    with Store(path) as store:
        settings = [
            store._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        ]
    assert settings == ["wal", 2]


def test_a_plan_that_fails_uses_up_no_number(path: str) -> None:
    """When a job cannot be made, the next one gets its number."""
    with Store(path) as store:
        with pytest.raises(ZeroDivisionError):
            store.add(lambda number: plan(number // 0))
        assert store.add(plan).created_at == 1


def test_numbers_are_never_given_twice(path: str) -> None:
    """After the last job was deleted, the next one still gets a new number."""
    with Store(path) as store:
        store.add(plan)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM jobs")
    with Store(path) as store:
        assert store.add(plan).created_at == 2


def test_two_stores_on_one_file_are_refused(path: str) -> None:
    """While one store holds a file a second is refused, in this process and in another, again and again."""
    code = "import sys; from bide.server.store import Store; Store(sys.argv[1])"
    with Store(path) as store:
        job = store.add(plan)
        for _ in range(2):
            assert (
                refusal(path)
                == "is in use by another process; each server needs a database of its own (--db)"
            )
            other = subprocess.run(
                [sys.executable, "-c", code, path], capture_output=True, text=True, check=False
            )
            assert other.stderr.splitlines()[-1].endswith(
                f"{path}: is in use by another process; each server needs a database of its own (--db)"
            )
        assert store.get(job.id) == job
    Store(path).close()


def test_a_killed_holder_leaves_no_lock(path: str) -> None:
    """After the process that held the file was killed, it opens at once, with its jobs."""
    code = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[2]); from bide.server.store import Store;"
        "from test_job_store import plan; store = Store(sys.argv[1]);"
        "print(store.add(plan).id, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = elsewhere(code, path)
    with Store(path) as store:
        assert store.get(done.stdout.strip()) is not None


def test_close_may_be_called_twice(path: str) -> None:
    """Closing a closed store does nothing."""
    store = Store(path)
    store.close()
    store.close()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """A folder is no database."""
    assert refusal(str(tmp_path)) == "is not a file"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A path into a folder that does not exist is refused, and the folder named."""
    assert (
        refusal(str(tmp_path / "no" / "jobs.db"))
        == f"cannot be created: there is no folder {tmp_path / 'no'}"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_refused(tmp_path: Path) -> None:
    """A named pipe, which would block whoever opens it, is refused at once."""
    os.mkfifo(tmp_path / "pipe")
    assert refusal(str(tmp_path / "pipe")) == "is not a file"


def sqlite(*statements: str) -> Callable[[Path], None]:
    """Return a maker of a database in WAL mode, which these statements fill."""

    def make(file: Path) -> None:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            for statement in statements:
                connection.execute(statement)

    return make


FOREIGN = {
    "garbage": (
        lambda file: file.write_bytes(b"\0garbage" * 500),
        "cannot be used as a database: file is not",
    ),
    "text": (
        lambda file: file.write_text("[server]\nport = 8080\n"),
        "cannot be used as a database: file is not",
    ),
    "empty database": (sqlite("PRAGMA user_version = 0", "VACUUM"), "is a database, but not one of bide's"),
    "foreign": (sqlite("CREATE TABLE jobs (id)"), "is a database, but not one of bide's"),
    "other mark": (sqlite("PRAGMA application_id = 7"), "is a database, but not one of bide's"),
    "no version": (
        sqlite(f"PRAGMA application_id = {APPLICATION_ID}"),
        "is a database, but not one of bide's",
    ),
    "newer": (
        sqlite(f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {SCHEMA_VERSION + 1}"),
        "was written by a newer bide (schema 5; this one knows 4)",
    ),
}


@pytest.mark.parametrize(("make", "reason"), FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_its_own_is_refused_and_left_alone(
    make: Callable[[Path], None], reason: str, tmp_path: Path
) -> None:
    """Garbage, a foreign database and one of a newer bide are refused, and not a byte there changes."""
    make(tmp_path / "jobs.db")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert refusal(str(tmp_path / "jobs.db")).startswith(reason)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_foreign_database_in_use_is_left_alone(tmp_path: Path) -> None:
    """A foreign database with a log that is not yet written back is refused without writing it back."""
    file = tmp_path / "theirs.db"
    code = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('PRAGMA journal_mode = WAL'); c.execute('CREATE TABLE t (a)'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True)
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    assert f"{file.name}-wal" in before
    assert refusal(str(file)) == "is a database, but not one of bide's"
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["with space.db", "per%20cent?mode=memory.db", "ünï#.db", "file:x"])
def test_any_name_of_a_file_is_taken_literally(name: str, tmp_path: Path) -> None:
    """A path is a path: nothing in it is read as an URI, an escape or an option."""
    for _ in range(2):
        Store(str(tmp_path / name)).close()
    assert [file.name for file in tmp_path.iterdir()] == [name]


VERSION_1 = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    "PRAGMA user_version = 1",
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        created_at REAL NOT NULL,
        ends_at REAL NOT NULL,
        outcome TEXT NOT NULL
    )
    """,
    "INSERT INTO jobs VALUES (7, 'a', 1.5, 9.5, 'error')",
)
"""What the first version wrote."""


def layout(path: str) -> list[tuple[str, ...]]:
    """Return all that a database says about itself."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        marks = [connection.execute(f"PRAGMA {name}").fetchone() for name in MARKS]
    return [(name, " ".join((sql or "").split())) for name, sql in tables] + marks


MARKS = ("application_id", "user_version", "journal_mode")


def test_a_database_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    """It keeps its jobs and its numbers, gets the layout of a new one, and can do what a new one can."""
    old, new = str(tmp_path / "old.db"), str(tmp_path / "new.db")
    sqlite(*VERSION_1)(Path(old))
    for _ in range(2):
        with Store(old) as store:
            assert store.get("a") == Job(id="a", created_at=1.5, ends_at=9.5, outcome="error")
    Store(new).close()
    assert layout(old) == layout(new)
    with Store(old) as store:
        assert store.add(plan, Claim("key", b"digest")).created_at == 8
        assert store.add(plan, Claim("key", b"digest")).created_at == 8
        cancelled = store.cancel("a", 2.5)
    assert cancelled is not None
    assert cancelled.cancelled_at == 2.5


def test_an_upgrade_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    """When a step fails, the database is refused, and is as it was: not a byte there changes."""
    file = tmp_path / "jobs.db"
    sqlite(*VERSION_1, "CREATE TABLE jobs_by_idempotency_key (a)")(file)
    before = layout(str(file))
    assert refusal(str(file)).startswith("cannot be used as a database: ")
    assert layout(str(file)) == before


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    """An empty file, such as mktemp leaves, is taken for a new database."""
    file = tmp_path / "jobs.db"
    file.touch()
    with Store(str(file)) as store:
        job = store.add(plan)
        assert store.get(job.id) == job


def test_a_checkpoint_cut_short_is_no_damage(path: str) -> None:
    """
    Killed while the log is written back, a server leaves a file that is shorter than its header says.

    The log has the rest of it still, so the database opens, with its jobs.
    """
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[2]); from bide.server.store import Store;"
        "from test_job_store import plan; store = Store(sys.argv[1]);"
        "print(*[store.add(plan).id for _ in range(100)], flush=True); os._exit(0)"
    )
    done = elsewhere(code, path)
    done.check_returncode()
    size = Path(path).stat().st_size
    with Path(path).open("r+b") as file:
        file.write(last_first_page(Path(f"{path}-wal").read_bytes()))
    assert Path(path).stat().st_size == size
    with Store(path) as store:
        assert all(store.get(id) is not None for id in done.stdout.split())  # noqa: A001 - as in the API


def last_first_page(log: bytes) -> bytes:
    """Return the newest first page in a log: a checkpoint writes it before all others."""
    # https://www.sqlite.org/fileformat.html#wal_file_format: after 32 bytes, frames of 24 and a page
    size = int.from_bytes(log[8:12], "big")
    starts = [at for at in range(32, len(log), 24 + size) if log[at : at + 4] == (1).to_bytes(4, "big")]
    return log[starts[-1] + 24 :][:size]


def test_a_job_that_was_read_can_still_change(path: str) -> None:
    """What the store remembers of a job is gone when somebody cancels it, and when it is forgotten."""
    with Store(path) as store:
        job = store.add(plan)
        assert store.get(job.id) == job
        cancelled = store.cancel(job.id, 1.05)
        assert cancelled is not None
        assert cancelled.cancelled_at == 1.05
        assert store.get(job.id) == cancelled
        store.forget(2.0)
        assert store.get(job.id) is None


def test_a_job_that_was_read_is_its_owners_alone(path: str) -> None:
    """To have been read by its owner opens a job to nobody."""
    with Store(path) as store:
        job = store.add(lambda number: evolve(plan(number), owner="alice"))
        assert store.get(job.id, "alice") == job
        assert store.get(job.id, "bob") is None
        assert store.get_many([job.id], "bob") == [None]
        assert store.cancel(job.id, 1.05, "bob") is None
        assert store.get(job.id, "alice") == job


def test_a_job_that_was_read_waits_for_no_writer(path: str) -> None:
    """While others write, the jobs at hand are those that were read before."""
    begun, go_on = Event(), Event()

    def slow(number: int) -> Job:
        begun.set()
        go_on.wait(30)
        return plan(number)

    with Store(path) as store, ThreadPoolExecutor(1) as pool:
        known, unknown = store.add(plan), store.add(plan)
        store.get(known.id)
        assert store.is_at_hand(unknown.id)
        writing = pool.submit(store.add, slow)
        assert begun.wait(30)
        try:
            assert store.is_at_hand(known.id)
            assert store.get(known.id) == known
            assert not store.is_at_hand(unknown.id)
        finally:
            go_on.set()
        assert store.get(writing.result().id) is not None


def test_a_name_like_a_uri_is_that_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is a path: nothing in it sends the jobs into memory."""
    monkeypatch.chdir(tmp_path)
    with Store("file:jobs.db?mode=memory") as store:
        job = store.add(plan)
    with Store("file:jobs.db?mode=memory") as store:
        assert store.get(job.id) == job
    assert (tmp_path / "file:jobs.db?mode=memory").is_file()

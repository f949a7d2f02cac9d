"""The file that remembers how long jobs took."""

import math
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bide import ConfigError, End
from bide.learn.history import SqliteHistory
from bide.learning import Lesson

seconds = st.floats(0, 1e9)
lessons = st.builds(
    lambda ends, end, key, at: Lesson(low=ends[0], high=ends[1], end=end, key=key, began_at=at),
    st.tuples(seconds, seconds | st.just(math.inf)).map(sorted),
    st.sampled_from(End),
    st.sampled_from(["", "eu", "größe 2"]),
    st.floats(0, 4e9),
)


def took(duration: float, key: str = "", *, began_at: float = 0.0) -> Lesson:
    """Return what a wait finds out of a job with a known duration."""
    return Lesson(low=duration, high=duration, end=End.COMPLETED, key=key, began_at=began_at)


@pytest.fixture
def history(tmp_path: Path) -> SqliteHistory:
    """A history without a file yet."""
    return SqliteHistory(str(tmp_path / "waits.sqlite3"), kept=10)


@settings(max_examples=20, deadline=None)
@given(st.lists(lessons, max_size=8))
def test_what_is_added_is_remembered(
    tmp_path_factory: pytest.TempPathFactory, given_lessons: list[Lesson]
) -> None:
    """Every bit of it comes back, in its order, from a file that is opened anew."""
    path = str(tmp_path_factory.mktemp("history") / "waits.sqlite3")
    SqliteHistory(path).add("video", given_lessons)
    assert SqliteHistory(path).lessons("video") == given_lessons
    assert SqliteHistory(path).lessons("other") == []


def test_nothing_is_remembered_of_a_file_that_is_not_there(history: SqliteHistory) -> None:
    """To read makes no file."""
    assert history.lessons("video") == []
    assert history.remembered() == []
    assert history.forget("video") == 0
    assert not Path(history.path).exists()


def test_the_oldest_of_a_key_are_dropped(history: SqliteHistory) -> None:
    """The file is bounded, and a busy key does not push out a quiet one."""
    history.add("video", [took(1.0, "quiet")])
    for n in range(25):
        history.add("video", [took(float(n), "busy")])
    busy = [lesson.low for lesson in history.lessons("video") if lesson.key == "busy"]
    assert busy == [float(n) for n in range(15, 25)]
    assert history.lessons("video")[0] == took(1.0, "quiet")


def test_the_keys_used_last_are_kept(tmp_path: Path) -> None:
    """Whoever takes an id for a key fills no disk; other kinds are left alone."""
    history = SqliteHistory(str(tmp_path / "waits.sqlite3"), keys=3)
    history.add("other", [took(1.0)])
    for key in ("a", "b", "c", "a", "d", "e"):
        history.add("video", [took(1.0, key)])
    assert [(each.key, each.jobs) for each in history.remembered() if each.kind == "video"] == [
        ("a", 2),
        ("d", 1),
        ("e", 1),
    ]
    history.add("video", [took(1.0, str(n)) for n in range(50)])
    assert [each.key for each in history.remembered()] == ["", "47", "48", "49"]


def test_what_was_added_is_counted_by_key(history: SqliteHistory) -> None:
    """Since a mark; and after all was forgotten, when numbers begin again, all of it."""
    assert history.added("video", 0) == (0, {})
    history.add("video", [took(1.0), took(2.0, "eu")])
    mark, added = history.added("video", 0)
    assert added == {"": 1, "eu": 1}
    history.add("other", [took(1.0)])
    assert history.added("video", mark) == (mark, {})
    history.add("video", [took(3.0, "eu")])
    assert history.added("video", mark)[1] == {"eu": 1}
    history.forget("video")
    history.forget("other")
    history.add("video", [took(4.0)])
    assert history.added("video", mark) == (1, {"": 1})


def test_a_key_is_read_with_the_newest_of_its_kind(history: SqliteHistory) -> None:
    """All of the key, and as many of the others at most, in the order in which they were added."""
    for n in range(12):
        history.add("video", [took(float(n), f"key {n % 3}")])
    history.add("other", [took(99.0, "key 0")])
    assert [lesson.low for lesson in history.lessons("video", "key 1")] == [float(n) for n in range(12)]
    small = SqliteHistory(history.path, kept=2)
    assert [lesson.low for lesson in small.lessons("video", "key 1")] == [7.0, 9.0, 10.0, 11.0]


def test_a_resumed_wait_takes_the_place_of_the_one_before(history: SqliteHistory) -> None:
    """Who gave up and came back counts once; who saw the end, or began at another time, is left."""
    gave_up = Lesson(low=3.0, high=math.inf, end=End.CANCELLED, began_at=7.0)
    other = Lesson(low=3.0, high=math.inf, end=End.CANCELLED, began_at=8.0)
    again = Lesson(low=5.0, high=6.0, end=End.COMPLETED, began_at=7.0, resumed=True)
    history.add("video", [gave_up, other])
    history.add("video", [again])
    assert [(lesson.low, lesson.high) for lesson in history.lessons("video")] == [(3.0, math.inf), (5.0, 6.0)]


def test_forgetting(history: SqliteHistory) -> None:
    """A key alone, or all of a kind; other kinds stay."""
    history.add("video", [took(1.0), took(2.0, "eu"), took(3.0, "eu")])
    history.add("audio", [took(4.0, began_at=86400.0)])
    assert history.forget("video", "eu") == 2
    assert [lesson.low for lesson in history.lessons("video")] == [1.0]
    assert history.forget("video") == 1
    (left,) = history.remembered()
    assert (left.kind, left.key, left.jobs, left.oldest.isoformat()) == (
        "audio",
        "",
        1,
        "1970-01-02T00:00:00+00:00",
    )


_WRITER = """
import sys
from bide import End
from bide.learn.history import SqliteHistory
from bide.learning import Lesson

for n in range(10):
    lesson = Lesson(low=float(n), high=float(n), end=End.COMPLETED, key="other", began_at=0.0)
    SqliteHistory(sys.argv[1]).add("video", [lesson])
"""


def test_processes_share_a_file(history: SqliteHistory) -> None:
    """Two that write at once lose nothing."""
    with subprocess.Popen([sys.executable, "-c", _WRITER, history.path]) as other:
        for n in range(10):
            history.add("video", [took(float(n), "ours")])
    assert other.returncode == 0
    found = history.lessons("video")
    for key in ("ours", "other"):
        assert [lesson.low for lesson in found if lesson.key == key] == [float(n) for n in range(10)]


def _not_a_database(path: Path) -> None:
    path.write_bytes(b"something else entirely" * 100)


def _of_somebody_else(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE jobs (what TEXT)")


def _of_a_later_version(path: Path) -> None:
    SqliteHistory(str(path)).add("video", [took(1.0)])
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")


def _torn(path: Path) -> None:
    SqliteHistory(str(path)).add("video", [took(float(n)) for n in range(500)])
    path.write_bytes(path.read_bytes()[:5000])


def _with_nonsense(path: Path) -> None:
    SqliteHistory(str(path)).add("video", [took(1.0)])
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE jobs SET ended = 'exploded'")
        db.commit()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_not_a_database, "cannot be used as a history: file is not a database"),
        (_of_somebody_else, "is a database, but no history of jobs"),
        (_of_a_later_version, "is a history of version 99; this bide reads version 1"),
        (_torn, "cannot be used as a history: database disk image is malformed"),
        (_with_nonsense, "holds rows, and none of them is a job"),
    ],
)
def test_a_file_that_is_no_history_is_named_and_left_alone(
    tmp_path: Path, damage: object, message: str
) -> None:
    """A damaged, foreign or newer file is a ConfigError that names it; nothing is written to it."""
    path = tmp_path / "waits.sqlite3"
    damage(path)  # type: ignore[operator]
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=message) as caught:
        SqliteHistory(str(path)).lessons("video")
    assert caught.value.problems[0].source == str(path)
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """To add where there is no folder is an error with the name of the file."""
    with pytest.raises(ConfigError, match="unable to open database file"):
        SqliteHistory(str(tmp_path / "no folder" / "waits.sqlite3")).add("video", [took(1.0)])


def test_nothing_is_half_remembered(history: SqliteHistory) -> None:
    """Either all lessons are added, or none."""
    broken = Lesson(low=None, high=1.0, end=End.COMPLETED, began_at=0.0)  # type: ignore[arg-type]
    history.add("video", [took(1.0)])
    with pytest.raises(ConfigError):
        history.add("video", [took(2.0), broken])
    assert [lesson.low for lesson in history.lessons("video")] == [1.0]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("low", "abc"),
        ("low", -5),
        ("low", 6.5),
        ("high", 1e308),
        ("high", None),
        ("began_at", "x"),
        ("ended", "?"),
    ],
)
def test_a_damaged_row_takes_nothing_from_the_others(tmp_path: Path, column: str, value: object) -> None:
    """It is left out, and all else is still known."""
    path = str(tmp_path / "history.sqlite3")
    SqliteHistory(path).add("k", [took(duration) for duration in (5.0, 6.0, 7.0)])
    with closing(sqlite3.connect(path)) as db, suppress(sqlite3.IntegrityError):
        db.execute(f"UPDATE jobs SET {column} = ? WHERE id = 2", (value,))  # noqa: S608 - from above
        db.commit()
    known = [lesson.low for lesson in SqliteHistory(path).lessons("k")]
    assert {5.0, 7.0} <= set(known) <= {5.0, 6.0, 7.0}
    assert len(SqliteHistory(path).remembered()) == 1

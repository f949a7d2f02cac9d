"""``bide learn``: what is known of jobs, looked at and changed from the command line."""

import json
import random
from pathlib import Path

import pytest

from bide.cli.app import run
from bide.learn.history import SqliteHistory
from bide.learning import Lesson

Output = pytest.CaptureFixture[str]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A history of a hundred videos, evenly spread over 5 to 15 seconds, some of them with a key."""
    path = str(tmp_path / "waits.sqlite3")
    lessons = [Lesson.exact(5 + n / 10, "large" if n > 90 else "") for n in range(100)]
    random.Random(1).shuffle(lessons)  # in their order they would seem to take ever longer
    SqliteHistory(path).add("video", lessons)
    return path


def test_durations_are_imported_and_exported(tmp_path: Path, capsys: Output) -> None:
    """From a CSV file into a new history, and out again, each job with its bounds."""
    file, path = tmp_path / "times.csv", str(tmp_path / "waits.sqlite3")
    file.write_text("id,took\na,90s\nb,2m\n")
    assert run(["learn", "import", str(file), "--column", "took", "--kind", "video", "--history", path]) == 0
    assert capsys.readouterr().out == f"video: 2 jobs added to {path}\n"
    assert run(["learn", "export", "video", "--history", path]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == "key,low,high,end,began_at"
    assert [row.split(",")[1:4] for row in rows] == [
        ["90.0", "90.0", "completed"],
        ["120.0", "120.0", "completed"],
    ]
    assert run(["learn", "export", "video", "--history", path, "--json"]) == 0
    assert [row["high"] for row in json.loads(capsys.readouterr().out)] == [90.0, 120.0]


def test_kinds_are_listed(path: str, capsys: Output) -> None:
    """Each kind and key with the number of its jobs."""
    assert run(["learn", "list", "--history", path]) == 0
    assert "large" in capsys.readouterr().out
    assert run(["learn", "list", "--history", path, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(each["kind"], each["key"], each["jobs"]) for each in listed] == [
        ("video", "", 91),
        ("video", "large", 9),
    ]
    assert listed[0]["oldest"] == "1970-01-01T00:00:00+00:00"


def test_what_is_known_is_shown_with_what_it_saves(path: str, capsys: Output) -> None:
    """The plan looks later than the fallback first does, less often, and with less lag."""
    assert run(["learn", "show", "video", "--history", path, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["exact"], found["between"], found["given_up"], found["own"]) == (100, 0, 0, 91)
    assert found["mean"] == pytest.approx(10, rel=0.1)
    assert found["quantiles"][2] == pytest.approx(10, rel=0.1)
    assert sum(bar["share"] for bar in found["bars"]) == pytest.approx(0.98, abs=0.01)
    assert found["learned"]["calls"] < found["fallback"]["calls"] / 2
    assert found["learned"]["lag_mean"] < found["fallback"]["lag_mean"]
    assert run(["learn", "show", "video", "--history", path, "--mean-lag", "1s", "--fallback", "fixed"]) == 0
    shown = capsys.readouterr().out
    assert "video: 100 jobs" in shown
    assert "looks at" in shown
    assert "Against fixed:" in shown


def test_a_key_is_shown_by_itself(path: str, capsys: Output) -> None:
    """What a wait with that key knows: its own jobs count most, those of its kind a little."""
    assert run(["learn", "show", "video", "--history", path, "--key", "large", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["own"] == 9
    assert 11 < found["quantiles"][2] < 15


def test_jobs_are_forgotten(path: str, capsys: Output) -> None:
    """Those of one key, or all."""
    assert run(["learn", "forget", "video", "--key", "large", "--history", path]) == 0
    assert run(["learn", "forget", "video", "--history", path]) == 0
    assert capsys.readouterr().out == "video: 9 jobs forgotten\nvideo: 91 jobs forgotten\n"
    assert SqliteHistory(path).remembered() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "vidoe", "--history", "PATH"], "knows no jobs of the kind 'vidoe'; did you mean 'video'?"),
        (["show", "video", "--history", "nowhere"], "--history: there is no file 'nowhere'"),
        (["show", "video", "--history", "PATH", "--mean-lag", "1us"], "mean_lag: must be between"),
        (["show", "video", "--history", "PATH", "--calls", "3", "--mean-lag", "1s"], "needs exactly one of"),
        (["show", "video", "--history", "PATH", "--fallback", "sed"], "did you mean 'seed'?"),
        (
            ["export", "video", "--key", "lagre", "--history", "PATH"],
            "has the key 'lagre'; did you mean 'large'?",
        ),
        (["import", "no.csv", "--kind", "video", "--history", "PATH"], "no.csv: cannot be read"),
    ],
)
def test_what_is_wrong_is_named(path: str, capsys: Output, arguments: list[str], message: str) -> None:
    """One line, the status of wrong usage, and no traceback."""
    assert run(["learn", *(path if word == "PATH" else word for word in arguments)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_without_a_job_that_ended_there_is_nothing_to_show(tmp_path: Path, capsys: Output) -> None:
    """Jobs that were all given up on say how long jobs take at least, and no more."""
    from bide import End

    path = str(tmp_path / "waits.sqlite3")
    gave_up = Lesson(low=5.0, high=float("inf"), end=End.TIMED_OUT, began_at=0.0)
    SqliteHistory(path).add("video", [gave_up] * 3)
    assert run(["learn", "show", "video", "--history", path]) == 2
    assert "needs a job that is over" in capsys.readouterr().err

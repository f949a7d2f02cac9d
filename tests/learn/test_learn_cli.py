"""``bide learn``: what is known of jobs, looked at and changed from the command line."""

import io
import json
import math
import random
import sys
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from bide import End
from bide.cli.app import run
from bide.cli.learned import print_summary
from bide.durations import format_duration
from bide.learn.history import SqliteHistory
from bide.learn.summary import summary
from bide.learning import Lesson
from bide_strategies import Fixed, Learned

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
    assert header == '"key","low","high","end","began_at"'
    assert [row.split(",")[1:4] for row in rows] == [
        ["90.0", "90.0", '"completed"'],
        ["120.0", "120.0", '"completed"'],
    ]
    assert run(["learn", "export", "video", "--history", path, "--json"]) == 0
    assert [row["high"] for row in json.loads(capsys.readouterr().out)] == [90.0, 120.0]


seconds = st.floats(0, 1e9)
lessons = st.builds(
    lambda ends, end, key, at: Lesson(low=ends[0], high=ends[1], end=end, key=key, began_at=at),
    st.tuples(seconds, seconds | st.just(math.inf)).map(sorted),
    st.sampled_from(End),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.floats(0, 4e9),
)
gave_up = Lesson(low=0.1 + 0.2, high=math.inf, end=End.TIMED_OUT, key=" a\rc", began_at=1e9 / 3)


@settings(max_examples=20, deadline=None)
@given(known=st.lists(lessons, min_size=1, max_size=6), form=st.sampled_from([[], ["--json"]]))
@example(known=[gave_up, Lesson.exact(7.0), gave_up], form=[])
@example(known=[gave_up, Lesson.exact(7.0), gave_up], form=["--json"])
def test_what_is_exported_is_imported_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, known: list[Lesson], form: list[str]
) -> None:
    """Bounds, jobs given up on, keys, ends and times: the new history is the old one, to the last bit."""
    folder = tmp_path_factory.mktemp("histories")
    old, new, file = str(folder / "old"), str(folder / "new"), folder / "video"
    SqliteHistory(old).add("video", known)
    with redirect_stdout(io.StringIO()) as printed:
        assert run(["learn", "export", "video", "--history", old, *form]) == 0
        file.write_text(printed.getvalue(), encoding="utf-8", newline="")
        assert run(["learn", "import", str(file), "--kind", "video", "--history", new]) == 0
    assert SqliteHistory(new).lessons("video") == SqliteHistory(old).lessons("video") == known


@pytest.mark.parametrize(
    ("text", "key", "low", "high"),
    [
        ("8.5\n2m\n", "", [8.5, 120.0], [8.5, 120.0]),
        ("took\n8.5\n2m\n", "", [8.5, 120.0], [8.5, 120.0]),
        ('[8.5, "2m"]', "", [8.5, 120.0], [8.5, 120.0]),
        ("low,high\n8.5,9\n2m,inf\n", "", [8.5, 120.0], [9.0, math.inf]),
        ("low,high,key\n8.5,9,large\n", "large", [8.5], [9.0]),
    ],
)
def test_standard_input_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, key: str, low: list[float], high: list[float]
) -> None:
    """Durations alone, with a header, as JSON, or with bounds; all jobs completed, and none before now."""
    path = str(tmp_path / "waits.sqlite3")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run(["learn", "import", "-", "--kind", "video", "--history", path]) == 0
    found = SqliteHistory(path).lessons("video")
    assert ([each.low for each in found], [each.high for each in found]) == (low, high)
    assert {(each.key, each.end) for each in found} == {(key, End.COMPLETED)}
    assert min(each.began_at for each in found) > 1.7e9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("low,high\n8,nan\n", "times.csv: line 2, high: must be a finite number >= 0"),
        ("low,high\n8,9\n8,7.5\n", "times.csv: line 3, high: must be >= 'low' (8), got '7.5'"),
        ("low,high\n-8,9\n", "times.csv: line 2, low: must be a finite number >= 0"),
        ("low,high,end\n8,9,complete\n", "line 2, end: must be one of completed, job failed, "),
        ("low,high,began_at\n8,9,inf\n", "line 2, began_at: must be a finite number >= -1e+12"),
        ("low,high,began_at\n8,9,today\n", "seconds since the epoch, got 'today'"),
        ('[{"low": 8, "high": null, "key": 5}]', "times.csv: [0], key: must be text, got 5"),
        ("low,high\n", "times.csv: holds no durations"),
    ],
)
def test_a_file_that_is_wrong_is_imported_not_at_all(
    tmp_path: Path, capsys: Output, text: str, said: str
) -> None:
    """The error names file, line, column, value and rule; no history is made."""
    file, path = tmp_path / "times.csv", tmp_path / "waits.sqlite3"
    file.write_text(text)
    assert run(["learn", "import", str(file), "--kind", "video", "--history", str(path)]) == 2
    assert said in capsys.readouterr().err
    assert not path.exists()


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
    assert sum(bar["share"] for bar in found["bars"]) == pytest.approx(1.0)
    assert found["learned"]["calls"] < found["fallback"]["calls"] / 2
    assert found["learned"]["lag_mean"] < found["fallback"]["lag_mean"]
    assert run(["learn", "show", "video", "--history", path, "--mean-lag", "1s", "--fallback", "fixed"]) == 0
    shown = capsys.readouterr().out
    assert "video: 100 jobs" in shown
    assert "looks at" in shown
    assert "Against fixed:" in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "planned for a call cost of 250ms, a 20th of the mean; see --call-cost"),
        (["--call-cost", "1s"], "planned for a call cost of 1s\n"),
        (["--mean-lag", "2s"], "planned for a mean lag of 2s\n"),
        (["--calls", "1.5"], "planned for 1.5 calls per job\n"),
    ],
)
def test_what_a_plan_is_made_for_is_shown(
    tmp_path: Path, capsys: Output, options: list[str], said: str
) -> None:
    """What a call is worth, also where nobody said it: a 20th of 5 s; and bars are called no jobs."""
    path = str(tmp_path / "waits.sqlite3")
    SqliteHistory(path).add("video", [Lesson.exact(5.0)] * 3)
    assert run(["learn", "show", "video", "--history", path, *options]) == 0
    printed = capsys.readouterr().out
    assert said in printed
    assert "duration  believed " in printed


def test_a_key_is_shown_by_itself(path: str, capsys: Output) -> None:
    """What a wait with that key knows: its own jobs count most, those of its kind a little."""
    assert run(["learn", "show", "video", "--history", path, "--key", "large", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["own"] == 9
    assert 11 < found["quantiles"][2] < 15


@pytest.fixture
def here(path: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the history, with a policy in it that learns from there."""
    folder = Path(path).parent
    monkeypatch.chdir(folder)
    learner = 'kind = "learned"\njob_kind = "video"\nhistory = "waits.sqlite3"\ncall_cost = "1s"\n'
    text = f'[strategy]\nkind = "clamp"\nhigh = "3s"\n[strategy.strategy]\n{learner}'
    (folder / "bide.toml").write_text(text + '[strategy.strategy.fallback]\nkind = "fixed"\n')
    return folder


@pytest.mark.parametrize("arguments", [[], ["video"], ["--config", "bide.toml"]])
def test_what_a_policy_does_is_shown(here: Path, capsys: Output, arguments: list[str]) -> None:
    """With its history and its target, the strategies around it and its fallback, not with others."""
    assert run(["learn", "show", *arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    looks = found["learned"]["looks"]
    assert found["kind"] == "video"
    assert found["own"] == 91
    assert all(after - before <= 3.0 for before, after in pairwise([0.0, *looks]))
    assert found["fallback"]["looks"][:3] == [0.0, 1.0, 2.0]


def test_a_policy_is_compared_with_its_fallback(here: Path, capsys: Output) -> None:
    """Or with another strategy, by its name."""
    assert run(["learn", "show"]) == 0
    assert "Against its fallback: " in capsys.readouterr().out
    assert run(["learn", "show", "--fallback", "seed", "--key", "large"]) == 0
    assert "Against seed: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vidoe"], "the policy learns of no jobs of the kind 'vidoe'; did you mean 'video'?"),
        (["--strategy", "seed"], "learns nothing; name one of the kind 'learned' by --strategy or --config"),
        (["--call-cost", "1s"], "--call-cost: a policy says itself what a call is worth"),
        (["--history", "waits.sqlite3"], "KIND: is needed to look into a history"),
        (["video", "--history", "waits.sqlite3", "--config", "bide.toml"], "--config: a policy has its own"),
        (["--strategy", "learned(call_cost=1s)"], "history: the strategy has none"),
        (["--strategy", "learned(call_cost=1s, history=new)"], "history: there is no file "),
    ],
)
def test_a_policy_that_cannot_be_shown_is_named(
    here: Path, capsys: Output, arguments: list[str], message: str
) -> None:
    """One line that says what to do instead, or the nearest name."""
    assert run(["learn", "show", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("durations", [[10.0] * 6, [20.0] * 4 + [200.0] * 2, [0.0] * 6])
def test_every_look_is_drawn(durations: list[float]) -> None:
    """In a row, at any width; also a look that comes after all known ends."""
    lessons = [Lesson.exact(each) for each in durations]
    learned = Learned(call_cost=0.5).trained(durations)
    target = {"call_cost": 0.5}
    found = summary("video", "", lessons, learned, Fixed(interval=1.0), target=target, bars=13)
    assert found.learned.looks[-1] >= max(durations)
    for width in (40, 80, 120):
        with io.StringIO() as drawn:
            print_summary(found, "fixed", Console(file=drawn, width=width))
            text = drawn.getvalue()
        assert max(map(len, text.splitlines())) <= width
        assert "looks" in text
        assert "█████" in text
        assert all(format_duration(look) in text for look in found.learned.looks)


def test_durations_that_are_alike_have_bars_of_their_own(tmp_path: Path, capsys: Output) -> None:
    """The rows have different ends, and all jobs are in one of them."""
    path = str(tmp_path / "waits.sqlite3")
    SqliteHistory(path).add("video", [Lesson.exact(10.0)] * 6)
    assert run(["learn", "show", "video", "--history", path, "--json"]) == 0
    bars = json.loads(capsys.readouterr().out)["bars"]
    assert len({format_duration(bar["start"]) for bar in bars}) == len(bars)
    assert max(bar["share"] for bar in bars) > 0.99


def test_a_strategy_that_knows_too_little_says_so(tmp_path: Path, capsys: Output) -> None:
    """It waits as its fallback does, which saves nothing."""
    path = str(tmp_path / "waits.sqlite3")
    SqliteHistory(path).add("video", [Lesson.exact(10.0)])
    assert run(["learn", "show", "video", "--history", path]) == 0
    assert "It waits as seed does: too little is known as yet" in capsys.readouterr().out


def test_given_durations_need_no_history_yet(tmp_path: Path, capsys: Output) -> None:
    """Its first wait will make the file; until then a strategy knows what it was given."""
    later = tmp_path / "later.sqlite3"
    strategy = f"learned(call_cost=1s, durations=[5, 6, 7, 8, 9, 5, 6, 7], history='{later}')"
    assert run(["learn", "show", "--strategy", strategy]) == 0
    assert "jobs: 8 jobs" in capsys.readouterr().out
    assert not later.exists()


def test_what_sqlite_takes_for_no_file_is_one_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """Nothing is learned by heart alone: what a history is called is the name of a file."""
    monkeypatch.chdir(tmp_path)
    Path("took.csv").write_text("8\n")
    assert run(["learn", "import", "took.csv", "--kind", "video", "--history", ":memory:"]) == 0
    assert run(["learn", "list", "--history", ":memory:"]) == 0
    assert "video" in capsys.readouterr().out
    assert run(["learn", "import", "took.csv", "--kind", "video", "--history", ""]) == 2
    assert "path: must be text, and not empty, got ''" in capsys.readouterr().err


def test_a_list_fits_into_a_narrow_terminal(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """In 40 columns lines are broken, and nothing is left out."""
    monkeypatch.setenv("COLUMNS", "40")
    assert run(["learn", "list", "--history", path]) == 0
    listed = capsys.readouterr().out
    assert "…" not in listed
    assert listed.count("00:00") == 4


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
        (["show", "video", "--history", "nowhere"], "history: there is no file 'nowhere'"),
        (["show", "video", "--history", "PATH", "--mean-lag", "1us"], "--mean-lag: must be between"),
        (["show", "video", "--history", "PATH", "--calls", "3", "--mean-lag", "1s"], "needs exactly one of"),
        (["show", "video", "--history", "PATH", "--fallback", "sed"], "did you mean 'seed'?"),
        (
            ["export", "video", "--key", "lagre", "--history", "PATH"],
            "has the key 'lagre'; did you mean 'large'?",
        ),
        (["import", "no.csv", "--kind", "video", "--history", "PATH"], "no.csv: cannot be read"),
        (
            ["import", "no.csv", "--kind", "", "--history", "PATH"],
            "--kind: must be text, and not empty, got ''",
        ),
        (["list", "--history", ""], "history: there is no file ''"),
        (["list", "--history", "a" * 300], "history: there is no file 'aaa"),
        (
            ["forget", "vidoe", "--history", "PATH"],
            "knows no jobs of the kind 'vidoe'; did you mean 'video'?",
        ),
        (["forget", "video", "--key", "lagre", "--history", "PATH"], "did you mean 'large'?"),
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

"""``bide strategies``, ``bide check`` and where a policy comes from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bide import ConfigError, Limits, registry
from bide.cli.app import run
from bide.config import default_strategy
from bide.describe import describe_kinds, describe_polls, one_line
from bide.resolve import resolve_policy
from bide_strategies import Additive, Exponential, Fixed, Full, Schedule, Then


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module beside the user, which registers a strategy that clumps at its cap."""
    (tmp_path / "my_kinds.py").write_text(
        "import bide\n"
        "from attrs import frozen\n"
        "@bide.register('mine')\n"
        "@frozen\n"
        "class Mine:\n"
        "    '''Clumps.'''\n"
        "    cap: float = 5.0\n"
        "    def delay(self, situation, u):\n"
        "        return min(self.cap, situation.polls + u)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.delitem(sys.modules, "my_kinds", raising=False)
    return "my_kinds"


def test_kinds_are_listed_with_what_they_take(capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind has its line, its owner, and its fields with type and default; the catalogue follows."""
    assert run(["strategies"]) == 0
    printed = capsys.readouterr().out
    assert "exponential  bide 0.1.0" in printed
    assert "base: seconds; default 0.1" in printed
    assert "decorrelated-jitter" in printed
    assert run(["strategies", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    kinds = {kind["name"]: kind for kind in listed["kinds"]}
    assert kinds["schedule"]["fields"][0] == {
        "name": "delays",
        "type": "list of seconds",
        "default": None,
        "about": "after the first poll, the second …, in seconds; at least one, each >= 0, the last > 0.",
    }
    assert "seed" in {policy["name"] for policy in listed["catalogue"]}


def test_every_kind_and_field_says_what_it_is() -> None:
    """No shipped kind, and no field of one, is without its sentence."""
    for kind in describe_kinds():
        assert kind.about.endswith("."), kind
        assert all(field.about for field in kind.fields), kind


@pytest.mark.parametrize("name", ["seed", "polly_v2", "exponential(base=100ms, jitter=full)", None])
def test_a_policy_is_shown_with_its_bounds(name: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """Delays, times, calls and sleep are on the screen; in JSON too, where what has no bound is null."""
    arguments = ["strategies", "show", *([name] if name else []), "--duration", "15s"]
    assert run(arguments) == 0
    printed = capsys.readouterr().out
    assert "A wait for a job of 15s " in printed
    assert "█" in printed or "░" in printed
    assert run([*arguments, "--timeout", "none", "--max-attempts", "none", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["limits"] == {
        "max_attempts": None,
        "timeout": None,
        "max_failures": None,
        "failure_timeout": 30.0,
    }
    assert shown["gives_up"] is None
    assert shown["max_total_sleep"] is None
    assert len(shown["polls"]) == 10


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--duration", "15s"], "A wait for a job of 15s makes 8 to 9 calls."),
        (
            ["--duration", "40s"],
            "makes 10 calls. It may give up before the job ends, at 32.7s at the earliest.",
        ),
        (
            ["--duration", "5m", "--timeout", "3s"],
            "A wait for a job of 5m gives up before the job ends, at 3s, after 6 calls.",
        ),
    ],
)
def test_a_wait_that_gives_up_is_shown_as_one(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wait that never sees the end, or may not, says so, and when."""
    # With u = 0 the seed polls at 0, 0.1, 0.3, 0.7, 1.5 and, cut to the timeout, at 3; with u = 1 at 2.25.
    assert run(["strategies", "show", "seed", *options]) == 0
    assert said in " ".join(capsys.readouterr().out.split())


def test_a_narrow_window_loses_nothing_silently(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines keep to it, and what is left out is named."""
    monkeypatch.setenv("COLUMNS", "60")
    assert run(["strategies", "show", "seed"]) == 0
    assert "No room for: at; a wider window and --json have it." in capsys.readouterr().out
    assert run(["mappings"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 60
    assert "GET /v1/messages/batches/{id}" in " ".join(printed.split())


def test_many_names_are_not_listed_beside_the_likeliest(capsys: pytest.CaptureFixture[str]) -> None:
    """One that is near is enough; where none is, all are shown."""
    for name, said, listed in (("sed", "did you mean 'seed'?", False), ("zzz", "(known: ", True)):
        assert run(["strategies", "show", name]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert ("awaitility" in error) is listed


def test_the_seed_s_figures_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is what the bounds say: 8 or 9 calls for 15 s, delays of v to 1.5 v."""
    assert run(["strategies", "show", "seed", "--duration", "15s"]) == 0
    printed = capsys.readouterr().out
    assert "8 to 9 calls" in printed
    assert "6.4s … 9.6s" in printed


@pytest.mark.parametrize("columns", ["40", "60", "200"])
def test_a_narrow_window_cuts_nothing_off(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No line is wider than the window, and every delay is whole."""
    monkeypatch.setenv("COLUMNS", columns)
    assert run(["strategies", "show", "seed"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= int(columns)
    assert "100ms … 150ms" in printed
    assert "…" not in printed.replace(" … ", "")


def test_a_picture_is_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--png` writes a PNG; a folder that is not there is one clear line."""
    pytest.importorskip("altair", reason="charts need the extra 'lab'")
    pytest.importorskip("vl_convert", reason="charts need the extra 'lab'")
    file = tmp_path / "seed.png"
    assert run(["strategies", "show", "seed", "--png", str(file)]) == 0
    assert file.read_bytes().startswith(b"\x89PNG\r\n")
    assert run(["strategies", "show", "seed", "--png", str(tmp_path / "no" / "seed.png")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_polls_are_described_by_their_formula() -> None:
    """The seed's fifth poll: 0.8 s to 1.2 s after the fourth, at 1.5 s to 2.25 s."""
    fifth = describe_polls(default_strategy(), 5)[4]
    assert fifth.number == 5
    assert (fifth.least, fifth.delay, fifth.most) == pytest.approx((0.8, 1.0, 1.2))
    assert (fifth.earliest, fifth.latest) == pytest.approx((1.5, 2.25))


def test_a_strategy_in_one_line_leaves_out_its_defaults() -> None:
    """What a person has to read is what was changed."""
    assert one_line(Exponential(jitter=Full())) == "exponential(jitter=full)"
    assert one_line(Exponential(base=1.0, jitter=Additive(share=0.25))) == (
        "exponential(base=1, jitter=additive(share=0.25))"
    )
    assert one_line(Then(start=Fixed(), polls=2, rest=Schedule(delays=[1.0, 2.0]))) == (
        "then(start=fixed, rest=schedule(delays=[1, 2]), polls=2)"
    )


def test_the_caller_goes_before_the_environment_before_the_file_before_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each setting comes from the strongest source that says something about it, and says which."""
    monkeypatch.chdir(tmp_path)
    Path("bide.toml").write_text('strategy = "linear"\n[limits]\ntimeout = "1h"\nmax_failures = 3\n')
    resolved = resolve_policy(
        "exponential(base=1s)",
        {"max_attempts": "7"},
        environ={"BIDE_STRATEGY": "fixed", "BIDE_TIMEOUT": "90s", "BIDE_MAX_ATTEMPTS": "9"},
    )
    assert resolved.policy.strategy == Exponential(base=1.0)
    assert resolved.policy.limits == Limits(max_attempts=7, timeout=90.0, max_failures=3)
    assert {setting.name: setting.source for setting in resolved.settings} == {
        "strategy": "--strategy exponential(base=1s)",
        "max_attempts": "--max-attempts",
        "timeout": "BIDE_TIMEOUT",
        "max_failures": "bide.toml",
        "failure_timeout": "default",
    }


def test_without_any_word_the_seed_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, no variable, no option: the defaults."""
    monkeypatch.chdir(tmp_path)
    resolved = resolve_policy(environ={"BIDE_SOMETHING_ELSE": "1"})
    assert (resolved.policy.strategy, resolved.policy.limits) == (default_strategy(), Limits())
    assert {setting.source for setting in resolved.settings} == {"default"}


def test_a_policy_s_limits_come_with_it_as_far_as_it_has_any(tmp_path: Path) -> None:
    """A file named as the strategy brings its limits, and leaves the others to the next source."""
    file = tmp_path / "patient.toml"
    file.write_text('strategy = "fixed"\n[limits]\ntimeout = "none"\n')
    environ = {"BIDE_TIMEOUT": "5s", "BIDE_MAX_ATTEMPTS": "none", "BIDE_CONFIG": str(file)}
    limits = resolve_policy(str(file), environ=environ).policy.limits
    assert limits == Limits(timeout=None, max_attempts=None)


def test_all_that_is_wrong_in_any_source_is_reported(tmp_path: Path) -> None:
    """Also what would not have been used; each problem names its source."""
    file = tmp_path / "bide.toml"
    file.write_text("[limits]\ntimeot = 3\n[strategi]\n")
    with pytest.raises(ConfigError) as caught:
        resolve_policy(
            "fixed(interval=-1)", {"timeout": "0"}, config=file, environ={"BIDE_MAX_ATTEMPTS": "many"}
        )
    sources = [(problem.source, ".".join(problem.path)) for problem in caught.value.problems]
    assert sources == [
        ("--timeout", ""),
        ("--strategy fixed(interval=-1)", "strategy.interval"),
        ("BIDE_MAX_ATTEMPTS", ""),
        (str(file), "strategi"),
        (str(file), "limits.timeot"),
    ]


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"BIDE_TIMOUT": "3"}, "BIDE_TIMOUT: unknown variable; did you mean BIDE_TIMEOUT?"),
        ({"BIDE_STRATEGY": "sede"}, "BIDE_STRATEGY: 'sede' is no TOML file"),
        ({"BIDE_STRATEGY": "fixed(interval"}, "'fixed(interval': needs '='"),
        ({"BIDE_CONFIG": "missing.toml"}, "missing.toml: cannot be read"),
    ],
)
def test_a_mistake_in_the_environment_is_named(environ: dict[str, str], message: str) -> None:
    """The variable, or the file that it names, is in the message."""
    with pytest.raises(ConfigError) as caught:
        resolve_policy(environ=environ)
    assert message in str(caught.value)


def test_all_mistakes_in_the_environment_are_reported_at_once() -> None:
    """A name that is none, a value that is none, two misspellings and a file that is missing."""
    environ = {
        "BIDE_STRATEGY": "nope",
        "BIDE_TIMEOUT": "abc",
        "BIDE_MAX_ATEMPTS": "3",
        "BIDE_STRATGY": "seed",
        "BIDE_CONFIG": "nofile.toml",
    }
    with pytest.raises(ConfigError) as caught:
        resolve_policy(environ=environ)
    sources = [problem.source for problem in caught.value.problems]
    assert sources == ["BIDE_MAX_ATEMPTS", "BIDE_STRATGY", "BIDE_TIMEOUT", "BIDE_STRATEGY", "nofile.toml"]


def test_json_has_no_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    """What never ends is null."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    endless = ["--duration", "inf", "--max-attempts", "none", "--timeout", "none"]
    assert run(["strategies", "show", "seed", "--json", *endless]) == 0
    assert json.loads(capsys.readouterr().out, parse_constant=refuse)["duration"] is None


def test_nothing_in_the_current_folder_stands_in_for_what_is_installed(tmp_path: Path) -> None:
    """A file that has the name of a library is not run."""
    (tmp_path / "hypothesis.py").write_text("raise SystemExit('run')")
    code = "from bide.cli import main; main()"
    command = [sys.executable, "-P", "-c", code, "check", "fixed"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_explain_shows_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--explain` tells where each setting comes from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIDE_TIMEOUT", "5m")
    assert run(["strategies", "show", "--explain", "--max-attempts", "20"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["timeout", "5m", "BIDE_TIMEOUT"] in lines
    assert ["max_attempts", "20", "--max-attempts"] in lines
    assert ["failure_timeout", "30s", "default"] in lines


@pytest.mark.parametrize(("place", "options"), [("NAME", []), ("--strategy", ["--strategy"])])
def test_a_strategy_is_known_by_where_it_was_written(
    place: str, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake in it names its place on the command line, as `--explain` does."""
    assert run(["strategies", "show", *options, "nope"]) == 2
    assert capsys.readouterr().err.startswith(f"bide: {place}: 'nope' is no TOML file")
    assert run(["strategies", "show", *options, "fixed", "--explain"]) == 0
    rows = [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert ["strategy", "fixed", place] in rows


def test_check_tells_of_each_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file, a name and a line that keep the laws are status 0."""
    file = tmp_path / "mine.toml"
    file.write_text('strategy = "polly_v2"\n')
    assert run(["check", str(file), "seed", "fixed(interval=3s)"]) == 0
    assert capsys.readouterr().out.count("keeps the laws") == 3


def test_a_broken_law_is_status_1(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The law and the case are shown; a kind is known by `--import`, or by the place of its class."""
    assert run(["--import", module, "check", "mine", f"{module}:Mine", "seed"]) == 1
    printed = capsys.readouterr().out
    assert printed.count("the law 'capped' is broken") == 2
    assert "seed: keeps the laws" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "Missing argument"),
        (["check", "no_such_module:Class"], "the module 'no_such_module' cannot be imported"),
        (["check", "json:JSONDecoder"], "json:JSONDecoder: is no strategy"),
        (["check", "bide_strategies:Scale"], "cannot be built: TypeError"),
        (["check", "sede"], "did you mean 'seed'?"),
        (["--import", "no_such_module", "strategies"], "the module 'no_such_module' cannot be imported"),
        (["--import", "json", "strategies"], "the module 'json' registers no strategy"),
        (["strategies", "show", "seed", "--strategy", "fixed"], "give NAME or --strategy, not both"),
        (["strategies", "show", "seed", "--duration", "-1"], "duration"),
        (["strategies", "show", "seed", "--polls", "0"], "0 is not in the range"),
        (["strategies", "show", "nope.toml"], "nope.toml: cannot be read"),
        (["strategies", "shwo"], "No such command"),
    ],
)
def test_wrong_usage_is_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is one clear line, without a traceback."""
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err


def test_a_wait_finds_its_policy_as_show_tells_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same sources hold for `bide wait`."""
    monkeypatch.setenv("BIDE_STRATEGY", "exponental")
    assert run(["wait", "http://127.0.0.1:9/v1/jobs/a"]) == 2
    assert "BIDE_STRATEGY: 'exponental'" in capsys.readouterr().err


def test_bounds_without_a_limit_are_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Full jitter may poll without end in no time, and the screen says so."""
    arguments = [
        "strategies",
        "show",
        "exponential(jitter=full)",
        "--max-attempts",
        "none",
        "--timeout",
        "none",
    ]
    assert run(arguments) == 0
    printed = capsys.readouterr().out
    assert "without a bound" in printed

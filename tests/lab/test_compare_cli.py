"""``bide compare``, from its arguments to what it prints and writes."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bide.catalogue import catalogue
from bide.cli.app import run
from bide_peers import ADAPTERS

KEYS = {"strategy", "calls", "calls_se", "lag_mean", "lag_p95", "optimal_calls", "excess", "timed_out"}


def compared(*arguments: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the workloads that the command prints as JSON."""
    assert run(["compare", *arguments, "--json"]) == 0

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    workloads: list[dict[str, Any]] = json.loads(capsys.readouterr().out, parse_constant=refuse)["workloads"]
    return workloads


def test_json_has_what_scripts_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Each result has its figures; what is no number or has no bound is null; the seed's excess is near 7."""
    only, *others = compared("seed", "grpc", "fixed", capsys=capsys)
    assert (only["name"], only["mean"], others) == ("uniform(5s, 15s)", pytest.approx(10), [])
    results = {each["strategy"]: each for each in only["results"]}
    assert list(results) == ["fixed", "seed", "grpc"]
    assert all(each.keys() >= KEYS for each in only["results"])
    assert results["seed"]["excess"] == pytest.approx(7, abs=0.5)
    assert results["fixed"]["calls"] == pytest.approx(11.5)  # polls at 0, 1, …: 1 + E[ceil X]
    assert results["grpc"]["lag_mean"] is None
    assert results["grpc"]["timed_out"] == 1


def test_without_strategies_the_catalogue_is_compared(capsys: pytest.CaptureFixture[str]) -> None:
    """Every policy of it has its row, and so have those that know how long jobs take: the first rows."""
    (only,) = compared(capsys=capsys)
    rows = [each["strategy"] for each in only["results"]]
    assert rows[:2] == ["optimal", "learned"]
    assert sorted(rows[2:]) == sorted(catalogue())


def test_by_name_alone_they_suit_each_workload(capsys: pytest.CaptureFixture[str]) -> None:
    """The optimum is one on jobs of any length, as they scale: calls are equal, and lags go with the mean."""
    short, long = compared(
        "optimal", "--workload", "exponential(1m)", "--workload", "exponential(1h)", capsys=capsys
    )
    ((one,), (other,)) = short["results"], long["results"]
    assert one["excess"] == pytest.approx(1, abs=0.01)
    assert other["calls"] == pytest.approx(one["calls"], rel=0.01)
    assert other["lag_mean"] == pytest.approx(60 * one["lag_mean"], rel=0.01)
    assert (one["timed_out"], other["timed_out"]) == (0, 0)


def test_where_nobody_sees_the_end_a_way_to_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The seed gives up after 49 s at most, and with the options named it does not."""
    options: list[str] = []
    for hint in (True, False):
        assert run(["compare", "seed", "--workload", "uniform(4m, 6m)", *options]) == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert ("they see no end. They wait to the end with --timeout none" in printed) is hint
        assert ("least possible" in printed) is not hint
        options = ["--timeout", "none", "--max-attempts", "none"]


def test_their_limits_can_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    """As those of all others: who may look once only sees jobs that end before."""
    (only,) = compared("optimal", "--max-attempts", "1", capsys=capsys)
    assert only["results"][0]["timed_out"] > 0.5


def test_without_the_extra_the_others_are_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is missing is said on standard error."""
    monkeypatch.setattr("bide.cli.compare.can_learn", lambda: False)
    monkeypatch.setattr("bide.cli.compare.catalogue", lambda: ["seed"])
    assert run(["compare", "--json"]) == 0
    told = capsys.readouterr()
    assert told.err == "without learned and optimal: install bide with its extra 'learn'\n"
    assert [each["strategy"] for each in json.loads(told.out)["workloads"][0]["results"]] == ["seed"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("learned", "got none; such as learned(call_cost=1s)"),
        ("optimal", "durations: is required, such as optimal(durations='lognormal(60s, 0.5)', call_cost=1s)"),
    ],
)
def test_elsewhere_they_ask_for_more_with_an_example(
    name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no workload says how long jobs take."""
    assert run(["herd", name]) == 2
    assert message in capsys.readouterr().err


def test_workloads_are_compared_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file and a line of text each have their table, under their names, in their order."""
    file = tmp_path / "builds.toml"
    file.write_text('[durations]\nkind = "exponential"\nmean = "1m"\n')
    arguments = [
        "seed",
        "--timeout",
        "none",
        "--max-attempts",
        "none",
        "--workload",
        str(file),
        "--workload",
        "fixed(30s)",
    ]
    assert [each["name"] for each in compared(*arguments, capsys=capsys)] == ["builds", "fixed(30s)"]
    assert run(["compare", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.index("builds") < lines.index("fixed(30s)")
    assert sum("least possible  " in line for line in lines) == 2


def test_limits_given_here_hold_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    """Three attempts at most, or as many as it takes: the seed gives up on all jobs, or on none."""
    for attempts, share in (("3", 1.0), ("none", 0.0)):
        arguments = ["seed", "--max-attempts", attempts, "--timeout", "none", "--workload", "fixed(100s)"]
        (only,) = compared(*arguments, capsys=capsys)
        assert only["results"][0]["timed_out"] == share


def test_answers_take_time_and_lags_have_a_target(capsys: pytest.CaptureFixture[str]) -> None:
    """Of lags spread over 0 to 1 s, a quarter is within 250 ms; with answers that take 1 s, none is."""
    for latency, share in (("0s", 0.25), ("1s", 0.0)):
        (only,) = compared("fixed", "--lag-target", "250ms", "--latency", latency, capsys=capsys)
        assert only["results"][0]["within"] == pytest.approx(share, abs=0.01)


def test_a_narrow_window_names_what_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also what was asked for; where there is room for all, nothing is said."""
    for width, named in (("40", True), ("120", False)):
        monkeypatch.setenv("COLUMNS", width)
        assert run(["compare", "seed", "openai", "azure-core", "--lag-target", "2s"]) == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert ("No room for: least, lag p95, in time; a wider window" in printed) is named


def test_files_of_one_name_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file's name is its stem, unless there are two of it."""
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "b"):
        Path(folder).mkdir()
        Path(folder, "mine.toml").write_text('strategy = "fixed"')
    (only,) = compared("a/mine.toml", "b/mine.toml", "seed", capsys=capsys)
    assert {each["strategy"] for each in only["results"]} == {"a/mine.toml", "b/mine.toml", "seed"}
    (only,) = compared("a/mine.toml", "seed", capsys=capsys)
    assert {each["strategy"] for each in only["results"]} == {"mine", "seed"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sed"], "did you mean 'seed'?"),
        (["seed", "seed"], "STRATEGIES: 'seed' is given twice"),
        (["exponential(base=-1)"], "must be"),
        (["--workload", "unifrom(5s, 15s)"], "did you mean 'uniform'?"),
        (["--workload", "missing.toml"], "missing.toml: cannot be read"),
        (["--latency", "soon"], "--latency"),
        (["--latency", "-1"], "latency: must be"),
        (["--max-attempts", "0"], "--max-attempts: must be a whole number >= 1 or none, got 0"),
        (["--timeout", "banana"], "--timeout: must be"),
        (["--html", "no/such/folder/x.html"], "cannot be written"),
        (["--png", "."], "cannot be written"),
        (["--html", "x", "--png", "../here/x"], "--html and --png: must be different files, got '../here/x'"),
        (["--hint", "-1"], "hint: must be"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The place, the value and the rule; status 2; and nothing is printed or computed for it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert run(["compare", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.slow
def test_a_page_and_a_picture_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both beside the table; a run that comes to nothing leaves no file behind."""
    html, png = tmp_path / "compared.html", tmp_path / "compared.png"
    assert run(["compare", "sed", "--html", str(html), "--png", str(png)]) == 2
    assert not html.exists()
    assert run(["compare", "fixed", "seed", "--seed", "7", "--html", str(html), "--png", str(png)]) == 0
    assert "least possible" in capsys.readouterr().out
    assert "<h1>What 2 strategies cost on one workload</h1>" in html.read_text(encoding="utf-8")
    assert "seed: 7" in html.read_text(encoding="utf-8")
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_peers_take_part_or_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Every library that bide can record has a row under its name and version, or is missing by name."""
    assert run(["compare", "fixed", "--peers", "--json"]) == 0
    printed = capsys.readouterr()
    rows = [each["strategy"] for each in json.loads(printed.out)["workloads"][0]["results"]]
    for library in ADAPTERS:
        assert any(row.startswith(f"{library} ") for row in rows) != (
            f"not compared: {library}" in printed.err
        )


def test_json_says_what_the_figures_depend_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Seed, latency, hint, limits, and what is to be known about them."""
    options = ["--latency", "200ms", "--seed", "3", "--timeout", "1m", "--max-attempts", "none"]
    assert run(["compare", "seed", "openai", *options, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document.pop("workloads")
    assert document == {
        "latency": 0.2,
        "hint": None,
        "lag_target": None,
        "trained_on": 100,
        "seed": 3,
        "limits": {"timeout": "1m", "max_attempts": "none"},
        "notes": ["No answer gives a hint here (see --hint), by which these would go: openai."],
    }


def test_help_loads_nothing_heavy() -> None:
    """The command line starts without numpy, scipy and Altair."""
    heavy = {"numpy", "scipy", "altair", "vl_convert", "jinja2"}
    code = f"import sys, bide.cli.app; print(*{heavy} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


def test_the_guide_shows_what_the_command_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table in the guide is that of the command above it, in a window of 80 columns."""
    guide = (Path(__file__).parents[2] / "docs/how-to/compare-strategies.md").read_text(encoding="utf-8")
    command, _, rest = guide.partition("```sh\n")[2].partition("\n```")
    table = rest.partition("```text\n")[2].partition("```")[0]
    monkeypatch.setenv("COLUMNS", "80")
    assert run(shlex.split(command)[1:]) == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.rstrip().splitlines()]
    assert printed == table.splitlines()

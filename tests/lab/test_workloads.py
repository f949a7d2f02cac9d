"""Workloads from files and from lines of text, and what is said when one is wrong."""

import json
import os
import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from bide import ConfigError
from bide.lab import Workload, find_workload, load_workload
from bide.lab.distributions import Exponential, Fixed, Gamma, Lognormal, Uniform, Weibull
from bide.lab.mixed import Durations, Mixture, Samples

SHIPPED = sorted((Path(__file__).parents[2] / "benchmarks" / "workloads").glob("*.toml"))


@pytest.mark.parametrize(
    ("text", "durations"),
    [
        ("uniform(5s, 15s)", Uniform(5.0, 15.0)),
        ("uniform(5s, longest=15)", Uniform(5.0, 15.0)),
        ("lognormal(median=60s, sigma=0.5)", Lognormal(60.0, 0.5)),
        ("exponential(1m30s)", Exponential(90.0)),
        ("weibull(0.6, 60s)", Weibull(0.6, 60.0)),
        ("gamma(shape=4, scale=30s)", Gamma(4.0, 30.0)),
        ("fixed(100ms)", Fixed(0.1)),
        (
            "mixture([0.7, 0.3], [lognormal(20s, 0.1), uniform(200s, 220s)])",
            Mixture([0.7, 0.3], [Lognormal(20.0, 0.1), Uniform(200.0, 220.0)]),
        ),
    ],
)
def test_a_line_means_durations(text: str, durations: object) -> None:
    """Fields by place or by name, durations with units, mixtures in brackets; the line is the name."""
    assert find_workload(text) == Workload(text, durations)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_workload_loads(path: Path) -> None:
    """Each has a name of its own and a mean duration."""
    workload = find_workload(str(path))
    assert workload.name
    assert 0 < workload.durations.mean < 3600


def test_enough_workloads_are_shipped() -> None:
    """There are at least eight, the seed server's 5 to 15 s among them, and their names differ."""
    workloads = [load_workload(path) for path in SHIPPED]
    assert len({workload.name for workload in workloads}) == len(SHIPPED) >= 8
    assert Uniform(5.0, 15.0) in [workload.durations for workload in workloads]


def test_a_file_without_a_name_has_its_own(tmp_path: Path) -> None:
    """The name of a workload may be left out."""
    path = tmp_path / "nightly.toml"
    path.write_text('[durations]\nkind = "fixed"\nduration = "2m"\n')
    assert load_workload(path) == Workload("nightly", Fixed(120.0))


@pytest.mark.parametrize(
    ("name", "text", "column"),
    [
        ("times.csv", "id,seconds\n1,2.5\n2, 1m \n\n3,7\n", "seconds"),
        ("times.csv", "\ufeffseconds\n2.5\n60\n7\n", None),
        ("times.csv", "\n2.5\n60\n7\n", None),
        ("times.csv", "\ufeff2.5s\n1m,\n7\n", None),
        ("times.json", "[2.5, 60, 7]", None),
        ("times.json", '["2.5s", "1m", 7]', None),
        ("times.json", '[{"s": 2.5, "id": 1}, {"s": "1m"}, {"s": 7}]', "s"),
        ("times.json", '[{"s": 2.5}, {"s": 60}, {"s": 7}]', None),
    ],
)
def test_samples_come_from_a_file(tmp_path: Path, name: str, text: str, column: str | None) -> None:
    """A CSV file, with a header or of numbers alone, or a JSON list; beside the file that names it."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    chosen = "" if column is None else f'column = "{column}"\n'
    workload = tmp_path / "measured.toml"
    workload.write_text(f'[durations]\nkind = "samples"\nfile = "{name}"\n{chosen}')
    assert load_workload(workload).durations == Samples([2.5, 60.0, 7.0])


def test_samples_within_a_mixture_come_from_a_file(tmp_path: Path) -> None:
    """Also a line of text may name a file, by place or by name."""
    path = tmp_path / "times.csv"
    path.write_text("seconds\n1\n2\n")
    found = find_workload(f'mixture([1, 2], [fixed(9s), samples("{path}", column=seconds)])')
    assert found.durations == Mixture([1.0, 2.0], [Fixed(9.0), Samples([1.0, 2.0])])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("unifrom(5s, 15s)", "unknown kind 'unifrom'; did you mean 'uniform'?"),
        ("uniform(15s, 5s)", "longest: must be > 'shortest' (15), got 5"),
        ("uniform(5s)", "longest: is required, such as uniform(5s, 15s)"),
        ("lognormal(60s)", "sigma: is required, such as lognormal(60s, 0.5)"),
        ("times.csv", "'times.csv': is no TOML file; measured durations are written samples(times.csv)"),
        ("here/times.json", "measured durations are written samples(here/times.json)"),
        ("uniform(5s, 15s, 20s)", "needs '=' after 'uniform(5s, 15s, 20s', got ')'"),
        ("uniform(5s, shortest=4s)", "names 'shortest' twice"),
        ("exponential(-1)", "durations.mean: must be a finite number > 0 and <= 1e+09 seconds, got -1"),
        ("exponential(nan)", "mean: must be a duration such as 100ms"),
        ("exponential(inf)", "mean: must be a duration such as 100ms"),
        ("lognormal(60s, 0)", "sigma: must be a finite number > 0"),
        ("gamma(4, scale=30s, rate=2)", "rate: unknown field"),
        ("weibull(0.6, 60s", "needs ',' or ')'"),
        ("mixture([1], [fixed(1s), fixed(2s)])", "needs a weight for each part, got 1 weights for 2 parts"),
        ("mixture([1, 0], [fixed(1s), fixed(2s)])", "weights: must be a finite number > 0, got 0.0"),
        ("mixture([1], [fixd(1s)])", "unknown kind 'fixd'; did you mean 'fixed'?"),
        ("samples(-)", "must be read from a file, got '-'"),
        ("nowhere.toml", "nowhere.toml: cannot be read: No such file or directory"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(text: str, said: str) -> None:
    """The error has the line, or the file, the place in it and the rule."""
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        find_workload(text)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no durations"),
        ("a,b\n1,2\n", "needs a 'column' (there are: a, b)"),
        ("1,2\n3,4\n", "line 1: needs a header that names the 2 columns; there is a number in '1,2'"),
        ("1\nsoon\n", "line 2: must be a duration such as 100ms"),
        ("nan\n1\n", "line 1: must be a finite number"),
        ("8 sec\n9\n", "line 1: must be a duration such as 100ms, 2m30s or 1.5h, got '8 sec'"),
        ("seconds\n8,5\n", "line 2: must have 1 cells, got '8,5'"),
        ("seconds\n", "holds no durations"),
        ("seconds\n1\nsoon\n", "line 3, seconds: must be a duration such as 100ms"),
        (
            "seconds\n1\n\n-2\n",
            "line 4, seconds: must be a finite number >= 0 and <= 1e+09 seconds, got '-2'",
        ),
        ("seconds\nnan\n", "line 2, seconds: must be a finite number"),
        ("seconds\n1e999\n", "line 2, seconds: must be a finite number"),
    ],
)
def test_what_is_wrong_in_a_csv_file_is_said(tmp_path: Path, text: str, said: str) -> None:
    """The error has the file, the line, the column, what stands there and the rule."""
    path = tmp_path / "times.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=re.escape(f"{path}: ")) as caught:
        find_workload(f"samples({path})")
    assert said in str(caught.value)


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    """With the nearest one that is there; and a row that is too short has nothing in it."""
    path = tmp_path / "times.csv"
    path.write_text("id,seconds\n1\n")
    with pytest.raises(ConfigError, match="has no column 'secnds'; did you mean 'seconds'"):
        find_workload(f"samples({path}, secnds)")
    with pytest.raises(ConfigError, match=r"line 2, seconds: must be a duration .*, got ''"):
        find_workload(f"samples({path}, seconds)")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"seconds": [1]}, "must be a list of durations, or of objects"),
        ([], "holds no durations"),
        ([1, None], "[1]: must be a finite number"),
        ([True], "[0]: must be a finite number"),
        ([{"a": 1, "b": 2}], "[0]: needs a 'column'"),
    ],
)
def test_what_is_wrong_in_a_json_file_is_said(tmp_path: Path, data: object, said: str) -> None:
    """The error has the file, the place in the list and the rule."""
    path = tmp_path / "times.json"
    path.write_text(json.dumps(data))
    with pytest.raises(ConfigError, match=re.escape(said)):
        find_workload(f"samples({path})")


def test_a_broken_file_is_no_traceback(tmp_path: Path) -> None:
    """What is not JSON, not UTF-8 or no file at all is a ConfigError that names it."""
    path = tmp_path / "times.json"
    path.write_text("[1,")
    (tmp_path / "times.csv").write_bytes(b"seconds\n\xff\xfe\n")
    (tmp_path / "folder.csv").mkdir()
    for name in ("times.json", "times.csv", "folder.csv", "nowhere.csv"):
        with pytest.raises(ConfigError, match=rf"{name}: cannot be read"):
            find_workload(f"samples({tmp_path / name})")


def test_durations_are_drawn_by_their_quantiles() -> None:
    """A uniform draw becomes a duration."""
    durations = find_workload("uniform(5s, 15s)").durations
    assert durations.quantile(np.array([0.0, 0.25, 1.0])).tolist() == [5.0, 7.5, 15.0]


def test_samples_come_from_a_regular_file_of_reasonable_size(tmp_path: Path) -> None:
    """A device that never ends and a file above 64 MiB are refused before they are read."""
    large = tmp_path / "large.csv"
    large.touch()
    os.truncate(large, 64 * 2**20 + 1)
    with pytest.raises(ConfigError, match=r"/dev/zero: cannot be read: it is no regular file$"):
        find_workload("samples(/dev/zero)")
    with pytest.raises(ConfigError, match=r"large\.csv: must have at most 67,108,864 bytes, got 67,108,865$"):
        find_workload(f"samples({large})")


@pytest.mark.parametrize("kind", get_args(Durations))
def test_a_kind_without_its_fields_gives_a_form_to_copy(kind: type[Any]) -> None:
    """The example is one of the kind; that of samples names a file of one's own."""
    with pytest.raises(ConfigError, match="is required, such as ") as caught:
        find_workload(kind.kind)
    example = str(caught.value).splitlines()[0].partition("such as ")[2]
    assert example.startswith(f"{kind.kind}(")
    if kind is not Samples:
        assert isinstance(find_workload(example).durations, kind)

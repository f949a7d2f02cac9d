"""Config: what is read, what is refused, and how it says so."""

from __future__ import annotations

import math
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide import ConfigError, Limits, from_config, load_policy, to_config
from bide.catalogue import catalogue, find_policy
from bide.config import default_strategy
from bide.durations import UNITS, format_duration, parse_duration, parse_range
from bide_strategies import Additive, Exponential, Fixed, Full


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("100ms", 0.1),
        ("2m30s", 150),
        ("1.5h", 5400),
        ("250us", 0.00025),
        ("1d", 86400),
        (" 3 s ", 3),
        (".5s", 0.5),
    ],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    """A text with units means so many seconds."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "1parsec", "1s30m", "1s 1s", "1e3s", "nan s", "٣s"])
def test_texts_that_are_no_durations_are_refused(text: str) -> None:
    """Neither a missing nor an unknown unit, a sign, nor units in disorder pass."""
    with pytest.raises(ConfigError, match="must"):
        parse_duration(text)


@given(st.integers(1, 10**6), st.sampled_from(sorted(UNITS)))
def test_a_duration_is_its_number_times_its_unit(number: int, unit: str) -> None:
    """Units multiply."""
    assert parse_duration(f"{number}{unit}") == number * UNITS[unit]


def test_ranges_have_one_end_or_two() -> None:
    """2s..5s is a range, and 3s is both its ends."""
    assert parse_range("2s..5s") == (2, 5)
    assert parse_range("3s") == (3, 3)
    assert parse_range("0.5..1") == (0.5, 1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.08, "80ms"),
        (2.5, "2.5s"),
        (150, "2m30s"),
        (10800, "3h"),
        (1e-5, "10us"),
        (93780, "1d2h3m"),
        (59.99, "1m"),
    ],
)
def test_durations_are_short_to_read(seconds: float, text: str) -> None:
    """People read units, not digits."""
    assert format_duration(seconds) == text


def test_the_seed_is_the_default_of_everything() -> None:
    """The catalogue's seed, the strategy of a client that was told nothing, and the default limits agree."""
    seed = load_policy(catalogue()["seed"])
    assert seed.strategy == default_strategy() == Exponential(jitter=Additive(share=0.5))
    assert seed.limits == Limits() == Limits(max_attempts=10, timeout=120.0)


def test_a_strategy_is_found_by_file_by_name_and_by_kind(tmp_path: Path) -> None:
    """What a person types is a TOML file, a name in the catalogue, or a kind."""
    file = tmp_path / "mine.toml"
    file.write_text('strategy = "fixed"')
    assert find_policy(str(file)).strategy == Fixed()
    assert find_policy("seed").strategy == default_strategy()
    assert find_policy("decorrelated_jitter") == find_policy("decorrelated-jitter")
    with pytest.raises(ConfigError, match=r"'expnential' is no TOML file.*did you mean 'exponential'"):
        find_policy("expnential")


def test_a_kind_alone_means_its_defaults() -> None:
    """A name stands for a table with nothing but a kind, for strategies and for jitter."""
    assert from_config("fixed") == from_config({"kind": "fixed"}) == Fixed()
    assert from_config({"kind": "exponential", "jitter": "full"}) == Exponential(jitter=Full())


def test_none_lifts_a_limit(tmp_path: Path) -> None:
    """TOML has no null; the word does."""
    file = tmp_path / "patient.toml"
    file.write_text('strategy = "fixed"\n[limits]\ntimeout = "none"\nmax_attempts = "none"\n')
    assert load_policy(file).limits == Limits(timeout=None, max_attempts=None)


def test_whole_numbers_become_seconds() -> None:
    """A 10 in config equals a 10.0 in Python, and is written back as one."""
    config = to_config(from_config({"kind": "fixed", "interval": 10}))
    assert config == {"kind": "fixed", "interval": 10.0, "jitter": {"kind": "none"}, "first": 0.0}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kind": "exponental"}, "kind: unknown kind 'exponental'; did you mean 'exponential'?"),
        (
            {"kind": "fixed", "intervall": 1},
            "intervall: unknown field, with the value 1; did you mean 'interval'?",
        ),
        (
            {"kind": "fixed", "interval": -1},
            "interval: must be a finite number > 0 and <= 1e+09 seconds, got -1",
        ),
        ({"kind": "fixed", "interval": 0}, "interval: must be a finite number > 0"),
        ({"kind": "fixed", "interval": math.nan}, "got nan"),
        ({"kind": "fixed", "interval": math.inf}, "got inf"),
        ({"kind": "fixed", "interval": 10**400}, "interval: must be a finite number"),
        ({"kind": "fixed", "interval": True}, "interval: must be a number of seconds, or text with a unit"),
        (
            {"kind": "fixed", "interval": "10"},
            "interval: must be a duration such as 100ms, 2m30s or 1.5h, got '10'",
        ),
        ({"kind": "fixed", "interval": [1]}, "interval: must be a number of seconds"),
        ({"kind": "exponential", "factor": "2"}, "factor: must be a number, got '2'"),
        ({"kind": "exponential", "factor": 0.5}, "factor: must be a finite number >= 1, got 0.5"),
        ({"kind": "exponential", "base": 20}, "cap: must be >= 'base' (20), got 10"),
        ({"kind": "exponential", "jitter": "fool"}, "jitter.kind: unknown kind 'fool'"),
        ({"kind": "exponential", "jitter": {"kind": "additive", "share": 2}}, "jitter.share: must be"),
        ({"kind": "exponential", "jitter": 3}, "jitter: must be a table with a 'kind'"),
        ({"base": 1}, "needs a 'kind', and it must be text, got only 'base'"),
        (3, "must be a table with a 'kind'"),
    ],
)
def test_what_is_wrong_is_named(config: Any, message: str) -> None:
    """A refusal names the place, the value, the rule and, for a misspelling, the nearest name."""
    with pytest.raises(ConfigError) as caught:
        from_config(config)
    assert message in str(caught.value)


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    """One look at the message is enough to mend a whole file; each line names file and place."""
    file = tmp_path / "broken.toml"
    file.write_text(
        '[strategy]\nkind = "exponential"\nbase = -1\ncapp = 3\n[limits]\nmax_attempts = 0\n[other]\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_policy(file)
    places = [(problem.source, ".".join(problem.path)) for problem in caught.value.problems]
    assert places == [
        (str(file), "other"),
        (str(file), "strategy.capp"),
        (str(file), "strategy.base"),
        (str(file), "limits.max_attempts"),
    ]
    assert str(caught.value).splitlines()[3] == (
        f"{file}: limits.max_attempts: must be a whole number >= 1 or none, got 0"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"[strategy", "is not TOML"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"a = " + b"9" * 5_000, "is not TOML"),
        (b"a = " + b"[" * 100_000, "is not TOML"),
        (b"", "strategy: is required"),
        (b"strategy = 3", "strategy: must be a table"),
    ],
)
def test_broken_files_are_one_clear_error(tmp_path: Path, content: bytes | None, message: str) -> None:
    """A file that is missing, no text, no TOML or no policy is named, and so is what is wrong with it."""
    file = tmp_path / "policy.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_policy(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert message in str(caught.value)


def test_every_wrong_element_of_a_list_is_named() -> None:
    """Types and rules alike, each with its place."""
    with pytest.raises(ConfigError) as caught:
        from_config({"kind": "schedule", "delays": [1, -2, math.nan, 3]})
    assert [str(problem).partition(":")[0] for problem in caught.value.problems] == ["delays[1]", "delays[2]"]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Some editors begin a file with one."""
    file = tmp_path / "mine.toml"
    file.write_bytes(b'\xef\xbb\xbfstrategy = "fixed"\r\n')
    assert load_policy(file).strategy == Fixed()


def test_only_a_regular_file_of_reasonable_size_is_read(tmp_path: Path) -> None:
    """A folder, a device, a pipe that nobody writes to and a file above 1 MiB are refused at once."""
    pipe, large = tmp_path / "pipe.toml", tmp_path / "large.toml"
    os.mkfifo(pipe)
    large.touch()
    os.truncate(large, 2**20 + 1)
    for path in (tmp_path, Path("/dev/zero"), pipe):
        with pytest.raises(ConfigError, match=f"^{path}: cannot be read: it is no regular file$"):
            load_policy(path)
    with pytest.raises(ConfigError, match=f"^{large}: must have at most 1,048,576 bytes, got 1,048,577$"):
        load_policy(large)


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "3", math.nan])
def test_limits_in_python_are_checked_too(bad: Any) -> None:
    """The same rules hold where no config is involved."""
    with pytest.raises(ConfigError, match="max_attempts: must be a whole number >= 1 or none, got"):
        Limits(max_attempts=bad)


@pytest.mark.parametrize("bad", [0, -1.0, math.nan, math.inf, 10**400, "2m", True])
def test_a_strategy_in_python_is_checked_too(bad: Any) -> None:
    """The same rules hold where no config is involved."""
    with pytest.raises(ConfigError, match="interval: must be a finite number > 0"):
        Fixed(interval=bad)


def test_a_config_error_survives_pickling() -> None:
    """Problems arrive whole in another process; the error is a ValueError to those who know no better."""
    with pytest.raises(ValueError, match="kind") as caught:
        from_config("nothing")
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems  # type: ignore[attr-defined]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["kind", "base", "jitter", "share"]) | st.text(),
                inner | st.sampled_from(["exponential", "additive"]),
            )
        ),
    )
)
def test_no_data_whatever_crashes_config(data: Any) -> None:
    """Anything is either a strategy or a ConfigError."""
    try:
        from_config(data)
    except ConfigError as error:
        assert str(error)

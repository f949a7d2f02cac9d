"""The figures of a comparison as text: in columns, in order, in any window."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import comparison, result
from rich.console import Console

from bide.cli.comparison import print_comparison
from bide.lab.columns import arranged, columns, lag_unit, least_possible
from bide.lab.comparison import Comparison
from bide.lab.figures import NOTHING, decimals_for, format_error, format_number, format_share, unit_for


def printed(found: Comparison, width: int) -> list[str]:
    """Return the lines that a window of this width shows."""
    console = Console(width=width)
    with console.capture() as capture:
        print_comparison(found, console)
    return capture.get().splitlines()


@pytest.mark.parametrize(("mean", "name"), [(0.2, "ms"), (10, "s"), (3600, "min"), (86400, "h")])
def test_times_are_told_in_a_unit_of_the_size_of_the_jobs(mean: float, name: str) -> None:
    """Jobs of an hour have their lag in minutes, those of a fifth of a second in milliseconds."""
    assert unit_for(mean).name == name


@pytest.mark.parametrize(
    ("values", "decimals"),
    [((1.0, 20.0, None), 0), ((1.5, 999.0), 2), ((1.5, 1000.0), 1), ((math.inf, 2.0), 0), ((), 0)],
)
def test_a_column_has_as_many_decimals_in_each_row(values: tuple[float | None, ...], decimals: int) -> None:
    """None where all numbers are whole, two otherwise, one where they are long."""
    assert decimals_for(values) == decimals


@given(st.floats(0, 1e6), st.integers(0, 2))
def test_a_standard_error_is_shown_if_it_can_be_seen(error: float, decimals: int) -> None:
    """It shows as a number above 0, or not at all."""
    text = format_error(error, decimals)
    assert bool(text) == (error >= 0.5 * 10**-decimals)
    assert not text or float(text.removeprefix("±")) > 0 or error == 0.5 * 10**-decimals


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.001, "<1%"), (0.5, "50%"), (0.999, ">99%"), (1, "100%"), (None, NOTHING)],
)
def test_a_share_never_looks_like_all_or_nothing_unless_it_is(share: float | None, text: str) -> None:
    """One job in a thousand is less than 1 %, not 0 %."""
    assert format_share(share) == text


def test_what_is_no_number_is_a_dash_and_what_has_no_bound_is_said() -> None:
    """Neither `nan` nor `inf` comes to the eye."""
    assert [format_number(value, 2) for value in (None, math.nan, math.inf, 1.005)] == [
        NOTHING,
        NOTHING,
        "∞",
        "1.00",
    ]


def test_who_gives_up_comes_last() -> None:
    """However little it costs to give up, it is no way to see the end of a job."""
    found = arranged(comparison(result("hasty", 1, 5, timed_out=0.9), result("patient", 8, 5)))
    assert [(each.strategy, each.excess) for each in found.workloads[0].results] == [
        ("patient", 4.0),
        ("hasty", 0.5),
    ]
    least = least_possible(found.workloads[0])
    assert least is not None
    assert least.beside == "patient"


def test_the_optimum_stands_at_the_lag_in_the_middle() -> None:
    """Of lags of 1 s, 4 s and 10 s it has 4 s, where 10 / 4 calls are the least."""
    found = comparison(result("a", 30, 1), result("b", 20, 4), result("c", 10, 10))
    least = least_possible(found.workloads[0])
    assert least is not None
    assert (least.result.calls, least.result.lag_mean, least.beside) == (2.5, 4, "b")
    assert least_possible(comparison(result("never", 4, 1, timed_out=1.0)).workloads[0]) is None


def test_a_share_that_nobody_asked_for_has_no_column() -> None:
    """Without a lag target, and where nobody gives up, neither share is shown."""
    assert not {"in time", "gave up"} & columns([result("a", 3, 2)], unit_for(10)).keys()


def test_the_table_begins_with_the_optimum_and_is_sorted_by_excess() -> None:
    """Then come the strategies, the nearest to it first, and those that give up."""
    rows = result("b", 20.5, 5), result("a", 10.5, 5), result("c", 1, 5, timed_out=0.5)
    lines = [line.split() for line in printed(comparison(*rows), 80)]
    found = [line[:3] for line in lines if line and line[0] in {"least", "a", "b", "c"}]
    assert found[:3] == [["least", "possible", "1.00"], ["a", "5.25", "10.50"], ["b", "10.25", "20.50"]]
    assert found[3][0] == "c"


@pytest.mark.parametrize(
    ("lags", "unit"), [((0.5, 0.5, 3.73), "s"), ((0.004, 0.2), "ms"), ((0.0, 9.0), "s"), ((), "s")]
)
def test_lags_are_told_in_a_unit_for_all(lags: tuple[float, ...], unit: str) -> None:
    """The middle of the least and the most counts, however many there are of one size: 1.4 s, 28 ms."""
    assert lag_unit([result("a", 3, lag) for lag in lags]).name == unit


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_table_fits_its_window(width: int) -> None:
    """No line is wider than the window; each name and each excess is there, the columns that fit as well."""
    names = ["exponential(base=1s, cap=30s, jitter=equal)", "tenacity-random-exponential", "seed"]
    rows = [result(name, 10.5 + n, 5, se=0.05) for n, name in enumerate(names)]
    lines = printed(comparison(*rows, result("grpc", 4, 1, timed_out=1.0)), width)
    assert max(map(len, lines)) <= width
    first_column = "".join(line.split("  ")[0] for line in lines).replace(" ", "")
    assert all(name.replace(" ", "") in first_column for name in names)
    table = "\n".join(lines)
    assert all(f"{(10.5 + n) / 2:.2f}" in table for n in range(3))
    headings = table.split("─")[0].split()
    assert {"excess", "calls", "lag", "mean,"} <= set(headings)
    assert ("gave" in headings) == (width >= 60)
    assert ("±0.05" in table) == (width >= 120)


def test_where_all_give_up_the_optimum_does_too() -> None:
    """It stands beside one of them, and gives up on as many jobs."""
    found = comparison(result("hasty", 4, 5, timed_out=0.25), result("never", 1, 5, timed_out=1.0))
    lines = printed(found, 80)
    first = next(line for line in lines if "least possible  " in line)
    assert first.split() == ["least", "possible", "1", "2", "2", "5", "\N{EN DASH}", "25%"]
    text = " ".join(lines)
    assert "no schedule that gives up on as many jobs can better at the mean lag of hasty" in text
    assert "All rows give up" in text


def test_a_name_may_hold_what_a_terminal_would_take_for_style() -> None:
    """Square brackets stay what they are."""
    name = "schedule(delays=[1, 2, 5])"
    assert any(name in line for line in printed(comparison(result(name, 3, 5)), 80))

"""Strategies in one line of text, both ways."""

from typing import Any

import pytest
from generators import shipped
from hypothesis import given
from hypothesis import strategies as st

from bide import ConfigError, Strategy, from_config, to_config
from bide.inline import format_inline, parse_inline
from bide_strategies import Additive, Exponential, Full, Schedule, Then


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("exponential(base=100ms, cap=10s, jitter=full)", Exponential(base=0.1, cap=10.0, jitter=Full())),
        ("exponential(jitter=additive(share=0.5))", Exponential(jitter=Additive(share=0.5))),
        ("exponential", Exponential()),
        (" exponential ( ) ", Exponential()),
        ("schedule(delays=[1, 2s, 1m30s,], first=.5)", Schedule(delays=[1.0, 2.0, 90.0], first=0.5)),
        ("then(start=schedule(delays=[1]),polls=3,rest=exponential(cap='1h'))",
         Then(start=Schedule(delays=[1.0]), polls=3, rest=Exponential(cap=3600.0))),
        ("exponential(factor=1e1)", Exponential(factor=10.0)),
    ],
)  # fmt: skip
def test_a_line_means_a_strategy(text: str, strategy: Strategy) -> None:
    """Names, fields, durations, lists and nesting read as a person would write them."""
    assert from_config(parse_inline(text)) == strategy


@given(shipped)
def test_every_strategy_can_be_written_in_a_line(strategy: Strategy) -> None:
    """What is written is read back as the same strategy."""
    assert from_config(parse_inline(format_inline(to_config(strategy)))) == strategy


def test_a_line_is_short() -> None:
    """Numbers have no needless digits, and a kind without fields no parentheses."""
    text = format_inline(to_config(Exponential(jitter=Full())))
    assert text == "exponential(base=0.1, factor=2, cap=10, jitter=full(least=0), first=0)"
    assert format_inline({"kind": "fixed"}) == "fixed"
    assert (
        format_inline({"kind": "a", "b": "two words", "c": "12", "d": True})
        == 'a(b="two words", c="12", d=true)'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a name or a value, got the end"),
        ("(", "needs a name or a value, got '('"),
        ("exponential(", "needs the name of a field after 'exponential(', got the end"),
        ("exponential(base", "needs '=' after 'exponential(base', got the end"),
        ("exponential(base=", "needs a name or a value after 'exponential(base=', got the end"),
        ("exponential(base=1 cap=2)", "needs ',' or ')' after 'exponential(base=1', got 'cap'"),
        ("exponential(base=1)x", "needs nothing more after 'exponential(base=1)', got 'x'"),
        ("exponential(base=1, base=2)", "names 'base' twice"),
        ("exponential(kind=fixed)", "names 'kind' twice"),
        ("exponential(base='1s)", 'got "\'"'),
        ("3", "must begin with the name of a kind"),
        ("[1]", "must begin with the name of a kind"),
        ("a(b=" * 5_000, "is nested more than 20 deep"),
    ],
)
def test_what_is_miswritten_is_shown(text: str, message: str) -> None:
    """The error has what was read so far, what was wanted, and what came instead."""
    with pytest.raises(ConfigError) as caught:
        parse_inline(text)
    assert message in str(caught.value)


@given(st.text() | st.text("exponential()[]=,'\"0.1e5 "))
def test_no_text_whatever_crashes_the_parser(text: str) -> None:
    """Anything is either a table or a ConfigError."""
    try:
        table: Any = parse_inline(text)
    except ConfigError:
        return
    assert isinstance(table["kind"], str)

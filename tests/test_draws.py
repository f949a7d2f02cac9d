"""The draws of a wait: SplitMix64, continued from any place."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.draws import Draws

# Source: the reference implementation of S. Vigna, splitmix64.c, as quoted with seed 1234567 by Rosetta Code.
PUBLISHED = [
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
]

states = st.integers(0, 2**64 - 1)


def test_draws_are_splitmix64() -> None:
    """The upper 53 bits of the published outputs, as shares of one."""
    draws = Draws(1234567)
    assert [draws() for _ in PUBLISHED] == [(output >> 11) / 2**53 for output in PUBLISHED]


@given(states, st.integers(0, 50))
def test_a_state_gives_the_same_draws_again(state: int, made: int) -> None:
    """Who continues a stream draws what would have been drawn."""
    draws, other = Draws(state), Draws(state)
    for _ in range(made):
        draws()
        other = Draws(other.state)
        other()
    assert draws() == Draws(other.state)()


@given(states)
def test_draws_are_shares(state: int) -> None:
    """At least 0 and below 1, whatever the state, which stays one of 64 bits."""
    draws = Draws(state)
    assert 0.0 <= draws() < 1.0
    assert 0 <= draws.state < 2**64


@pytest.mark.parametrize("state", [0, 1, 2**32, 2**64 - 1, 0x9E3779B97F4A7C15])
def test_draws_are_uniform(state: int) -> None:
    """
    Of 10,000 draws each tenth gets its share, as chi-squared has it, and neighbours do not hang together.

    Chance exceeds 27.9 once in a thousand times (9 degrees of freedom), and so it does 3.3 standard errors.
    """
    draws = Draws(state)
    drawn = [draws() for _ in range(10_000)]
    tenths = [0] * 10
    for one in drawn:
        tenths[int(10 * one)] += 1
    assert sum((count - 1000) ** 2 / 1000 for count in tenths) < 27.9
    products = [12 * (one - 0.5) * (other - 0.5) for one, other in pairwise(drawn)]
    assert abs(sum(products)) / math.sqrt(len(products)) < 3.3


def test_two_waits_do_not_draw_alike() -> None:
    """Without a state each stream is one of its own."""
    assert len({Draws().state for _ in range(100)}) == 100

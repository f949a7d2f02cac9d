"""What tells strategies apart in a chart: a colour and a shape, which together no other has."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

# From the palette of Okabe and Ito, which colour-blind readers can tell apart; without its black, which is
# the frontier's, and its yellow, which white paper swallows.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7")

# SVG paths within -1 and 1. Their number has no factor in common with that of the colours, so that the
# pairs repeat only after all have been used.
SHAPES = (
    "M0.85,0A0.85,0.85,0,1,1,-0.85,0A0.85,0.85,0,1,1,0.85,0Z",  # a circle
    "M-0.76,-0.76H0.76V0.76H-0.76Z",  # a square
    "M0,-1L1,0.75H-1Z",  # a triangle
    "M0,-1L0.9,0L0,1L-0.9,0Z",  # a diamond
    "M0,1L1,-0.75H-1Z",  # a triangle upside down
    "M-0.33,-1H0.33V-0.33H1V0.33H0.33V1H-0.33V0.33H-1V-0.33H-0.33Z",  # a plus
    "M-0.5,-0.9L0,-0.4L0.5,-0.9L0.9,-0.5L0.4,0L0.9,0.5L0.5,0.9L0,0.4L-0.5,0.9L-0.9,0.5L-0.4,0L-0.9,-0.5Z",
    "M1,0L-0.75,-1V1Z",  # a triangle that points to the right
    "M-1,0L0.75,1V-1Z",  # to the left
    "M-0.85,-0.9H0.85L-0.85,0.9H0.85Z",  # an hourglass
    "M0,-1.1L0.28,-0.28L1.1,0L0.28,0.28L0,1.1L-0.28,0.28L-1.1,0L-0.28,-0.28Z",  # a star
)


@frozen
class Symbol:
    """
    How a strategy is marked.

    Args:
        colour: as hexadecimal RGB.
        shape: an SVG path within -1 and 1.
    """

    colour: str
    shape: str


def symbols_for(strategies: Iterable[str]) -> dict[str, Symbol]:
    """Return the symbol of each strategy, by name; the first 66 differ in colour, in shape or in both."""
    return {
        name: Symbol(COLOURS[index % len(COLOURS)], SHAPES[index % len(SHAPES)])
        for index, name in enumerate(dict.fromkeys(strategies))
    }

"""The laws of strategies, each as a property that Hypothesis tries to break."""

from __future__ import annotations

import math
import pickle
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import attrs

from bide import registry
from bide.config import from_config, to_config
from bide.convert import fields_to_data, structure
from bide.errors import ConfigError
from bide.strategy import Observation, Situation, Strategy, ceiling_of, clump_of
from bide.testing.counted import counted
from bide.testing.trials import PENDING, TRIALS, Flaky, LawBroken, called, draws, given, situations

__all__ = ["LAWS", "SMALL_SHARE", "LawBroken", "check_strategy"]

SMALL_SHARE = 0.05
"""The share of draws that may have one value, where a strategy with jitter declares no ``clump``."""


def check_strategy(strategy: Strategy) -> None:
    """
    Try to break each law of `bide.strategy` with this strategy.

    The same strategy gives the same verdict: nothing is random but what a fixed seed gives.

    Raises:
        LawBroken: a law is broken; the message has the shortest case that was found.
    """
    if isinstance(strategy, type):
        raise TypeError(f"a strategy is an instance; make one of {strategy!r}")
    for law, holds in LAWS.items():
        try:
            holds(strategy)
        except LawBroken:
            raise
        except Flaky as error:
            message = f"{strategy!r} answers the same call now so and now otherwise"
            raise LawBroken("pure", message) from error
        except Exception as error:
            raise LawBroken(law, f"{strategy!r} raised {error!r}") from error


def _pure(strategy: Strategy) -> None:
    """Equal input gives an equal answer; a strategy is frozen, hashable and picklable."""
    _require_frozen(strategy)
    copy = pickle.loads(pickle.dumps(strategy))  # noqa: S301 - what we have just pickled
    if copy != strategy or hash(copy) != hash(strategy):
        raise LawBroken("pure", f"a pickled copy differs, or its hash:\n  {copy!r} != {strategy!r}")

    @TRIALS
    @given(situations, draws)
    def same_answer(situation: Situation, u: float) -> None:
        answers = [each.delay(situation, u) for each in (strategy, strategy, copy)]
        if not (answers[0] == answers[1] == answers[2]) and not any(map(math.isnan, answers)):
            raise LawBroken(
                "pure", called(strategy, situation, u, f"first {answers[0]!r}, then {answers[1:]!r}")
            )

    same_answer()


def _require_frozen(strategy: Strategy) -> None:
    for name in _attributes(strategy):
        try:
            setattr(strategy, name, getattr(strategy, name))
        except AttributeError:  # what a frozen class of attrs or dataclasses raises
            continue
        raise LawBroken("pure", f"it is not frozen: {name!r} of {strategy!r} can be set")


def _attributes(strategy: Any) -> list[str]:
    if attrs.has(type(strategy)):
        return [field.name for field in attrs.fields(type(strategy))]
    return list(getattr(strategy, "__dict__", ()))


def _finite(strategy: Strategy) -> None:
    """``0 <= delay < inf`` for every number of polls up to 10**6 and every u in [0, 1]."""

    @TRIALS
    @given(situations, draws)
    def finite(situation: Situation, u: float) -> None:
        try:
            delay = strategy.delay(situation, u)
        except Exception as error:
            raise LawBroken("finite", called(strategy, situation, u, f"raised {error!r}")) from error
        if not 0 <= delay < math.inf:
            raise LawBroken("finite", called(strategy, situation, u, f"{delay!r}"))

    finite()


def _monotone(strategy: Strategy) -> None:
    """A greater u never gives a smaller delay."""

    @TRIALS
    @given(situations, draws, draws)
    def monotone(situation: Situation, one: float, other: float) -> None:
        low, high = sorted((one, other))
        before, after = strategy.delay(situation, low), strategy.delay(situation, high)
        if after < before and not math.isclose(before, after, rel_tol=1e-12):
            shown = f"{before!r}, but {after!r} for u = {high!r}"
            raise LawBroken("monotone in u", called(strategy, situation, low, shown))

    monotone()


def _capped(strategy: Strategy) -> None:
    """No delay is above the ceiling, and with jitter no value gathers the draws there."""
    ceiling = min(ceiling_of(strategy), _cap_of(strategy))

    @TRIALS
    @given(situations, draws)
    def below(situation: Situation, u: float) -> None:
        delay = strategy.delay(situation, u)
        if delay > ceiling and not math.isclose(delay, ceiling, rel_tol=1e-12):
            raise LawBroken(
                "capped", called(strategy, situation, u, f"{delay!r}, above the ceiling {ceiling!r}")
            )

    below()
    _require_no_clump(strategy)


def _cap_of(strategy: Strategy) -> float:
    """Return the field ``cap`` of a strategy that declares no ceiling: what it then promises."""
    return math.inf if hasattr(strategy, "ceiling") else float(getattr(strategy, "cap", math.inf))


def _require_no_clump(strategy: Strategy) -> None:
    """Run chains of delays far beyond any growth, and look for a value that recurs."""
    if not _has_jitter(strategy):
        return
    allowed = max(SMALL_SHARE, clump_of(strategy))
    for begin, elapsed, seen in product((20, 100_000), (0.0, 1e3, 1e6), _SEEN):
        delays = [
            delay
            for seed in range(50)
            for delay in _chain(strategy, begin, elapsed, seen, random.Random(seed))
        ]
        value, count = Counter(delays).most_common(1)[0]
        if count / len(delays) > allowed:
            share = (
                f"{count / len(delays):.0%} of the delays after {begin} polls, {elapsed:g} s, are {value!r}"
            )
            raise LawBroken(
                "capped", f"{strategy!r} gathers its draws:\n  {share}; at most {allowed:.0%} may be"
            )


_SEEN = (PENDING, Observation("pending", progress=0.1, hint=2.0), Observation("pending", progress=0.9))
"""What the polls of a chain may see: a strategy may listen, and gather its draws only then."""


def _has_jitter(strategy: Strategy) -> bool:
    """Say whether any of the first delays depends on the draw."""
    situations = [
        Situation(polls, elapsed, 1.0, seen)
        for polls, elapsed in product(range(1, 20), (*map(float, range(1, 20)), 1e2, 1e3, 1e4, 1e6))
        for seen in _SEEN
    ]
    return any(strategy.delay(situation, 0.0) != strategy.delay(situation, 1.0) for situation in situations)


def _chain(
    strategy: Strategy, begin: int, elapsed: float, seen: Observation, chance: random.Random
) -> Iterator[float]:
    """Yield twenty delays of a wait, after twenty more in which it settles."""
    delay = 0.0
    for step in range(40):
        situation = Situation(begin + step, elapsed, delay, seen)
        delay = strategy.delay(situation, chance.random())
        elapsed += delay
        if step >= 20:
            yield delay


def _round_trip(strategy: Strategy) -> None:
    """Config and repr give an equal strategy again."""
    if not attrs.has(type(strategy)):
        raise LawBroken("round trip", f"{type(strategy)!r} is no class of attrs, and config needs one")
    again = _through_config(strategy)
    if again != strategy:
        raise LawBroken("round trip", f"config gives back something else:\n  {again!r} != {strategy!r}")
    again = eval(repr(strategy), _names_in(strategy))  # noqa: S307 - the law itself
    if again != strategy:
        raise LawBroken("round trip", f"its repr means something else:\n  {again!r} != {strategy!r}")


def _through_config(strategy: Strategy) -> Strategy:
    """Write a strategy as config and read it again; a class without a name, field by field."""
    try:
        registry.kind_of(type(strategy))
    except ConfigError:
        return structure(fields_to_data(strategy), type(strategy))
    return from_config(to_config(strategy))


def _names_in(value: Any) -> dict[str, Any]:
    """Return the classes that a repr may name, by their names."""
    names: dict[str, Any] = {type(value).__name__: type(value), "inf": math.inf, "nan": math.nan}
    if attrs.has(type(value)):
        for each in attrs.astuple(value, recurse=False):
            for inner in each if isinstance(each, tuple) else (each,):
                names |= _names_in(inner) if attrs.has(type(inner)) else {}
    return names


LAWS: dict[str, Callable[[Strategy], None]] = {
    "finite": _finite,
    "pure": _pure,
    "monotone in u": _monotone,
    "capped": _capped,
    "round trip": _round_trip,
    "counted": counted,
}
"""The laws by name, in the order in which they are tried: one that raises breaks all that come after."""

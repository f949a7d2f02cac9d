"""The laws of strategies, each as a property that Hypothesis tries to break."""

from __future__ import annotations

import math
import pickle
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import Any

import attrs

from bide.bounds import request_bounds
from bide.config import fields_to_config, from_fields
from bide.strategy import Observation, Situation, Strategy, ceiling_of, clump_of, envelope_of
from bide.wait import Limits, Outcome, Wait

try:
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError(
        "checking strategies needs Hypothesis: install bide with its extra 'testing'"
    ) from error

SMALL_SHARE = 0.05
"""The share of draws that may have one value, where a strategy with jitter declares no ``clump``."""

_SETTINGS = settings(
    deadline=None,
    database=None,
    derandomize=True,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)

_PENDING = Observation("pending")

_observations = st.none() | st.builds(
    Observation,
    status=st.just("pending"),
    progress=st.none() | st.floats(0, 1),
    hint=st.none() | st.floats(0, 1e9),
)
_situations = st.builds(
    Situation,
    polls=st.integers(0, 40) | st.sampled_from([100, 1_030, 10**6]) | st.integers(0, 10**6),
    elapsed=st.floats(0, 1e9),
    previous_delay=st.floats(0, 1e9),
    observation=_observations,
)
_draws = st.floats(0, 1)
_limits = st.builds(
    Limits, max_attempts=st.integers(1, 40), timeout=st.none() | st.floats(0.001, 1e6), max_failures=st.none()
)


class LawBroken(AssertionError):
    """A strategy breaks a law; `law` names it, and the text shows how, ready to paste."""

    def __init__(self, law: str, message: str) -> None:
        """Name the law before what happened."""
        super().__init__(f"the law {law!r} is broken:\n{message}")
        self.law = law


def check_strategy(strategy: Strategy) -> None:
    """
    Try to break each law of `bide.strategy` with this strategy.

    The same strategy gives the same verdict: nothing is random but what a fixed seed gives.

    Raises:
        LawBroken: a law is broken; the message has the shortest case that was found.
    """
    for law, holds in LAWS.items():
        try:
            holds(strategy)
        except LawBroken:
            raise
        except Exception as error:
            raise LawBroken(law, f"{strategy!r} raised {error!r}") from error


def _pure(strategy: Strategy) -> None:
    """Equal input gives an equal answer; a strategy is frozen, hashable and picklable."""
    _require_frozen(strategy)
    hash(strategy)
    copy = pickle.loads(pickle.dumps(strategy))  # noqa: S301 - what we have just pickled
    if copy != strategy:
        raise LawBroken("pure", f"a pickled copy differs:\n  {copy!r} != {strategy!r}")

    @_SETTINGS
    @given(_situations, _draws)
    def same_answer(situation: Situation, u: float) -> None:
        answers = [each.delay(situation, u) for each in (strategy, strategy, copy)]
        if not (answers[0] == answers[1] == answers[2]) and not any(map(math.isnan, answers)):
            raise LawBroken(
                "pure", _called(strategy, situation, u, f"first {answers[0]!r}, then {answers[1:]!r}")
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

    @_SETTINGS
    @given(_situations, _draws)
    def finite(situation: Situation, u: float) -> None:
        try:
            delay = strategy.delay(situation, u)
        except Exception as error:
            raise LawBroken("finite", _called(strategy, situation, u, f"raised {error!r}")) from error
        if not 0 <= delay < math.inf:
            raise LawBroken("finite", _called(strategy, situation, u, f"{delay!r}"))

    finite()


def _monotone(strategy: Strategy) -> None:
    """A greater u never gives a smaller delay."""

    @_SETTINGS
    @given(_situations, _draws, _draws)
    def monotone(situation: Situation, one: float, other: float) -> None:
        low, high = sorted((one, other))
        before, after = strategy.delay(situation, low), strategy.delay(situation, high)
        if after < before and not math.isclose(before, after, rel_tol=1e-12):
            shown = f"{before!r}, but {after!r} for u = {high!r}"
            raise LawBroken("monotone in u", _called(strategy, situation, low, shown))

    monotone()


def _capped(strategy: Strategy) -> None:
    """No delay is above the ceiling, and with jitter no value gathers the draws there."""
    ceiling = min(ceiling_of(strategy), _cap_of(strategy))

    @_SETTINGS
    @given(_situations, _draws)
    def below(situation: Situation, u: float) -> None:
        delay = strategy.delay(situation, u)
        if delay > ceiling and not math.isclose(delay, ceiling, rel_tol=1e-12):
            raise LawBroken(
                "capped", _called(strategy, situation, u, f"{delay!r}, above the ceiling {ceiling!r}")
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
    for begin, elapsed in product((20, 100_000), (0.0, 1e3, 1e6)):
        delays = [
            delay for seed in range(50) for delay in _chain(strategy, begin, elapsed, random.Random(seed))
        ]
        value, count = Counter(delays).most_common(1)[0]
        if count / len(delays) > allowed:
            share = (
                f"{count / len(delays):.0%} of the delays after {begin} polls, {elapsed:g} s, are {value!r}"
            )
            raise LawBroken(
                "capped", f"{strategy!r} gathers its draws:\n  {share}; at most {allowed:.0%} may be"
            )


def _has_jitter(strategy: Strategy) -> bool:
    """Say whether any of the first delays depends on the draw."""
    situations = [
        Situation(polls, elapsed, 1.0, _PENDING)
        for polls, elapsed in product(range(1, 20), (*map(float, range(1, 20)), 1e2, 1e3, 1e4, 1e6))
    ]
    return any(strategy.delay(situation, 0.0) != strategy.delay(situation, 1.0) for situation in situations)


def _chain(strategy: Strategy, begin: int, elapsed: float, chance: random.Random) -> Iterator[float]:
    """Yield twenty delays of a wait, after twenty more in which it settles."""
    delay = 0.0
    for step in range(40):
        situation = Situation(begin + step, elapsed, delay, _PENDING)
        delay = strategy.delay(situation, chance.random())
        elapsed += delay
        if step >= 20:
            yield delay


def _round_trip(strategy: Strategy) -> None:
    """Config and repr give an equal strategy again."""
    again = from_fields(type(strategy), fields_to_config(strategy))
    if again != strategy:
        raise LawBroken("round trip", f"config gives back something else:\n  {again!r} != {strategy!r}")
    again = eval(repr(strategy), _names_in(strategy))  # noqa: S307 - the law itself
    if again != strategy:
        raise LawBroken("round trip", f"its repr means something else:\n  {again!r} != {strategy!r}")


def _names_in(value: Any) -> dict[str, Any]:
    """Return the classes that a repr may name, by their names."""
    names: dict[str, Any] = {type(value).__name__: type(value), "inf": math.inf, "nan": math.nan}
    if attrs.has(type(value)):
        for each in attrs.astuple(value, recurse=False):
            for inner in each if isinstance(each, tuple) else (each,):
                names |= _names_in(inner) if attrs.has(type(inner)) else {}
    return names


def _counted(strategy: Strategy) -> None:
    """The polls of a wait lie within `request_bounds`, whatever is drawn and however long answers take."""
    _require_order(strategy)
    _require_enclosed(strategy)

    @_SETTINGS
    @given(_limits, st.floats(0, 1e5), st.floats(0, 10), st.integers(0, 1_000_000))
    def counted(limits: Limits, duration: float, latency: float, seed: int) -> None:
        bounds = request_bounds(strategy, duration, limits, latency=latency)
        calls = _calls(strategy, duration, limits, latency, random.Random(seed))
        if not bounds.least <= calls <= bounds.most:
            wait = f"a wait for a job of {duration!r} s within {limits!r}, with answers in {latency!r} s"
            raise LawBroken("counted", f"{strategy!r}:\n  {wait},\n  made {calls} polls, outside {bounds}")

    counted()


# From 1 ms to 10**7 s, fifty a decade; between two of them the steepest fall is searched for.
_TIMES = (0.0, *(10 ** (step / 50) for step in range(-150, 351)))


def _require_order(strategy: Strategy) -> None:
    """Hold the envelope to its promise: of two waits, the one later at a poll is not earlier at the next."""
    envelope = envelope_of(strategy)
    for polls, previous, u in product((1, 5, 1_000), (0.0, 100.0), (0.0, 1.0)):

        def delay(at: float, polls: int = polls, previous: float = previous, u: float = u) -> float:
            return envelope.delay(Situation(polls, at, previous, _PENDING), u)

        delays = list(map(delay, _TIMES))
        for (at, before), (later, after) in pairwise(zip(_TIMES, delays, strict=True)):
            if after < before * (1 - 1e-9):
                _require_no_step(envelope, delay, at, later)


def _require_no_step(envelope: Strategy, delay: Callable[[float], float], at: float, later: float) -> None:
    """Halve an interval in which the delay falls, to where it falls more, and see how steep it is there."""
    for _ in range(30):
        middle = (at + later) / 2
        if delay(at) - delay(middle) > delay(middle) - delay(later):
            later = middle
        else:
            at = middle
    if later + delay(later) < (at + delay(at)) * (1 - 1e-9):
        raise LawBroken(
            "counted",
            f"{envelope!r}:\n  a poll at {at:.6g} s is followed by one at {at + delay(at):.6g} s,"
            f"\n  but one that comes a moment later by one at {later + delay(later):.6g} s;"
            " declare an 'envelope'",
        )


def _require_enclosed(strategy: Strategy) -> None:
    """Hold the envelope to its other promise: not later at u = 0, nor earlier at u = 1, whatever is seen."""
    envelope = envelope_of(strategy)

    @_SETTINGS
    @given(_situations, _observations, _draws)
    def enclosed(situation: Situation, other: Observation | None, u: float) -> None:
        ends = [envelope.delay(situation._replace(observation=other), end) for end in (0.0, 1.0)]
        delay = strategy.delay(situation, u)
        if not ends[0] * (1 - 1e-9) <= delay <= ends[1] * (1 + 1e-9):
            what = f"{delay!r}; with {other!r} the envelope is from {ends[0]!r} to {ends[1]!r}"
            raise LawBroken("counted", _called(strategy, situation, u, what))

    enclosed()


def _calls(strategy: Strategy, duration: float, limits: Limits, latency: float, chance: random.Random) -> int:
    wait = Wait(strategy, limits, now=0.0, draw=chance.random)
    now = 0.0
    step: float | Outcome = wait.first_delay()
    while not isinstance(step, Outcome):
        looked = now + step
        now = looked + latency * chance.random()
        seen = chance.uniform(looked, now)  # the server looks at the job some time before the answer comes
        step = wait.answered(Observation("completed" if seen >= duration else "pending"), now)
    return step.calls


def _called(strategy: Strategy, situation: Situation, u: float, what: str) -> str:
    return f"  {strategy!r}.delay(\n    {situation!r},\n    {u!r},\n  )\n  gave {what}"


LAWS: dict[str, Callable[[Strategy], None]] = {
    "finite": _finite,
    "pure": _pure,
    "monotone in u": _monotone,
    "capped": _capped,
    "round trip": _round_trip,
    "counted": _counted,
}
"""The laws by name, in the order in which they are tried: one that raises breaks all that come after."""

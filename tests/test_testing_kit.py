"""The kit for authors: it passes what keeps the laws, and names the law that is broken."""

from __future__ import annotations

import dataclasses
import math
import random
from pathlib import Path

import attrs
import pytest
from attrs import field, frozen

import bide_strategies
from bide import Observation, Poller, RequestError, Situation, Strategy, load_policy
from bide.catalogue import catalogue
from bide.convert import fields_to_data, structure
from bide.testing import LAWS, LawBroken, ScriptedJob, VirtualClock, check_strategy
from bide_strategies import Exponential, Fixed, Full


@frozen
class Impure:
    """Draws a number of its own."""

    def delay(self, situation: Situation, u: float) -> float:
        return random.random()


@frozen
class Overflowing:
    """Grows as most libraries do."""

    def delay(self, situation: Situation, u: float) -> float:
        return min(10.0, 0.1 * 2.0**situation.polls)


@frozen
class NotANumber:
    """Divides what cannot be divided."""

    def delay(self, situation: Situation, u: float) -> float:
        return math.inf - math.inf if situation.polls > 7 else 1.0


@frozen
class Decreasing:
    """Reads u the wrong way round."""

    def delay(self, situation: Situation, u: float) -> float:
        return 1.0 - u


@frozen
class AboveItsCap:
    """Adds its jitter after the cap, and does not say so."""

    cap: float = 10.0

    def delay(self, situation: Situation, u: float) -> float:
        return min(self.cap, float(situation.polls)) + u


@frozen
class Clumping:
    """Caps after the jitter, so that none is left at the cap."""

    cap: float = 10.0

    def delay(self, situation: Situation, u: float) -> float:
        return min(self.cap, situation.polls + u)


class Mutable:
    """Counts for itself."""

    def __init__(self) -> None:
        self.count = 0

    def delay(self, situation: Situation, u: float) -> float:
        return 1.0


def _rounded(value: float) -> float:
    return value * 2


@frozen
class NotRoundTripping:
    """Changes what it is given, each time anew."""

    interval: float = field(default=1.0, converter=_rounded)

    def delay(self, situation: Situation, u: float) -> float:
        return self.interval


@frozen
class Negative:
    """Goes back in time."""

    def delay(self, situation: Situation, u: float) -> float:
        return 3.0 - situation.polls


@frozen
class Erratic:
    """Is later at u = 0 the longer it has waited, which no bound at the ends can know."""

    def delay(self, situation: Situation, u: float) -> float:
        if not situation.polls:
            return u
        return 10.0 if situation.elapsed < 0.5 else 0.1


@frozen
class LazyThenEager:
    """Switches from slow to quick by time, and declares no envelope."""

    until: float = 60.0

    def delay(self, situation: Situation, u: float) -> float:
        return 30.0 if situation.elapsed < self.until else 1.0


@frozen
class Impatient:
    """Is quicker once the job shows progress, and declares no envelope."""

    def delay(self, situation: Situation, u: float) -> float:
        seen = situation.observation
        return 1.0 if seen is not None and seen.progress else 5.0


@frozen
class Grudging:
    """Late in a wait, a longer delay is followed by a much shorter one."""

    def delay(self, situation: Situation, u: float) -> float:
        return 1.0 + u if situation.polls < 60 or situation.previous_delay > 5 else 5.0 + 2 * u


_calls: list[int] = []


@frozen
class Sometimes:
    """Is pure but for each 97th call."""

    def delay(self, situation: Situation, u: float) -> float:
        _calls.append(1)
        return 2.0 if len(_calls) % 97 == 0 else 1.0


@frozen(eq=False)
class UnequalHash:
    """Is equal to its copy, and hashes otherwise."""

    def __eq__(self, other: object) -> bool:
        return type(other) is UnequalHash

    def __hash__(self) -> int:
        return id(self)

    def delay(self, situation: Situation, u: float) -> float:
        return 1.0


@frozen
class ClumpingWhileItListens:
    """Caps after its jitter, but only while the job reports progress."""

    def delay(self, situation: Situation, u: float) -> float:
        seen = situation.observation
        return min(10.0, 8.0 + 20 * u) if seen is not None and seen.progress else 3.0 + u

    @property
    def envelope(self) -> Strategy:
        return Fixed(interval=10.0, jitter=Full(least=3.0))


@frozen(eq=False)
class Unequal:
    """Differs from its own copy."""

    def delay(self, situation: Situation, u: float) -> float:
        return 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (Impure(), "pure"),
        (Mutable(), "pure"),
        (Unequal(), "pure"),
        (Overflowing(), "finite"),
        (NotANumber(), "finite"),
        (Negative(), "finite"),
        (Decreasing(), "monotone in u"),
        (AboveItsCap(), "capped"),
        (Clumping(), "capped"),
        (NotRoundTripping(), "round trip"),
        (Erratic(), "counted"),
        (LazyThenEager(), "counted"),
        (LazyThenEager(until=3_000.0), "counted"),
        (Impatient(), "counted"),
        (Grudging(), "counted"),
        (Sometimes(), "pure"),
        (UnequalHash(), "pure"),
        (ClumpingWhileItListens(), "capped"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_the_broken_law_is_named(broken: Strategy, law: str) -> None:
    """Each of these strategies breaks one law, and the kit names that one."""
    with pytest.raises(LawBroken) as caught:
        check_strategy(broken)
    assert caught.value.law == law
    assert repr(law) in str(caught.value)
    assert type(broken).__name__ in str(caught.value)


def test_the_shortest_case_can_be_pasted() -> None:
    """The message is code that shows the fault: the first poll count at which a doubling overflows."""
    with pytest.raises(LawBroken) as caught:
        check_strategy(Overflowing())
    call = str(caught.value).split("broken:\n")[1].split("  gave ")[0]
    assert "elapsed=0.0" in call
    with pytest.raises(OverflowError):
        eval(call.strip(), {"Overflowing": Overflowing, "Situation": Situation})  # noqa: S307 - that is the point


@pytest.mark.parametrize("name", catalogue())
def test_the_catalogue_keeps_the_laws(name: str) -> None:
    """Every policy that bide ships."""
    check_strategy(load_policy(catalogue()[name]).strategy)


@pytest.mark.slow
def test_the_classes_that_the_catalogue_lacks_keep_the_laws() -> None:
    """With these and the catalogue's, every shipped class is tried."""
    inner = Exponential(jitter=Full())
    others: list[Strategy] = [
        bide_strategies.Polynomial(jitter=Full()),
        bide_strategies.Fibonacci(),
        bide_strategies.Scale(strategy=inner, factor=2.0),
        bide_strategies.Then(start=Fixed(), seconds=3.0, rest=inner),
        bide_strategies.FollowProgress(fallback=inner),
        bide_strategies.Learned.from_durations([5, 6, 7.5, 10, 11], call_cost=1.0),
    ]
    for strategy in others:
        check_strategy(strategy)
    tried = {type(strategy).__name__ for strategy in others}
    tried |= {type(load_policy(file).strategy).__name__ for file in catalogue().values()}
    shipped = {name for name in bide_strategies.__all__ if hasattr(getattr(bide_strategies, name), "delay")}
    # what is optimal does as what has learned
    assert tried == shipped - {"Envelope", "Optimal"}


def test_a_declared_clump_is_checked() -> None:
    """A strategy may declare that draws gather, and then no more of them may than it says."""

    @frozen
    class Declared:
        clump: float
        cap: float = 10.0

        def delay(self, situation: Situation, u: float) -> float:
            return min(self.cap, 20 * u)  # half of the draws

    LAWS["capped"](Declared(clump=0.55))
    with pytest.raises(LawBroken, match=r"(49|5\d)% of the delays after .* are 10.0; at most 40% may be"):
        LAWS["capped"](Declared(clump=0.4))


@dataclasses.dataclass(frozen=True)
class Plain:
    """Keeps the laws, but is not of attrs."""

    def delay(self, situation: Situation, u: float) -> float:
        return 1.0


def test_a_class_is_no_strategy() -> None:
    """Who forgets the parentheses is told so."""
    with pytest.raises(TypeError, match="a strategy is an instance"):
        check_strategy(Fixed)  # type: ignore[arg-type]


def test_a_private_attribute_goes_by_its_alias() -> None:
    """Config has the name that the constructor takes."""

    @frozen(kw_only=True)
    class Private:
        _base: float = 1.0

        def delay(self, situation: Situation, u: float) -> float:
            return self._base

    assert structure(fields_to_data(Private(base=3.0)), Private) == Private(base=3.0)
    assert fields_to_data(Private()) == {"base": 1.0}


def test_a_frozen_dataclass_is_no_config() -> None:
    """A class that is not of attrs fails the round trip, and is told why."""
    with pytest.raises(LawBroken, match=r"(?s)round trip.*attrs"):
        check_strategy(Plain())


def test_a_scripted_job_tells_its_lines_in_order() -> None:
    """Pending until its time, then what the script says or raises, the last line again and again."""
    clock = VirtualClock()
    lines: list[Observation | Exception] = [
        RequestError("503"),
        Observation("pending", progress=0.9),
        Observation("completed"),
    ]
    job = ScriptedJob(lines, clock, ends_at=2.0, latency=0.25)
    poller = Poller(Fixed(interval=1.0), clock=clock.time, sleep=clock.sleep)
    updates = list(poller.watch(job.poll))
    assert job.polls == [0.0, 1.25, 2.5, 3.75, 5.0]
    assert [update.failure is not None for update in updates] == [False, False, True, False, False]
    assert job.poll() == Observation("completed")


def test_the_kit_is_light_until_laws_are_checked(tmp_path: Path) -> None:
    """A name that is not there is an attribute error."""
    import bide.testing

    with pytest.raises(AttributeError, match="check_strategies"):
        bide.testing.check_strategies  # noqa: B018
    assert attrs.has(ScriptedJob)

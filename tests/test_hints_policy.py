"""What a wait makes of hints, of failed polls and of its deadline: laws, and cases by hand."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from attrs import define, evolve, field
from hypothesis import assume, given
from hypothesis import strategies as st
from scenarios import (
    Line,
    Scenario,
    draws,
    failures,
    hints,
    pending,
    scenarios,
    strategies,
    sync_record,
    times,
)

from bide import (
    ConfigError,
    End,
    Hints,
    Limits,
    Observation,
    Outcome,
    Policy,
    Poller,
    RequestError,
    Situation,
    Strategy,
    Wait,
)
from bide.policy import SHORTEST_HINT
from bide.strategy import Observation as Seen
from bide.testing import ScriptedJob, VirtualClock, simulate
from bide_strategies import Exponential, Fixed, Schedule

PENDING = Observation("pending")
FREE = Limits(max_attempts=None, timeout=None, failure_timeout=None)


def delay_after(hint: float | None, policy: Policy, u: float = 0.5) -> float:
    """Return the delay after one answer with a hint, in seconds."""
    wait = Wait(evolve(policy, limits=FREE), now=0.0, draw=lambda: u)
    wait.first_delay()
    step = wait.answered(Observation("pending", hint=hint), 0.0)
    assert isinstance(step, float)
    return step


@pytest.mark.parametrize(
    ("mode", "hint", "delay"),
    [
        ("floor", 3.0, 10.0),
        ("floor", 30.0, 30.0),
        ("floor", 90.0, 60.0),
        ("replace", 3.0, 3.0),
        ("replace", 30.0, 30.0),
        ("replace", 90.0, 60.0),
        ("replace", 0.001, 0.1),
        ("ignore", 3.0, 10.0),
        ("ignore", 30.0, 10.0),
        ("ignore", 90.0, 10.0),
    ],
)
def test_a_hint_does_what_its_mode_says(mode: Any, hint: float, delay: float) -> None:
    """A floor only ever lengthens, a replacement shortens too, and the ceiling holds for both."""
    policy = Policy(Fixed(interval=10.0), hints=Hints(mode=mode, ceiling=60.0))
    assert delay_after(hint, policy) == delay


@pytest.mark.parametrize("hint", [None, 0.0, -0.0, -1.0, -math.inf, math.nan])
@pytest.mark.parametrize("mode", ["floor", "replace", "ignore"])
def test_a_hint_that_asks_for_nothing_changes_nothing(mode: Any, hint: float | None) -> None:
    """None, zero, negative or no number: the strategy's delay stays."""
    assert delay_after(hint, Policy(Fixed(interval=10.0), hints=Hints(mode=mode))) == 10.0


@pytest.mark.parametrize("hint", [1e10, 1e300, math.inf])
def test_a_huge_hint_counts_as_the_ceiling(hint: float) -> None:
    """An hour, unless told otherwise."""
    for mode in ("floor", "replace"):
        assert delay_after(hint, Policy(Fixed(interval=10.0), hints=Hints(mode=mode))) == 3600.0


@given(
    st.sampled_from(["floor", "replace"]),
    times(1, 100),
    st.floats(0, 10),
    times(1 / 64, 100),
    strategies,
    draws,
)
def test_jitter_makes_a_hinted_poll_only_later(
    mode: Any, hint: float, jitter: float, ceiling: float, strategy: Strategy, u: float
) -> None:
    """It adds up to its share of the hint, and is never before what the server asked for."""
    bare = Policy(strategy, hints=Hints(mode=mode, ceiling=ceiling))
    spread = evolve(bare, hints=evolve(bare.hints, jitter=jitter))
    asked = min(hint, ceiling)
    least, most = delay_after(hint, bare, u), max(delay_after(hint, bare, u), asked * (1 + jitter))
    assert asked <= least <= delay_after(hint, spread, u) <= most
    if mode == "replace":
        assert delay_after(hint, spread, 0.0) == delay_after(hint, bare, 0.0)


def first_poll(policy: Policy, hint: float | None) -> float:
    """Return when a wait looks first."""
    job = ScriptedJob()
    simulate(policy, job.poll, job.clock, hint=hint)
    return job.polls[0]


@pytest.mark.parametrize(
    ("mode", "initial", "hint", "first"),
    [
        ("floor", None, None, 2.0),
        ("floor", None, 5.0, 5.0),
        ("floor", None, 1.0, 2.0),
        ("replace", None, 1.0, 1.0),
        ("ignore", None, 5.0, 2.0),
        ("floor", 0.0, None, 0.0),
        ("floor", 7.0, None, 7.0),
        ("floor", 7.0, 5.0, 7.0),
        ("floor", 3.0, 5.0, 5.0),
        ("replace", 7.0, 5.0, 5.0),
        ("ignore", 7.0, 9.0, 7.0),
    ],
)
def test_the_first_poll_follows_the_creating_response(
    mode: Any, initial: float | None, hint: float | None, first: float
) -> None:
    """Its hint counts for the first delay, be it the strategy's or the initial one."""
    policy = Policy(Fixed(interval=10.0, first=2.0), hints=Hints(mode=mode), initial_delay=initial)
    assert first_poll(policy, hint) == first


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("mode", "ceiling"),
        ("mode", None),
        ("ceiling", 0.0),
        ("ceiling", -1.0),
        ("ceiling", math.nan),
        ("ceiling", math.inf),
        ("jitter", -0.1),
        ("jitter", math.nan),
    ],
)
def test_senseless_hints_are_refused(field: str, bad: Any) -> None:
    """The error names the field and the value."""
    with pytest.raises(ConfigError, match=f"^{field}: must be .*, got {bad!r}"):
        Hints(**{field: bad})


@define
class Told:
    """A strategy that keeps what it is told."""

    strategy: Strategy
    situations: list[Situation] = field(factory=list)

    def delay(self, situation: Situation, u: float) -> float:
        """Choose as the other does."""
        self.situations.append(situation)
        return self.strategy.delay(situation, u)


def situations_of(scenario: Scenario) -> list[Situation]:
    """Return what the strategy of a wait is told, in order."""
    told = Told(scenario.policy.strategy)
    sync_record(evolve(scenario, policy=evolve(scenario.policy, strategy=told)), "wait")
    return told.situations


def timeless(situation: Situation) -> tuple[int, float, str]:
    """Return what is not a matter of time: polls, own last delay, and what was seen but for the hint."""
    seen = situation.observation
    return situation.polls, situation.previous_delay, repr(seen and evolve(seen, hint=None))


steady = strategies.filter(lambda strategy: "FollowProgress" not in repr(strategy))
"""Strategies that do not look at the time."""


@given(
    steady,
    st.lists(st.tuples(pending, hints), min_size=1, max_size=8),
    st.sampled_from(["floor", "replace"]),
    draws,
)
def test_a_hint_never_reaches_the_strategy_s_own_delay(
    strategy: Strategy, seen: list[tuple[Observation, float | None]], mode: Any, u: float
) -> None:
    """Whatever hints come, `previous_delay` is what it is without any: only the polls' times differ."""
    policy = Policy(strategy, Limits(max_attempts=len(seen), timeout=None), hints=Hints(mode=mode))
    hinted, bare = (
        Scenario(policy=policy, lines=tuple(Line(evolve(one, hint=hint)) for one, hint in lines), draws=(u,))
        for lines in (seen, [(one, None) for one, _ in seen])
    )
    assert [*map(timeless, situations_of(hinted))] == [*map(timeless, situations_of(bare))]


@given(scenarios)
def test_a_hint_never_moves_the_deadline(scenario: Scenario) -> None:
    """No poll begins after the deadline but one, which begins there or at the late answer before it."""
    record = sync_record(evolve(scenario, dawdle=0.0), "wait")
    deadline = scenario.policy.limits.timeout or math.inf
    assert all(start < deadline for start in record.starts[:-1])
    assert record.starts[-1] <= max([deadline, *record.answers[-2:-1]])


@given(
    st.lists(st.builds(Line, pending | failures), min_size=5, max_size=30),
    strategies,
    st.none() | strategies,
    st.lists(draws, min_size=1, max_size=30),
    hints,
    st.floats(0, 10),
)
def test_no_hint_makes_a_hot_loop(
    lines: list[Line],
    main: Strategy,
    failing: Strategy | None,
    drawn: list[float],
    first: float | None,
    jitter: float,
) -> None:
    """
    With ``replace`` and whatever hints, no gap is shorter than the strategy's own delay or `SHORTEST_HINT`.

    So hints cause at most 1 / SHORTEST_HINT = 10 polls in any second, and one at its very end.
    """
    chosen: list[float] = []

    def keeping(strategy: Strategy) -> Strategy:
        class Keeping:
            def delay(self, situation: Situation, u: float) -> float:
                chosen.append(strategy.delay(situation, u))
                return chosen[-1]

        return Keeping()

    policy = Policy(
        keeping(main),
        Limits(max_attempts=len(lines), timeout=None, failure_timeout=None),
        hints=Hints(mode="replace", jitter=jitter),
        error_strategy=None if failing is None else keeping(failing),
    )
    lines = [evolve(line, sees=_unheld(line.sees)) for line in lines]
    scenario = Scenario(policy=policy, lines=tuple(lines), draws=tuple(drawn), hint=first)
    starts = sync_record(scenario, "wait").starts
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert len(gaps) == len(lines) - 1
    assert all(gap >= min(delay, SHORTEST_HINT) - 1e-9 for gap, delay in zip(gaps, chosen[1:], strict=True))
    if min(chosen[1:]) >= SHORTEST_HINT:
        assert all(sum(at <= one <= at + 1 for one in starts) <= 1 / SHORTEST_HINT + 1 for at in starts)


def _unheld(sees: Observation | Exception) -> Observation | Exception:
    return evolve(sees, held=0.0) if isinstance(sees, Observation) else sees


@given(
    steady,
    strategies,
    st.lists(st.builds(Line, pending), min_size=1, max_size=6),
    st.lists(st.lists(st.builds(Line, failures, times(0, 3)), max_size=3), min_size=6, max_size=6),
    st.none() | times(10, 50),
    draws,
)
def test_failures_never_move_the_main_schedule(
    main: Strategy,
    failing: Strategy,
    answered: list[Line],
    failed: list[list[Line]],
    window: float | None,
    u: float,
) -> None:
    """Inserted between answered polls, they leave all that the strategy is told as it was, but the time."""
    limits = Limits(max_attempts=None, timeout=None, max_failures=4, failure_timeout=window)
    policy = Policy(main, limits, error_strategy=failing)
    done = Line(Observation("completed"))
    plain = Scenario(policy=policy, lines=(*answered, done), draws=(u,))
    between = [line for one, after in zip(answered, failed, strict=False) for line in (one, *after)]
    spoilt = evolve(plain, lines=(*between, done))
    assume(sync_record(spoilt, "wait").outcome.end is End.COMPLETED)  # type: ignore[union-attr]
    assert [*map(timeless, situations_of(spoilt))] == [*map(timeless, situations_of(plain))]


def test_failures_have_delays_of_their_own() -> None:
    """After the n-th in a row comes what the error strategy chooses after n polls; an answer ends the row."""
    down = RequestError("503")
    script: list[Observation | Exception] = [
        PENDING,
        down,
        down,
        down,
        PENDING,
        PENDING,
        down,
        down,
        PENDING,
        Observation("completed"),
    ]
    job = ScriptedJob(script)
    policy = Policy(Schedule(delays=[10, 20, 30, 40]), error_strategy=Exponential(base=1.0, cap=60.0))
    simulate(policy, job.poll, job.clock)
    gaps = [later - earlier for earlier, later in pairwise(job.polls)]
    assert gaps == [10, 1, 2, 4, 20, 30, 1, 2, 40]


def test_a_failing_time_is_limited_from_the_first_failure_in_a_row() -> None:
    """A last poll is made at its end; an answer in between begins it anew."""
    down = RequestError("503")
    job = ScriptedJob([PENDING, down, PENDING, down, down, down])
    limits = Limits(max_attempts=None, timeout=None, failure_timeout=25.0)
    outcome = simulate(Policy(Fixed(interval=10.0), limits), job.poll, job.clock)
    assert job.polls == [0, 10, 20, 30, 40, 50, 55]
    assert outcome.end is End.POLLS_FAILED


def test_a_hint_is_followed_beyond_the_time_for_failing() -> None:
    """Who is banned for longer than polls may fail comes back when the server says, for a last look."""
    job = ScriptedJob([RequestError("429", hint=1000.0)])
    limits = Limits(max_attempts=None, timeout=None, failure_timeout=25.0)
    outcome = simulate(Policy(Fixed(interval=10.0), limits), job.poll, job.clock)
    assert job.polls == [0, 1000]
    assert outcome.end is End.POLLS_FAILED


def test_what_the_server_held_back_counts_as_slept() -> None:
    """A held answer shortens the delay after it, never below nothing, and not what a hint asks for."""
    script = [Observation("pending", held=4.0), Observation("pending", held=40.0)]
    job = ScriptedJob([*script, Observation("pending", hint=9.0, held=4.0), Observation("completed")])
    simulate(Policy(Fixed(interval=10.0)), job.poll, job.clock)
    assert job.polls == [0, 6, 6, 15]


@given(scenarios, times(1 / 64, 20), times(0, 100))
def test_the_deadline_is_kept(scenario: Scenario, request_timeout: float, ends_at: float) -> None:
    """
    A wait takes no longer than its timeout and one request's, whatever is slow, fails or hints.

    And a job that ended before the deadline is never reported as timed out.
    """
    limits = evolve(scenario.policy.limits, timeout=scenario.policy.limits.timeout or 60.0)
    scenario = evolve(scenario, policy=evolve(scenario.policy, limits=limits))
    clock = VirtualClock()
    poller = Poller(**_arguments(scenario), clock=clock.time, sleep=clock.sleep)
    wait = poller.begin(scenario.hint)
    script = iter((*scenario.lines, *[scenario.lines[-1]] * 100))

    def poll() -> Seen:
        line, allowed = next(script), wait.request_timeout(clock.now, request_timeout)
        ended = clock.now >= ends_at
        clock.sleep(min(line.latency * 8, allowed))
        if line.latency * 8 > allowed:
            raise RequestError(f"no answer in {allowed} s")
        if ended and not isinstance(line.sees, Exception):
            return Observation("completed")
        return _unending(line).told()

    outcome = _outcome_of(poller, poll, wait)
    assert limits.timeout is not None
    assert outcome.elapsed <= limits.timeout + request_timeout + 1e-9
    if outcome.end is End.TIMED_OUT and outcome.failure is None:
        assert ends_at >= limits.timeout


def _arguments(scenario: Scenario) -> dict[str, Any]:
    policy = scenario.policy
    return {
        "strategy": policy.strategy,
        "limits": policy.limits,
        "hints": policy.hints,
        "error_strategy": policy.error_strategy,
        "initial_delay": policy.initial_delay,
        "draw": lambda: scenario.draws[0],
    }


def _unending(line: Line) -> Line:
    """Return the line as one that shows no end."""
    if isinstance(line.sees, Exception):
        return line if type(line.sees) is RequestError else Line(RequestError("503"))
    return evolve(line, sees=evolve(line.sees, status="pending"))


def _outcome_of(poller: Poller, poll: Any, wait: Wait) -> Outcome:
    step: float | Outcome = wait.first_delay()
    while not isinstance(step, Outcome):
        assert poller.sleep is not None
        poller.sleep(step)
        step = poller.look(wait, poll)
    return step


def test_a_look_that_the_deadline_cut_short_asks_no_strategy() -> None:
    """The last look follows at once; the schedule stays where it was, for a wait that gets more time."""
    job = ScriptedJob([RequestError("cut short"), PENDING], latency=4.0)
    told = Told(Fixed(interval=1.0))
    assert simulate(Policy(told, Limits(timeout=4.0, max_failures=1)), job.poll, job.clock).calls == 2
    assert (job.polls, len(told.situations)) == ([0, 4], 1)

"""A wait goes on from its token where it stopped, in another process and at another time."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import httpx
import pytest
from attrs import define, evolve, field
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scenarios import Line, Record, Scenario, scenarios, times

from bide import (
    AttemptsExhausted,
    End,
    JobNotFound,
    Limits,
    Observation,
    Outcome,
    Policy,
    Poller,
    RequestError,
    RequestRefused,
    Strategy,
    TokenError,
    Wait,
    WaitError,
    WaitTimeout,
)
from bide.draws import Draws
from bide.http import HttpJob, HttpPoller
from bide.position import _check
from bide.testing import ScriptedJob, VirtualClock, simulate
from bide_strategies import Exponential, Fixed, Full

NOON = 1.75 * 2**30
"""When all waits here start, in seconds since the epoch: a time that leaves floats room for microseconds."""

PENDING = Observation("pending")


class Broken(BaseException):
    """Raised in the midst of a wait, as Ctrl-C is."""


@define
class Process:
    """
    What waits: it has a monotonic clock with an origin of its own, and the wall clock of all.

    Args:
        record: of what happens in it.
        since: seconds from the start of the wait to the start of the process.
        place: where it is broken off: ``asleep`` or ``looking``; None if it is not.
        cut: after how many polls.
        share: of the sleep that is broken off, how much had passed.
    """

    record: Record
    since: float = 0.0
    place: str | None = None
    cut: int = 0
    share: float = 0.0
    clock: VirtualClock = field(init=False)

    def __attrs_post_init__(self) -> None:
        origin = 4096.0 * self.since + 512.0
        self.clock = VirtualClock(origin)
        self.record.time = lambda: self.clock.now - origin + self.since

    def wall_clock(self) -> float:
        """Return the time of day."""
        return NOON + self.record.time()

    def poller(self, policy: Policy, draw: Draws | None = None) -> Poller:
        """Return a poller of this process."""
        scenario = evolve(self.record.scenario, policy=policy)
        poller: Poller = scenario.driver(
            Poller, self.record, self.clock.time, sleep=self.sleep, wall_clock=self.wall_clock, draw=draw
        )
        return poller

    def sleep(self, seconds: float) -> None:
        """Let time pass, unless this is where the process is broken off."""
        if self.place == "asleep" and len(self.record.answers) == self.cut:
            self.clock.sleep(self.share * seconds)
            raise Broken
        self.clock.sleep(seconds)

    def poll(self) -> Observation:
        """Look once, unless this is where the process is broken off."""
        if self.place == "looking" and len(self.record.starts) == self.cut:
            raise Broken
        line = self.record.begin()
        self.clock.sleep(line.latency)
        return self.record.end(line)

    def carry_on(self, poller: Poller, wait: Wait) -> None:
        """Carry out a wait to its end."""
        try:
            self.record.updates.extend(poller.watch(self.poll, wait))
        except WaitError as error:
            self.record.outcome = error.outcome
        else:
            self.record.outcome = self.record.updates[-1].outcome


def begun(scenario: Scenario, policy: Policy, seed: int, **more: Any) -> tuple[Process, Poller, Wait]:
    """Return a process with a wait that begins in it."""
    process = Process(Record(scenario, float), **more)
    poller = process.poller(policy, draw=Draws(seed))
    return process, poller, poller.begin(scenario.hint)


def gone_on(record: Record, policy: Policy, token: str, **more: Any) -> None:
    """Let a wait go on from its token at once, in another process."""
    other = Process(record, record.time())
    poller = other.poller(policy)
    other.carry_on(poller, poller.resume(token, **more))


def assert_same(record: Record, expected: Record) -> None:
    """Hold two records against each other: every poll, its time, what came of it, and the end."""
    assert record.starts == pytest.approx(expected.starts, abs=1e-5)
    assert record.answers == pytest.approx(expected.answers, abs=1e-5)
    assert [(update.calls, str(update)) for update in record.updates] == [
        (update.calls, str(update)) for update in expected.updates
    ]
    delays = [[update.next_delay for update in each.updates] for each in (record, expected)]
    assert delays[0] == pytest.approx(delays[1], abs=1e-5)
    assert record.outcome is not None
    assert expected.outcome is not None
    for same in ("end", "calls", "failed_calls", "hints_followed", "wasted"):
        assert getattr(record.outcome, same) == getattr(expected.outcome, same), same
    for close in ("elapsed", "lag"):
        assert getattr(record.outcome, close) == pytest.approx(getattr(expected.outcome, close), abs=1e-5)


seeds = st.integers(0, 2**64 - 1)
shares = st.integers(0, 16).map(lambda sixteenths: sixteenths / 16)
places = st.sampled_from(["asleep", "looking"])


@given(scenarios, seeds, places, shares, st.data())
@settings(max_examples=150)
def test_a_wait_goes_on_from_its_token_as_if_nothing_had_been(
    scenario: Scenario, seed: int, place: str, share: float, data: st.DataObject
) -> None:
    """
    Broken off in any sleep or look, it makes exactly the polls that it would have made, jitter and all.

    A look that was broken off was a call: with one more allowed the rest is the same.
    """
    whole, poller, wait = begun(scenario, scenario.policy, seed)
    whole.carry_on(poller, wait)
    cut = data.draw(st.integers(0, len(whole.record.updates) - 1))
    process, poller, wait = begun(scenario, scenario.policy, seed, place=place, cut=cut, share=share)
    try:
        process.carry_on(poller, wait)
    except Broken:
        broken_off = int(place == "looking")
        most = scenario.policy.limits.max_attempts
        enough = _with_limits(scenario.policy, max_attempts=None if most is None else most + broken_off)
        gone_on(process.record, enough, wait.token())
        _count_less(process.record, cut, broken_off)
    assert_same(process.record, whole.record)


def _count_less(record: Record, cut: int, broken_off: int) -> None:
    """Take the looks that were broken off out of what was counted after a cut."""
    late = record.updates[cut:]
    record.updates[cut:] = [evolve(update, calls=update.calls - broken_off) for update in late]
    assert record.outcome is not None
    record.outcome = evolve(
        record.outcome,
        calls=record.outcome.calls - broken_off,
        failed_calls=record.outcome.failed_calls - broken_off,
    )


@given(scenarios, seeds, shares, st.data())
@settings(max_examples=150)
def test_more_attempts_go_on_where_fewer_ended(
    scenario: Scenario, seed: int, share: float, data: st.DataObject
) -> None:
    """
    After `AttemptsExhausted` a greater limit makes of the token the wait that had it from the start.

    Hints of the last answer or failure are followed then, and what the server held back counts as slept.
    """
    enough = _with_limits(scenario.policy, max_attempts=25)
    whole, poller, wait = begun(scenario, enough, seed)
    whole.carry_on(poller, wait)
    expected = whole.record
    assume(len(expected.updates) > 1)
    fewer = data.draw(st.integers(1, len(expected.updates) - 1))
    process, poller, wait = begun(scenario, _with_limits(scenario.policy, max_attempts=fewer), seed)
    process.carry_on(poller, wait)
    record = process.record
    assert record.outcome is not None
    assert record.outcome.token is not None
    assert record.outcome.end is End.ATTEMPTS_EXHAUSTED
    assert record.updates.pop().next_delay is None
    process.clock.sleep(share * (expected.updates.pop(fewer - 1).next_delay or 0.0))
    gone_on(record, enough, record.outcome.token)
    assert_same(record, expected)


def _with_limits(policy: Policy, **limits: Any) -> Policy:
    return evolve(policy, limits=evolve(policy.limits, **limits))


@given(st.lists(st.builds(Line, st.just(PENDING), times(0, 2)), min_size=1, max_size=5), seeds)
def test_a_longer_streak_goes_on_where_a_shorter_ended(answered: list[Line], seed: int) -> None:
    """After `PollsFailed` a greater limit makes of the token the wait that had it from the start."""
    failing = Line(RequestError("503", hint=3.0), 0.5)
    script = (*answered, *[failing] * 4, Line(PENDING), *[failing] * 9)
    scenario = Scenario(policy=Policy(Exponential(jitter=Full())), lines=script)
    policy = Policy(Exponential(jitter=Full()), Limits(max_attempts=None, timeout=None, max_failures=8))
    whole, poller, wait = begun(scenario, policy, seed)
    whole.carry_on(poller, wait)
    process, poller, wait = begun(scenario, _with_limits(policy, max_failures=3), seed)
    process.carry_on(poller, wait)
    record = process.record
    assert record.outcome is not None
    assert record.outcome.token is not None
    assert record.outcome.end is End.POLLS_FAILED
    assert whole.record.updates.pop(record.updates.pop().calls - 1).next_delay is not None
    gone_on(record, policy, record.outcome.token)
    assert_same(record, whole.record)


def poller_of(strategy: Strategy, clock: VirtualClock, **limits: Any) -> Poller:
    """Return a poller whose clock is the time of day too."""
    within = Limits(**{"max_attempts": None, **limits})
    return Poller(strategy, within, clock=clock.time, wall_clock=clock.time, sleep=clock.sleep)


def test_a_new_deadline_lets_a_wait_go_on_that_timed_out() -> None:
    """The poll at the old deadline stays one poll, and the next comes the strategy's delay after it."""
    job = ScriptedJob([PENDING])
    poller = poller_of(Fixed(interval=2.0), job.clock, timeout=5.0)
    with pytest.raises(WaitTimeout) as first:
        poller.wait(job.poll)
    assert first.value.token is not None
    job.clock.sleep(1.0)
    with pytest.raises(WaitTimeout, match="timed out after 7 calls in 11s"):
        poller.wait(job.poll, poller.resume(first.value.token, timeout=5.0))
    assert job.polls == [0, 2, 4, 5, 7, 9, 11]


def test_a_later_deadline_gives_back_what_the_earlier_cut() -> None:
    """A delay that was cut to the deadline is not, when the wait goes on with a later one."""
    job = ScriptedJob([PENDING])
    poller = poller_of(Fixed(interval=10.0), job.clock, timeout=15.0)
    updates = poller.watch(job.poll, wait := poller.begin())
    assert [next(updates).next_delay, next(updates).next_delay] == [10.0, 5.0]
    job.clock.sleep(2.0)
    with pytest.raises(WaitTimeout):
        poller.wait(job.poll, poller.resume(wait.token(), timeout=17.0))
    assert job.polls == [0, 10, 20, 29]


def test_attempts_and_time_count_from_the_start() -> None:
    """What the calls and the seconds before were, counts for the limits of the wait that goes on."""
    job = ScriptedJob([PENDING])
    poller = poller_of(Fixed(interval=1.0), job.clock, max_attempts=5, timeout=60.0)
    updates = poller.watch(job.poll, wait := poller.begin())
    next(updates)
    next(updates)
    with pytest.raises(AttemptsExhausted, match="attempts exhausted after 5 calls in 4s"):
        poller.wait(job.poll, poller.resume(wait.token()))


def test_who_has_no_attempts_left_is_told_so() -> None:
    """To resume the same wait again and again makes no call beyond the limit; a higher limit goes on."""
    job = ScriptedJob([PENDING])
    poller = poller_of(Fixed(interval=1.0), job.clock, max_attempts=2)
    with pytest.raises(AttemptsExhausted) as ended:
        poller.wait(job.poll)
    token = ended.value.token
    assert token is not None
    for _ in range(3):
        with pytest.raises(AttemptsExhausted, match="to go on, resume it with max_attempts above 2") as again:
            poller.wait(job.poll, poller.resume(token))
        assert again.value.outcome == ended.value.outcome
        token = again.value.token
        assert token is not None
    assert len(job.polls) == 2
    with pytest.raises(AttemptsExhausted, match="after 3 calls"):
        poller.wait(job.poll, evolve(poller, limits=Limits(max_attempts=3)).resume(token))


@given(st.floats(-1e9, 1e9), st.floats(0, 59))
def test_a_wall_clock_that_was_set_moves_no_deadline_out(set_by: float, elapsed: float) -> None:
    """
    A wait takes no longer than it had left, and what had passed stays passed.

    Set forward beyond the deadline, the wait looks once more, at once.
    """
    clock = VirtualClock(2e9)
    poller = poller_of(Fixed(interval=7.0), clock, timeout=60.0)
    wait = poller.begin()
    clock.sleep(wait.first_delay())
    wait.answered(PENDING, clock.now)
    wait.answered(PENDING, clock.now + elapsed)
    clock = VirtualClock(2e9 + elapsed + set_by)
    poller, job, set_at = poller_of(Fixed(interval=7.0), clock), ScriptedJob([PENDING], clock), clock.now
    with pytest.raises(WaitTimeout) as caught:
        poller.wait(job.poll, poller.resume(wait.token()))
    left = max(0.0, min(60.0 - elapsed, 60.0 - elapsed - set_by))
    assert clock.now - set_at == pytest.approx(left, abs=1e-5)
    assert caught.value.elapsed >= 60.0 - 1e-5
    if left == 0.0:
        assert job.polls == [set_at]


SCRIPT = """
import sys
from bide import Limits, Observation, Poller
from bide.testing import VirtualClock
from bide_strategies import Exponential, Full

clock = VirtualClock(now=77.0)
polls = []

def time_of_day():
    return {at} + clock.now - 77.0

def poll():
    polls.append(time_of_day())
    return Observation("completed" if len(polls) == 5 else "pending")

poller = Poller({policy}, {limits}, clock=clock.time, wall_clock=time_of_day, sleep=clock.sleep)
outcome = poller.wait(poll, poller.resume(sys.stdin.read()))
print(*polls, outcome.calls)
"""


def test_a_new_process_goes_on_with_the_same_polls() -> None:
    """A token that went through a pipe makes another interpreter look when this one would have."""
    strategy = Exponential(jitter=Full())
    job = ScriptedJob([*[PENDING] * 8, Observation("completed")], VirtualClock(NOON))
    poller = poller_of(strategy, job.clock)
    wait = poller.begin()
    tokens = [wait.token() for _ in poller.watch(job.poll, wait)]
    code = SCRIPT.format(policy=strategy, limits=poller.limits, at=job.polls[3])
    done = subprocess.run(
        [sys.executable, "-c", code], input=tokens[3], capture_output=True, text=True, check=True
    )
    *polls, calls = done.stdout.split()
    assert [float(poll) for poll in polls] == pytest.approx(job.polls[4:], abs=1e-5)
    assert calls == "9"


def some_token() -> str:
    """Return the token of a wait that has seen some things."""
    job = ScriptedJob([Observation("pending", 0.25, 3.0), RequestError("503", hint=2.0)], VirtualClock(1e9))
    poller = poller_of(Exponential(jitter=Full()), job.clock, timeout=60.0)
    updates = poller.watch(job.poll, wait := poller.begin())
    next(updates)
    next(updates)
    return wait.token()


TOKEN = some_token()
POLICY = Policy(Exponential(jitter=Full()), Limits(max_attempts=None))


def resumed(token: Any) -> Wait:
    """Return the wait that a token is of."""
    return Wait.resume(token, POLICY, now=0.0, at=1e9)


def position_in(token: str) -> tuple[object, ...]:
    """Return all that a token says."""
    return tuple(sorted(json.loads(resumed(token).token()).items()))


def test_no_part_of_a_token_is_one() -> None:
    """However it is cut off, at its end or its beginning, it is refused."""
    for length in range(len(TOKEN)):
        for part in (TOKEN[:length], TOKEN[length + 1 :]):
            with pytest.raises(TokenError, match=r"the token is (damaged, or )?none"):
                resumed(part)


@given(st.integers(0, len(TOKEN) - 1), st.characters())
@settings(max_examples=300)
def test_a_changed_character_is_noticed(place: int, character: str) -> None:
    """A token in which one character is another is refused, unless it says the same."""
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    try:
        wait = resumed(changed)
    except TokenError as error:
        assert str(error).startswith("the token is")
        assert len(str(error)) < 300
    else:
        assert json.loads(wait.token()) == json.loads(resumed(TOKEN).token()) == json.loads(changed)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 2**63, 2**64, 10**400, 1e308, -1e308, 1e12, -1e12])
    | st.floats()
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(anything | st.text() | st.binary() | anything.map(json.dumps))
@example("[" * 100_000)
@example('{"bide_wait":' * 100_000)
@example('{"bide_wait": ' + "9" * 5_000 + "}")
def test_what_is_no_token_is_refused(token: object) -> None:
    """Nothing else raises anything else, whatever its type."""
    with pytest.raises(
        TokenError, match=r"the token is (damaged, or none|none|no token of a wait|of version)"
    ):
        resumed(token)


FIELDS = {name: value for name, value in json.loads(TOKEN).items() if name not in ("bide_wait", "check")}


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), anything, min_size=1))
@settings(max_examples=100)
def test_a_token_that_somebody_wrote_does_no_harm(changes: dict[str, Any]) -> None:
    """With a right checksum and any other values it is refused, or is of a wait that keeps its limits."""
    fields = {**FIELDS, **changes}
    try:
        wait = resumed(json.dumps({"bide_wait": 1, **fields, "check": _check(fields)}))
    except TokenError:
        return
    now = 0.0
    step: float | Outcome = wait.first_delay()
    for _ in range(5):
        if isinstance(step, float):
            assert 0.0 <= step <= 1e9
            now += step
            step = wait.answered(PENDING, now)
            assert isinstance(resumed(wait.token()), Wait)


def test_a_deep_token_is_refused() -> None:
    """Also one that is not too deep to be read, but to be written again."""
    hollow = json.dumps(json.loads(TOKEN) | {"progress": "@"})
    for depth in range(1, sys.getrecursionlimit() + 1):
        with pytest.raises(TokenError):
            resumed(hollow.replace('"@"', "[" * depth + "]" * depth))


def test_a_token_without_a_field_or_with_another_is_refused() -> None:
    """The names are part of the form."""
    for fields in ({k: v for k, v in FIELDS.items() if k != "due"}, {**FIELDS, "extra": 1}):
        with pytest.raises(TokenError, match="the token is damaged"):
            resumed(json.dumps({"bide_wait": 1, **fields, "check": _check(fields)}))


@pytest.mark.parametrize("version", [2, 17, 10**30])
def test_a_token_of_the_future_says_so(version: int) -> None:
    """Who meets one learns which version it is of, and which can be read."""
    token = json.dumps({**json.loads(TOKEN), "bide_wait": version})
    with pytest.raises(TokenError, match=rf"is of version {version}; this bide reads version 1"):
        resumed(token)


@pytest.mark.parametrize("version", [0, -1, None, "1", [], {}, True, 1.0])
def test_a_token_of_no_version_is_none(version: object) -> None:
    """A version is a whole number from 1."""
    token = json.dumps({**json.loads(TOKEN), "bide_wait": version})
    with pytest.raises(TokenError, match="is no token of a wait"):
        resumed(token)


def test_a_wait_that_draws_elsewhere_says_nothing_of_draws() -> None:
    """Where the caller draws, it goes on drawing."""
    poller = poller_of(Exponential(jitter=Full()), VirtualClock())
    wait = evolve(poller, draw=lambda: 0.25).begin()
    assert json.loads(wait.token())["draws"] is None
    assert evolve(poller, draw=lambda: 0.75).resume(wait.token())._draw() == 0.75


def test_a_wait_that_knows_no_time_of_day_has_no_token() -> None:
    """It says what is missing; its errors have no token, and no other fault."""
    wait = Wait(Policy(Fixed(), Limits(max_attempts=1)), now=0.0)
    with pytest.raises(ValueError, match="give it started_at"):
        wait.token()
    outcome = wait.answered(PENDING, 0.0)
    assert isinstance(outcome, Outcome)
    assert outcome.token is None


@pytest.mark.parametrize(
    "odd", [math.nan, math.inf, -math.inf, -5.0, 42.0, pytest.param(10**400, id="huge"), "50%"]
)
def test_what_a_job_says_oddly_does_not_spoil_the_end(odd: Any) -> None:
    """A progress or a hint that is none, or senseless, leaves the wait the error that ends it."""
    job = ScriptedJob([Observation("pending", progress=odd, hint=None if odd == "50%" else odd)])
    with pytest.raises((AttemptsExhausted, WaitTimeout)) as caught:
        poller_of(Fixed(interval=1.0), job.clock, max_attempts=2, timeout=9.0).wait(job.poll)
    assert caught.value.token is not None
    resumed(caught.value.token)


def test_a_token_holds_no_secrets() -> None:
    """Neither URL, nor header, nor result, nor the words of a failure are in it."""
    answers = iter(
        [httpx.Response(200, json={"id": "hush-id", "status": "pending", "result": "hush-result"})]
    )

    def answer(request: httpx.Request) -> httpx.Response:
        return next(answers, httpx.Response(503, text="hush-body", headers={"retry-after": "1"}))

    clock = VirtualClock()
    poller = poller_of(Fixed(interval=1.0), clock, max_attempts=3)
    http = httpx.Client(transport=httpx.MockTransport(answer))
    job = HttpJob("http://me:hush-pass@host.test/hush?key=hush-key", headers={"authorization": "Bearer hush"})
    with HttpPoller(poller, http=http) as waits, pytest.raises(AttemptsExhausted) as caught:
        waits.wait(job)
    assert caught.value.token is not None
    assert "hush" not in caught.value.token
    assert "host" not in caught.value.token


def test_every_error_that_a_wait_may_go_on_from_has_a_token() -> None:
    """Limits, refusals and cancelling leave one; the job's own end none."""
    ends = {}
    for scripted in (
        PENDING,
        RequestError("503"),
        JobNotFound("404"),
        RequestRefused("403"),
        Observation("completed"),
        Observation("error"),
        Observation("cancelled"),
    ):
        for limits in ({"max_attempts": 2}, {"timeout": 1.5}, {"max_failures": 2}):
            job = ScriptedJob([scripted])
            poller = poller_of(Fixed(interval=1.0), job.clock, **{"timeout": 9.0, **limits})
            outcome = simulate(poller, job.poll, job.clock)
            ends[outcome.end] = outcome.token is not None
    assert ends == {end: end not in ENDS_OF_JOB for end in End if end is not End.CANCELLED}


ENDS_OF_JOB = (End.COMPLETED, End.JOB_FAILED, End.JOB_CANCELLED)

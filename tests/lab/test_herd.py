"""Herds: the server model against queueing theory, and clients that wait by the real engine."""

from __future__ import annotations

import json
import math
import random
import re
import shlex
from itertools import accumulate, combinations
from pathlib import Path
from statistics import fmean

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bide import ConfigError, Limits, RequestError, Strategy
from bide.bounds import request_bounds
from bide.cli import herd as command
from bide.cli.app import run
from bide.convert import structure
from bide.inline import parse_scalar
from bide.lab import herd as engine
from bide.lab.distributions import Uniform
from bide.lab.herd import HerdResult, draw_durations, run_herd
from bide.lab.load import Load
from bide.lab.server_model import ServerModel, ServerRun
from bide.lab.starts import Outage, Spread, Start, Together, parse_start
from bide.policy import Policy
from bide_strategies import DecorrelatedJitter, Exponential, Fixed, FollowProgress, Full

UNLIMITED = Limits(max_attempts=None, timeout=None, failure_timeout=None)
NO_LIMIT = ServerModel(rate=None, service=0.0)
ENTRANTS: list[Strategy] = [
    Fixed(interval=1.0),
    Fixed(interval=1.0, first=0.5),
    Exponential(base=0.2, cap=4.0, jitter=Full()),
    DecorrelatedJitter(base=0.2, cap=4.0),
]


def herd_of(
    strategy: Strategy,
    durations: list[float],
    server: ServerModel = NO_LIMIT,
    start: Start | None = None,
    limits: Limits = UNLIMITED,
    seed: int = 0,
) -> HerdResult:
    """Return what becomes of a herd whose jobs last so long."""
    return run_herd("it", Policy(strategy, limits), durations, server=server, start=start, seed=seed)


def poisson(rate: float, count: int, seed: int) -> list[float]:
    """Return when so many requests arrive that come at so many per second, independently of each other."""
    chance = random.Random(seed)
    return list(accumulate(chance.expovariate(rate) for _ in range(count)))


# The server model


def test_the_queue_waits_as_long_as_pollaczek_and_khinchine_say() -> None:
    """One worker, equal services, Poisson arrivals (M/D/1): the mean wait is rho s / (2 (1 - rho))."""
    service, load = 0.02, 0.6
    server = ServerRun(ServerModel(rate=None, service=service, workers=1, queue=None))
    taken = [(now, server.take(now)) for now in poisson(load / service, 200_000, seed=1)]
    waits = [answer[0] - now for now, answer in taken if not isinstance(answer, RequestError)]
    assert len(waits) == 200_000
    assert fmean(waits) == pytest.approx(load * service / (2 * (1 - load)), rel=0.02)


@pytest.mark.parametrize(("workers", "load"), [(1, 0.5), (3, 2.0), (8, 10.0)])
def test_requests_are_refused_as_erlang_says(workers: int, load: float) -> None:
    """Without a queue, Erlang's loss formula gives the share of 503s; it holds for any service time."""
    terms = [load**n / math.factorial(n) for n in range(workers + 1)]
    server = ServerRun(ServerModel(rate=None, service=0.1, workers=workers, queue=0))
    for now in poisson(load / 0.1, 100_000, seed=2):
        server.take(now)
    assert server.overloaded / 100_000 == pytest.approx(terms[-1] / sum(terms), rel=0.02)


@given(
    st.lists(st.floats(0.0, 3.0), min_size=2, max_size=60).map(sorted),
    st.floats(0.1, 50.0),
    st.one_of(st.none(), st.floats(1.0, 20.0)),
)
def test_no_window_sees_more_than_the_bucket_holds_and_gains(
    arrivals: list[float], rate: float, burst: float | None
) -> None:
    """Between any two requests that got through, no more did than burst + rate * time."""
    model = ServerModel(rate=rate, burst=burst, service=0.0)
    server = ServerRun(model)
    through = [now for now in arrivals if not isinstance(server.take(now), RequestError)]
    assert through  # the bucket is full at first
    for (i, first), (j, last) in combinations(enumerate(through), 2):
        assert j - i + 1 <= model.most_tokens + rate * (last - first) + 1e-6


def test_who_asks_no_faster_than_the_rate_is_never_refused() -> None:
    """The bucket gains a token between two requests, so that a single one in it is enough."""
    server = ServerRun(ServerModel(rate=4.0, burst=1.0, service=0.0))
    for n in range(100):
        server.take(n * 0.25)
    assert (server.answered, server.rate_limited) == (100, 0)


@given(
    st.lists(st.floats(0.0, 2.0), min_size=1, max_size=80).map(sorted),
    st.integers(1, 3),
    st.integers(0, 5),
)
def test_the_queue_is_first_come_first_served_and_finite(
    arrivals: list[float], workers: int, queue: int
) -> None:
    """Nobody is overtaken; no more wait than the queue holds, nor longer than it takes to empty it."""
    server = ServerRun(ServerModel(rate=None, service=0.25, workers=workers, queue=queue))
    begun: list[tuple[float, float]] = []
    for now in arrivals:
        answer = server.take(now)
        waiting = sum(begins > now for _, begins in begun)
        if isinstance(answer, RequestError):
            assert waiting == queue
            continue
        assert answer[1] == answer[0] + 0.25
        assert now <= answer[0] <= now + 0.25 * (queue + workers) / workers + 1e-9
        assert not begun or answer[0] >= begun[-1][1]
        begun.append((now, answer[0]))
        assert sum(begins > now for _, begins in begun) <= queue


def test_refusals_say_what_the_server_is_told_to_say() -> None:
    """Both kinds carry the Retry-After, or none."""
    model = ServerModel(rate=1.0, burst=2.0, service=1.0, workers=1, queue=0, retry_after=7.0)
    for hint in (7.0, None):
        server = ServerRun(attrs.evolve(model, retry_after=hint))
        _, overload, too_many = (server.take(0.0) for _ in range(3))
        assert isinstance(overload, RequestError)
        assert isinstance(too_many, RequestError)
        assert (str(overload)[:3], str(too_many)[:3]) == ("503", "429")
        assert overload.hint == too_many.hint == hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 0.0},
        {"rate": math.nan},
        {"burst": 0.5},
        {"retry_after": -1.0},
        {"service": -1.0},
        {"workers": 0},
        {"queue": -1},
    ],
)
def test_a_model_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    """The error names the field."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ServerModel(**wrong)  # type: ignore[arg-type]


# The herd


servers = st.builds(
    ServerModel,
    rate=st.one_of(st.none(), st.floats(5.0, 200.0)),
    burst=st.one_of(st.none(), st.floats(1.0, 30.0)),
    retry_after=st.one_of(st.none(), st.floats(0.0, 3.0)),
    service=st.sampled_from([0.0, 0.01, 0.2]),
    workers=st.integers(1, 4),
    queue=st.one_of(st.none(), st.integers(0, 20)),
)
starts = st.one_of(
    st.just(Together()),
    st.builds(Spread, over=st.floats(0.1, 10.0)),
    st.builds(Outage, after=st.floats(0.1, 5.0), lasts=st.floats(0.1, 10.0)),
)
limits = st.builds(
    Limits,
    max_attempts=st.one_of(st.none(), st.integers(1, 20)),
    timeout=st.floats(1.0, 60.0),
    max_failures=st.one_of(st.none(), st.integers(1, 5)),
)


@settings(max_examples=60)
@given(
    st.sampled_from(ENTRANTS),
    servers,
    starts,
    limits,
    st.lists(st.floats(0.0, 20.0), min_size=1, max_size=30),
)
def test_every_call_and_every_client_is_accounted_for(
    strategy: Strategy, server: ServerModel, start: Start, limits: Limits, durations: list[float]
) -> None:
    """Calls are answered, refused or lost; clients know or gave up; the series holds every call."""
    result = herd_of(strategy, durations, server, start, limits)
    assert result.calls == result.answered + result.rate_limited + result.overloaded + result.unreachable
    assert result.abandoned <= result.answered
    assert result.calls == pytest.approx(sum(result.series) * result.step)
    assert result.calls_per_job == result.calls / len(durations)
    assert 0 <= result.gave_up <= result.clients == len(durations)
    assert (result.lag_mean is None) == (result.lag_p95 is None) == (result.gave_up == result.clients)
    assert max(result.series) <= result.start_peak + result.peak


@settings(max_examples=30)
@given(st.sampled_from(ENTRANTS), st.lists(st.floats(0.0, 30.0), min_size=1, max_size=20), st.integers())
def test_without_limits_each_waits_as_if_alone(strategy: Strategy, durations: list[float], seed: int) -> None:
    """Where nobody is in anybody's way, the calls lie within the bounds of single waits, summed."""
    result = herd_of(strategy, durations, seed=seed)
    bounds = [request_bounds(strategy, duration) for duration in durations]
    assert sum(bound.least for bound in bounds) <= result.calls <= sum(bound.most for bound in bounds)
    assert (result.calls, result.gave_up) == (result.answered, 0)


def test_calls_per_job_of_a_herd_without_limits_is_that_of_one_wait() -> None:
    """Every second until the end: ceil(d) + 1 calls, with a lag of ceil(d) - d."""
    durations = draw_durations(Uniform(5.0, 15.0), 1000, seed=3)
    result = herd_of(Fixed(interval=1.0), durations)
    assert result.calls_per_job == pytest.approx(fmean(math.ceil(d) + 1 for d in durations))
    assert result.lag_mean == pytest.approx(fmean(math.ceil(d) - d for d in durations))
    assert result.all_know == pytest.approx(math.ceil(max(durations)))


def test_a_herd_that_comes_at_random_waits_in_the_queue_as_theory_says() -> None:
    """Clients at random that look once are Poisson arrivals: their lag is the M/D/1 wait and service."""
    service, load, clients = 0.02, 0.5, 40_000
    start = Spread(over=clients * service / load)
    server = ServerModel(rate=None, service=service, workers=1, queue=None)
    result = herd_of(Fixed(), [0.0] * clients, server, start, Limits())
    assert result.calls == clients
    assert result.lag_mean == pytest.approx(service + load * service / (2 * (1 - load)), rel=0.02)


def test_clients_in_step_have_the_peak_that_can_be_counted() -> None:
    """All at once each second, for ten seconds: ten times the clients, over a mean that is known too."""
    result = herd_of(Fixed(interval=1.0), [9.5] * 100)
    assert (result.start_peak, result.peak) == (1000.0, 1000.0)
    assert result.mean == pytest.approx(100 * 10 / 10.1)
    assert result.peak_over_mean == pytest.approx(10.1)
    assert (result.step, len(result.series), result.series[10]) == (0.1, 101, 1000.0)


def test_jitter_takes_the_peak_off_a_herd() -> None:
    """From the same start, decorrelated jitter is far nearer to its mean than a fixed interval is."""
    durations = [30.0] * 500
    fixed = herd_of(Fixed(interval=1.0), durations)
    spread = herd_of(DecorrelatedJitter(base=0.5, cap=2.0), durations)
    assert fixed.peak_over_mean is not None
    assert spread.peak_over_mean is not None
    assert spread.peak_over_mean < fixed.peak_over_mean / 3


def test_a_spread_start_flattens_the_peak() -> None:
    """1000 clients over ten seconds begin with a hundred a second, not ten thousand."""
    durations = draw_durations(Uniform(5.0, 15.0), 1000, seed=4)
    together, spread = (
        herd_of(Fixed(interval=1.0), durations, start=start) for start in (None, Spread(over=10.0))
    )
    assert together.start_peak == 10_000.0
    assert spread.start_peak < 300.0  # ten in a tenth of a second; thirty is never seen
    assert spread.peak < together.peak / 3


def test_one_retry_after_for_all_brings_them_back_together() -> None:
    """Full jitter spreads a refused herd; a hint longer than its delays makes it march in step."""
    durations = draw_durations(Uniform(5.0, 15.0), 500, seed=5)
    strategy = Fixed(interval=1.0, jitter=Full())
    server = ServerModel(rate=50.0)
    free, told = (
        herd_of(strategy, durations, attrs.evolve(server, retry_after=hint)) for hint in (None, 5.0)
    )
    assert free.peak < 500 * 4  # half of them a second later, within a second
    assert told.peak > 500 * 8  # nearly all in the same tenth
    assert told.calls < free.calls


def test_nothing_gets_through_in_an_outage() -> None:
    """Of jobs that end in an outage nobody knows before it is over; every call in it counts as lost."""
    result = herd_of(Fixed(interval=1.0), [12.0] * 200, start=Outage(after=10.0, lasts=20.0))
    assert result.gave_up == 0
    assert result.unreachable == 200 * 20  # once a second each
    assert result.lag_mean is not None
    assert result.all_know is not None
    assert 30.0 <= result.all_know <= 31.0
    assert 30.0 - 17.0 - 1.0 < result.lag_mean < 30.0 - 17.0 + 1.5  # ends come at 12 to 22, 17 in the mean


def test_limits_end_waits_that_an_outage_holds_up() -> None:
    """With five failures in a row at most, a second apart, nobody outlives twenty seconds of outage."""
    limits = attrs.evolve(UNLIMITED, max_failures=5)
    result = herd_of(Fixed(interval=1.0), [12.0] * 50, start=Outage(after=5.0, lasts=20.0), limits=limits)
    assert (result.gave_up, result.unreachable) == (50, 250)
    assert (result.lag_mean, result.lag_p95, result.all_know) == (None, None, None)


def test_clients_hang_up_when_an_answer_takes_too_long() -> None:
    """Five at once at a worker that takes 4 s: three find it too slow, of which one once more."""
    server = ServerModel(rate=None, service=4.0, workers=1, queue=None)
    result = herd_of(Fixed(interval=100.0), [0.0] * 5, server)
    assert (result.abandoned, result.answered, result.calls, result.gave_up) == (4, 9, 9, 0)
    assert result.all_know == 10.0 + 100.0 + 10.0 + 100.0 + 4.0


def test_who_comes_at_once_is_served_in_no_fixed_order() -> None:
    """A limit of one in two does not let the same half through each time, so that nobody starves."""
    server = ServerModel(rate=10.0, burst=10.0, service=0.0)
    result = herd_of(
        Fixed(interval=1.0), [5.5] * 20, server, limits=Limits(max_attempts=None, max_failures=5)
    )
    assert result.gave_up < 5  # with a fixed order ten


def test_progress_is_reported_linearly_by_the_jobs() -> None:
    """A strategy that follows progress comes back just for the end."""
    strategy = FollowProgress(fallback=Fixed(interval=1.0, first=1.0))
    result = herd_of(strategy, [60.0] * 10)
    assert result.calls <= 4 * 10  # at 1 s, 31 s, where its cap ends, 60 s, and once more after a rounding
    assert result.all_know == pytest.approx(60.0, abs=0.51)


@given(st.sampled_from(ENTRANTS), servers, starts, st.integers(0, 2**32))
@settings(max_examples=20)
def test_the_same_seed_gives_the_same_herd(
    strategy: Strategy, server: ServerModel, start: Start, seed: int
) -> None:
    """Nothing is drawn but from the seed."""
    durations = draw_durations(Uniform(1.0, 5.0), 20, seed)
    assert durations == draw_durations(Uniform(1.0, 5.0), 20, seed)
    once, again = (herd_of(strategy, durations, server, start, Limits(), seed) for _ in range(2))
    assert once == again


def test_another_seed_gives_another_herd() -> None:
    """Draws and durations depend on it."""
    assert draw_durations(Uniform(1.0, 5.0), 20, 1) != draw_durations(Uniform(1.0, 5.0), 20, 2)
    one, other = (herd_of(ENTRANTS[3], [20.0] * 50, seed=seed) for seed in (1, 2))
    assert one.series != other.series


def test_durations_are_spread_evenly_and_in_no_order() -> None:
    """There is one in each equal part of the distribution, and neighbours are strangers."""
    durations = draw_durations(Uniform(5.0, 15.0), 1000, seed=1)
    assert [int((d - 5.0) * 100) for d in sorted(durations)] == list(range(1000))
    assert abs(np.corrcoef(durations[:-1], durations[1:])[0, 1]) < 0.1


@pytest.mark.parametrize("durations", [[], [-1.0], [math.nan], [math.inf]])
def test_durations_that_are_none_are_refused(durations: list[float]) -> None:
    """A job has a finite duration, and there is at least one."""
    with pytest.raises(ConfigError, match="durations"):
        herd_of(Fixed(), durations)


def test_a_herd_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that lets almost nothing through, and clients that never give up, end in an error."""
    monkeypatch.setattr(engine, "MOST_CALLS", 20_000)
    server = ServerModel(rate=1e-6, burst=1.0)
    with pytest.raises(ConfigError, match="more than 20,000 calls"):
        herd_of(Fixed(interval=1.0), [5.0] * 3, server)


def test_a_long_load_is_kept_in_few_points() -> None:
    """A year has at most a thousand points, with all calls in them, and the peak is still of a tenth."""
    load = Load()
    for now in (0.0, 0.05, 0.06, 86_400.0 * 365):
        load.enter(now)
    step, series = load.series()
    assert len(series) <= 1000
    assert sum(series) * step == pytest.approx(4)
    assert (load.peak, load.calls) == (30.0, 4)
    assert step * len(series) >= 86_400.0 * 365


# The starts


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("together", Together()),
        ("spread(30s)", Spread(over=30.0)),
        ("spread(over=1m30s)", Spread(over=90.0)),
        ("outage(5s, 10s)", Outage(after=5.0, lasts=10.0)),
        ("outage(lasts=10, after=500ms)", Outage(after=0.5, lasts=10.0)),
    ],
)
def test_a_start_is_read_by_place_or_by_name(text: str, start: Start) -> None:
    """As the help says."""
    assert parse_start(text) == start


# The command

SETTING = ["--clients", "40", "--workload", "uniform(1s, 3s)", "--rate", "20", "--start", "spread(2s)"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rate", "0"], "--rate: must be a finite number > 0"),
        (["--rate", "many"], "--rate: must be a number, got 'many'"),
        (["--burst", "0.5"], "--burst: must be a finite number >= 1"),
        (["--service", "-1"], "--service: must be a finite number >= 0"),
        (["--workers", "1.5"], "--workers: must be a whole number"),
        (["--queue", "-1"], "--queue: must be a whole number >= 0"),
        (["--retry-after", "soon"], "--retry-after: must be a duration such as"),
        (["--start", "now"], "--start: kind: unknown kind 'now'"),
        (["--start", "spread"], "--start: over: is required"),
        (["--start", "outage(5s"], "--start: needs ','"),
        (["--start", "spread(0s)"], "--start: over: must be a finite number > 0"),
        (["--clients", "0"], "0 is not in the range"),
        (["--workload", "uniform(5s)"], "uniform(5s)"),
        (["--timeout", "0"], "--timeout"),
        (["nope"], "'nope' is no TOML file"),
        (["seed", "seed"], "'seed' is given twice"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the option, the value and the rule."""
    assert run(["herd", *arguments]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert not printed.out


def test_the_options_are_those_of_the_model() -> None:
    """The command's server, unless told otherwise, is the one that Python gives."""
    given = {name: parse_scalar(default) for name, (default, _) in command.SERVER.items()}
    assert structure(given, ServerModel) == ServerModel()
    assert given.keys() == attrs.fields_dict(ServerModel).keys()


def test_the_json_holds_the_setting_and_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    """One row for each strategy, fewest given up first, in JSON that any parser takes."""
    arguments = [*SETTING, "--max-failures", "none", "--json", "fixed", "seed", "full-jitter"]
    assert run(["herd", *arguments]) == 0
    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (document["clients"], document["start"], document["seed"]) == (40, "spread(2s)", 0)
    assert document["server"]["rate"] == 20.0
    rows = document["results"]
    assert {row["strategy"] for row in rows} == {"fixed", "seed", "full-jitter"}
    assert [row["gave_up"] for row in rows] == sorted(row["gave_up"] for row in rows)
    assert all(row["clients"] == 40 and row["calls"] >= 40 for row in rows)
    assert run(["herd", *arguments]) == 0
    assert json.loads(capsys.readouterr().out) == document


@pytest.mark.parametrize("name", ["a.toml", "fixed"])
def test_each_herd_is_a_line_of_bars(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of names that are shorter than their heading: no line of bars is broken."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("a.toml").write_text('strategy = "fixed"')
    assert run(["herd", "--clients", "40", "--rate", "none", "--start", "spread(5s)", name]) == 0
    (bars,) = [line for line in capsys.readouterr().out.splitlines() if "▁" in line or "▂" in line]
    assert bars.startswith(f" {Path(name).stem} ")


@pytest.mark.parametrize("width", [80, 40])
def test_the_tables_fit_the_window(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of a strategy with a long name, in a narrow window, with failures of every kind."""
    monkeypatch.setenv("COLUMNS", str(width))
    long = "exponential(base=100ms, cap=10s, jitter=proportional(share=0.25))"
    setting = ["--clients", "300", "--start", "outage(5s, 2s)", "--queue", "0", "--workers", "1"]
    assert run(["herd", *setting, long, "fixed"]) == 0
    printed = capsys.readouterr().out
    assert all(len(line) <= width for line in printed.splitlines())
    for words in ("429", "503", "not", "gave", "all", "calls per second"):
        assert words in printed


def test_nobody_who_knows_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    """Where all gave up there is no lag, and no zero in its place."""
    assert run(["herd", *SETTING, "--max-attempts", "1", "fixed"]) == 0
    assert capsys.readouterr().out.count("–") == 4  # noqa: RUF001 - the sign for nothing


# The guide


GUIDE = (Path(__file__).parents[2] / "docs" / "how-to" / "herd.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^```sh\nbide (.*?)^```\n\n```text\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_the_guide_shows_what_its_commands_print(
    command: str,
    output: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every figure in it comes from the command above it, with the files that it gives."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name, file in re.findall(r"^```toml\n# (\S+)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE):
        Path(name).write_text(file)
    assert run(shlex.split(command.replace("\\\n", " "))) == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.rstrip().splitlines()]
    assert printed == output.splitlines()


def test_the_guide_s_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """With no limit in the way, looking once a second costs eleven calls and half a second."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    exec(code, {})  # noqa: S102 - the guide itself
    calls, _, lag = map(float, capsys.readouterr().out.split())
    assert calls == pytest.approx(11.5, abs=0.3)
    assert lag == pytest.approx(0.52, abs=0.05)

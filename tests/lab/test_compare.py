"""The comparison as a whole: what it promises of its results, and what it refuses."""

import math
import subprocess
import sys

import attrs
import pytest

from bide import ConfigError, Limits
from bide.catalogue import catalogue, find_policy
from bide.lab import Comparison, Entrant, Result, Workload, compare, find_workload
from bide.lab.distributions import Exponential, Uniform
from bide.lab.mixed import Samples
from bide.lab.recorded import Recorded
from bide.policy import Policy
from bide_strategies import Exponential as Growing
from bide_strategies import Fixed as Every
from bide_strategies import FollowProgress, Full

ENDLESS = Limits(max_attempts=None, timeout=None)
SEED = Entrant("seed", find_policy("seed"))
SERVER = find_workload("uniform(5s, 15s)")


def only(comparison: Comparison) -> Result:
    """Return the result of one entrant on one workload."""
    [[result]] = [workload.results for workload in comparison.workloads]
    return result


def test_the_seed_on_its_own_server_makes_seven_times_the_calls_it_needs() -> None:
    """It polls at once, and makes 7.7 calls where 1.15 would do at the same lag: published as 6.93 times."""
    result = only(compare([SEED], [SERVER]))
    assert result.excess == pytest.approx(6.93, abs=0.4)
    assert result.calls == pytest.approx(7.75, abs=0.1)
    assert result.calls_max == 9  # as `request_bounds` says of a job of 15 s
    assert result.timed_out == 0.0
    assert result.wasted == pytest.approx(result.calls - 1)
    assert 0 < result.calls_se < 0.01


@pytest.mark.parametrize("interval", [0.05, 1.0, 20.0, 120.0])
def test_a_fixed_interval_has_no_excess_over_exponential_durations(interval: float) -> None:
    """If it does not look at once, nothing is better; the excess is 1.00."""
    entrant = Entrant("every", Policy(Every(interval=interval, first=interval), ENDLESS))
    result = only(compare([entrant], [Workload("exponential", Exponential(60.0))]))
    assert result.excess == pytest.approx(1.0, abs=0.005)
    assert result.calls_se == result.lag_se == 0.0


def test_lag_has_quantiles_and_a_target() -> None:
    """Every 4 s over 5 to 15 s: ends are found at 8, 12 and 16 s, and the lags add up by hand."""
    entrant = Entrant("every", Policy(Every(interval=4.0), ENDLESS))
    result = only(compare([entrant], [SERVER], lag_target=1.0))
    # Of ten seconds of ends, 5-8 have lags of 0 to 3, 8-12 of 0 to 4, and 12-15 of 1 to 4.
    assert result.lag_mean == pytest.approx((3 * 1.5 + 4 * 2 + 3 * 2.5) / 10)
    assert result.within == pytest.approx(0.2, abs=1e-3)
    assert result.lag_p50 == pytest.approx(2.0, abs=1e-2)
    assert result.lag_p99 == pytest.approx(3.95, abs=1e-2)
    assert result.calls_p95 == 5
    assert result.schedule == (0.0, 4.0, 8.0, 12.0, 16.0)


def test_an_answer_that_takes_time_adds_to_every_lag_and_to_the_least() -> None:
    """The optimum waits for its answers, too: with the same poll times, the excess is the same."""
    quick = Entrant("quick", Policy(Every(interval=4.0, first=4.0), ENDLESS))
    slow = Entrant("slow", Policy(Every(interval=3.5, first=4.0), ENDLESS))
    one, other = only(compare([quick], [SERVER])), only(compare([slow], [SERVER], latency=0.5))
    assert other.lag_mean == pytest.approx(one.lag_mean + 0.5)
    assert (other.calls, other.excess) == pytest.approx((one.calls, one.excess))


def test_results_are_sorted_by_excess_and_those_without_come_last() -> None:
    """Names are as given; who never saw an end has no lag and no excess."""
    entrants = [
        Entrant("hasty", Policy(Every(interval=0.1), ENDLESS)),
        Entrant("gives up", Policy(Every(interval=1.0), Limits(max_attempts=2))),
        Entrant("well placed", Policy(Every(interval=15.0, first=15.0), ENDLESS)),
        SEED,
    ]
    results = compare(entrants, [SERVER]).workloads[0].results
    assert [result.strategy for result in results] == ["well placed", "hasty", "seed", "gives up"]
    assert results[0].excess == pytest.approx(1.0)
    last = results[-1]
    assert (last.excess, last.optimal_calls, last.timed_out, last.calls) == (None, None, 1.0, 2.0)
    assert math.isnan(last.lag_mean)


def test_who_gives_up_is_compared_with_who_gives_up_as_often() -> None:
    """To look after 20 s and after 40 s, and then no more, is nearly the best for those two calls."""
    minute = Workload("exponential", Exponential(60.0))
    limits = Limits(max_attempts=2, timeout=None)
    result = only(compare([Entrant("twice", Policy(Every(interval=20.0, first=20.0), limits))], [minute]))
    assert result.timed_out == pytest.approx(math.exp(-40 / 60))
    assert result.excess == pytest.approx(1.0, abs=0.02)


def test_a_workload_is_described_beside_its_results() -> None:
    """Mean, quantiles and the frontier, which ends at the lag of a single call."""
    workload = compare([SEED], [SERVER]).workloads[0]
    assert (workload.name, workload.mean) == ("uniform(5s, 15s)", 10.0)
    assert workload.quantiles == pytest.approx((5.5, 7.5, 10.0, 12.5, 14.5))
    frontier = workload.frontier
    assert (frontier.calls[-1], frontier.lag_mean[-1]) == pytest.approx((1.0, 5.0))
    assert len(frontier.call_cost) == len(frontier.calls) == len(frontier.lag_mean) > 20


def test_a_seed_gives_the_same_comparison_again() -> None:
    """Also over listening strategies; and another seed gives another, within the error."""
    entrants = [
        Entrant("jitter", Policy(Growing(jitter=Full()), ENDLESS)),
        Entrant("follow", Policy(FollowProgress(fallback=Every(interval=2.0)), ENDLESS)),
    ]
    one, again, other = (compare(entrants, [SERVER], seed=seed, schedules=64) for seed in (5, 5, 6))
    assert one == again != other
    for mine, theirs in zip(one.workloads[0].results, other.workloads[0].results, strict=True):
        assert mine.calls == pytest.approx(theirs.calls, abs=6 * (mine.calls_se + theirs.calls_se))


def test_who_follows_progress_beats_who_cannot() -> None:
    """It knows more than the durations, so its excess may be below 1; its error is given."""
    entrant = Entrant("follow", Policy(FollowProgress(fallback=Every(interval=2.0)), ENDLESS))
    result = only(compare([entrant], [SERVER]))
    assert 3 <= result.calls <= 4
    assert result.excess is not None
    assert result.excess < 1
    assert result.calls_se > 0
    assert result.schedule[:2] == (0.0, 2.0)


def test_recorded_waits_are_compared_as_they_are() -> None:
    """A peer that polls as a strategy does has its figures; one that gave up has given up."""
    times = tuple(0.5 * n for n in range(1, 41))
    peer = Recorded(name="peer 1.0", schedules=(times,), horizon=20.0, gives_up=(False,))
    ours = Entrant("ours", Policy(Every(interval=0.5, first=0.5), ENDLESS))
    one, other = compare([peer, ours], [SERVER]).workloads[0].results
    assert attrs.evolve(one, strategy="") == attrs.evolve(other, strategy="", schedule=one.schedule)
    both = (times[:20], times)
    half = Recorded(name="half", schedules=both, horizon=20.0, gives_up=(True, False))
    quits = only(compare([half], [SERVER]))
    assert quits.timed_out == pytest.approx(0.25)
    # Half of the waits make 20.5 calls; the others 15.5 for jobs of up to 10 s, and 20 for the rest.
    assert quits.calls == pytest.approx((20.5 + (15.5 + 20) / 2) / 2)


def test_a_recording_goes_on_beyond_its_horizon() -> None:
    """Over jobs that outlast it, the peer is taken to go on as it did last."""
    times = tuple(map(float, range(1, 101)))
    peer = Recorded(name="peer 1.0", schedules=(times,), horizon=100.0, gives_up=(False,))
    result = only(compare([peer], [Workload("long", Exponential(300.0))]))
    assert result.calls == pytest.approx(1 / -math.expm1(-1 / 300), rel=1e-3)
    assert result.lag_mean == pytest.approx(0.5, rel=1e-3)
    assert result.calls_max == math.inf


def test_progress_is_told() -> None:
    """After each entrant: how many are done, and how many there are."""
    told: list[tuple[int, int]] = []
    compare(
        [SEED, SEED, SEED], [SERVER], schedules=16, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_every_policy_of_the_catalogue_can_be_compared() -> None:
    """On a smooth workload and on a measured one, whatever its limits."""
    entrants = [Entrant(name, find_policy(name)) for name in catalogue()]
    workloads = [find_workload("lognormal(60s, 0.5)"), Workload("two", Samples([3.0, 3.0, 60.0]))]
    comparison = compare(entrants, workloads, schedules=16)
    for workload in comparison.workloads:
        assert {result.strategy for result in workload.results} == set(catalogue())
        for result in workload.results:
            assert 0 <= result.timed_out <= 1
            assert 1 <= result.calls <= result.calls_max
            assert result.excess is None or result.excess > 0.98


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"entrants": []}, "entrants: needs at least one"),
        ({"workloads": []}, "workloads: needs at least one"),
        ({"latency": -1.0}, "latency: must be a finite number >= 0"),
        ({"latency": math.nan}, "latency: must be a finite number >= 0"),
        ({"lag_target": math.inf}, "lag_target: must be a finite number >= 0"),
        ({"schedules": 15}, "schedules: must be a whole number >= 16"),
    ],
)
def test_what_cannot_be_compared_is_said(wrong: dict[str, object], said: str) -> None:
    """Nothing to compare, and arguments out of range, are a ConfigError."""
    arguments: dict[str, object] = {"entrants": [SEED], "workloads": [SERVER], **wrong}
    with pytest.raises(ConfigError, match=said):
        compare(**arguments)  # type: ignore[arg-type]


def test_the_lab_loads_scipy_and_charts_only_when_they_are_used() -> None:
    """Importing it, and comparing over uniform durations, needs numpy alone."""
    code = (
        "import sys; from bide.lab import *; from bide.catalogue import find_policy;"
        "compare([Entrant('seed', find_policy('seed'))], [find_workload('uniform(5s, 15s)')], schedules=16);"
        "loaded = {name.partition('.')[0] for name in sys.modules};"
        "print(sorted({'scipy', 'altair', 'httpx', 'falcon'} & loaded))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_uniform_durations_are_a_value() -> None:
    """Workloads are equal if they mean the same."""
    assert find_workload("uniform(5s, 15s)").durations == Uniform(5.0, 15.0)

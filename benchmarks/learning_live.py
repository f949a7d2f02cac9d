"""
Do calls per job fall as a strategy learns? One kind of jobs over real HTTP, from an empty history.

A real job server runs in a process of its own. Jobs come in rounds: those of a round are waited for at once,
by threads, with what was known when the round began. Beside the calls and the lag of each round stand those
that the lab computes for the fallback, and for the optimum that knows the distribution from the start. The
exit status is 1 if the last half of the jobs does not make half as many calls as the fallback would, or lags
more.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean

import httpx
from attrs import asdict, frozen

from bide import JobClient, Limits, Policy
from bide.catalogue import find_policy
from bide.cli.server_process import server_process
from bide.lab import Entrant, Result, Workload, compare
from bide.lab.distributions import Uniform
from bide.learn import background
from bide.outcome import Outcome
from bide_strategies import Learned, Optimal, Scale

FACTOR = 0.1
"""All times are a tenth of the seed's, whose jobs take 5 to 15 seconds."""

SHORTEST, LONGEST = 5 * FACTOR, 15 * FACTOR
CALL_COST = 0.05 * (SHORTEST + LONGEST) / 2
UNLIMITED = Limits(max_attempts=None, timeout=60.0)


@frozen(kw_only=True)
class Round:
    """
    The jobs of one round.

    Args:
        known: how many jobs had been seen to end when it began.
        calls: mean calls per job.
        lag: mean lag, in seconds.
    """

    known: int
    calls: float
    lag: float


@frozen(kw_only=True)
class Run:
    """
    What was measured, and what it stands beside.

    Args:
        rounds: in their order.
        fallback: what the lab computes for the fallback alone: calls per job, and lag in seconds.
        optimum: the same for the optimum that knows the distribution.
    """

    rounds: Sequence[Round]
    fallback: tuple[float, float]
    optimum: tuple[float, float]

    @property
    def learned(self) -> tuple[float, float]:
        """Calls per job and lag of the last half of the rounds."""
        late = self.rounds[len(self.rounds) // 2 :]
        return fmean(each.calls for each in late), fmean(each.lag for each in late)

    @property
    def holds(self) -> bool:
        """Whether it came to half the calls at no more lag."""
        return self.learned[0] <= self.fallback[0] / 2 and self.learned[1] <= self.fallback[1]


def run(jobs: int, at_once: int, seed: int) -> Run:
    """Wait for jobs, round by round."""
    chance = random.Random(seed)
    fallback = Scale(strategy=find_policy("seed").strategy, factor=FACTOR)
    with tempfile.TemporaryDirectory() as folder, server_process() as server:
        history = str(Path(folder) / "waits.sqlite3")
        learned = Learned(job_kind="video", history=history, call_cost=CALL_COST, fallback=fallback)
        with httpx.Client(trust_env=False) as http, ThreadPoolExecutor(at_once) as pool:
            client = JobClient(server, Policy(learned, UNLIMITED), http=http)
            rounds = []
            for known in range(0, jobs, at_once):
                durations = [chance.uniform(SHORTEST, LONGEST) for _ in range(min(at_once, jobs - known))]
                outcomes = list(pool.map(lambda duration: wait_once(client, duration), durations))
                rounds.append(_round(known, outcomes))
                background.flush()
    exact = f"uniform({SHORTEST}s, {LONGEST}s)"
    costs = _predicted(
        Policy(fallback, UNLIMITED), Policy(Optimal(durations=exact, call_cost=CALL_COST), UNLIMITED)
    )
    return Run(rounds=rounds, fallback=costs[0], optimum=costs[1])


def wait_once(client: JobClient, duration: float) -> Outcome:
    """Create a job that takes so many seconds, and wait for it; the server's hint is left aside."""
    job = str(client.create_job({"duration": duration, "outcome": "completed"}))
    return client.wait_for_job(job)


def _round(known: int, outcomes: Sequence[Outcome]) -> Round:
    lags = [outcome.lag for outcome in outcomes if outcome.lag is not None]
    return Round(known=known, calls=fmean(outcome.calls for outcome in outcomes), lag=fmean(lags))


def _predicted(*policies: Policy) -> list[tuple[float, float]]:
    """Return what the lab computes for policies: calls per job, and mean lag in seconds."""
    entrants = [Entrant(str(place), policy) for place, policy in enumerate(policies)]
    results = compare(entrants, [Workload("live", Uniform(SHORTEST, LONGEST))]).workloads[0].results
    by_name: dict[str, Result] = {result.strategy: result for result in results}
    return [(by_name[entrant.name].calls, by_name[entrant.name].lag_mean) for entrant in entrants]


def draw(found: Run, file: Path) -> None:
    """Draw calls per job against the jobs known, as SVG."""
    import altair as alt
    import vl_convert

    from bide.lab.report.vega import styled

    last = found.rounds[-1].known
    points = [{"known": each.known, "calls": each.calls} for each in found.rounds]
    levels = [
        {"known": last, "calls": calls, "name": name}
        for name, (calls, _) in (("the fallback", found.fallback), ("the optimum", found.optimum))
    ]
    axes = {
        "x": alt.X("known:Q", title="jobs known when the round began"),
        "y": alt.Y("calls:Q", title="calls per job", scale=alt.Scale(domainMin=0)),
    }
    rules = alt.Chart(alt.InlineData(levels)).mark_rule(strokeDash=[4, 4], color="gray").encode(y="calls:Q")
    words = (
        alt.Chart(alt.InlineData(levels))
        .mark_text(align="right", baseline="bottom", dy=-3, color="gray")
        .encode(text="name:N", **axes)
    )
    line = alt.Chart(alt.InlineData(points)).mark_line(point=True, color="#0072B2").encode(**axes)
    chart = styled((rules + words + line).properties(width=640, height=260, background="white", padding=16))
    file.write_text(vl_convert.vegalite_to_svg(chart.to_dict()) + "\n", encoding="utf-8")


def _lines(found: Run) -> Iterator[str]:
    yield "known   calls per job   mean lag, ms"
    for each in found.rounds:
        yield f"{each.known:5}   {each.calls:13.2f}   {1000 * each.lag:12.1f}"
    for name in ("learned", "fallback", "optimum"):
        calls, lag = getattr(found, name)
        yield f"{name:8}{calls:13.2f}   {1000 * lag:12.1f}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Do calls per job fall as a strategy learns?")
    parser.add_argument("--jobs", type=int, default=200, help="in all (200)")
    parser.add_argument("--at-once", type=int, default=8, help="in one round (8)")
    parser.add_argument("--seed", type=int, default=1, help="of the durations (1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--svg", type=Path, help="draw calls per job into this file")
    options = parser.parse_args(arguments)
    if options.jobs < 1 or not 1 <= options.at_once <= 64:
        parser.error("--jobs must be at least 1, and --at-once from 1 to 64")
    found = run(options.jobs, options.at_once, options.seed)
    if options.svg is not None:
        draw(found, options.svg)
    if options.json:
        print(json.dumps({**asdict(found), "learned": found.learned}, indent=2))
    else:
        print("\n".join(_lines(found)))
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main())

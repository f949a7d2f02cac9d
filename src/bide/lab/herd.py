"""Many clients, each waiting for its own job, at one server: on a virtual clock, through the real engine."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import numpy as np
from attrs import field, frozen

from bide.errors import ConfigError, RequestError
from bide.lab.agenda import Agenda
from bide.lab.distribution import Distribution
from bide.lab.load import Load
from bide.lab.server_model import ServerModel, ServerRun
from bide.lab.starts import Start, Together
from bide.outcome import End, Outcome
from bide.policy import Policy
from bide.strategy import Observation
from bide.wait import Wait

REQUEST_TIMEOUT = 10.0
"""Seconds for which a client waits for an answer, as `bide.JobClient` does."""

MOST_CALLS = 100_000_000
"""So many calls are simulated at most: they take half an hour."""

_COMPLETED = Observation("completed")
_TOO_LATE = RequestError("no answer in time")
_CALLS_PER_PROGRESS = 10_000


@frozen(kw_only=True)
class HerdResult:
    """
    What a herd of clients that all wait by one policy does to a server, and learns from it.

    Peaks are over a tenth of a second. A call that a client makes as it starts, with no delay at all, comes
    when the scenario says: `start_peak` is of such calls alone; `peak`, `mean` and `peak_over_mean` are of
    all others, which the strategy times.

    Args:
        strategy: its name, as given.
        clients: how many there are, with a job each.
        calls: requests that were made: answered, rate_limited, overloaded or unreachable.
        answered: requests that the server worked on.
        rate_limited: requests that were refused with a 429.
        overloaded: requests that were refused with a 503.
        unreachable: requests that failed in an outage.
        abandoned: of the answered, those whose answer came after its client had hung up.
        calls_per_job: calls / clients.
        start_peak: most calls per second that clients made as they started.
        peak: most of all other calls per second.
        mean: those calls per second, from the first start to the last call.
        peak_over_mean: peak / mean; None where there are no such calls.
        gave_up: clients that a limit ended.
        all_know: seconds from the first start until the last client saw its job's end, of those that saw it;
            None if none did.
        lag_mean: seconds from a job's end to the answer that showed it, over those clients; None if none.
        lag_p95: the seconds that 95 % of these lags do not exceed (nearest rank).
        step: seconds that each entry of the series stands for.
        series: all calls per second over time, from the first start on.
    """

    strategy: str
    clients: int
    calls: int
    answered: int
    rate_limited: int
    overloaded: int
    unreachable: int
    abandoned: int
    calls_per_job: float
    start_peak: float
    peak: float
    mean: float
    peak_over_mean: float | None
    gave_up: int
    all_know: float | None
    lag_mean: float | None
    lag_p95: float | None
    step: float
    series: tuple[float, ...] = field(repr=False)


def draw_durations(durations: Distribution, clients: int, seed: int) -> list[float]:
    """Return a duration for the job of each client, in seconds: spread evenly over the distribution."""
    chance = np.random.default_rng(seed)
    shares = (np.arange(clients) + chance.random(clients)) / clients
    return [float(end) for end in durations.quantile(chance.permutation(np.clip(shares, 1e-12, 1 - 1e-12)))]


def run_herd(
    strategy: str,
    policy: Policy,
    durations: Sequence[float],
    *,
    server: ServerModel | None = None,
    start: Start | None = None,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> HerdResult:
    """
    Let a client wait for each of the jobs, all at one server, and return what came of it.

    Args:
        strategy: what the policy is called in the result.
        policy: what every client waits with.
        durations: of the jobs, in seconds from the start of the client that waits for it; >= 0.
        server: what the server can bear; by default a `ServerModel` as it comes.
        start: when the clients start; by default all together.
        seed: of the starts, of the draws, and of who comes first among those who come at once.
        progress: told now and then how many clients are through.

    Raises:
        ConfigError: there are no durations, or one is no number of seconds; or the waits make too many calls.
    """
    if not durations or not all(0.0 <= duration < math.inf for duration in durations):
        raise ConfigError("durations: must be finite numbers of seconds >= 0, and at least one")
    start = Together() if start is None else start
    run = ServerRun(ServerModel() if server is None else server, down=start.down)
    herd = _Herd(policy, durations, run, start, random.Random(seed))
    herd.run(progress)
    return herd.result(strategy)


class _Herd:
    """
    The clients while they wait.

    An event is a request that reaches the server. What it is answered concerns nobody but its client, whose
    next request is known at once: there is one event for each poll.
    """

    def __init__(
        self,
        policy: Policy,
        durations: Sequence[float],
        server: ServerRun,
        start: Start,
        chance: random.Random,
    ) -> None:
        """Begin the waits."""
        self._server = server
        starts = start.times(len(durations), chance)
        # One source of draws for all: the order of events, and so who draws what, follows from the seed.
        self._waits = [Wait(policy, now=at, draw=chance.random) for at in starts]
        self._ends = [at + duration for at, duration in zip(starts, durations, strict=True)]
        self._agenda = Agenda(chance)
        self._at_start, self._later = Load(), Load()
        self._abandoned = 0
        self._lags: list[float] = []
        self._all_know = 0.0

    def run(self, progress: Callable[[int], object] | None) -> None:
        """Let all waits come to their end."""
        for client, wait in enumerate(self._waits):
            self._agenda.add(wait.started + wait.first_delay(), client)
        through = 0
        for made, (now, client) in enumerate(self._agenda, start=1):
            step, answered_at = self._poll(client, now)
            if isinstance(step, Outcome):
                through += 1
                self._enter_end(step, client, answered_at)
            else:
                self._agenda.add(answered_at + step, client)
            if made % _CALLS_PER_PROGRESS == 0:
                _require_end(made)
                if progress is not None:
                    progress(through)

    def _poll(self, client: int, now: float) -> tuple[float | Outcome, float]:
        """Make a request; return what the engine makes of its answer, and when that was there."""
        wait = self._waits[client]
        (self._at_start if now == wait.started else self._later).enter(now)
        taken = self._server.take(now)
        if isinstance(taken, RequestError):
            return wait.failed(taken, now), now
        looked_at, answered_at = taken
        patience = wait.request_timeout(now, REQUEST_TIMEOUT)
        if answered_at - now > patience:
            self._abandoned += 1
            return wait.failed(_TOO_LATE, now + patience), now + patience
        return wait.answered(self._seen(client, looked_at), answered_at), answered_at

    def _seen(self, client: int, now: float) -> Observation:
        """Return what a worker sees of a client's job, which reports linear progress."""
        start, end = self._waits[client].started, self._ends[client]
        return _COMPLETED if now >= end else Observation("pending", progress=(now - start) / (end - start))

    def _enter_end(self, outcome: Outcome, client: int, now: float) -> None:
        if outcome.end is End.COMPLETED:
            self._lags.append(now - self._ends[client])
            self._all_know = max(self._all_know, now)

    def result(self, strategy: str) -> HerdResult:
        """Return what came of it."""
        server, later, clients, lags = self._server, self._later, len(self._waits), sorted(self._lags)
        all_calls = self._at_start + later
        step, series = all_calls.series()
        return HerdResult(
            strategy=strategy,
            clients=clients,
            calls=all_calls.calls,
            answered=server.answered,
            rate_limited=server.rate_limited,
            overloaded=server.overloaded,
            unreachable=server.unreachable,
            abandoned=self._abandoned,
            calls_per_job=all_calls.calls / clients,
            start_peak=self._at_start.peak,
            peak=later.peak,
            mean=later.mean,
            peak_over_mean=later.peak / later.mean if later.calls else None,
            gave_up=clients - len(lags),
            all_know=self._all_know if lags else None,
            lag_mean=math.fsum(lags) / len(lags) if lags else None,
            lag_p95=lags[math.ceil(0.95 * len(lags)) - 1] if lags else None,
            step=step,
            series=series,
        )


def _require_end(made: int) -> None:
    if made > MOST_CALLS:
        raise ConfigError(
            f"the waits make more than {MOST_CALLS:,} calls, the most that are simulated:"
            " take fewer clients, longer delays or tighter limits"
        )

"""The same jobs, waited for by several strategies side by side over HTTP."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any

import attrs
import httpx
from attrs import define, field, frozen

from bide.driver import Update
from bide.errors import WaitError
from bide.http import JobClient
from bide.outcome import End, Outcome
from bide.policy import Policy
from bide.poller import Poller


@frozen
class Entrant:
    """
    A named policy in the race.

    Args:
        number: its place, from 0.
        name: what people call it.
        policy: what it waits with.
    """

    number: int
    name: str
    policy: Policy

    @property
    def label(self) -> str:
        """What the server counts its calls under: like no other's, and fit for a header."""
        return f"demo-{self.number}"


@define
class Lane:
    """
    How one entrant is doing.

    Args:
        name: of the entrant.
        jobs: how many jobs it waits for.
        calls: polls made so far, failed ones included.
        ends: how its waits ended.
        lags: seconds from each job's end to the answer that showed it.
    """

    name: str
    jobs: int
    calls: int = 0
    ends: list[End] = field(factory=list)
    lags: list[float] = field(factory=list)

    @property
    def completed(self) -> int:
        """Waits that saw their job complete."""
        return self.ends.count(End.COMPLETED)

    @property
    def failed(self) -> int:
        """Waits that saw their job fail."""
        return self.ends.count(End.JOB_FAILED)

    @property
    def unfinished(self) -> int:
        """Waits that ended, but not by the end of their job."""
        return len(self.ends) - self.completed - self.failed

    @property
    def lag_mean(self) -> float | None:
        """Mean lag in seconds; None before the first job was seen to end."""
        return sum(self.lags) / len(self.lags) if self.lags else None

    @property
    def lag_p95(self) -> float | None:
        """The lag in seconds that 95 % of the jobs do not exceed (nearest rank); None as for the mean."""
        return sorted(self.lags)[math.ceil(0.95 * len(self.lags)) - 1] if self.lags else None


Work = Mapping[str, Any]
"""What a job shall do: its ``duration`` in seconds, and its ``outcome``."""


def draw_work(jobs: int, shortest: float, longest: float, failing: float, seed: int) -> list[Work]:
    """Return work for so many jobs: durations spread over the range, and an exact share that fails."""
    chance = random.Random(seed)
    step = (longest - shortest) / jobs
    durations = [shortest + (n + chance.random()) * step for n in range(jobs)]
    outcomes = ["error" if n < round(failing * jobs) else "completed" for n in range(jobs)]
    chance.shuffle(outcomes)
    return [{"duration": d, "outcome": o} for d, o in zip(durations, outcomes, strict=True)]


def run_race(
    server: str, entrants: Sequence[Entrant], work: Sequence[Work], lanes: Sequence[Lane], seed: int
) -> None:
    """
    Let every entrant create and wait for the same jobs, all at once, and keep its lane up to date.

    Args:
        server: its URL.
        entrants: what takes part.
        work: what the jobs of each entrant shall do.
        lanes: one for each entrant, in the same order; kept up to date while the race goes on.
        seed: of the delays' draws, which depend on it, the entrant's name and the job's place in the work.

    Raises:
        BideError: a job could not be created, or a strategy is broken.
    """
    events: SimpleQueue[_Event] = SimpleQueue()
    with ExitStack() as stack:
        for lane, entrant in zip(lanes, entrants, strict=True):
            http = stack.enter_context(_http(entrant))
            for n, job in enumerate(work):
                draw = random.Random(f"{seed}/{entrant.name}/{n}").random
                client = JobClient(server, attrs.evolve(Poller.of(entrant.policy), draw=draw), http=http)
                # A daemon: when somebody interrupts the race, nobody need wait for the sleepers.
                threading.Thread(target=_wait_for, args=(lane, client, job, events), daemon=True).start()
        while any(len(lane.ends) < lane.jobs for lane in lanes):
            _enter(events.get())


def calls_at_server(server: str, entrants: Sequence[Entrant]) -> list[int]:
    """Return how many status requests the server counted for each entrant."""
    with httpx.Client(trust_env=False) as http:
        calls = http.get(f"{server}/v1/stats").json()["status_calls"]["by_strategy"]
    return [calls.get(entrant.label, 0) for entrant in entrants]


@frozen
class _Event:
    lane: Lane
    what: Update | Outcome | BaseException


def _http(entrant: Entrant) -> httpx.Client:
    """Return a client that tells the server whose calls it makes, with no proxy between."""
    return httpx.Client(
        headers={"Bide-Strategy": entrant.label}, limits=httpx.Limits(max_connections=None), trust_env=False
    )


def _wait_for(lane: Lane, client: JobClient, job: Work, events: SimpleQueue[_Event]) -> None:
    try:
        job_id = client.create_job(job)
        outcome = client.wait_for_job_with_updates(job_id, lambda update: events.put(_Event(lane, update)))
        events.put(_Event(lane, outcome))
    except WaitError as error:
        events.put(_Event(lane, error if error.outcome is None else error.outcome))
    except BaseException as error:  # the thread that runs the race raises it
        events.put(_Event(lane, error))


def _enter(event: _Event) -> None:
    """Enter what happened in its lane."""
    if isinstance(event.what, BaseException):
        raise event.what
    if isinstance(event.what, Update):
        event.lane.calls += 1
        return
    event.lane.ends.append(event.what.end)
    if event.what.lag is not None:
        event.lane.lags.append(event.what.lag)

"""The driver: it sleeps, polls and tells the engine, until the wait is over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from attrs import field, frozen

from bide.errors import RequestError, shown
from bide.rules import STRATEGY, Has
from bide.strategy import Observation, Strategy
from bide.wait import Limits, Outcome, Wait


@frozen(kw_only=True)
class Update:
    """
    What is known after one poll of a wait.

    Args:
        calls: polls made so far, failed ones included.
        elapsed: seconds since the wait began.
        observation: what the last answered poll saw; None if none was answered yet.
        failure: why this poll failed, if it did.
        next_delay: seconds until the next poll; None when the wait is over.
        outcome: how the wait ended; None while it goes on.
    """

    calls: int
    elapsed: float
    observation: Observation | None
    failure: RequestError | None
    next_delay: float | None
    outcome: Outcome | None

    def __str__(self) -> str:
        if self.failure is not None:
            return f"Attempt {self.calls}: {self.failure}"
        status = self.observation.status if self.observation is not None else "unknown"
        return f"Attempt {self.calls}: job is {status}"


@frozen
class Poller:
    """
    Waits for jobs by calling a function of yours until it sees an end.

    The function takes nothing and returns an `Observation`. It raises `RequestError` to say that this look
    failed and another may succeed; any other exception of its own passes through.
    One poller serves any number of waits, also at once from several threads.

    Args:
        strategy: chooses the delays.
        limits: end a wait if the job does not.
        clock: gives the time in seconds; only differences count.
        sleep: sleeps for that many seconds of this clock.
        draw: gives one number in [0, 1] for each delay.
    """

    strategy: Strategy = field(validator=STRATEGY)
    limits: Limits = field(factory=Limits, validator=Has("max_attempts", "Limits(…)"))
    clock: Callable[[], float] = field(default=time.monotonic, kw_only=True)
    sleep: Callable[[float], None] = field(default=time.sleep, kw_only=True)
    draw: Callable[[], float] = field(default=random.random, kw_only=True)

    def begin(self) -> Wait:
        """Return a wait that begins now, for `wait` or `watch`."""
        return Wait(self.strategy, self.limits, now=self.clock(), draw=self.draw)

    def wait(
        self,
        poll: Callable[[], Observation],
        wait: Wait | None = None,
        *,
        on_update: Callable[[Update], object] | None = None,
    ) -> Outcome:
        """
        Poll until the job has completed, and return how it went.

        Args:
            poll: looks at the job once.
            wait: the wait to carry out; by default one that begins now.
            on_update: called with an update after every poll, as it happens.

        Raises:
            WaitError: the job ended otherwise, or a limit was reached.
        """
        wait = self.begin() if wait is None else wait
        step: float | Outcome = wait.first_delay()
        while not isinstance(step, Outcome):
            step = self._step(wait, step, poll)
            if on_update is not None:
                on_update(_update(wait, step))
                step = self._left_of(step, wait)
        return step.raise_for_end()

    def watch(self, poll: Callable[[], Observation], wait: Wait | None = None) -> Iterator[Update]:
        """
        Yield an update after every poll, as it happens; the last one holds the outcome.

        Args:
            poll: looks at the job once.
            wait: the wait to carry out; by default one that begins now.

        Raises:
            WaitError: after the last update, if the job did not complete or a limit was reached.
        """
        wait = self.begin() if wait is None else wait
        step: float | Outcome = wait.first_delay()
        while not isinstance(step, Outcome):
            step = self._step(wait, step, poll)
            yield _update(wait, step)
            step = self._left_of(step, wait)
        step.raise_for_end()

    def _left_of(self, step: float | Outcome, wait: Wait) -> float | Outcome:
        """Return what is left of a delay once somebody has taken time over an update."""
        if isinstance(step, Outcome):
            return step
        return max(0.0, step - (self.clock() - wait.started - wait.elapsed))

    def _step(self, wait: Wait, delay: float, poll: Callable[[], Observation]) -> float | Outcome:
        """Sleep, look once, and return what the engine makes of it."""
        if delay > 0:  # even a sleep of zero seconds costs a system call
            self.sleep(delay)
        try:
            observation = poll()
            if not isinstance(observation, Observation):
                raise TypeError(f"the poll function must return an Observation, got {shown(observation)}")
        except RequestError as failure:
            return wait.failed(failure, self.clock())
        return wait.answered(observation, self.clock())


def _update(wait: Wait, step: float | Outcome) -> Update:
    return Update(
        calls=wait.calls,
        elapsed=wait.elapsed,
        observation=wait.observation,
        failure=wait.failure,
        next_delay=None if isinstance(step, Outcome) else step,
        outcome=step if isinstance(step, Outcome) else None,
    )

"""Time that passes at will, and jobs that do as they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define, evolve, field

from bide.learning import begun
from bide.outcome import Outcome
from bide.policy import Policy
from bide.poller import Poller
from bide.strategy import Observation, Strategy


@define
class VirtualClock:
    """
    A clock that only sleeping moves: give its methods to a `bide.Poller` and waits take no time.

    A `bide.AsyncPoller` takes `asleep`. It is for one task at a time: what two sleep at once adds up.

    Args:
        now: the time, in seconds.
    """

    now: float = 0.0

    def time(self) -> float:
        """Return the time, in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        """Let so many seconds pass, without giving way to other tasks."""
        self.now += seconds


@define
class ScriptedJob:
    """
    A job that answers from a script; give its `poll` to a `bide.Poller`, or `apoll` to a `bide.AsyncPoller`.

    Args:
        script: what each poll sees, or raises, from `ends_at` on; the last entry again and again.
        clock: the clock on which answers take time.
        ends_at: the time until which the job is pending, in seconds on the clock.
        latency: seconds that every answer takes; it tells what held when the poll began.

    `polls` has the time of each poll so far, in seconds on the clock.
    """

    script: Sequence[Observation | Exception] = (Observation("completed"),)
    clock: VirtualClock = field(factory=VirtualClock)
    ends_at: float = 0.0
    latency: float = 0.0
    polls: list[float] = field(factory=list, init=False)
    _line: int = field(default=0, init=False)

    def poll(self) -> Observation:
        """Look once."""
        self.polls.append(self.clock.now)
        answer = self._answer()
        self.clock.sleep(self.latency)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def apoll(self) -> Observation:
        """Look once, as a coroutine."""
        return self.poll()

    def _answer(self) -> Observation | Exception:
        if self.clock.now < self.ends_at:
            return Observation("pending")
        answer = self.script[min(self._line, len(self.script) - 1)]
        self._line += 1
        return answer


class _Unchanged:
    """A strategy as it is now: nobody sees from outside that it learns, and teaches it."""

    def __init__(self, strategy: Strategy) -> None:
        self.delay = begun(strategy).delay


def simulate(
    policy: Strategy | Policy,
    poll: Callable[[], Observation],
    clock: VirtualClock,
    *,
    hint: float | None = None,
) -> Outcome:
    """
    Wait for a job on a virtual clock, and return how the wait ended; no end raises.

    A strategy that learns does what it would do now, and learns nothing of a job that is made up.

    Args:
        policy: a strategy, a policy, or a `bide.Poller` for its draws and observers.
        poll: looks at the job once, such as the `poll` of a `ScriptedJob`.
        clock: on which the waiting takes time.
        hint: seconds to the first poll that the server asked for when it made the job, if it did.

    Raises:
        StrategyError: the strategy breaks its laws.
    """
    poller = evolve(Poller.of(policy), clock=clock.time, wall_clock=clock.time)
    if poller.learns:
        poller = evolve(poller, strategy=_Unchanged(poller.strategy))
    wait = poller.begin(hint)
    step: float | Outcome = wait.first_delay()
    while not isinstance(step, Outcome):
        clock.sleep(step)
        step = poller.look(wait, poll)
    return step

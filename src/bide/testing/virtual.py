"""Time that passes at will, and jobs that do as they are told."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from bide.strategy import Observation


@define
class VirtualClock:
    """
    A clock that only sleeping moves: give its methods to a `bide.Poller` and waits take no time.

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


@define
class ScriptedJob:
    """
    A job that answers from a script; give its `poll` to a `bide.Poller`.

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

    def _answer(self) -> Observation | Exception:
        if self.clock.now < self.ends_at:
            return Observation("pending")
        answer = self.script[min(self._line, len(self.script) - 1)]
        self._line += 1
        return answer

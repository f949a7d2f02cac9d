"""
What observers of a wait are told, as it happens.

An observer is any function of one event; hooks for logging, structlog, Prometheus and OpenTelemetry are in
`bide.instrumentation`. All the events of one wait have the same `wait`, a number that no other wait of this
process has. An observer that raises does not break a wait; the log `bide` says so once for each wait.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence

from attrs import frozen

from bide.errors import RequestError
from bide.outcome import Outcome
from bide.strategy import Observation


@frozen(kw_only=True)
class PollStarting:
    """
    A poll is about to start.

    Args:
        wait: the number of the wait.
        elapsed: seconds since the wait began.
        call: which call of the wait this is, from 1.
    """

    wait: int
    elapsed: float
    call: int


@frozen(kw_only=True)
class PollAnswered:
    """
    A poll was answered.

    Args:
        wait: the number of the wait.
        elapsed: seconds since the wait began.
        call: which call of the wait this was, from 1.
        took: seconds from the poll's start to its answer.
        observation: what it saw.
    """

    wait: int
    elapsed: float
    call: int
    took: float
    observation: Observation


@frozen(kw_only=True)
class PollFailed:
    """
    A poll failed, which says nothing about the job.

    Args:
        wait: the number of the wait.
        elapsed: seconds since the wait began.
        call: which call of the wait this was, from 1.
        took: seconds from the poll's start to its failure.
        failure: why it failed.
    """

    wait: int
    elapsed: float
    call: int
    took: float
    failure: RequestError


@frozen(kw_only=True)
class HintFollowed:
    """
    The server's hint changed the delay before the next poll.

    Args:
        wait: the number of the wait.
        elapsed: seconds since the wait began.
        hint: seconds that the server asked for.
        chosen: seconds that the strategy had chosen.
        delay: seconds that the wait takes instead, unless its deadline comes before.
    """

    wait: int
    elapsed: float
    hint: float
    chosen: float
    delay: float


@frozen(kw_only=True)
class WaitEnded:
    """
    The wait is over.

    Args:
        wait: the number of the wait.
        elapsed: seconds since the wait began.
        outcome: how it ended.
    """

    wait: int
    elapsed: float
    outcome: Outcome


Event = PollStarting | PollAnswered | PollFailed | HintFollowed | WaitEnded
Observer = Callable[[Event], object]

_log = logging.getLogger("bide")
_numbers = itertools.count(1)


class Teller:
    """
    Tells the observers of one wait what happens, and lets none of them break it.

    Args:
        observers: are told in this order.
    """

    __slots__ = ("_asked_at", "_complained", "_number", "_observers")

    def __init__(self, observers: Sequence[Observer]) -> None:
        """Take the next number for the wait."""
        self._observers = observers
        self._number = next(_numbers)
        self._asked_at = 0.0
        self._complained = False

    def starting(self, call: int, elapsed: float) -> None:
        """Tell that a poll starts."""
        self._asked_at = elapsed
        self._tell(PollStarting(wait=self._number, elapsed=elapsed, call=call))

    def answered(self, call: int, elapsed: float, observation: Observation) -> None:
        """Tell what a poll saw."""
        took = elapsed - self._asked_at
        self._tell(
            PollAnswered(wait=self._number, elapsed=elapsed, call=call, took=took, observation=observation)
        )

    def failed(self, call: int, elapsed: float, failure: RequestError) -> None:
        """Tell why a poll failed."""
        took = elapsed - self._asked_at
        self._tell(PollFailed(wait=self._number, elapsed=elapsed, call=call, took=took, failure=failure))

    def hint_followed(self, elapsed: float, hint: float, chosen: float, delay: float) -> None:
        """Tell how a hint changed a delay."""
        self._tell(HintFollowed(wait=self._number, elapsed=elapsed, hint=hint, chosen=chosen, delay=delay))

    def ended(self, outcome: Outcome) -> None:
        """Tell how the wait ended, and nothing after that: a wait ends once."""
        self._tell(WaitEnded(wait=self._number, elapsed=outcome.elapsed, outcome=outcome))
        self._observers = ()

    def _tell(self, event: Event) -> None:
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                if not self._complained:
                    _log.exception("the observer %r raised; the wait goes on", observer)
                self._complained = True

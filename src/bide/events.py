"""
What observers of a wait are told, as it happens.

An observer is any function of one event; hooks for logging, structlog, Prometheus and OpenTelemetry are in
`bide.instrumentation`. All the events of one wait have the same `wait`, a number that no other wait of this
process has. An observer that raises does not break a wait: the first time, the log `bide` tells of it.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence

from attrs import frozen

from bide.errors import RequestError
from bide.strategy import Observation
from bide.wait import Outcome


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
        delay: seconds until the next poll.
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

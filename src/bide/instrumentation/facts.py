"""What an event says, flat: its level and its fields, with units in their names and without secrets."""

from __future__ import annotations

import logging
from typing import Any

from bide.errors import RequestError
from bide.events import Event, HintFollowed, PollAnswered, PollFailed, PollStarting, WaitEnded
from bide.outcome import End, Outcome

Facts = dict[str, str | int | float]

NAMES: dict[type[Event], str] = {
    PollStarting: "poll starting",
    PollAnswered: "poll answered",
    PollFailed: "poll failed",
    HintFollowed: "hint followed",
    WaitEnded: "wait ended",
}
"""What each kind of event is called where it is one word among others."""


def level_of(event: Event) -> int:
    """
    Return the level of `logging` that an event deserves.

    WARNING for a poll that failed and for a wait that did not end with a completed job, INFO for one that
    did, DEBUG for the rest.
    """
    if isinstance(event, WaitEnded):
        return logging.INFO if event.outcome.end is End.COMPLETED else logging.WARNING
    return logging.WARNING if isinstance(event, PollFailed) else logging.DEBUG


def facts_of(event: Event) -> Facts:
    """
    Return what an event says: plain values by name, those in seconds named so; what is not known is left out.

    All have `wait` and `elapsed_seconds`. A poll has its `call`; an answered one `took_seconds`, `status`,
    and perhaps `progress` (0 to 1) and `hint_seconds`; a failed one `took_seconds`, `failure` and perhaps its
    `cause` (the names of their classes), the `http_status` of its answer, and `hint_seconds`. A hint that was
    followed has `hint_seconds`, `chosen_seconds` and `delay_seconds`. An ended wait has `outcome`, `calls`,
    `failed_calls`, `wasted_calls`, `hints_followed`, and perhaps `lag_seconds`; and `failure`, `cause` and
    `http_status` if its last poll failed.
    """
    facts = {"wait": event.wait, "elapsed_seconds": event.elapsed, **_own_facts(event)}
    return {name: value for name, value in facts.items() if value is not None}


def _own_facts(event: Event) -> dict[str, Any]:
    match event:
        case PollStarting():
            return {"call": event.call}
        case PollAnswered(observation=seen):
            says = {"status": seen.status, "progress": seen.progress, "hint_seconds": seen.hint}
            return {"call": event.call, "took_seconds": event.took} | says
        case PollFailed(failure=failure):
            says = _kind(failure) | {"hint_seconds": failure.hint}
            return {"call": event.call, "took_seconds": event.took} | says
        case HintFollowed():
            delays = {"chosen_seconds": event.chosen, "delay_seconds": event.delay}
            return {"hint_seconds": event.hint} | delays
        case WaitEnded(outcome=outcome):
            return _cost(outcome) | _kind(outcome.failure)


def _cost(outcome: Outcome) -> dict[str, Any]:
    return {
        "outcome": outcome.end.value,
        "calls": outcome.calls,
        "failed_calls": outcome.failed_calls,
        "wasted_calls": outcome.wasted,
        "hints_followed": outcome.hints_followed,
        "lag_seconds": outcome.lag,
    }


def _kind(failure: RequestError | None) -> dict[str, Any]:
    """Return what kind a failure is of, not what it says: that may quote a server's answer."""
    if failure is None:
        return {}
    cause = failure.__cause__
    return {
        "failure": type(failure).__name__,
        "cause": None if cause is None else type(cause).__name__,
        "http_status": failure.status,
    }

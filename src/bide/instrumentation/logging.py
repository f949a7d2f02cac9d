"""Waits in the log: one line of standard logging for each event."""

from __future__ import annotations

import logging

from bide.errors import ConfigError, shown
from bide.events import Event, HintFollowed, Observer, PollAnswered, PollFailed, PollStarting, WaitEnded
from bide.instrumentation.facts import facts_of, level_of

_LINES: dict[type[Event], str] = {
    PollStarting: "poll %(bide_call)d starts",
    PollAnswered: "poll %(bide_call)d saw %(bide_status)s in %(bide_took_seconds).3f s",
    PollFailed: "poll %(bide_call)d failed in %(bide_took_seconds).3f s: %(bide_failure)s",
    HintFollowed: "next poll in %(bide_delay_seconds).3f s, as hinted, not %(bide_chosen_seconds).3f s",
    WaitEnded: "%(bide_outcome)s in %(bide_elapsed_seconds).3f s, calls: %(bide_calls)d",
}

_STATUS = ", status %(bide_http_status)d"
"""What a line ends with after an answer that failed."""


def log_to(logger: str | logging.Logger = "bide.waits") -> Observer:
    """
    Return an observer that writes a line to a logger for each event.

    A failed poll is a WARNING, as is the end of a wait without a completed job; any other end is INFO, all
    the rest DEBUG. A record has what the event says as attributes too, such as `bide_wait`, `bide_call`,
    `bide_took_seconds` and `bide_outcome`: those that `bide.instrumentation.facts.facts_of` lists, after
    `bide_`.

    Args:
        logger: or its name.

    Raises:
        ConfigError: it is neither.
    """
    if not isinstance(logger, str | logging.Logger):
        raise ConfigError(f"logger: must be a logging.Logger or a logger's name, got {shown(logger)}")
    log = logging.getLogger(logger) if isinstance(logger, str) else logger

    def observe(event: Event) -> None:
        level = level_of(event)
        if log.isEnabledFor(level):
            facts = {f"bide_{name}": value for name, value in facts_of(event).items()}
            line = _LINES[type(event)] + (_STATUS if "bide_http_status" in facts else "")
            log.log(level, f"wait %(bide_wait)d: {line}", facts, extra=facts)

    return observe

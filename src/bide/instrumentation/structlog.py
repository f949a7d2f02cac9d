"""Waits in structlog: one entry of keys and values for each event."""

from __future__ import annotations

import logging
from typing import Any

from bide.events import Event, Observer
from bide.instrumentation.extras import extra
from bide.instrumentation.facts import NAMES, facts_of, level_of

with extra("structlog", package="structlog"):
    import structlog

_METHODS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warning"}


def log_to(logger: Any = None) -> Observer:
    """
    Return an observer that writes an entry to a structlog logger for each event.

    An entry is called ``poll starting``, ``poll answered``, ``poll failed``, ``hint followed`` or ``wait
    ended``, and its keys are those that `bide.instrumentation.facts.facts_of` lists. A failed poll is a
    warning, as is the end of a wait without a completed job; any other end is info, all the rest debug.

    Args:
        logger: any structlog logger, bound or not; by default the one called ``bide.waits``.
    """
    log = structlog.get_logger("bide.waits") if logger is None else logger

    def observe(event: Event) -> None:
        write = getattr(log, _METHODS[level_of(event)])
        write(NAMES[type(event)], **facts_of(event))

    return observe

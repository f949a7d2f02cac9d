"""Which expressions, of those given on the command line, found nothing in the last answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bide.http import JobMapping
from bide.strategy import Observation

_READ_OF = {
    "progress": None,
    "created_at": None,
    "detail": ("pending",),
    "result": ("completed",),
    "error": ("error", "cancelled"),
    "completed_at": ("completed", "error", "cancelled"),
}
"""The options whose expressions an observation keeps, and the statuses of which it does; None for all."""

_AS_RESULT = ("detail", "result", "error")


def unfound(options: Mapping[str, Any], mapping: JobMapping, seen: Observation | None) -> Iterator[str]:
    """Yield a remark for each expression that was given, and found nothing that can be used."""
    for name, statuses in _READ_OF.items():
        if seen is None or not options[name] or (statuses is not None and seen.status not in statuses):
            continue
        if name == "result" and mapping.result_url:  # the result may be from there
            continue
        if getattr(seen, "result" if name in _AS_RESULT else name) is None:
            yield f"--{name.replace('_', '-')} {options[name]!r} found nothing in the last answer"

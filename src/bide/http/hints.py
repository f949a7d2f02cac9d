"""What a server says about when to come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bide.durations import MAX_SECONDS


def retry_after(headers: Mapping[str, str]) -> float | None:
    """
    Return the seconds that a ``Retry-After`` header asks for; None without one that can be read.

    A date counts from the answer's own ``Date``, so that clocks which disagree do no harm. A date that has
    passed asks for nothing: 0. Never more than `MAX_SECONDS`.

    Args:
        headers: of the answer; names in any case.

    Source: RFC 9110, sections 10.2.3 (Retry-After) and 5.6.7 (dates).
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), MAX_SECONDS)
    until = _date(text)
    if until is None:
        return None
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    return min(max(0.0, (until - now).total_seconds()), MAX_SECONDS)


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)

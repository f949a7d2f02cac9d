"""Where an answer has a URL: in a header, written with its colon as on the wire, or in its body."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bide.http.answers import Answer
from bide.http.expressions import check_expression

_HEADER = re.compile(r"([A-Za-z0-9-]+):")


def is_header(place: str) -> bool:
    """Say whether a place is a header, such as ``Location:``, which no JMESPath expression looks like."""
    return _HEADER.fullmatch(place) is not None


def check_place(place: str) -> None:
    """
    Refuse what is neither a header nor a JMESPath expression.

    Raises:
        ConfigError: with the place.
    """
    if not is_header(place):
        check_expression(place)


def url_in(answer: Answer, places: Iterable[str]) -> str | None:
    """
    Return the URL at the first place that has one, as it is written there; None if none has.

    Raises:
        RequestError: something else stands there, or the body cannot be read.
    """
    for place in places:
        found = answer.header(place[:-1]) if is_header(place) else answer.find(place)
        if found is not None:
            if not isinstance(found, str) or not found.strip() or not found.isprintable():
                raise answer.unusable(f"{answer.shown(found)} at {place} for a URL")
            return found.strip()
    return None

"""What a client would like: the ``Prefer`` header (RFC 7240), of which the server knows ``wait``."""

from __future__ import annotations

import re

LONGEST_HOLD = 30
"""Seconds that an answer is held at most: less than proxies usually wait for one (60 s)."""

_LONGEST_HEADER = 256
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def wait_in(prefer: str) -> int:
    """
    Return the seconds for which a ``Prefer`` header would have its answer held, at most `LONGEST_HOLD`.

    What cannot be read is ignored, as the RFC has it, and so is a header of more than 256 characters: 0. Of
    several waits the first one counts.

    Source: RFC 7240, sections 2 and 4.3.
    """
    if len(prefer) > _LONGEST_HEADER:
        return 0
    for preference in _QUOTED.sub("", prefer).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            return _seconds(value.strip())
    return 0


def _seconds(digits: str) -> int:
    return min(int(digits), LONGEST_HOLD) if digits.isascii() and digits.isdigit() else 0

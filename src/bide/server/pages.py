"""Pages of a list: how many jobs to a page, and the cursor that says where the next one begins."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

import falcon

from bide.errors import shown

MOST_JOBS = 100
"""So many jobs are in one answer at most, be they asked for by page or by id."""

USUAL_JOBS = 20
"""So many jobs are on a page if nobody says how many."""

CURSOR = r"(?!A{11})[A-Za-f][A-Za-z0-9_-]{9}[AEIMQUYcgkosw048]"
"""Matches the cursors that there are: base64url of the numbers from 1 to 2**63 - 1, in eight bytes."""

_WIDTH = 8  # bytes: the widest number that SQLite knows
_LIMIT = re.compile(r"[0-9]{1,9}")


def read_limit(text: str | None) -> int:
    """
    Return how many jobs a query wants on a page.

    Raises:
        falcon.HTTPBadRequest: it is no number of jobs.
    """
    if text is None:
        return USUAL_JOBS
    if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= MOST_JOBS:
        raise falcon.HTTPBadRequest(
            description=f"limit: must be a whole number from 1 to {MOST_JOBS}, got {shown(text)}"
        )
    return int(text)


def cursor_of(number: int) -> str:
    """Return the cursor of what comes after the job of a sequence number."""
    return urlsafe_b64encode(number.to_bytes(_WIDTH)).decode().rstrip("=")


def read_cursor(text: str | None) -> int | None:
    """
    Return the sequence number that a cursor stands for, if there is one.

    Raises:
        falcon.HTTPBadRequest: nobody was given this cursor.
    """
    if text is None:
        return None
    if not re.fullmatch(CURSOR, text):
        raise falcon.HTTPBadRequest(
            description=f"cursor: must be as it stood in the answer before, got {shown(text)}"
        )
    return int.from_bytes(urlsafe_b64decode(f"{text}="))

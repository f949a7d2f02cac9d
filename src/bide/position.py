"""How far a wait has come, as text that another process can go on from."""

from __future__ import annotations

import json
from typing import Any, Self
from zlib import crc32

import attrs
from attrs import field, frozen

from bide.durations import MAX_SECONDS
from bide.errors import TokenError, shown
from bide.rules import Number, Text

VERSION = 1

_COUNT = Number(least=0, most=2**63, whole=True)
_TIME = Number(least=-1e12, most=1e12)
_OPTIONAL = Number(least=-1e12, most=1e12, optional=True)
_DELAY = Number(least=0)


@frozen(kw_only=True)
class Position:
    """
    How far a wait has come. It holds no secrets: no URL, no header, no result; only the key.

    Args:
        started_at: when the wait began: wall clock, seconds since the epoch.
        deadline_at: when the last poll is due, on the same clock; None without a deadline.
        due: when the next poll is due, in seconds since the start; None if its delay is still to be chosen.
        elapsed: seconds from the start to the last poll's answer.
        calls: polls made, failed ones included.
        failed_calls: how many of them failed.
        previous_delay: the strategy's last delay, in seconds.
        failed_in_a_row: polls that have failed in a row.
        failed_delay: the last delay after a failed poll, in seconds.
        failing_since: when the first of them failed, in seconds since the start; None if the last poll was
            answered.
        hints_followed: how many delays a hint has changed.
        progress: of the job at the last answered poll, if it was reported.
        hint: seconds that the server asked for there, if it did.
        held: seconds for which it held that answer back.
        asked: seconds that it asked for at last: with an answer, a failure, or when it made the job.
        draws: the state of the wait's own draws; None if the caller draws.
        key: what the job has in common with some others of its kind, for a strategy that learns.
    """

    started_at: float = field(validator=_TIME)
    deadline_at: float | None = field(validator=_OPTIONAL)
    due: float | None = field(validator=_OPTIONAL)
    elapsed: float = field(validator=_TIME)
    calls: int = field(validator=_COUNT)
    failed_calls: int = field(validator=_COUNT)
    previous_delay: float = field(validator=_DELAY)
    failed_in_a_row: int = field(validator=_COUNT)
    failed_delay: float = field(validator=_DELAY)
    failing_since: float | None = field(validator=_OPTIONAL)
    hints_followed: int = field(validator=_COUNT)
    progress: float | None = field(validator=_OPTIONAL)
    hint: float | None = field(validator=_OPTIONAL)
    held: float | None = field(validator=_OPTIONAL)
    asked: float | None = field(validator=_OPTIONAL)
    draws: int | None = field(validator=Number(least=0, most=2**64 - 1, whole=True, optional=True))
    key: str = field(default="", validator=Text(empty=True))

    def to_token(self) -> str:
        """Return the position as JSON of one line, with its version and a checksum."""
        fields = attrs.asdict(self)
        return json.dumps({"bide_wait": VERSION, **fields, "check": _check(fields)}, allow_nan=False)

    @classmethod
    def from_token(cls, token: str) -> Self:
        """
        Return the position that a token holds.

        Raises:
            TokenError: the token is damaged, of a later version, or none at all.
        """
        fields = _table_in(token)
        version = fields.pop("bide_wait", None)
        if type(version) is not int or version != VERSION:  # True and 1.0 are equal to 1, but none of ours
            known = type(version) is int and version > VERSION
            wrong = f"is of version {version}" if known else "is no token of a wait"
            raise TokenError(f"the token {wrong}; this bide reads version {VERSION}, got {shown(token)}")
        check = fields.pop("check", None)
        try:
            if check == _check(fields):
                return cls(**fields)
        except (ValueError, TypeError, RecursionError) as error:  # written by somebody else
            raise TokenError(f"the token is damaged: {error}") from error
        raise TokenError(f"the token is damaged: its fields and its checksum differ, got {shown(token)}")


COUNTED = (
    "elapsed",
    "calls",
    "failed_calls",
    "previous_delay",
    "failed_in_a_row",
    "failed_delay",
    "hints_followed",
)
"""The fields of a position that a wait has under the same names."""


def as_number(said: object) -> float | None:
    """Return a number that somebody said, as a token can hold it: finite; None if it is none."""
    if not isinstance(said, (int, float)) or not abs(said) >= 0:  # NaN
        return None
    return float(min(max(said, -MAX_SECONDS), MAX_SECONDS))


def _table_in(token: object) -> dict[str, Any]:
    try:
        table = json.loads(token) if isinstance(token, str) else None
    except (ValueError, RecursionError) as error:
        raise TokenError(f"the token is damaged, or none: {error}, got {shown(token)}") from error
    if not isinstance(table, dict):
        raise TokenError(f"the token is none: it must be the text of a JSON object, got {shown(token)}")
    return table


def _check(fields: dict[str, Any]) -> str:
    """Return a checksum against accidents, not against people: who may resume a wait may also change it."""
    return f"{crc32(json.dumps(fields, sort_keys=True).encode()):08x}"

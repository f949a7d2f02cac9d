"""Histories that commands look into: one that is there, with jobs of a kind that it knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from bide.errors import ConfigError, nearest, shown
from bide.learning import Lesson

if TYPE_CHECKING:
    from bide.learn.history import SqliteHistory


def existing(path: str) -> SqliteHistory:
    """
    Return the history in a file that is there: a misspelt name is no empty history.

    Raises:
        ConfigError: there is no such file.
    """
    from bide.learn.history import SqliteHistory, is_there

    if not is_there(path):
        raise ConfigError(f"history: there is no file {shown(path)}")
    return SqliteHistory(path)


def lessons_for(path: str, kind: str, key: str) -> Sequence[Lesson]:
    """
    Return what is known of a kind for the next job with a key; at least one job.

    Raises:
        ConfigError: there is no such file, or it knows no such jobs; the error has the nearest name.
    """
    history = existing(path)
    return history.lessons(kind, key) or _refuse_kind(history, kind)


def lessons_of(path: str, kind: str, key: str | None) -> Sequence[Lesson]:
    """
    Return what is known of a kind, or of a key within it; at least one job.

    Raises:
        ConfigError: there is no such file, or it knows no such jobs; the error has the nearest name.
    """
    history = existing(path)
    of_kind = history.lessons(kind) or _refuse_kind(history, kind)
    lessons = [each for each in of_kind if key is None or each.key == key]
    if not lessons:
        known = nearest(str(key), {each.key for each in of_kind})
        raise ConfigError(f"--key: no job of the kind {kind!r} has the key {shown(key)}{known}")
    return lessons


def _refuse_kind(history: SqliteHistory, kind: str) -> NoReturn:
    known = nearest(kind, {each.kind for each in history.remembered()})
    raise ConfigError(f"KIND: {history.path} knows no jobs of the kind {shown(kind)}{known}")

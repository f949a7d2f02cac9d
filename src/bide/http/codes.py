"""Status codes of HTTP as config writes them: one code, such as ``404``, or a class, such as ``5xx``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bide.errors import ConfigError, shown

_CODE = re.compile(r"[1-5](?:[0-9][0-9]|xx)")


def check_code(text: str) -> None:
    """
    Refuse what is neither a code nor a class.

    Raises:
        ConfigError: with the text.
    """
    if not _CODE.fullmatch(text.lower()):
        raise ConfigError(f"must be a code of HTTP such as 404, or a class such as 5xx, got {shown(text)}")


def spellings(code: int) -> tuple[str, str]:
    """Return what may be written for a code: itself, and its class."""
    return str(code), f"{code // 100}xx"


def is_among(code: int, texts: Iterable[str]) -> bool:
    """Say whether a code is among some, by itself or by its class."""
    return not {text.lower() for text in texts}.isdisjoint(spellings(code))

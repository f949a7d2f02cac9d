"""What must not be shown: values that go with a request, and values whose names speak of secrets."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

_SECRET = re.compile(
    r"auth|bearer|cookie|credential|jwt|key|passw|pwd|secret|session|sig$|signature|token", re.IGNORECASE
)

_HARMLESS = frozenset(
    {"accept", "accept-language", "content-type", "idempotency-key", "if-none-match", "prefer", "user-agent"}
)
"""Headers whose values anybody may see."""

_SHORTEST = 6
"""In characters: what is shorter would be found in many a text where it is none."""

_BETWEEN = re.compile(r"[\s;,=\"]+")


def is_secret(name: str) -> bool:
    """Say whether a name speaks of a secret, such as ``access_token``."""
    return _SECRET.search(name) is not None


def secrets_in(url: str, headers: Mapping[str, str]) -> frozenset[str]:
    """
    Return what may not be shown of a request, as a text may quote it.

    That is the values of its headers, whole and in their words, the values of its URL's query, and the URL's
    password; each as it is, as a URL has it, and as JSON does; all of at least six characters.
    """
    place, _, query = url.partition("#")[0].partition("?")
    values = [value for name, value in headers.items() if name.lower() not in _HARMLESS]
    words = {*values, *(word for value in values for word in (*value.split(), *_BETWEEN.split(value)))}
    words |= {*_query_values(query), *_login(place)}
    return frozenset(form for word in words if len(word) >= _SHORTEST for form in _forms(word))


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets; of two that begin alike, the longer one goes first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def cleaned(value: Any, hide: Callable[[str], str]) -> Any:
    """
    Return a value of JSON whose texts have passed a function that hides what must not be shown.

    Raises:
        RecursionError: it is nested too deeply.
    """
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list):
        return [cleaned(inner, hide) for inner in value]
    if isinstance(value, dict):
        return {hide(name): cleaned(inner, hide) for name, inner in value.items()}
    return value


def _query_values(query: str) -> Iterator[str]:
    """Yield the values of a query, as they are written and as they are meant; and what has no name."""
    yield from (value for _, value in parse_qsl(query))
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        yield value if equals else name


def _login(place: str) -> Iterator[str]:
    """Yield the password that stands before a URL's host, and what is sent for it."""
    login = place.partition("//")[2].partition("/")[0].rpartition("@")[0]
    user, colon, password = login.partition(":")
    if colon:
        yield from (password, unquote(password))
        sent = f"{unquote(user)}:{unquote(password)}".encode("utf-8", "replace")
        yield b64encode(sent).decode()


def _forms(word: str) -> Iterator[str]:
    for form in (word, json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1]):
        yield from (form, form.replace("/", "\\/"))
    yield quote(word, safe="", errors="replace")

"""
Strategies in one line of text: ``exponential(base=100ms, cap=10s, jitter=additive(share=0.5))``.

It is a notation for the tables that config is made of: a name, with or without fields in parentheses, is a
table with that ``kind``; brackets hold a list; all else is a number, or text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bide.errors import ConfigError, shown

_TOKEN = re.compile(r"""\s*(?:(?P<mark>[()\[\]=,])|(?P<quoted>"[^"]*"|'[^']*')|(?P<word>[^\s()\[\]=,"']+))""")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_MOST_NESTED = 20


FieldNames = Callable[[str], Sequence[str]]
"""Gives the names of a kind's fields, in their order."""


def parse_inline(text: str, names: FieldNames = lambda _: ()) -> dict[str, Any]:
    """
    Return the table that a line of text stands for; a name alone is a table with nothing but its kind.

    Args:
        text: the line.
        names: of the fields that may be given by their place, for each kind; none unless told.

    Raises:
        ConfigError: the text is not written as it should be; the error has what was read so far.
    """
    value = _Parser(text, names).whole()
    table = {"kind": value} if isinstance(value, str) else value
    if not isinstance(table, dict):
        raise ConfigError(f"must begin with the name of a kind, got {shown(text)}")
    return table


def parse_fields(text: str) -> dict[str, Any]:
    """
    Return the fields that stand in a line of text: ``name=value``, with commas between them.

    Raises:
        ConfigError: the text is not written as it should be; the error has what was read so far.
    """
    return _Parser(text, lambda _: ()).fields()


def format_inline(value: Any) -> str:
    """Return the text that `parse_inline` reads as this table, or as this value within one."""
    if isinstance(value, Mapping):
        fields = [f"{name}={format_inline(inner)}" for name, inner in value.items() if name != "kind"]
        kind = value.get("kind", "")
        return f"{kind}({', '.join(fields)})" if fields or not kind else str(kind)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(format_inline, value))}]"
    if isinstance(value, str):
        return value if _is_plain(value) else json.dumps(value)
    if isinstance(value, bool):
        return str(value).lower()
    short = f"{value:g}"
    return short if float(short) == value else str(value)


def _is_plain(text: str) -> bool:
    found = _TOKEN.fullmatch(text)
    return bool(found and found["word"]) and not _NUMBER.fullmatch(text) and text not in _WORDS


_WORDS = {"true": True, "false": False}


class _Parser:
    """Reads one line of text, token by token."""

    def __init__(self, text: str, names: FieldNames) -> None:
        self._text = text
        self._names = names
        self._at = 0
        self._depth = 0

    def whole(self) -> Any:
        """Read a value that is all there is."""
        value = self._value()
        if self._peek():
            raise self._unexpected("nothing more")
        return value

    def fields(self) -> dict[str, Any]:
        """Read fields until the end."""
        fields: dict[str, Any] = {}
        while self._peek():
            self._field(fields)
            if self._peek():
                self._take("','", ",".__eq__)
        return fields

    def _value(self) -> Any:
        self._depth += 1
        if self._depth > _MOST_NESTED:
            raise ConfigError(f"is nested more than {_MOST_NESTED} deep")
        try:
            return self._list() if self._peek() == "[" else self._named()
        finally:
            self._depth -= 1

    def _named(self) -> Any:
        """Read a number, a text, or a name with or without fields."""
        word = self._take("a name or a value", lambda token: token not in set("()[]=,"))
        if word[0] in "\"'":
            return word[1:-1]
        if self._peek() == "(":
            return self._kind(word)
        return parse_scalar(word)

    def _kind(self, word: str) -> dict[str, Any]:
        """Read what stands in brackets behind the name of a kind."""
        table: dict[str, Any] = {"kind": word}
        names = ("kind", *self._names(word))
        self._between("(", ")", lambda: self._field(table, names))
        return table

    def _field(self, fields: dict[str, Any], names: Sequence[str] = ()) -> None:
        """Read one more field, by its name or by its place among these."""
        by_place = len(fields) < len(names) and not self._is_named()
        name = names[len(fields)] if by_place else self._name()
        if name in fields:
            raise ConfigError(f"names {name!r} twice")
        fields[name] = self._value()

    def _is_named(self) -> bool:
        """Say whether the next two tokens are a name and an equals sign."""
        found = _TOKEN.match(self._text, self._at)
        after = _TOKEN.match(self._text, found.end()) if found else None
        return after is not None and after["mark"] == "="

    def _name(self) -> str:
        name = self._take("the name of a field", lambda token: token not in set("()[]=,"))
        self._take("'='", "=".__eq__)
        return name

    def _list(self) -> list[Any]:
        values: list[Any] = []
        self._between("[", "]", lambda: values.append(self._value()))
        return values

    def _between(self, opening: str, closing: str, item: Callable[[], None]) -> None:
        """Read items with commas between them, and perhaps after the last."""
        self._take(f"{opening!r}", opening.__eq__)
        while self._peek() != closing:
            item()
            if self._peek() != closing:
                self._take(f"',' or {closing!r}", ",".__eq__)
        self._take(f"{closing!r}", closing.__eq__)

    def _peek(self) -> str:
        """Return the next token; empty at the end."""
        found = _TOKEN.match(self._text, self._at)
        return found[0].strip() if found else self._text[self._at :].strip()[:1]

    def _take(self, wanted: str, fits: Callable[[str], bool]) -> str:
        found = _TOKEN.match(self._text, self._at)
        if found is None or not fits(found[0].strip()):
            raise self._unexpected(wanted)
        self._at = found.end()
        return found[0].strip()

    def _unexpected(self, wanted: str) -> ConfigError:
        read, got = self._text[: self._at].strip(), self._peek()
        after = f" after {shown(read)}" if read else ""
        return ConfigError(f"needs {wanted}{after}, got {repr(got) if got else 'the end'}")


def parse_scalar(word: str) -> Any:
    """Return the number, or the truth, that a word stands for; otherwise the word."""
    if word in _WORDS:
        return _WORDS[word]
    if not _NUMBER.fullmatch(word):
        return word
    return int(word) if word.lstrip("+-").isdigit() and len(word) < 300 else float(word)

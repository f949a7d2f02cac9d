"""What an answer of a shape that nobody knows looks like, which mappings fit it, and how to map it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from bide.errors import RequestRefused, printable
from bide.http.answers import Answer
from bide.http.redaction import is_secret
from bide.http.urls import public

Hide = Callable[[str], str]

_DEEPEST = 2
_MOST_FIELDS = 40
_LONGEST_TEXT = 40
_STATUS = re.compile(r"status|state|phase|^done$|finished|complete", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class UnknownShape(RequestRefused):
    """
    The answer is JSON, but no status is where the mapping looks for it; `report` says how to map it.

    Args:
        message: what happened, in a clause.
        report: the fields that were seen, the mappings that fit, and what to write, in several lines.
        status: the code of the answer.
    """

    def __init__(self, message: str, *, report: str = "", status: int | None = None) -> None:
        """Keep the report beside the message, which fits one line."""
        super().__init__(message, status=status)
        self.report = report


def unknown_shape(answer: Answer) -> UnknownShape:
    """Return the error for an answer with JSON in it, but without the status."""
    from bide.http.catalogue import fitting

    hide = answer.asked.hidden
    seen = list(islice(_fields(answer.document, hide), _MOST_FIELDS + 1))
    fit = fitting(answer)
    fits = f"the mapping {' or '.join(fit)} fits it; " if fit else ""
    told = ", ".join(f"{path} ({about})" for path, about in seen) or about(answer.document, hide)
    return UnknownShape(
        answer.says(f"JSON without the status: {fits}it has {told}"),
        report="\n".join(_report(answer, seen, fit)),
        status=answer.status,
    )


def _report(answer: Answer, seen: Sequence[tuple[str, str]], fit: Sequence[str]) -> Iterator[str]:
    yield answer.says("JSON without the status. It has:")
    yield from (f"  {path} ({about})" for path, about in seen[:_MOST_FIELDS])
    if len(seen) > _MOST_FIELDS:
        yield "  and more"
    if fit:
        yield "A mapping of the catalogue fits it:"
        yield from (f"  --mapping {name}" for name in fit)
    status = next((path for path, _ in seen if _STATUS.search(path.rpartition(".")[2])), "FIELD")
    yield "To map it, say where the status is, and what its values mean:"
    yield f"  --status {shlex.quote(status)} --completed VALUE,… --failed VALUE,…"


def _fields(value: Any, hide: Hide, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the fields of a value, those that hold fields before what they hold, as JMESPath writes them."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield from _fields(value[0], hide, f"{path}[0]", depth)
    if not isinstance(value, dict) or depth == _DEEPEST:
        return
    for name, inner in value.items():
        place = f"{path}.{_written(hide(name))}" if path else _written(hide(name))
        if is_secret(name):
            yield place, f"{kind_of(inner)}, not shown"
        else:
            yield place, about(inner, hide)
            yield from _fields(inner, hide, place, depth + 1)


def _written(name: str) -> str:
    """Return the name of a field as JMESPath writes it, unless it is too long to be shown."""
    fits = len(name) <= _LONGEST_TEXT
    return name if fits and _IDENTIFIER.fullmatch(name) else json.dumps(printable(name, _LONGEST_TEXT))


def about(value: Any, hide: Hide = str) -> str:
    """
    Return the type of a value and, of a scalar, what it is: ``text "RUNNING"``, ``list of 3``.

    Args:
        value: of JSON.
        hide: takes out of a text what must not be shown, before the text is cut.
    """
    if isinstance(value, (dict, list)):
        return f"{kind_of(value)} of {len(value)}"
    if isinstance(value, str):
        text = public(value) if "://" in value else value
        return f'text "{printable(hide(text), _LONGEST_TEXT)}"'
    return "null" if value is None else hide(f"{kind_of(value)} {json.dumps(value):.{_LONGEST_TEXT}}")


def kind_of(value: Any) -> str:
    """Return the name of a type of JSON."""
    names = {dict: "object", list: "list", str: "text", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")

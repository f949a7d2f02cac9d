"""JMESPath over anybody's JSON: checked when it is written down, and harmless when it is evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from bide.errors import ConfigError, RequestError, nearest, shown


def check_expression(text: object) -> None:
    """
    Refuse what is no JMESPath expression, or calls a function that there is not.

    Raises:
        ConfigError: with the expression, what is wrong and where.
    """
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f"must be a JMESPath expression, got {shown(text)}")
    for name, arguments in _calls(_compiled(text).parsed):
        _check_call(text, name, arguments)


def evaluate(text: str, document: Any) -> Any:
    """
    Return what an expression finds in a document; None if nothing.

    Raises:
        RequestError: a function in the expression cannot take what it was given.
    """
    try:
        return _compiled(text).search(document)
    except Exception as error:  # a foreign library over anybody's data: it may fail in any way
        why = str(error) or type(error).__name__
        raise RequestError(f"the expression {shown(text)} fails on the answer: {why}") from error


@lru_cache(maxsize=512)
def _compiled(text: str) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(text)
    except JMESPathError as error:
        raise ConfigError(f"must be a JMESPath expression, got {shown(text)}: {_complaint(error)}") from error
    except RecursionError:
        raise ConfigError(
            f"must be a JMESPath expression that is not nested so deeply, got {shown(text)}"
        ) from None


def _complaint(error: Any) -> str:
    """Say what is wrong with an expression, and where, in a clause."""
    place = getattr(error, "lex_position", None)
    if place is None:
        return str(error)
    if hasattr(error, "message"):  # of the lexer
        return f"{error.message} at character {place + 1}"
    if not error.token_value:
        return f"it ends too early, after character {place}"
    return f"{shown(error.token_value)} has no place at character {place + 1}"


def _calls(node: Any) -> Iterator[tuple[str, int]]:
    """Yield the functions that a parsed expression calls, each with its number of arguments."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node["type"] == "function_expression":
            yield node["value"], len(node["children"])
        waiting += [child for child in node.get("children", ()) if isinstance(child, dict)]


def _check_call(text: str, name: str, arguments: int) -> None:
    from jmespath.functions import Functions

    table: dict[str, Any] = Functions.FUNCTION_TABLE
    if name not in table:
        raise ConfigError(f"has no function {shown(name)}, in {shown(text)}{nearest(name, table)}")
    signature = table[name]["signature"]
    variadic = signature[-1].get("variadic", False)
    if arguments < len(signature) if variadic else arguments != len(signature):
        least = "at least " if variadic else ""
        wanted = f"{least}{len(signature)} argument{'s' * (len(signature) != 1)}"
        raise ConfigError(f"must give {name}() {wanted}, got {arguments} in {shown(text)}")

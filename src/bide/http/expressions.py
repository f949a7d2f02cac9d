"""JMESPath, the language in which a mapping says where something stands in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from bide.errors import ConfigError, nearest, shown


def check_expression(text: str) -> None:
    """
    Refuse what is no expression, and what calls a function that is not there, or calls it wrongly.

    Raises:
        ConfigError: with the expression, what is wrong in it and where.
    """
    for name, arguments in _calls(compiled(text).parsed):
        _check_call(text, name, arguments)


@lru_cache(maxsize=512)
def compiled(text: str) -> Any:
    """
    Return an expression that can be searched with.

    Raises:
        ConfigError: the text is none.
    """
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(text)
    except JMESPathError as error:
        why = _complaint(error)
    except RecursionError:
        why = "it is nested too deeply"
    raise ConfigError(f"must be a JMESPath expression, got {shown(text)}: {why}")


def _complaint(error: Any) -> str:
    """Say what is wrong with an expression, and where, in a clause."""
    place = getattr(error, "lex_position", None)
    if place is None:
        return "it is empty"
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
        waiting += [child for child in node["children"] if isinstance(child, dict)]


def _check_call(text: str, name: str, arguments: int) -> None:
    from jmespath.functions import Functions

    table: dict[str, Any] = Functions.FUNCTION_TABLE
    if name not in table:
        raise ConfigError(f"has no function {shown(name)}, in {shown(text)}{nearest(name, table)}")
    signature = table[name]["signature"]
    variadic = signature[-1].get("variadic", False)
    if arguments < len(signature) if variadic else arguments != len(signature):
        least = "at least " if variadic else ""
        plural = "s" if len(signature) > 1 else ""
        raise ConfigError(f"{name}() takes {least}{len(signature)} argument{plural}, in {shown(text)}")

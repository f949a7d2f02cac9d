"""The headers that are sent with requests: checked, and with what the environment holds filled in."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from string import Template
from typing import Any

from attrs import Attribute

from bide.errors import ConfigError, nearest, shown

# RFC 9110, sections 5.6.2 and 5.5, but for what is no ASCII, which httpx does not send.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"(?:[!-~]+(?:[ \t]+[!-~]+)*)?")


def is_name(text: str) -> bool:
    """Say whether a text is the name of a header."""
    return bool(_NAME.fullmatch(text))


def as_headers(headers: object) -> dict[str, str]:
    """
    Return headers by their names in small letters.

    Raises:
        ConfigError: they are none; no value is told, for it may be secret.
    """
    if not isinstance(headers, Mapping):
        raise ConfigError(f"headers: must be a mapping of names to texts, got {type(headers).__name__}")
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise ConfigError(f"headers: names and values must be text, got {shown(name)}")
        if not is_name(name):
            raise ConfigError(f"headers: must be the name of a header, got {shown(name)}")
        if not _VALUE.fullmatch(value):
            rule = "must be visible ASCII characters, with spaces only between them"
            raise ConfigError(f"headers: the value of {name} {rule}")
    return {name.lower(): value for name, value in headers.items()}


def can_be_filled_in(_instance: object, _attribute: Attribute[Any], headers: Mapping[str, str]) -> None:
    """Refuse values that do not say which variables they want."""
    for name, value in headers.items():
        if not Template(value).is_valid():
            raise _bad_dollar().inside("headers", name)


def filled_in(value: str, environ: Mapping[str, str] = os.environ) -> str:
    """
    Return the value of a header, with variables of the environment in place of their names.

    Args:
        value: text in which ``$NAME`` and ``${NAME}`` are variables, and ``$$`` is a dollar.
        environ: the variables.

    Raises:
        ConfigError: a variable is not set, or holds what a header cannot; neither is told.
    """
    try:
        filled = Template(value).substitute(environ)
    except KeyError as error:
        variable = str(error.args[0])
        set_ones = [known for known in environ if known[:1] == variable[:1]]
        raise ConfigError(f"the environment has no {variable}{nearest(variable, set_ones)}") from None
    except ValueError:
        raise _bad_dollar() from None
    if not filled.isprintable():
        raise ConfigError("its value holds what a header cannot")
    return filled


def _bad_dollar() -> ConfigError:
    return ConfigError("a $ must be followed by the name of a variable; $$ is a dollar")

"""Headers from the command line, with values from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from string import Template

from bide.errors import ConfigError, nearest, shown

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def headers_from(texts: Iterable[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """
    Return the headers that texts such as ``Authorization: Bearer $TOKEN`` mean.

    A name after ``$``, also in braces, stands for a variable of the environment, and ``$$`` for a dollar. So
    no secret need be in the list of processes, nor in the shell's history.

    Args:
        texts: name, colon, value.
        environ: the variables.

    Raises:
        ConfigError: a text is no header, a variable is not set, or a name comes twice; no value is told.
    """
    headers: dict[str, str] = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise ConfigError(
                f"--header: must be 'Name: value', got a text that begins with {shown(name[:20])}"
            )
        if name.lower() in headers:
            raise ConfigError(f"--header: {shown(name)} is given twice")
        headers[name.lower()] = _filled_in(name, value.strip(), environ)
    return headers


def _filled_in(name: str, value: str, environ: Mapping[str, str]) -> str:
    try:
        filled = Template(value).substitute(environ)
    except KeyError as error:
        variable = str(error.args[0])
        set_ones = [known for known in environ if known[:1] == variable[:1]]
        raise ConfigError(
            f"--header {shown(name)}: the environment has no {variable}{nearest(variable, set_ones)}"
        ) from None
    except ValueError:
        raise ConfigError(
            f"--header {shown(name)}: a $ must be followed by the name of a variable; $$ is a dollar"
        ) from None
    if not filled.isprintable():
        raise ConfigError(f"--header {shown(name)}: its value holds what a header cannot")
    return filled

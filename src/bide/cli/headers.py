"""Headers from the command line, with values from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from bide.errors import ConfigError, shown
from bide.http.headers import filled_in, is_name


def headers_from(texts: Iterable[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """
    Return the headers that texts such as ``Authorization: Bearer $TOKEN`` mean.

    Values are filled in from the environment. So no secret need be in the list of processes, nor in the
    shell's history.

    Args:
        texts: name, colon, value.
        environ: the variables.

    Raises:
        ConfigError: a text is no header, a variable is not set, or a name comes twice; no value is told.
    """
    headers: dict[str, str] = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon or not is_name(name):
            raise ConfigError(
                f"--header: must be 'Name: value', got a text that begins with {shown(name[:20])}"
            )
        if name.lower() in headers:
            raise ConfigError(f"--header: {shown(name)} is given twice")
        try:
            headers[name.lower()] = filled_in(value.strip(), environ)
        except ConfigError as error:
            raise error.inside(source=f"--header {shown(name)}") from None
    return headers

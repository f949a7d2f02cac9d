"""The options that say what the answers of a job API mean: what a mapping file says, and no file needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from bide.http import JobMapping
from bide.http.catalogue import find_mapping, mapping_from_options

F = TypeVar("F", bound=Callable[..., Any])

_EXPRESSION, _VALUES, _CODES, _PLACE = "EXPRESSION", "VALUE,…", "CODE,…", "PLACE"

FIELDS = {
    "status": (_EXPRESSION, "Where the status stands, such as data.status."),
    "pending": (_VALUES, "Of a job that runs; by default all that are not listed."),
    "completed": (_VALUES, "Of a job that ended well."),
    "failed": (_VALUES, "Of a job that ended badly."),
    "cancelled": (_VALUES, "Of a job that was cancelled."),
    "progress": (_EXPRESSION, "Where the progress stands."),
    "progress_done": ("NUMBER", "The progress of a job that is done, such as 100; or an expression."),
    "detail": (_EXPRESSION, "What is kept of a pending job's answer; --json shows the last."),
    "result": (_EXPRESSION, "Where the result of a completed job stands, which is printed in the end."),
    "error": (_EXPRESSION, "Where a failed job says why."),
    "created_at": (_EXPRESSION, "Where the time stands at which the job was created."),
    "completed_at": (_EXPRESSION, "Where the time stands at which the job ended."),
    "hint": (_EXPRESSION, "Where the seconds stand until it is worth looking again."),
    "result_url": (
        _PLACE,
        "Where a completed job has its result; repeatable, and the first there is counts.",
    ),
    "next_url": (_PLACE, "Where to look next; repeatable."),
    "transient": (_CODES, "Of errors that time may mend, beside 408, 425, 429 and 5xx."),
    "fatal": (_CODES, "Of errors that time does not mend, beside 3xx and other 4xx."),
    "cancel": ("DELETE", "That this, at its URL, cancels a job; needed for --cancel-job."),
    "read": (_CODES, "Of errors whose body tells of the job all the same."),
}
"""What a mapping may say of one job's API, by field: the form of the value, and help."""


def mapping_options(command: F) -> F:
    """Give a command the options that say what the answers mean; `mapping_of` takes their values."""
    for name, (form, about) in reversed(FIELDS.items()):
        option = f"--{name.replace('_', '-')}"
        command = click.option(option, metavar=form, multiple=form is _PLACE, help=about)(command)
    about = "A TOML file that says it all, or a name of `bide mappings`; options beside it go first."
    return click.option("--mapping", metavar="FILE|NAME", help=about)(command)


def mapping_of(options: Mapping[str, Any]) -> JobMapping:
    """
    Return the mapping that the options mean: one that is known, with what they say beside it.

    Raises:
        ConfigError: with all that is wrong in them.
    """
    said = {name: options[name] for name in FIELDS if options[name] not in (None, ())}
    base = find_mapping(options["mapping"] or "bide")
    return mapping_from_options(said, base if options["mapping"] else None) if said else base

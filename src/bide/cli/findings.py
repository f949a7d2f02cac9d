"""Where the findings of the lab go: the terminal, or JSON; a page, a picture."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click
from attrs import frozen

from bide.cli.options import OUTPUT
from bide.errors import ConfigError, shown


@frozen
class Findings:
    """
    What is to be made of findings.

    Args:
        as_json: whether they are printed as JSON.
        html: the file for the page, if one is wanted.
        png: the file for the picture, if one is wanted.
    """

    as_json: bool
    html: Path | None
    png: Path | None

    def __attrs_post_init__(self) -> None:
        """Say what is wrong, or missing, before anything is computed."""
        if self.html and self.png and self.html.resolve() == self.png.resolve():
            raise ConfigError(f"--html and --png: must be different files, got {shown(str(self.png))}")
        if self.html or self.png:
            import bide.lab.report  # noqa: F401 - says what is missing

    def write(self, page: Callable[[], str], picture: Callable[[], bytes]) -> None:
        """Make and write the files that are wanted."""
        if self.html is not None:
            self.html.write_text(page(), encoding="utf-8")
        if self.png is not None:
            self.png.write_bytes(picture())


F = TypeVar("F", bound=Callable[..., Any])


def findings_options(picture: str) -> Callable[[F], F]:
    """
    Give a command the options for what is to be made of its findings; it takes ``findings``.

    Args:
        picture: what the picture shows, for the help.
    """

    def decorated(command: F) -> F:
        @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
        @click.option(
            "--html", type=OUTPUT, help="Write a page with charts, complete in itself, to this file."
        )
        @click.option("--png", type=OUTPUT, help=f"Draw {picture} into this file.")
        @functools.wraps(command)
        def with_findings(
            *args: Any, as_json: bool, html: Path | None, png: Path | None, **options: Any
        ) -> Any:
            return command(*args, findings=Findings(as_json, html, png), **options)

        return cast("F", with_findings)

    return decorated

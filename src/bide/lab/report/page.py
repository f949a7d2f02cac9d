"""A page in one file: its text, its style, its charts and what draws them; it asks nothing of any server."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import vl_convert
from attrs import frozen

from bide import __version__
from bide.lab.report.vega import Spec

_TEMPLATES = files("bide.lab.report") / "templates"


@frozen(kw_only=True)
class Page:
    """
    What every page has.

    Args:
        title: its heading.
        command: the command that made it.
        setting: what the figures depend on, by name.
        charts: in Vega, by the id under which the page refers to them.
    """

    title: str
    command: str
    setting: Mapping[str, str]
    charts: Mapping[str, Spec]

    def html(self, template: str, **content: Any) -> str:
        """Return the page as HTML; all that is no markup of the template is escaped."""
        return (
            _environment()
            .get_template(template)
            .render(
                title=self.title,
                command=self.command,
                setting=self.setting,
                charts=self.charts,
                version=__version__,
                style=_text("page.css"),
                script=_script(),
                **content,
            )
        )


@cache
def _script() -> str:
    """Return what draws the charts, with all that it needs; to put it together takes seconds."""
    return vl_convert.javascript_bundle(_text("page.js"))


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False}  # and keys in the order they were given
    return environment


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")

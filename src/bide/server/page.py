"""The page that a browser sees at ``/``: jobs, and calls per second by strategy, as they happen."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

import falcon

_PAGE = (files("bide.server") / "page.html").read_text(encoding="utf-8")


def _source(tag: str) -> str:
    """Return what a content security policy calls the text of a tag."""
    match = re.search(rf"<{tag}>(.*?)</{tag}>", _PAGE, re.DOTALL)
    text = match[1] if match else ""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = (
    f"default-src 'none'; script-src {_source('script')}; style-src {_source('style')}; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def show_page(resp: falcon.Response) -> None:
    """Answer with the page; it may run and ask nothing but itself and its server."""
    resp.content_type = falcon.MEDIA_HTML
    resp.set_header("Content-Security-Policy", _POLICY)
    resp.set_header("Cache-Control", "no-cache")
    resp.text = _PAGE

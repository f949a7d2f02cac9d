"""
Requests that may come twice and should count once: the ``Idempotency-Key`` header.

Source: draft-ietf-httpapi-idempotency-key-header-07. It asks for a string in quotes; most APIs take the same
text without, and so does this one.
"""

from __future__ import annotations

import re
from hashlib import blake2b

import falcon
from attrs import frozen

from bide.errors import shown
from bide.server.keys import owner_of

_QUOTED = r'"(?:[ !#-\[\]-~]|\\["\\]){1,255}"'  # RFC 9651, section 3.3.3
_BARE = r"[!#-+\--:<-\[\]-~]{1,255}"  # visible ASCII without " , ; \
KEY = f"{_QUOTED}|{_BARE}"
"""Matches the header."""

_HEADER = "Idempotency-Key"
_ESCAPED = re.compile(r'\\(["\\])')


@frozen
class Claim:
    """
    What a client says about a request: whenever it comes with this key, it is the same one.

    Args:
        key: chosen by the client.
        digest: of the body.
        owner: whose request it is; others may choose the same key.
    """

    key: str
    digest: bytes
    owner: str = ""


class KeyReused(Exception):
    """The key of a request came before, with another body."""


def read_claim(req: falcon.Request, body: bytes) -> Claim | None:
    """
    Return what a request with this body claims, if it does.

    Raises:
        falcon.HTTPBadRequest: its key is none.
    """
    text = req.get_header(_HEADER)
    if text is None:
        return None
    return Claim(_key(text), blake2b(body, digest_size=16).digest(), owner_of(req))


def _key(text: str) -> str:
    if not re.fullmatch(KEY, text):
        rule = "must be one key of 1 to 255 visible ASCII characters, best in quotes"
        raise falcon.HTTPBadRequest(description=f"{_HEADER}: {rule}, got {shown(text)}")
    return _ESCAPED.sub(r"\1", text[1:-1]) if text.startswith('"') else text

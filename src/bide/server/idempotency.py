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

LONGEST_KEY = 255
"""So many characters a key may have, quotes not counted."""

_HEADER = "Idempotency-Key"
_QUOTED = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\])+"')  # RFC 9651, section 3.3.3
_BARE = re.compile(r"[!#-+\--:<-\[\]-~]+")  # visible ASCII without " , ; \
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
    quoted = _QUOTED.fullmatch(text)
    if not quoted and not _BARE.fullmatch(text):
        raise _refused("must be one key of visible ASCII characters, best in quotes", text)
    key = _ESCAPED.sub(r"\1", text[1:-1]) if quoted else text
    if len(key) > LONGEST_KEY:
        raise _refused(f"must be of at most {LONGEST_KEY} characters", text)
    return key


def _refused(rule: str, text: str) -> falcon.HTTPBadRequest:
    return falcon.HTTPBadRequest(description=f"{_HEADER}: {rule}, got {shown(text)}")

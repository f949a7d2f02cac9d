"""
API keys: who may ask, and whose jobs are whose.

A key is 256 random bits, so its SHA-256 tells nothing of it and needs no salt; that is all the server knows.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

import falcon

from bide.errors import ConfigError, Problem
from bide.server.routes import HEALTH

PREFIX = "bide_"
"""What a key begins with, so that people and scanners for secrets know it."""

_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_OPEN = (HEALTH, "/openapi.json")
_BEARER = re.compile(r"bearer +([!-~]{1,256}) *", re.IGNORECASE)


def make_key() -> str:
    """Return a new key."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(key: str) -> str:
    """Return what the settings of a server hold of a key."""
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def are_hashes(_instance: object, _attribute: object, value: Mapping[str, str]) -> None:
    """Refuse keys that stand in a config as they are; for a field that holds hashes by their owners."""
    for owner, text in value.items():
        if not owner:
            raise ConfigError(Problem("the name of a key's owner must not be empty", ("keys",)))
        if not _HASH.fullmatch(text):
            rule = "must be 'sha256:' and 64 hexadecimal digits, as 'bide key' prints them"
            raise ConfigError(Problem(rule, ("keys", owner)))  # what is there may be the key itself


class KeyCheck:
    """
    Refuses requests without a key, as a middleware of Falcon; tells others whose key it is.

    Args:
        keys: the hashes of the keys by their owners.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        """Keep them as bytes."""
        self._owners = [(text.encode(), owner) for owner, text in keys.items()]

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """
        Find the owner of a request's key.

        Raises:
            falcon.HTTPUnauthorized: there is no key, or nobody's.
        """
        if (
            req.method == "OPTIONS"
            or req.path in _OPEN
            or (req.path == "/" and req.method in {"GET", "HEAD"})
        ):
            return
        found = _BEARER.fullmatch(req.get_header("Authorization") or "")
        owner = self._owner(found[1]) if found else None
        if owner is None:
            rule = "this server wants a key that it knows: 'Authorization: Bearer …'"
            raise falcon.HTTPUnauthorized(description=rule, challenges=["Bearer"])
        req.context.owner = owner

    def _owner(self, key: str) -> str | None:
        """Return whose key it is, in a time that tells nothing of how much of it is right."""
        given, owner = hash_of(key).encode(), None
        for known, name in self._owners:
            if hmac.compare_digest(known, given):
                owner = name
        return owner


def owner_of(req: falcon.Request) -> str:
    """Return whose request it is; the empty text where the server knows no keys."""
    owner: Any = getattr(req.context, "owner", "")
    return str(owner)

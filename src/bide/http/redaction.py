"""What of an answer must not be shown: values whose names speak of secrets, and what a URL carries along."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

_SECRET = re.compile(
    r"auth|bearer|cookie|credential|jwt|key|passw|pwd|secret|session|sig$|signature|token", re.IGNORECASE
)


def is_secret(name: str) -> bool:
    """Say whether a name speaks of a secret, such as ``access_token``."""
    return _SECRET.search(name) is not None


def public_url(text: str) -> str:
    """Return a URL without its password, query and fragment, any of which may be a secret."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "…"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))

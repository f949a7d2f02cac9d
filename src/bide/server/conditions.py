"""
Conditional reads of a job: its entity tag, and whether the client has that already.

The tag says the status and the progress in whole percent. It is weak, because two answers within one percent
are equal for whoever waits, though not in every byte; a tag of every byte would be new at every look.
"""

from __future__ import annotations

from typing import Any

import falcon


def tag_of(document: dict[str, Any]) -> str:
    """Return the opaque tag of a job's document."""
    return f"{document['status']}-{int((document['progress'] or 0.0) * 100)}"


def is_known(req: falcon.Request, tag: str) -> bool:
    """
    Say whether a request's ``If-None-Match`` names a tag, or any; what is no tag there matches nothing.

    Source: RFC 9110, sections 8.8.3.2 (weak comparison) and 13.1.2 (If-None-Match).
    """
    known = req.if_none_match
    return known is not None and (tag in known or "*" in known)

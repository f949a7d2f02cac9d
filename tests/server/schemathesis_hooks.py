"""What schemathesis cannot know of the server: see the user of this file, ``schemathesis.toml``."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import schemathesis

from bide.server.idempotency import KEY


@schemathesis.hook
def after_load_schema(context: Any, schema: Any) -> None:
    """Refuse a document that is no OpenAPI."""
    schema.validate()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Give each request a key of its own: a key that comes again, with another body, is refused."""
    if re.fullmatch(KEY, case.headers.get("Idempotency-Key", "")):
        case.headers["Idempotency-Key"] = str(uuid4())

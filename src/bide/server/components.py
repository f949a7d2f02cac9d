"""The parts of the OpenAPI document that its operations share: schemas, headers, parameters and answers."""

from __future__ import annotations

from typing import Any, get_args

from bide.durations import MAX_SECONDS
from bide.server.idempotency import KEY
from bide.server.job import Outcome, Status
from bide.server.pages import CURSOR, MOST_JOBS, USUAL_JOBS
from bide.server.preferences import LONGEST_HOLD
from bide.server.problems import MEDIA_TYPE

Node = dict[str, Any]
"""A JSON object of the document."""

JOB_ID = "6d5c2a52-9f0e-4a53-a4f5-0a5a1a1f7f2e"
"""The job in the examples."""


def ref(section: str, name: str) -> Node:
    """Return a reference to one of the components."""
    return {"$ref": f"#/components/{section}/{name}"}


def refs(section: str, *names: str) -> Node:
    """Return references to several components, by their names."""
    return {name: ref(section, name) for name in names}


def _object(properties: Node, *, optional: tuple[str, ...] = ()) -> Node:
    required = [name for name in properties if name not in optional]
    schema: Node = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def _table(of: Node) -> Node:
    """Return the schema of an object with any names."""
    return {"type": "object", "additionalProperties": of}


_TEXT: Node = {"type": "string"}
_COUNT: Node = {"type": "integer", "minimum": 0}
_COUNTS = _table(_COUNT)
_TIME: Node = {"type": "string", "format": "date-time"}

# As many digits as keep every such text within the greatest duration.
_DURATION = "^(?=.)" + "".join(
    rf"([0-9]{{1,{digits}}}(\.[0-9]{{0,6}})?{unit})?"
    for unit, digits in (("d", 4), ("h", 4), ("m", 6), ("s", 7), ("ms", 10), ("us", 13))
)

_JOB = {
    "id": _TEXT,
    "kind": _TEXT,
    "status": {"enum": list(get_args(Status))},
    "progress": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "created_at": _TIME,
    "completed_at": {"type": ["string", "null"], "format": "date-time", "description": "However it ended."},
    "result": {"type": "object", "description": "Of a completed job: what its kind says, or its duration."},
    "error": _object({"message": _TEXT}) | {"description": "Of a failed job."},
}

_STATS = {
    "now": {"type": "number", "description": "Seconds since the epoch."},
    "status_calls": _object(
        {"total": _COUNT, "by_strategy": _COUNTS, "wasted": _COUNT, "wasted_by_strategy": _COUNTS}
    ),
    "faults": _COUNTS | {"description": "Requests that went wrong because they should, by the fault."},
    "requests": _object(
        {
            "by_client": _COUNTS,
            "by_route": {
                "type": "array",
                "items": _object({"method": _TEXT, "route": _TEXT, "status": _COUNT, "count": _COUNT}),
            },
        }
    ),
    "seconds": {
        "type": "array",
        "description": "Those of the last ones that had any.",
        "items": _object({"second": {"type": "integer"}, "status_calls": _COUNTS}),
    },
    "held": _COUNT | {"description": "Requests that wait for jobs at this moment."},
}

_PROBLEM = {
    "type": {"type": "string", "format": "uri-reference"},
    "title": _TEXT,
    "status": {"type": "integer", "minimum": 400, "maximum": 599},
    "detail": _TEXT,
    "errors": {"type": "array", "items": _object({"detail": _TEXT, "pointer": _TEXT})},
}


def _order(kinds: list[str]) -> Node:
    """Return the schema of what a client wants of a new job."""
    duration = {
        "description": "Seconds, or text with units.",
        "anyOf": [
            {"type": ["number", "null"], "minimum": 0, "maximum": MAX_SECONDS},
            {"type": "string", "pattern": f"{_DURATION}$"},
        ],
    }
    pins = {"duration": duration, "outcome": {"enum": [*get_args(Outcome), None]}}
    named = {"kind": {"enum": [*kinds, None]}, "input": _object(pins, optional=tuple(pins))}
    return _object(named, optional=tuple(named))


def _schemas(kinds: list[str]) -> Node:
    jobs = {"type": "array", "maxItems": MOST_JOBS, "items": ref("schemas", "Job")}
    meta = _object({"message": _TEXT})
    return {
        "Order": _order(kinds),
        "Job": _object(_JOB, optional=("result", "error")),
        "Jobs": {
            "anyOf": [
                _object({"jobs": jobs, "unknown": {"type": "array", "items": _TEXT}}),
                _object({"jobs": jobs, "next": {"type": ["string", "null"]}}),
            ]
        },
        "Stats": _object(_STATS),
        "Health": _object({"status": {"const": "ok"}}),
        "Problem": _object(_PROBLEM, optional=("detail", "errors")),
        "OlderJob": _object({"meta": meta, "payload": _object({"jobID": _TEXT})}),
        "OlderStatus": _object(
            {"meta": meta, "payload": _object({"status": {"enum": ["pending", "completed", "error"]}})}
        ),
        "OlderProblem": _object({"meta": meta}),
    }


def _header(description: str, example: str, schema: Node = _TEXT) -> Node:
    return {"description": description, "schema": schema, "example": example}


HEADERS: Node = {
    "Cache-Control": _header("How long the page holds.", "no-cache"),
    "Content-Security-Policy": _header("What the page may do.", "default-src 'none'"),
    "ETag": _header("Weak; new with the status and with each percent of the progress.", 'W/"pending-25"'),
    "Link": _header("The next page, if there is one.", "</v1/jobs?limit=20&cursor=AAAAAAAAAAQ>; rel=next"),
    "Location": _header("Where the job is.", f"/v1/jobs/{JOB_ID}"),
    "Preference-Applied": _header("The answer was held.", "wait=10"),
    "RateLimit": _header("What is left, if requests are limited.", '"default";r=9;t=1'),
    "RateLimit-Policy": _header("What is allowed, if requests are limited.", '"default";q=10;w=1'),
    "WWW-Authenticate": _header("How to show a key.", "Bearer"),
    "Retry-After": _header("Seconds to come back after; anything, if a fault says so.", "5"),
}
"""What answers have beside the usual; pages of other origins may read it all."""

HINTS = ("Retry-After", "RateLimit", "RateLimit-Policy")
"""What every answer about jobs may have, if a fault says so, or requests are limited."""


def _parameter(place: str, name: str, description: str, schema: Node = _TEXT) -> Node:
    return {"name": name, "in": place, "description": description, "schema": schema}


_PARAMETERS: Node = {
    "JobId": _parameter("path", "id", "The job's id.") | {"required": True, "example": JOB_ID},
    "Strategy": _parameter("header", "Bide-Strategy", "The client's strategy, for the statistics."),
    "Fault": _parameter("header", "Bide-Fault", "What shall go wrong, if the server lets clients choose."),
    "Prefer": _parameter(
        "header",
        "Prefer",
        f"`wait=N` (RFC 7240): hold the answer until the job ends, at most for N or {LONGEST_HOLD} seconds.",
    ),
    "IfNoneMatch": _parameter(
        "header", "If-None-Match", "Tags that the client has: 304 if one is the job's."
    ),
    "IdempotencyKey": _parameter(
        "header",
        "Idempotency-Key",
        "Makes the request safe to repeat (draft-ietf-httpapi-idempotency-key-header-07).",
        {"type": "string", "pattern": f"^(?:{KEY})$"},
    ),
    "Ids": _parameter(
        "query",
        "id",
        "Only these jobs; then `limit` and `cursor` change nothing.",
        {"type": "array", "items": _TEXT, "maxItems": MOST_JOBS},
    ),
    "Limit": _parameter(
        "query",
        "limit",
        "So many jobs on a page.",
        {"type": "integer", "minimum": 1, "maximum": MOST_JOBS, "default": USUAL_JOBS},
    ),
    "Cursor": _parameter(
        "query", "cursor", "The `next` of the page before.", {"type": "string", "pattern": f"^{CURSOR}$"}
    ),
}


def json_of(schema: str, **examples: object) -> Node:
    """Return the content of a message that is JSON of a schema."""
    shown = {"examples": {name: {"value": value} for name, value in examples.items()}} if examples else {}
    return {"application/json": {"schema": ref("schemas", schema), **shown}}


PROBLEM: Node = {MEDIA_TYPE: {"schema": ref("schemas", "Problem")}}
"""The content of an error."""


def _problem(description: str, *headers: str) -> Node:
    return {"description": description, "headers": refs("headers", *headers), "content": PROBLEM}


_RESPONSES: Node = {
    "400": _problem("The request cannot be read; `detail` names the place and the rule."),
    "401": _problem("The server wants a key that it knows.", "WWW-Authenticate"),
    "404": _problem("There is no such job.", *HINTS),
    "413": _problem("The body is too large.", *HINTS),
    "415": _problem("The body is, by its own account, no JSON.", *HINTS),
    "422": _problem("The body says what it may not, or its key came with another body before.", *HINTS),
    "429": _problem("The client's limit is reached.", *HINTS),
    "5XX": _problem("A fault that the server was told to have.", *HINTS),
}

_LINKS: Node = {
    name: {"operationId": name, "parameters": {"id": "$response.body#/id"}}
    for name in ("getJob", "cancelJob")
}


def components(kinds: list[str]) -> Node:
    """Return the components for a server that has these kinds of jobs."""
    return {
        "schemas": _schemas(kinds),
        "headers": HEADERS,
        "parameters": _PARAMETERS,
        "responses": _RESPONSES,
        "links": _LINKS,
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
    }

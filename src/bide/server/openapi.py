"""What the server answers, as an OpenAPI 3.1 document: ``GET /openapi.json``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import version

import falcon

from bide.server.components import HINTS, JOB_ID, PROBLEM, Node, components, json_of, ref, refs
from bide.server.document import encoded

_ABOUT = (
    "A job server to develop and test pollers against; its work is simulated. Every error is a problem "
    "document (RFC 9457), but for those that belong to the older wire format. So are the answers that no "
    "operation has: 400 to what is no HTTP, 404 where there is no route, 405 with `Allow` to other methods, "
    "413 and 431 to what is too large, 501 and 505 to methods, codings and versions that nobody knows."
)

_PENDING: Node = {
    "id": JOB_ID,
    "kind": "default",
    "status": "pending",
    "progress": 0.25,
    "created_at": "2026-11-22T12:00:00Z",
    "completed_at": None,
}
_BEGUN: Node = {**_PENDING, "progress": 0.0}
_ENDED: Node = {**_PENDING, "completed_at": "2026-11-22T12:00:08Z"}
_CANCELLED: Node = {**_ENDED, "status": "cancelled"}
_COMPLETED: Node = {**_ENDED, "status": "completed", "progress": 1.0, "result": {"duration": 8.0}}
_FAILED: Node = {
    **_ENDED,
    "status": "error",
    "progress": 1.0,
    "error": {"message": "the simulated work failed"},
}

_FAULT = ref("parameters", "Fault")
_THE_JOB = [ref("parameters", "JobId")]
_FOR_JOBS = refs("responses", "400", "429", "5XX")  # any of them may be refused, limited or broken on purpose


def _parameters(*names: str) -> list[Node]:
    return [*(ref("parameters", name) for name in names), _FAULT]


def _ok(description: str, content: Node, *headers: str) -> Node:
    return {"description": description, "headers": refs("headers", *headers), "content": content}


_CREATE: Node = {
    "operationId": "createJob",
    "summary": "Start a job",
    "parameters": _parameters("IdempotencyKey"),
    "requestBody": {
        "required": False,
        "content": json_of(
            "Order", pinned={"kind": "default", "input": {"duration": "2.5s", "outcome": "error"}}
        ),
    },
    "responses": {
        "202": {
            **_ok("The job, as it began.", json_of("Job", begun=_BEGUN), "Location", *HINTS),
            "links": refs("links", "getJob", "cancelJob"),
        },
        **refs("responses", "413", "415", "422"),
        **_FOR_JOBS,
    },
}
_NAMED = {"jobs": [_COMPLETED], "unknown": ["nobody"]}
_PAGE = {"jobs": [_PENDING], "next": "AAAAAAAAAAQ"}
_LIST: Node = {
    "operationId": "listJobs",
    "summary": "Show the jobs that are named, or a page of all",
    "parameters": _parameters("Ids", "Limit", "Cursor", "Strategy"),
    "responses": {
        "200": _ok(
            "The jobs, the newest first unless they are named.",
            json_of("Jobs", named=_NAMED, page=_PAGE),
            "Link",
            *HINTS,
        ),
        **_FOR_JOBS,
    },
}
_READ: Node = {
    "operationId": "getJob",
    "summary": "Show a job, now or once it has ended",
    "parameters": _parameters("Prefer", "IfNoneMatch", "Strategy"),
    "responses": {
        "200": _ok(
            "The job, as it is now.",
            json_of("Job", pending=_PENDING, completed=_COMPLETED, failed=_FAILED),
            "ETag",
            "Preference-Applied",
            *HINTS,
        ),
        "304": {
            "description": "The job is as the client knows it.",
            "headers": refs("headers", "ETag", "Preference-Applied", *HINTS),
        },
        **refs("responses", "404"),
        **_FOR_JOBS,
    },
}
_CANCEL: Node = {
    "operationId": "cancelJob",
    "summary": "Cancel a job, unless it has ended",
    "parameters": _parameters(),
    "responses": {
        "200": _ok("The job, as it is now.", json_of("Job", cancelled=_CANCELLED), *HINTS),
        **refs("responses", "404"),
        **_FOR_JOBS,
    },
}
_OLDER_CREATE: Node = {
    "operationId": "createJobOlderFormat",
    "summary": "Start a job, in the older wire format; the body means nothing",
    "parameters": _parameters(),
    "responses": {"200": _ok("The job's id.", json_of("OlderJob"), *HINTS), **_FOR_JOBS},
}
_OLDER_READ: Node = {
    "operationId": "getJobOlderFormat",
    "summary": "Show the status of a job, in the older wire format",
    "parameters": _parameters("Strategy"),
    "responses": {
        "200": _ok("Pending or completed.", json_of("OlderStatus"), *HINTS),
        "404": _ok("There is no such job.", json_of("OlderProblem"), *HINTS),
        "500": _ok("The job failed, or was cancelled; or a fault.", json_of("OlderStatus") | PROBLEM, *HINTS),
        **_FOR_JOBS,
    },
}


def _plain(name: str, summary: str, content: Node, *headers: str) -> Node:
    return {"operationId": name, "summary": summary, "responses": {"200": _ok(summary, content, *headers)}}


_TO_ALL: Node = {"security": []}  # whoever has no key, too
_HTML = {"text/html": {"schema": {"type": "string"}}}
_PAGE_HEADERS = ("Cache-Control", "Content-Security-Policy")

_STATS = _plain("getStats", "What came and how it was answered", json_of("Stats"))
_METRICS = _plain("getMetrics", "The same for Prometheus", {"text/plain": {"schema": {"type": "string"}}})
_HEALTH = _TO_ALL | _plain("getHealth", "Whether the server answers", json_of("Health"))
_ITSELF = _TO_ALL | _plain(
    "getOpenApi", "This document", {"application/json": {"schema": {"type": "object"}}}
)
_LIVE = _TO_ALL | _plain("getPage", "A page that shows jobs and calls", _HTML, *_PAGE_HEADERS)


def _readable(get: Node) -> Node:
    """Return the operations of a path that answers HEAD as GET, but for the body."""
    return {"get": get, "head": {**get, "operationId": f"{get['operationId']}Head"}}


_PATHS: Node = {
    "/v1/jobs": {"post": _CREATE, **_readable(_LIST)},
    "/v1/jobs/{id}": {"parameters": _THE_JOB, **_readable(_READ), "delete": _CANCEL},
    "/v1/stats": _readable(_STATS),
    "/metrics": _readable(_METRICS),
    "/healthz": _readable(_HEALTH),
    "/openapi.json": _readable(_ITSELF),
    "/": {"post": _OLDER_CREATE, **_readable(_LIVE)},
    "/status/{id}": {"parameters": _THE_JOB, "get": _OLDER_READ},
}


def document(kinds: Iterable[str], *, keyed: bool = False, by_header: bool = False) -> Node:
    """
    Return the OpenAPI document of a server.

    Args:
        kinds: the names of its kinds of jobs.
        keyed: whether it wants a key of its clients.
        by_header: whether they may ask it for faults.
    """
    paths = _PATHS if by_header else _each(_PATHS, _without_faults)
    return {
        "openapi": "3.1.0",
        "info": {"title": "bide", "version": version("bide"), "description": _ABOUT},
        "paths": _each(paths, _with_key) if keyed else paths,
        "components": components(sorted(kinds)),
    }


def _each(paths: Node, change: Callable[[Node], Node]) -> Node:
    """Return the paths with each of their operations changed."""
    return {
        path: {name: change(node) if "responses" in node else node for name, node in item.items()}
        for path, item in paths.items()
    }


def _without_faults(operation: Node) -> Node:
    if "parameters" not in operation:
        return operation
    return {**operation, "parameters": [one for one in operation["parameters"] if one != _FAULT]}


def _with_key(operation: Node) -> Node:
    if "security" in operation:
        return operation
    answers = {**operation["responses"], **refs("responses", "401")}
    return {**operation, "security": [{"key": []}], "responses": answers}


class OpenApiResource:
    """``GET /openapi.json``."""

    def __init__(self, document: Node) -> None:
        """Show this document."""
        self._document = encoded(document)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer with the document."""
        resp.data = self._document

    on_head = on_get

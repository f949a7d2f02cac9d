"""A job as JSON shows it, in bide's own wire format."""

from __future__ import annotations

from datetime import UTC, datetime
from json import JSONEncoder
from typing import Any

from bide.server.job import Job
from bide.server.kinds import JobKind

_ENCODER = JSONEncoder()


def encoded(document: dict[str, Any]) -> bytes:
    """Return a document as JSON, for the busiest route: an answer's ``media`` makes an encoder each time."""
    return _ENCODER.encode(document).encode()


def job_document(job: Job, kind: JobKind, now: float) -> dict[str, Any]:
    """Return a job of a kind as JSON shows it at a time."""
    status, ended_at = job.status(now), job.ended_at(now)
    document: dict[str, Any] = {
        "id": job.id,
        "kind": job.kind,
        "status": status,
        "progress": kind.shown_progress(job.worked(now)),
        "created_at": timestamp(job.created_at),
        "completed_at": None if ended_at is None else timestamp(ended_at),
    }
    if status == "completed":
        document["result"] = {"duration": job.duration} if kind.result is None else kind.result
    elif status == "error":
        document["error"] = {"message": "the simulated work failed"}
    return document


def timestamp(seconds: float) -> str:
    """Return a time as RFC 3339 text, in UTC, with microseconds."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00") + "Z"

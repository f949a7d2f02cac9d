"""A job as JSON shows it, in bide's own wire format."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from bide.server.job import DIGITS, Job
from bide.server.kinds import JobKind

encoded = partial(orjson.dumps, option=orjson.OPT_UTC_Z)
"""Returns a document as JSON: UTF-8, times as in RFC 3339."""


def job_document(job: Job, kind: JobKind, now: float) -> dict[str, Any]:
    """Return a job of a kind as JSON shows it at a time."""
    status, ended_at = job.status(now), job.ended_at(now)
    document: dict[str, Any] = {
        "id": job.id,
        "kind": job.kind,
        "status": status,
        "progress": kind.shown_progress(job.worked(now)),
        "created_at": datetime.fromtimestamp(job.created_at, UTC),
        "completed_at": None if ended_at is None else datetime.fromtimestamp(ended_at, UTC),
    }
    if status == "completed":
        # The difference of two large floats has a noise that neither of them shows.
        document["result"] = {"duration": round(job.duration, DIGITS)} if kind.result is None else kind.result
    elif status == "error":
        document["error"] = {"message": "the simulated work failed"}
    return document

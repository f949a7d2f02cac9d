"""bide's own wire format: ``/v1/jobs``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import falcon

from bide.errors import shown
from bide.server.bodies import read_pins
from bide.server.job import Job
from bide.server.service import JobService
from bide.server.stats import StatusCalls


class JobsResource:
    """``/v1/jobs``."""

    def __init__(self, service: JobService) -> None:
        """Create jobs through this service."""
        self._service = service

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Start a job: 202, with its address and what it looks like now."""
        job = self._service.submit(read_pins(req))
        resp.status = falcon.HTTP_202
        resp.location = f"/v1/jobs/{job.id}"
        resp.media = job_document(job, self._service.clock())


class JobResource:
    """``/v1/jobs/{id}``."""

    def __init__(self, service: JobService, calls: StatusCalls) -> None:
        """Find jobs through this service, and count the calls."""
        self._service = service
        self._calls = calls

    def on_get(self, req: falcon.Request, resp: falcon.Response, id: str) -> None:  # noqa: A002 - as in the route
        """Show a job as it is now."""
        self._calls.count(req)
        job = self._service.find(id)
        if job is None:
            raise falcon.HTTPNotFound(description=f"there is no job {shown(id)}")
        resp.media = job_document(job, self._service.clock())


def job_document(job: Job, now: float) -> dict[str, Any]:
    """Return a job as JSON shows it at a time."""
    status = job.status(now)
    ended_at = None if status == "pending" else job.ends_at
    document = {
        "id": job.id,
        "status": status,
        "progress": job.progress(now),
        "created_at": timestamp(job.created_at),
        "completed_at": None if ended_at is None else timestamp(ended_at),
    }
    return document | _ending(job, status)


def _ending(job: Job, status: str) -> dict[str, Any]:
    if status == "completed":
        return {"result": {"duration": job.duration}}
    if status == "error":
        return {"error": {"message": "the simulated work failed"}}
    return {}


def timestamp(seconds: float) -> str:
    """Return a time as RFC 3339 text, in UTC, with microseconds."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")

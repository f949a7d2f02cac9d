"""
The wire format of the system that bide grew from, as its Go client reads it.

A failed job is answered with status 500 there: the one 5xx that this server sends on purpose.
"""

from __future__ import annotations

from typing import Any

import falcon

from bide.server.job import Status
from bide.server.keys import owner_of
from bide.server.page import show_page
from bide.server.service import JobService, Order

_ANSWERS: dict[Status, tuple[str, str, str]] = {
    "pending": (falcon.HTTP_200, "pending", "the job is pending"),
    "completed": (falcon.HTTP_200, "completed", "the job is completed"),
    "error": (falcon.HTTP_500, "error", "the job failed"),
    # That format knows no cancelling; its clients know that what is an error has ended.
    "cancelled": (falcon.HTTP_500, "error", "the job was cancelled"),
}


class SeedJobsResource:
    """``/``: jobs for a program, a page for a person."""

    def __init__(self, service: JobService) -> None:
        """Create jobs through this service."""
        self._service = service

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Start a job, whatever the body says."""
        job = self._service.submit(Order(owner=owner_of(req)))
        resp.media = _envelope("the job was created", {"jobID": job.id})

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the page."""
        show_page(resp)

    on_head = on_get


class SeedStatusResource:
    """``GET /status/{id}``."""

    def __init__(self, service: JobService) -> None:
        """Find jobs through this service."""
        self._service = service

    def on_get(self, req: falcon.Request, resp: falcon.Response, id: str) -> None:  # noqa: A002 - as in the route
        """Answer with the job's status, in the body and as the code."""
        job = self._service.find(id, owner_of(req))
        if job is None:
            resp.status = falcon.HTTP_404
            resp.media = _envelope("there is no such job")
            return
        resp.status, status, message = _ANSWERS[job.status(self._service.clock())]
        req.context.shows_end = status != "pending"
        resp.media = _envelope(message, {"status": status})


def _envelope(message: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
    envelope: dict[str, Any] = {"meta": {"message": message}}
    return envelope if payload is None else envelope | {"payload": payload}

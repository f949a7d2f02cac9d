"""bide's own wire format: ``/v1/jobs``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import falcon

from bide.errors import nearest, shown
from bide.server.bodies import read_body, read_order
from bide.server.conditions import is_known, tag_of
from bide.server.document import encoded, job_document
from bide.server.holds import WHEN_GONE
from bide.server.idempotency import Claim, KeyReused, read_claim
from bide.server.job import Job
from bide.server.keys import owner_of
from bide.server.pages import MOST_JOBS, cursor_of, read_cursor, read_limit
from bide.server.preferences import wait_in
from bide.server.service import JobService, Order, Page

_PARAMETERS = ("id", "limit", "cursor")


class JobsResource:
    """``/v1/jobs``."""

    def __init__(self, service: JobService) -> None:
        """Create and find jobs through this service."""
        self._service = service

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Start a job: 202, with its address and what it looks like at first."""
        body = read_body(req)
        order = read_order(req, body)
        job = self._submit(order, read_claim(req, body))
        resp.status = falcon.HTTP_202
        resp.location = f"/v1/jobs/{job.id}"
        hint = self._service.hint(job, order)
        if hint:
            resp.retry_after = hint
        # As it began, so that a request that comes again gets the same answer.
        resp.data = encoded(job_document(job, self._service.kind_of(job), job.created_at))

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the jobs that the query names, or a page of all."""
        _refuse_others(req)
        limit, before = read_limit(req.get_param("limit")), read_cursor(req.get_param("cursor"))
        ids = req.get_param_as_list("id")
        if ids:
            chosen = self._chosen(ids, owner_of(req))
            req.context.shows_end = any(job["completed_at"] for job in chosen["jobs"])
            resp.data = encoded(chosen)
        else:
            self._show_page(resp, limit, self._service.page(limit, owner_of(req), before=before))

    on_head = on_get

    def _submit(self, order: Order, claim: Claim | None) -> Job:
        try:
            return self._service.submit(order, claim)
        except KeyReused:
            rule = "this Idempotency-Key came with another body before; a new request needs a new key"
            raise falcon.HTTPUnprocessableEntity(description=rule) from None

    def _chosen(self, ids: list[str], owner: str) -> dict[str, Any]:
        if len(ids) > MOST_JOBS:
            raise falcon.HTTPBadRequest(description=f"id: must be at most {MOST_JOBS} jobs, got {len(ids)}")
        ids = list(dict.fromkeys(ids))
        found = dict(zip(ids, self._service.find_many(ids, owner), strict=True))
        return {
            "jobs": self._documents(job for job in found.values() if job is not None),
            "unknown": [one for one, job in found.items() if job is None],
        }

    def _show_page(self, resp: falcon.Response, limit: int, page: Page) -> None:
        following = None if page.last is None else cursor_of(page.last)
        if following is not None:
            resp.append_link(f"/v1/jobs?{urlencode({'limit': limit, 'cursor': following})}", rel="next")
        resp.data = encoded({"jobs": self._documents(page.jobs), "next": following})

    def _documents(self, jobs: Iterable[Job]) -> list[dict[str, Any]]:
        now = self._service.clock()
        return [job_document(job, self._service.kind_of(job), now) for job in jobs]


def _refuse_others(req: falcon.Request) -> None:
    """Refuse parameters that would change nothing: whoever filters jobs must not be shown all of them."""
    for name in req.params:
        if name not in _PARAMETERS:
            rule = f"there is no parameter {shown(name)} here{nearest(name, _PARAMETERS)}"
            raise falcon.HTTPBadRequest(description=rule)


class JobResource:
    """``/v1/jobs/{id}``."""

    def __init__(self, service: JobService) -> None:
        """Find and cancel jobs through this service."""
        self._service = service

    def on_get(self, req: falcon.Request, resp: falcon.Response, id: str) -> None:  # noqa: A002 - as in the route
        """Show a job as it is now, or once it has ended, if the client would rather wait."""
        prefer = req.get_header("Prefer")
        if prefer is not None:
            self._hold(prefer, req, resp, id)
        document = self._document(self._service.find(id, owner_of(req)), id)
        req.context.shows_end = document["completed_at"] is not None
        tag = tag_of(document)
        resp.set_header("ETag", f'W/"{tag}"')
        if is_known(req, tag):
            resp.status = falcon.HTTP_304
        else:
            resp.data = encoded(document)

    on_head = on_get

    def on_delete(self, req: falcon.Request, resp: falcon.Response, id: str) -> None:  # noqa: A002 - as in the route
        """Cancel a job, and show how it is then; one that has ended stays as it was."""
        resp.data = encoded(self._document(self._service.cancel(id, owner_of(req)), id))

    def _hold(self, prefer: str, req: falcon.Request, resp: falcon.Response, id: str) -> None:  # noqa: A002 - as in the route
        seconds = wait_in(prefer)
        if seconds and self._service.hold(id, owner_of(req), seconds, req.env.get(WHEN_GONE)):
            resp.set_header("Preference-Applied", f"wait={seconds}")

    def _document(self, job: Job | None, id: str) -> dict[str, Any]:  # noqa: A002 - as in the route
        if job is None:
            raise falcon.HTTPNotFound(description=f"there is no job {shown(id)}")
        return job_document(job, self._service.kind_of(job), self._service.clock())

"""The WSGI app: routes, and what stands behind them."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from types import TracebackType
from typing import Self

import falcon

from bide.server.api import JobResource, JobsResource
from bide.server.config import ServerConfig
from bide.server.holds import Pause
from bide.server.problems import handle_errors
from bide.server.seed import SeedJobsResource, SeedStatusResource
from bide.server.service import JobService
from bide.server.stats import StatsResource, StatusCalls
from bide.server.store import Store

_EXPOSED = ("ETag", "Link", "Location", "Preference-Applied", "Retry-After")
"""What a page of another origin may read beside the body."""


class JobServer(falcon.App[falcon.Request, falcon.Response]):
    """
    The job server as a WSGI app; any WSGI server can run it, with threads but in one process.

    It holds its database until it is closed, so use it as a context manager where its end matters.

    Args:
        config: where the jobs lie, and how the work behaves.
        clock: wall clock, in seconds since the epoch.
        pause: how a request waits for a job: until an event is set, but no more than so many seconds.

    Raises:
        ConfigError: the database cannot be used.
    """

    def __init__(
        self, config: ServerConfig, *, clock: Callable[[], float] = time.time, pause: Pause = Event.wait
    ) -> None:
        """Open the store, and put the routes together."""
        super().__init__(middleware=falcon.CORSMiddleware(expose_headers=_EXPOSED))
        handle_errors(self)
        self._store = Store(config.database)
        self._service = JobService(config, self._store, clock=clock, pause=pause)
        self._add_routes(self._service, StatusCalls())

    def _add_routes(self, service: JobService, calls: StatusCalls) -> None:
        self.add_route("/v1/jobs", JobsResource(service, calls))
        self.add_route("/v1/jobs/{id}", JobResource(service, calls))
        self.add_route("/v1/stats", StatsResource(calls))
        self.add_route("/healthz", HealthResource())
        self.add_route("/", SeedJobsResource(service))
        self.add_route("/status/{id}", SeedStatusResource(service, calls))

    def release(self) -> None:
        """Answer the requests that are held, and hold no more: for a server that is about to stop."""
        self._service.release()

    def close(self) -> None:
        """Let go of the database."""
        self.release()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class HealthResource:
    """``GET /healthz``."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Say that the server answers."""
        resp.media = {"status": "ok"}

    on_head = on_get


def create_app(config: ServerConfig, *, clock: Callable[[], float] = time.time) -> JobServer:
    """
    Return the job server as a WSGI app, with its store open.

    Args:
        config: where the jobs lie, and how the work behaves.
        clock: wall clock, in seconds since the epoch.

    Raises:
        ConfigError: the database cannot be used.
    """
    return JobServer(config, clock=clock)

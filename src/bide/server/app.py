"""The WSGI app: routes, and what stands behind them."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from threading import Event
from types import TracebackType
from typing import Any, Self

import falcon

from bide.server.api import JobResource, JobsResource
from bide.server.components import HEADERS
from bide.server.config import ServerConfig
from bide.server.faults import Faults
from bide.server.holds import Pause
from bide.server.keys import KeyCheck, owner_of
from bide.server.misbehave import BehavingOnly, Misbehaving, breaking
from bide.server.openapi import OpenApiResource, document
from bide.server.problems import handle_errors
from bide.server.rate_limit import RateLimiter
from bide.server.routes import HEALTH, is_look
from bide.server.seed import SeedJobsResource, SeedStatusResource
from bide.server.service import JobService
from bide.server.store import Store
from bide.server.tidying import Tidying
from bide.server.traffic import MetricsResource, StatsResource, Traffic

_logger = logging.getLogger(__name__)


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
        self.traffic = Traffic(clock, client_of)
        super().__init__(middleware=[self.traffic, falcon.CORSMiddleware(expose_headers=tuple(HEADERS))])
        handle_errors(self)
        if config.keys:
            self.add_middleware(KeyCheck(config.keys))
        seed = secrets.randbits(32) if config.seed is None else config.seed
        _logger.info("jobs and faults are drawn from seed %d", seed)
        if config.rate_limit is not None:
            self.add_middleware(RateLimiter(config.rate_limit, clock, client_of))
        self._misbehaving = self._add_faults(config.faults, seed, clock, pause)
        self._clock, self._keep = clock, config.keep
        self._store = Store(config.database)
        self._service = JobService(config, self._store, seed=seed, clock=clock, pause=pause)
        self._add_routes(self._service, self.traffic)
        self._add_document(config)
        self._tidying = Tidying(self.tidy, config.keep) if config.keep else None

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, as WSGI has it."""
        if self._misbehaving is None:
            return super().__call__(env, start_response)
        return breaking(env, start_response, super().__call__)

    def _add_faults(
        self, faults: Faults | None, seed: int, clock: Callable[[], float], pause: Pause
    ) -> Misbehaving | None:
        if faults is None or not faults.by_header:
            self.add_middleware(BehavingOnly())
        if faults is None:
            return None
        misbehaving = Misbehaving(faults, seed=seed, clock=clock, pause=pause)
        self.add_middleware(misbehaving)
        return misbehaving

    def _add_routes(self, service: JobService, traffic: Traffic) -> None:
        self.add_route("/v1/jobs", JobsResource(service))
        self.add_route("/v1/jobs/{id}", JobResource(service))
        self.add_route("/v1/stats", StatsResource(traffic, service.held))
        self.add_route("/metrics", MetricsResource(traffic))
        self.add_route(HEALTH, HealthResource())
        self.add_route("/", SeedJobsResource(service))
        self.add_route("/status/{id}", SeedStatusResource(service))

    def _add_document(self, config: ServerConfig) -> None:
        by_header = config.faults is not None and config.faults.by_header
        described = document(config.kinds, keyed=bool(config.keys), by_header=by_header)
        self.add_route("/openapi.json", OpenApiResource(described))

    def is_quick(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        """
        Say whether a request is answered without waiting for anything.

        Args:
            method: of the request.
            path: of its target.
            headers: by their names in capitals, as WSGI writes them.
        """
        if path == HEALTH:  # told also while every thread waits
            return True
        is_free = self._misbehaving is None and "PREFER" not in headers
        return is_free and is_look(method, path) and self._store.is_at_hand(path.rpartition("/")[2])

    def tidy(self) -> None:
        """Forget the jobs that ended too long ago; a thread does it now and then, if there are such."""
        if self._keep is not None:
            self._store.forget(self._clock() - self._keep)

    def release(self) -> None:
        """Answer the requests that are held, and hold no more: for a server that is about to stop."""
        self._service.release()
        if self._misbehaving is not None:
            self._misbehaving.release()

    def close(self) -> None:
        """Let go of the database."""
        self.release()
        if self._tidying is not None:
            self._tidying.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def client_of(req: falcon.Request) -> str:
    """Return who sent a request: the owner of its key, or else its address."""
    return owner_of(req) or str(req.remote_addr)


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

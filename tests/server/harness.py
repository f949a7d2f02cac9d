"""What the server's tests share: a clock in their hands, and an app around it without a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from falcon.testing import Result, TestClient

from bide.server import JobKind, JobServer, ServerConfig

NOON = 1_800_000_000.0
"""2027-01-15 08:00 UTC, when every test begins."""


class Clock:
    """A wall clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


class Pause:
    """How requests wait in tests: the clock jumps to the end, or to the moment when something happens."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lengths: list[float] = []
        self.happens: tuple[float, Callable[[], object]] | None = None

    def __call__(self, released: Event, seconds: float) -> None:
        """Wait for as many seconds, or until what happens meanwhile has set the event."""
        self.lengths.append(seconds)
        began = self.clock.now
        if self.happens is not None:
            after, action = self.happens
            self.clock.now = began + after
            action()
        if not released.is_set():
            self.clock.now = began + seconds


class Api:
    """A client of an app in this process, the clock that the app reads, and how its requests wait."""

    def __init__(self, app: JobServer, clock: Clock, pause: Pause) -> None:
        self.app = app
        self.client = TestClient(app)
        self.clock = clock
        self.pause = pause

    def get(self, path: str, **headers: str) -> Result:
        return self.request("GET", path, **headers)

    def request(self, method: str, path: str, **headers: str) -> Result:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.simulate_request(method, path, headers=named)

    def post(self, path: str, **request: Any) -> Result:
        return self.client.simulate_post(path, **request)

    def submit(self, **pins: Any) -> str:
        """Create a job through bide's wire format, and return its id."""
        return str(self.post("/v1/jobs", json={"input": pins}).json["id"])


@contextmanager
def api(**settings: Any) -> Iterator[Api]:
    """Open an app with these settings, or with one kind of jobs that has them, and close it again."""
    kind = {name: settings.pop(name) for name in ("durations", "failing") if name in settings}
    settings.setdefault("kinds", {"default": JobKind(**kind)})
    clock = Clock()
    pause = Pause(clock)
    with JobServer(ServerConfig(**settings), clock=clock, pause=pause) as app:
        yield Api(app, clock, pause)

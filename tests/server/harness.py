"""What the server's tests share: a clock in their hands, and an app around it without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from falcon.testing import Result, TestClient

from bide.server import ServerConfig, create_app

NOON = 1_800_000_000.0
"""2027-01-15 08:00 UTC, when every test begins."""


class Clock:
    """A wall clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


class Api:
    """A client of an app in this process, and the clock that the app reads."""

    def __init__(self, client: TestClient, clock: Clock) -> None:
        self.client = client
        self.clock = clock

    def get(self, path: str, **headers: str) -> Result:
        return self.client.simulate_get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path: str, **request: Any) -> Result:
        return self.client.simulate_post(path, **request)

    def submit(self, **pins: Any) -> str:
        """Create a job through bide's wire format, and return its id."""
        return str(self.post("/v1/jobs", json={"input": pins}).json["id"])


@contextmanager
def api(**settings: Any) -> Iterator[Api]:
    """Open an app with these settings, and close it again."""
    clock = Clock()
    with create_app(ServerConfig(**settings), clock=clock) as app:
        yield Api(TestClient(app), clock)

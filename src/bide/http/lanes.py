"""Many requests at once, spread over several clients."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from bide.durations import Seconds
from bide.http.answers import Answer, Ask
from bide.http.apart import atransfer, close
from bide.http.surface import AsyncHTTPClient

MOST_LANES = 64
"""How many clients share the requests."""


@define
class _Lane:
    http: AsyncHTTPClient
    load: int = 0


@define
class AsyncLanes:
    """
    Async clients that share the requests to a server, each with a pool of its own.

    With every request a pool looks through all its connections, so it slows down as more are under way. A
    lane is opened when all others are busy.

    Args:
        make: makes a client.
        most: lanes at the same time, >= 1.

    Raises:
        ConfigError: what `make` raises, at once.
    """

    make: Callable[[], AsyncHTTPClient]
    most: int = MOST_LANES
    _lanes: list[_Lane] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self._open()

    async def transfer(self, ask: Ask, *, timeout: Seconds) -> Answer:
        """
        Make a request in the lane with the least to do, as `atransfer`.

        Raises:
            RequestError: as `atransfer`.
        """
        lane = self._least()
        lane.load += 1
        try:
            return await atransfer(lane.http, ask, timeout=timeout)
        finally:
            lane.load -= 1

    async def aclose(self) -> None:
        """End all requests, and close the connections."""
        while self._lanes:
            await close(self._lanes.pop().http)

    def _least(self) -> _Lane:
        lane = min(self._lanes, key=lambda lane: lane.load)
        if lane.load and len(self._lanes) < self.most:
            return self._open()
        return lane

    def _open(self) -> _Lane:
        lane = _Lane(self.make())
        self._lanes.append(lane)
        return lane

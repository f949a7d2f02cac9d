"""Ways to cancel what waits for requests, and what may be left behind by it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import anyio
import pytest
from ways import needs

from bide.http import apart

Asking = Callable[[], Awaitable[object]]
Cancelling = Callable[[Asking, float], Coroutine[Any, Any, None]]


def left_behind(http: Any) -> list[str]:
    """Return what a pool still holds that no request uses, and no other can."""
    pool = http._transport._pool
    stuck = [one.info() for one in pool.connections if not (one.is_idle() or one.is_closed())]
    return [*stuck, *map(str, pool._requests), *map(str, apart._running)]


async def within_a_scope(ask: Asking, seconds: float) -> None:
    """Cancel as structured concurrency does."""
    with anyio.move_on_after(seconds):
        await ask()


async def within_a_task(ask: Asking, seconds: float) -> None:
    """Cancel as asyncio does."""
    task = asyncio.ensure_future(ask())
    asyncio.get_running_loop().call_later(seconds, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


CANCELLINGS = [
    pytest.param("asyncio", within_a_scope),
    pytest.param("asyncio", within_a_task),
    pytest.param("trio", within_a_scope, marks=needs("trio")),
]


async def burst(cancelling: Cancelling, ask: Asking, instants: list[float]) -> None:
    """Make requests at once, and cancel each at its instant, in seconds."""
    async with anyio.create_task_group() as group:
        for instant in instants:
            group.start_soon(cancelling, ask, instant)


async def settled(http: Any) -> list[str]:
    """Return what is left behind for good: on a busy machine the last connections take a moment."""
    with anyio.move_on_after(10):
        while left_behind(http):
            await anyio.sleep(0.01)
    return left_behind(http)

"""The ways to make a request: sync, on asyncio and on trio, each with httpx and with httpx2."""

from __future__ import annotations

from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import anyio
import pytest
from attrs import frozen

from bide.errors import RequestError
from bide.http.answers import Answer, Ask
from bide.http.transfer import atransfer, finish, transfer


def needs(*modules: str) -> list[pytest.MarkDecorator]:
    """Return the marks that skip a test where a module is not installed."""
    return [
        pytest.mark.skipif(find_spec(name) is None, reason=f"needs {name}: pip install -e '.[test]'")
        for name in modules
    ]


LIBRARIES = [pytest.param(name, marks=needs(name)) for name in ("httpx", "httpx2")]
BACKENDS = [pytest.param("asyncio"), pytest.param("trio", marks=needs("trio"))]


@cache
def tls(library: ModuleType) -> Any:
    """Return one TLS context for all clients of a library."""
    return library.create_ssl_context()


def async_client(library: str, **settings: Any) -> Any:
    """Return a client of a user's own; the limit of connections shows when one is lost."""
    module = import_module(library)
    limits = module.Limits(max_connections=settings.pop("connections", 10))
    return module.AsyncClient(verify=tls(module), limits=limits, **settings)


def sync_client(library: str, **settings: Any) -> Any:
    """Return a client of a user's own."""
    module = import_module(library)
    return module.Client(verify=tls(module), **settings)


@frozen
class Way:
    """
    One way to make requests.

    Args:
        library: whose client makes them.
        backend: on which they run; None for threads.
    """

    library: str
    backend: str | None

    def outcomes(self, *asks: Ask, timeout: float = 5.0, **settings: Any) -> list[Answer | RequestError]:
        """Make one request after the other with one client, and return what came of each."""
        if self.backend is None:
            with sync_client(self.library, **settings) as http:
                return [_outcome(http, ask, timeout) for ask in asks]
        return anyio.run(partial(self._outcomes, settings), asks, timeout, backend=self.backend)

    def answer(self, ask: Ask, timeout: float = 5.0, **settings: Any) -> Answer:
        """Make a request that is answered."""
        [outcome] = self.outcomes(ask, timeout=timeout, **settings)
        assert isinstance(outcome, Answer), outcome
        return outcome

    def failure(self, ask: Ask, timeout: float = 5.0, **settings: Any) -> RequestError:
        """Make a request that fails."""
        [outcome] = self.outcomes(ask, timeout=timeout, **settings)
        assert isinstance(outcome, RequestError), outcome
        return outcome

    async def _outcomes(
        self, settings: dict[str, Any], asks: tuple[Ask, ...], timeout: float
    ) -> list[Answer | RequestError]:
        async with async_client(self.library, **settings) as http:
            outcomes = [await _aoutcome(http, ask, timeout) for ask in asks]
            await finish(http)
            return outcomes


WAYS = [
    pytest.param(Way(library, backend), id=f"{library}-{backend}", marks=needs(*needed))
    for library, backend, needed in [
        ("httpx", None, []),
        ("httpx", "asyncio", []),
        ("httpx", "trio", ["trio"]),
        ("httpx2", None, ["httpx2"]),
        ("httpx2", "asyncio", ["httpx2"]),
        ("httpx2", "trio", ["httpx2", "trio"]),
    ]
]


def _outcome(http: Any, ask: Ask, timeout: float) -> Answer | RequestError:
    try:
        return transfer(http, ask, timeout=timeout)
    except RequestError as error:
        return error


async def _aoutcome(http: Any, ask: Ask, timeout: float) -> Answer | RequestError:
    try:
        return await atransfer(http, ask, timeout=timeout)
    except RequestError as error:
        return error

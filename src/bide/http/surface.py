"""The part of httpx's surface that bide uses, for httpx itself and whatever else has it, such as httpx2."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol


class HTTPClient(Protocol):
    """A client with the surface of ``httpx.Client``."""

    def stream(
        self,
        method: str,
        url: str,
        *,
        content: Any = ...,
        headers: Any = ...,
        follow_redirects: Any = ...,
        timeout: Any = ...,
        extensions: Any = ...,
    ) -> AbstractContextManager[Any]:
        """Make a request, and give the answer while it is being read."""
        ...

    def close(self) -> None:
        """Close the connections."""


class AsyncHTTPClient(Protocol):
    """A client with the surface of ``httpx.AsyncClient``."""

    def stream(
        self,
        method: str,
        url: str,
        *,
        content: Any = ...,
        headers: Any = ...,
        follow_redirects: Any = ...,
        timeout: Any = ...,
        extensions: Any = ...,
    ) -> AbstractAsyncContextManager[Any]:
        """Make a request, and give the answer while it is being read."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""

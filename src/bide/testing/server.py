"""A real job server for tests, in a thread of their own process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bide.server import ServerConfig


@contextmanager
def running_server(config: ServerConfig | None = None) -> Iterator[str]:
    """
    Run a job server on a free port of 127.0.0.1, and give its URL: ready when it returns, gone afterwards.

    It needs the extra ``server``. As a fixture of pytest it is named ``bide_server``, and takes its settings
    from a fixture ``bide_server_config``, which a test or a module may define anew.

    Args:
        config: the server's settings; by default jobs lie in memory, last 5 to 15 seconds, and half of them
            fail.

    Raises:
        ConfigError: the database cannot be used.
    """
    from bide.server import ServerConfig, running

    with running(config or ServerConfig()) as url:
        yield url

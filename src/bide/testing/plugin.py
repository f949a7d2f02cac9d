"""What pytest knows of bide, wherever both are installed: a fixture with a real job server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bide.server import ServerConfig


@pytest.fixture
def bide_server_config() -> ServerConfig | None:
    """Return the settings of `bide_server`; define a fixture of this name to have others."""
    return None


@pytest.fixture
def bide_server(bide_server_config: ServerConfig | None) -> Iterator[str]:
    """Run a job server, and give its URL."""
    from bide.testing.server import running_server

    with running_server(bide_server_config) as url:
        yield url

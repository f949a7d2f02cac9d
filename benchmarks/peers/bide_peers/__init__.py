"""Peers: other libraries that wait for jobs, each recorded from its real code by a small adapter."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module, metadata

from bide.errors import printable
from bide.lab.recorded import Peer, Recorded, record, require_recordable

ADAPTERS = {
    "azure-core": "azure_core",
    "backoff": "backoff",
    "backoffs": "backoffs",
    "botocore": "botocore",
    "databricks-sdk": "databricks",
    "google-api-core": "google_api_core",
    "openai": "openai",
    "replicate": "replicate",
    "stamina": "stamina",
    "tenacity": "tenacity",
}
"""The modules of this package, by the distributions that they are for."""


def record_peers(
    horizon: float,
    *,
    latency: float = 0.0,
    runs: int = 64,
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[tuple[Recorded, ...], tuple[str, ...]]:
    """
    Record all peers that are installed.

    Args:
        horizon: seconds up to which to record.
        latency: seconds that every answer takes; >= 0.
        runs: how many waits to record of a peer with jitter; >= 1.
        seed: the same seed gives the same recordings.
        progress: told after each library how many are done, and how many there are.

    Returns:
        The recordings; and who is missing, each with the reason, for the user to read.

    Raises:
        ConfigError: the horizon or the number of runs is out of range.
    """
    require_recordable(horizon, runs)
    recorded: list[Recorded] = []
    missing: list[str] = []
    for done, distribution in enumerate(ADAPTERS, 1):
        try:
            peers = peers_of(distribution)
            recorded += [record(peer, horizon, latency=latency, runs=runs, seed=seed) for peer in peers]
        except Exception as error:
            missing.append(f"{distribution}: {_reason(error)}")
        if progress is not None:
            progress(done, len(ADAPTERS))
    return tuple(recorded), tuple(missing)


def peers_of(distribution: str) -> tuple[Peer, ...]:
    """
    Return the peers of a library, one for each setting.

    Raises:
        PackageNotFoundError: the library is not installed.
        Exception: whatever a library raises that cannot be imported.
    """
    metadata.version(distribution)  # a folder that happens to have the module's name is not the library
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are for the library's own users
        peers: tuple[Peer, ...] = import_module(f"bide_peers.{ADAPTERS[distribution]}").PEERS
    return peers


def _reason(error: Exception) -> str:
    if isinstance(error, metadata.PackageNotFoundError):
        return "not installed"
    return printable(f"{type(error).__name__}: {error}")

"""The server counts the status calls that reach it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness import Api, api


def counts(server: Api) -> dict[str, Any]:
    """Return the counts of status calls."""
    return dict(server.get("/v1/stats").json["status_calls"])


def test_status_calls_are_counted_by_strategy() -> None:
    """Status calls in both wire formats, for unknown jobs too, count for their strategy; no others do."""
    with api() as server:
        job = server.submit()
        for path in (f"/v1/jobs/{job}", f"/status/{job}", "/v1/jobs/unknown", "/status/unknown"):
            server.get(path, Bide_Strategy="fixed")
        server.get(f"/v1/jobs/{job}")
        server.get("/healthz", Bide_Strategy="fixed")
        assert counts(server) == {"total": 5, "by_strategy": {"fixed": 4, "unnamed": 1}}


def test_no_call_is_lost_between_threads() -> None:
    """Calls that come at once are all counted."""
    with api() as server, ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda _: server.get("/v1/jobs/x", Bide_Strategy="a"), range(400)):
            pass
        assert counts(server) == {"total": 400, "by_strategy": {"a": 400}}


def test_labels_are_bounded() -> None:
    """A client that invents labels fills 256 of them and one for the rest, each of at most 64 characters."""
    with api() as server:
        for number in range(300):
            server.get("/v1/jobs/x", Bide_Strategy=f"{number:04}".ljust(5000, "x"))
        server.get("/v1/jobs/x", Bide_Strategy="0000".ljust(5000, "x"))
        seen = counts(server)
    assert seen["total"] == 301
    assert seen["by_strategy"]["other"] == 44
    assert len(seen["by_strategy"]) == 257
    assert max(map(len, seen["by_strategy"])) == 64

"""How long a new job need not be looked at: ``Retry-After``."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Api, api


def hint(server: Api, **request: Any) -> str | None:
    return server.post("/v1/jobs", **request).headers.get("retry-after")


@pytest.mark.parametrize(
    ("shortest", "said"), [(0, None), (0.999, None), (1, "1"), (5, "5"), (7.9, "7"), (10.0, "10")]
)
def test_it_is_the_shortest_duration_in_whole_seconds(shortest: float, said: str | None) -> None:
    """The hint is what every job lasts at least, rounded down so that nobody is late; none under 1 s."""
    with api(durations=f"{shortest}..10") as server:
        assert hint(server) == said


@pytest.mark.parametrize("duration", [0, 2, 60])
def test_a_pinned_duration_is_not_told_back(duration: float) -> None:
    """Whoever pins a duration gets no hint; whoever pins the outcome alone does."""
    with api() as server:
        assert hint(server, json={"input": {"duration": duration}}) is None
        assert hint(server, json={"input": {"outcome": "error"}}) == "5"


@pytest.mark.parametrize(("setting", "said"), [(0, None), (0.5, None), (3, "3"), (2.9, "2"), (3600, "3600")])
def test_a_setting_comes_before_all_else(setting: float, said: str | None) -> None:
    """The setting says what it says, whether it fits the job or not; 0 says nothing."""
    with api(retry_after=setting) as server:
        assert hint(server) == said
        assert hint(server, json={"input": {"duration": 1}}) == said


@pytest.mark.parametrize(
    ("later", "said"), [(0.9, "5"), (1, "4"), (4, "1"), (5, None), (3600, None), (-60, "5")]
)
def test_a_repeated_request_is_told_what_is_left(later: float, said: str | None) -> None:
    """A request that comes again is asked to wait for the rest only, and never longer than the first."""
    with api() as server:
        headers = {"Idempotency-Key": "a"}
        assert hint(server, headers=headers) == "5"
        server.clock.now += later
        assert hint(server, headers=headers) == said

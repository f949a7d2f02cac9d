"""Rate limits: so many requests per client and window, and answers that say what is left."""

from __future__ import annotations

import pytest
from falcon.testing import Result
from harness import Api, api

from bide.errors import ConfigError
from bide.server.faults import Faults
from bide.server.rate_limit import MOST_CLIENTS, RateLimit


def ask(server: Api, address: str = "127.0.0.1") -> Result:
    return server.client.simulate_get("/v1/jobs", remote_addr=address)


def test_what_is_too_much_is_refused_until_the_window_ends() -> None:
    """Three of a window of ten seconds pass, the fourth is told when to come back, and then passes."""
    with api(rate_limit=RateLimit(requests=3, window=10)) as server:
        passed = [ask(server).headers["ratelimit"] for _ in range(3)]
        server.clock.now += 6.5
        refused = ask(server)
        server.clock.now += 3.5
        again = ask(server)
    assert passed == ['"default";r=2;t=10', '"default";r=1;t=10', '"default";r=0;t=10']
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "4")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["ratelimit-policy"] == '"default";q=3;w=10'
    assert refused.headers["ratelimit"] == '"default";r=0;t=4'
    assert again.status_code == 200


def test_clients_do_not_share_a_limit() -> None:
    """One client's requests cost another nothing; and memory stays bounded with any number of clients."""
    with api(rate_limit=RateLimit(requests=1, window=60)) as server:
        codes = [ask(server, address).status_code for address in ("10.0.0.1", "10.0.0.2", "10.0.0.1")]
    assert codes == [200, 200, 429]
    assert MOST_CLIENTS >= 1000


def test_numbers_and_health_are_free() -> None:
    """Only requests for jobs count, of either wire format."""
    with api(rate_limit=RateLimit(requests=2, window=60)) as server:
        free = [server.get(path).status_code for path in ("/healthz", "/v1/stats")] * 3
        counted = [server.post("/").status_code, server.get("/status/x").status_code, ask(server).status_code]
    assert set(free) == {200}
    assert counted == [200, 404, 429]


def test_what_a_fault_refuses_counts_too() -> None:
    """The limit comes before the faults, and every answer tells what is left."""
    with api(rate_limit=RateLimit(requests=2, window=60), faults=Faults(errors=1)) as server:
        answers = [ask(server) for _ in range(3)]
    assert [answer.status_code >= 500 for answer in answers] == [True, True, False]
    assert answers[-1].status_code == 429
    assert [answer.headers["ratelimit"][:13] for answer in answers] == [
        '"default";r=1',
        '"default";r=0',
        '"default";r=0',
    ]


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    """After a step back by an hour the client's window is a new one."""
    with api(rate_limit=RateLimit(requests=1, window=10)) as server:
        ask(server)
        server.clock.now -= 3600
        assert ask(server).status_code == 200


@pytest.mark.parametrize(("requests", "window"), [(0, 1), (1.5, 1), (1, 0), (1, -1)])
def test_a_limit_that_is_none_is_refused(requests: int, window: float) -> None:
    """There is at least one request, and a window of some length."""
    with pytest.raises(ConfigError, match=r"^(requests|window): must be"):
        RateLimit(requests=requests, window=window)


def test_a_preflight_costs_nothing() -> None:
    """What a browser asks before a request from another origin counts for no limit, and is never refused."""
    preflight = {"Origin": "http://a.test", "Access-Control-Request-Method": "GET"}
    with api(rate_limit=RateLimit(requests=1, window=60)) as server:
        codes = [server.request("OPTIONS", "/v1/jobs", **preflight).status_code for _ in range(3)]
        assert codes == [200, 200, 200]
        assert [server.get("/v1/jobs").status_code for _ in range(2)] == [200, 429]

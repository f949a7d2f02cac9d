"""The server counts what reaches it: for people as JSON, for Prometheus, and line by line."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from falcon.testing import StartResponseMock, create_environ
from harness import NOON, Api, api
from prometheus_client.parser import text_string_to_metric_families

from bide.server.faults import Faults


def counts(server: Api) -> dict[str, Any]:
    """Return the counts of status calls, in all and by strategy."""
    calls = server.get("/v1/stats").json["status_calls"]
    return {name: calls[name] for name in ("total", "by_strategy")}


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


def test_methods_are_bounded() -> None:
    """However many methods a client invents, they count as one."""
    with api() as server:
        for number in range(3):
            server.app({**create_environ("/v1/jobs"), "REQUEST_METHOD": f"M{number}"}, StartResponseMock())
        (row,) = server.get("/v1/stats").json["requests"]["by_route"]
    assert row == {"method": "other", "route": "none", "status": 501, "count": 3}


def test_calls_that_show_no_end_are_wasted() -> None:
    """Pending, unchanged, unknown and refused are wasted; an end is not, in any format or among others."""
    with api(failing=0, faults=Faults(by_header=True)) as server:
        job, other = server.submit(duration=10), server.submit(duration=99)
        tag = server.get(f"/v1/jobs/{job}").headers["etag"]
        server.get(f"/v1/jobs/{job}", If_None_Match=tag)
        server.get("/v1/jobs/unknown")
        server.get(f"/v1/jobs/{job}", Bide_Fault="errors=1")
        wasted = server.get("/v1/stats").json["status_calls"]
        server.clock.now += 10
        for path in (f"/v1/jobs/{job}", f"/status/{job}", f"/v1/jobs?id={other}&id={job}"):
            server.get(path)
        after = server.get("/v1/stats").json["status_calls"]
    assert (wasted["total"], wasted["wasted"]) == (4, 4)
    assert (after["total"], after["wasted"], after["wasted_by_strategy"]) == (7, 4, {"unnamed": 4})


def test_the_series_has_calls_by_the_second() -> None:
    """Each second with calls has them by strategy, and what is older than five minutes is forgotten."""
    with api() as server:
        for second in range(400):
            server.clock.now = NOON + second
            server.get("/v1/jobs/x", Bide_Strategy="a")
        server.get("/v1/jobs/x", Bide_Strategy="b")
        series = server.get("/v1/stats").json["seconds"]
    assert len(series) == 300
    assert series[0] == {"second": int(NOON) + 100, "status_calls": {"a": 1}}
    assert series[-1] == {"second": int(NOON) + 399, "status_calls": {"a": 1, "b": 1}}


def test_prometheus_can_read_the_numbers() -> None:
    """Its own parser finds answers by method, route and status, and calls by strategy, as they were."""
    with api() as server:
        job = server.submit()
        for path in (f"/v1/jobs/{job}", "/v1/jobs/nobody", "/nowhere"):
            server.get(path, Bide_Strategy='odd "name"')
        text = server.get("/metrics").text
        routes = server.get("/v1/stats").json["requests"]["by_route"]
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    answers = {
        tuple(sample.labels.values()): sample.value
        for sample in samples
        if sample.name == "bide_answer_seconds_count"
    }
    assert answers == {
        ("POST", "/v1/jobs", "202"): 1,
        ("GET", "/v1/jobs/{id}", "200"): 1,
        ("GET", "/v1/jobs/{id}", "404"): 1,
        ("GET", "none", "404"): 1,
    }
    calls = {
        str(sample.labels): sample.value for sample in samples if sample.name == "bide_status_calls_total"
    }
    assert calls == {str({"strategy": 'odd "name"'}): 2}
    assert {"method": "GET", "route": "/v1/jobs/{id}", "status": 404, "count": 1} in routes


def test_each_request_is_a_line_of_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    """A line is JSON, and tells who asked for what and what came of it; no query, which may be secret."""
    with api() as server, caplog.at_level(logging.INFO, "bide.server.access"):
        server.get("/v1/jobs/x?key=secret", Bide_Strategy="fixed")
    line = json.loads(caplog.messages[-1])
    assert line.pop("seconds") >= 0
    assert line == {
        "time": NOON,
        "client": "127.0.0.1",
        "method": "GET",
        "path": "/v1/jobs/x",
        "status": 404,
        "strategy": "fixed",
    }


def test_a_lost_answer_is_no_good_one(caplog: pytest.LogCaptureFixture) -> None:
    """A fault has its name in the numbers, for Prometheus, and in the log: the status was never sent."""
    faults = Faults(by_header=True)
    with api(faults=faults) as server, caplog.at_level(logging.INFO, "bide.server.access"):
        path = f"/v1/jobs/{server.submit()}"
        with pytest.raises(ConnectionAbortedError):
            server.get(path, Bide_Fault="dropped=1")
        server.get(path)
        assert server.get("/v1/stats").json["faults"] == {"dropped": 1}
        assert 'bide_faults_total{fault="dropped"} 1.0' in server.get("/metrics").text
    created, lost, good, *_ = map(json.loads, caplog.messages)
    assert lost["fault"] == "dropped"
    assert "fault" not in created
    assert "fault" not in good

"""bide's wire format, spoken to the app without a socket."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import falcon
import pytest
from falcon.testing import Result, StartResponseMock, TestClient, create_environ
from harness import NOON, Clock, api

from bide.server import ServerConfig, create_app
from bide.server.service import JobService


def assert_problem(answer: Result, status: int) -> dict[str, Any]:
    """Assert that an answer is a problem document (RFC 9457) of this status, and return it."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["type"] == "about:blank"
    return dict(answer.json)


def test_a_new_job_is_accepted_and_pending() -> None:
    """Creating answers 202 with the job's address, and the job as it begins."""
    with api() as server:
        answer = server.post("/v1/jobs")
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{UUID(answer.json['id'])}"
    assert answer.json == {
        "id": answer.json["id"],
        "kind": "default",
        "status": "pending",
        "progress": 0.0,
        "created_at": "2027-01-15T08:00:00Z",
        "completed_at": None,
    }


def test_a_completed_job_has_a_result() -> None:
    """At its end a job says when that was, to the microsecond and in UTC, and what came of it."""
    with api() as server:
        path = f"/v1/jobs/{server.submit(duration=2.5, outcome='completed')}"
        server.clock.now += 60
        answer = server.get(path)
    assert answer.status_code == 200
    assert answer.json["status"] == "completed"
    assert answer.json["completed_at"] == "2027-01-15T08:00:02.500000Z"
    assert answer.json["result"] == {"duration": 2.5}
    assert "error" not in answer.json


@pytest.mark.parametrize("duration", [0, 0.000001, 0.1, 5, 7.654321, 86400.123456])
@pytest.mark.parametrize("second", [0.1, 1 / 3, 0.9999997])
def test_what_is_shown_of_times_adds_up(duration: float, second: float) -> None:
    """The result has the duration that was asked for, without noise, and it is that between the times."""
    with api() as server:
        server.clock.now += second
        path = f"/v1/jobs/{server.submit(duration=duration, outcome='completed')}"
        server.clock.now += 100_000
        job = server.get(path).json
    between = datetime.fromisoformat(job["completed_at"]) - datetime.fromisoformat(job["created_at"])
    assert (job["result"]["duration"], between) == (duration, timedelta(seconds=duration))


def test_a_failed_job_is_a_good_answer() -> None:
    """A job that failed is shown with status 200, its end and a message, and without a result."""
    with api() as server:
        path = f"/v1/jobs/{server.submit(duration='100ms', outcome='error')}"
        server.clock.now += 60
        answer = server.get(path)
    assert answer.status_code == 200
    assert answer.json["status"] == "error"
    assert answer.json["completed_at"] == "2027-01-15T08:00:00.100000Z"
    assert answer.json["error"] == {"message": "the simulated work failed"}
    assert "result" not in answer.json


def test_timestamps_are_those_of_the_clock() -> None:
    """The times in a job's document, read back, are the wall clock's."""
    with api() as server:
        path = f"/v1/jobs/{server.submit(duration=1.25)}"
        server.clock.now += 2
        job = server.get(path).json
    assert datetime.fromisoformat(job["created_at"]).timestamp() == NOON
    assert datetime.fromisoformat(job["completed_at"]).timestamp() == NOON + 1.25


@pytest.mark.parametrize(
    "body", ["", "{}", '{"input": {}}', '{"input": {"duration": null, "outcome": null}}']
)
def test_what_is_not_pinned_is_drawn(body: str) -> None:
    """No body, an empty one and empty pins all leave the job to the draw."""
    with api(durations="3s", failing=0) as server:
        created = server.post("/v1/jobs", body=body, content_type="application/json").json
        server.clock.now += 3
        job = server.get(f"/v1/jobs/{created['id']}").json
    assert (job["status"], job["result"]) == ("completed", {"duration": 3.0})


def test_jobs_survive_the_app(tmp_path: Path) -> None:
    """An app that opens the database of another, which was closed, shows the other's jobs."""
    database = str(tmp_path / "jobs.db")
    with api(database=database) as server:
        path = f"/v1/jobs/{server.submit(duration=5)}"
        before = server.get(path).json
    with api(database=database) as server:
        assert server.get(path).json == before


NAMED = [
    ('{"input": {"duration": -1}}', "#/input/duration", ["-1", ">= 0", "seconds"]),
    ('{"input": {"duration": 1e999}}', "#/input/duration", ["too large", "finite"]),
    ('{"input": {"duration": 2e9}}', "#/input/duration", ["2000000000", "<= 1e+09"]),
    (f'{{"input": {{"duration": 1{"0" * 400}}}}}', "#/input/duration", ["too large", "finite"]),
    ('{"input": {"duration": true}}', "#/input/duration", ["got true", "number"]),
    ('{"input": {"duration": [1]}}', "#/input/duration", ["got an array", "number"]),
    ('{"input": {"duration": "5"}}', "#/input/duration", ["'5'", "2m30s"]),
    ('{"input": {"duration": "-5s"}}', "#/input/duration", ["'-5s'", "2m30s"]),
    ('{"input": {"outcome": "failed"}}', "#/input/outcome", ["'failed'", "completed, error"]),
    ('{"input": {"outcome": 1}}', "#/input/outcome", ["got 1", "completed, error"]),
    ('{"input": {"outcome": "\\ud800"}}', "#/input/outcome", ["'\\ud800'", "completed, error"]),
    ('{"input": {"durtion": 1}}', "#/input", ["'durtion'", "did you mean 'duration'?"]),
    ('{"input": {"\\ud800": 1}}', "#/input", ["'\\ud800'", "known: duration, outcome"]),
    ('{"inputs": {}}', "#", ["'inputs'", "did you mean 'input'?"]),
    ('{"input": 5}', "#/input", ["got 5", "object"]),
    ('{"input": null}', "#/input", ["got null", "object"]),
    ('{"kind": {}}', "#/kind", ["got an object", "name of a kind"]),
    ("[]", "#", ["got an array", "object"]),
    ("null", "#", ["got null", "object"]),
]


@pytest.mark.parametrize(("body", "pointer", "words"), NAMED, ids=[body[:60] for body, *_ in NAMED])
def test_a_bad_value_is_named(body: str, pointer: str, words: list[str]) -> None:
    """JSON that breaks a rule is 422, with the place, the JSON value and the rule; and no job is made."""
    with api() as server:
        problem = assert_problem(server.post("/v1/jobs", body=body, content_type="application/json"), 422)
    (error,) = problem["errors"]
    assert error["pointer"] == pointer
    assert [word for word in words if word not in error["detail"]] == []


def test_a_long_text_is_not_looked_at_as_a_duration() -> None:
    """A duration of 60,000 digits is refused without being looked at, and shown shortened."""
    body = '{"input": {"duration": "' + "1" * 60_000 + '"}}'
    with api() as server:
        problem = assert_problem(server.post("/v1/jobs", body=body, content_type="application/json"), 422)
    assert len(problem["detail"]) < 300


NOT_JSON = {
    "half": b'{"input": ',
    "NaN": b'{"input": {"duration": NaN}}',
    "Infinity": b'{"input": {"duration": -Infinity}}',
    "not UTF-8": b'{"input": "\xff"}',
    "UTF-16": '{"input": {}}'.encode("utf-16"),
    "nested too deeply": b"[" * 30_000,
    "nested objects": b'{"input":' * 7_000,
    "blank": b" ",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    """A body that is no JSON is 400, and the problem says so."""
    with api() as server:
        problem = assert_problem(server.post("/v1/jobs", body=body, content_type="application/json"), 400)
    assert problem["detail"].startswith("the body is not JSON: ")


@pytest.mark.parametrize("depth", range(100, 1000, 50))
def test_deep_nesting_is_never_an_error_of_the_server(depth: int) -> None:
    """However deep a value is nested, parsed or not, the answer is 400 or 422."""
    body = '{"input": {"outcome": ' + "[" * depth + "]" * depth + "}}"
    with api() as server:
        answer = server.post("/v1/jobs", body=body, content_type="application/json")
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize(
    "given", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ";"]
)
def test_another_media_type_is_refused(given: str) -> None:
    """A body that does not claim to be JSON is 415, and the problem names the type."""
    with api() as server:
        problem = assert_problem(server.post("/v1/jobs", body="{}", content_type=given), 415)
    assert repr(given) in problem["detail"]


@pytest.mark.parametrize("given", ["application/json", "Application/JSON; charset=utf-8", None])
def test_json_may_be_called_so_in_any_way(given: str | None) -> None:
    """The media type counts without case and parameters; without any, a body is taken for JSON."""
    with api() as server:
        headers = {} if given is None else {"Content-Type": given}
        assert server.post("/v1/jobs", body="{}", headers=headers).status_code == 202


def test_a_large_body_is_refused() -> None:
    """One byte more than 64 KiB is 413; 64 KiB are read."""
    with api() as server:
        fits = "{}".ljust(64 * 1024)
        assert server.post("/v1/jobs", body=fits, content_type="application/json").status_code == 202
        assert_problem(server.post("/v1/jobs", body=fits + " ", content_type="application/json"), 413)


def test_an_unknown_job_is_a_problem() -> None:
    """An id that nobody was given is 404, and the problem names it."""
    unknown = "00000000-0000-4000-8000-000000000000"
    with api() as server:
        problem = assert_problem(server.get(f"/v1/jobs/{unknown}"), 404)
    assert repr(unknown) in problem["detail"]


@pytest.mark.parametrize("path", ["/v1", "/v2/jobs", "/v1/jobs/a/b", "/favicon.ico", "/%00", "/\ufffd"])
def test_an_unknown_route_is_a_problem(path: str) -> None:
    """Where there is no route, the answer is a 404 problem."""
    with api() as server:
        assert_problem(server.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/jobs", "GET, HEAD, OPTIONS, POST"),
        ("PATCH", "/v1/jobs/x", "DELETE, GET, HEAD, OPTIONS"),
        ("POST", "/v1/stats", "GET, HEAD, OPTIONS"),
        ("PUT", "/healthz", "GET, HEAD, OPTIONS"),
        ("PUT", "/", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/status/x", "GET, OPTIONS"),
    ],
)
def test_a_wrong_method_is_a_problem(method: str, path: str, allowed: str) -> None:
    """A method that a route does not have is a 405 problem, which lists those that it has."""
    with api() as server:
        answer = server.request(method, path)
    assert_problem(answer, 405)
    assert ", ".join(sorted(answer.headers["allow"].split(", "))) == allowed


@pytest.mark.parametrize(
    ("method", "status"), [("FOO", 501), ("get", 501), ("", 501), ("CONNECT", 405), ("PATCH", 405)]
)
def test_a_word_that_is_no_method_is_a_problem(method: str, status: int) -> None:
    """A method that nobody knows is a 501 problem, one that this is no place for a 405 problem."""
    with api() as server:
        begun = StartResponseMock()
        (body,) = server.app({**create_environ("/v1/jobs"), "REQUEST_METHOD": method}, begun)
    assert begun.headers_dict["content-type"] == "application/problem+json"
    assert str(begun.status)[:3] == str(json.loads(body)["status"])
    assert json.loads(body)["status"] == status


def test_a_bug_is_logged_and_told_to_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception that nobody expected is a 500 problem without its text; the log has the trace."""

    def broken(*_: object) -> None:
        raise RuntimeError("the secret")

    monkeypatch.setattr(JobService, "find", broken)
    with api() as server:
        answer = server.get("/v1/jobs/x")
    assert_problem(answer, 500)
    assert "secret" not in answer.text
    assert "RuntimeError: the secret" in caplog.text


def test_health() -> None:
    """The health check answers ok."""
    with api() as server:
        assert server.get("/healthz").json == {"status": "ok"}


def test_any_origin_may_call() -> None:
    """A browser may use the API from any origin, with the header that names its strategy."""
    with api() as server:
        headers = server.get("/healthz", Origin="http://x").headers
        assert headers["access-control-allow-origin"] == "*"
        exposed = set(headers["access-control-expose-headers"].split(", "))
        assert exposed >= {"ETag", "Link", "Location", "Preference-Applied", "RateLimit", "Retry-After"}
        asked = {
            "Origin": "http://x",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "Bide-Strategy",
        }
        allowed = server.client.simulate_options("/v1/jobs", headers=asked)
    assert allowed.status_code == 200
    assert "POST" in allowed.headers["access-control-allow-methods"]
    assert allowed.headers["access-control-allow-headers"] in {"*", "Bide-Strategy"}


def test_a_closed_app_answers_without_its_store() -> None:
    """After the app was closed, requests for jobs are 500 problems, and nothing hangs."""
    app = create_app(ServerConfig(), clock=Clock())
    app.close()
    client = TestClient(app)
    assert_problem(client.simulate_get("/v1/jobs/x"), 500)
    assert client.simulate_get("/healthz").status == falcon.HTTP_200

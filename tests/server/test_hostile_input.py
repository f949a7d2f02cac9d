"""Whatever a client sends, the app answers, and never with an error of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from falcon.testing import Result
from harness import Api, api
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Hypothesis runs many examples against one app: nothing in it remembers them but its counters.
many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["\ud800", "2s"])
)
names = st.sampled_from(["input", "duration", "outcome", "\udfff"]) | st.text()
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4)
)
# Text that looks like JSON for a while.
scraps = st.lists(
    st.sampled_from(
        ['{"input":', '{"duration":', '{"outcome":', "{", "}", "[", "]", '"', ",", "1e999", "\\ud800", "-"]
    )
).map("".join)
ids = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["..", "%2e", "a/b", "a?b", "%00", "%ff"]
)

header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255)) | st.lists(
    st.sampled_from(['W/"', '"', "wait=", "pending-0", "9" * 30, ",", ";", "*", "\\", " ", "=", "key"])
).map("".join)


@pytest.fixture
def server() -> Iterator[Api]:
    """An app of its own for each test."""
    with api() as server:
        yield server


def assert_answered(answer: Result) -> None:
    """Assert that an answer is a job or a problem, and not a 5xx."""
    assert answer.status_code < 500
    kind = "application/json" if answer.status_code < 300 else "application/problem+json"
    assert answer.headers["content-type"] == kind
    assert isinstance(answer.json, dict)


def post(server: Api, body: bytes | str, content_type: str = "application/json") -> Result:
    return server.post("/v1/jobs", body=body, content_type=content_type)


@many
@given(document=documents)
def test_any_json_is_answered(server: Api, document: Any) -> None:
    """Any JSON as the body of a new job makes a job or a problem."""
    assert_answered(post(server, json.dumps(document)))


@many
@given(document=documents)
def test_any_pins_are_answered(server: Api, document: Any) -> None:
    """Any JSON where a duration and an outcome belong makes a job or a problem."""
    for name in ("duration", "outcome"):
        assert_answered(post(server, json.dumps({"input": {name: document}})))


@many
@given(body=st.binary() | scraps)
def test_any_bytes_are_answered(server: Api, body: bytes | str) -> None:
    """Any bytes as the body of a new job make a job or a problem."""
    assert_answered(post(server, body))


@many
@given(content_type=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=50))
def test_any_media_type_is_answered(server: Api, content_type: str) -> None:
    """Any claim about the body makes a job or a problem."""
    assert_answered(post(server, "{}", content_type))


@many
@given(name=ids)
def test_any_id_is_answered(server: Api, name: str) -> None:
    """Any text in the place of an id is answered, in both wire formats, and never taken for a job."""
    path = name.replace("?", "%3F")
    assert_answered(server.get(f"/v1/jobs/{path}"))
    assert server.get(f"/status/{path}").status_code == 404


@many
@given(name=ids)
def test_any_job_may_be_cancelled_or_held(server: Api, name: str) -> None:
    """Any text in the place of an id is answered when it is cancelled, or waited for, or one of many."""
    path = f"/v1/jobs/{name.replace('?', '%3F')}"
    assert_answered(server.request("DELETE", path))
    assert_answered(server.get(path, Prefer="wait=1"))
    assert_answered(server.client.simulate_get("/v1/jobs", params={"id": [name, "x"]}))


@many
@given(
    query=st.text(
        st.sampled_from("id=&limcursor%0Ff+,;") | st.characters(min_codepoint=33, max_codepoint=126)
    )
)
def test_any_query_is_answered(server: Api, query: str) -> None:
    """Any text in the place of a query gets jobs or a problem."""
    assert_answered(server.client.simulate_get("/v1/jobs", query_string=f"x&{query}"))
    for name in ("limit", "cursor"):
        assert_answered(server.client.simulate_get("/v1/jobs", params={name: query}))


@many
@given(value=header_values)
@pytest.mark.parametrize("header", ["Bide-Strategy", "Host", "Accept", "Origin", "Cookie", "Range"])
def test_any_header_is_answered(server: Api, header: str, value: str) -> None:
    """Any value of a header that the app or its framework may look at leaves the answer below 500."""
    for path in ("/v1/jobs/x", "/v1/stats", "/healthz"):
        assert server.client.simulate_get(path, headers={header: value}).status_code < 500


@many
@given(value=header_values)
def test_any_header_of_the_api_is_answered(server: Api, value: str) -> None:
    """Any value of the headers that the app itself reads gets a job, or 304, or a problem."""
    created = server.post("/v1/jobs", headers={"Idempotency-Key": value})
    assert_answered(created)
    job = created.json.get("id", server.submit())
    assert_answered(server.get(f"/v1/jobs/{job}", Prefer=value))
    assert server.get(f"/v1/jobs/{job}", If_None_Match=value).status_code in {200, 304}

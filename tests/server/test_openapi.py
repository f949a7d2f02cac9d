"""The OpenAPI document says what the server does: no more, and no less."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from falcon.inspect import inspect_routes
from falcon.testing import Result
from harness import Api, api
from jsonschema import Draft202012Validator

from bide.server import JobKind, ServerConfig, create_app
from bide.server.faults import Faults
from bide.server.keys import hash_of
from bide.server.openapi import document
from bide.server.rate_limit import RateLimit
from bide.testing import running_server

Node = dict[str, Any]

DOCUMENT = document(["default", "video"], keyed=True, by_header=True)
OPTIONS = ("--phases", "coverage", "--include-path-regex", "^/v1/jobs", "--exclude-method", "HEAD")
METHODS = {"get", "head", "post", "delete"}
OF_EVERY_ANSWER = {"content-type", "content-length"}


def resolved(node: Node) -> Node:
    """Return a node of the document, or what it refers to."""
    if "$ref" not in node:
        return node
    _, *steps = node["$ref"].split("/")
    for step in steps:
        node = node[step] if "$ref" not in node else DOCUMENT[step]
    return node


def operations() -> Iterator[tuple[str, str, Node]]:
    """Yield the method, the path and the node of each operation."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS & item.keys():
            yield method.upper(), path, item[method]


def validator(schema: Node) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def answers(operation: Node) -> Iterator[tuple[str, Node]]:
    """Yield the status and the node of each answer that an operation may give."""
    for status, answer in operation["responses"].items():
        yield status, resolved(answer)


class Session:
    """Sends requests, and holds each answer against the document."""

    def __init__(self, server: Api, seen: set[tuple[str, str, str]]) -> None:
        self.server = server
        self.seen = seen

    def send(self, method: str, path: str, template: str, **request: Any) -> Result:
        """Send a request, and assert that its answer is as the document has it."""
        answer = self.server.client.simulate_request(method, path, **request)
        operation = DOCUMENT["paths"][template][method.lower()]
        status = str(answer.status_code)
        documented = status if status in operation["responses"] else f"{status[0]}XX"
        assert_as_documented(answer, resolved(operation["responses"][documented]))
        self.seen.add((method, template, documented))
        return answer

    def look(self, path: str, template: str, **request: Any) -> None:
        """Send the same request as GET and as HEAD."""
        for method in ("GET", "HEAD"):
            self.send(method, path, template, **request)


def assert_as_documented(answer: Result, node: Node) -> None:
    names = {name.lower() for name in node.get("headers", {})}
    assert set(answer.headers) <= names | OF_EVERY_ANSWER
    if "content" not in node:
        assert not answer.content
        return
    content = {media_type.partition(";")[0]: media for media_type, media in node["content"].items()}
    media = content[answer.headers["content-type"].partition(";")[0]]
    if answer.content and media["schema"] != {"type": "string"}:
        validator(media["schema"]).validate(answer.json)


def ask_for_everything(session: Session) -> None:
    """Send requests that are answered in every way but those that the configuration makes."""
    server, jobs, job = session.server, "/v1/jobs", "/v1/jobs/{id}"
    session.send("POST", jobs, jobs)
    for media_type, body in (("text/plain", "x"), ("application/json", "{"), ("application/json", "[]")):
        session.send("POST", jobs, jobs, body=body, headers={"Content-Type": media_type})
    session.send("POST", jobs, jobs, body=" " * 70_000)
    video = session.send("POST", jobs, jobs, json={"kind": "video"}, headers={"Idempotency-Key": "a"}).json[
        "id"
    ]
    failed, other = server.submit(outcome="error", duration=1), server.submit(duration=99)
    for path in (f"/v1/jobs/{failed}", f"/v1/jobs/{other}", f"/v1/jobs/{video}"):
        session.look(path, job)
        server.clock.now += 5
        session.look(path, job, headers={"Prefer": "wait=1"})
    session.look(path, job, headers={"If-None-Match": "*"})
    session.look("/v1/jobs/x", job)
    for query in ("", "limit=1", "id=x&id=" + other, "limit=0"):
        session.look(jobs, jobs, query_string=query)
    for known in (other, "x"):
        session.send("DELETE", f"/v1/jobs/{known}", job)
    older = session.send("POST", "/", "/").json["payload"]["jobID"]
    for known in (older, failed, "x"):
        session.send("GET", f"/status/{known}", "/status/{id}")
    for path in ("/", "/v1/stats", "/metrics", "/healthz", "/openapi.json"):
        session.look(path, path)


def ask_for_all(session: Session, status: str, **headers: str) -> None:
    """Send a request to each operation that may have an answer of this status."""
    for method, template, operation in operations():
        if status in operation["responses"]:
            session.send(method, template.replace("{id}", "x"), template, headers=headers)


def test_every_route_is_in_the_document_and_no_other() -> None:
    """The document has the routes and methods of the app."""
    with create_app(ServerConfig()) as app:
        routes = {
            (method.method, route.path)
            for route in inspect_routes(app)
            for method in route.methods
            if not method.internal  # Falcon's own answers to other methods
        }
    assert routes == {(method, path) for method, path, _ in operations()}


def test_every_answer_is_as_documented_and_every_documented_answer_is_given() -> None:
    """A session gets every answer of every operation: status, headers and body are as the document says."""
    seen: set[tuple[str, str, str]] = set()
    kinds = {"video": JobKind(durations="10s", progress="none", failing=0, result={"a": [None]})}
    with api(kinds=kinds) as server:
        ask_for_everything(Session(server, seen))
    with api(keys={"me": hash_of("mine")}) as server:
        ask_for_all(Session(server, seen), "401")
    with api(rate_limit=RateLimit(requests=1, window=60)) as server:
        server.submit()
        ask_for_all(Session(server, seen), "429")
    with api(faults=Faults(by_header=True)) as server:
        ask_for_all(Session(server, seen), "429", **{"Bide-Fault": "nonsense"})
        ask_for_all(
            Session(server, seen), "5XX", **{"Bide-Fault": "errors=1, statuses=[503], retry_after='soon'"}
        )
    documented = {
        (method, path, status) for method, path, node in operations() for status, _ in answers(node)
    }
    assert seen == documented


def test_what_is_open_to_all_is_open_to_all() -> None:
    """Without a key, what the document calls open is answered, and only that."""
    with api(keys={"me": hash_of("mine")}) as server:
        for path, item in server.get("/openapi.json").json["paths"].items():
            for method in METHODS & item.keys():
                refused = server.request(method.upper(), path.replace("{id}", "x")).status_code == 401
                assert refused is (item[method]["security"] == [{"key": []}])


def test_a_server_without_keys_tells_of_none() -> None:
    """Its document wants none, for any operation."""
    with api() as server:
        assert "401" not in str(server.get("/openapi.json").json["paths"])


def test_only_a_server_that_takes_faults_tells_of_their_header() -> None:
    """Elsewhere no operation has the parameter, because the server refuses it."""
    for by_header in (True, False):
        with api(faults=Faults(by_header=by_header)) as server:
            assert ("parameters/Fault" in str(server.get("/openapi.json").json["paths"])) is by_header


def test_every_example_is_valid() -> None:
    """Each example of a body matches the schema beside it."""
    contents = [
        operation["requestBody"]["content"] for *_, operation in operations() if "requestBody" in operation
    ]
    contents += [
        answer.get("content", {}) for *_, operation in operations() for _, answer in answers(operation)
    ]
    media = [media for content in contents for media in content.values()]
    examples = [
        (one["schema"], example["value"]) for one in media for example in one.get("examples", {}).values()
    ]
    assert len(examples) > 8
    for schema, example in examples:
        validator(schema).validate(example)


@pytest.mark.parametrize(
    ("order", "valid"),
    [
        ({}, True),
        ({"kind": "video", "input": {}}, True),
        ({"kind": None, "input": {"duration": None, "outcome": None}}, True),
        ({"input": {"duration": "1d2h3m4.5s6ms7us"}}, True),
        ({"input": {"duration": 1e9}}, True),
        ({"input": {"duration": "9999d9999h999999m9999999s9999999999ms9999999999999us"}}, True),
        ({"input": {"duration": 1.1e9}}, False),
        ({"input": {"duration": "2s1m"}}, False),
        ({"input": {"duration": ""}}, False),
        ({"input": {"duration": "5"}}, False),
        ({"input": {"duration": -1}}, False),
        ({"input": {"duration": True}}, False),
        ({"input": {"outcome": "cancelled"}}, False),
        ({"input": None}, False),
        ({"kind": "movie"}, False),
        ({"jobs": 1}, False),
    ],
)
def test_what_an_order_may_say_is_what_the_server_takes(order: Node, valid: bool) -> None:
    """The schema of a request for a job takes what the server takes, and refuses what it refuses."""
    with api(kinds={"video": JobKind()}) as server:
        assert (server.post("/v1/jobs", json=order).status_code == 202) is valid
    assert validator({"$ref": "#/components/schemas/Order"}).is_valid(order) is valid


@pytest.mark.slow
@pytest.mark.wire
@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """All its checks pass at the routes of jobs, phase coverage; the reference tells of the long form."""
    for name in ("schemathesis.toml", "schemathesis_hooks.py"):
        shutil.copy(Path(__file__).with_name(name), tmp_path)  # it keeps a folder where it runs
    kinds = {"default": JobKind(failing=0), "video": JobKind(failing=1)}
    with running_server(ServerConfig(speed=1e9, kinds=kinds)) as url:
        run = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", *OPTIONS],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stdout
    assert re.search(r"\d{3} generated, \d+ passed", run.stdout)

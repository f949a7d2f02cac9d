"""What a mapping makes of an answer, of any answer, and what is no mapping."""

from __future__ import annotations

import json
import pickle
import time
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide import ConfigError, JobNotFound, Observation, RequestError, RequestRefused
from bide.convert import to_data
from bide.durations import MAX_SECONDS
from bide.http.answers import Answer, Ask
from bide.http.catalogue import find_mapping, mapping_from_config, mapping_from_options, mappings
from bide.http.mapping import JobMapping
from bide.http.shape import UnknownShape

SIMPLE = JobMapping(status="state", completed=["done"], failed=["broken"])


def answer_of(body: Any, code: int = 200, **headers: str) -> Answer:
    """Return an answer with this JSON, or these bytes, in it."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(Ask("GET", "https://api.test/jobs/1"), code, named, content)


def observed(mapping: JobMapping, body: Any, code: int = 200, **headers: str) -> Observation:
    """Return what a mapping makes of a body."""
    return mapping.observation(answer_of(body, code, **headers))


def field_of(name: str, expression: str, body: Any, **fields: Any) -> Any:
    """Return one field of what a mapping with one expression makes of an ended job's body."""
    mapping = JobMapping(status="'done'", completed="done", **{name: expression}, **fields)
    return getattr(observed(mapping, body), name)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("done", "completed"),
        ("DONE", "completed"),
        (" Done ", "completed"),
        ("broken", "error"),
        ("on its way", "pending"),
        ("", "pending"),
        (False, "pending"),
        (0, "pending"),
    ],
)
def test_values_are_compared_as_text_whatever_their_case(value: Any, status: str) -> None:
    """Without a list of pending values, every other value is pending."""
    assert observed(SIMPLE, {"state": value}).status == status


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (3, "3"), (0, "0"), (1.5, "1.5"), (-1, "-1")]
)
def test_truths_and_numbers_are_values_as_json_writes_them(value: Any, text: str) -> None:
    """An API may say that a job is done with a truth, or number its statuses."""
    mapping = JobMapping(status="done", pending=["nothing"], completed=[text])
    assert observed(mapping, {"done": value}).status == "completed"


@pytest.mark.parametrize("value", ["strange", ["done"], {"done": True}, [], {}])
def test_a_value_that_is_not_listed_is_named_with_those_that_are(value: Any) -> None:
    """With a list of pending values the mapping knows them all; what is no scalar is no value anyway."""
    mapping = JobMapping(status="state", pending=["busy"], completed=["done"], failed=["broken"])
    with pytest.raises(RequestError, match="known: busy, done, broken") as caught:
        observed(mapping, {"state": value})
    assert repr(value) in str(caught.value)
    assert not isinstance(caught.value, RequestRefused)


def test_a_status_is_a_scalar_even_when_all_else_is_pending() -> None:
    """A list says nothing, so the poll failed."""
    with pytest.raises(RequestError, match="answered the status"):
        observed(SIMPLE, {"state": ["done"]})


@pytest.mark.parametrize(
    ("code", "status"),
    [(202, "pending"), (200, "completed"), (303, "completed"), (422, "error"), (418, "error")],
)
def test_codes_can_be_values(code: int, status: str) -> None:
    """A code that is listed, or its class, goes before the body and before what it usually means."""
    mapping = JobMapping(
        status="state",
        pending=["HTTP 202"],
        completed=["http 200", "HTTP 303"],
        failed=["HTTP 4xx"],
        cancelled=["stopped"],
    )
    assert observed(mapping, {"state": "stopped"}, code).status == status
    assert observed(mapping, {"state": "stopped"}, 201).status == "cancelled"


def test_codes_alone_need_no_body() -> None:
    """Nothing is read that no expression asks for, and an empty body has nothing in it."""
    mapping = JobMapping(pending=["HTTP 202"], completed=["HTTP 200"])
    assert observed(mapping, b"<html>Accepted</html>", 202).status == "pending"
    reading = JobMapping(pending=["HTTP 202"], completed=["HTTP 200"], result="@", job_id="id")
    assert reading.observation(answer_of(b"", 200), "a1") == Observation("completed", said="HTTP 200")
    with pytest.raises(RequestError, match="no JSON"):
        observed(reading, b"<html>Welcome</html>")


def test_a_code_of_success_that_is_not_listed_is_pending_or_named() -> None:
    """As with any other value."""
    assert observed(JobMapping(completed=["HTTP 200"]), b"", 202).status == "pending"
    with pytest.raises(RequestError, match="'HTTP 203'; known: HTTP 202, HTTP 200"):
        observed(JobMapping(pending=["HTTP 202"], completed=["HTTP 200"]), b"", 203)


def test_a_code_among_the_pending_values_does_not_close_the_list() -> None:
    """All that a body may say is known only when a value of the body is listed."""
    mapping = JobMapping(status="state", pending=["HTTP 202"], completed=["done"])
    assert observed(mapping, b" \r\n", 202).status == "pending"
    assert observed(mapping, {"state": "busy"}).status == "pending"


def test_an_error_that_is_read_may_be_a_job() -> None:
    """The body of a listed error is a job if it has a status; if not, the code is what it usually is."""
    mapping = JobMapping(
        status="state", completed=["done"], failed=["broken"], error="why", read=["500", "404"]
    )
    assert observed(mapping, {"state": "broken", "why": "fire"}, 500) == Observation(
        "error", result="fire", said="broken"
    )
    assert observed(mapping, {"state": "done"}, 404).status == "completed"
    bodies: list[Any] = [{"message": "oops"}, b"<html>", b"", [], {"state": ["done"]}]
    for body in bodies:
        with pytest.raises(RequestError, match="500 Internal Server Error") as caught:
            observed(mapping, body, 500, retry_after="3")
        assert type(caught.value) is RequestError
        assert caught.value.hint == 3
        with pytest.raises(JobNotFound):
            observed(mapping, body, 404)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (408, RequestError),
        (425, RequestError),
        (429, RequestError),
        (500, RequestError),
        (503, RequestError),
        (599, RequestError),
        (404, JobNotFound),
        (410, JobNotFound),
        (400, RequestRefused),
        (401, RequestRefused),
        (403, RequestRefused),
        (301, RequestRefused),
    ],
)
def test_codes_mean_what_they_usually_do(code: int, kind: type[RequestError]) -> None:
    """Unless the mapping says otherwise, whatever the body says."""
    with pytest.raises(RequestError, match=f"GET https://api.test/jobs/1 answered {code}") as caught:
        observed(SIMPLE, {"state": "done"}, code)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("transient", "fatal", "code", "kind"),
    [
        (["404"], [], 404, RequestError),
        (["4xx"], [], 404, RequestError),
        (["4XX"], ["404"], 404, JobNotFound),
        (["404"], ["4xx"], 404, RequestError),
        (["404"], ["4xx"], 429, RequestRefused),
        ([], ["5xx"], 503, RequestRefused),
        (["503"], ["5xx"], 503, RequestError),
        (["302"], [], 302, RequestError),
    ],
)
def test_codes_move_from_one_side_to_the_other(
    transient: list[str], fatal: list[str], code: int, kind: type[RequestError]
) -> None:
    """A code that is listed itself goes before its class."""
    mapping = JobMapping(status="state", completed=["done"], transient=transient, fatal=fatal)
    with pytest.raises(RequestError) as caught:
        observed(mapping, {"state": "done"}, code)
    assert type(caught.value) is kind


def test_a_403_that_says_when_to_come_back_is_transient() -> None:
    """So do APIs answer a client that asks too often; a mapping may say otherwise."""
    with pytest.raises(RequestError) as caught:
        observed(SIMPLE, {}, 403, retry_after="60")
    assert (type(caught.value), caught.value.hint) == (RequestError, 60)
    with pytest.raises(RequestRefused):
        observed(JobMapping(status="state", completed="done", fatal="403"), {}, 403, retry_after="60")


def test_where_a_redirect_leads_is_told_without_secrets() -> None:
    """A URL may be signed."""
    with pytest.raises(RequestRefused, match=r"which leads to 'https://there\.test/login\?sig=…'") as caught:
        observed(SIMPLE, b"", 302, location="https://me:pass@there.test/login?sig=s3cret#frag")
    assert not [secret for secret in ("me", "pass", "s3cret", "frag") if f"{secret}" in str(caught.value)]


@pytest.mark.parametrize(
    ("value", "done", "progress"),
    [
        (0.42, 1, 0.42),
        (42, 100, 0.42),
        ("42", 100, 0.42),
        ("42%", 1, 0.42),
        ("42 %", 7, 0.42),
        (3, 2, 1.0),
        (-3, 2, 0.0),
        (10**400, 1, None),
        (True, 1, None),
        ("half", 1, None),
        ("%", 1, None),
        ("nan", 1, None),
        ("inf", 1, None),
        (None, 1, None),
        ([0.5], 1, None),
        (float("nan"), 1, None),
        (3, "total", 0.75),
        (3, "nothing", None),
        (3, "zero", None),
        (3, "minus", None),
        (3, "text", None),
    ],
)
def test_progress_is_a_share(value: Any, done: Any, progress: float | None) -> None:
    """Of a number, or of what an expression finds; a percentage in text is one whatever that says."""
    body = {"share": value, "total": 4, "zero": 0, "minus": -1, "text": "all"}
    assert field_of("progress", "share", body, progress_done=done) == progress


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2026-11-22T10:00:00Z", 1795341600.0),
        ("2026-11-22T10:00:00", 1795341600.0),
        ("2026-11-22 11:00:00+01:00", 1795341600.0),
        ("2026-11-22T10:00:00.250000000Z", 1795341600.25),
        (1795341600, 1795341600.0),
        (1795341600.25, 1795341600.25),
        (1795341600250, 1795341600.25),
        (0, None),
        (-5, None),
        (True, None),
        ("", None),
        ("1795341600", None),
        ("yesterday", None),
        ("9999-99-99T00:00:00Z", None),
        (None, None),
        ({}, None),
    ],
)
def test_moments_are_iso_8601_or_epochs(value: Any, at: float | None) -> None:
    """In UTC unless they say otherwise; 0 stands for a job that has not ended."""
    assert field_of("completed_at", "at", {"at": value}) == at


def test_a_moment_without_a_zone_is_in_utc_wherever_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the zone of the machine that waits."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert field_of("completed_at", "at", {"at": "2026-11-22T10:00:00"}) == 1795341600.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_a_job_says_of_its_end_is_read_at_its_end_only() -> None:
    """A partial result is no result, and an old error no failure."""
    mapping = JobMapping(
        status="state",
        completed=["done"],
        failed=["broken"],
        cancelled=["stopped"],
        result="out",
        error="why",
        completed_at="at",
    )
    body = {"out": 1, "why": 2, "at": 5}
    assert observed(mapping, body | {"state": "busy"}) == Observation("pending", said="busy")
    keeping = attrs.evolve(mapping, detail="[state, out]")
    assert observed(keeping, body | {"state": "busy"}).result == ["busy", 1]
    assert observed(keeping, body | {"state": "done"}).result == 1
    assert observed(mapping, body | {"state": "done"}) == Observation(
        "completed", completed_at=5, result=1, said="done"
    )
    assert observed(mapping, body | {"state": "broken"}) == Observation(
        "error", completed_at=5, result=2, said="broken"
    )
    assert observed(mapping, body | {"state": "stopped"}) == Observation(
        "cancelled", completed_at=5, result=2, said="stopped"
    )


def test_a_hint_in_the_headers_goes_before_one_in_the_body() -> None:
    """The server says the one to all clients, of whatever it answers; the other is an estimate."""
    mapping = JobMapping(status="state", completed=["done"], hint="eta")
    assert observed(mapping, {"state": "busy", "eta": 12.5}).hint == 12.5
    assert observed(mapping, {"state": "busy", "eta": 12.5}, retry_after="3").hint == 3
    assert observed(mapping, {"state": "busy", "eta": 1e300}).hint == MAX_SECONDS
    for eta in (-1, "soon", None, True, [1]):
        assert observed(mapping, {"state": "busy", "eta": eta}).hint is None


def test_an_answer_about_another_job_is_a_failed_poll() -> None:
    """Ids are compared as text; one that is missing is another; without one asked for, none is looked at."""
    mapping = JobMapping(status="state", completed=["done"], job_id="id")
    assert mapping.observation(answer_of({"state": "done", "id": 7}), "7").status == "completed"
    assert mapping.observation(answer_of({"state": "done"})).status == "completed"
    for named in ({"id": "8"}, {"id": None}, {}, {"id": ["7"]}):
        with pytest.raises(RequestError, match="another job") as caught:
            mapping.observation(answer_of({"state": "done"} | named), "7")
        assert type(caught.value) is RequestError


def test_urls_are_found_in_headers_and_bodies() -> None:
    """The first place that has one counts, and a header is written with its colon."""
    mapping = JobMapping(
        status="state",
        completed=["done"],
        next_url=["Operation-Location:", "links.self", "location:"],
        result_url="links.result",
    )
    both = answer_of({"links": {"self": "/b", "result": "/r"}}, operation_location="/a")
    assert mapping.next_url_in(both) == "/a"
    assert mapping.next_url_in(answer_of({"links": {"self": "/b"}}, Location="/c")) == "/b"
    assert mapping.next_url_in(answer_of({}, LOCATION=" /c ")) == "/c"
    assert mapping.next_url_in(answer_of(b"")) is None
    assert mapping.result_url_in(both) == "/r"
    for found in (["/a"], 5, "", "/a\r\nHost: b"):
        with pytest.raises(RequestError, match=r"links\.result"):
            mapping.result_url_in(answer_of({"links": {"result": found}}))


BAD_BODIES = [
    b"",
    b"{",
    b"<!DOCTYPE html><html><body>Sign in</body></html>",
    b"\xff\xfe\x00\xd8",
    b"[" * 100_000,
    b'{"state": ' + b"9" * 5000 + b"}",
    b'{"state": "' + b"x" * 10_000,
    b"\x00\x1b[31mred",
]


@pytest.mark.parametrize("body", BAD_BODIES)
@pytest.mark.parametrize("name", ["bide", "seed", "azure", "google-longrunning"])
def test_a_body_that_is_no_json_is_a_failed_poll(name: str, body: bytes) -> None:
    """It is named with the request, in one printable line."""
    with pytest.raises(RequestError, match=r"GET https://api\.test/jobs/1 answered no") as caught:
        observed(find_mapping(name), body)
    assert type(caught.value) is RequestError
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_the_odd_parts_of_json_do_no_harm_where_nobody_reads_them() -> None:
    """What a completed job produced is handed on as it is."""
    body = b'\xef\xbb\xbf{"state": "done", "out": [NaN, Infinity, "\\ud800", 1e999]}'
    mapping = JobMapping(status="state", completed=["done"], result="out")
    assert str(observed(mapping, body).result) == str([float("nan"), float("inf"), "\ud800", float("inf")])


@pytest.mark.parametrize(
    "expression",
    ["length(state)", "state[::0]", "to_number(state).x | sum(@)", "ceil(`1` && big)", "sort_by(@, &x)"],
)
def test_an_expression_that_fails_over_an_answer_is_a_failed_poll(expression: str) -> None:
    """The error names the expression, and the answer's hint is kept."""
    mapping = JobMapping(status=expression, completed=["done"])
    with pytest.raises(RequestError, match="fails") as caught:
        observed(
            mapping,
            {"state": [1], "big": float("inf")} if "0" in expression else {"state": 5, "big": 1e999},
            retry_after="7",
        )
    assert (type(caught.value), caught.value.hint) == (RequestError, 7)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"status": "x", "completed": []}, "completed: must name at least 1"),
        ({"completed": "done"}, "status: is needed to find the value 'done'; a code is written 'HTTP 200'"),
        ({"status": "a.", "completed": "x"}, r"status: .* 'a\.': it ends too early, after character 2"),
        ({"status": "a b", "completed": "x"}, "status: .* 'a b': 'b' has no place at character 3"),
        ({"status": "a-b", "completed": "x"}, "status: .* 'a-b': Unknown token '-' at character 2"),
        ({"status": "", "completed": "x"}, "status: .* '': it is empty"),
        ({"status": "(" * 9999, "completed": "x"}, "status: .* nested too deeply"),
        (
            {"status": "lenght(a)", "completed": "x"},
            "status: has no function 'lenght', .*did you mean 'length'",
        ),
        ({"status": "a[?length(@, b) > `1`]", "completed": "x"}, r"status: length\(\) takes 1 argument, in"),
        ({"status": "not_null()", "completed": "x"}, r"status: not_null\(\) takes at least 1 argument, in"),
        ({"status": 5, "completed": "x"}, "status: must be text, got 5"),
        ({"status": "x", "completed": ["done", 5]}, "completed: must be text, got 5"),
        ({"status": "x", "completed": ["a"], "failed": ["A"]}, "failed: lists 'A', as 'completed' does"),
        (
            {"completed": ["HTTP 20"]},
            "completed: must be a code of HTTP such as 404, or a class such as 5xx, got '20'",
        ),
        ({"completed": ["HTTP 200"], "transient": ["5x"]}, "transient: must be a code of HTTP .*'5x'"),
        ({"completed": ["HTTP 200"], "read": ["600"]}, "read: must be a code of HTTP .*'600'"),
        (
            {"completed": ["HTTP 200"], "transient": ["5XX"], "fatal": ["5xx"]},
            "fatal: lists '5xx', as 'transient'",
        ),
        ({"completed": ["HTTP 200"], "next_url": ["Loca tion:"]}, "next_url: must be a JMESPath expression"),
        (
            {"completed": ["HTTP 200"], "progress_done": 0},
            "progress_done: must be a finite number > 0, got 0",
        ),
        ({"completed": ["HTTP 200"], "progress_done": "a."}, "progress_done: must be a JMESPath expression"),
    ],
)
def test_what_is_no_mapping_is_refused(fields: dict[str, Any], complaint: str) -> None:
    """Each complaint names the field, the value and the rule."""
    with pytest.raises(ConfigError, match=complaint):
        JobMapping(**fields)


def test_a_table_is_told_all_that_is_wrong_with_it_at_once() -> None:
    """As everywhere in config."""
    table = {"statos": "x", "status": "a[", "completed": "x", "progress_done": -1, "fatal": ["5yy"]}
    with pytest.raises(ConfigError) as caught:
        mapping_from_config(table)
    assert {problem.path[0] for problem in caught.value.problems} == {*table}
    assert "did you mean 'status'?" in str(caught.value)


@pytest.mark.parametrize("name", mappings())
def test_a_mapping_is_a_value(name: str) -> None:
    """It is hashed, pickled, and the same again from its own table and from its representation."""
    mapping = find_mapping(name)
    mapping.observation(answer_of({}, 200)) if mapping.status is None else None
    assert pickle.loads(pickle.dumps(mapping)) == mapping
    assert hash(mapping_from_config(to_data(mapping))) == hash(mapping)
    assert eval(repr(mapping)) == mapping  # noqa: S307 - our own


def test_options_are_texts_with_commas() -> None:
    """What is not given is left out, or taken from a mapping that is given."""
    options = {"status": "data.state", "completed": "done, ok,", "failed": None, "progress_done": "100"}
    expected = JobMapping(status="data.state", completed=["done", "ok"], progress_done=100)
    assert mapping_from_options(options) == expected
    assert mapping_from_options({"next_url": "not_null(a, b)"}, base=expected).next_url == ("not_null(a, b)",)
    later = mapping_from_options({"failed": "broken", "progress_done": "counts.total"}, base=expected)
    assert later == JobMapping(
        status="data.state", completed=["done", "ok"], failed=["broken"], progress_done="counts.total"
    )
    with pytest.raises(ConfigError, match=r"unknown field, .*did you mean 'status'"):
        mapping_from_options({"state": "x"})


def test_an_unknown_shape_says_what_was_seen_and_how_to_map_it() -> None:
    """The fields two deep, as JMESPath writes them, with types and short values; secrets stay hidden."""
    body = {
        "id": 7,
        "data": {"phase": "RUNNING", "percent-done": 0.5, "more": {"deep": 1}, "items": [{"a": None}]},
        "ok": True,
        "apiKey": "sk-123456",
        "auth": {"user": "me"},
        "input": "https://me:pw@files.test/a?X-Signature=s3cret",
        "text": "x" * 100,
        "odd\x1bname": None,
    }
    with pytest.raises(UnknownShape) as caught:
        observed(SIMPLE, body)
    assert caught.value.report.splitlines() == [
        "GET https://api.test/jobs/1 answered JSON without the status. It has:",
        "  id (number 7)",
        "  data (object of 4)",
        '  data.phase (text "RUNNING")',
        '  data."percent-done" (number 0.5)',
        "  data.more (object of 1)",
        "  data.items (list of 1)",
        "  ok (boolean true)",
        "  apiKey (text, not shown)",
        "  auth (object, not shown)",
        '  input (text "https://files.test/a?X-Signature=…")',
        f'  text (text "{"x" * 40}…")',
        '  "odd\\\\x1bname" (null)',
        "To map it, say where the status is, and what its values mean:",
        "  --status data.phase --completed VALUE,… --failed VALUE,…",
    ]
    assert isinstance(caught.value, RequestRefused)
    assert str(caught.value).startswith(
        "GET https://api.test/jobs/1 answered JSON without the status: it has id"
    )
    assert pickle.loads(pickle.dumps(caught.value)).report == caught.value.report


@pytest.mark.parametrize(
    ("body", "seen"),
    [([], "list of 0"), ("done", 'text "done"'), (5, "number 5"), (None, "null"), ({}, "object of 0")],
)
def test_json_without_fields_is_told_as_what_it_is(body: Any, seen: str) -> None:
    """There is nothing to map."""
    with pytest.raises(UnknownShape, match=f"it has {seen}"):
        observed(SIMPLE, body)


def test_a_field_is_named_so_that_a_shell_takes_it() -> None:
    """With its quotes inside others."""
    with pytest.raises(UnknownShape) as caught:
        observed(SIMPLE, {"job-status": "RUNNING"})
    assert caught.value.report.endswith("""--status '"job-status"' --completed VALUE,… --failed VALUE,…""")


def test_a_long_list_of_fields_is_cut() -> None:
    """The first of a list's elements stands for all."""
    with pytest.raises(UnknownShape) as caught:
        observed(SIMPLE, [{f"f{n}": n for n in range(100)}, {"other": 1}])
    assert "  [0].f0 (number 0)" in caught.value.report
    assert "  and more\n" in caught.value.report
    assert len(str(caught.value)) < 600


def test_an_unknown_shape_that_a_mapping_knows_is_told_so() -> None:
    """Each mapping of the catalogue is tried on the answer, and the closest is named first."""
    body = {"action": {"id": 1, "status": "running", "progress": 40, "error": None}}
    with pytest.raises(UnknownShape, match="the mapping hcloud-action fits it") as caught:
        observed(SIMPLE, body)
    assert "  --mapping hcloud-action" in caught.value.report


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["done", "completed", "failed", "2026-01-01", "https://a.test/?token=x", "12%"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5)
            | st.sampled_from(
                [
                    "status",
                    "state",
                    "id",
                    "name",
                    "done",
                    "error",
                    "progress",
                    "action",
                    "payload",
                    "request_counts",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(
    name=st.sampled_from(sorted(mappings())),
    body=json_values | st.binary(max_size=30),
    code=st.integers(100, 599),
    headers=st.dictionaries(
        st.sampled_from(["Location", "Retry-After", "Operation-Location"]), st.text(max_size=9)
    ),
)
def test_any_answer_is_an_observation_or_a_request_error(
    name: str, body: Any, code: int, headers: dict[str, str]
) -> None:
    """Whatever the server says, whatever the mapping: no other exception, and no value out of bounds."""
    mapping = find_mapping(name)
    answer = answer_of(body, code, **headers)
    try:
        seen = mapping.observation(answer, "a1")
        mapping.next_url_in(answer)
        mapping.result_url_in(answer)
    except RequestError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 600
        return
    assert seen.status in ("pending", "completed", "error", "cancelled")
    assert seen.progress is None or 0 <= seen.progress <= 1
    assert seen.hint is None or 0 <= seen.hint <= MAX_SECONDS


secrets = st.sampled_from(
    ["token", "accessToken", "API_KEY", "X-Signature", "Authorization", "db_password", "secret"]
)


@given(name=secrets, beside=json_values, inside=st.booleans())
def test_no_secret_is_ever_shown(name: str, beside: Any, inside: bool) -> None:
    """Neither a field that is named for one, nor what is in it, nor a URL's query."""
    body = {
        name: {"value": "hunter2"} if inside else "hunter2",
        "url": "https://a.test/?x=hunter2",
        "b": beside,
    }
    with pytest.raises(UnknownShape) as caught:
        observed(SIMPLE, body)
    assert "hunter2" not in caught.value.report
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "code", "said", "listed"),
    [
        ("SUCCEEDED", 200, "SUCCEEDED", False),
        ("Busy", 200, "Busy", True),
        (True, 200, "true", False),
        ("pending", 200, None, False),
        ("busy", 202, "HTTP 202", True),
        ("a\x1b[31m", 200, "a\\x1b[31m", False),
        ("x" * 81, 200, "x" * 80 + "…", False),
    ],
)
def test_what_the_api_calls_the_status_is_kept(value: Any, code: int, said: str | None, listed: bool) -> None:
    """Another word than bide's own: as one short line, with or without a place in a list."""
    mapping = JobMapping(status="state", pending=["HTTP 202"], completed=["done"], failed=["busy"])
    seen = observed(mapping, {"state": value}, code)
    assert seen.said == said
    assert said is None or mapping.lists(said) is listed


def test_a_secret_that_a_status_quotes_is_hidden() -> None:
    """Unless the mapping lists the value: then it is none."""
    asked = Ask("GET", "https://api.test/jobs/1?state=RUNNING&key=hunter22")
    mapping = JobMapping(status="state", pending=["HTTP 202"], completed=["done"], failed=["running"])
    for value, said in (("RUNNING", "RUNNING"), ("no hunter22", "no …")):
        body = json.dumps({"state": value}).encode()
        assert mapping.observation(Answer(asked, 200, {}, body)).said == said

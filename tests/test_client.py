"""The client, against scripted HTTP answers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import anyio
import attrs
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ways import LIBRARIES

from bide import (
    AsyncJobClient,
    AsyncPoller,
    ConfigError,
    JobClient,
    JobFailed,
    JobNotFound,
    Limits,
    Observation,
    Poller,
    PollsFailed,
    RequestError,
    RequestRefused,
)
from bide.config import default_strategy
from bide.http import HttpPoller, transfer
from bide.http.answers import Ask
from bide.http.hints import hint_in
from bide.testing import VirtualClock
from bide_strategies import Additive, Exponential, Fixed

JOB = {"id": "a1", "status": "pending", "progress": 0.5, "completed_at": None}
Answer = Callable[[httpx.Request], httpx.Response]


def http_of(answer: Answer, library: str) -> Any:
    """Return an HTTP client of a library whose requests this function answers, in terms of httpx."""
    module = import_module(library)

    def translated(request: Any) -> Any:
        try:
            given = answer(request)
        except httpx.HTTPError as error:
            raise getattr(module, type(error).__name__)(str(error)) from None
        return module.Response(given.status_code, headers=given.headers.raw, content=given.content)

    return module.Client(transport=module.MockTransport(translated))


def client_of(
    answer: Answer, clock: VirtualClock | None = None, *, library: str = "httpx", **arguments: Any
) -> JobClient:
    """Return a client whose requests this function answers, on a virtual clock."""
    clock = clock or VirtualClock()
    http = http_of(answer, library)
    poller = Poller.of(arguments.pop("strategy", default_strategy()), arguments.pop("limits", None))
    poller = attrs.evolve(poller, clock=clock.time, sleep=clock.sleep, draw=arguments.pop("draw", None))
    return JobClient("http://server.test", poller, http=http, **arguments)


def always(status: int, **content: Any) -> Answer:
    """Answer every request alike."""
    return lambda _: httpx.Response(status, **content)


def in_turn(*answers: httpx.Response | Exception) -> Answer:
    """Answer one request after the other."""
    left = iter(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        given = next(left)
        if isinstance(given, Exception):
            raise given
        return given

    return answer


def test_one_id_is_not_taken_for_many() -> None:
    """A text is a sequence of texts, but its letters are no ids."""
    with pytest.raises(ConfigError, match="must be several ids, got the text 'ab'"):
        list(client_of(always(200)).wait_for_jobs("ab"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"observers": [7]}, "observers: must be functions of one event, got 7"),
        ({"transient": ["OSError"]}, "transient: must be classes of exceptions, got 'OSError'"),
        ({"fatal": [KeyboardInterrupt]}, "fatal: must be classes of exceptions"),
    ],
)
def test_a_poller_says_what_its_settings_must_be(settings: dict[str, Any], words: str) -> None:
    """At once, not when the first poll fails."""
    with pytest.raises(ConfigError, match=words):
        Poller(Fixed(), **settings)
    assert Poller(Fixed(), transient=OSError, observers=print).transient == (OSError,)


@pytest.mark.parametrize("library", LIBRARIES)
def test_create_job_posts_and_returns_the_id(library: str) -> None:
    """The work goes out as the job's input, and the id comes back."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, json=JOB)

    assert client_of(answer, library=library).create_job({"duration": 3}) == "a1"
    assert (seen[0].method, seen[0].url.path) == ("POST", "/v1/jobs")
    assert seen[0].read() == b'{"input":{"duration":3}}'


@pytest.mark.parametrize("library", LIBRARIES)
def test_get_status_reads_what_the_job_says(library: str) -> None:
    """Status, progress, hint, end and result arrive as an observation."""
    job = {
        "id": "a1",
        "status": "completed",
        "progress": 1,
        "completed_at": "2026-01-01T00:00:01.5Z",
        "result": [1],
    }
    seen = client_of(always(200, json=job, headers={"Retry-After": "7"}), library=library).get_status("a1")
    assert seen == Observation("completed", 1.0, 7.0, 1767225601.5, [1])


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_id_cannot_leave_its_place_in_the_path(library: str) -> None:
    """Slashes and question marks in an id are data."""
    paths: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(404)

    with pytest.raises(JobNotFound):
        client_of(answer, library=library).get_status("../a?b/c")
    assert paths == [b"/v1/jobs/..%2Fa%3Fb%2Fc"]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_time_may_mend_is_a_request_error(library: str, status: int) -> None:
    """These answers say nothing about the job; what they say of coming back is kept."""
    with pytest.raises(RequestError, match=str(status)) as caught:
        client_of(always(status, headers={"Retry-After": "3"}), library=library).get_status("a1")
    assert type(caught.value) is RequestError
    assert caught.value.hint == 3.0


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("status", [300, 400, 401, 403, 405, 422])
def test_what_time_does_not_mend_is_refused(library: str, status: int) -> None:
    """Any other answer that is no success ends a wait."""
    with pytest.raises(RequestRefused, match=str(status)) as caught:
        client_of(always(status, headers={"Location": "/there"}), library=library).get_status("a1")
    assert type(caught.value) is RequestRefused


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("status", [404, 410])
def test_an_unknown_job_is_told_apart(library: str, status: int) -> None:
    """No such job, or no longer."""
    with pytest.raises(JobNotFound):
        client_of(always(status), library=library).get_status("a1")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "content",
    [
        {"text": "<html>welcome</html>"},
        {"text": ""},
        {"text": "{"},
        {"text": "[" * 100_000},
        {"content": b"\xff\xfe\x00"},
        {"json": []},
        {"json": {"status": "completed"}},
        {"json": {"id": 3, "status": "completed"}},
        {"json": {"id": "a1", "status": "on its way"}},
        {"json": {"id": "a1"}},
        {"json": {"id": "a1", "status": ["pending"]}},
    ],
)
def test_an_answer_that_is_no_job_is_a_failed_poll(library: str, content: dict[str, Any]) -> None:
    """Nonsense says nothing about the job, and is named with the request that got it."""
    with pytest.raises(RequestError, match=r"GET http://server.test/v1/jobs/a1 answered"):
        client_of(always(200, **content), library=library).get_status("a1")


@given(
    st.fixed_dictionaries(
        {"id": st.just("a1"), "status": st.just("pending")},
        optional={
            "progress": st.none()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text()
            | st.booleans(),
            "completed_at": st.none() | st.integers() | st.text() | st.just("9999-12-31T23:59:59+00:01"),
        },
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126)),
)
def test_odd_details_do_not_spoil_an_answer(job: dict[str, Any], hint: str) -> None:
    """Progress, end and hint are taken where they can be read, and are otherwise not there."""
    seen = client_of(always(200, json=job, headers={"Retry-After": hint})).get_status("a1")
    assert seen.progress is None or 0 <= seen.progress <= 1
    assert seen.hint is None or 0 <= seen.hint <= 1e9


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_wait_outlives_a_flaky_server(library: str) -> None:
    """Refused connections, 503 and garbage are passed over; the end is found."""
    answers = in_turn(
        httpx.ConnectError("refused"),
        httpx.Response(200, json=JOB),
        httpx.Response(503),
        httpx.ReadTimeout("slow"),
        httpx.Response(200, text="garbage"),
        httpx.Response(200, json={**JOB, "status": "completed", "result": {"url": "/film"}}),
    )
    outcome = client_of(answers, library=library).wait_for_job("a1")
    assert outcome.calls == 6
    assert outcome.observation is not None
    assert outcome.observation.result == {"url": "/film"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_server_that_is_down_ends_the_wait_with_its_reason(library: str) -> None:
    """After five failures in a row the wait ends, and the error names request and reason."""

    def down(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    with pytest.raises(PollsFailed, match=r"GET http://server.test/v1/jobs/a1: Connection refused"):
        client_of(down, library=library).wait_for_job("a1")


def test_a_failed_job_raises_with_what_it_said() -> None:
    """The job's own words are in the error."""
    job = {**JOB, "status": "error", "error": {"message": "no disk"}}
    with pytest.raises(JobFailed) as caught:
        client_of(always(200, json=job)).wait_for_job("a1")
    assert caught.value.observation is not None
    assert caught.value.observation.result == {"message": "no disk"}


def test_updates_are_yielded_or_called_back() -> None:
    """Both forms tell of the same polls and end with the same outcome."""
    answers = [httpx.Response(200, json=JOB), httpx.Response(200, json={**JOB, "status": "completed"})]
    called: list[str] = []
    outcome = client_of(in_turn(*answers), draw=lambda: 0.0).wait_for_job_with_updates(
        "a1", lambda update: called.append(str(update))
    )
    updates = list(client_of(in_turn(*answers), draw=lambda: 0.0).watch("a1"))
    assert called == ["Attempt 1: job is pending", "Attempt 2: job is completed"]
    assert [str(update) for update in updates] == called
    assert updates[-1].outcome == outcome


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_request_before_the_deadline_may_pass_it(library: str) -> None:
    """The request's own timeout is cut to what remains, except for the last, at the deadline."""
    clock, allowed = VirtualClock(), []

    def answer(request: httpx.Request) -> httpx.Response:
        allowed.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json=JOB)

    client = client_of(
        answer,
        clock,
        strategy=Fixed(interval=4.0),
        limits=Limits(timeout=10.0),
        request_timeout=7.0,
        library=library,
    )
    assert [update.calls for update in _until_the_error(client)] == [1, 2, 3, 4]
    assert allowed == pytest.approx([7, 6, 2, 7], abs=0.5)


def _until_the_error(client: JobClient) -> list[Any]:
    updates = []
    try:
        for update in client.watch("a1"):
            updates.append(update)  # noqa: PERF402 - the error ends the list, and is not the point
    except TimeoutError:
        pass
    return updates


def test_the_defaults_are_the_seed_s() -> None:
    """10 attempts, 100 ms doubling to 10 s with up to half on top, 2 minutes."""
    client = client_of(always(200))
    assert client.limits == Limits(max_attempts=10, timeout=120.0)
    assert client.strategy == default_strategy()
    assert client.strategy == Exponential(base=0.1, factor=2.0, cap=10.0, jitter=Additive(share=0.5))


def test_setters_change_the_waits_to_come() -> None:
    """Each setter changes its own value and nothing else."""
    client = client_of(always(200))
    client.set_max_attempts(3)
    client.set_timeout(60)
    client.set_base_delay(0.5)
    client.set_max_delay(5)
    assert client.limits == Limits(max_attempts=3, timeout=60)
    assert client.strategy == Exponential(base=0.5, cap=5, jitter=Additive(share=0.5))


SETTERS = ["set_max_attempts", "set_timeout", "set_base_delay", "set_max_delay"]


@pytest.mark.parametrize("setter", SETTERS)
@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf, "3", None, True])
def test_a_refused_setting_changes_nothing(setter: str, bad: Any) -> None:
    """What is not positive, not finite or no number is refused with the value named."""
    client = client_of(always(200))
    before = client.limits, client.strategy
    with pytest.raises(ConfigError, match=str(bad)):
        getattr(client, setter)(bad)
    assert (client.limits, client.strategy) == before


@pytest.mark.parametrize(("setter", "value"), [("set_base_delay", 20), ("set_max_delay", 0.05)])
def test_a_cap_under_the_base_is_refused_whichever_setter_makes_it_so(setter: str, value: float) -> None:
    """Base and cap stay in order, and a refused call changes nothing."""
    client = client_of(always(200))
    before = client.strategy
    with pytest.raises(ConfigError, match=r"cap: must be >= 'base'"):
        getattr(client, setter)(value)
    assert client.strategy == before


def test_a_strategy_without_a_base_says_so() -> None:
    """There is nothing to set on a fixed interval."""
    with pytest.raises(ConfigError, match=r"Fixed\(.*\) has no 'base' to set"):
        client_of(always(200), strategy=Fixed()).set_base_delay(1)


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://host", "http://", "//host", "http://[::1", 3])
def test_a_url_that_is_no_server_s_is_refused(url: Any) -> None:
    """The mistake shows where it is made, not at the first request."""
    with pytest.raises(ConfigError, match="the server's URL"):
        JobClient(url)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_password_in_the_url_is_not_shown(library: str) -> None:
    """Errors name the request without what is secret in it."""
    client = JobClient("http://me:hush@server.test", http=http_of(always(500), library))
    with pytest.raises(RequestError) as caught:
        client.get_status("a1")
    assert "server.test" in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"request_timeout": math.nan}, "request_timeout: must be a finite number > 0"),
        ({"request_timeout": "1s"}, "request_timeout: must be a finite number > 0"),
        ({"strategy": "fixed"}, "strategy: must be a strategy, such as Fixed(), got 'fixed'"),
        ({"strategy": Fixed}, "strategy: must be a strategy"),
        ({"limits": {"timeout": 1}}, "limits: must be Limits"),
    ],
)
def test_an_argument_of_another_kind_is_refused(arguments: dict[str, Any], message: str) -> None:
    """The mistake shows where it is made, not in the midst of a wait."""
    with pytest.raises(ConfigError) as caught:
        client_of(always(200), **arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize("job_id", ["", ".", "..", None, 3])
def test_an_id_that_is_none_is_refused(job_id: Any) -> None:
    """No request is made for what no job can be called."""
    with pytest.raises(ConfigError, match="a job's id must be text"):
        client_of(always(200)).get_status(job_id)


@pytest.mark.parametrize("work", ["abc", {"duration": math.nan}, {"duration": object()}, 3])
def test_work_that_json_cannot_hold_is_refused(work: Any) -> None:
    """No request is made for it."""
    with pytest.raises(ConfigError, match="work must be"):
        client_of(always(200)).create_job(work)


@pytest.mark.parametrize("variable", [("HTTPS_PROXY", "foo://x"), ("SSL_CERT_FILE", "/nonexistent")])
def test_an_environment_that_cannot_be_used_is_named(
    variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad proxy or certificate file is the configuration's fault, and says so."""
    monkeypatch.setenv(*variable)
    transfer._tls.cache_clear()
    with pytest.raises(ConfigError, match="the environment's proxy or certificates cannot be used"):
        JobClient("http://server.test").create_job()
    transfer._tls.cache_clear()


def test_this_machine_is_not_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on a loopback address is asked directly, whatever the environment says of proxies."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    for url, proxied in (
        ("http://127.0.0.1:1", False),
        ("http://[::1]:1", False),
        ("http://server.test", True),
    ):
        with HttpPoller() as waits:
            assert bool(waits._client_for(Ask("GET", url))._mounts) is proxied  # type: ignore[attr-defined]


def test_a_client_closes_only_what_it_opened() -> None:
    """The caller's HTTP client stays open; its own is closed."""
    http = httpx.Client()
    with JobClient("http://server.test", http=http):
        pass
    assert not http.is_closed
    http.close()
    with HttpPoller() as waits:
        own: Any = waits._client_for(Ask("GET", "http://server.test"))
    assert own.is_closed


def test_a_closed_client_asks_nothing_more() -> None:
    """It opens no connection again that nobody would close, and leaves the caller's alone."""
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=JOB)

    for http in (None, httpx.Client(transport=httpx.MockTransport(server))):
        client = JobClient("http://server.test", http=http)
        client.close()
        for use in (client.create_job, lambda: client.get_status("a1"), lambda: client.wait_for_job("a1")):  # noqa: B023
            with pytest.raises(RuntimeError, match="has been closed"):
                use()
    assert asked == []


def test_a_closed_async_client_asks_nothing_more() -> None:
    """The same for tasks."""

    async def main() -> None:
        client = AsyncJobClient("http://server.test")
        await client.aclose()
        for use in (client.create_job, lambda: client.get_status("a1"), lambda: client.wait_for_job("a1")):
            with pytest.raises(RuntimeError, match="has been closed"):
                await use()

    anyio.run(main)


@pytest.mark.parametrize(
    ("kind", "poller", "words"),
    [
        (JobClient, AsyncPoller(Fixed()), "one of Poller, got one of AsyncPoller"),
        (AsyncJobClient, Poller(Fixed(), sleep=time.sleep), "one of AsyncPoller, got one of Poller"),
    ],
)
def test_a_poller_of_the_other_colour_is_refused(kind: Any, poller: Any, words: str) -> None:
    """Its sleep would fail at the first delay, and obscurely."""
    with pytest.raises(ConfigError, match=f"strategy: must be a strategy, a Policy or {words}"):
        kind("http://server.test", poller)


NOON = "Sun, 22 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 5 "}, 5),
        ({"retry-after": "9" * 5_000}, 1e9),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sun, 22 Nov 2026 12:01:30 GMT", "date": NOON}, 90),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT", "date": NOON}, 0),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT", "date": NOON}, 1e9),
        ({"retry-after": "Fri, 31 Dec 99999 23:59:59 GMT", "date": NOON}, None),
    ],
)
def test_retry_after_is_read_as_the_rfc_says(headers: dict[str, str], seconds: float | None) -> None:
    """Whole seconds or a date by the server's own clock; the rest is no hint, and none is an exception."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert hint_in(httpx.Headers(raw)) == seconds

"""Waiting for jobs of anybody's API, in threads and async alike, against scripted answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import httpx
import pytest

from bide import (
    AsyncPoller,
    ConfigError,
    End,
    JobNotFound,
    Limits,
    Observation,
    Outcome,
    Policy,
    Poller,
    RequestError,
    RequestRefused,
    Situation,
    Update,
    WaitError,
    WaitTimeout,
)
from bide.events import Event, PollAnswered, PollFailed, PollStarting
from bide.http import AsyncHttpPoller, HttpJob, HttpPoller, JobMapping
from bide.http.answers import Answer, Ask
from bide.http.async_poller import MOST_AT_ONCE
from bide.http.conversation import MOST_HOPS, Conversation
from bide.http.shape import UnknownShape
from bide.testing import VirtualClock
from bide_strategies import Fixed, Linear

Script = Sequence[httpx.Response | Exception]
URL = "https://api.test/jobs/1"
MAPPING = JobMapping(
    status="state",
    pending=("running",),
    completed=("done",),
    failed=("failed",),
    progress="pct",
    progress_done=100,
    result="output",
    error="why",
    result_url=("Location:",),
    next_url=("Operation-Location:",),
)
POLICY = Policy(Fixed(interval=1.0), Limits(max_attempts=None))
RUNNING = {"state": "running", "pct": 10}
DONE = {"state": "done", "output": [1]}


class Server:
    """Answers from a script, in turn, the last line for ever; keeps what it was asked."""

    def __init__(self, script: Script) -> None:
        self.script, self.asked = script, list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        line = self.script[min(len(self.asked), len(self.script) - 1)]
        self.asked.append(request)
        if isinstance(line, Exception):
            raise line
        return httpx.Response(line.status_code, headers=line.headers, content=line.content)

    @property
    def urls(self) -> list[str]:
        """What was asked for, in turn."""
        return [str(request.url) for request in self.asked]


POLLERS = ("strategy", "limits", "transient", "fatal", "observers")
"""The options of a wait that are of a poller, and not of what makes its requests."""


def in_threads(server: Server, job: HttpJob, **options: Any) -> Outcome:
    """Wait on a virtual clock with the sync poller."""
    clock = VirtualClock()
    poller = Poller(clock=clock.time, sleep=clock.sleep, **polling(options))
    waits = HttpPoller(poller, http=httpx.Client(transport=httpx.MockTransport(server)), **options)
    return _outcome(lambda: waits.wait(job))


def in_asyncio(server: Server, job: HttpJob, **options: Any) -> Outcome:
    """Wait on a virtual clock with the async poller."""
    clock = VirtualClock()

    async def sleep(seconds: float) -> None:
        clock.sleep(seconds)

    async def wait() -> Outcome:
        poller = AsyncPoller(clock=clock.time, sleep=sleep, **polling(options))
        http = httpx.AsyncClient(transport=httpx.MockTransport(server))
        async with AsyncHttpPoller(poller, http=http, **options) as waits:
            return await waits.wait(job)

    return _outcome(lambda: asyncio.run(wait()))


def polling(options: dict[str, Any]) -> dict[str, Any]:
    """Take out of the options of a wait those of its poller."""
    own = {name: options.pop(name) for name in POLLERS if name in options}
    return {"strategy": POLICY.strategy, "limits": POLICY.limits, **own}


def _outcome(wait: Callable[[], Outcome]) -> Outcome:
    try:
        return wait()
    except WaitError as error:
        assert error.outcome is not None
        return error.outcome


@pytest.fixture(params=[in_threads, in_asyncio])
def wait(request: pytest.FixtureRequest) -> Any:
    """Wait in threads, and async: each test holds for both."""
    return request.param


def answer(status: int = 200, json: Any = None, **headers: str) -> httpx.Response:
    """Return an answer; an underscore in the name of a header is a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=json, headers=named)


def test_a_mapped_job_is_followed_to_its_result(wait: Any) -> None:
    """Status, progress and result stand where the mapping says."""
    server = Server([answer(json=RUNNING), answer(json=DONE)])
    outcome = wait(server, HttpJob(URL, MAPPING))
    assert (outcome.end, outcome.calls, outcome.observation.result) == (End.COMPLETED, 2, [1])


def test_a_failed_job_says_why(wait: Any) -> None:
    """What the mapping calls the error is the outcome's reason."""
    outcome = wait(Server([answer(json={"state": "failed", "why": "no disk"})]), HttpJob(URL, MAPPING))
    assert outcome.end is End.JOB_FAILED
    assert str(outcome).endswith("no disk")


def test_an_unchanged_answer_is_a_call_that_saw_the_same(wait: Any) -> None:
    """The second look carries the first one's ETag, and a 304 stands for what was seen then."""
    server = Server(
        [answer(json=RUNNING, ETag='"1"'), answer(304), answer(304, Retry_After="5"), answer(json=DONE)]
    )
    outcome = wait(server, HttpJob(URL, MAPPING))
    assert [request.headers.get("if-none-match") for request in server.asked] == [None, '"1"', '"1"', '"1"']
    assert (outcome.calls, outcome.failed_calls, outcome.hints_followed) == (4, 0, 1)


@pytest.mark.parametrize("etag", ["é".encode("latin-1"), b'"' + b"x" * 60_000 + b'"'])
def test_a_validator_that_cannot_be_sent_is_left_out(wait: Any, etag: bytes) -> None:
    """The next look is made without it, and not refused for its sake."""
    seen = httpx.Response(200, json=RUNNING, headers=[(b"ETag", etag)])
    server = Server([seen, answer(json=DONE)])
    assert wait(server, HttpJob(URL, MAPPING)).calls == 2
    assert "if-none-match" not in server.asked[1].headers


def test_a_secret_is_hidden_as_it_is_written_too() -> None:
    """A server may quote the path that it was asked for, with its escapes."""
    ask = Ask("GET", f"{URL}?sig=a%2Fb%2BsecretSIG%3D")
    said = ask.hidden("no /jobs/1?sig=a%2Fb%2BsecretSIG%3D for a/b+secretSIG=, JSON a\\/b+secretSIG=")
    assert said == "no /jobs/1?sig=… for …, JSON …"


def test_a_password_is_hidden_as_it_is_sent_too() -> None:
    """A server may quote the header that a client makes of user and password."""
    ask = Ask("GET", "https://me:open-sesame@api.test/")  # base64 of me:open-sesame, as coreutils has it
    assert ask.hidden("no bWU6b3Blbi1zZXNhbWU= for open-sesame") == "no … for …"


def test_a_request_and_its_answer_may_be_shown() -> None:
    """As a debugger shows them, or a traceback with its variables."""
    ask = Ask("POST", f"{URL}?sig=sesame-1", {"X-Key": "sesame-2"}, b'{"key": "sesame-3"}')
    later = Ask("GET", URL, because=ask)
    assert "sesame" not in repr(ask) + str(ask) + repr(later) + repr(Answer(later, 200, {}, b""))


def test_of_two_secrets_that_begin_alike_nothing_is_left() -> None:
    """The longer one is looked for first."""
    ask = Ask("GET", URL, {"X-One": "sesame", "X-Two": "sesame-open"})
    assert ask.hidden("sesame-open, sesame") == "…, …"


def test_what_a_header_says_in_public_is_shown() -> None:
    """The type of a body is no secret, and a server's complaint about it is worth reading."""
    assert (
        Ask("GET", URL, {"Accept": "application/json"}).hidden("no application/json") == "no application/json"
    )


TOKEN = "s3cret" * 100


@pytest.mark.parametrize(
    "said",
    [
        answer(401, json={"error": f"bad token {TOKEN} of yours"}),
        answer(403, json=TOKEN),
        answer(200, json={"detail": {"said": f"no: {TOKEN}", TOKEN: 1}}),
        answer(200, json=[TOKEN]),
        answer(200, json={"state": f"bad {TOKEN}"}),
        httpx.Response(200, content=f"bad {TOKEN}".encode()),
        answer(200, json={"state": {"inner": [TOKEN]}}),
        answer(302, Location=f"ftp://{TOKEN}.test/x"),
        answer(302, Location=f"/{TOKEN}"),
        answer(399, Location=f"https://elsewhere.test/{TOKEN}"),
    ],
)
def test_a_long_secret_is_hidden_before_a_message_is_cut(wait: Any, said: httpx.Response) -> None:
    """No part of it is left over at the end, or on either side of what is cut from the middle."""
    mapping = attrs.evolve(MAPPING, pending=("running",))
    job = HttpJob(URL, mapping, headers={"Authorization": f"Bearer {TOKEN}"})
    failure = wait(Server([said]), job).failure
    while failure is not None:
        assert "cret" not in str(failure) + getattr(failure, "report", "")
        failure = failure.__cause__


def test_a_secret_of_a_place_that_a_redirect_names_is_hidden_too(wait: Any) -> None:
    """Its query may hold a signature, which whoever answers there may quote; so may the next one."""
    server = Server(
        [
            answer(302, Location="/a?sig=open-sesame"),
            answer(302, Location="/b"),
            answer(401, json="open-sesame"),
        ]
    )
    assert "sesame" not in str(wait(server, HttpJob(URL, MAPPING)))


def test_a_secret_of_the_next_place_is_hidden_too() -> None:
    """Also in the looks that come after the one that was told of it; and the job's own, over there."""
    seen = answer(json=RUNNING, Operation_Location="https://elsewhere.test/x?sig=open-sesame")
    talk = Conversation(HttpJob(f"{URL}?key=s3cret-job", MAPPING))
    look = talk.look()
    with pytest.raises(StopIteration):
        look.send(Answer(next(look), seen.status_code, seen.headers, seen.content))
    ask = next(talk.look())
    assert ask.elsewhere
    assert ask.hidden("open-sesame s3cret-job") == "… …"


def test_a_report_of_millions_of_bytes_is_bounded(wait: Any) -> None:
    """Whatever the names and values are."""
    long = {f"{'k' * 100_000}{number}": "v" * 100_000 for number in range(30)}
    failure = wait(Server([answer(json={"x": long, **long})]), HttpJob(URL, MAPPING)).failure
    assert isinstance(failure, UnknownShape)
    assert len(failure.report) < 10_000


def test_a_304_that_nobody_asked_for_is_a_failed_look(wait: Any) -> None:
    """Without an earlier answer it says nothing."""
    outcome = wait(Server([answer(304)]), HttpJob(URL, MAPPING))
    assert outcome.observation is None


@pytest.mark.parametrize("fatal", [ConnectionResetError, httpx.ReadError, RequestError])
def test_what_led_to_a_failure_may_be_fatal(wait: Any, fatal: type[Exception]) -> None:
    """However far back it is, and whoever's kind it is."""
    reset = httpx.ReadError("lost")
    reset.__cause__ = ConnectionResetError("lost")
    outcome = wait(Server([reset, answer(json=DONE)]), HttpJob(URL, MAPPING), fatal=fatal)
    assert (outcome.end, outcome.calls) == (End.POLLS_FAILED, 1)
    assert wait(Server([reset, answer(json=DONE)]), HttpJob(URL, MAPPING), fatal=KeyError).calls == 2


def test_a_refusal_may_be_transient(wait: Any) -> None:
    """Its kind is named, as any other's; hint and status stay."""
    server = Server([answer(404, Retry_After="3"), answer(403), answer(json=DONE)])
    outcome = wait(server, HttpJob(URL, MAPPING), transient=RequestRefused)
    assert (outcome.end, outcome.calls, outcome.hints_followed) == (End.COMPLETED, 3, 1)
    assert [(type(failure), failure.status) for failure in outcome.failures] == [
        (RequestError, 404),
        (RequestError, 403),
    ]
    assert isinstance(outcome.failures[0].__cause__, JobNotFound)
    server = Server([answer(404), answer(json=DONE)])
    outcome = wait(server, HttpJob(URL, MAPPING), transient=RequestRefused, fatal=JobNotFound)
    assert outcome.end is End.POLLS_FAILED


def test_an_answer_says_where_to_look_next(wait: Any) -> None:
    """The next look goes there, without the validator of the place before."""
    server = Server([answer(json=RUNNING, Operation_Location="/ops/7", ETag='"1"'), answer(json=DONE)])
    assert wait(server, HttpJob(URL, MAPPING)).end is End.COMPLETED
    assert server.urls == [URL, "https://api.test/ops/7"]
    assert "if-none-match" not in server.asked[1].headers


def test_a_redirect_is_followed_in_the_same_look(wait: Any) -> None:
    """Each request is a call; a place for good is remembered."""
    server = Server(
        [
            answer(307, Location="/a"),
            answer(json=RUNNING),
            answer(308, Location="/b"),
            answer(json=RUNNING),
            answer(json=DONE),
        ]
    )
    outcome = wait(server, HttpJob(URL, MAPPING))
    assert (outcome.end, outcome.calls, outcome.failed_calls) == (End.COMPLETED, 5, 2)
    assert (outcome.elapsed, outcome.observation.result) == (2.0, [1])
    a, b = "https://api.test/a", "https://api.test/b"
    assert server.urls == [URL, a, URL, b, b]


def test_redirects_in_circles_are_a_failed_look(wait: Any) -> None:
    """A look follows so many, each a call, and then says so; the wait goes on within its limits."""
    server = Server([answer(302, Location=URL)] * (MOST_HOPS + 1) + [answer(json=DONE)])
    outcome = wait(server, HttpJob(URL, MAPPING))
    assert (outcome.end, outcome.calls, outcome.failed_calls) == (End.COMPLETED, 7, 6)
    assert [str(failure).rpartition(" answered ")[2] for failure in outcome.failures] == [
        *[f"302, which leads to {URL}"] * MOST_HOPS,
        f"302: the job was not found after {MOST_HOPS} redirects",
    ]


@pytest.mark.parametrize("most", range(1, 9))
def test_no_redirect_is_followed_beyond_the_limit_of_calls(wait: Any, most: int) -> None:
    """Not in the midst of a look either."""
    server = Server([answer(302, Location=URL)])
    outcome = wait(server, HttpJob(URL, MAPPING), limits=Limits(max_attempts=most))
    assert (outcome.end, outcome.calls) == (End.ATTEMPTS_EXHAUSTED, most)
    assert len(server.asked) == most


def test_observers_are_told_of_every_request(wait: Any) -> None:
    """Each begins and ends, with the number of its call."""
    told: list[tuple[str, int]] = []

    def observe(event: Event) -> None:
        if isinstance(event, PollStarting | PollAnswered | PollFailed):
            told.append((type(event).__name__, event.call))

    server = Server([answer(302, Location="/a"), answer(json=DONE)])
    wait(server, HttpJob(URL, MAPPING), observers=observe)
    assert told == [("PollStarting", 1), ("PollFailed", 1), ("PollStarting", 2), ("PollAnswered", 2)]


def test_a_schedule_stays_where_it_was_when_a_look_is_led_elsewhere(wait: Any) -> None:
    """The strategy counts looks, not requests."""
    script = [answer(302, Location="/a"), answer(json=RUNNING)] * 3 + [answer(json=DONE)]
    outcome = wait(Server(script), HttpJob(URL, MAPPING), strategy=Linear(base=1.0, step=1.0))
    assert (outcome.calls, outcome.elapsed) == (7, 1.0 + 2.0 + 3.0)


def test_a_redirect_to_what_is_no_job_says_what_it_may_be(wait: Any) -> None:
    """An API that redirects to the result when the job is done needs a mapping that knows that."""
    server = Server([answer(303, Location="/out"), answer(json={"video": 1})])
    failure = wait(server, HttpJob(URL, MAPPING)).failure
    assert isinstance(failure, UnknownShape)
    assert str(failure).startswith(
        f"GET {URL} answered 303, which leads to what is no job: GET https://api.test/out"
    )
    assert failure.report.splitlines()[:3] == [
        f"GET {URL} answered 303, which leads to what is no job. If that is the result:",
        "  --completed 'HTTP 303' --result-url Location:",
        "GET https://api.test/out answered JSON without the status. It has:",
    ]
    server = Server([answer(302, Location="/out"), httpx.Response(200, content=b"\0"), answer(json=DONE)])
    said = str(wait(server, HttpJob(URL, MAPPING)).failures[1])
    assert (
        "answered 302, which leads to what is no job, or is its result, if a mapping says that HTTP 302"
        in said
    )


@pytest.mark.parametrize("place", ["ftp://api.test/x", "http://", "http://[", "", "javascript:alert(1)"])
def test_a_redirect_to_nowhere_is_a_failed_look(wait: Any, place: str) -> None:
    """What cannot be asked is told, and the wait goes on."""
    outcome = wait(Server([answer(302, Location=place), answer(json=DONE)]), HttpJob(URL, MAPPING))
    assert (outcome.end, outcome.failed_calls) == (End.COMPLETED, 1)


def test_see_other_leads_to_the_result() -> None:
    """Where a mapping says that a 303 means completed, the result is what lies at its Location."""
    mapping = JobMapping(completed=("HTTP 303",), pending=("HTTP 200",), result_url=("Location:",))
    for wait_in in (in_threads, in_asyncio):
        server = Server([answer(), answer(303, Location="/files/9"), answer(json={"video": 1})])
        outcome = wait_in(server, HttpJob(URL, mapping))
        assert outcome.observation is not None
        assert (outcome.end, outcome.calls, outcome.observation.result) == (End.COMPLETED, 2, {"video": 1})


@pytest.mark.parametrize(
    "result",
    [
        answer(500),
        answer(302),
        answer(302, Location="/for/ever"),
        httpx.Response(200, content=b"\x00\xff"),
        httpx.ReadError("x"),
    ],
)
def test_a_result_that_cannot_be_read_is_its_url(wait: Any, result: Any) -> None:
    """The job has completed; that its result is no JSON, or cannot be had now, changes nothing about that."""
    outcome = wait(Server([answer(json=DONE, Location="/out"), result]), HttpJob(URL, MAPPING))
    assert (outcome.end, outcome.observation.result) == (End.COMPLETED, "https://api.test/out")


def test_a_result_is_read_where_redirects_lead(wait: Any) -> None:
    """It often lies where only a signed address leads, made when it is asked for; none of that is a call."""
    script = [answer(303, Location="/out"), answer(303, Location="/9?sig=1"), answer(json=[1])]
    mapping = JobMapping(completed=("HTTP 303",), pending=("HTTP 200",), result_url=("Location:",))
    server = Server(script)
    outcome = wait(server, HttpJob(URL, mapping), limits=Limits(max_attempts=1))
    assert server.urls == [URL, "https://api.test/out", "https://api.test/9?sig=1"]
    assert (outcome.end, outcome.calls, outcome.observation.result) == (End.COMPLETED, 1, [1])


def test_secrets_go_to_the_job_s_own_origin_only() -> None:
    """A redirect to another host gets neither the headers nor the client that may hold more of them."""
    job = HttpJob(URL, MAPPING, headers={"Authorization": "Bearer sesame-open"})
    asked = job_asks(job, answer(302, Location="https://elsewhere.test/x"))
    assert [(ask.url, dict(ask.headers), ask.elsewhere) for ask in asked] == [
        (URL, {"authorization": "Bearer sesame-open"}, False),
        ("https://elsewhere.test/x", {}, True),
    ]


@pytest.mark.parametrize(
    ("home", "there", "goes_along"),
    [
        ("https://api.test/1", "https://api.test:443/x", True),
        ("https://api.test:443/1", "https://API.test/x", True),
        ("http://api.test:80/1", "http://api.test/x", True),
        ("http://api.test/1", "https://api.test/x", True),  # nobody can read less of it
        ("http://api.test:80/1", "https://api.test:443/x", True),
        ("https://api.test/1", "http://api.test/x", False),
        ("https://api.test/1", "http://api.test:443/x", False),
        ("http://api.test:8080/1", "https://api.test/x", False),
        ("http://api.test/1", "https://api.test:8443/x", False),
        ("http://api.test/1", "https://www.api.test/x", False),
        ("https://api.test/1", "https://api.test:8443/x", False),
    ],
)
def test_headers_go_along_within_an_origin_and_up_to_tls(home: str, there: str, goes_along: bool) -> None:
    """A default port may be written or not; every other change of host, port or scheme is another origin."""
    job = HttpJob(home, MAPPING, headers={"Authorization": "Bearer sesame-open"})
    ask = job_asks(job, answer(302, Location=there))[1]
    assert ("authorization" in ask.headers, ask.elsewhere) == (goes_along, not goes_along)


def job_asks(job: HttpJob, first: httpx.Response) -> list[Any]:
    """Return what a look asks for whose first answer is this one."""
    look = Conversation(job).look()
    asked = [next(look)]
    asked.append(look.send(Answer(asked[0], first.status_code, first.headers, first.content)))
    return asked


def test_a_mapping_has_the_headers_of_its_api(wait: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a variable filled in, which nothing shows; those of the job go before, and need no variable."""
    monkeypatch.setenv("MY_KEY", "sesame-open")
    headers = {"Authorization": "Bearer $MY_KEY", "X-Version": "$NOT_SET_HERE"}
    mapping = attrs.evolve(MAPPING, headers=headers)
    server = Server([answer(401, json="sesame-open")])
    job = HttpJob(URL, mapping, headers={"x-version": "2"})
    outcome = wait(server, job)
    sent = server.asked[0].headers
    assert (sent["authorization"], sent["x-version"]) == ("Bearer sesame-open", "2")
    assert "sesame" not in f"{outcome}{job!r}{mapping!r}"


def test_an_error_does_not_tell_a_secret(wait: Any) -> None:
    """A server that quotes what it was sent does not get it into a message or a log."""
    said = {"error": "bad token sesame-open for https://api.test/jobs/1?sig=open-sesame"}
    job = HttpJob(f"{URL}?sig=open-sesame", MAPPING, headers={"Authorization": "Bearer sesame-open"})
    outcome = wait(Server([answer(401, json=said)]), job)
    assert outcome.end is End.REFUSED
    assert "sesame" not in str(outcome)
    assert "sesame" not in repr(job)


def test_every_error_of_an_answer_knows_its_status(wait: Any) -> None:
    """Those of failed looks, and the one that ends the wait."""
    script: Script = [answer(503), httpx.ReadError("x"), answer(json=RUNNING), answer(json={}), answer(403)]
    outcome = wait(Server(script), HttpJob(URL, MAPPING))
    assert [failure.status for failure in outcome.failures] == [503, None, 200, 403]
    with pytest.raises(RequestRefused) as refused:
        outcome.raise_for_end()
    assert refused.value.status == 403


def test_a_held_answer_counts_as_slept() -> None:
    """The server held the answer for 3 s of a delay of 4 s, so 1 s is left; unapplied, all 4 s are."""
    for applied, slept in (({"Preference_Applied": "wait=3"}, 1.0), ({}, 4.0)):
        clock = VirtualClock()

        def held(request: httpx.Request, applied: Any = applied, clock: Any = clock) -> httpx.Response:
            assert request.headers["prefer"] == "wait=3"
            clock.sleep(3.0)
            return answer(json=RUNNING, **applied)

        poller = Poller(Fixed(interval=4.0), clock=clock.time, sleep=clock.sleep)
        waits = HttpPoller(poller, http=httpx.Client(transport=httpx.MockTransport(held)), hold=3.9)
        assert next(waits.watch(HttpJob(URL, MAPPING))).next_delay == slept


def test_no_answer_is_to_be_held_beyond_the_deadline() -> None:
    """What is asked for shrinks with the time that is left, and the last look asks for nothing."""
    clock, asked = VirtualClock(), []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("prefer"))
        return answer(json=RUNNING)

    poller = Poller(Fixed(interval=4.0), Limits(timeout=10.0), clock=clock.time, sleep=clock.sleep)
    waits = HttpPoller(poller, http=httpx.Client(transport=httpx.MockTransport(server)), hold=9.0)
    with pytest.raises(TimeoutError):
        waits.wait(HttpJob(URL, MAPPING))
    assert asked == ["wait=9", "wait=6", "wait=2", None]


@pytest.mark.parametrize("status", [400, 408, 504])
def test_who_cannot_hold_is_asked_no_more(wait: Any, status: int) -> None:
    """A gateway gives up before the server answers: that is a failed look, and the next ones hold nothing."""
    server = Server([answer(json=RUNNING), answer(status), answer(json=RUNNING), answer(json=DONE)])
    outcome = wait(server, HttpJob(URL, MAPPING), hold=30.0)
    assert (outcome.end, outcome.calls, outcome.failed_calls) == (End.COMPLETED, 4, 1)
    assert [request.headers.get("prefer") for request in server.asked] == ["wait=30"] * 2 + [None] * 2
    timeouts = [request.extensions["timeout"]["read"] for request in server.asked]
    assert [seconds > 35 for seconds in timeouts] == [True] * 2 + [False] * 2


def test_a_refusal_is_one_where_nothing_was_to_be_held(wait: Any) -> None:
    """The same code without the asking ends the wait."""
    assert wait(Server([answer(400)]), HttpJob(URL, MAPPING)).end is End.REFUSED


@pytest.mark.parametrize("hold", [0.5, -1, float("nan"), "30s", True, False])
def test_a_hold_that_cannot_be_asked_for_is_refused(hold: Any) -> None:
    """A server is asked in whole seconds: half of one would be none."""
    for waits in (HttpPoller, AsyncHttpPoller):
        with pytest.raises(ConfigError, match="hold: must be 0, or a number of seconds >= 1"):
            waits(hold=hold)


def test_the_creating_response_says_where_and_when() -> None:
    """A job made of it has its place, resolved, and its hint for the first look."""
    created = httpx.Response(
        202,
        headers={"Operation-Location": "/ops/1", "Retry-After": "3"},
        request=httpx.Request("POST", "https://api.test/jobs"),
    )
    job = HttpJob.created(created, MAPPING)
    assert (job.url, job.hint) == ("https://api.test/ops/1", 3.0)
    clock = VirtualClock()
    poller = Poller(Fixed(interval=1.0), clock=clock.time, sleep=clock.sleep)
    server = Server([answer(json=DONE)])
    HttpPoller(poller, http=httpx.Client(transport=httpx.MockTransport(server))).wait(job)
    assert clock.now == pytest.approx(3.0, abs=1.0)  # less what has passed since


def test_a_response_that_is_an_error_created_nothing() -> None:
    """A place in a refusal is that of no new job."""
    refused = httpx.Response(
        409, headers={"Location": "/ops/1"}, request=httpx.Request("POST", "https://api.test/jobs?key=secret")
    )
    with pytest.raises(
        RequestError, match=r"https://api.test/jobs.* created no job, but answered 409"
    ) as caught:
        HttpJob.created(refused, MAPPING)
    assert caught.value.status == 409
    assert "secret" not in str(caught.value)


def test_a_hint_counts_down_from_the_creating_response() -> None:
    """What passes between the job's creation and its wait is not waited for again."""
    job = HttpJob(URL, MAPPING, hint=60.0)
    began = time.monotonic()
    while time.monotonic() == began:
        pass
    clock = VirtualClock()
    poller = Poller(Fixed(interval=1.0), clock=clock.time, sleep=clock.sleep)
    HttpPoller(poller, http=httpx.Client(transport=httpx.MockTransport(Server([answer(json=DONE)])))).wait(
        job
    )
    assert 0.0 < clock.now < 60.0
    assert HttpJob(URL, MAPPING, hint=0.0).hint_left() == 0.0
    assert HttpJob(URL, MAPPING).hint_left() is None


def test_a_strategy_sees_what_is_kept_of_a_pending_answer() -> None:
    """By it one polls seldom while a job is queued; and whoever gives up has the last of it."""

    @attrs.frozen
    class Patient:
        def delay(self, situation: Situation, u: float) -> float:
            seen = situation.observation
            return 20.0 if seen is not None and seen.result["state"] == "queued" else 2.0

    queued, running = {"state": "queued"}, {"state": "running", "log": ["begun"]}
    clock = VirtualClock()
    limits = Limits(timeout=50.0)
    poller = Poller(Patient(), limits, clock=clock.time, sleep=clock.sleep)
    server = Server([answer(json=queued), answer(json=queued), answer(json=running)])
    waits = HttpPoller(poller, http=httpx.Client(transport=httpx.MockTransport(server)))
    mapping = JobMapping(status="state", completed="done", detail="@")
    updates: list[Update] = []
    with pytest.raises(WaitTimeout) as caught:
        waits.wait(HttpJob(URL, mapping), on_update=updates.append)
    assert [update.next_delay for update in updates] == [20.0, 20.0, 2.0, 2.0, 2.0, 2.0, None]
    assert caught.value.observation == Observation("pending", result=running, said="running")


def test_an_unknown_shape_ends_the_wait_and_says_how_to_map_it(wait: Any) -> None:
    """Nobody waits in vain for a status that is not there."""
    outcome = wait(Server([answer(json={"data": {"phase": "RUNNING"}})]), HttpJob(URL))
    assert outcome.end is End.REFUSED
    assert 'data.phase (text "RUNNING")' in str(outcome)


def test_nonsense_after_a_good_answer_is_a_failed_look(wait: Any) -> None:
    """Once the shape was right, an answer without it comes from something in between."""
    server = Server([answer(json=RUNNING), answer(json={"proxy": "busy"}), answer(json=DONE)])
    outcome = wait(server, HttpJob(URL, MAPPING))
    assert (outcome.end, outcome.failed_calls) == (End.COMPLETED, 1)


def test_a_look_alone_raises_what_it_saw() -> None:
    """Without a wait there is one observation, or one error."""
    http = httpx.Client(transport=httpx.MockTransport(Server([answer(json=DONE), answer(503)])))
    waits = HttpPoller(http=http)
    assert waits.look(HttpJob(URL, MAPPING)).status == "completed"
    with pytest.raises(RequestError, match="503"):
        waits.look(HttpJob(URL, MAPPING))


def test_a_wait_that_timed_out_goes_on_until_a_new_deadline() -> None:
    """Its own deadline stays unless another is named; a new wait takes one as well."""
    clock = VirtualClock()
    poller = Poller(
        Fixed(interval=4.0),
        Limits(max_attempts=None, timeout=10.0),
        clock=clock.time,
        wall_clock=clock.time,
        sleep=clock.sleep,
    )
    http = httpx.Client(transport=httpx.MockTransport(Server([answer(json=RUNNING)])))
    waits, job = HttpPoller(poller, http=http), HttpJob(URL, MAPPING)
    with pytest.raises(WaitTimeout) as first:
        waits.wait(job)
    assert (first.value.elapsed, first.value.calls) == (10.0, 4)
    clock.sleep(5.0)
    with pytest.raises(WaitTimeout) as second:
        waits.wait(job, token=first.value.token, timeout=9.0)
    assert (second.value.elapsed, second.value.calls) == (24.0, 8)  # at 15, 19, 23 and 24 s
    with pytest.raises(WaitTimeout) as again:
        waits.wait(job, token=second.value.token)
    assert (again.value.elapsed, again.value.calls) == (24.0, 9)
    with pytest.raises(WaitTimeout) as other:
        waits.wait(job, timeout=3.0)
    assert (other.value.elapsed, other.value.calls) == (3.0, 2)
    with pytest.raises(ConfigError, match="timeout: must be a finite number > 0"):
        waits.wait(job, timeout=0.0)


@pytest.mark.parametrize(
    ("waits", "http"),
    [(HttpPoller, httpx.AsyncClient()), (AsyncHttpPoller, httpx.Client()), (HttpPoller, httpx.Client)],
)
def test_a_client_of_the_other_colour_is_refused(waits: Any, http: Any) -> None:
    """At once, and not at the first look."""
    with pytest.raises(ConfigError, match=r"http: must be an? (async )?client such as httpx"):
        waits(http=http)


def test_a_failed_job_does_not_tell_a_secret(wait: Any) -> None:
    """What it says of its failure is told by the error that ends the wait, so it is told without."""
    why = {"message": "bad token sesame-open", "tried": ["sesame-open", 2]}
    job = HttpJob(URL, MAPPING, headers={"Authorization": "Bearer sesame-open"})
    outcome = wait(Server([answer(json={"state": "failed", "why": why})]), job)
    assert str(outcome).endswith("bad token …")
    assert outcome.observation.result == {"message": "bad token …", "tried": ["…", 2]}


def test_the_report_on_an_unknown_shape_does_not_tell_a_secret(wait: Any) -> None:
    """It shows what an answer holds, but nothing that was sent."""
    job = HttpJob(URL, MAPPING, headers={"Authorization": "Bearer sesame-open"})
    outcome = wait(Server([answer(json={"detail": "bad token sesame-open"})]), job)
    assert isinstance(outcome.failure, UnknownShape)
    assert 'detail (text "bad token …")' in outcome.failure.report


def test_many_waits_take_turns() -> None:
    """However many begin at once, no more requests are under way than the lanes can carry."""
    under_way, most = 0, 0

    async def server(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        return answer(json=DONE)

    async def wait() -> int:
        http = httpx.AsyncClient(transport=httpx.MockTransport(server))
        jobs = [HttpJob(f"{URL}{number}", MAPPING) for number in range(3 * MOST_AT_ONCE)]
        async with AsyncHttpPoller(http=http) as waits, waits.wait_for_all(jobs) as ended:
            return len([outcome async for _, outcome in ended if outcome.end is End.COMPLETED])

    assert asyncio.run(wait()) == 3 * MOST_AT_ONCE
    assert 1 < most <= MOST_AT_ONCE


def test_places_are_relative_to_the_answer_that_names_them(wait: Any) -> None:
    """A relative place begins where a redirect led (RFC 3986, 5.1.3): of the next look, and of the result."""
    moved = httpx.Response(302, headers={"location": "/v2/there/7"})
    running = httpx.Response(200, json=RUNNING, headers={"operation-location": "7/status"})
    done = httpx.Response(200, json={"state": "done"}, headers={"location": "7/result"})
    server = Server([moved, running, done, httpx.Response(200, json=[1])])
    assert wait(server, HttpJob(URL, MAPPING)).observation.result == [1]
    host = "https://api.test"
    there = f"{host}/v2/there"
    assert server.urls == [URL, f"{there}/7", f"{there}/7/status", f"{there}/7/7/result"]


def test_what_a_redirect_leads_to_is_asked_to_hold_too(wait: Any) -> None:
    """Its answer may be held, and what it says of its version is no matter of where the look begins."""
    moved = httpx.Response(307, headers={"location": "/there"})
    held = httpx.Response(200, json=RUNNING, headers={"etag": '"a"', "preference-applied": "wait=5"})
    server = Server([moved, held, moved, httpx.Response(200, json=DONE)])
    wait(server, HttpJob(URL, MAPPING), hold=5.0)
    assert [request.headers.get("prefer") for request in server.asked] == ["wait=5"] * 4
    assert [request.headers.get("if-none-match") for request in server.asked] == [None] * 4


@pytest.mark.parametrize(
    "headers",
    [{"a": "secret-a\n"}, {"a b": "x"}, {"": "x"}, {"a": "sécret"}, {"a": " x"}, {"a": "x\0y"}, {"ä": "x"}],
)
def test_headers_that_cannot_be_sent_are_refused(headers: dict[str, str]) -> None:
    """At once, and not look by look; and without the value, which may be secret."""
    with pytest.raises(ConfigError, match=r"^headers: ") as caught:
        HttpJob(URL, MAPPING, headers=headers)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("poller", [HttpPoller, AsyncHttpPoller])
@pytest.mark.parametrize("method", ["wait", "watch"])
def test_a_url_is_told_to_be_no_job(poller: Any, method: str) -> None:
    """At the call, in either colour, with what to pass instead, but without the URL, which may be secret."""
    with pytest.raises(ConfigError, match=r"^job: must be an HttpJob, such as HttpJob\(url\), got str$"):
        getattr(poller(), method)(URL)

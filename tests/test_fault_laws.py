"""The law of faults: whatever lies between client and server, a wait ends as it should, and in time."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from importlib.util import find_spec

import pytest
from faults import (
    HINTS,
    WRONG_JSON,
    CutBody,
    CutHead,
    Drop,
    Fault,
    Garbage,
    Gzip,
    HugeBody,
    RedirectInCircles,
    Reset,
    Respond,
    fault_scripts,
)
from faulty_proxy import FaultyProxy
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ways import async_client, sync_client

from bide import End, Hints, Limits, Outcome, Policy, Update, WaitError
from bide.cli.server_process import server_process
from bide.http import AsyncJobClient, JobClient
from bide.policy import HintMode
from bide_strategies import Fixed

pytestmark = pytest.mark.wire

TIMEOUT, REQUEST_TIMEOUT, INTERVAL, MAX_ATTEMPTS = 0.8, 0.3, 0.05, 12
POLICY = Policy(Fixed(interval=INTERVAL), Limits(timeout=TIMEOUT, max_attempts=MAX_ATTEMPTS))

MOST_IN_A_SECOND = round(1 / INTERVAL) + 2
"""The strategy's own polls, the one at once, and the one at the deadline."""

SLACK = 1.0
"""Seconds that a busy machine may take longer; without a bound a drip of headers takes for ever."""

together = settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example takes a second of real time
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
libraries = st.sampled_from([None, *(name for name in ("httpx", "httpx2") if find_spec(name))])
"""Whose client makes the requests; None for the one that bide makes itself."""

scripts = st.lists(st.tuples(libraries, fault_scripts), min_size=6, max_size=6)
Library = str | None
Waited = tuple[Outcome, list[Update], float]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A real server whose jobs last a fifth of a second, and all complete."""
    with server_process("--durations", "200ms", "--failing", "0") as url:
        yield url


@pytest.fixture(scope="module")
def job(server: str) -> str:
    """A job of that server, which has completed."""
    with JobClient(server, POLICY) as client:
        created = client.create_job()
        client.wait_for_job(created)
        return created


def _created(server: str) -> str:
    with JobClient(server) as client:
        return client.create_job()


def in_threads(ways: list[tuple[Library, str]], job: str) -> list[Waited]:
    """Wait through each proxy at the same time, in threads."""

    def wait(way: tuple[Library, str]) -> Waited:
        library, url = way
        updates: list[Update] = []
        with ExitStack() as stack:
            http = stack.enter_context(sync_client(library)) if library else None
            client = stack.enter_context(JobClient(url, POLICY, http=http, request_timeout=REQUEST_TIMEOUT))
            began = time.monotonic()
            outcome = _outcome(lambda: client.wait_for_job_with_updates(job, updates.append))
            return outcome, updates, time.monotonic() - began

    with ThreadPoolExecutor(len(ways)) as threads:
        return list(threads.map(wait, ways))


def in_asyncio(ways: list[tuple[Library, str]], job: str) -> list[Waited]:
    """Wait through each proxy at the same time, in tasks."""

    async def wait(library: Library, url: str) -> Waited:
        updates: list[Update] = []
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(async_client(library)) if library else None
            client = AsyncJobClient(url, POLICY, http=http, request_timeout=REQUEST_TIMEOUT)
            await stack.enter_async_context(client)
            began = time.monotonic()
            try:
                outcome = await client.wait_for_job_with_updates(job, updates.append)
            except WaitError as error:
                assert error.outcome is not None
                outcome = error.outcome
            return outcome, updates, time.monotonic() - began

    async def all_of_them() -> list[Waited]:
        return await asyncio.gather(*itertools.starmap(wait, ways))

    return asyncio.run(all_of_them())


def _outcome(wait: Callable[[], Outcome]) -> Outcome:
    try:
        return wait()
    except WaitError as error:
        assert error.outcome is not None
        return error.outcome


@pytest.mark.parametrize("wait", [in_threads, in_asyncio])
@together
@given(scripts)
def test_every_wait_ends_as_it_should_and_in_time(
    server: str,
    wait: Callable[[list[tuple[Library, str]], str], list[Waited]],
    scripts: list[tuple[Library, list[Fault]]],
) -> None:
    """In the right result or one typed error, within its time, its calls, and never in a hot loop."""
    with ExitStack() as stack:
        proxies = [stack.enter_context(FaultyProxy(server, script)) for _, script in scripts]
        ways = [(library, proxy.url) for (library, _), proxy in zip(scripts, proxies, strict=True)]
        for proxy, (outcome, updates, took) in zip(proxies, wait(ways, _created(server)), strict=True):
            _check(outcome, updates, took)
            assert len(proxy.exchanges) <= outcome.calls  # the rest came not so far


def _check(outcome: Outcome, updates: list[Update], took: float) -> None:
    assert outcome.end in {End.COMPLETED, End.TIMED_OUT, End.ATTEMPTS_EXHAUSTED}
    if outcome.end is End.COMPLETED:
        assert outcome.observation is not None
        assert outcome.observation.result == {"duration": pytest.approx(0.2, abs=1e-6)}
    assert took <= TIMEOUT + REQUEST_TIMEOUT + SLACK
    assert len(updates) <= outcome.calls <= MAX_ATTEMPTS
    again = outcome.calls - len(updates)  # requests in place of one that was led elsewhere, or came too late
    assert outcome.failed_calls - again == sum(update.failure is not None for update in updates)
    times = [update.elapsed for update in updates]
    assert all(later - earlier > 1 for earlier, later in zip(times, times[MOST_IN_A_SECOND:], strict=False))


@pytest.mark.parametrize("hint", HINTS.values(), ids=HINTS)
@pytest.mark.parametrize("mode", ["floor", "replace", "ignore"])
def test_no_hint_leads_to_a_hot_loop_or_beyond_the_deadline(
    server: str, job: str, mode: HintMode, hint: tuple[tuple[str, str], ...]
) -> None:
    """A server that only ever answers 429, with any hint, is asked as seldom as the strategy would."""
    limits = Limits(timeout=0.25)
    policy = Policy(Fixed(interval=0.1), limits, hints=Hints(mode=mode))
    with FaultyProxy(server, [Respond(429, hint)] * 30) as proxy, JobClient(proxy.url, policy) as client:
        outcome = _outcome(lambda: client.wait_for_job(job))
    assert outcome.end is End.TIMED_OUT
    assert 2 <= outcome.calls <= 4


@pytest.mark.parametrize("wait", [in_threads, in_asyncio])
def test_every_request_that_the_server_saw_is_a_call(
    server: str, job: str, wait: Callable[[list[tuple[Library, str]], str], list[Waited]]
) -> None:
    """Whatever becomes of it, also over a connection that was kept, and in circles of redirects."""
    faults: list[Fault] = [
        Drop(),
        Reset(),
        CutBody(),
        CutHead(),
        Garbage(),
        Respond(503),
        RedirectInCircles(307),
        Gzip(),
    ]
    scripts = [[Respond(503), fault, fault] for fault in faults]
    with ExitStack() as stack:
        proxies = [stack.enter_context(FaultyProxy(server, script)) for script in scripts]
        outcomes = [outcome for outcome, *_ in wait([(None, proxy.url) for proxy in proxies], job)]
    assert [outcome.calls for outcome in outcomes] == [len(proxy.exchanges) for proxy in proxies]


@pytest.mark.parametrize("body", WRONG_JSON)
def test_json_that_is_no_job_is_a_failed_look(server: str, job: str, body: bytes) -> None:
    """Something between client and server answers in its stead; the next look reaches it."""
    with FaultyProxy(server, [Respond(200, (), body)]) as proxy, JobClient(proxy.url, POLICY) as client:
        outcome = client.wait_for_job(job)
    assert (outcome.calls, outcome.failed_calls) == (2, 1)


def test_a_body_without_measure_is_not_read_to_its_end(server: str, job: str) -> None:
    """Of 100 MB no more is taken than a job's answer may have."""
    with FaultyProxy(server, [HugeBody()]) as proxy, JobClient(proxy.url, POLICY) as client:
        assert client.wait_for_job(job).failed_calls == 1
        assert proxy.exchanges[0].sent < 40 * 2**20

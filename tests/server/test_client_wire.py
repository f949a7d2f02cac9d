"""What bide's own client makes of the server, over a real socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from bide import AttemptsExhausted, ConfigError, JobCancelled, JobClient, JobNotFound, Limits, RequestRefused
from bide.cli.server_process import server_process
from bide_strategies import Fixed

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a real server whose jobs last a second or a little more."""
    with server_process("--durations", "1s..1.1s", "--failing", "0", "--seed", "1") as url:
        yield url


@contextmanager
def recorded() -> Iterator[tuple[httpx.Client, list[httpx.Response]]]:
    """Give an HTTP client, and the list of the answers that it gets."""
    answers: list[httpx.Response] = []
    with httpx.Client(trust_env=False, event_hooks={"response": [answers.append]}) as http:
        yield http, answers


def calls_at(url: str, strategy: str) -> Any:
    """Return how many status calls the server has counted for a strategy."""
    calls = httpx.get(f"{url}/v1/stats", trust_env=False).json()["status_calls"]["by_strategy"]
    return calls.get(strategy, 0)


@pytest.mark.parametrize("key", ["order-7", 'a "quoted" \\ key', "x" * 255])
def test_a_job_with_a_key_is_created_once(key: str, url: str) -> None:
    """However often the client asks; another key is another job, and so is none."""
    with JobClient(url) as client:
        first = client.create_job({"duration": 60}, idempotency_key=key)
        assert client.create_job({"duration": 60}, idempotency_key=key) == first
        others = {
            client.create_job({"duration": 60}, idempotency_key=other) for other in ("else" + key[4:], None)
        }
        assert len({first, *others}) == 3
        with pytest.raises(RequestRefused, match="422"):
            client.create_job({"duration": 61}, idempotency_key=key)


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\nb", 7])
def test_a_key_that_no_header_can_hold_is_refused(key: Any) -> None:
    """Before anything is asked."""
    with pytest.raises(ConfigError, match="idempotency_key: must be 1 to 255 characters"):
        JobClient("http://127.0.0.1:1").create_job(idempotency_key=key)


def test_a_client_cancels_a_job(url: str) -> None:
    """The job is cancelled, then and when it is cancelled again, and a wait for it says so."""
    with JobClient(url) as client:
        job = client.create_job({"duration": 60})
        first, second = client.cancel_job(job), client.cancel_job(job)
        assert (first.status, second) == ("cancelled", first)
        assert first.completed_at is not None
        assert abs(time.time() - first.completed_at) < 5
        with pytest.raises(JobCancelled) as caught:
            client.wait_for_job(job)
        assert caught.value.calls == 1
        with pytest.raises(JobNotFound):
            client.cancel_job("no-such-job")


def test_cancelling_leaves_an_ended_job_alone(url: str) -> None:
    """A job that has completed is shown as completed when somebody cancels it."""
    with JobClient(url) as client:
        job = client.create_job({"duration": 0, "outcome": "completed"})
        assert client.cancel_job(job).status == "completed"


def test_an_answer_without_news_is_a_call(url: str) -> None:
    """Polls after the first are 304, on the same connection; client and server count them like the others."""
    with recorded() as (http, answers):
        http.headers["Bide-Strategy"] = "conditional"
        client = JobClient(url, Fixed(interval=0.02), Limits(max_attempts=4), http=http)
        job = client.create_job({"duration": 3600})
        with pytest.raises(AttemptsExhausted) as caught:
            client.wait_for_job(job)
        connections = {id(answer.extensions["network_stream"]) for answer in answers}
    assert [answer.status_code for answer in answers] == [202, 200, 304, 304, 304]
    assert len(connections) == 1
    assert caught.value.calls == calls_at(url, "conditional") == 4
    assert caught.value.observation is not None
    assert caught.value.observation.status == "pending"


def test_a_held_look_sees_the_end(url: str) -> None:
    """With `hold` the end of a job of 1 s is seen by the first call, or at worst by the second."""
    with JobClient(url, hold=5) as client:
        outcome = client.wait_for_job(client.create_job({"duration": 1, "outcome": "completed"}))
    assert outcome.calls <= 2
    assert outcome.observation is not None
    assert outcome.observation.completed_at is not None
    assert time.time() - outcome.observation.completed_at < 5


def test_a_held_look_ends_when_the_job_is_cancelled(url: str) -> None:
    """A client that waits for a minute learns at once that another cancelled the job."""
    with JobClient(url, hold=60) as client, JobClient(url) as other:
        job = client.create_job({"duration": 60})
        canceller = threading.Timer(0.1, other.cancel_job, [job])
        canceller.start()
        with pytest.raises(JobCancelled) as caught:
            client.wait_for_job(job)
        canceller.join()
    assert caught.value.calls <= 2
    assert caught.value.elapsed < 10


def test_the_hint_on_creating_delays_the_first_look(url: str) -> None:
    """Jobs last a second at least: the server says so, and the client's first look comes then, not before."""
    with JobClient(url, Fixed(interval=0.2)) as client:
        began = time.monotonic()
        job = client.create_job()
        first = next(client.watch(job))
    assert job.hint == 1
    assert time.monotonic() - began >= 1
    assert first.calls == 1


def test_held_requests_delay_nobody(url: str) -> None:
    """
    Of four times as many held requests as threads, half as many as threads wait; all else is answered.

    The job lasts a minute, and is cancelled in the end: what waited shows that it was answered last.
    """
    threads = 16
    answers: list[httpx.Response] = []
    with httpx.Client(base_url=url, trust_env=False, timeout=40, limits=httpx.Limits()) as http:
        job = http.post("/v1/jobs", json={"input": {"duration": 60}}).headers["location"]

        def hold() -> None:
            answers.append(http.get(job, headers={"Prefer": "wait=30"}))

        holders = [threading.Thread(target=hold) for _ in range(4 * threads)]
        for holder in holders:
            holder.start()
        plain: list[str] = []
        while len(plain) < 100 or len(answers) < 4 * threads - threads // 2:
            plain.append(http.get(job).json()["status"])
        http.delete(job)
        for holder in holders:
            holder.join(timeout=40)
    held = [answer.json()["status"] for answer in answers if "preference-applied" in answer.headers]
    assert set(plain) == {"pending"}
    assert held == ["cancelled"] * (threads // 2)
    assert len(answers) == 4 * threads

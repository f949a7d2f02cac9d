"""The client and the server over a real socket: the seed's own integration scenarios."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ways import LIBRARIES, sync_client

from bide import AttemptsExhausted, JobClient, JobFailed, JobNotFound, Update, WaitTimeout
from bide.cli.server_process import server_process

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a real server whose jobs last a quarter of a second."""
    with server_process("--durations", "250ms", "--failing", "0") as url:
        yield url


@pytest.fixture(params=LIBRARIES)
def client(url: str, request: pytest.FixtureRequest) -> Iterator[JobClient]:
    """A client of that server, with the defaults, which asks by either library."""
    with sync_client(request.param) as http, JobClient(url, http=http) as client:
        yield client


def test_a_job_is_followed_to_its_end_with_updates(client: JobClient) -> None:
    """Pending polls are told as they happen, then the result."""
    updates: list[Update] = []
    outcome = client.wait_for_job_with_updates(client.create_job(), updates.append)
    assert [update.calls for update in updates] == list(range(1, outcome.calls + 1))
    assert str(updates[0]) == "Attempt 1: job is pending"
    assert updates[-1].outcome == outcome
    assert outcome.observation is not None
    assert outcome.observation.completed_at is not None
    assert 0 <= time.time() - outcome.observation.completed_at < 5


def test_a_failed_job_is_an_error(client: JobClient) -> None:
    """A job that ends as error raises JobFailed, with its message."""
    with pytest.raises(JobFailed) as caught:
        client.wait_for_job(client.create_job({"duration": 0, "outcome": "error"}))
    assert caught.value.observation is not None
    assert caught.value.observation.result == {"message": "the simulated work failed"}


def test_one_attempt_ends_with_attempts_exhausted(client: JobClient) -> None:
    """After `set_max_attempts(1)` there is one call and no more."""
    client.set_max_attempts(1)
    with pytest.raises(AttemptsExhausted) as caught:
        client.wait_for_job(client.create_job({"duration": 60}))
    assert caught.value.calls == 1


def test_a_timeout_of_a_millisecond_times_out(client: JobClient) -> None:
    """After `set_timeout(0.001)` the wait ends soon, as timed out, whatever the request takes."""
    client.set_timeout(0.001)
    with pytest.raises(WaitTimeout) as caught:
        client.wait_for_job(client.create_job({"duration": 60}))
    assert caught.value.elapsed < 5


def test_an_unknown_job_is_not_found(client: JobClient) -> None:
    """The server's 404 is told apart from all else, in a look and in a wait."""
    with pytest.raises(JobNotFound):
        client.get_status("no-such-job")
    with pytest.raises(JobNotFound) as caught:
        client.wait_for_job("no-such-job")
    assert caught.value.calls == 1

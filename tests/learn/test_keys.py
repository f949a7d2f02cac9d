"""Each wait may have a key, which reaches who learns: through every client, and from process to process."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import field, frozen

from bide import (
    AsyncJobClient,
    AsyncPoller,
    ConfigError,
    End,
    JobClient,
    Limits,
    Poller,
    Situation,
    Wait,
    WaitTimeout,
)
from bide.cli.app import run
from bide.http import HttpJob, HttpPoller
from bide.learn import background
from bide.learn.history import SqliteHistory
from bide.learning import Lesson
from bide.position import _check
from bide.testing import ScriptedJob, VirtualClock, running_server
from bide_strategies import Fixed


@frozen
class Pupil:
    """Looks at once and again, and keeps what it is told."""

    told: list[Lesson] = field(factory=list, eq=False, repr=False)

    def delay(self, situation: Situation, u: float) -> float:
        return 0.0

    def begun(self, key: str) -> Pupil:
        return self

    def learn(self, lesson: Lesson) -> None:
        self.told.append(lesson)


def over(request: httpx.Request) -> httpx.Response:
    """Answer that the job is over."""
    return httpx.Response(200, json={"id": request.url.path.rpartition("/")[2], "status": "completed"})


def test_the_client_gives_each_wait_its_key() -> None:
    """With updates or without, watched, and one for many jobs at once."""
    pupil = Pupil()
    with httpx.Client(transport=httpx.MockTransport(over)) as http:
        client = JobClient("http://server.test", pupil, http=http)
        client.wait_for_job("a", key="small")
        client.wait_for_job_with_updates("b", lambda update: None, key="large")
        list(client.watch("c", key="huge"))
        list(client.wait_for_jobs(["d", "e"], key="eu"))
        client.wait_for_job("f")
    assert [lesson.key for lesson in pupil.told] == ["small", "large", "huge", "eu", "eu", ""]


def test_the_async_client_gives_each_wait_its_key() -> None:
    """As that for threads does."""
    pupil = Pupil()

    async def main() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(over)) as http:
            client = AsyncJobClient("http://server.test", pupil, http=http)
            await client.wait_for_job("a", key="small")
            await client.wait_for_job_with_updates("b", lambda update: None, key="large")
            async for _ in client.watch("c", key="huge"):
                pass
            async with client.wait_for_jobs(["d", "e"], key="eu") as ended:
                async for _ in ended:
                    pass

    asyncio.run(main())
    assert [lesson.key for lesson in pupil.told] == ["small", "large", "huge", "eu", "eu"]


def test_a_poller_gives_each_wait_its_key() -> None:
    """Of any function, watched or not."""
    pupil = Pupil()
    poller = Poller(pupil)
    poller.wait(ScriptedJob().poll, key="small")
    list(poller.watch(ScriptedJob().poll, key="large"))
    assert [lesson.key for lesson in pupil.told] == ["small", "large"]


def test_the_async_poller_gives_each_wait_its_key() -> None:
    """As that for threads does."""
    pupil = Pupil()
    poller = AsyncPoller(pupil)

    async def main() -> None:
        await poller.wait(ScriptedJob().apoll, key="small")
        async for _ in poller.watch(ScriptedJob().apoll, key="large"):
            pass

    asyncio.run(main())
    assert [lesson.key for lesson in pupil.told] == ["small", "large"]


def test_a_wait_that_is_given_has_a_key_of_its_own() -> None:
    """Another one beside it is refused before anything is done."""
    poller, job = Poller(Fixed()), ScriptedJob()
    message = "key: must not be given with a wait, which has its own: give it to begin or resume, got 'large'"
    with pytest.raises(ConfigError, match=message):
        poller.wait(job.poll, poller.begin(key="small"), key="large")
    assert job.polls == []


def broken_off(key: str) -> str:
    """Return the token of a wait with a key that gave up."""
    job = ScriptedJob(clock=VirtualClock(), ends_at=9.0)
    clock = job.clock
    poller = Poller(Fixed(interval=1.0), Limits(timeout=2.0), clock=clock.time, sleep=clock.sleep)
    with pytest.raises(WaitTimeout) as caught:
        poller.wait(job.poll, poller.begin(key=key))
    assert caught.value.token is not None
    return caught.value.token


@pytest.mark.parametrize(("given", "found"), [("", "large"), ("huge", "huge")])
def test_a_token_carries_the_key(given: str, found: str) -> None:
    """The wait that goes on has it, unless it is given another; and so has its own token."""
    wait = Poller(Fixed(interval=1.0)).resume(broken_off("large"), key=given)
    assert wait.key == found
    assert json.loads(wait.token())["key"] == found


def test_the_key_of_a_token_reaches_who_learns_over_http() -> None:
    """The job that goes on need not be told it again."""
    pupil = Pupil()
    with httpx.Client(transport=httpx.MockTransport(over)) as http:
        HttpPoller(pupil, http=http).wait(HttpJob("http://server.test/a"), token=broken_off("large"))
    assert [lesson.key for lesson in pupil.told] == ["large"]


def test_a_token_without_a_key_is_of_a_wait_without_one() -> None:
    """Such as those that were written before waits had keys."""
    fields = json.loads(broken_off(""))
    old = {name: fields[name] for name in fields if name not in ("bide_wait", "check", "key")}
    token = json.dumps({"bide_wait": 1, **old, "check": _check(old)})
    assert Poller(Fixed(interval=1.0)).resume(token).key == ""


@pytest.mark.parametrize(
    "begun",
    [
        lambda key: Poller(Fixed(interval=1.0)).begin(key=key),
        lambda key: Poller(Fixed(interval=1.0)).wait(ScriptedJob().poll, key=key),
        lambda key: HttpJob("http://server.test/a", key=key),
        lambda key: JobClient("http://server.test").wait_for_job("a", key=key),
        lambda key: JobClient("http://server.test").wait_for_jobs(["a"], key=key),
    ],
)
def test_a_key_is_text(begun: Any) -> None:
    """Anything else is refused before the wait begins, with its name."""
    with pytest.raises(ConfigError, match="key: must be text, got 5"):
        begun(5)


@pytest.mark.wire
def test_a_wait_from_the_shell_has_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it found out is remembered with it, also by the one that goes on with its token."""
    history = tmp_path / "waits.sqlite3"
    strategy = f'learned(job_kind=video, history="{history}", call_cost=1s, fallback=fixed(interval=20ms))'
    with running_server() as url, JobClient(url) as client:
        job = client.url_of(client.create_job({"duration": 1.0, "outcome": "completed"}))
        wait = ["wait", job, "--strategy", strategy, "--max-attempts", "none", "--json"]
        assert run([*wait, "--timeout", "50ms", "--key", "large"]) == 3
        token = json.loads(capsys.readouterr().out)["token"]
        assert run([*wait, "--timeout", "10s", "--resume", token]) == 0
    assert background.flush(10)
    [lesson] = SqliteHistory(str(history)).lessons("video")
    assert (lesson.key, lesson.end) == ("large", End.COMPLETED)


def test_the_engine_has_a_key() -> None:
    """Also of whoever drives it alone."""
    pupil = Pupil()
    wait = Wait(Poller(pupil), now=0.0, started_at=0.0, key="large")
    again = Wait.resume(wait.token(), Poller(pupil), now=1.0, at=1.0)
    assert (wait.key, again.key) == ("large", "large")

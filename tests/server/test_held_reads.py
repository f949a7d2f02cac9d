"""Reads that are held until the job has ended: ``Prefer: wait=N``. The clock of these tests jumps."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from falcon.testing import Result
from harness import NOON, Api, api

from bide.server.holds import Holds
from bide.server.preferences import wait_in


def start(server: Api, **pins: object) -> str:
    """Create a job, and return its path."""
    return f"/v1/jobs/{server.submit(**pins)}"


def applied(answer: Result) -> str | None:
    return answer.headers.get("preference-applied")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_is_held_until_the_job_ends(method: str) -> None:
    """A job of 2 s is waited for a grain longer, lest it be seen just before; the answer shows its end."""
    with api() as server:
        path = start(server, duration=2, outcome="completed")
        answer = server.request(method, path, Prefer="wait=5")
        (length,) = server.pause.lengths
    assert 2 < length < 2.01
    assert (answer.status_code, applied(answer)) == (200, "wait=5")
    assert answer.headers["etag"] == 'W/"completed-100"'


@pytest.mark.parametrize(("wanted", "given"), [(1, 1), (30, 30), (31, 30), (10**200, 30)])
def test_an_answer_is_held_no_longer_than_wanted(wanted: int, given: int) -> None:
    """A job that goes on is shown as pending when the time is up: that of the client, or 30 s."""
    with api() as server:
        answer = server.get(start(server, duration=60), Prefer=f"wait={wanted}")
        assert server.pause.lengths == [given]
    assert (answer.json["status"], applied(answer)) == ("pending", f"wait={given}")
    assert answer.json["progress"] == given / 60


def test_a_hold_ends_when_the_job_is_cancelled() -> None:
    """The client that waits learns of it at once: no more time has passed."""
    with api() as server:
        path = start(server, duration=60)
        server.pause.happens = (10, lambda: server.request("DELETE", path))
        answer = server.get(path, Prefer="wait=20")
        assert server.clock.now == NOON + 10
    assert (answer.json["status"], applied(answer)) == ("cancelled", "wait=20")


def test_a_hold_outlasts_the_cancelling_of_another_job() -> None:
    """What happens to other jobs makes no difference."""
    with api() as server:
        path, other = start(server, duration=60), start(server, duration=60)
        server.pause.happens = (10, lambda: server.request("DELETE", other))
        assert server.get(path, Prefer="wait=20").json["progress"] == 20 / 60


def test_a_hold_ends_when_the_server_stops() -> None:
    """Held requests are answered with how the job is; from then on nothing is held."""
    with api() as server:
        path = start(server, duration=60)
        server.pause.happens = (6, server.app.release)
        held, later = server.get(path, Prefer="wait=20"), server.get(path, Prefer="wait=20")
        assert len(server.pause.lengths) == 1
    assert (held.json["progress"], applied(held)) == (0.1, "wait=20")
    assert (later.json["progress"], applied(later)) == (0.1, None)


@pytest.mark.parametrize("age", [10, 11])
def test_a_job_that_has_ended_is_shown_at_once(age: float) -> None:
    """There is nothing to wait for, and no preference was applied."""
    with api() as server:
        path = start(server, duration=10)
        server.clock.now += age
        assert applied(server.get(path, Prefer="wait=5")) is None
        assert server.get("/v1/jobs/x", Prefer="wait=5").status_code == 404
        assert server.pause.lengths == []


@pytest.mark.parametrize(("threads", "places"), [(2, 1), (3, 1), (4, 2), (9, 4)])
def test_no_more_than_half_of_the_threads_hold(threads: int, places: int) -> None:
    """With all places taken an answer comes at once, without the preference; a place that is left is free."""
    with api(threads=threads) as server:
        path = start(server, duration=60)
        answers: list[Result] = []

        def ask_again() -> None:
            answers.append(server.get(path, Prefer="wait=1"))

        server.pause.happens = (0, ask_again)
        for _ in range(2):
            ask_again()
        assert len(server.pause.lengths) == 2 * places
    assert [applied(answer) for answer in answers] == 2 * [None, *places * ["wait=1"]]


def test_a_held_read_may_be_conditional() -> None:
    """When the time is up and nothing is new, a held answer is 304; when the job has ended it is 200."""
    with api() as server:
        path = start(server, duration=1000)
        tag = server.get(path).headers["etag"]
        same = server.get(path, Prefer="wait=5", If_None_Match=tag)
        server.clock.now += 980
        ended = server.get(path, Prefer="wait=30", If_None_Match=tag)
    assert (same.status_code, applied(same)) == (304, "wait=5")
    assert (ended.status_code, applied(ended)) == (200, "wait=30")


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=10", 10),
        ("WAIT = 10 ", 10),
        ("respond-async, wait=10", 10),
        ("wait=10;x=y, handling=lenient", 10),
        ('return=minimal; foo="a, wait=3", wait=4', 4),
        ("wait=2, wait=9", 2),
        ("wait=x, wait=9", 0),
        ("wait=0", 0),
        ("wait=007", 7),
        ("", 0),
        ("wait", 0),
        ("wait=", 0),
        ("wait=-1", 0),
        ("wait=+1", 0),
        ("wait=1.5", 0),
        ("wait=1_0", 0),
        ("wait=٣", 0),
        ("wait=²", 0),
        ('wait="5"', 0),
        ("waiting=5", 0),
        ("await=5", 0),
        (",,;=;,wait=6", 6),
        ('"wait=5', 0),
        ("wait=5" + "," * 300, 0),
        ('"' + '\\"' * 60_000, 0),
        ("wait=" + "9" * 100_000, 0),
    ],
)
def test_what_cannot_be_read_is_ignored(prefer: str, seconds: int) -> None:
    """The first wait counts, if it is whole seconds; all else asks for nothing (RFC 7240, section 2)."""
    assert wait_in(prefer) == seconds


def test_a_release_between_the_look_and_the_wait_is_not_missed() -> None:
    """A job that is cancelled after it was seen to run, but before anybody waits, is not waited for."""
    seen: list[bool] = []

    def pause(released: Event, _seconds: float) -> None:
        seen.append(released.is_set())

    def look(holds: Holds) -> Callable[[], float]:
        def cancelled_just_after() -> float:
            holds.release("a")
            return 10

        return cancelled_just_after

    holds = Holds(1, pause)
    assert holds.hold("a", look(holds))
    assert seen == [True]


def test_a_failed_hold_gives_its_place_back() -> None:
    """When looking for the job fails, the place is free for the next."""
    holds = Holds(1, lambda *_: None)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            holds.hold("a", lambda: 1 / 0)
    assert holds.hold("a", lambda: 1)


def test_threads_are_released_together() -> None:
    """Eight threads that really wait, for an hour, end when their job is cancelled or the places close."""
    waiting = [Event() for _ in range(8)]

    def pause(released: Event, seconds: float) -> None:
        waiting.pop().set()
        released.wait(seconds)

    holds = Holds(8, pause)
    entered = list(waiting)
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(holds.hold, name, lambda: 3600.0) for name in "aaaabbbb"]
        assert all(event.wait(30) for event in entered)
        holds.release("a")
        assert all(one.result(timeout=30) for one in done[:4])
        assert not any(one.done() for one in done[4:])
        holds.close()
        assert all(one.result(timeout=30) for one in done[4:])

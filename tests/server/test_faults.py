"""Faults: what a server that is told to misbehave does, how often, and when."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from harness import Api, api
from hypothesis import given
from hypothesis import strategies as st

from bide.cli.server_process import server_process
from bide.errors import ConfigError
from bide.server import load_config
from bide.server.faults import Faults, Misbehaviour, Window, read_faults

SHARES = ["errors", "dropped", "reset", "truncated", "malformed"]


def fate(server: Api, path: str) -> str:
    """Return what happened to one status request."""
    try:
        answer = server.get(path)
    except ConnectionError:
        return "broken"
    return str(answer.status_code)


def test_shares_are_kept_and_reproduced() -> None:
    """Of 2,000 requests a fifth is refused, each 5xx alike, and a tenth breaks; again with the same seed."""
    faults = Faults(errors=0.2, statuses=(500, 503), dropped=0.1, methods=("GET",))
    runs = []
    for seed in (1, 1, 2):
        with api(faults=faults, seed=seed) as server:
            path = f"/v1/jobs/{server.submit()}"
            runs.append([fate(server, path) for _ in range(2000)])
    assert runs[0] == runs[1] != runs[2]
    counts = Counter(runs[0])
    # Five standard deviations of the binomial: 400 +- 90 in two halves of 200 +- 67; 200 +- 67.
    assert abs(counts["500"] - 200) < 67
    assert abs(counts["503"] - 200) < 67
    assert abs(counts["broken"] - 200) < 67
    assert counts["200"] == 2000 - counts["500"] - counts["503"] - counts["broken"]


@given(lot=st.floats(0, 1, exclude_max=True), parts=st.lists(st.floats(0, 0.2), min_size=5, max_size=5))
def test_every_lot_has_one_fate(lot: float, parts: list[float]) -> None:
    """A lot below the shares' sum means one of them, any other nothing; nothing is chosen without a share."""
    shares: dict[str, Any] = dict(zip(SHARES, parts, strict=True))
    behaviour = Misbehaviour(**shares)
    what = behaviour.chosen(lot)
    assert what is None or getattr(behaviour, what) > 0
    assert (what is None) == (lot >= sum(parts)) or abs(lot - sum(parts)) < 1e-12


def test_an_error_does_nothing_and_a_lost_answer_has_done_its_work() -> None:
    """A request that is refused makes no job; one whose connection is dropped has made one."""
    with api(faults=Faults(by_header=True)) as server:
        refused = server.post("/v1/jobs", headers={"Bide-Fault": "errors=1, statuses=[502]"})
        assert (refused.status_code, refused.json["status"]) == (502, 502)
        assert server.get("/v1/jobs").json["jobs"] == []
        with pytest.raises(ConnectionError):
            server.post("/v1/jobs", headers={"Bide-Fault": "dropped=1", "Idempotency-Key": "once"})
        made = server.get("/v1/jobs").json["jobs"]
        again = server.post("/v1/jobs", headers={"Idempotency-Key": "once"})
    assert [job["id"] for job in made] == [again.json["id"]]


def test_bodies_end_half_way() -> None:
    """A malformed body is half of one, with a length that fits; a truncated one breaks off there."""
    with api(faults=Faults(by_header=True)) as server:
        path = f"/v1/jobs/{server.submit()}"
        whole = server.get(path).content
        malformed = server.get(path, Bide_Fault="malformed=1")
        with pytest.raises(ConnectionError):
            server.get(path, Bide_Fault="truncated=1")
    assert malformed.content == whole[: len(whole) // 2]
    assert int(malformed.headers["content-length"]) == len(malformed.content)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
        json.loads(malformed.content)


def test_answers_are_late_by_their_distribution() -> None:
    """Latencies lie within their range, and are not all alike."""
    with api(faults=Faults(latency="100ms..2s"), seed=3) as server:
        server.submit()
        for _ in range(20):
            server.get("/v1/jobs")
    assert len(set(server.pause.lengths)) == 21
    assert all(0.1 <= seconds <= 2 for seconds in server.pause.lengths)


def test_hints_and_dates_lie() -> None:
    """``Retry-After`` says what it is told to, or nothing; ``Date`` is as far ahead as it is told to be."""
    with api(faults=Faults(retry_after="soon", skew=300)) as server:
        answer = server.post("/v1/jobs")
        ahead = parsedate_to_datetime(answer.headers["date"]).timestamp() - server.clock.now
    assert (answer.headers["retry-after"], ahead) == ("soon", 300)
    with api(faults=Faults(retry_after="")) as server:
        assert "retry-after" not in server.post("/v1/jobs").headers


def test_windows_come_and_go() -> None:
    """An outage from 10 s to 20 s begins and ends there; what is wrong otherwise is suspended meanwhile."""
    faults = Faults(skew=60, windows=(Window(during="10s..20s", errors=1, statuses=(503,)),))
    with api(faults=faults) as server:
        path = f"/v1/jobs/{server.submit()}"
        start, seen = server.clock.now, []
        for server.clock.now in (start + 9.9, start + 10, start + 19.9, start + 20):
            answer = server.get(path)
            seen.append((answer.status_code, "date" in answer.headers))
    assert seen == [(200, True), (503, False), (503, False), (200, True)]


def test_a_look_by_head_goes_wrong_too() -> None:
    """A poller that asks with HEAD meets the same outage as one that asks with GET."""
    with api(faults=Faults(errors=1, statuses=(503,), methods=("GET",))) as server:
        path = f"/v1/jobs/{server.submit()}"
        assert server.request("HEAD", path).status_code == 503
    with api(faults=Faults(malformed=1, methods=("GET",))) as server:
        assert server.request("HEAD", path).content == b""


def test_only_requests_for_jobs_go_wrong() -> None:
    """Health, numbers and the page stay true; so do requests for jobs of methods that are not named."""
    with api(faults=Faults(errors=1, methods=("GET",))) as server:
        job = server.submit()
        sound, broken = ("/healthz", "/v1/stats", "/"), ("/v1/jobs", f"/v1/jobs/{job}", "/status/x")
        assert [server.get(path).status_code for path in sound] == [200, 200, 200]
        assert all(server.get(path).status_code >= 500 for path in broken)


def test_a_request_may_ask_only_where_it_is_allowed() -> None:
    """Without the setting the header is refused, at the routes of jobs; with it, if it cannot be read."""
    for faults in (None, Faults(errors=1)):
        with api(faults=faults) as server:
            refused = server.get("/v1/jobs", Bide_Fault="errors=1")
            assert (refused.status_code, "set by_header = true" in refused.json["detail"]) == (400, True)
            assert server.get("/healthz", Bide_Fault="errors=1").status_code == 200
    with api(faults=Faults(by_header=True)) as server:
        assert server.get("/v1/jobs", Bide_Fault="errors=1, statuses=[599]").status_code == 599
        files = (
            "latency=samples(file=/etc/passwd)",
            "latency=/etc/passwd.toml",
            "latency=samples(/dev/zero)",
        )
        for wrong in ("errors=2", "colour=red", "((", "errors=0.6, dropped=0.6", "latency=-1", *files):
            refused = server.get("/v1/jobs", Bide_Fault=wrong)
            assert (refused.status_code, refused.json["detail"].startswith("Bide-Fault: ")) == (400, True)
            assert "root" not in refused.text


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Misbehaviour()),
        ("latency=2s", Misbehaviour(latency="2s")),
        ("retry_after=-5", Misbehaviour(retry_after="-5")),
        ('retry_after="", skew=5m', Misbehaviour(retry_after="", skew=300.0)),
        ('retry_after="1e400", skew=-5m', Misbehaviour(retry_after="1e400", skew=-300.0)),
        ("dropped=0.5, methods=[GET]", Misbehaviour(dropped=0.5, methods=("GET",))),
    ],
)
def test_a_header_has_the_fields_of_the_file(header: str, expected: Misbehaviour) -> None:
    """What a request asks for is written as strategies are in one line."""
    assert read_faults(header) == expected


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("retry_after=[1]", "Bide-Fault: retry_after: must be a finite number, or text of visible ASCII"),
        ("retry_after=1e400", "Bide-Fault: retry_after: must be a finite number, or text of visible ASCII"),
        ("retry_after=true", "Bide-Fault: retry_after: must be a finite number, or text of visible ASCII"),
        ("skew=--5m", "Bide-Fault: skew: must be a duration such as 100ms, 2m30s or 1.5h, got '-5m'"),
        ("latency=1e400", "Bide-Fault: latency.shortest: must be a finite number >= 0"),
        ("errors", "Bide-Fault: needs '=' after 'errors', got the end"),
        ("errors=1 dropped=1", "Bide-Fault: needs ',' after 'errors=1', got 'dropped'"),
        ("kind=3", "Bide-Fault: kind: unknown field, with the value 3"),
        ("errors=2, skew=x", "Bide-Fault: errors: must be a finite number >= 0 and <= 1, got 2.0"),
    ],
)
def test_a_bad_header_is_refused_with_the_place(header: str, said: str) -> None:
    """The problem names the header, the field, the value and the rule."""
    with api(faults=Faults(by_header=True)) as server:
        answer = server.get("/v1/jobs", Bide_Fault=header)
    assert answer.status_code == 400
    assert answer.json["detail"].startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("errors = 1.1", "faults.errors: must be a finite number >= 0 and <= 1, got 1.1"),
        (
            "errors = 0.6\ndropped = 0.5",
            "faults: the shares of errors, dropped must be at most 1 together, got 1.1",
        ),
        ("statuses = [404]", "faults.statuses: must be statuses from 500 to 599, got [404]"),
        ("statuses = []", "faults.statuses: must be statuses from 500 to 599"),
        ('methods = ["PUT"]', "faults.methods: must be some of GET, POST, DELETE, got ['PUT']"),
        ('latency = "soon"', "faults.latency: must be a duration"),
        (
            'retry_after = "a\\nb"',
            "faults.retry_after: must be a finite number, or text of visible ASCII",
        ),
        (
            "retry_after = inf",
            "faults.retry_after: must be a finite number, or text of visible ASCII",
        ),
        ("skew = 1e12", "faults.skew: must be a finite number"),
        (
            '[[faults.windows]]\nduring = "20s..10s"',
            "faults.windows[0].during: must begin at 0s or later, and end after",
        ),
        ("[[faults.windows]]\nerrors = 1", "faults.windows[0].during: is required"),
        ('[[faults.windows]]\nduring = "1s..2s"\nerror = 1', "faults.windows[0].error: unknown field"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    """The error names the file, the path in it, the value and the rule."""
    file = tmp_path / "server.toml"
    file.write_text(f"[faults]\n{text}")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert str(caught.value).startswith(f"{file}: {said}")


@contextmanager
def connection(url: str) -> Iterator[http.client.HTTPConnection]:
    """Open a connection to a server, and close it."""
    link = http.client.HTTPConnection(str(urlsplit(url).hostname), urlsplit(url).port, timeout=10)
    try:
        yield link
    finally:
        link.close()


def read(link: http.client.HTTPConnection) -> bytes:
    """Return the body of the answer to a request that was sent."""
    return link.getresponse().read()


@pytest.mark.slow
@pytest.mark.wire
def test_connections_break_on_the_wire(tmp_path: Path) -> None:
    """Over sockets: closed without a byte, reset, broken off within the body; and the server lives on."""
    (tmp_path / "server.toml").write_text("database = ':memory:'\n[faults]\nby_header = true\n")
    wrong: dict[str, Any] = {
        "dropped=1": http.client.RemoteDisconnected,
        "reset=1": ConnectionResetError,
        "truncated=1": http.client.IncompleteRead,
    }
    with server_process("--config", str(tmp_path / "server.toml")) as url:
        for fault, error in wrong.items():
            with connection(url) as link:
                link.request("GET", "/v1/jobs", headers={"Bide-Fault": fault})
                with pytest.raises(error) as caught:
                    read(link)
            assert type(caught.value) is error
        with connection(url) as link:
            link.request("GET", "/v1/jobs", headers={"Bide-Fault": "skew=1h"})
            assert len(link.getresponse().headers.get_all("Date") or []) == 1


@pytest.mark.slow
@pytest.mark.wire
def test_late_answers_delay_no_others(tmp_path: Path) -> None:
    """While eight answers are seconds late, a ninth request is answered at once."""
    (tmp_path / "server.toml").write_text("database = ':memory:'\n[faults]\nby_header = true\n")

    def late(url: str) -> None:
        with connection(url) as link, suppress(OSError):
            link.request("GET", "/v1/jobs", headers={"Bide-Fault": "latency=30s"})
            read(link)

    with server_process("--config", str(tmp_path / "server.toml")) as url:
        threads = [threading.Thread(target=late, args=(url,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        with connection(url) as link:
            link.request("GET", "/healthz")
            assert link.getresponse().status == 200
    for thread in threads:  # the server's end has released them, or broken their connections
        thread.join(10)
        assert not thread.is_alive()

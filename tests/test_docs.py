"""The documentation's code runs as it stands."""

import json
import logging
import math
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from prometheus_client import REGISTRY

from bide.cli.app import run as cli
from bide.cli.server_process import server_process
from bide.config import policy_from_config
from bide.http.catalogue import find_mapping, mapping_from_config
from bide.learn import background
from bide.learn.history import SqliteHistory
from bide.server import load_config
from bide.testing import running_server

ROOT = Path(__file__).parent.parent


def blocks_of(page: str, language: str) -> list[str]:
    """Return the blocks of a page that are in one language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run(page: str, urls: Mapping[str, str], known: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run the Python of a page, its blocks one after the other; return what they defined."""
    code = "\n".join(blocks_of(page, "python"))
    for shown, real in urls.items():
        code = code.replace(shown, real)
    known = {} if known is None else known
    exec(compile(code, page, "exec"), known)  # noqa: S102 - the page itself
    return known


class _Videos(BaseHTTPRequestHandler):
    """The API of the guides: a video that is rendered at every second look."""

    protocol_version = "HTTP/1.1"
    looks: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.looks.append(self.headers["authorization"])
        done = len(self.looks) % 2 == 0
        video = {"id": "42", "status": "done" if done else "rendering", "output": {"url": "/42.mp4"}}
        self._say(200, {"data": {**video, "percent": 100 if done else 40}})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._say(202, {}, location="/v1/videos/42", retry_after="0.2")

    def _say(self, code: int, document: Any, **headers: str) -> None:
        body = json.dumps(document).encode()
        self.send_response(code)
        for name, text in {**headers, "content_length": str(len(body))}.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """The URLs that the pages show, with those of real servers."""
    with (
        server_process("--durations", "100ms..300ms", "--failing", "0") as jobs,
        ThreadingHTTPServer(("127.0.0.1", 0), _Videos) as videos,
    ):
        thread = threading.Thread(target=videos.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        port = videos.server_address[1]
        yield {"http://127.0.0.1:8080": jobs, "https://api.example.com": f"http://127.0.0.1:{port}"}
        videos.shutdown()
        thread.join()


@pytest.fixture
def urls(servers: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The same, with the secret that the pages take from the environment."""
    monkeypatch.setenv("TOKEN", "sesame-open")
    return servers


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_anything_can_be_polled_as_the_guide_says(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The guide's job is done at the first look, and each of its blocks runs."""
    Path("export.json").write_text(json.dumps({"state": "done", "share": 1.0}))
    run("docs/how-to/poll-anything.md", {})
    told = capsys.readouterr().out
    assert "completed 1" in told
    assert "wait cancelled after " in told


def test_waits_are_observed_as_the_guide_says(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of the guide's blocks runs, and each observer is told of the wait."""
    caplog.set_level(logging.DEBUG, "bide.waits")
    page: dict[str, Any] = {}
    try:
        run("docs/how-to/observe-waits.md", {}, page)
    finally:
        page["server"].shutdown()
        page["server"].server_close()
        page["thread"].join()
    assert "calls: 1" in caplog.text
    told = capsys.readouterr().out
    assert "tenant=acme" in re.sub(r"\x1b\[\d*m", "", told)
    assert told.endswith("1 calls, 0 of them wasted; lag None\n")
    labels = {"job_kind": "video", "outcome": "completed"}
    assert REGISTRY.get_sample_value("bide_waits_total", labels) == 1


@pytest.mark.wire
@pytest.mark.parametrize("page", ["README.md", "docs/tutorial/first-wait.md"])
def test_the_first_pages_run(
    page: str, urls: dict[str, str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their jobs complete, and the bounds are those that stand there."""
    Path("report.pdf").touch()
    policies = [block for block in blocks_of(page, "toml") if block.startswith("# mine.toml")]
    Path("mine.toml").write_text("".join(policies), encoding="utf-8")
    run(page, urls)
    told = capsys.readouterr().out
    assert "completed after" in told
    assert all(line in (ROOT / page).read_text(encoding="utf-8") for line in re.findall("Bounds.*", told))


@pytest.mark.wire
def test_any_api_is_waited_for_as_the_guide_says(
    urls: dict[str, str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its video is waited for with each of the ways to do so, and its file means what its mapping means."""
    page = "docs/how-to/wait-for-any-api.md"
    guide = run(page, urls)
    assert capsys.readouterr().out.count("completed after") == 4
    assert set(_Videos.looks) == {"Bearer sesame-open"}
    video, headers, other = blocks_of(page, "toml")
    Path("video.toml").write_text(video, encoding="utf-8")
    Path("keyed.toml").write_text(video + headers, encoding="utf-8")
    Path("other.toml").write_text(other, encoding="utf-8")
    assert find_mapping("video.toml") == guide["video"]
    assert find_mapping("keyed.toml").headers == {"authorization": "Bearer $TOKEN"}
    assert find_mapping("other.toml").transient == ("404",)


@pytest.mark.wire
def test_many_jobs_are_waited_for_as_the_guide_says(
    urls: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """All of the twenty end, in threads and async."""
    run("docs/how-to/wait-for-many-jobs.md", urls)
    told = capsys.readouterr().out.splitlines()
    assert len([line for line in told if " completed " in line]) == 20
    assert told[20] == "20 of 20"
    assert told[-1] == "20"


@pytest.mark.wire
def test_a_wait_is_resumed_as_the_guide_says(
    urls: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It times out, as it says there, and goes on to the job's end."""
    run("docs/how-to/resume-a-wait.md", urls)
    told = capsys.readouterr().out
    assert told.startswith("timed out after ")
    assert "seconds from the beginning" in told


def test_failures_are_survived_as_the_guide_says(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its file is its policy, and the script takes the time that stands there."""
    page = "docs/how-to/survive-failures.md"
    Path("patient.toml").write_text(blocks_of(page, "toml")[0], encoding="utf-8")
    run(page, {})
    assert capsys.readouterr().out == "".join(blocks_of(page, "text"))


@pytest.mark.slow
@pytest.mark.wire
def test_a_flaky_api_is_survived_as_the_guide_says(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its file is a server's, its script survives it, and so does its test."""
    page = "docs/how-to/test-against-a-flaky-api.md"
    Path("flaky.toml").write_text(blocks_of(page, "toml")[0], encoding="utf-8")
    known = run(page, {})
    assert capsys.readouterr().out == "".join(blocks_of(page, "text"))
    with running_server(load_config("flaky.toml")) as url:
        known["test_the_client_survives"](url)


@pytest.mark.wire
def test_a_strategy_learns_as_the_guide_says(
    urls: dict[str, str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of the guide's blocks runs, and its waits are remembered in the file that it names."""
    run("docs/how-to/learn-from-your-jobs.md", urls)
    assert capsys.readouterr().out.count("completed after") == 7
    assert background.flush(30)
    assert [each.jobs for each in SqliteHistory("waits.sqlite3").remembered()] == [5, 1]


def test_the_history_that_is_shown_can_be_imported(here: Path) -> None:
    """The guide's file is what the command reads: an exact job, one between two polls, one given up on."""
    shown = blocks_of("docs/how-to/learn-from-your-jobs.md", "text")
    [file] = [text for text in shown if text.startswith('"key"')]
    Path("video.csv").write_text(file, encoding="utf-8")
    assert cli(["learn", "import", "video.csv", "--kind", "video", "--history", "waits.sqlite3"]) == 0
    found = SqliteHistory("waits.sqlite3").lessons("video")
    assert [(job.key, job.low, job.high) for job in found] == [
        ("", 8.24, 8.24),
        ("large", 14.0, 21.5),
        ("", 60.0, math.inf),
    ]


def test_what_people_ask_for_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Each answer in Python does what it says."""
    run("docs/how-to/what-people-ask.md", {})
    told = capsys.readouterr().out
    assert told.splitlines()[0] == "Bounds(least=8, most=8, exact=True)"
    assert "True completed after 1 call" in told


@pytest.mark.parametrize(
    "page", [path.relative_to(ROOT) for path in sorted(ROOT.glob("docs/**/*.md"))], ids=str
)
def test_policies_and_mappings_that_are_shown_can_be_read(page: Path, here: Path) -> None:
    """What stands in a page as a policy, or as a mapping, is one."""
    for text in blocks_of(str(page), "toml"):
        table = tomllib.loads(text)
        if "strategy" in table and "around" not in text:
            policy_from_config(table)
        elif "completed" in table:
            mapping_from_config(table)


def shown_by(page: str) -> list[Any]:
    """Return the commands of a page that stand right before what they print, each with that."""
    text = (ROOT / page).read_text(encoding="utf-8")
    pairs = re.findall(r"^```sh\n(bide [^`]*)```\n\n```text\n([^`]*)^```$", text, re.MULTILINE)
    return [pytest.param(page, command, printed, id=command.strip()) for command, printed in pairs]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")
@pytest.mark.parametrize(
    ("page", "command", "printed"),
    shown_by("docs/how-to/compare-strategies.md") + shown_by("docs/how-to/herd.md"),
)
def test_commands_print_what_the_guides_show(page: str, command: str, printed: str, here: Path) -> None:
    """The same words, and numbers that are as great but for the luck of draws."""
    pytest.importorskip("openai", reason="needs the extra 'peers'")
    (here / "strategies").symlink_to(ROOT / "strategies")
    for block in blocks_of(page, "toml"):
        (here / block.split()[1]).write_text(block, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"COLUMNS": "80", "PATH": path}
    said = subprocess.check_output(["/bin/sh", "-c", command], text=True, env=environment)
    for shown, told in zip(printed.split(), said.split(), strict=True):
        assert told == shown or number(told) == pytest.approx(number(shown), rel=0.02, abs=0.02)


def number(word: str) -> float:
    """Return what a word says as a number; none if it says another thing."""
    return float(re.sub(r"[^\d.]", "", word) or "nan")

"""The command line: exit statuses, one clear line for each mistake, and what is printed where."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from raw_server import says, serve, whole

from bide import JobClient
from bide.cli.app import run
from bide.cli.race import Lane, draw_work
from bide.cli.server_process import server_process


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a real server, in a process of its own, whose jobs are short."""
    with server_process("--durations", "0.1s..0.2s") as url:
        yield url


@pytest.fixture
def nobody() -> Iterator[str]:
    """The URL of a port that is taken, so that nobody else can listen there, and that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def job_at(server: str, outcome: str, duration: float = 0.05) -> str:
    """Create a job that ends so; return its URL."""
    with JobClient(server) as client:
        return client.url_of(client.create_job({"duration": duration, "outcome": outcome}))


@pytest.mark.wire
def test_submit_prints_a_url_that_wait_takes(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The two commands fit together, and standard output has the ending and the result only."""
    assert run(["submit", server]) == 0
    url = capsys.readouterr().out.strip()
    assert run(["wait", url]) in (0, 1)
    assert run(["wait", job_at(server, "completed")]) == 0
    printed = capsys.readouterr()
    end, result = printed.out.splitlines()[-2:]
    assert end.startswith("completed after ")
    assert "duration" in json.loads(result)
    assert "Attempt 1: job is pending" in printed.err


@pytest.mark.wire
def test_a_failed_job_is_status_1(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The job's own words are shown."""
    assert run(["wait", job_at(server, "error")]) == 1
    assert "the simulated work failed" in capsys.readouterr().err


@pytest.mark.wire
@pytest.mark.parametrize("option", [["--timeout", "50ms"], ["--max-attempts", "1"], ["--timeout", "0.05"]])
def test_giving_up_is_status_3(server: str, option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the deadline nor the limit of calls is taken for the job's failure."""
    assert run(["wait", job_at(server, "completed", duration=60), *option]) == 3
    assert "after" in capsys.readouterr().err


@pytest.mark.wire
def test_an_unknown_job_is_status_4(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The server is there, the job is not."""
    assert run(["wait", f"{server}/v1/jobs/no-such-job"]) == 4
    assert "404" in capsys.readouterr().err


@pytest.mark.wire
@pytest.mark.parametrize(
    "command",
    [
        ["wait", "{}/v1/jobs/a1", "--failure-timeout", "0.2s"],
        ["submit", "{}"],
        ["wait", "{}/v1/jobs/a1", "--timeout", "0.2s"],
    ],
)
def test_a_server_that_is_down_is_status_5(
    nobody: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the request and the reason, whichever limit ended the wait."""
    assert run([part.format(nobody) for part in command]) == 5
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("bide: ")]
    assert len(told) == 1
    assert "Connection refused" in told[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--wat"], "No such option"),
        (["wat"], "No such command"),
        (["wait"], "Missing argument"),
        (["wait", "http://127.0.0.1:1/", "--status", "state"], "--completed: is required"),
        (["wait", "http://127.0.0.1:1/", "--status", "a[", "--completed", "b"], "--status: "),
        (["wait", "http://127.0.0.1:1/", "--mapping", "azur"], "did you mean 'azure'?"),
        (["wait", "http://127.0.0.1:1/", "--header", "sesame"], "--header: must be 'Name: value'"),
        (["wait", "http://127.0.0.1:1/", "--header", "A: b", "--header", "a: c"], "'a' is given twice"),
        (["wait", "http://127.0.0.1:1/", "--header", "A: $NOT_SET_HERE"], "has no NOT_SET_HERE"),
        (["wait", "http://127.0.0.1:1/", "--header", "A: 5 $"], "$$ is a dollar"),
        (["wait", "http://127.0.0.1:1/", "--resume", "{}"], "the token is no token of a wait"),
        (["wait", "http://127.0.0.1:1/", "--hold", "soon"], "must be a duration"),
        (["wait", "127.0.0.1/v1/jobs/a"], "must begin with http://"),
        (["wait", "http://me:hush@h:x/v1/jobs/1"], "got 'http://h:x/v1/jobs/1'"),
        (["submit", "http://a..b"], "the server's URL cannot be read"),
        (["submit", "http://127.0.0.1:99999"], "must have a port from 1 to 65535"),
        (["wait", "http://h/v1/jobs/a", "--strategy", "exponental"], "did you mean 'exponential'?"),
        (["wait", "http://h/v1/jobs/a", "--strategy", "missing.toml"], "missing.toml: cannot be read"),
        (
            ["wait", "http://h/v1/jobs/a", "--max-attempts", "0"],
            "--max-attempts: must be a whole number >= 1",
        ),
        (["wait", "http://h/v1/jobs/a", "--timeout", "0"], "timeout: must be a finite number > 0"),
        (["wait", "http://h/v1/jobs/a", "--timeout", "nan"], "--timeout: must be a duration such as"),
        (["wait", "http://h/v1/jobs/a", "--timeout", "soon"], "must be a duration such as"),
        (["submit", "ftp://h"], "must begin with http://"),
        (["wait", "http://127.0.0.1:1/", "--hold", "-1"], "bide: --hold: must be 0, or a number"),
        (["wait", "http://127.0.0.1:1/", "--request-timeout", "0"], "bide: --request-timeout: must be"),
        (["compare", "seed", "--latency", "-1"], "bide: --latency: must be a finite number >= 0"),
        (["strategies", "show", "--duration", "-5"], "bide: --duration: must be a number of seconds >= 0"),
        (["herd", "--workers", "0"], "bide: --workers: must be a whole number >= 1"),
        (
            ["serve", "--port", "99999"],
            "bide: --port: 99999 is not in the range 0<=x<=65535; see 'bide serve",
        ),
        (["compare", "--wat"], "bide: No such option '--wat'; see 'bide compare --help'"),
        (["serve", "--durations", "5s..1s", "--db", ":memory:"], "--durations: the shorter end comes first"),
        (["serve", "--durations", "x..1s"], "must be a duration such as"),
        (["serve", "--failing", "2", "--db", ":memory:"], "failing: must be a finite number >= 0 and <= 1"),
        (["serve", "--host", "example.org", "--port", "0", "--db", ":memory:"], "host"),
        (["demo", "--jobs", "0"], "0 is not in the range"),
        (["demo", "--strategy", "nope"], "no TOML file"),
        (["demo", "--strategy", "seed", "--strategy", "seed"], "given twice"),
        (["demo", "--durations", "5s..2s"], "the shorter end comes first"),
        (["demo", "--durations", "-1..2s"], "--durations"),
        (["demo", "--durations", "nan..nan"], "--durations"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake on the command line or in a file is named, on standard error, without a traceback."""
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert "Traceback" not in printed.err
    assert not printed.out


def test_a_broken_database_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no database is refused in one line."""
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but longer than its header " * 20)
    assert run(["serve", "--port", "0", "--db", str(file)]) == 2
    assert str(file) in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["wait", "--json"],
        ["wait", "http://127.0.0.1:1/", "--json", "--timeout", "soon"],
        ["wait", "ftp://h", "--json"],
        ["compare", "--json", "nope"],
        ["herd", "--json", "--start", "never"],
        ["strategies", "--json", "show", "--json", "--wat"],
        ["demo", "--json", "--jobs", "0"],
    ],
)
def test_a_script_reads_what_is_wrong_as_json(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json standard output holds one object, whatever happens, with the status and the words."""
    assert run(arguments) == 2
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert error["exit_status"] == 2
    assert error["message"]
    assert error["message"].splitlines()[0] in printed.err


@pytest.mark.wire
@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b'{"id": "a", "status": "completed", "result": [NaN, {"a": -Infinity}, 1]}', 0, None),
        (b'{"id": "a", "status": "error", "error": {"message": "no disk"}}', 1, "no disk"),
    ],
)
def test_what_a_script_reads_of_a_wait_is_json(
    body: bytes, status: int, message: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the server's answer is none: what JSON cannot hold is null. An error is told beside."""

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    with serve({"job": says(whole(body))}) as url:
        assert run(["wait", f"{url}/job", "--json"]) == status
    document = json.loads(capsys.readouterr().out, parse_constant=refuse)
    if message is None:
        assert (document["result"], document["error"]) == ([None, {"a": None}, 1], None)
    else:
        assert document["error"]["exit_status"] == status
        assert message in document["error"]["message"]


@pytest.mark.slow
@pytest.mark.wire
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_demo_s_server_does_not_outlive_it(number: signal.Signals) -> None:
    """However the demo ends, the server on its port is gone soon after."""
    code = (
        "import bide.cli.demo as demo, sys\n"
        "def tell(server, *rest, **options):\n"
        "    print(server, flush=True)\n"
        "    return run(server, *rest, **options)\n"
        "run, demo.run_race = demo.run_race, tell\n"
        "from bide.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "demo", "--json", "--jobs", "1", "--durations", "60s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        process.send_signal(number)
        process.communicate(timeout=10)
    assert nobody_listens(url)


def nobody_listens(url: str) -> bool:
    """Say whether connections are refused, now or within five seconds."""
    host, port = url.removeprefix("http://").split(":")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.wire
def test_waits_that_gave_up_are_told_and_are_status_3(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A policy that ends before its jobs do is not passed off as a result."""
    file = tmp_path / "hasty.toml"
    file.write_text('strategy = "fixed"\n[limits]\nmax_attempts = 1\n')
    assert run(["demo", "--jobs", "2", "--durations", "0.5s", "--strategy", str(file), "--json"]) == 3
    printed = capfd.readouterr()
    assert "2 of 2 waits gave up: attempts exhausted" in printed.err
    assert json.loads(printed.out)["results"][0]["lag_mean"] is None


def test_the_p95_is_the_nearest_rank_from_above() -> None:
    """Of twenty lags 1 to 20, 95 % do not exceed the nineteenth."""
    lane = Lane("a", 20, lags=[float(lag) for lag in range(20, 0, -1)])
    assert (lane.lag_p95, lane.lag_mean) == (19.0, 10.5)
    assert Lane("a", 20).lag_p95 is None


def test_a_fault_of_a_plug_in_is_no_failed_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody foresaw is one line, and a status of its own."""
    monkeypatch.setattr("bide.cli.jobs.resolve_policy", lambda *_, **__: 1 / 0)
    assert run(["wait", "http://127.0.0.1/v1/jobs/a"]) == 70
    assert (
        capsys.readouterr().err
        == "bide: a fault of bide or of a plug-in: ZeroDivisionError('division by zero')\n"
    )


@pytest.mark.wire
def test_the_demo_s_json_is_all_there_is_on_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    """Every job is seen to its end by every strategy, and client and server count the same calls."""
    strategies = [part for name in ("fixed", "seed", "decorrelated_jitter") for part in ("--strategy", name)]
    assert (
        run(["demo", "--json", "--jobs", "4", "--durations", "0.2s..0.6s", "--seed", "7", *strategies]) == 0
    )
    printed = capfd.readouterr()
    assert printed.err == ""  # of the server's, too
    table = json.loads(printed.out)
    assert table["jobs"] == 12
    assert [row["strategy"] for row in table["results"]] == ["fixed", "seed", "decorrelated_jitter"]
    for row in table["results"]:
        assert row["completed"] + row["failed"] == row["jobs"] == 4
        assert row["calls"] == row["server_calls"] == row["calls_per_job"] * 4
        assert 0 <= row["lag_mean"] <= row["lag_p95"]


@pytest.mark.wire
def test_the_demo_prints_a_table_and_ends_its_server(capfd: pytest.CaptureFixture[str]) -> None:
    """The table names each strategy; what a limit ended is said."""
    assert run(["demo", "--jobs", "2", "--durations", "0.2s", "--strategy", "fixed"]) == 0
    assert "fixed" in capfd.readouterr().out


def test_work_is_drawn_from_its_seed() -> None:
    """The same seed gives the same work, spread over the whole range, with its share of failures."""
    work = draw_work(12, 2.0, 5.0, 0.5, seed=4)
    assert work == draw_work(12, 2.0, 5.0, 0.5, seed=4) != draw_work(12, 2.0, 5.0, 0.5, seed=5)
    assert [job["outcome"] for job in work].count("error") == 6
    assert all(2 + n / 4 <= job["duration"] <= 2 + (n + 1) / 4 for n, job in enumerate(work))


@pytest.mark.wire
@pytest.mark.parametrize("delay", [0.0, 0.3])
def test_a_server_whose_input_ends_early_ends(delay: float) -> None:
    """Also where standard input ends before the server is ready, as when a demo is killed while it starts."""
    command = [sys.executable, "-m", "bide", "serve", "--port", "0", "--db", ":memory:", "--until-eof"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        time.sleep(delay)
        process.stdin.close()
        assert process.wait(timeout=10) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)


@pytest.mark.wire
def test_the_server_process_is_gone_afterwards() -> None:
    """When the context ends, nobody listens any more."""
    with server_process() as url:
        host, port = url.removeprefix("http://").split(":")
        socket.create_connection((host, int(port)), timeout=5).close()
    assert nobody_listens(url)

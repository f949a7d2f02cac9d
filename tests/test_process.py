"""The command as a process: what becomes of it when its streams close, and when somebody ends it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from raw_server import serve, whole

import bide.cli
from bide import JobClient
from bide.cli.app import cli, run
from bide.cli.process import OutputLost, Terminated, _lasting
from bide.cli.server_process import server_process


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: the number of the end to read from, which the test may close, and of the end to write to."""
    reader, writer = os.pipe()
    yield reader, writer
    os.close(writer)


def test_what_nobody_reads_is_dropped(pipe: tuple[int, int]) -> None:
    """A stream goes on as if it were read, also in the last flush."""
    reader, writer = pipe
    stream = _lasting(writer, None)
    stream.write("read\n")
    stream.flush()
    assert os.read(reader, 100) == b"read\n"
    os.close(reader)
    for _ in range(3):
        print("not read", file=stream, flush=True)
    stream.close()


def test_what_cannot_be_encoded_is_escaped(pipe: tuple[int, int]) -> None:
    """Better than no output."""
    reader, writer = pipe
    with open(writer, "w", encoding="ascii", closefd=False) as ascii_only:
        stream = _lasting(writer, ascii_only)
    stream.write("█\n")
    stream.close()
    assert os.read(reader, 100) == b"\\u2588\n"
    os.close(reader)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is full")  # noqa: PTH110
def test_output_that_cannot_be_written_is_told_once() -> None:
    """A full disk is an error, but not again when the stream is closed."""
    with open("/dev/full", "w") as full:  # noqa: PTH123 - its number is what counts
        stream = _lasting(full.fileno(), full)
        stream.write("lost\n")
        with pytest.raises(OutputLost, match=os.strerror(errno.ENOSPC)):
            stream.flush()
        stream.close()


@pytest.mark.wire
def test_no_closed_stream_changes_the_status() -> None:
    """Standard output that nobody reads, and a standard error that is not there."""
    reader, writer = os.pipe()
    os.close(reader)
    command = ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-m", "bide", "--version"]
    assert subprocess.run(command, stdout=writer, check=False).returncode == 0
    os.close(writer)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a real server whose jobs last a minute."""
    with server_process("--durations", "60s") as url:
        yield url


@pytest.fixture
def job(server: str) -> str:
    """The URL of a new job."""
    with JobClient(server) as client:
        return client.url_of(client.create_job())


@pytest.mark.wire
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for one process")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_wait_with_its_token(job: str, number: signal.Signals, status: int) -> None:
    """Ctrl-C and SIGTERM alike: where it was, how to go on, the status of the signal, and no traceback."""
    # A shell may have started us with SIGINT ignored, which children inherit.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{heed}; from bide.cli import main; main()", "wait", job]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()  # the first poll was made
        process.send_signal(number)
        where, how = process.communicate(timeout=10)[1].splitlines()[-2:]
    assert process.returncode == status
    assert where.startswith("bide: wait cancelled after ")
    assert "; last seen pending, " in where
    assert json.loads(how.removeprefix("to go on: --resume ").strip("'"))["bide_wait"] == 1


@pytest.mark.wire
def test_a_wait_that_ends_early_cancels_its_job_if_asked(
    job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then there is nothing to go on with."""
    assert run(["wait", job, "--max-attempts", "1", "--cancel-job"]) == 3
    assert "to go on" not in capsys.readouterr().err
    assert run(["wait", job]) == 1
    assert "job cancelled after 1 call" in capsys.readouterr().err


@pytest.mark.wire
def test_a_job_that_cannot_be_cancelled_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """And how to go on waiting for it."""
    answers = iter([whole(b'{"id": "a", "status": "pending"}'), whole(b"", status=b"405 No")] * 2)

    async def in_turn(writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers))

    with serve({"job": in_turn}) as url:
        command = ["wait", f"{url}/job", "--max-attempts", "1", "--cancel-job"]
        assert run(command) == 3
        lines = capsys.readouterr().err.splitlines()
        assert run([*command, "--json"]) == 3
    assert "the job was not cancelled: " in lines[-2]
    assert lines[-1].startswith("to go on: --max-attempts … --resume ")
    error = json.loads(capsys.readouterr().out)["error"]
    assert "the job was not cancelled: " in error["message"]


@pytest.mark.parametrize(("stop", "status"), [(KeyboardInterrupt(), 130), (Terminated(), 143)])
def test_a_signal_before_the_command_is_clean(
    stop: KeyboardInterrupt, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its modules are imported there is nothing to tell."""

    def interrupted() -> int:
        raise stop

    monkeypatch.setattr("bide.cli.process.prepare", lambda: None)
    monkeypatch.setattr(bide.cli, "_run", interrupted)
    with pytest.raises(SystemExit) as caught:
        bide.cli.main()
    assert caught.value.code == status


@pytest.mark.parametrize(
    ("stop", "status", "word"), [(KeyboardInterrupt(), 130, "interrupted"), (Terminated(), 143, "terminated")]
)
def test_a_signal_ends_any_command(
    stop: KeyboardInterrupt,
    status: int,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One word on standard error, and one error in JSON on standard output."""

    @click.command()
    @click.option("--json", is_flag=True, expose_value=False)
    def endless() -> None:
        raise stop

    monkeypatch.setitem(cli.commands, "endless", endless)
    assert run(["endless", "--json"]) == status
    printed = capsys.readouterr()
    assert printed.err.strip() == f"bide: {word}"
    assert json.loads(printed.out) == {"error": {"exit_status": status, "message": word}}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the reference has it: a script to be read by the shell, which asks the command for what fits."""
    # click asks bash itself which version it has, and tells what is too old.
    monkeypatch.setattr("click.shell_completion.BashComplete._check_version", staticmethod(lambda: None))
    monkeypatch.setenv("_BIDE_COMPLETE", f"{shell}_source")
    with pytest.raises(SystemExit) as done:
        run([])
    assert done.value.code == 0
    assert f"_BIDE_COMPLETE={shell}_complete" in capsys.readouterr().out
    monkeypatch.setenv("_BIDE_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "bide wait --res")
    monkeypatch.setenv("COMP_CWORD", "--res" if shell == "fish" else "2")
    with pytest.raises(SystemExit):
        run([])
    words = capsys.readouterr().out.replace("plain,", "").replace("\n", " ").split()
    assert {"--result", "--result-url", "--resume"} <= {word.partition("\t")[0] for word in words}

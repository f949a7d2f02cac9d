"""What `bide wait` shows in a terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from bide import Observation, RequestError, Update
from bide.cli.display import Line, display
from bide.testing import VirtualClock


def shown(line: Line, width: int) -> list[str]:
    """Return the lines that a terminal of so many columns shows, without what fills them up."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(line.render())
    return [text.rstrip() for text in capture.get().splitlines()]


def update(**known: Any) -> Update:
    """Return an update of a wait that goes on."""
    base = {"calls": 5, "elapsed": 1.0, "failure": None, "next_delay": 1.5, "outcome": None}
    return Update(**{**base, "observation": Observation("pending"), **known})


class Terminal(io.StringIO):
    """Keeps what is written to a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_a_terminal_that_draws_nothing_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file does: a terminal without a cursor can only be written on."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    for term, text in (("dumb", "Attempt 5: job is pending\n"), ("xterm", "pending · 5 calls")):
        monkeypatch.setenv("TERM", term)
        with display() as show:
            show(update())
        assert text in terminal.getvalue()
        assert ("\x1b" in terminal.getvalue()) is (term == "xterm")


def test_a_job_without_progress_has_a_spinner() -> None:
    """Status, calls, the next poll and the time left stand beside it, and follow the clock."""
    clock = VirtualClock()
    line = Line(120.0, 10, clock.time)
    assert shown(line, 100)[0].endswith(" 2m left")
    line.take(update())
    clock.sleep(1.0)
    (text,) = shown(line, 100)
    assert text[2:] == "pending · 5 of 10 calls · next in 500ms · 1m59s left"
    clock.sleep(1.0)
    assert "looking" in shown(line, 100)[0]


def test_a_job_with_progress_has_a_bar() -> None:
    """The share that is done stands beside it."""
    line = Line(None, None, VirtualClock().time)
    line.take(update(observation=Observation("pending", progress=0.42)))
    (text,) = shown(line, 100)
    assert text.startswith("━━━━ ")  # of 10
    assert text[10:] == " 42% · pending · 5 calls · next in 1.5s"


@pytest.mark.parametrize("next_delay", [0.0, 0.1, 12.5, 89.9, 3599.0])
@pytest.mark.parametrize("time_left", [5.0, 119.0, 7199.0])
def test_a_line_stays_one_line(next_delay: float, time_left: float) -> None:
    """In 80 columns, of which two are left for a ^C: what changes its length does not make it jump."""
    line = Line(time_left, 100, VirtualClock().time)
    seen = Observation("pending", progress=1.0)
    line.take(update(calls=100, observation=seen, next_delay=next_delay))
    assert len(shown(line, 78)) == 1


@pytest.mark.parametrize("progress", [None, 0.42])
def test_a_narrow_terminal_hides_nothing(progress: float | None) -> None:
    """What does not fit into 40 columns goes into more lines, and bar or spinner stays."""
    line = Line(120.0, 10, VirtualClock().time)
    line.take(update(observation=Observation("pending", progress=progress)))
    lines = shown(line, 40)
    assert max(map(len, lines)) <= 40
    assert lines[0][0] != " "
    words = " ".join(text.lstrip("━╺╸⠋ ") for text in lines)
    assert words.endswith("pending · 5 of 10 calls · next in 1.5s · 2m left")


def test_a_failed_poll_is_told() -> None:
    """Also if none was ever answered."""
    line = Line(None, 10, VirtualClock().time)
    line.take(update(calls=1, observation=None, failure=RequestError("no")))
    assert shown(line, 100)[0][2:] == "unknown · 1 of 10 calls · the last look: no · next in 1.5s"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("GET https://api.test/1?sig=… answered 503 Service Unavailable", "503 Service Unavailable"),
        ("GET https://api.test/1: no answer in 10 s", "no answer in 10 s"),
        ("GET https://api.test/1 answered no JSON: " + "x" * 100, f"no JSON: {'x' * 51}…"),
    ],
)
def test_a_failed_poll_says_why_in_short(said: str, why: str) -> None:
    """Without what was asked for, which is the same in each poll, and in no more than a line."""
    line = Line(None, None, VirtualClock().time)
    line.take(update(failure=RequestError(said)))
    assert shown(line, 120)[0].split(" · ")[2] == f"the last look: {why}"

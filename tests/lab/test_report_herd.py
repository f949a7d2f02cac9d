"""The page of herds, and its picture."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("altair", reason="charts need the extra 'lab'")
pytest.importorskip("vl_convert", reason="charts need the extra 'lab'")

from browser import opened

from bide.catalogue import find_policy
from bide.cli.app import run
from bide.lab.herd import HerdResult, run_herd
from bide.lab.load import resampled
from bide.lab.report.herd_page import herd_page
from bide.lab.server_model import ServerModel

pytestmark = pytest.mark.slow

HOSTILE = "</script><img src=x>"
SETTING = {"workload": "fixed(5s)", "start": "together"}


def herd(name: str, policy: str = "fixed") -> HerdResult:
    """Return what becomes of fifty clients that wait for jobs of five seconds."""
    return run_herd(name, find_policy(policy), [5.0] * 50)


def test_a_series_keeps_its_calls_in_other_parts() -> None:
    """However many parts: as many calls in all."""
    series = (10.0, 0.0, 5.0, 1.0)
    for count in (1, 2, 3, 7, 100):
        parts = resampled(series, 0.5, until=4.0, count=count)
        assert len(parts) == count
        assert sum(parts) * 4.0 / count == pytest.approx(sum(series) * 0.5)


def test_chromium_draws_the_load_over_time(tmp_path: Path) -> None:
    """Each herd has its chart and its row; a name is text; nothing is complained of."""
    results = [herd(HOSTILE), herd("seed", "seed")]
    dom, said = opened(herd_page(results, server=ServerModel(), setting=SETTING), tmp_path)
    assert 'data-drawn="all"' in dom
    assert "What 50 clients at once do to a server" in dom
    assert dom.count('aria-roledescription="rect mark"') >= 12  # fixed polls at 0, 1, … 5 seconds
    assert dom.count('data-strategy="') == 2
    assert "<img" not in dom.partition("</footer>")[0]
    assert "CONSOLE" not in said


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (ServerModel(), "The server takes 100 requests per second, and refuses more with a 429."),
        (ServerModel(), "It works on 4 answers at once, each for 20ms; 100 wait; more get a 503."),
        (
            ServerModel(rate=None, workers=1, queue=None),
            "any number of requests. It works on one answer at once",
        ),
        (ServerModel(retry_after=5), "Who is refused is asked to wait for 5s."),
    ],
)
def test_the_page_says_what_the_server_can_bear(server: ServerModel, words: str) -> None:
    """In sentences, with its figures."""
    assert words in herd_page([herd("fixed")], server=server, setting=SETTING)


def test_the_command_writes_a_page_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside what it prints; and a file that cannot be written is said before anything is simulated."""
    html, png = tmp_path / "herd.html", tmp_path / "herd.png"
    assert run(["herd", "fixed", "--clients", "20", "--html", str(html), "--png", str(png)]) == 0
    assert "The server" in capsys.readouterr().out
    assert "clients: 20" in html.read_text(encoding="utf-8")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert run(["herd", "--html", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "cannot be written" in printed.err


@pytest.mark.parametrize(("number", "until", "count"), [(60, 6.0, 240), (304, 30.4, 240), (100, 10.0, 7)])
def test_a_steady_load_is_drawn_as_one(number: int, until: float, count: int) -> None:
    """However the parts lie to those of the series, each has the load that there is."""
    assert resampled([100.0] * number, 0.1, until=until, count=count) == pytest.approx([100.0] * count)

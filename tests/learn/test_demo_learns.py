"""The demo's strategy that learns."""

import json

import pytest

from bide.cli.app import run

pytestmark = pytest.mark.slow


@pytest.mark.wire
def test_the_demo_trains_who_learns(capfd: pytest.CaptureFixture[str]) -> None:
    """It knows earlier jobs, whose calls are not counted; a look every 140 ms would take five a job."""
    assert (
        run(
            [
                "demo",
                "--json",
                "--jobs",
                "8",
                "--durations",
                "0.4s..1s",
                "--seed",
                "7",
                "--strategy",
                "learned",
            ]
        )
        == 0
    )
    printed = capfd.readouterr()
    assert printed.err == ""
    [learned] = json.loads(printed.out)["results"]
    assert learned["completed"] + learned["failed"] == learned["jobs"] == 8
    assert learned["calls"] == learned["server_calls"] < 8 * 5


def test_without_the_extra_the_demo_goes_on(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It says what the missing entrant needs."""
    monkeypatch.setattr("bide.cli.demo.can_learn", lambda: False)
    monkeypatch.setattr("bide.cli.demo.ENTRANTS", ("fixed", "learned"))
    assert run(["demo", "--json", "--jobs", "1", "--durations", "0.1s"]) == 0
    printed = capfd.readouterr()
    assert printed.err == "without 'learned': install bide with its extra 'learn'\n"
    assert [row["strategy"] for row in json.loads(printed.out)["results"]] == ["fixed"]

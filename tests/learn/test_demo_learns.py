"""The demo's strategy that learns."""

import json

import pytest

from bide.cli.app import run


@pytest.mark.wire
def test_the_demo_shows_what_learning_saves(capfd: pytest.CaptureFixture[str]) -> None:
    """Trained on earlier jobs, which are not counted, it needs fewer calls and less lag than the seed's."""
    strategies = ["--strategy", "learned", "--strategy", "seed"]
    assert run(["demo", "--json", "--jobs", "8", "--durations", "0.4s..1s", "--seed", "7", *strategies]) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    learned, seed = json.loads(printed.out)["results"]
    assert learned["calls"] == learned["server_calls"] < seed["calls"]
    assert learned["lag_mean"] < seed["lag_mean"]


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

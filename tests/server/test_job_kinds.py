"""Kinds of jobs: from a TOML file, with durations, progress, a result and pins of their own."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from harness import api

from bide.errors import ConfigError
from bide.server import JobKind, ServerConfig, load_config
from bide.server.kinds import Between

TOML = """
database = "jobs.db"
seed = 7
speed = 10

[kinds.default]
durations = "1s..2s"

[kinds.video]
durations = "lognormal(60s, 0.5)"
failing = 0
progress = "stalling"
pinnable = false
result = { url = "https://example.com/video.mp4", parts = [1, 2] }

[kinds.batch]
durations = { kind = "samples", file = "times.csv" }
progress = "none"
"""


@pytest.fixture
def config(tmp_path: Path) -> ServerConfig:
    (tmp_path / "times.csv").write_text("seconds\n20\n20\n20\n")
    (tmp_path / "server.toml").write_text(TOML)
    return load_config(tmp_path / "server.toml")


def kinds(config: ServerConfig) -> dict[str, Any]:
    """Return the settings of an app that has these kinds and draws from this seed."""
    return {"kinds": config.kinds, "seed": config.seed, "speed": config.speed}


def test_a_file_says_what_kinds_there_are(config: ServerConfig, tmp_path: Path) -> None:
    """Kinds come from the file, measured durations and the database from files beside it."""
    assert Path(config.database) == tmp_path / "jobs.db"
    assert sorted(config.kinds) == ["batch", "default", "video"]
    assert config.kinds["default"].durations == Between(1.0, 2.0)
    assert config.kinds["batch"].durations.at(0.5) == 20
    # The median, and the median times e^0.5, which is one standard deviation above: 0.841344746.
    assert config.kinds["video"].durations.at(0.5) == pytest.approx(60)
    assert config.kinds["video"].durations.at(0.8413447460685429) == pytest.approx(60 * math.exp(0.5))


def test_a_job_is_of_the_kind_that_its_request_names(config: ServerConfig) -> None:
    """It says so, and lasts as long as that kind does, in time that runs ten times as fast."""
    with api(**kinds(config)) as server:
        job = server.post("/v1/jobs", json={"kind": "batch"}).json
        plain = server.post("/v1/jobs").json
        server.clock.now += 2
        ended = server.get(f"/v1/jobs/{job['id']}").json
    assert (job["kind"], plain["kind"]) == ("batch", "default")
    assert ended["status"] in {"completed", "error"}
    with api(**kinds(config)) as server:
        job = server.post("/v1/jobs", json={"kind": "batch"}).json
        server.clock.now += 1.999
        assert server.get(f"/v1/jobs/{job['id']}").json["status"] == "pending"


@pytest.mark.parametrize(
    ("progress", "shown"),
    [("linear", [0, 0.25, 0.5, 0.75, 1]), ("stalling", [0, 0.45, 0.9, 0.9, 1]), ("none", [None] * 5)],
)
def test_progress_follows_the_kinds_curve(progress: Any, shown: list[float | None]) -> None:
    """After each quarter of its time a job shows what the curve has there; at its end, all, or nothing."""
    with api(kinds={"default": JobKind(durations="8s", progress=progress)}) as server:
        path = f"/v1/jobs/{server.submit()}"
        seen = []
        for _ in range(5):
            seen.append(server.get(path).json["progress"])
            server.clock.now += 2
    assert seen == [None if value is None else pytest.approx(value) for value in shown]


def test_a_completed_job_has_the_kinds_result(config: ServerConfig) -> None:
    """The result is the file's, word by word; a kind without one gives the duration."""
    with api(**kinds(config)) as server:
        video = server.post("/v1/jobs", json={"kind": "video"}).json["id"]
        server.clock.now += 3600
        answer = server.get(f"/v1/jobs/{video}").json
    assert answer["result"] == {"url": "https://example.com/video.mp4", "parts": [1, 2]}


@pytest.mark.parametrize("pins", [{"duration": 1}, {"outcome": "error"}])
def test_a_kind_can_forbid_pins(config: ServerConfig, pins: dict[str, Any]) -> None:
    """What may not be fixed is refused with its place, and no job is made."""
    with api(**kinds(config)) as server:
        refused = server.post("/v1/jobs", json={"kind": "video", "input": pins})
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "#/input")
        assert server.get("/v1/jobs").json["jobs"] == []


@pytest.mark.parametrize(("kind", "said"), [("vidio", "did you mean 'video'?"), (3, "the name of a kind")])
def test_an_unknown_kind_is_refused(config: ServerConfig, kind: Any, said: str) -> None:
    """The refusal names the place and the likeliest name."""
    with api(**kinds(config)) as server:
        refused = server.post("/v1/jobs", json={"kind": kind})
    assert refused.status_code == 422
    assert (refused.json["errors"][0]["pointer"], said in refused.json["detail"]) == ("#/kind", True)


def test_jobs_outlive_the_kind_that_made_them(tmp_path: Path) -> None:
    """A job whose kind is gone after a restart is still there, of the same kind, and shown as usual."""
    path = str(tmp_path / "jobs.db")
    with api(database=path, kinds={"video": JobKind(progress="none")}) as server:
        video = server.post("/v1/jobs", json={"kind": "video"}).json["id"]
    with api(database=path) as server:
        answer = server.get(f"/v1/jobs/{video}").json
    assert (answer["kind"], answer["progress"]) == ("video", 0.0)


def test_each_kind_is_told_its_own_shortest() -> None:
    """``Retry-After`` is the least duration of the kind, as fast as time runs."""
    slow = {"kinds": {"slow": JobKind(durations="40s..60s"), "any": JobKind(durations="exponential(60s)")}}
    with api(**slow, speed=4) as server:
        hints = [
            server.post("/v1/jobs", json={"kind": kind}).headers.get("retry-after")
            for kind in ("slow", "any", "default")
        ]
    assert hints == ["10", None, "1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[kinds.a]\ndurations = "5s..4s"',
            "kinds.a.durations: the shorter end comes first, got 5..4 seconds",
        ),
        ('[kinds.a]\ndurations = "lognormal(60s)"', "kinds.a.durations.sigma: is required"),
        ('[kinds.a]\ndurations = "nowhere.toml"', "nowhere.toml: cannot be read"),
        ("[kinds.a]\ndurations = 5", "kinds.a.durations: must be text such as '5s..15s'"),
        ("[kinds.a]\nfailing = 1.5", "kinds.a.failing: must be a finite number >= 0 and <= 1, got 1.5"),
        ('[kinds.a]\nprogress = "fast"', "kinds.a.progress: must be one of linear, stalling, none"),
        ("[kinds.a]\nresult = { x = nan }", "kinds.a.result: must be what JSON can hold"),
        ("[kinds.a]\nresult = { x = 2026-11-22 }", "kinds.a.result: must be what JSON can hold"),
        ("[kinds.a]\npinnable = 1", "kinds.a.pinnable: must be true or false, got 1"),
        (
            "[kinds.a]\nduration = 1",
            "kinds.a.duration: unknown field, with the value 1; did you mean 'durations'?",
        ),
        ("kinds = 3", "kinds: must be a table, got 3"),
        ("speed = 0", "speed: must be a finite number > 0, got 0"),
        ("colour = 1", "colour: unknown field"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    """The error names the file, the path in it, the value and the rule."""
    file = tmp_path / "server.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert said in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_result_that_is_no_json_is_refused_in_python_too() -> None:
    """A date is nothing that JSON can hold."""
    with pytest.raises(ConfigError, match=r"^result: must be what JSON can hold"):
        JobKind(result={"day": date(2026, 11, 22)})

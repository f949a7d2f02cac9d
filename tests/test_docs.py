"""The documentation's code runs as it stands."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

ROOT = Path(__file__).parent.parent


def python_in(page: str) -> str:
    """Return the Python of a page, its blocks one after the other."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


def test_anything_can_be_polled_as_the_guide_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The guide's job is done at the first look, and each of its blocks runs."""
    monkeypatch.chdir(tmp_path)
    Path("export.json").write_text(json.dumps({"state": "done", "share": 1.0}))
    exec(python_in("docs/how-to/poll-anything.md"), {})  # noqa: S102 - the guide itself
    assert "completed 1" in capsys.readouterr().out


def test_waits_are_observed_as_the_guide_says(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of the guide's blocks runs, and each observer is told of the wait."""
    caplog.set_level(logging.DEBUG, "bide.waits")
    page: dict[str, Any] = {}
    try:
        exec(python_in("docs/how-to/observe-waits.md"), page)  # noqa: S102 - the guide itself
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


def test_the_readme_s_bounds_are_those_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The README's policy has the bounds that it says."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    policy = re.findall(r"^```toml\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)[0]
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(policy)
    block = next(part for part in python_in("README.md").split("import bide\n") if "load_policy" in part)
    exec(f"import bide\n{block}", {})  # noqa: S102 - the README itself
    assert f"# {capsys.readouterr().out.strip()}" in readme

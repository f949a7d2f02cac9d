"""The mappings that come with bide, each against answers as its API's documentation describes them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from bide import ConfigError, RequestError, errors
from bide.http.answers import Answer, Ask
from bide.http.catalogue import find_mapping, fitting, mappings

ROOT = Path(__file__).parents[1]
RECORDED = {
    file.stem: json.loads(file.read_text()) for file in sorted((ROOT / "tests" / "recorded").glob("*.json"))
}
CANNOT = {
    "azure-location": {"error", "cancelled"},
    "request-reply": {"error", "cancelled"},
    "fal": {"error", "cancelled"},
    "anthropic-batch": {"error", "cancelled"},
    "seed": {"cancelled"},
    "openai-video": {"cancelled"},
    "assemblyai": {"cancelled"},
    "luma": {"cancelled"},
    "hcloud-action": {"cancelled"},
}
"""The ends that an API does not tell, or not in this answer."""


@frozen
class Recorded:
    """
    An answer, and what its documentation says that it says.

    Args:
        api: the name of the mapping.
        answer: as it comes.
        says: fields of the observation, URLs, or the error that it ``raises``.
    """

    api: str
    answer: Answer
    says: dict[str, Any]


def recorded() -> list[Recorded]:
    """Return every answer of every file."""
    return [
        Recorded(api, as_answer(entry), entry["says"])
        for api, file in RECORDED.items()
        for entry in file["answers"]
    ]


def as_answer(entry: dict[str, Any]) -> Answer:
    """Return an entry as an answer."""
    body = json.dumps(entry["body"]).encode() if "body" in entry else b""
    return Answer(Ask("GET", "https://api.test/1"), entry["code"], entry.get("headers", {}), body)


def epoch(moment: float | str | None) -> float | None:
    """Return a moment as files write it in seconds since the epoch."""
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else moment


@pytest.mark.parametrize(
    "case", [case for case in recorded() if "raises" not in case.says], ids=lambda c: c.api
)
def test_an_answer_says_what_its_documentation_says(case: Recorded) -> None:
    """Status, progress, both moments, hint, result and where to look next; and nothing that is not there."""
    mapping, says = find_mapping(case.api), case.says
    seen = mapping.observation(case.answer)
    assert (seen.status, seen.hint, seen.result) == (says["status"], says.get("hint"), says.get("result"))
    assert seen.progress == pytest.approx(says.get("progress"))
    assert seen.created_at == pytest.approx(epoch(says.get("created_at")))
    assert seen.completed_at == pytest.approx(epoch(says.get("completed_at")))
    assert mapping.next_url_in(case.answer) == says.get("next_url")
    assert mapping.result_url_in(case.answer) == says.get("result_url")


@pytest.mark.parametrize("case", [case for case in recorded() if "raises" in case.says], ids=lambda c: c.api)
def test_an_answer_that_is_no_job_is_the_error_that_it_is(case: Recorded) -> None:
    """With what it says of coming back."""
    with pytest.raises(RequestError) as caught:
        find_mapping(case.api).observation(case.answer)
    assert type(caught.value) is getattr(errors, case.says["raises"])
    assert caught.value.hint == case.says.get("hint")


@pytest.mark.parametrize("name", mappings())
def test_every_mapping_is_told_of_and_tested_in_every_end(name: str) -> None:
    """Its documentation is named alike in both places, and each status that it can tell is recorded."""
    mapping = find_mapping(name)
    assert mapping.description
    assert "\n" not in mapping.description
    assert mapping.documentation == RECORDED[name]["documentation"]
    told = {entry["says"].get("status") for entry in RECORDED[name]["answers"]}
    assert {"pending", "completed", "error", "cancelled"} - CANNOT.get(name, set()) <= told
    assert bool(mapping.failed) == ("error" not in CANNOT.get(name, set()))
    assert bool(mapping.cancelled) == ("cancelled" not in CANNOT.get(name, set()))


def test_nothing_is_recorded_for_no_mapping() -> None:
    """A file that is renamed takes its answers along."""
    assert set(RECORDED) == set(mappings())


# Of an operation that runs, Azure's status may be any word, and one that was cancelled may have nothing else.
# Google leaves out all but the name at first.
UNTOLD = {"azure": {"pending", "cancelled"}, "google-longrunning": {"pending"}}


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in recorded()
        if find_mapping(case.api).status is not None
        and "raises" not in case.says
        and case.says["status"] not in UNTOLD.get(case.api, ())
        and len(json.loads(case.answer.body)) > 1
    ],
    ids=lambda c: c.api,
)
def test_an_answer_fits_its_own_mapping(case: Recorded) -> None:
    """So that an unknown shape is told by name."""
    assert case.api in fitting(case.answer)


@pytest.mark.parametrize(
    "name", ["github-run", "hcloud-action", "databricks-run", "gitlab-pipeline", "luma", "runway"]
)
def test_a_shape_of_its_own_fits_first(name: str) -> None:
    """The closest mapping is the one with the most fields in the answer."""
    answer = next(c.answer for c in recorded() if c.api == name and c.says.get("status") == "error")
    assert fitting(answer)[0] == name


def test_a_status_alone_fits_no_mapping() -> None:
    """Too many an API has one."""
    assert fitting(as_answer({"code": 200, "body": {"status": "completed", "colour": "red"}})) == ()


def test_a_mapping_is_found_by_name_and_by_file(tmp_path: Path) -> None:
    """With underlines or hyphens; a file's faults name the file."""
    assert find_mapping("github_run") is find_mapping("github-run")
    file = tmp_path / "mine.toml"
    file.write_text('status = "state"\ncompleted = ["done"]\n')
    assert find_mapping(file) == find_mapping(str(file))
    file.write_text('statu = "state"\n')
    with pytest.raises(ConfigError, match=r"mine\.toml: statu: unknown field.*\n.*mine\.toml: completed: .*"):
        find_mapping(file)
    with pytest.raises(
        ConfigError, match=r"'gitlab-pipe' is no TOML file and no mapping; did you mean 'gitlab-pi"
    ):
        find_mapping("gitlab-pipe")
    with pytest.raises(ConfigError, match="cannot be read"):
        find_mapping(tmp_path / "none.toml")


def test_the_page_has_every_mapping() -> None:
    """Its table has a row for each."""
    page = (ROOT / "docs" / "reference" / "mappings.md").read_text(encoding="utf-8")
    for name in mappings():
        assert f"| `{name}` |" in page

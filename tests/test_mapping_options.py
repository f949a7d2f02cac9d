"""`bide wait` is told by options what a mapping file would say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import click
import pytest
from raw_server import says, serve, whole

from bide.cli.app import run
from bide.cli.command import Command
from bide.cli.jobs import wait
from bide.cli.mapping import FIELDS, mapping_of
from bide.http.catalogue import find_mapping, mappings
from bide.http.mapping import JobMapping

UNSAID = {"description", "documentation", "job_id", "headers"}
"""What tells of the API, what needs a job's id, which a URL by itself does not give, and what is --header."""


def options_for(mapping: JobMapping) -> dict[str, Any]:
    """Return the values of options that say the same."""
    said: dict[str, Any] = {"mapping": None}
    for name, (form, _) in FIELDS.items():
        value = getattr(mapping, name)
        if form == "PLACE":
            said[name] = value
        else:
            said[name] = (
                ",".join(value) if isinstance(value, tuple) else None if value is None else str(value)
            )
    return said


def test_every_field_of_a_mapping_is_an_option() -> None:
    """Nothing about one job's API needs a file."""
    assert set(FIELDS) == {field.name for field in attrs.fields(JobMapping)} - UNSAID
    options = {param.name for param in wait.params}
    assert {"mapping", *FIELDS} <= options


@pytest.mark.parametrize("name", mappings())
def test_options_say_what_a_file_of_the_catalogue_says(name: str) -> None:
    """Each mapping that is known can be said on the command line."""
    known = find_mapping(name)
    assert mapping_of(options_for(known)) == attrs.evolve(
        known, description="", documentation="", job_id=None
    )


def test_an_option_goes_before_the_file(tmp_path: Path) -> None:
    """Also where it says that there is none of something."""
    nothing = dict.fromkeys(["mapping", *FIELDS])
    file = tmp_path / "api.toml"
    file.write_text('status = "state"\ncompleted = ["done"]\nfailed = ["broken"]\nfatal = ["503"]\n')
    found = mapping_of({**nothing, "mapping": str(file), "failed": "", "transient": "404,409"})
    assert found == JobMapping(status="state", completed="done", fatal="503", transient=["404", "409"])


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (["--status", "state"], "--completed: is required"),
        (["--status", ""], "--completed: is required"),
        (["--completed-at", "a["], "--completed-at: must be a JMESPath expression"),
        (["--transient", "999"], "--transient: must be a code of HTTP"),
        (["--result-url", "Location:", "--result-url", "a["], "--result-url: must be a JMESPath expression"),
    ],
)
def test_what_is_wrong_is_told_by_its_option(
    options: list[str], place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is written on the command line."""
    assert run(["wait", "http://127.0.0.1:1/", *options]) == 2
    assert place in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("'Bearer $NOT_SET_HERE'", "--mapping: headers.authorization: the environment has no NOT_SET_HERE"),
        ("'5 $'", "headers.Authorization: a $ must be followed by the name of a variable"),
        ("5", "headers.Authorization: must be text, got 5"),
    ],
)
def test_what_is_wrong_with_a_header_in_a_file_is_told(
    value: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the file or the option, and the place in it."""
    file = tmp_path / "api.toml"
    file.write_text(f"status = 'state'\ncompleted = ['done']\nheaders.Authorization = {value}\n")
    assert run(["wait", "http://127.0.0.1:1/", "--mapping", str(file)]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.wire
def test_an_api_that_redirects_and_errs_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    """A 404 that time mends, a status in an error's body, a next place and a result elsewhere."""
    asked: list[str] = []

    async def first(writer: Any) -> None:
        asked.append("job")
        missing = whole(b"{}", status=b"404 Not Found")
        told = whole(b'{"is": "on", "then": "later"}', status=b"409 Conflict")
        writer.write(missing if len(asked) == 1 else told)

    answers = {
        "job": first,
        "later": says(whole(b'{"is": "over"}', b"Location: film")),
        "film": says(whole(b'"the film"')),
    }
    said = "--status is --completed over --transient 404 --read 409 --next-url then --result-url Location:"
    with serve(answers) as url:
        wait = ["wait", f"{url}/job", *said.split(), "--strategy", "fixed(interval=10ms)", "--json"]
        assert run(wait) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["calls"], told["failed_calls"], told["result"]) == (3, 1, "the film")


@pytest.mark.parametrize("width", [80, 50])
def test_the_help_fits_the_window(width: int) -> None:
    """Options stand below headings, no line is too long, and none is told twice or not at all."""
    command = wait
    assert isinstance(command, Command)
    context = click.Context(command, info_name="wait", terminal_width=width)
    text = command.get_help(context)
    example = [line for line in text.splitlines() if line.endswith("\\") or "$TOKEN" in line]
    assert all(len(line) <= width for line in text.splitlines() if line not in example)
    headings = [line for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["When to look:", "What the answers mean:", "Requests:", "Options:"]
    below = text.partition("When to look:")[2]
    told = [line.split()[0] for line in below.splitlines() if line.startswith("  -")]
    params = [param for param in command.get_params(context) if isinstance(param, click.Option)]
    assert sorted(told) == sorted("-h," if "-h" in param.opts else param.opts[0] for param in params)


@pytest.mark.wire
@pytest.mark.parametrize(("value", "unlisted"), [("SUCCEEDED", True), ("pending", False)])
def test_a_wait_tells_what_the_api_said(
    value: str, unlisted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """So a value that is misspelt on the command line is seen: in each line, at the end and as JSON."""
    body = json.dumps({"state": value}).encode()
    words = f"pending ({value})" if unlisted else "pending"
    with serve({"job": says(whole(body))}) as url:
        options = ["--status", "state", "--completed", "SUCCESS", "--max-attempts", "1"]
        assert run(["wait", f"{url}/job", *options, "--json"]) == 3
    printed = capsys.readouterr()
    assert f"Attempt 1: job is {words}\n" in printed.err
    assert f"; last seen {words}" in printed.err
    assert ("is in none of the lists of the mapping" in printed.err) is unlisted
    told = json.loads(printed.out)
    assert told["said"] == (value if unlisted else None)
    assert f"; last seen {words}" in told["error"]["message"]


@pytest.mark.wire
@pytest.mark.parametrize(
    ("output", "line"),
    [("https://cdn.test/1", "https://cdn.test/1"), ([1], "[1]"), ("a\x1b[31m", '"a\\u001b[31m"')],
)
def test_the_result_is_printed_after_the_end(
    output: Any, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A text bare, for a script; all else as JSON, which no terminal obeys."""
    body = json.dumps({"state": "done", "output": output}).encode()
    with serve({"job": says(whole(body))}) as url:
        found = ["--status", "state", "--completed", "done", "--result", "output"]
        assert run(["wait", f"{url}/job", *found]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0].startswith("completed after 1 call")
    assert printed.out.splitlines()[1:] == [line]
    assert "warning" not in printed.err


@pytest.mark.wire
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_expression_that_finds_nothing_is_warned_of(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Once each, if the last answer should have had it; and the status stays what it is."""
    with serve({"job": says(whole(b'{"state": "done", "output": 1}'))}) as url:
        mistyped = ["--result", "outptu", "--error", "reson", "--progress", "pctt"]
        wait = ["wait", f"{url}/job", "--status", "state", "--completed", "done", *mistyped, *options]
        assert run(wait) == 0
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert warnings == [
        "bide: warning: --progress 'pctt' found nothing in the last answer",
        "bide: warning: --result 'outptu' found nothing in the last answer",
    ]

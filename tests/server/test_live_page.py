"""The page at ``/``: a browser shows jobs and calls as they are."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from browser import visited
from harness import api

from bide import JobClient
from bide.server import JobKind, ServerConfig
from bide.server.keys import hash_of
from bide.testing import running_server
from bide_strategies import Fixed

pytestmark = pytest.mark.slow

SLOW = ServerConfig(kinds={"default": JobKind(durations="1h", failing=0)})


def test_it_asks_nothing_of_others() -> None:
    """The page names no other place, and its policy lets it run and ask nothing but itself."""
    with api() as server:
        page = server.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert set(re.findall(r"https?://[^\"' )]+", page.text)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]


@pytest.mark.wire
def test_a_browser_shows_jobs_and_calls(tmp_path: Path) -> None:
    """Jobs have progress bars, strategies their calls and a line in the chart, and nothing goes wrong."""
    with running_server(SLOW) as url, httpx.Client(headers={"Bide-Strategy": "<b>odd</b>"}) as http:
        client = JobClient(url, Fixed(), http=http)
        job, other = client.create_job(), client.create_job({"duration": 0})
        for _ in range(3):
            client.get_status(job)
        dom, said = visited(url, tmp_path)
    assert str(job)[:8] in dom
    assert str(other)[:8] in dom
    assert 'class="bar pending"' in dom
    assert 'class="bar completed"' in dom
    assert "&lt;b&gt;odd&lt;/b&gt;" in dom
    assert "<polyline" in dom
    assert "<b>3</b><span>status calls</span>" in dom
    assert "CONSOLE" not in said, said


@pytest.mark.wire
def test_it_asks_for_a_key_where_one_is_needed(tmp_path: Path) -> None:
    """Without the key nothing is shown but a field for it."""
    with running_server(ServerConfig(keys={"a": hash_of("x")})) as url:
        dom, _ = visited(url, tmp_path)
    assert "This server wants an API key." in dom
    assert re.search(r'<form id="ask">', dom)

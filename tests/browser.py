"""A real browser to open pages in, without a network."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def opened(page: str, folder: Path, *, then: str = "", width: int = 1280) -> tuple[str, str]:
    """
    Return what Chromium makes of a page, as HTML, and what it said meanwhile.

    Args:
        page: as HTML.
        folder: to write the page, and the browser's profile, to.
        then: an element to add at the end of the page.
        width: of the window, in pixels.
    """
    head, _, tail = page.rpartition("</body>")
    file = folder / "page.html"
    file.write_text(f"{head}{then}</body>{tail}", encoding="utf-8")
    return visited(str(file), folder, width=width)


def visited(place: str, folder: Path, *, width: int = 1280) -> tuple[str, str]:
    """
    Return what Chromium makes of the page at a place, as HTML, and what it said meanwhile.

    Args:
        place: a file, or a URL on 127.0.0.1.
        folder: to write the browser's profile to.
        width: of the window, in pixels.
    """
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    browser = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    browser += [
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"--user-data-dir={folder / 'profile'}",
    ]
    done = subprocess.run(  # time is the page's own: nothing is waited for
        [*browser, f"--window-size={width},2000", "--virtual-time-budget=10000", "--dump-dom", place],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout, done.stderr

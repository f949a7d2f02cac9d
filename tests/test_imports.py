"""What importing bide costs, and which way its arrows point."""

import subprocess
import sys

import pytest


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that a fresh process has loaded after a statement."""
    code = f"{statement}\nimport sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_import_bide_loads_attrs_and_the_standard_library_only() -> None:
    """Nothing heavy is imported before it is used."""
    loaded = loaded_by("import bide; bide.Poller; bide.Limits; bide.register")
    assert {"attr", "attrs", "bide"} <= loaded
    assert not loaded & {
        "httpx",
        "falcon",
        "waitress",
        "numpy",
        "cattrs",
        "jmespath",
        "click",
        "rich",
        "hypothesis",
    }
    assert "bide_strategies" not in loaded


def test_the_server_and_the_client_do_not_know_each_other() -> None:
    """Each can be used where the other's packages are not installed."""
    assert not loaded_by("import bide.server") & {"httpx", "numpy", "scipy"}
    assert not loaded_by("import bide; bide.JobClient") & {"falcon", "waitress", "sqlite3"}


def test_a_command_loads_what_it_needs() -> None:
    """A server starts in the time that it needs itself, not in that of all other commands."""
    run = "from bide.cli.app import run; run(['serve', '--help'])"
    loaded = loaded_by(f"import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()): {run}")
    assert "click" in loaded
    assert not loaded & {"httpx", "httpcore", "trio", "numpy", "rich"}


@pytest.mark.parametrize("name", __import__("bide").__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Also those that are imported late."""
    assert getattr(__import__("bide"), name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """Late imports do not hide mistakes."""
    with pytest.raises(AttributeError, match="has no attribute 'Pollster'"):
        __import__("bide").Pollster  # noqa: B018

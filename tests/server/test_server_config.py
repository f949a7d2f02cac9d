"""The server's settings refuse what cannot be used, by name."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bide.server
from bide.errors import ConfigError
from bide.server import JobKind, ServerConfig


def test_the_defaults_are_those_of_the_seed() -> None:
    """Without settings, jobs last 5 to 15 seconds, half of them fail, and nothing is written to disk."""
    config = ServerConfig()
    assert dict(config.kinds) == {"default": JobKind(durations="5s..15s", failing=0.5)}
    assert config.database == ":memory:"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("speed", 0),
        ("speed", math.inf),
        ("speed", True),
        ("seed", 1.5),
        ("retry_after", -1),
        ("retry_after", math.inf),
        ("retry_after", "5s"),
        ("threads", 1),
        ("threads", 1001),
        ("threads", 4.0),
        ("database", ""),
        ("database", "a\0b"),
        ("database", None),
    ],
)
def test_a_bad_value_is_refused_by_name(setting: str, value: Any) -> None:
    """A value out of range or of a wrong type is a ConfigError that names the setting and the value."""
    with pytest.raises(ConfigError) as caught:
        ServerConfig(**{setting: value})
    assert str(caught.value).startswith(f"{setting}: must be")
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("package", ["falcon", "prometheus_client", "waitress"])
def test_without_the_extra_the_import_says_what_to_install(package: str) -> None:
    """Where falcon or waitress is missing, importing bide.server names the extra."""
    code = f"import sys; sys.modules[{package!r}] = None; import bide.server"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].startswith(
        "ImportError: the job server needs falcon, waitress and prometheus-client"
    )
    assert "install bide with its extra 'server'" in done.stderr


def test_the_server_imports_nothing_of_the_client() -> None:
    """Of bide, the server's modules import each other and what both sides share, and nothing else."""
    allowed = {
        "bide.server",
        "bide.errors",
        "bide.durations",
        "bide.rules",
        "bide.config",
        "bide.convert",
        "bide.inline",
        "bide.files",
        "bide.lab",
    }
    modules = sorted(Path(bide.server.__file__).parent.glob("*.py"))
    imported = {name for module in modules for name in imports(ast.parse(module.read_text()))}
    own = {".".join(name.split(".")[:2]) for name in imported if name.partition(".")[0] == "bide"}
    assert own == allowed
    assert "httpx" not in imported


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the names of the modules that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module

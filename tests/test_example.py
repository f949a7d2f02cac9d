"""The example distribution, installed as a user would, and the how-to guide that is written around it."""

from __future__ import annotations

import ast
import io
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tokenize
import tomllib
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from bide import load_policy, registry

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "bide-around"
MODULE = EXAMPLE / "bide_around" / "__init__.py"
GUIDE = ROOT / "docs" / "how-to" / "write-your-own-strategy.md"

# A block of the guide, and what the guide says that it prints.
_PYTHON = re.compile(r"^```python\n(.*?)^```\n(?:\n^```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_TOML = re.compile(r"^```toml\n(.*?)^```\n", re.MULTILINE | re.DOTALL)

_CLEAN = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install a copy of the example into a folder of its own."""
    for needed in ("pip", "hatchling"):
        if find_spec(needed) is None:
            pytest.skip(f"installing the example needs {needed}")
    source = tmp_path_factory.mktemp("source") / EXAMPLE.name
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    site = tmp_path_factory.mktemp("site")
    alone = "--isolated --no-index --no-deps --no-build-isolation --no-cache-dir"
    options = f"--quiet --quiet {alone} --no-compile --target"
    command = [sys.executable, "-m", "pip", "install", *options.split(), str(site), str(source)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=_CLEAN, check=False, timeout=120, cwd=source
    )
    assert done.returncode == 0, done.stderr
    return site


def plug_in(site: Path, distribution: str, version: str, kind: str, code: str) -> Path:
    """Lay down a distribution of one module as an installer would leave it, and return the folder."""
    module = distribution.replace("-", "_")
    (site / f"{module}.py").write_text(textwrap.dedent(code), encoding="utf-8")
    info = site / f"{module}-{version}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    points = f"[{registry.GROUP}]\n{kind} = {module}:Strategy\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    return site


def run(code: str, *sites: Path) -> list[str]:
    """Return the lines that a fresh process prints, to which these folders are installed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**_CLEAN, "PYTHONPATH": os.pathsep.join(map(str, sites))},
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_its_kind_is_known_with_its_owner(installed: Path) -> None:
    """The entry point alone makes the kind known, with the distribution and its version."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert run("from bide.registry import kinds; print(*kinds()['around'])", installed) == [
        f"bide_around:Around of {project['name']} {project['version']}"
    ]


def test_config_knows_it_both_ways(installed: Path, tmp_path: Path) -> None:
    """A table, a file and the class mean the same strategy, and it becomes a table again."""
    file = tmp_path / "restore.toml"
    file.write_text('[strategy]\nkind = "around"\nexpected = "20m"\njitter = 0.2\n', encoding="utf-8")
    code = f"""
        import bide, sys
        strategy = bide.load_policy({str(file)!r}).strategy
        print(bide.to_config(strategy))
        assert bide.from_config(bide.to_config(strategy)) == strategy
        from bide_around import Around
        assert strategy == Around(expected=1200.0, jitter=0.2)
    """
    assert run(code, installed) == [
        "{'kind': 'around', 'expected': 1200.0, 'share': 0.5, 'floor': 1.0, 'cap': 60.0, 'jitter': 0.2}"
    ]


def test_a_wrong_field_is_named_as_for_a_kind_of_bide_s(installed: Path) -> None:
    """The rules that it took from bide name the field, the value and what is allowed; all at once."""
    code = """
        import bide
        for wrong in ({"expcted": 1, "share": 1.5}, {"expected": 1, "floor": "2m"}):
            try:
                bide.from_config({"kind": "around", **wrong})
            except bide.ConfigError as error:
                print(error)
    """
    assert run(code, installed) == [
        (
            "expcted: unknown field, with the value 1; did you mean 'expected'?"
            " (known: cap, expected, floor, jitter, share)"
        ),
        "expected: is required",
        "share: must be a finite number > 0 and <= 1, got 1.5",
        "cap: must be >= 'floor' (120), got 60",
    ]


def test_it_keeps_the_laws(installed: Path) -> None:
    """With its defaults, and with each field at an end of its range."""
    code = """
        from bide.testing import check_strategy
        from bide_around import Around
        check_strategy(Around(expected=1200.0))
        check_strategy(Around(expected=120.0, share=1.0, floor=60.0, jitter=1.0))
    """
    assert run(code, installed) == []


def test_its_wait_is_as_computed_by_hand(installed: Path) -> None:
    """Half the rest of 160 s, then of 80 … down to the floor; overdue, half of what has passed since."""
    code = """
        from bide import Situation
        from bide_around import Around
        strategy = Around(expected=160.0, floor=8.0, cap=100.0, jitter=0.5)
        for elapsed in (0, 80, 120, 140, 150, 160, 180, 220, 1000):
            situation = Situation(elapsed=elapsed)
            print(strategy.delay(situation, 1.0), strategy.delay(situation, 0.0))
    """
    delays = [80, 40, 20, 10, 8, 8, 10, 30, 100]
    assert run(code, installed) == [f"{delay:.1f} {delay / 2:.1f}" for delay in delays]


def test_a_broken_plug_in_beside_it_is_named_and_breaks_no_other(installed: Path, tmp_path: Path) -> None:
    """Only who asks for the broken kind hears of it: whose it is, and why."""
    plug_in(tmp_path, "broken-plug", "0.3", "broken", "import no_such_package")
    code = """
        import bide
        from bide.registry import kinds
        print({"around", "broken", "fixed"} <= kinds().keys())
        print(bide.from_config({"kind": "around", "expected": 60}).expected)
        print(bide.from_config("fixed").interval)
        try:
            bide.from_config("broken")
        except bide.ConfigError as error:
            print(error)
    """
    assert run(code, tmp_path, installed) == [
        "True",
        "60.0",
        "1.0",
        (
            "kind: the kind 'broken', broken_plug:Strategy of broken-plug 0.3, cannot be imported:"
            " ModuleNotFoundError(\"No module named 'no_such_package'\")"
        ),
    ]


def test_two_distributions_with_its_kind_are_both_named(installed: Path, tmp_path: Path) -> None:
    """Neither wins by the order of installation, and all other kinds go on."""
    rival = """
        from attrs import frozen

        @frozen
        class Strategy:
            def delay(self, situation, u):
                return 1.0
    """
    plug_in(tmp_path, "elsewhere", "2.0", "around", rival)
    code = """
        import bide
        print(bide.from_config("fixed").interval)
        try:
            bide.from_config({"kind": "around", "expected": 60})
        except bide.ConfigError as error:
            print(error)
    """
    refusal = "kind: the kind 'around' is taken twice: by {} and by {}"
    owners = ("elsewhere:Strategy of elsewhere 2.0", "bide_around:Around of bide-around 0.1.0")
    assert run(code, tmp_path, installed) == ["1.0", refusal.format(*owners)]
    assert run(code, installed, tmp_path) == ["1.0", refusal.format(*reversed(owners))]


def test_it_is_typed_and_whole(installed: Path) -> None:
    """The marker for type checkers is installed, and the source has nothing that was built."""
    assert (installed / "bide_around" / "py.typed").is_file()
    sources = {str(path.relative_to(EXAMPLE)) for path in EXAMPLE.rglob("*") if path.is_file()}
    assert {path for path in sources if "__pycache__" not in path} == {
        "README.md",
        "bide_around/__init__.py",
        "bide_around/py.typed",
        "pyproject.toml",
    }


def own_lines(source: str) -> int:
    """Return how many lines have code: not those that are blank, or hold only a comment or a docstring."""
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in layout and token.type != tokenize.ENDMARKER:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def test_a_strategy_takes_fewer_than_25_lines() -> None:
    """The example's own code is short; and the counting leaves out what is no code, and nothing else."""
    assert (
        own_lines(
            '"""One."""\n\n# two\nx = [\n    1,  # three\n]\n\n\ndef f():\n    """\n    Four.\n    """\n'
        )
        == 4
    )
    assert own_lines(MODULE.read_text(encoding="utf-8")) < 25


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return an importable module for the guide's code to run in; names that it registers are forgotten."""
    monkeypatch.setattr(registry, "_registered", {})
    module = ModuleType("my_strategies")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_the_guide_s_code_runs_and_prints_what_it_says(
    page: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """All blocks in order, in one module; and its policy loads under the name that they register."""
    text = GUIDE.read_text(encoding="utf-8")
    blocks = _PYTHON.findall(text)
    assert len(blocks) == text.count("```python") >= 7
    for code, printed in blocks:
        exec(compile(code, str(GUIDE), "exec"), vars(page))  # noqa: S102 - that is the point
        assert capsys.readouterr().out == printed
    file = tmp_path / "restore.toml"
    file.write_text(_TOML.findall(text)[0], encoding="utf-8")
    assert load_policy(file).strategy == page.Around(expected=1200.0)


def test_the_guide_shows_the_example() -> None:
    """The code and the entry point on the page are those of the distribution."""
    text = GUIDE.read_text(encoding="utf-8")
    assert _PYTHON.findall(text)[0][0] == MODULE.read_text(encoding="utf-8")
    project = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    shown, real = (tomllib.loads(toml)["project"] for toml in (_TOML.findall(text)[1], project))
    assert shown["entry-points"] == real["entry-points"]

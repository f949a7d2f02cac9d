"""``bide learn``: what is known of jobs from the waits for them, and what comes of it."""

from __future__ import annotations

import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import click
from rich.console import Console
from rich.table import Table

from bide.cli.as_json import print_json
from bide.cli.histories import existing, lessons_of
from bide.cli.layout import LAYOUT
from bide.cli.show_learned import show
from bide.errors import ConfigError, shown

_history_option = click.option(
    "--history",
    "path",
    required=True,
    metavar="FILE",
    help="The file that remembers, as a strategy names it.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_key_option = click.option("--key", help="Only jobs that were given this key.")


@click.group()
def learn() -> None:
    """Look at what strategies of the kind 'learned' know of jobs, and change it."""


learn.add_command(show)


@learn.command(name="list")
@_history_option
@_json_option
def list_kinds(path: str, as_json: bool) -> None:
    """List the kinds of jobs that a history holds, and their keys."""
    remembered = existing(path).remembered()
    if as_json:
        print_json([attrs.asdict(each, value_serializer=_as_text) for each in remembered])
        return
    table = Table(**LAYOUT)
    for name in ("kind", "key", "jobs", "oldest", "newest"):
        table.add_column(name, overflow="fold")
    for each in remembered:
        instants = (f"{instant:%Y-%m-%d %H:%M}" for instant in (each.oldest, each.newest))
        table.add_row(each.kind, each.key, str(each.jobs), *instants)
    Console().print(table)


@learn.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--kind", required=True, help="Of the jobs.")
@click.option("--column", help="The column, or the objects' key, that holds the durations.")
@click.option("--key", help="What the jobs have in common with some of their kind; else as FILE has it.")
@_history_option
def import_durations(file: Path, kind: str, column: str | None, key: str | None, path: str) -> None:
    """
    Learn from measured durations, or from what was exported, the oldest first.

    FILE is CSV, with a header or of durations alone, or a JSON list; - is standard input. Durations are
    seconds, or texts such as 2m30s. With the columns low and high, as `bide learn export` writes them, the
    durations lie in between.
    """
    from bide.learn.history import KEPT, SqliteHistory
    from bide.learn.lesson_files import read_lessons

    if not kind:
        raise ConfigError(f"--kind: must be text, and not empty, got {shown(kind)}")
    lessons = read_lessons(file, column, key=key, now=time.time())
    SqliteHistory(path).add(kind, lessons)
    most = max(Counter(lesson.key for lesson in lessons).values())
    kept = "" if most <= KEPT else f"; the newest {KEPT} of each key are kept"
    click.echo(f"{kind}: {len(lessons)} jobs added to {path}{kept}")


@learn.command()
@click.argument("kind")
@_history_option
@_key_option
@_json_option
def export(kind: str, path: str, key: str | None, as_json: bool) -> None:
    """
    Print what is known of each job of a KIND, the oldest first, as CSV.

    A job's duration is more than 'low' seconds and at most 'high': equal where it is exact, infinite where
    the wait was over before the job. `bide learn import` reads it.
    """
    from bide.learn.lesson_files import as_record, write_lessons

    lessons = lessons_of(path, kind, key)
    if as_json:
        print_json([as_record(lesson) for lesson in lessons])
    else:
        write_lessons(lessons, sys.stdout)


@learn.command()
@click.argument("kind")
@_history_option
@_key_option
def forget(kind: str, path: str, key: str | None) -> None:
    """Forget the jobs of a KIND, or those with one key."""
    count = existing(path).forget(kind, key)
    if not count:
        lessons_of(path, kind, key)  # raises what is wrong, with the nearest name
    click.echo(f"{kind}: {count} jobs forgotten")


def _as_text(_instance: object, _field: object, value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

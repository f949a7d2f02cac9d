"""``bide learn``: what is known of jobs from the waits for them, and what comes of it."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from rich.console import Console
from rich.table import Table

from bide.catalogue import find_policy
from bide.cli.as_json import print_json
from bide.cli.layout import LAYOUT
from bide.cli.options import DURATION
from bide.config import from_config, to_config
from bide.errors import ConfigError, nearest, shown
from bide.learning import Lesson
from bide.strategy import Strategy

if TYPE_CHECKING:
    from bide.lab.distribution import Distribution
    from bide.learn.history import SqliteHistory

_BARS = 13

# Without a word about it, a call is taken to be worth the mean duration, divided by this.
_CALLS_WORTH = 20

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


@learn.command(name="list")
@_history_option
@_json_option
def list_kinds(path: str, as_json: bool) -> None:
    """List the kinds of jobs that a history holds, and their keys."""
    remembered = _existing(path).remembered()
    if as_json:
        print_json([attrs.asdict(each, value_serializer=_as_text) for each in remembered])
        return
    table = Table("kind", "key", "jobs", "oldest", "newest", **LAYOUT)
    for each in remembered:
        instants = (f"{instant:%Y-%m-%d %H:%M}" for instant in (each.oldest, each.newest))
        table.add_row(each.kind, each.key, str(each.jobs), *instants)
    Console().print(table)


@learn.command()
@click.argument("kind")
@_history_option
@click.option("--key", default="", help="Of the next job, if it has one.")
@click.option(
    "--call-cost", type=DURATION, help="Lag that saving one call is worth; else a 20th of the mean."
)
@click.option("--mean-lag", type=DURATION, help="Or the mean lag that is wanted.")
@click.option("--calls", type=float, help="Or the mean calls per job that are wanted.")
@click.option("--fallback", default="seed", show_default=True, help="What to compare with: as --strategy.")
@_json_option
def show(
    kind: str,
    path: str,
    key: str,
    call_cost: float | None,
    mean_lag: float | None,
    calls: float | None,
    fallback: str,
    as_json: bool,
) -> None:
    """
    Show how long jobs of a KIND take, when to look at them, and what that saves.

    Says what a strategy of the kind 'learned' does with this history, and what it costs against a fallback,
    both by exact evaluation on the durations that are known.
    """
    from bide.learn.summary import known_durations, summary

    _lessons(path, kind, None)
    lessons = _existing(path).lessons(kind, key)
    other = find_policy(fallback).strategy
    given = {"call_cost": call_cost, "mean_lag": mean_lag, "calls": calls}
    learned = _learned(path, kind, key, known_durations(lessons, key), given, other)
    found = summary(kind, key, lessons, learned, other, bars=_BARS)
    if as_json:
        print_json(attrs.asdict(found))
    else:
        from bide.cli.learned import print_summary

        print_summary(found, fallback, Console())


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

    lessons = _lessons(path, kind, key)
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
    count = _existing(path).forget(kind, key)
    click.echo(f"{kind}: {count} jobs forgotten")


def _as_text(_instance: object, _field: object, value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _learned(
    path: str,
    kind: str,
    key: str,
    durations: Distribution,
    given: dict[str, float | None],
    fallback: Strategy,
) -> Strategy:
    """Return the strategy that a wait would have which begins now, if its plan can do what is wanted."""
    from bide.learn.planning import plan_for

    target = {name: value for name, value in given.items() if value is not None}
    target = target or {"call_cost": durations.mean / _CALLS_WORTH}
    plan_for(durations, **target)
    table = {"kind": "learned", "job_kind": kind, "history": path, "fallback": to_config(fallback), **target}
    learned: Any = from_config(table)
    strategy: Strategy = learned.planned(key)
    return strategy


def _existing(path: str) -> SqliteHistory:
    """Return the history in a file that is there: a misspelt name is no empty history."""
    from bide.learn.history import SqliteHistory

    if not Path(path).exists():
        raise ConfigError(f"--history: there is no file {shown(path)}")
    return SqliteHistory(path)


def _lessons(path: str, kind: str, key: str | None) -> Sequence[Lesson]:
    """Return what is known of a kind, or of a key within it; at least one job."""
    history = _existing(path)
    lessons = [each for each in history.lessons(kind) if key is None or each.key == key]
    if not lessons:
        remembered = history.remembered()
        of_kind = [each.key for each in remembered if each.kind == kind]
        if of_kind:
            known = nearest(str(key), of_kind)
            raise ConfigError(f"--key: no job of the kind {kind!r} has the key {shown(key)}{known}")
        known = nearest(kind, {each.kind for each in remembered})
        raise ConfigError(f"KIND: {path} knows no jobs of the kind {shown(kind)}{known}")
    return lessons

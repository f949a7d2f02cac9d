"""``bide learn show``: how long jobs of a kind take, when a strategy that learns looks, and what it saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import click
from rich.console import Console

from bide.catalogue import find_policy
from bide.cli.as_json import print_json
from bide.cli.command import Command
from bide.cli.histories import lessons_for
from bide.cli.options import DURATION
from bide.config import from_config, to_config
from bide.describe import one_line
from bide.errors import ConfigError, nearest, shown
from bide.learning import Lesson, begun, learners_in
from bide.resolve import resolve_policy
from bide.strategy import Strategy
from bide.target import TARGETS, targets_of

_BARS = 13


@click.command(
    cls=Command,
    sections={
        "Of a policy": ("strategy", "config"),
        "Of a history, without a policy": ("path", *TARGETS),
    },
)
@click.argument("kind", required=False)
@click.option("--strategy", metavar="STRATEGY", help="As for bide wait: what learns, with its own history.")
@click.option("--config", metavar="FILE", help="A TOML file with the policy; by default bide.toml.")
@click.option("--history", "path", metavar="FILE", help="The file that remembers; needs KIND.")
@click.option(
    "--call-cost", type=DURATION, help="Lag that saving one call is worth; else a 20th of the mean."
)
@click.option("--mean-lag", type=DURATION, help="Or the mean lag that is wanted.")
@click.option("--calls", type=float, help="Or the mean calls per job that are wanted.")
@click.option("--key", default="", help="Of the next job, if it has one.")
@click.option(
    "--fallback", help="What to compare with, as --strategy; by default that of the policy, or seed."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(
    kind: str | None,
    strategy: str | None,
    config: str | None,
    path: str | None,
    key: str,
    fallback: str | None,
    as_json: bool,
    **target: float | None,
) -> None:
    """
    Show how long jobs of a KIND take, when to look at them, and what that saves.

    Says what a policy does that learns, or a strategy of the kind 'learned' with a history, and what it costs
    against a fallback, both by exact evaluation on the durations that are known.
    """
    from bide.learn.summary import summary

    if path is None:
        _refuse(target, "a policy says itself what a call is worth")
        whole, learner = _of_policy(strategy, config, kind)
        lessons = _known(learner, key)
        name = fallback or "its fallback"
        other = learner.fallback if fallback is None else find_policy(fallback).strategy
    else:
        _refuse({"strategy": strategy, "config": config}, "a policy has its own history: leave out --history")
        name = fallback or "seed"
        other = find_policy(name).strategy
        if kind is None:
            raise ConfigError("KIND: is needed to look into a history")
        lessons = lessons_for(path, kind, key)
        whole = learner = _of_history(path, kind, _target(target, lessons, key), other)
    learner.planned(key)  # which a wait would have made beside it, for those that begin later
    aim = _given(targets_of(learner))
    found = summary(learner.job_kind, key, lessons, begun(whole, key), other, target=aim, bars=_BARS)
    if as_json:
        print_json(attrs.asdict(found))
    else:
        from bide.cli.learned import print_summary

        print_summary(found, name, Console(), assumed=path is not None and not _given(target))


def _given(target: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in target.items() if value is not None}


def _refuse(options: Mapping[str, object], rule: str) -> None:
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value is not None]
    if given:
        raise ConfigError(f"{given[0]}: {rule}")


def _of_policy(strategy: str | None, config: str | None, kind: str | None) -> tuple[Strategy, Any]:
    """Return the strategy that holds, and what in it learns from jobs of a kind, or at all."""
    whole = resolve_policy(strategy, {}, config=config).policy.strategy
    found: list[Any] = [learner for learner in learners_in(whole) if hasattr(learner, "planned")]
    learners = {learner.job_kind: learner for learner in found}
    if not learners:
        instead = "name one of the kind 'learned' by --strategy or --config, or KIND and --history"
        raise ConfigError(f"the strategy {one_line(whole)} learns nothing; {instead}")
    if kind is not None and kind not in learners:
        raise ConfigError(
            f"KIND: the policy learns of no jobs of the kind {shown(kind)}{nearest(kind, learners)}"
        )
    return whole, found[0] if kind is None else learners[kind]


def _target(given: Mapping[str, float | None], lessons: Sequence[Lesson], key: str) -> dict[str, float]:
    """Return what is wanted, if a plan can do it; if nothing is, what a call is usually worth."""
    from bide.cli.suited import usual_worth
    from bide.learn.planning import plan_for
    from bide.learn.summary import known_durations

    durations = known_durations(lessons, key)
    target = _given(given) or {"call_cost": usual_worth(durations)}
    plan_for(durations, **target)
    return target


def _of_history(path: str, kind: str, target: Mapping[str, float], fallback: Strategy) -> Any:
    """Return the strategy that learns from a history."""
    table = {"kind": "learned", "job_kind": kind, "history": path, "fallback": to_config(fallback), **target}
    return from_config(table)


def _known(learner: Any, key: str) -> Sequence[Lesson]:
    """Return what a strategy knows of jobs: what it was given, and what its history has."""
    from bide.learn.history import SqliteHistory

    given = [Lesson.exact(duration) for duration in learner.durations]
    if learner.history is None:
        if not given:
            raise ConfigError("history: the strategy has none, so what it learns ends with its process")
        return given
    if not given:
        return lessons_for(learner.history, learner.job_kind, key)
    return [*given, *SqliteHistory(learner.history).lessons(learner.job_kind, key)]

"""``bide strategies``: what there is, and what a policy does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import click
from attrs import frozen
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from bide.bounds import Bounds, give_up_bounds, max_total_sleep, request_bounds
from bide.catalogue import catalogue, policy_table
from bide.cli.as_json import print_json
from bide.cli.command import Command
from bide.cli.layout import LAYOUT
from bide.cli.options import DURATION, policy_options
from bide.config import load_policy, to_config
from bide.convert import to_data
from bide.describe import KindDescription, PollDescription, describe_kinds, describe_polls, one_line
from bide.durations import format_duration
from bide.errors import ConfigError
from bide.inline import format_inline
from bide.resolve import Resolved, Setting, resolve_policy


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def strategies(context: click.Context, as_json: bool) -> None:
    """List the kinds of strategies, and the catalogue of policies."""
    if context.invoked_subcommand is not None:
        return
    if as_json:
        print_json(_list_as_json())
        return
    console = Console()
    for kind in describe_kinds():
        console.print(_kind_as_text(kind))
    console.print(_catalogue_as_table())


@strategies.command(cls=Command)
@click.argument("name", required=False)
@policy_options
@click.option("--explain", is_flag=True, help="Tell where the strategy and each limit come from.")
@click.option(
    "--duration", type=DURATION, default="1m", show_default=True, help="Of the job whose calls are counted."
)
@click.option(
    "--polls", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many to show."
)
@click.option("--png", type=click.Path(dir_okay=False, writable=True), help="Draw them into this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(
    name: str | None,
    strategy: str | None,
    config: str | None,
    limits: dict[str, str],
    explain: bool,
    duration: float,
    polls: int,
    png: str | None,
    as_json: bool,
) -> None:
    """
    Show what a policy does: the first delays, and what a wait may cost.

    NAME is a TOML file, a name in the catalogue, a kind, or a strategy in one line, such as
    'exponential(base=100ms, cap=10s, jitter=full)'. Without it, the policy that `bide wait` would use.
    """
    if name is not None and strategy is not None:
        raise click.UsageError("give NAME or --strategy, not both")
    text, named = (strategy, "--strategy") if name is None else (name, "NAME")
    resolved = resolve_policy(text, limits, config=config, named=named)
    picture = _Picture.of(resolved, duration, polls)
    if png is not None:
        from bide.cli.chart import save_png

        save_png(png, picture.title, picture.polls)
    if as_json:
        print_json(picture.as_json())
    else:
        picture.print(Console(), explain=explain)


@frozen
class _Picture:
    """What is shown of a policy."""

    resolved: Resolved
    duration: float
    polls: list[PollDescription]
    requests: Bounds
    gives_up: Bounds | None
    total_sleep: float

    @classmethod
    def of(cls, resolved: Resolved, duration: float, count: int) -> _Picture:
        policy = resolved.policy
        return cls(
            resolved,
            duration,
            describe_polls(policy, count),
            request_bounds(policy, duration),
            give_up_bounds(policy, duration),
            max_total_sleep(policy, latency=1.0),
        )

    @property
    def title(self) -> str:
        return one_line(self.resolved.policy.strategy)

    def print(self, console: Console, *, explain: bool) -> None:
        console.print(Text(self.title, style="bold"))
        if explain:
            console.print(_settings_as_table(self.resolved))
        console.print(_polls_as_table(self.polls, console.width))
        if console.width < _WIDE:
            console.print(Text("No room for: at; a wider window and --json have it."))
        job = f"a job of {format_duration(self.duration)}"
        console.print(Text(f"A wait for {job} {_end_of(self.requests, self.gives_up)}."))
        console.print(Text(f"Any wait sleeps {_most(self.total_sleep)}."))

    def as_json(self) -> dict[str, Any]:
        policy = self.resolved.policy
        return {
            "strategy": _as_json(to_config(policy.strategy)),
            "limits": attrs.asdict(policy.limits),
            "settings": [
                {"name": each.name, "value": _as_json(to_data(each.value)), "source": each.source}
                for each in self.resolved.settings
            ],
            "polls": [attrs.asdict(poll) for poll in self.polls],
            "duration": _finite(self.duration),
            "requests": _bounds_as_json(self.requests),
            "gives_up": None if self.gives_up is None else _bounds_as_json(self.gives_up),
            "max_total_sleep": _finite(self.total_sleep),
        }


def _settings_as_table(resolved: Resolved) -> Table:
    table = _folding_table("setting", "value", "from")
    for each in resolved.settings:
        table.add_row(each.name, _value_of(each), each.source)
    return table


def _folding_table(*headings: str, title: str | None = None) -> Table:
    """Return a table that cuts nothing off in a narrow window."""
    table = Table(title=title, **LAYOUT)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


_DURATIONS = ("timeout", "failure_timeout", "initial_delay")


def _value_of(setting: Setting) -> str:
    if setting.name == "strategy":
        return one_line(setting.value)
    if setting.name in _DURATIONS and setting.value is not None:
        return format_duration(setting.value)
    return format_inline(to_data(setting.value))


_WIDE = 70
"""Columns of a window that has room for the times of the polls."""


def _polls_as_table(polls: Sequence[PollDescription], width: int) -> Table:
    """Draw the delays, solid up to the least and shaded up to the greatest; and times, if there is room."""
    wide = width >= _WIDE
    table = Table(**LAYOUT)
    for heading in ("poll", "delay", *(["at"] if wide else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("█ least  ░ most", no_wrap=True)
    room = max(8, width - (48 if wide else 26))
    longest = max(poll.most for poll in polls)
    for poll in polls:
        delay, time = _span(poll.least, poll.most), _span(poll.earliest, poll.latest)
        table.add_row(str(poll.number), delay, *([time] if wide else []), _bar(poll, longest, room))
    return table


def _bar(poll: PollDescription, longest: float, room: int) -> str:
    if not longest:
        return ""
    least, most = (round(room * end / longest) for end in (poll.least, poll.most))
    return "█" * least + "░" * (most - least) or ("▏" if poll.most else "")


def _span(least: float, most: float) -> str:
    low, high = format_duration(least), format_duration(most)
    return low if low == high else f"{low} … {high}"


def _end_of(requests: Bounds, gives_up: Bounds | None) -> str:
    calls = _range_of(requests)
    if gives_up is None:
        return f"makes {calls}"
    if gives_up.most == math.inf:
        earliest = f"at {format_duration(gives_up.least)} at the earliest"
        return f"makes {calls}. It may give up before the job ends, {earliest}"
    return f"gives up before the job ends, at {_span(gives_up.least, gives_up.most)}, after {calls}"


def _range_of(requests: Bounds) -> str:
    exact = "" if requests.exact else ", at the very outside"
    if requests.most == math.inf:
        return f"{requests.least:.0f} calls or more; there is no bound, or none that was counted to"
    if requests.least == requests.most:
        return f"{requests.least:.0f} call{'' if requests.least == 1 else 's'}{exact}"
    return f"{requests.least:.0f} to {requests.most:.0f} calls{exact}"


def _most(seconds: float) -> str:
    return "without a bound" if seconds == math.inf else f"at most {format_duration(seconds)}"


def _as_json(value: Any) -> Any:
    """Return data as JSON can hold it: a plug-in's field may be infinite."""
    if isinstance(value, dict):
        return {name: _as_json(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _finite(value: float) -> float | None:
    """JSON has no infinity: what has no bound is null."""
    return None if value == math.inf else value


def _bounds_as_json(bounds: Bounds) -> dict[str, Any]:
    return {name: _finite(value) for name, value in attrs.asdict(bounds).items()}


def _kind_as_text(kind: KindDescription) -> Group:
    grid = Table.grid(padding=(0, 1))
    grid.add_row("", Text(kind.problem or kind.about, style="red" if kind.problem else ""))
    for each in kind.fields:
        default = "required" if each.default is None else f"default {each.default}"
        grid.add_row("", f"  {each.name}: {each.type}; {default}")
    return Group(Text.assemble((kind.name, "bold"), f"  {kind.owner}"), grid, "")


def _catalogue_as_table() -> Table:
    table = _folding_table("policy", "strategy", title="The catalogue")
    for name, file in catalogue().items():
        table.add_row(name, _line_of(file))
    return table


def _line_of(file: Path) -> str:
    """Return a policy's strategy in one line, or why there is none: a plug-in may have broken its kind."""
    try:
        return one_line(load_policy(file).strategy)
    except ConfigError as error:
        return str(error)


def _list_as_json() -> dict[str, Any]:
    return {
        "kinds": [attrs.asdict(kind) for kind in describe_kinds()],
        "catalogue": [
            {"name": name, "file": str(file), **policy_table(str(file))[1]}
            for name, file in catalogue().items()
        ],
    }

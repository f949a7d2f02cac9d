"""``bide submit`` and ``bide wait``: one job, from the shell."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import attrs
import click

from bide.cli.as_json import print_json
from bide.cli.command import Command
from bide.cli.display import display
from bide.cli.failures import as_data, message_of, notes_of, status_of, tell
from bide.cli.headers import headers_from
from bide.cli.mapping import FIELDS, mapping_of, mapping_options
from bide.cli.options import DURATION, policy_options
from bide.cli.unfound import unfound
from bide.durations import MAX_SECONDS
from bide.events import Event, WaitEnded
from bide.http import HttpJob, HttpPoller, JobClient, JobMapping
from bide.http.catalogue import find_mapping, mappings
from bide.outcome import End, Outcome
from bide.policy import Policy
from bide.poller import Poller
from bide.position import Position
from bide.resolve import LIMITS, resolve_policy

_GOES_ON_WITH = {
    End.TIMED_OUT: "--timeout … ",
    End.ATTEMPTS_EXHAUSTED: "--max-attempts … ",
    End.POLLS_FAILED: "",
    End.CANCELLED: "",
}
"""What a wait that has ended so needs, beside its token, to go on."""


@click.command()
@click.argument("server", default="http://127.0.0.1:8080")
def submit(server: str) -> None:
    """
    Create a job, and print its URL.

    SERVER is where a bide server listens; by default http://127.0.0.1:8080.
    """
    with JobClient(server) as client:
        click.echo(client.url_of(client.create_job()))


@click.command(
    cls=Command,
    sections={
        "When to look": ("strategy", "config", "key", *LIMITS),
        "What the answers mean": ("mapping", *FIELDS),
        "Requests": ("headers", "hold", "request_timeout"),
    },
)
@click.argument("url")
@policy_options
@click.option(
    "--key",
    default="",
    help="What the job has in common with some of its kind, such as its size, for a strategy that learns.",
)
@mapping_options
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="Sent with every request; $NAME is a variable of the environment.",
)
@click.option(
    "--hold", type=DURATION, default="0s", help="Ask the server to hold its answer back for so long."
)
@click.option("--request-timeout", type=DURATION, default="10s", show_default=True, help="For one request.")
@click.option(
    "--resume",
    metavar="TOKEN",
    help="Go on with an earlier wait, where its token left it; --timeout gives it a new deadline.",
)
@click.option(
    "--cancel-job",
    is_flag=True,
    help="Cancel the job too (DELETE) if the wait ends before it, also by Ctrl-C.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def wait(
    url: str,
    strategy: str | None,
    config: str | None,
    limits: dict[str, str],
    key: str,
    headers: tuple[str, ...],
    hold: float,
    request_timeout: float,
    resume: str | None,
    cancel_job: bool,
    as_json: bool,
    **mapping: Any,
) -> None:
    """
    Wait for the job at URL.

    It may be a job of a bide server, as printed by `bide submit`, or of anybody's API: --mapping names an API
    that bide knows, and --status, --completed and --failed say where others have what. Tells of every poll on
    standard error, and how it ended, with the result, on standard output. The exit status tells the same; see
    `bide --help`.

    \b
    bide wait https://api.example.com/v1/jobs/42 \\
        --status data.status --completed done --failed failed,expired \\
        --header 'Authorization: Bearer $TOKEN'

    An EXPRESSION is JMESPath. A VALUE is one of the status, or 'HTTP 202' for the code of the answer. A CODE
    is such as 404 or 5xx. A PLACE is an EXPRESSION, or a header with its colon, such as Location:.
    """  # noqa: D301 - click wants the character that \\b stands for
    policy = resolve_policy(strategy, limits, config=config).policy
    job = HttpJob(url, mapping_of(mapping), headers=headers_from(headers), key=key)
    moved = (policy.limits.timeout or MAX_SECONDS) if resume and "timeout" in limits else None
    left = _time_left(resume) if resume and moved is None else policy.limits.timeout
    ended: list[Outcome] = []
    try:
        with (
            HttpPoller(_watched(policy, ended), hold=hold, request_timeout=request_timeout) as waits,
            display(time_left=left, max_calls=policy.limits.max_attempts) as show,
        ):
            waits.wait(job, on_update=show, token=resume, timeout=moved, cancel_job=cancel_job)
    except (Exception, KeyboardInterrupt) as error:
        if not ended:  # it had not even begun
            raise
        goes_on = not cancel_job or bool(notes_of(error))
        if (remark := _unlisted(ended[0], job.mapping)) is not None:
            error.add_note(remark)
        _tell(ended[0], error, as_json=as_json)
        if goes_on and not as_json:
            _tell_how_to_go_on(ended[0])
        _warn(mapping, job, ended[0])
        raise click.exceptions.Exit(status_of(error)) from error
    _tell(ended[0], None, as_json=as_json)
    _warn(mapping, job, ended[0])


def _time_left(token: str) -> float | None:
    """Return the seconds from now to the deadline of an earlier wait, if it has one."""
    deadline_at = Position.from_token(token).deadline_at
    return None if deadline_at is None else deadline_at - time.time()


def _watched(policy: Policy, ended: list[Outcome]) -> Poller:
    """Return a poller that keeps how its waits end, also by an interrupt."""

    def keep(event: Event) -> None:
        if isinstance(event, WaitEnded):
            ended.append(event.outcome)

    return attrs.evolve(Poller.of(policy), observers=(keep,))


def _tell(outcome: Outcome, error: BaseException | None, *, as_json: bool) -> None:
    """Tell how a wait ended: its end on standard output, what ended it on the other."""
    if as_json:
        print_json({**_as_data(outcome), "error": None, **(as_data(error) if error is not None else {})})
    elif error is None:
        click.echo(str(outcome))
        _print_result(outcome)
    if error is not None:
        end = str(outcome) if isinstance(error, KeyboardInterrupt) else message_of(error)
        tell("; ".join([end, *notes_of(error)]))


def _print_result(outcome: Outcome) -> None:
    """Print what the job produced: a text as it is, if it is one line that can be seen, else as JSON."""
    result = outcome.observation.result if outcome.observation is not None else None
    if isinstance(result, str) and result.isprintable():
        click.echo(result)
    elif result is not None:
        print_json(result)


def _warn(options: Mapping[str, Any], job: HttpJob, outcome: Outcome) -> None:
    """Warn of expressions that may be misspelt."""
    for remark in unfound(options, job.mapping, outcome.observation):
        tell(f"warning: {remark}")


def _tell_how_to_go_on(outcome: Outcome) -> None:
    if outcome.end in _GOES_ON_WITH:
        click.echo(f"to go on: {_GOES_ON_WITH[outcome.end]}--resume '{outcome.token}'", err=True)


def _unlisted(outcome: Outcome, mapping: JobMapping) -> str | None:
    """Return the remark that a job is only taken for pending: a value may be misspelt."""
    seen = outcome.observation
    if seen is None or seen.said is None or seen.status != "pending" or mapping.lists(seen.said):
        return None
    return f"{seen.said} is in none of the lists of the mapping, so it counts as pending"


def _as_data(outcome: Outcome) -> dict[str, Any]:
    seen = outcome.observation
    return {
        "end": outcome.end,
        "status": seen.status if seen is not None else None,
        "said": seen.said if seen is not None else None,
        "progress": seen.progress if seen is not None else None,
        "result": seen.result if seen is not None else None,
        "failure": None if outcome.failure is None else str(outcome.failure),
        "calls": outcome.calls,
        "wasted": outcome.wasted,
        "failed_calls": outcome.failed_calls,
        "hints_followed": outcome.hints_followed,
        "elapsed": outcome.elapsed,
        "lag": outcome.lag,
        "token": outcome.token,
    }


@click.command("mappings")
def list_mappings() -> None:
    """List the job APIs whose answers bide knows: names for `bide wait URL --mapping NAME`."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    for name in mappings():
        grid.add_row(Text(name, no_wrap=True), Text(find_mapping(name).description))
    Console().print(grid)

"""``bide key``: a new API key for a job server."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("owner")
def key(owner: str) -> None:
    """
    Make an API key for a job server.

    The key goes to whoever shall ask, and is shown this once; the lines for the server's settings tell
    nothing of it.
    """
    from bide.server.keys import hash_of, make_key

    if not owner:
        raise click.BadParameter("the name of a key's owner must not be empty", param_hint="OWNER")
    made = make_key()
    click.echo(f"{made}\n\n[keys]\n{json.dumps(owner)} = {json.dumps(hash_of(made))}")

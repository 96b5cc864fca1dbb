"""``alembic-neo4j ensure``: wait for the graph, and bring it to its heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alembic_neo4j.cli.project import (
    format_option,
    lock_timeout_option,
    print_json,
    project_options,
)

if TYPE_CHECKING:
    from alembic.config import Config


@click.command()
@project_options
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long graph and ledger may take to answer.",
)
@lock_timeout_option
@format_option
def ensure(config: Config, wait: float, as_json: bool) -> None:
    """Wait until the graph answers, and apply what is pending, for a container.

    It is `alembic upgrade heads` after that, under the lock: several at once are no
    harm, each revision runs once. What waiting would not mend is told at once, such as
    a password that is refused.
    """
    from alembic_neo4j.command.ensure import ensure as ensure_heads

    done = ensure_heads(config, patience=wait)
    if as_json:
        print_json({"applied": list(done.applied), "waited_seconds": done.waited})
        return
    for revision in done.applied:
        click.echo(f"applied {revision}")
    if not done.applied:
        click.echo("Nothing is pending.")

"""``alembic-neo4j plan``: what an upgrade or a downgrade would do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from alembic.config import Config


@click.command()
@click.argument("target", required=False)
@project_options
@click.option(
    "--down",
    metavar="TARGET",
    help="Plan the downgrade to this revision in place of an upgrade.",
)
@click.option(
    "--no-counts",
    is_flag=True,
    help="Leave the graph alone: no counts, and nothing that only it can tell.",
)
@format_option
def plan(
    config: Config, target: str | None, down: str | None, no_counts: bool, as_json: bool
) -> None:
    """Show what an upgrade to TARGET (default head) would do, and do nothing.

    TARGET is what `alembic upgrade` takes, relative ones such as +1 included. What an
    open run has done already is marked. Exit status 0 where there is nothing to do, 1
    where there is or something stands in its way, 2 where the plan can't be made or
    the graph not be reached.
    """
    from alembic_neo4j.cli.plan_report import plan_lines, plan_report
    from alembic_neo4j.command.plan import read_plan

    if target is not None and down is not None:
        raise click.UsageError("Give one target: TARGET, or --down TARGET.")

    found = read_plan(
        config, down or target or "head", down=down is not None, ask=not no_counts
    )
    if as_json:
        print_json(plan_report(found))
    else:
        for line in plan_lines(found):
            click.echo(line)
    if found.unchecked:
        sys.exit(2)
    sys.exit(0 if found.is_empty else 1)

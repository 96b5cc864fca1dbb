"""``alembic-neo4j upgrade --type``: the revisions of one type, without the others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from alembic_neo4j.cli.project import (
    format_option,
    lock_timeout_option,
    print_json,
    project_options,
    type_option,
)

if TYPE_CHECKING:
    from alembic.config import Config


@click.command()
@project_options
@type_option
@click.option(
    "--dry-run", is_flag=True, help="Show what would run, as `plan` does, and no more."
)
@lock_timeout_option
@format_option
def upgrade(config: Config, kind: str | None, dry_run: bool, as_json: bool) -> None:
    """Apply the pending revisions of a type, where they can run without the others.

    It is `alembic upgrade` for these revisions. Where one of them comes after a pending
    revision of another type nothing runs, and all such revisions are named. Exit status
    1 where --dry-run finds that something stands in the way. Without --type it is about
    all revisions, which `alembic upgrade` applies.
    """
    if dry_run:
        _show(config, kind, as_json)
        return
    if kind is None:
        raise click.UsageError(
            "Say which revisions: --type TYPE. All of them are applied by `alembic -c "
            "neo4j.ini upgrade head`, and shown by --dry-run."
        )
    from alembic_neo4j.command.upgrade import upgrade_type

    applied = upgrade_type(config, kind)
    if as_json:
        print_json({"type": kind, "applied": list(applied), "plan": None})
        return
    for revision in applied:
        click.echo(f"applied {revision}")
    if not applied:
        click.echo(f"No revision of the type {kind} is pending.")


def _show(config: Config, kind: str | None, as_json: bool) -> None:
    from alembic_neo4j.cli.plan import plan_lines, plan_report
    from alembic_neo4j.command.plan import read_plan, read_plan_of_type

    found = (
        read_plan(config, "heads") if kind is None else read_plan_of_type(config, kind)
    )
    if as_json:
        print_json({"type": kind, "applied": [], "plan": plan_report(found)})
    else:
        for line in plan_lines(found):
            click.echo(line)
    if found.unchecked:
        sys.exit(2)
    sys.exit(1 if found.hindrances else 0)

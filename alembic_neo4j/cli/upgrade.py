"""``alembic-neo4j upgrade --type``: the revisions of one type, without the others."""

from __future__ import annotations

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
@lock_timeout_option
@format_option
def upgrade(config: Config, kind: str | None, as_json: bool) -> None:
    """Apply the pending revisions of a type, where they can run without the others.

    It is `alembic upgrade` for these revisions. Where one of them comes after a pending
    revision of another type nothing runs, and all such revisions are named.
    """
    from alembic_neo4j.command.upgrade import upgrade_type

    if kind is None:
        raise click.UsageError(
            "Say which revisions: --type TYPE. All of them are applied by `alembic -c "
            "neo4j.ini upgrade head`."
        )
    applied = upgrade_type(config, kind)
    if as_json:
        print_json({"type": kind, "applied": list(applied)})
        return
    for revision in applied:
        click.echo(f"applied {revision}")
    if not applied:
        click.echo(f"No revision of the type {kind} is pending.")

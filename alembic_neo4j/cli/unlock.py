"""``alembic-neo4j unlock``: the lock is taken from a command that hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.confirmation import confirm
from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from alembic.config import Config


@click.command()
@project_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@format_option
def unlock(config: Config, yes: bool, as_json: bool) -> None:
    """Take the lock from a command that hangs or is paused.

    A command that was killed holds no lock. The transactions of the holder end and
    leave nothing; it can't write any more, and what it was doing is resumed by the
    next upgrade or downgrade.
    """
    from alembic_neo4j.command.unlock import read_holder, take_locks

    holder = read_holder(config)
    if holder is None:
        _report(as_json, None, "Nobody holds the lock.")
        return
    if not yes:
        _confirm(holder)
    taken = take_locks(config)
    _report(as_json, taken, f"Taken from {taken}." if taken else "It was freed.")


def _confirm(holder: str) -> None:
    click.echo(f"The lock is held by {holder}.", err=True)
    confirm("Take it from that command?", "take it")


def _report(as_json: bool, holder: str | None, line: str) -> None:
    if as_json:
        report: dict[str, Any] = {"taken_from": holder}
        print_json(report)
    else:
        click.echo(line)

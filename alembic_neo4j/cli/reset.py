"""``alembic-neo4j reset``: what was done to a graph is forgotten, for development."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from alembic_neo4j.checks.history import shown_heads
from alembic_neo4j.cli.confirmation import confirm
from alembic_neo4j.cli.project import (
    format_option,
    lock_timeout_option,
    print_json,
    project_options,
)
from alembic_neo4j.schema.definitions import counted

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.command.reset import Look, Memory


@click.command()
@project_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@lock_timeout_option
@format_option
def reset(config: Config, yes: bool, as_json: bool) -> None:
    """Forget what was done to the graph, for development; its data and schema stay.

    The ledger is at base then, and the graph has no stamp, so that the next upgrade
    begins with the first revision. Where the graph's schema is to stay say so before
    that: `alembic -c neo4j.ini stamp REVISION`. A ledger in a file is backed up first.
    It is refused where neo4j.environment is production, and where the graph is another
    ledger's. The audit trail, notes and entities of one's own stay.
    """
    from alembic_neo4j.command.reset import look
    from alembic_neo4j.command.reset import reset as forget

    found = look(config)
    if found.memory.is_empty:
        if as_json:
            print_json({"forgotten": None, "backup": None})
        else:
            click.echo("There is nothing to forget.")
        return
    for line in _told(found):
        click.echo(line, err=True)
    if not yes:
        confirm("Forget all of that?", "forget")
    done = forget(config, None if yes else found.memory)
    if as_json:
        backup = str(done.backup) if done.backup else None
        print_json({"forgotten": asdict(done.memory), "backup": backup})
        return
    click.echo("Forgotten. The graph's data and schema are as they were.")
    if done.backup is not None:
        click.echo(f"The ledger as it was is kept as {done.backup}")


def _told(found: Look) -> Iterator[str]:
    yield "This is forgotten; the graph's data and schema stay as they are:"
    yield from (f"  {line}" for line in _lines(found.memory))
    if found.file is None:
        yield "A ledger that is no file is not backed up: pg_dump does for PostgreSQL."


def _lines(memory: Memory) -> Iterator[str]:
    if memory.unfinished is not None:
        yield f"that {memory.unfinished} is not finished"
    if memory.applied:
        at = shown_heads(memory.heads)
        yield f"{counted(len(memory.applied), 'applied revision')}: it is at {at}"
    if memory.runs:
        yield f"{counted(memory.runs, 'run')} of the journal"
    if memory.batches:
        yield f"what can be rolled back: {_some(memory.batches)}"
    if memory.images:
        yield f"{counted(memory.images, 'image')} of what loads have changed"
    if memory.files:
        yield f"what a downgrade gives back of files: {_some(memory.files)}"
    if memory.stamped:
        yield "the graph's stamp"


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


_SHOWN = 5

"""``alembic-neo4j ingest list``, ``show`` and ``rollback``: batches in the ledger."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

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

    from alembic_neo4j.cypher.batch_rollback import RollbackCounts
    from alembic_neo4j.ledger.batches import BatchRecord


@click.command("list")
@project_options
@format_option
def list_batches(config: Config, as_json: bool) -> None:
    """Show the batches of the ledger, those loaded first in front.

    The server is asked only how far a batch is that was begun and not finished.
    """
    from alembic_neo4j.command.ingest import read_batches

    records = read_batches(config)
    if as_json:
        print_json({"batches": [batch_row(record) for record in records]})
        return
    if not records:
        click.echo("No batch was loaded.")
    names = max((len(record.batch) for record in records), default=0)
    states = max((len(record.state) for record in records), default=0)
    for record in records:
        click.echo(
            f"{record.batch:<{names}}  {record.state:<{states}}  "
            f"{record.begun_at:%Y-%m-%d %H:%M}  {created(record)}"
        )


@click.command()
@click.argument("batch")
@project_options
@format_option
def show(config: Config, batch: str, as_json: bool) -> None:
    """Show what the ledger knows of a BATCH.

    The server is asked only how far it is, where it was begun and not finished. Exit
    status 2 where the ledger knows nothing of it.
    """
    from alembic_neo4j.command.ingest import read_batch

    record = read_batch(config, batch)
    if as_json:
        print_json(batch_row(record))
        return
    row = batch_row(record)
    sources = row.pop("sources")
    for name in ("begun_at", "ended_at"):
        moment = getattr(record, name)
        row[name] = moment and f"{moment:%Y-%m-%d %H:%M:%S}"
    for name, value in row.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        if isinstance(value, int):
            shown = f"{value:,}"
        if shown:
            click.echo(f"{name.replace('_', ' '):<22} {shown}")
    for source in sources:
        click.echo(f"{'source':<22} {source['uri']}")
        click.echo(f"{'':<22} SHA-256 {source['sha256']}")


@click.command()
@click.argument("batch")
@project_options
@click.option(
    "--detach",
    is_flag=True,
    help="Delete the relationships of others with the nodes that the batch created.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@lock_timeout_option
@format_option
def rollback(
    config: Config, batch: str, detach: bool, yes: bool, as_json: bool
) -> None:
    """Take a BATCH back: what it created is deleted, what it changed is restored.

    A load of it that was killed is ended. Where nodes that it created have
    relationships that it did not make, nothing is done unless --detach is given. May be
    killed and called again.
    """
    from alembic_neo4j.command.ingest import roll_back
    from alembic_neo4j.cypher.batch_rollback import RollbackCounts

    def confirm(record: BatchRecord | None) -> None:
        if not yes:
            _confirm(batch, record)

    undone = roll_back(config, batch, detach=detach, confirm=confirm)
    if undone is None:
        _report(as_json, batch, RollbackCounts(), "It was rolled back before.")
    else:
        _report(as_json, batch, undone)


def batch_row(record: BatchRecord) -> dict[str, Any]:
    """Return what the ledger knows of a batch, for JSON."""
    return {
        "batch": record.batch,
        "state": record.state,
        "revision": record.revision,
        "loader": record.loader.name,
        "loader_version": record.loader.version,
        "labels": list(record.labels),
        "types": list(record.types),
        **asdict(record.counts),
        "begun_at": record.begun_at.isoformat(),
        "begun_by": record.begun_by,
        "ended_at": record.ended_at and record.ended_at.isoformat(),
        "sources": [asdict(source) for source in record.sources],
    }


def created(record: BatchRecord) -> str:
    """Return how much a batch created and changed, in words."""
    from alembic_neo4j.command.ingest import is_unknown

    if is_unknown(record):
        return "how much of it is there is not known: the graph was not reached"
    counts = record.counts
    touched = counts.touched_nodes + counts.touched_relationships
    changed = f", {touched:,} changed" if touched else ""
    return (
        f"{_both(counts.created_nodes, counts.created_relationships)} created{changed}"
    )


def _both(nodes: int, relationships: int) -> str:
    return f"{counted(nodes, 'node')} and {counted(relationships, 'relationship')}"


def _confirm(batch: str, record: BatchRecord | None) -> None:
    what = "The ledger does not know what it did."
    if record is not None:
        what = f"{created(record)}."
        if record.revision:
            what += f" It belongs to the revision {record.revision}, which stays."
    click.echo(f"Batch {batch} will be taken back. {what}", err=True)
    confirm("Take it back?", "do it")


def _report(
    as_json: bool, batch: str, undone: RollbackCounts, remark: str = ""
) -> None:
    if as_json:
        print_json({"batch": batch, **asdict(undone)})
        return
    click.echo(
        f"Batch {batch}: "
        f"{_both(undone.deleted_nodes, undone.deleted_relationships)} deleted, "
        f"{_both(undone.restored_nodes, undone.restored_relationships)} restored.",
        nl=not remark,
    )
    if remark:
        click.echo(f" {remark}")

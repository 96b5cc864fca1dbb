"""``alembic-neo4j ledger``: what is remembered beside the graph."""

from __future__ import annotations

import click

from alembic_neo4j.cli.ledger_backup import backup


@click.group()
def ledger() -> None:
    """What is remembered beside the graph, and backups of it."""


ledger.add_command(backup)

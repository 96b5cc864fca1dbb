"""The command ``alembic-neo4j``; a verb's module is loaded when the verb is used."""

from __future__ import annotations

import os

import click

from alembic_neo4j import __version__
from alembic_neo4j.cli.crochet import tell_of_crochet
from alembic_neo4j.cli.group import VerbGroup
from alembic_neo4j.cli.invocation import shown_options

VERBS = {
    "archive": "alembic_neo4j.cli.archive:archive",
    "audit": "alembic_neo4j.cli.audit:audit",
    "backup": "alembic_neo4j.cli.backup:backup",
    "create-node": "alembic_neo4j.cli.create:create_node",
    "create-relationship": "alembic_neo4j.cli.create:create_relationship",
    "ensure": "alembic_neo4j.cli.ensure:ensure",
    "health": "alembic_neo4j.cli.health:health",
    "history": "alembic_neo4j.cli.history:history",
    "import-crochet": "alembic_neo4j.cli.import_crochet:import_crochet",
    "ingest": "alembic_neo4j.cli.ingest:ingest",
    "init": "alembic_neo4j.cli.init:init",
    "ledger": "alembic_neo4j.cli.ledger:ledger",
    "local": "alembic_neo4j.cli.local:local",
    "plan": "alembic_neo4j.cli.plan:plan",
    "repair": "alembic_neo4j.cli.repair:repair",
    "reset": "alembic_neo4j.cli.reset:reset",
    "run": "alembic_neo4j.cli.run:run",
    "schema": "alembic_neo4j.cli.schema:schema",
    "status": "alembic_neo4j.cli.status:status",
    "transfer": "alembic_neo4j.cli.transfer:transfer",
    "unlock": "alembic_neo4j.cli.unlock:unlock",
    "upgrade": "alembic_neo4j.cli.upgrade:upgrade",
    "verify": "alembic_neo4j.cli.verify:verify",
}


@click.group(
    cls=VerbGroup, verbs=VERBS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="alembic-neo4j")
@shown_options
def main() -> None:
    """Versioned, reversible, crash-safe migrations of a Neo4j graph.

    The migrations themselves are run by Alembic: alembic -c neo4j.ini upgrade head
    """
    tell_of_crochet(os.environ)

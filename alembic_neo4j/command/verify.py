"""Looking where files, ledger, models, graph and data do not fit together."""

from __future__ import annotations

from dataclasses import dataclass

from alembic.config import Config

from alembic_neo4j.checks.evidence import Evidence
from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.checks.verify import judge
from alembic_neo4j.command.evidence import gather
from alembic_neo4j.command.inspection import inspect_project
from alembic_neo4j.migration.context import Neo4jMigrationContext


@dataclass(frozen=True)
class Verification:
    """What was looked at, of the graph at a URL, and what was found."""

    url: str
    evidence: Evidence
    findings: tuple[Finding, ...]


def verify_project(config: Config, *, full: bool = False) -> Verification:
    """Return what does not fit together; nothing is written and nothing waited for.

    With `full` every node and relationship is read, else a sample of them.
    """

    def look(context: Neo4jMigrationContext) -> Verification:
        evidence = gather(context, full=full)
        return Verification(context.session.graph.url, evidence, judge(evidence))

    return inspect_project(config, look)

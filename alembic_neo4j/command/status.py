"""Looking where a project's files, its ledger and its graph are."""

from __future__ import annotations

from collections.abc import Iterable

from alembic_neo4j.checks.evidence import (
    Evidence,
    GraphEvidence,
    HistoryEvidence,
    Unchecked,
)
from alembic_neo4j.checks.status import HistoryEntry, Status, history_entries
from alembic_neo4j.command.evidence import reached, read_history, read_ledger
from alembic_neo4j.graph.schema_commands import live_catalogue
from alembic_neo4j.graph.stamp import read_stamp
from alembic_neo4j.ledger.engine import shown_url
from alembic_neo4j.migration.batch_states import batches_now
from alembic_neo4j.migration.context import Neo4jMigrationContext
from alembic_neo4j.migration.lock import visible_holder


def read_status(context: Neo4jMigrationContext) -> Status:
    """Return where everything is; nothing is written, no lock is waited for.

    What can't be reached is named among the unchecked, the rest is there all the same.
    """
    unchecked: list[Unchecked] = []
    ledger = reached("ledger", lambda: read_ledger(context), unchecked)
    history = read_history(
        context, context.history, ledger.heads if ledger else None, replay=False
    )
    graph = reached("graph", lambda: _graph(context), unchecked)
    batches = reached("ledger", lambda: batches_now(context), [])
    return Status(
        Evidence(history, ledger, graph=graph, unchecked=tuple(unchecked)),
        shown_url(context.ledger_url),
        not context.is_ledger_missing,
        context.graph.url,
        context.graph.database if graph else "",
        messages(context, history.files),
        batches or (),
    )


def read_entries(
    context: Neo4jMigrationContext,
) -> tuple[list[HistoryEntry], HistoryEvidence]:
    """Return all that was done to the graph, the last first, and the revision files."""
    recorded = context.recorded()
    history = read_history(context, context.history, None, replay=False)
    if recorded.identity is None:
        return [], history
    return history_entries(context.journal.runs(), recorded.applied), history


def _graph(context: Neo4jMigrationContext) -> GraphEvidence:
    return GraphEvidence(
        context.graph.server,
        live_catalogue(context.graph),
        stamp=read_stamp(context.graph),
        holder=visible_holder(context),
    )


def messages(
    context: Neo4jMigrationContext, revisions: Iterable[str]
) -> dict[str, str]:
    """Return the first line of each revision's docstring."""
    scripts = {name: context.script.get_revision(name) for name in revisions}
    return {name: script.doc if script else "" for name, script in scripts.items()}

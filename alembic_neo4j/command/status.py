"""Looking where a project's files, its ledger and its graph are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alembic.config import Config

from alembic_neo4j.checks.evidence import (
    Evidence,
    GraphEvidence,
    HistoryEvidence,
    UncheckedArea,
)
from alembic_neo4j.checks.status import HistoryEntry, Status, history_entries
from alembic_neo4j.command.evidence import reached, read_history, read_ledger
from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.database import shown_url
from alembic_neo4j.graph.schema_commands import live_catalogue
from alembic_neo4j.graph.stamp import read_stamp
from alembic_neo4j.migration.batch_states import batches_now
from alembic_neo4j.migration.declarations import migration_type
from alembic_neo4j.migration.session import Session, visible_holder


@dataclass(frozen=True)
class Entries:
    """All that was done to the graph, the last first; `said` are the revisions' words.

    `files` is what their files are, `types` what they are about; `last` the revision
    that was applied last, of those where the ledger is.
    """

    entries: list[HistoryEntry]
    files: HistoryEvidence
    said: Mapping[str, str]
    types: Mapping[str, str]
    last: str | None


def read_status(config: Config) -> Status:
    """Return where everything is; nothing is written, no lock is waited for.

    What can't be reached is named among the unchecked, the rest is there all the same.
    """
    return in_session(config, _status)


def _status(session: Session) -> Status:
    unchecked: list[UncheckedArea] = []
    ledger = reached("ledger", lambda: read_ledger(session), unchecked)
    history = read_history(
        session, session.history, ledger.heads if ledger else None, replay=False
    )
    graph = reached("graph", lambda: _graph(session), unchecked)
    batches = reached("ledger", lambda: batches_now(session), [])
    return Status(
        Evidence(history, ledger, graph=graph, unchecked=tuple(unchecked)),
        shown_url(session.database.url),
        not session.database.is_missing,
        session.graph.url,
        session.graph.database if graph else "",
        _messages(session, history.files),
        batches or (),
    )


def read_entries(config: Config) -> Entries:
    """Return all that was done to the graph, and what the revision files are."""
    return in_session(config, _entries)


def _entries(session: Session) -> Entries:
    recorded = session.recorded()
    history = read_history(session, session.history, None, replay=False)
    entries = []
    if recorded.identity is not None:
        runs, errors = session.journal.runs(), session.audit.errors()
        entries = history_entries(runs, recorded.applied, errors)
    scripts = {name: session.script.get_revision(name) for name in history.files}
    types = {name: migration_type(script) for name, script in scripts.items() if script}
    applied = recorded.applied
    heads = [head for head in session.written_heads() if head in applied]
    last = max(heads, key=lambda head: applied[head].applied_at, default=None)
    said = _messages(session, history.files)
    return Entries(entries, history, said, types, last)


def _graph(session: Session) -> GraphEvidence:
    return GraphEvidence(
        session.graph.server,
        live_catalogue(session.graph),
        stamp=read_stamp(session.graph),
        holder=visible_holder(session),
    )


def _messages(session: Session, revisions: Iterable[str]) -> dict[str, str]:
    """Return the first line of each revision's docstring."""
    scripts = {name: session.script.get_revision(name) for name in revisions}
    return {name: script.doc if script else "" for name, script in scripts.items()}

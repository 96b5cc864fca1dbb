"""Gathering what a project, its ledger and its graph are, to be judged by checks."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from alembic.autogenerate import RevisionContext
from alembic.script import Script
from alembic.util.exc import CommandError
from sqlalchemy.exc import SQLAlchemyError

from alembic_neo4j.checks.evidence import (
    Evidence,
    HistoryEvidence,
    LedgerEvidence,
    ModelEvidence,
    RevisionFile,
    UncheckedArea,
)
from alembic_neo4j.command.graph_evidence import (
    read_data,
    read_graph,
    read_lacking,
)
from alembic_neo4j.errors import (
    ConfigurationError,
    ConnectionFailed,
    LedgerError,
    ReplayError,
    StatementError,
)
from alembic_neo4j.ledger.engine import others_may_read
from alembic_neo4j.migration.compare import phrase, quiet_comparison
from alembic_neo4j.migration.context import Neo4jMigrationContext
from alembic_neo4j.migration.cypher_files import named_files
from alembic_neo4j.migration.operations import ChangeOp
from alembic_neo4j.migration.replay import History
from alembic_neo4j.migration.revision_code import load_revisions
from alembic_neo4j.migration.revision_files import code_digest, file_digest
from alembic_neo4j.migration.session import Session
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.digest import schema_digest

Found = TypeVar("Found")

_CHECK: Mapping[str, Any] = {
    "message": None,
    "autogenerate": True,
    "sql": False,
    "head": "head",
    "splice": False,
    "branch_label": None,
    "version_path": None,
    "rev_id": None,
    "depends_on": None,
}
"""The arguments with which ``alembic check`` compares."""


def gather(context: Neo4jMigrationContext, *, full: bool = False) -> Evidence:
    """Return all that can be found out; nothing is written, no lock is waited for.

    What can't be reached is named among the unchecked, the rest is there all the same.
    With `full` every node and relationship is read, else a sample of them.
    """
    found = gather_records(context)
    models = _models(context, found.history)
    schema, unchecked = found.history.schema, [*found.unchecked]
    data = None
    if found.graph is not None and schema is not None:
        run = found.open_run
        data = reached(
            "data", lambda: read_data(context, schema, run, full=full), unchecked
        )
    return replace(found, models=models, data=data, unchecked=tuple(unchecked))


def gather_mendable(context: Neo4jMigrationContext, *, labels: bool) -> Evidence:
    """Return what `gather_records` does, with the `labels` that nodes lack if asked."""
    found = gather_records(context)
    schema, unchecked = found.history.schema, [*found.unchecked]
    if not labels or found.graph is None or schema is None:
        return found
    run = found.open_run
    data = reached("data", lambda: read_lacking(context, schema, run), unchecked)
    return replace(found, data=data, unchecked=tuple(unchecked))


def gather_records(context: Neo4jMigrationContext) -> Evidence:
    """Return what `gather` does, without the models and the data."""
    unchecked: list[UncheckedArea] = []
    history = context.session.history
    ledger = reached("ledger", lambda: read_ledger(context.session), unchecked)
    files = read_history(context.session, history, ledger.heads if ledger else None)
    run = ledger.open_run if ledger else None
    graph = reached(
        "graph", lambda: read_graph(context, history, files.schema, run), unchecked
    )
    return Evidence(files, ledger, graph=graph, unchecked=tuple(unchecked))


def reached(
    area: str, look: Callable[[], Found], unchecked: list[UncheckedArea]
) -> Found | None:
    """Return what `look` returns; None, and why among the unchecked, if it can't."""
    try:
        return look()
    except (
        ConfigurationError,
        ConnectionFailed,
        LedgerError,
        StatementError,
    ) as error:
        unchecked.append(UncheckedArea(area, str(error)))
    except SQLAlchemyError as error:
        # Without the statement and its parameters.
        unchecked.append(UncheckedArea(area, str(getattr(error, "orig", error))))
    return None


def read_ledger(session: Session) -> LedgerEvidence:
    """Return what the ledger says; raises ConfigurationError and SQLAlchemyError."""
    heads = session.written_heads()
    recorded = session.recorded()
    run = recorded.open_run
    return LedgerEvidence(
        heads,
        recorded.identity,
        recorded.stamped,
        recorded.applied,
        run,
        session.journal.units(run.run) if run else (),
        recorded.data_runs,
        recorded.graph_origin,
        recorded.ledger_origin,
        readable=str(url.database)
        if others_may_read(url := session.database.url)
        else "",
    )


def read_history(
    session: Session,
    history: History,
    current: tuple[str, ...] | None,
    *,
    replay: bool = True,
) -> HistoryEvidence:
    """Return what the revision files are, and which of them are still to be applied.

    `current` are the ledger's heads, None where it can't be read. Without `replay` the
    files are read and not run.
    """
    directory = str(session.script.versions)
    heads: tuple[str, ...] = ()
    scripts: list[Script] = []
    failure = ""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            load_revisions(session.script)
            heads = tuple(session.script.get_heads())
            scripts = history.below(heads)
        except Exception as error:
            # Whatever a file raises when it is imported.
            failure = told(error, directory)
    problems = tuple(str(warning.message) for warning in warned)
    if failure:
        return HistoryEvidence(problems=problems, failure=failure, directory=directory)
    replayed, failure = _replayed(history, scripts) if replay else ({}, "")
    files = {s.revision: _file(session, s, replayed.get(s.revision)) for s in scripts}
    known = current is not None and all(head in files for head in current)
    below = tuple(s.revision for s in history.below(current or ())) if known else ()
    return HistoryEvidence(
        files,
        heads,
        all(_has_label(session, head) for head in heads),
        below,
        tuple(s for s in files if s not in below) if known else (),
        problems,
        failure,
        _schema(history, current or ()) if known and replay else None,
        directory,
    )


def _has_label(session: Session, revision: str) -> bool:
    script = session.script.get_revision(revision)
    return script is not None and bool(script.branch_labels)


def _file(session: Session, script: Script, replayed: str | None) -> RevisionFile:
    return RevisionFile(
        script.revision,
        script.path,
        file_digest(script),
        code_digest(script),
        _parents(session, script),
        getattr(script.module, "schema_hash", None),
        replayed,
        tuple(named_files(script.path)),
    )


def _parents(session: Session, script: Script) -> tuple[str, ...]:
    down = script.down_revision
    if down is None:
        return ()
    found = session.script.get_revisions(down)
    return tuple(parent.revision for parent in found if parent is not None)


def _replayed(
    history: History, scripts: Iterable[Script]
) -> tuple[dict[str, str], str]:
    """Return the digest of each file that has one of its own, and what failed."""
    digests: dict[str, str] = {}
    before, last = Schema(), ""
    try:
        for script in scripts:
            if script.down_revision != (last or None) or script.dependencies:
                # Off the straight line: only what it builds on counts.
                before = history.at([script.revision])
            else:
                before = history.upgrade(script, before).after
            last = script.revision
            if getattr(script.module, "schema_hash", None) is not None:
                digests[script.revision] = schema_digest(before)
    except (CommandError, NotImplementedError) as error:
        return digests, str(error)
    return digests, ""


def _schema(history: History, heads: tuple[str, ...]) -> Schema | None:
    try:
        return history.at(heads)
    except (ReplayError, NotImplementedError):
        return None


def told(error: Exception, directory: str) -> str:
    """Return what went wrong, and in which line of the files in a directory."""
    if isinstance(error, CommandError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    inside = [f for f in frames if Path(f.filename).is_relative_to(directory)]
    where = f"{inside[-1].filename}, line {inside[-1].lineno}: " if inside else ""
    return f"{where}{type(error).__name__}: {error}"


def _models(
    context: Neo4jMigrationContext, history: HistoryEvidence
) -> ModelEvidence | None:
    if history.failure:
        return None
    try:
        with quiet_comparison():
            return ModelEvidence(tuple(_differences(context, history.heads)))
    except Exception as error:
        # Whatever the models raise, and what env.py does with the comparison.
        known = isinstance(error, CommandError)
        return ModelEvidence(failure=str(error) if known else repr(error))


def _differences(
    context: Neo4jMigrationContext, heads: tuple[str, ...]
) -> Iterator[str]:
    # As `alembic check` does, with what env.py does to the operations.
    assert context.config is not None
    revisions = RevisionContext(context.config, context.script, dict(_CHECK))
    revisions.run_autogenerate(heads, context)
    for container in revisions.generated_revisions[-1].upgrade_ops_list:
        for operation in container.ops:
            if isinstance(operation, ChangeOp):
                yield phrase(operation)
            else:
                yield type(operation).__name__

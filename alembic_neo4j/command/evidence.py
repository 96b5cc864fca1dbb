"""Gathering what a project, its ledger and its graph are, to be judged by checks."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from alembic.autogenerate import RevisionContext
from alembic.autogenerate.api import AutogenContext
from alembic.script import Script
from alembic.util.exc import CommandError
from sqlalchemy.exc import SQLAlchemyError

from alembic_neo4j.checks.data import expected_contents, is_declared
from alembic_neo4j.checks.evidence import (
    DataEvidence,
    Evidence,
    GraphEvidence,
    HistoryEvidence,
    LedgerEvidence,
    ModelEvidence,
    RevisionFile,
    UncheckedArea,
    Violation,
)
from alembic_neo4j.cypher.catalogue import Catalogue
from alembic_neo4j.cypher.data_checks import constraint_checks
from alembic_neo4j.cypher.data_survey import Contents, LackingLabels, Unreadable
from alembic_neo4j.errors import (
    ConfigurationError,
    ConnectionFailed,
    LedgerError,
    Neo4jMigrationError,
    ReplayError,
    StatementError,
)
from alembic_neo4j.graph.connection import Graph, ServerRefused
from alembic_neo4j.graph.data_survey import (
    find_lacking,
    label_counts,
    read_contents,
    read_unreadable,
)
from alembic_neo4j.graph.lock import read_owner
from alembic_neo4j.graph.marker import marked_runs
from alembic_neo4j.graph.schema_commands import live_catalogue
from alembic_neo4j.graph.stamp import read_stamp
from alembic_neo4j.ledger.batches import LOADED, BatchRecord
from alembic_neo4j.ledger.engine import others_may_read
from alembic_neo4j.ledger.journal import OpenRun
from alembic_neo4j.migration.batch_states import batches_now, tallies
from alembic_neo4j.migration.compare import (
    Selection,
    phrase,
    quiet_comparison,
    schema_of,
    without_enterprise,
)
from alembic_neo4j.migration.context import Neo4jMigrationContext
from alembic_neo4j.migration.operations import ChangeOp
from alembic_neo4j.migration.replay import History
from alembic_neo4j.migration.revision_code import load_revisions
from alembic_neo4j.migration.revision_files import code_digest, file_digest, named_files
from alembic_neo4j.migration.session import Session
from alembic_neo4j.schema.definitions import (
    Constraint,
    Element,
    EntityType,
    Index,
    Node,
    Property,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.digest import schema_digest

# Gathering what the graph and its data are, as far as env.py's filters let it ---------


def read_graph(
    context: Neo4jMigrationContext,
    history: History,
    schema: Schema | None,
    open_run: OpenRun | None,
) -> GraphEvidence:
    """Return what the graph has beside the schema of the history, if that is known.

    Raises ConnectionFailed and StatementError.
    """
    graph = context.session.graph
    catalogue, declared = live_catalogue(graph), None
    if schema is not None:
        catalogue, declared = _selected(_selection(context), catalogue, schema)
    return GraphEvidence(
        graph.server,
        catalogue,
        declared,
        read_stamp(graph),
        marked_runs(graph),
        _holder(graph),
        _under_way(context, history, schema, open_run),
    )


def _selection(context: Neo4jMigrationContext) -> Selection:
    return Selection(AutogenContext(context, autogenerate=False))


def _selected(
    selection: Selection, catalogue: Catalogue, schema: Schema
) -> tuple[Catalogue, Schema]:
    live, declared = catalogue.schema.elements, schema.elements
    kept = {
        key
        for key, element in {**live, **declared}.items()
        if selection.includes(_kind(element), live.get(key), declared.get(key))
    }
    return (
        replace(catalogue, schema=_of(live[key] for key in live if key in kept)),
        _of(declared[key] for key in declared if key in kept),
    )


def _kind(element: Element) -> str:
    return "index" if isinstance(element, Index) else "constraint"


def _of(elements: Iterable[Element]) -> Schema:
    indexes, constraints = [], []
    for element in elements:
        if isinstance(element, Index):
            indexes.append(element)
        else:
            constraints.append(element)
    return Schema.of(indexes=indexes, constraints=constraints)


def _holder(graph: Graph) -> str | None:
    if graph.lock is not None:
        # It is this command.
        return None
    try:
        owner = read_owner(graph)
    except ServerRefused:
        # A user who may only read may not see the transactions of others.
        return None
    return str(owner) if owner else None


def _under_way(
    context: Neo4jMigrationContext,
    history: History,
    schema: Schema | None,
    run: OpenRun | None,
) -> frozenset[Any]:
    """Return the keys of what the revision of an open run adds or drops."""
    if run is None or schema is None or not run.steps:
        return frozenset()
    step = run.steps[0]
    if step.revision is None:
        # A verb's run is about data.
        return frozenset()
    try:
        script = context.session.script.get_revision(step.revision)
        replay = history.downgrade if step.action == "downgrade" else history.upgrade
        recording = replay(script, schema)
    except (CommandError, NotImplementedError):
        return frozenset()
    schemas = [*(event.before for event in recording.changes), recording.after]
    changed = (a.elements.keys() ^ b.elements.keys() for a, b in pairwise(schemas))
    return frozenset().union(*changed)


def read_data(
    context: Neo4jMigrationContext,
    schema: Schema,
    open_run: OpenRun | None,
    *,
    full: bool,
) -> DataEvidence:
    """Return what the data hold, a sample of them or all.

    Raises ConnectionFailed and StatementError.
    """
    selection = _selection(context)
    schema = _selected_owners(selection, schema)
    contents = read_contents(
        context.session.graph, expected_contents(schema), full=full
    )
    contents = _selected_contents(selection, contents, schema)
    lacking: tuple[LackingLabels, ...] = ()
    if open_run is None:
        # A run that is under way may be giving or taking them.
        models = _with_selected_bases(selection, schema)
        found = find_lacking(context.session.graph, models, contents.labels, full=full)
        lacking = tuple(found)
    violations = tuple(_violations(context, selection, schema))
    unreadable = _unreadable(context, selection, schema) if full else ()
    batches = tuple(tallies(context.session, _loaded(context.session))) if full else ()
    return DataEvidence(contents, schema, violations, lacking, unreadable, batches)


def _loaded(session: Session) -> list[BatchRecord]:
    return [record for record in batches_now(session) if record.state == LOADED]


def read_lacking(
    context: Neo4jMigrationContext, schema: Schema, open_run: OpenRun | None
) -> DataEvidence:
    """Return which nodes lack a label of their model, and nothing else of the data.

    Raises ConnectionFailed and StatementError.
    """
    selection = _selection(context)
    schema = _selected_owners(selection, schema)
    if open_run is not None:
        return DataEvidence(Contents(), schema)
    models = _with_selected_bases(selection, schema)
    counts = label_counts(context.session.graph)
    found = tuple(find_lacking(context.session.graph, models, counts, full=True))
    return DataEvidence(Contents(), schema, lacking=found)


def _with_selected_bases(selection: Selection, schema: Schema) -> list[Node]:
    return [
        replace(
            node,
            bases=tuple(
                base
                for base in node.bases
                if selection.includes("node", Node(base), schema.nodes.get(base))
            ),
        )
        for node in schema.nodes.values()
    ]


def _unreadable(
    context: Neo4jMigrationContext, selection: Selection, schema: Schema
) -> tuple[Unreadable, ...]:
    return tuple(
        found
        for found in read_unreadable(context.session.graph, schema)
        if selection.includes("property", found.property, None, found.owner)
    )


def _selected_owners(selection: Selection, schema: Schema) -> Schema:
    return replace(
        schema,
        nodes={
            label: node
            for label, node in schema.nodes.items()
            if selection.includes("node", None, node)
        },
        relationship_types={
            name: declared
            for name, declared in schema.relationship_types.items()
            if selection.includes("relationship", None, declared)
        },
    )


def _selected_contents(
    selection: Selection, contents: Contents, schema: Schema
) -> Contents:
    labels = {
        label: count
        for label, count in contents.labels.items()
        if selection.includes("node", Node(label), schema.nodes.get(label))
    }
    types = {
        name: count
        for name, count in contents.types.items()
        if selection.includes(
            "relationship",
            RelationshipType(name),
            schema.relationship_types.get(name),
        )
    }
    kept = {EntityType.NODE: labels, EntityType.RELATIONSHIP: types}
    shapes = tuple(
        shape
        for shape in contents.shapes
        if all(
            label in kept[shape.entity]
            and selection.includes("property", Property(shape.property), None, label)
            for label in shape.labels
        )
    )
    return replace(contents, labels=labels, types=types, shapes=shapes)


def _violations(
    context: Neo4jMigrationContext, selection: Selection, schema: Schema
) -> Iterator[Violation]:
    for constraint in _left_out(context):
        included = selection.includes("constraint", None, constraint)
        if not included or not is_declared(constraint, schema):
            continue
        for check in constraint_checks(constraint):
            rows = context.session.graph.read(check.query, check.parameters)
            if rows:
                yield Violation(constraint, check.expected, check.advice, tuple(rows))


def _left_out(context: Neo4jMigrationContext) -> list[Constraint]:
    """Return what the models declare and autogenerate leaves to Enterprise Edition."""
    try:
        with quiet_comparison():
            wanted = schema_of(context.opts["target_metadata"])
    except Neo4jMigrationError:
        # That is a finding already.
        return []
    return without_enterprise(wanted, context.session.options)[1]


# Gathering what a project, its ledger and its graph are, to be judged by checks -------


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

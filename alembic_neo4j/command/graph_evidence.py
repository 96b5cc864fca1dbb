"""Gathering what the graph and its data are, as far as env.py's filters let it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.util.exc import CommandError

from alembic_neo4j.checks.data import expected_contents, is_declared
from alembic_neo4j.checks.evidence import DataEvidence, GraphEvidence, Violation
from alembic_neo4j.cypher.catalogue import Catalogue
from alembic_neo4j.cypher.data_checks import constraint_checks
from alembic_neo4j.cypher.data_survey import Contents, LackingLabels, Unreadable
from alembic_neo4j.errors import Neo4jMigrationError
from alembic_neo4j.graph.connection import Graph, ServerRefused
from alembic_neo4j.graph.data_survey import label_counts, read_contents
from alembic_neo4j.graph.lock import read_owner
from alembic_neo4j.graph.marker import marked_runs
from alembic_neo4j.graph.model_labels import find_lacking
from alembic_neo4j.graph.schema_commands import live_catalogue
from alembic_neo4j.graph.stamp import read_stamp
from alembic_neo4j.graph.unreadable_values import read_unreadable
from alembic_neo4j.ledger.batches import LOADED, BatchRecord
from alembic_neo4j.ledger.journal import OpenRun
from alembic_neo4j.migration.batch_states import batches_now, tallies
from alembic_neo4j.migration.compare import quiet_comparison, without_enterprise
from alembic_neo4j.migration.context import Neo4jMigrationContext
from alembic_neo4j.migration.filters import Selection
from alembic_neo4j.migration.replay import History
from alembic_neo4j.migration.session import Session
from alembic_neo4j.migration.target_metadata import schema_of
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

"""Random data that fit half: a random change and its downgrade give the very graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, note, settings
from hypothesis import strategies as st

from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.errors import CheckFailed
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe
from alembic_neo4j.schema.changes import (
    AddLabel,
    Change,
    RelationshipToNode,
    RemoveLabel,
    RenameLabel,
    SplitProperty,
)
from alembic_neo4j.schema.definitions import EntityType, Schema
from alembic_neo4j.schema.diff import diff
from tests.migration.running import reversed_, run
from tests.migration.test_exact_downgrades import contents
from tests.schema.strategies import LABELS, PROPERTIES, TYPES, evolutions

VALUES = ("x", "y", "", "7", "x y", 0, 7, 0.5, 2.0, True, ["x", "y"], ["x y"], [1], [])

values = st.dictionaries(
    st.sampled_from(PROPERTIES), st.sampled_from(VALUES), max_size=3
)
nodes = st.tuples(
    st.lists(st.sampled_from((*LABELS, "Vip", "Outside")), unique=True, max_size=3),
    values,
)
relationships = st.tuples(
    st.integers(0, 9), st.sampled_from(TYPES), st.integers(0, 9), values
)
graphs = st.tuples(
    st.lists(nodes, min_size=10, max_size=10), st.lists(relationships, max_size=10)
)


def fill(graph: Graph, found: Any) -> None:
    """Write nodes, each with its number as ``id``, and relationships between them."""
    statements: list[tuple[str, dict[str, Any]]] = []
    for number, (labels, properties) in enumerate(found[0]):
        names = "".join(f":{quote(label)}" for label in labels)
        given_ = {**properties, "id": number}
        statements.append((f"CREATE (n{names}) SET n = $values", {"values": given_}))
    for source, type_, target, properties in found[1]:
        statements.append(
            (
                "MATCH (s {id: $source}), (e {id: $target}) "
                f"CREATE (s)-[r:{quote(type_)}]->(e) SET r = $values",
                {"source": source, "target": target, "values": properties},
            )
        )
    graph.transaction(statements)


def of_data(schema: Schema) -> Schema:
    """Return a schema without what would refuse the data."""
    return replace(schema, indexes={}, constraints={})


# The seed is fixed, so a failure comes again.
often = settings(
    deadline=None,
    derandomize=True,
    max_examples=40,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(pair=evolutions(), found=graphs)
@often
def test_a_downgrade_gives_the_very_graph_back(
    neo4j_graph: Graph, pair: tuple[Schema, Schema], found: Any
) -> None:
    before, after = map(of_data, pair)
    wipe(neo4j_graph)
    fill(neo4j_graph, found)
    was = contents(neo4j_graph)
    changes = diff(before, after).changes
    note("\n".join(map(str, changes)))
    try:
        reached = run(neo4j_graph, before, changes)
    except CheckFailed:
        event("the data do not fit")
        return
    event("changed" if contents(neo4j_graph) != was else "nothing to change")

    run(neo4j_graph, reached, reversed_(changes), undone=changes)

    back = contents(neo4j_graph)
    assert [row for row in was if row not in back] == []
    assert back == was


@st.composite
def written(draw: st.DrawFn) -> tuple[Change, Change]:
    """Return a change that a person writes, and what undoes it in the downgrade."""
    first, second, third, *_ = draw(st.permutations(LABELS))
    type_, at_source, at_target, *_ = draw(st.permutations(TYPES))
    name, part, other, *_ = draw(st.permutations(PROPERTIES))
    where = draw(st.sampled_from((None, "n.id < 5")))
    entity = draw(st.sampled_from(EntityType))
    owner = first if entity is EntityType.NODE else type_
    parts = draw(st.sampled_from(((), (part,), (part, other))))
    split = SplitProperty(entity, owner, name, draw(st.sampled_from(" xy")), into=parts)
    turn = RelationshipToNode(first, type_, second, third, at_source, at_target)
    return draw(
        st.sampled_from(
            [
                (RenameLabel(first, second, where=where), RenameLabel(second, first)),
                (AddLabel(first, second, where=where), RemoveLabel(first, second)),
                (RemoveLabel(first, second, where=where), AddLabel(first, second)),
                (split, split.reverse()),
                (replace(split.reverse(), undo=False), split),
                (turn, turn.reverse()),
                (replace(turn.reverse(), undo=False), turn),
            ]
        )
    )


@given(pair=evolutions(), change=written(), found=graphs)
@often
def test_what_a_person_writes_leads_back(
    neo4j_graph: Graph,
    pair: tuple[Schema, Schema],
    change: tuple[Change, Change],
    found: Any,
) -> None:
    before = of_data(pair[0])
    wipe(neo4j_graph)
    fill(neo4j_graph, found)
    was = contents(neo4j_graph)
    there, back = change
    try:
        reached = run(neo4j_graph, before, [there])
    except CheckFailed:
        event("the data do not fit")
        return
    event(type(there).__name__)
    event("changed" if contents(neo4j_graph) != was else "nothing to change")

    run(neo4j_graph, reached, [back.undoing([there])], undone=[there])

    assert contents(neo4j_graph) == was

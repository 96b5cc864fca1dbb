"""What each refactoring does to real graphs, in batches and as a script.

As with every data change each batch runs twice, is broken off, and starts again.
"""

from __future__ import annotations

from typing import Any

import neo4j
import pytest

from alembic_neo4j.cypher.data_changes import Mark, archive_name
from alembic_neo4j.cypher.steps import Report
from alembic_neo4j.errors import SchemaError
from alembic_neo4j.graph.execute import Attempt
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.schema.changes import (
    AddLabel,
    BackfillProperty,
    Change,
    ConvertProperty,
    CopyProperty,
    DeduplicateRelationships,
    DeleteNodes,
    DeleteRelationships,
    ExtractProperty,
    InlineNode,
    Irreversible,
    JoinProperties,
    NodeToRelationship,
    NormalizeBoolean,
    Refactoring,
    RelationshipToNode,
    RemoveLabel,
    RenameLabel,
    RenameRelationshipType,
    ReverseRelationships,
    SplitProperty,
)
from alembic_neo4j.schema.definitions import EntityType, Schema
from tests.cypher.test_change_steps import (
    NEW,
    NOTHING,
    OLD,
    OTHER,
    REVISION,
    Blocked,
    P,
    Q,
    R,
    S,
    add,
    both_ways,
    clear_schema,
    graph,
    labels,
    make,
    plan,
    properties,
    relate,
    schema_names,
    unique,
    upgrade,
)

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP


@pytest.fixture(autouse=True)
def cleared(driver: neo4j.Driver) -> None:
    clear_schema(driver)


def people(driver: neo4j.Driver, *values: Any, name: str = P) -> None:
    """A node of the label for each value, none for None, and one of another label."""
    for number, value in enumerate(values, start=1):
        add(driver, OLD, id=number, **({} if value is None else {name: value}))
    add(driver, OTHER, id=0, **{name: "other"})


def values(driver: neo4j.Driver, name: str = P) -> list[Any]:
    found = properties(driver)
    assert found.pop(0)[name] == "other"
    return [found[number].get(name) for number in sorted(found)]


def blocked(driver: neo4j.Driver, change: Change, before: Schema = NOTHING) -> Any:
    """Return the values that stand in the way; nothing is written then."""
    start = graph(driver)
    with pytest.raises(Blocked) as stopped:
        upgrade(driver, change, before)
    assert graph(driver) == start
    return [row["value"] for row in stopped.value.rows]


# Some of them --------------------------------------------------------------------


def test_a_label_is_renamed_on_some_nodes(driver: neo4j.Driver) -> None:
    before = Schema.of(constraints=[unique(OLD, P)])
    make(driver, before)
    names = schema_names(driver)
    people(driver, *range(5))
    change = RenameLabel(OLD, NEW, where="n.id > 2 OR n.id = 0")
    both_ways(driver, change, before)
    assert labels(driver) == {
        0: {OTHER},
        **{number: {NEW if number > 2 else OLD} for number in range(1, 6)},
    }
    assert schema_names(driver) == names
    assert change.apply(before) == before
    with pytest.raises(Irreversible, match=r"where n\.id > 2"):
        change.reverse()


def test_some_duplicates_of_a_renamed_label_are_nobodys_business(
    driver: neo4j.Driver,
) -> None:
    before = Schema.of(constraints=[unique(NEW, P)])
    make(driver, before)
    people(driver, "a", "a", "b")
    add(driver, NEW, id=9, **{P: "b"})
    upgrade(driver, RenameLabel(OLD, NEW, where="n.id = 1"), before)
    assert labels(driver)[1] == {NEW}
    assert blocked(driver, RenameLabel(OLD, NEW, where="n.id = 3"), before) == ["b"]


def test_a_label_is_added_to_some_and_taken_off(driver: neo4j.Driver) -> None:
    people(driver, *range(5))
    both_ways(driver, AddLabel(OLD, NEW, where="n.id < 3"))
    assert labels(driver)[2] == {OLD, NEW}
    assert labels(driver)[3] == {OLD}
    assert labels(driver)[0] == {OTHER}
    both_ways(driver, RemoveLabel(OLD, NEW, where="n.id < 2"))
    assert [number for number, found in labels(driver).items() if NEW in found] == [2]


def parallel(driver: neo4j.Driver) -> None:
    """Parallel relationships, a self-loop, and one of another type."""
    people(driver, *range(3))
    for since in range(4):
        relate(driver, 1, R, 2, **{P: since})
    relate(driver, 2, R, 2, **{P: 4})
    relate(driver, 1, S, 2, **{P: 5})


def test_a_type_is_renamed_on_some_relationships(driver: neo4j.Driver) -> None:
    parallel(driver)
    change = RenameRelationshipType(R, S, where=f"r.{quoted(P)} > 2 OR s.id = 2")
    _, found = both_ways(driver, change)
    assert sorted((row[1], row[3][P]) for row in found) == sorted(
        [(R, 0), (R, 1), (R, 2), (S, 3), (S, 4), (S, 5)]
    )


def test_some_relationships_are_turned_round(driver: neo4j.Driver) -> None:
    parallel(driver)
    change = ReverseRelationships(OLD, R, OLD, where=f"r.{quoted(P)} < 2")
    _, found = both_ways(driver, change)
    turned = {row[3][P] for row in found if (row[0], row[2]) == (2, 1)}
    assert turned == {0, 1}


def quoted(name: str) -> str:
    from alembic_neo4j.cypher.quoting import quote

    return quote(name)


# Properties ----------------------------------------------------------------------


def test_a_property_is_copied(driver: neo4j.Driver) -> None:
    people(driver, 1, None, "x", [1, 2])
    both_ways(driver, CopyProperty(NODE, OLD, P, Q))
    assert values(driver) == [1, None, "x", [1, 2]]
    assert [found.get(Q) for found in properties(driver).values()] == [
        None,
        1,
        None,
        "x",
        [1, 2],
    ]


def test_a_relationship_property_is_copied(driver: neo4j.Driver) -> None:
    parallel(driver)
    change = CopyProperty(RELATIONSHIP, R, P, Q, where=f"r.{quoted(P)} > 1")
    _, found = both_ways(driver, change)
    assert [row[3].get(Q) for row in sorted(found, key=lambda row: row[3][P])] == [
        *(None, None, 2, 3, 4, None)
    ]


@pytest.mark.parametrize(
    ("policy", "expected"), [("overwrite", "old"), ("keep", "new")]
)
def test_a_copy_meets_a_value(driver: neo4j.Driver, policy: Any, expected: str) -> None:
    add(driver, OLD, id=1, **{P: "old", Q: "new"})
    add(driver, OLD, id=2, **{P: "same", Q: "same"})
    both_ways(driver, CopyProperty(NODE, OLD, P, Q, on_conflict=policy))
    assert properties(driver)[1] == {P: "old", Q: expected}


def test_a_copy_that_meets_another_value_writes_nothing(driver: neo4j.Driver) -> None:
    add(driver, OLD, id=1, **{P: "old", Q: "new"})
    add(driver, OLD, id=2, **{P: "same", Q: "same"})
    add(driver, OLD, id=3, **{P: "old"})
    assert blocked(driver, CopyProperty(NODE, OLD, P, Q)) == [["old", "new"]]


def test_a_backfill_leaves_what_is_there(driver: neo4j.Driver) -> None:
    people(driver, None, "x", None, None)
    both_ways(driver, BackfillProperty(NODE, OLD, P, "n.id * 2", where="n.id <> 3"))
    assert values(driver) == [2, "x", None, 8]


def test_surrogate_keys_are_distinct_and_stay(driver: neo4j.Driver) -> None:
    people(driver, None, "mine", None, None)
    change = BackfillProperty(NODE, OLD, P, "randomUUID()")
    upgrade(driver, change)
    keys = values(driver)
    assert keys[1] == "mine"
    assert len({*keys}) == 4
    upgrade(driver, change)
    assert values(driver) == keys
    upgrade(driver, BackfillProperty(NODE, OLD, Q, "elementId(n)"))
    rows = driver.execute_query(f"MATCH (n:{quoted(OLD)}) RETURN n, elementId(n) AS id")
    assert all(row["n"][Q] == row["id"] for row in rows.records)


def test_each_value_is_converted_once(driver: neo4j.Driver) -> None:
    people(driver, 1, None, 2, 3, 4)
    both_ways(driver, ConvertProperty(NODE, OLD, P, "value + 1", where="n.id < 5"))
    assert values(driver) == [2, None, 3, 4, 4]


def test_values_that_do_not_convert_are_told_before_any_write(
    driver: neo4j.Driver,
) -> None:
    people(driver, "1999", "abc", "2001", "abc")
    change = ConvertProperty(NODE, OLD, P, "toInteger(value)")
    start = graph(driver)
    with pytest.raises(Blocked) as stopped:
        upgrade(driver, change)
    (row,) = stopped.value.rows
    assert (row["value"], row["count"], len(row["ids"])) == ("abc", 2, 2)
    assert graph(driver) == start


@pytest.mark.parametrize(
    ("on_failure", "expected"),
    [("keep", "abc"), ("remove", None), ("archive", None)],
)
def test_values_that_do_not_convert_may_be_set_aside(
    driver: neo4j.Driver, on_failure: Any, expected: Any
) -> None:
    people(driver, "1999", "abc", "2001")
    both_ways(
        driver,
        ConvertProperty(NODE, OLD, P, "toInteger(value)", on_failure=on_failure),
    )
    assert values(driver) == [1999, expected, 2001]
    archived = properties(driver)[2].get(archive_name(REVISION, P))
    assert archived == ("abc" if on_failure == "archive" else None)


def test_booleans_are_normalised(driver: neo4j.Driver) -> None:
    people(driver, "ja", "n", False, "jo", 1, "1", None, 1.0)
    change = NormalizeBoolean(
        *(NODE, OLD, P), true_values=("ja", "1"), false_values=("n",)
    )
    both_ways(driver, change)
    # The text is meant, not the number.
    assert values(driver) == [True, False, False, "jo", 1, True, None, 1.0]
    upgrade(
        driver,
        NormalizeBoolean(
            *(NODE, OLD, P), true_values=(1,), unmatched="remove", where="n.id > 4"
        ),
    )
    assert values(driver) == [True, False, False, "jo", True, True, None, True]
    both_ways(
        driver, NormalizeBoolean(NODE, OLD, P, true_values=(1,), unmatched="remove")
    )
    assert values(driver) == [True, False, False, None, True, True, None, True]


def test_a_missing_value_may_mean_false(driver: neo4j.Driver) -> None:
    people(driver, None, True, None, "y")
    both_ways(
        driver,
        NormalizeBoolean(
            *(NODE, OLD, P), true_values=("y",), false_values=(None,), where="n.id > 1"
        ),
    )
    assert values(driver) == [None, True, False, True]


def test_the_log_tells_what_is_no_boolean(
    driver: neo4j.Driver, neo4j_graph: Any, caplog: pytest.LogCaptureFixture
) -> None:
    people(driver, "ja", "jo", "jo")
    change = NormalizeBoolean(NODE, OLD, P, true_values=("ja",))
    for step in plan(change):
        Attempt(neo4j_graph, [step], Limits()).run()
    assert "'jo': 2, such as" in caplog.text
    assert isinstance(plan(change)[-1], Report)


@pytest.mark.parametrize(
    ("true", "false", "message"),
    [
        (("x", 1), ("x",), "'x' stands for true and for false"),
        ((None,), (None,), "None stands for true and for false"),
        ((), (), "no value stands for true or for false"),
    ],
)
def test_an_ambiguous_boolean_is_refused(
    true: tuple[Any, ...], false: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(SchemaError, match=message):
        plan(NormalizeBoolean(NODE, OLD, P, true_values=true, false_values=false))


def test_a_text_is_split_into_a_list_and_joined(driver: neo4j.Driver) -> None:
    people(driver, "a, b", "c", None, 7, "", ["x"])
    split = SplitProperty(NODE, OLD, P, ", ")
    both_ways(driver, split)
    assert values(driver) == [["a", "b"], ["c"], None, 7, [""], ["x"]]
    both_ways(driver, split.reverse())
    # What was a list before it was split stays one.
    assert values(driver) == ["a, b", "c", None, 7, "", ["x"]]


def test_a_text_is_split_into_properties_and_joined(driver: neo4j.Driver) -> None:
    people(driver, "Ann Lee", "Cher", "Jan van Eyck", None)
    split = SplitProperty(NODE, OLD, P, " ", into=("first", "last"))
    both_ways(driver, split)
    found = properties(driver)
    assert [found[number] for number in (1, 2, 3, 4)] == [
        {"first": "Ann", "last": "Lee"},
        {"first": "Cher"},
        {"first": "Jan", "last": "van Eyck"},
        {},
    ]
    both_ways(driver, split.reverse())
    assert values(driver) == ["Ann Lee", "Cher", "Jan van Eyck", None]


def test_parts_overwrite_nothing(driver: neo4j.Driver) -> None:
    add(driver, OLD, id=1, **{P: "a b", "last": "there"})
    add(driver, OLD, id=2, **{P: "a b"})
    split = SplitProperty(NODE, OLD, P, " ", into=("first", "last"))
    assert blocked(driver, split) == [["a b", "there"]]
    assert blocked(driver, JoinProperties(NODE, OLD, (P,), "last", " ")) == [
        ["there", "a b"]
    ]
    with pytest.raises(SchemaError, match="can't be one of its own parts"):
        plan(SplitProperty(NODE, OLD, P, " ", into=("first", P)))
    with pytest.raises(SchemaError, match="join into another name"):
        plan(JoinProperties(NODE, OLD, (P, Q), P, " "))


# Nodes ---------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["OUT", "IN"])
def test_a_property_becomes_a_node(driver: neo4j.Driver, direction: Any) -> None:
    before = Schema.of(constraints=[unique(NEW, Q)])
    make(driver, before)
    people(driver, "Comedy", "Drama", "Comedy", None, ["Drama", "Western"])
    add(driver, NEW, id=9, **{Q: "Drama"})
    extract = ExtractProperty(OLD, P, NEW, R, target_property=Q, direction=direction)
    nodes, found = both_ways(driver, extract, before)
    genres = [values for carried, values in nodes if NEW in carried]
    assert sorted(values[Q] for values in genres) == ["Comedy", "Drama", "Western"]
    assert len(found) == 5
    assert all(P not in values for carried, values in nodes if OLD in carried)
    movies = sorted(row[0] if direction == "OUT" else row[2] for row in found)
    assert movies == [1, 2, 3, 5, 5]


def test_a_property_becomes_a_node_each(driver: neo4j.Driver) -> None:
    people(driver, "Comedy", "Comedy")
    nodes, found = both_ways(driver, ExtractProperty(OLD, P, NEW, R, merge=False))
    assert [values for carried, values in nodes if NEW in carried] == [
        {P: "Comedy"},
        {P: "Comedy"},
    ]
    assert len(found) == 2


def test_a_node_becomes_a_property_again(driver: neo4j.Driver) -> None:
    people(driver, "Comedy", "Drama", "Comedy", None)
    upgrade(driver, ExtractProperty(OLD, P, NEW, R, target_property=Q))
    driver.execute_query(f"MATCH (n:{quoted(NEW)}) SET n.id = 10 + size(n.{quoted(Q)})")
    nodes, found = both_ways(driver, InlineNode(OLD, P, NEW, R, target_property=Q))
    assert found == []
    assert len(nodes) == 7
    upgrade(driver, DeleteNodes(NEW, where="NOT EXISTS { (n)--() }"))
    assert values(driver) == ["Comedy", "Drama", "Comedy", None]


def test_a_property_can_not_hold_two_nodes(driver: neo4j.Driver) -> None:
    people(driver, None, "there", None)
    add(driver, NEW, id=7, **{Q: "Comedy"})
    add(driver, NEW, id=8, **{Q: "Drama"})
    for start, end in ((1, 7), (1, 8), (2, 7), (3, 7), (3, 7)):
        relate(driver, start, R, end)
    inline = InlineNode(OLD, P, NEW, R, target_property=Q)
    found = sorted(sorted(value) for value in blocked(driver, inline))
    assert found == [["Comedy", "Drama"], ["Comedy", "there"]]


def test_nodes_are_deleted(driver: neo4j.Driver) -> None:
    people(driver, *range(6))
    relate(driver, 5, R, 6)
    assert blocked(driver, DeleteNodes(OLD)) == [1]
    both_ways(driver, DeleteNodes(OLD, where="n.id < 4"))
    assert [*labels(driver)] == [0, 4, 5, 6]


def test_nodes_are_deleted_with_their_relationships(driver: neo4j.Driver) -> None:
    people(driver, *range(6))
    for start, end in ((1, 2), (2, 2), (2, 1), (0, 1), (5, 6), (4, 0)):
        relate(driver, start, R, end)
    # What tells which nodes are meant goes before they do.
    where = f"EXISTS {{ (n)-[:{quoted(R)}]->({{id: 2}}) }}"
    nodes, found = both_ways(driver, DeleteNodes(OLD, detach=True, where=where))
    assert [values["id"] for _, values in nodes] == [0, 3, 4, 5, 6]
    assert [(row[0], row[2]) for row in found] == [(4, 0), (5, 6)]
    assert all({*values} == {"id", P} for _, values in nodes)
    both_ways(driver, DeleteNodes(OLD, detach=True))
    assert [*labels(driver)] == [0]


# Relationships -------------------------------------------------------------------


def test_a_relationship_becomes_a_node_and_again_a_relationship(
    driver: neo4j.Driver,
) -> None:
    parallel(driver)
    start = graph(driver)
    change = RelationshipToNode(OLD, R, OLD, NEW, "FROM", "TO")
    nodes, found = both_ways(driver, change)
    made = [values for carried, values in nodes if carried == {NEW}]
    assert sorted(values[P] for values in made) == [0, 1, 2, 3, 4]
    assert sorted(row[1] for row in found) == sorted([*["FROM", "TO"] * 5, S])
    for node in range(5):
        driver.execute_query(
            f"MATCH (n:{quoted(NEW)} {{{quoted(P)}: $node}}) SET n.id = 10 + $node",
            node=node,
        )
    back = both_ways(driver, change.reverse())
    for row in back[1]:
        row[3].pop("id", None)
    assert back == start


def test_some_relationships_become_nodes(driver: neo4j.Driver) -> None:
    parallel(driver)
    change = RelationshipToNode(
        *(OLD, R, OLD, NEW, "FROM", "TO"), where=f"r.{quoted(P)} = 3"
    )
    nodes, found = both_ways(driver, change)
    assert [values for carried, values in nodes if carried == {NEW}] == [{P: 3}]
    assert len(found) == 7


def test_a_node_that_is_to_be_unique_is_looked_for_first(driver: neo4j.Driver) -> None:
    before = Schema.of(constraints=[unique(NEW, P)])
    make(driver, before)
    parallel(driver)
    relate(driver, 3, R, 1, **{P: 2})
    add(driver, NEW, id=20, **{P: 3})
    change = RelationshipToNode(OLD, R, OLD, NEW, "FROM", "TO")
    assert sorted(blocked(driver, change, before)) == [[2], [3]]


def test_a_node_with_more_relationships_stays_one(driver: neo4j.Driver) -> None:
    people(driver, *range(2))
    for number in (10, 11, 12):
        add(driver, NEW, id=number)
        relate(driver, 1, "FROM", number)
        relate(driver, number, "TO", 2)
    relate(driver, 11, "TO", 1)
    relate(driver, 0, S, 12)
    change = NodeToRelationship(OLD, "FROM", NEW, "TO", OLD, R)
    assert sorted(blocked(driver, change)) == [[1, 1, 3], [1, 2, 3]]
    narrowed = NodeToRelationship(*(OLD, "FROM", NEW, "TO", OLD, R), where="n.id = 10")
    nodes, found = both_ways(driver, narrowed)
    assert [row[1] for row in found if (row[0], row[2]) == (1, 2)] == [R]
    assert 10 not in [values["id"] for _, values in nodes]


@pytest.mark.parametrize(
    ("by", "left"),
    [
        (None, [(1, 2, 0, None), (1, 2, 0, 1), (1, 2, 1, None), (2, 1, 0, None)]),
        ((P,), [(1, 2, 0), (1, 2, 1), (2, 1, 0)]),
        ((Q,), [(1, 2, None), (1, 2, 1), (2, 1, None)]),
        ((), [(1, 2), (2, 1)]),
    ],
)
def test_doubles_of_relationships_go(
    driver: neo4j.Driver, by: Any, left: list[Any]
) -> None:
    people(driver, *range(3))
    for _ in range(2):
        relate(driver, 1, R, 2, **{P: 0})
        relate(driver, 1, R, 2, **{P: 0, Q: 1})
        relate(driver, 1, R, 2, **{P: 1})
    relate(driver, 2, R, 1, **{P: 0})
    for _ in range(2):
        relate(driver, 3, R, 3)
        relate(driver, 1, S, 2)
        relate(driver, 0, R, 1)
    upgrade(driver, DeduplicateRelationships(OLD, R, OLD, by=by))
    _, found = graph(driver)
    # Which of the doubles stays is the server's: it gives ids that were free again.
    names = (P, Q) if by is None else by
    kept = [
        (s, e, *map(v.get, names)) for s, t, e, v in found if t == R and s in (1, 2)
    ]
    assert sorted(kept, key=str) == sorted(left, key=str)
    others = [(s, t, e) for s, t, e, _ in found if t == S or s in (0, 3)]
    assert sorted(others) == sorted([(3, R, 3), *[(1, S, 2)] * 2, *[(0, R, 1)] * 2])


def test_marks_tell_no_relationships_apart(driver: neo4j.Driver) -> None:
    people(driver, *range(3))
    filled, kept = Mark.FILLED.of("r1", P), Mark.KEPT.of("r1", R, S)
    batch = "_alembic_batch"
    relate(driver, 1, R, 2, **{P: 0, filled: 0})
    relate(driver, 1, R, 2, **{P: 0})
    relate(driver, 1, R, 2, **{P: 0, kept: True, filled: 0})
    relate(driver, 1, R, 2, **{P: 0, batch: "w1"})
    relate(driver, 2, R, 1, **{P: 1, filled: 1})
    relate(driver, 2, R, 1, **{P: 1, filled: 1})
    relate(driver, 2, R, 1, **{P: 1, archive_name("r1", Q): 1})
    upgrade(driver, DeduplicateRelationships(OLD, R, OLD))
    _, found = graph(driver)
    # What was written by a revision is so only where that wrote all of them.
    left = [v for s, _, _, v in found if s == 1]
    assert sorted(left, key=str) == sorted(
        [{P: 0, kept: True}, {P: 0, batch: "w1"}], key=str
    )
    assert {P: 1, filled: 1} in [v for s, _, _, v in found if s == 2]
    assert len([s for s, _, _, _ in found if s == 2]) == 2


def test_relationships_are_deleted(driver: neo4j.Driver) -> None:
    parallel(driver)
    relate(driver, 0, R, 1, **{P: 6})
    change = DeleteRelationships(
        R, source_label=OLD, target_label=OLD, where=f"r.{quoted(P)} > 1 AND s <> e"
    )
    _, found = both_ways(driver, change)
    assert sorted(row[3][P] for row in found) == [0, 1, 4, 5, 6]
    _, found = both_ways(driver, DeleteRelationships(R))
    assert [row[1] for row in found] == [S]


# ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        ExtractProperty(OLD, P, "__AlembicNeo4jLock", R),
        InlineNode(OLD, P, "__AlembicNeo4jLock", R),
        DeleteNodes("__AlembicNeo4jLock"),
        DeleteRelationships(R, source_label="__AlembicNeo4jLock"),
        RelationshipToNode(OLD, R, OLD, "__AlembicNeo4jLock", R, R),
        NodeToRelationship(OLD, R, "__AlembicNeo4jLock", R, OLD, R),
    ],
)
def test_our_own_labels_are_left_alone(change: Refactoring) -> None:
    with pytest.raises(SchemaError, match="belongs to alembic_neo4j"):
        plan(change)


def test_a_refactoring_leaves_what_is_declared() -> None:
    before = Schema.of(constraints=[unique(OLD, P)])
    assert DeleteNodes(OLD).apply(before) == before
    with pytest.raises(Irreversible, match=r"op\.delete_nodes has no reverse"):
        DeleteNodes(OLD).reverse()

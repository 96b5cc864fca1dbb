"""What each change asks of a server, as text and as what it does to real graphs.

Every data change runs twice on the first batch, is broken off, and starts again; the
same graph is then changed by the one statement of a script, with the same result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import neo4j
import neo4j.exceptions
import pytest

from alembic_neo4j.cypher.change_steps import steps
from alembic_neo4j.cypher.data_changes import MARK_PREFIX, archive_name
from alembic_neo4j.cypher.ddl import create_text, drop_text
from alembic_neo4j.cypher.quoting import inline, quote
from alembic_neo4j.cypher.steps import (
    Batched,
    Check,
    Create,
    Drop,
    Report,
    Run,
    Step,
    Stop,
)
from alembic_neo4j.errors import SchemaError
from alembic_neo4j.graph.lock import CONSTRAINT as LOCK
from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    AddLabel,
    AddNode,
    AddProperty,
    AddRelationship,
    AddRelationshipType,
    AlterNode,
    AlterProperty,
    AlterRelationship,
    AlterRelationshipType,
    Change,
    DropConstraint,
    DropIndex,
    Placeholder,
    RemoveLabel,
    RemoveNode,
    RemoveProperty,
    RemoveRelationship,
    RemoveRelationshipType,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
    ReverseRelationships,
)
from alembic_neo4j.schema.definitions import (
    Constraint,
    Direction,
    EntityType,
    Index,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
)

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP
NOTHING = Schema()
REVISION = "1975ea83b712"

# Names that naive quoting turns into Cypher, one for each thing that is named.
OLD = "Old`) DETACH DELETE n //"
NEW = "New\\u0060) DETACH DELETE n //"
SUB = 'Sub "quoted" \\'
OTHER = "Other\nline"
P = "p`} //"
Q = "q\\u0060 ключ"
R = "rel`]->() //"
S = "rel\\u0060 $x"

Graph = tuple[list[Any], list[Any]]


# The executor --------------------------------------------------------------------


class Blocked(Exception):
    """A check found rows."""

    def __init__(self, check: Check, rows: list[dict[str, Any]]) -> None:
        super().__init__(check.expected)
        self.check = check
        self.rows = rows


class Stopped(Exception):
    """A step that a person has to write."""


def plan(change: Change, before: Schema = NOTHING) -> tuple[Step, ...]:
    return steps(change, before, revision=REVISION)


def upgrade(
    driver: neo4j.Driver, change: Change, before: Schema = NOTHING, *, size: int = 2
) -> None:
    """Run the steps, broken off once in each data change and gone on with.

    What comes before goes by the ids that are sent, what comes after by their range.
    """
    passed: list[Check] = []
    for step in plan(change, before):
        if isinstance(step, Check):
            check(driver, step)
            passed.append(step)
        elif isinstance(step, Batched):
            for batch in islice(batches(driver, step, size), 1):
                write_twice(driver, step, batch)
            for earlier in passed:
                check(driver, earlier)
            walk_twice(driver, step, size)
            assert list(batches(driver, step, size)) == []
        elif isinstance(step, Report):
            driver.execute_query(step.query, dict(step.parameters))
        else:
            command(driver, step)


def write_script(
    driver: neo4j.Driver, change: Change, before: Schema = NOTHING
) -> None:
    """Run the steps as a script has them: in one statement each, without checks."""
    for step in plan(change, before):
        if isinstance(step, Batched):
            with driver.session() as session:
                session.run(inline(step.offline, step.parameters)).consume()
        elif not isinstance(step, (Check, Report)):
            command(driver, step)


def command(driver: neo4j.Driver, step: Step) -> None:
    if isinstance(step, Stop):
        raise Stopped(step.message)
    assert isinstance(step, (Create, Drop))
    text = create_text if isinstance(step, Create) else drop_text
    driver.execute_query(text(step.element))


def check(driver: neo4j.Driver, step: Check) -> None:
    rows = driver.execute_query(step.query, dict(step.parameters)).records
    if rows:
        assert rows[0].keys() == ["value", "count", "ids"]
        raise Blocked(step, [row.data() for row in rows])


def batches(driver: neo4j.Driver, step: Batched, size: int) -> Iterator[list[int]]:
    ids = iter(left(driver, step, limit=100_000))
    while batch := list(islice(ids, size)):
        yield batch


def left(
    driver: neo4j.Driver, step: Batched, *, limit: int, after: int = -1
) -> list[int]:
    """The next of what is left to do."""
    wanted = {**step.parameters, "after": after, "limit": limit}
    (row,) = driver.execute_query(step.select, wanted).records
    ids: list[int] = row["ids"]
    assert ids == sorted(ids)
    return ids


def write_twice(driver: neo4j.Driver, step: Batched, batch: list[int]) -> None:
    for _ in range(2):
        driver.execute_query(step.write, {**step.parameters, "ids": batch})


def walk_twice(driver: neo4j.Driver, step: Batched, size: int) -> None:
    """Go through the ids in overlapping ranges, each of them more than a batch."""
    if not step.walk:
        for batch in batches(driver, step, size):
            write_twice(driver, step, batch)
        return
    found = driver.execute_query(step.extent, dict(step.parameters)).records
    if len(found) < 3:
        assert [row["value"] for row in found] == [0]
        return
    count, first, last = (row["value"] for row in found)
    assert 0 < count <= last - first + 1
    while first <= last:
        wanted = {"first": first, "last": first + 3 * size, "size": size}
        for _ in range(2):
            (row,) = driver.execute_query(
                step.walk, {**step.parameters, **wanted}
            ).records
            assert row["changed"] <= size
        first += size


# Graphs --------------------------------------------------------------------------


def add(driver: neo4j.Driver, *labels: str, **properties: Any) -> None:
    driver.execute_query(
        "CREATE (n:$($labels)) SET n = $properties",
        labels=list(labels),
        properties=properties,
    )


def relate(
    driver: neo4j.Driver, start: int, type_: str, end: int, **properties: Any
) -> None:
    driver.execute_query(
        "MATCH (s {id: $start}), (e {id: $end}) "
        "CREATE (s)-[r:$($type)]->(e) SET r = $properties",
        start=start,
        end=end,
        type=type_,
        properties=properties,
    )


def graph(driver: neo4j.Driver) -> Graph:
    """All nodes and relationships, by the property ``id`` of the nodes."""
    nodes = driver.execute_query(
        "MATCH (n) RETURN labels(n) AS labels, properties(n) AS properties"
    )
    found = driver.execute_query(
        "MATCH (s)-[r]->(e) RETURN s.id AS start, type(r) AS type, e.id AS end, "
        "properties(r) AS properties"
    )
    return (
        sorted(
            ((set(row["labels"]), row["properties"]) for row in nodes.records),
            key=lambda node: (node[1].get("id", 0), str(node)),
        ),
        sorted((tuple(row.values()) for row in found.records), key=str),
    )


def properties(driver: neo4j.Driver) -> dict[int, dict[str, Any]]:
    """The properties of the nodes by their ``id``, which is left out, as marks are."""
    nodes, _ = graph(driver)
    return {
        values["id"]: {
            name: value
            for name, value in values.items()
            if name != "id" and not name.startswith(MARK_PREFIX)
        }
        for _, values in nodes
    }


def labels(driver: neo4j.Driver) -> dict[int, set[str]]:
    nodes, _ = graph(driver)
    return {values["id"]: found for found, values in nodes}


def ids(driver: neo4j.Driver) -> set[str]:
    rows = driver.execute_query("MATCH (n) RETURN elementId(n) AS id")
    return {row["id"] for row in rows.records}


def both_ways(driver: neo4j.Driver, change: Change, before: Schema = NOTHING) -> Graph:
    """Change the graph in batches and by the script, and return what both give."""
    start = graph(driver)
    upgrade(driver, change, before)
    result = graph(driver)
    reset(driver, start, change, before)
    write_script(driver, change, before)
    assert graph(driver) == result
    return result


def reset(driver: neo4j.Driver, start: Graph, change: Change, before: Schema) -> None:
    driver.execute_query("MATCH (n) DETACH DELETE n")
    clear_schema(driver)
    make(driver, before)
    nodes, found = start
    for carried, values in nodes:
        add(driver, *carried, **values)
    for begin, type_, end, values in found:
        relate(driver, begin, type_, end, **values)


def make(driver: neo4j.Driver, schema: Schema) -> None:
    for element in (*schema.indexes.values(), *schema.constraints.values()):
        driver.execute_query(create_text(element))


def clear_schema(driver: neo4j.Driver) -> None:
    for noun, names in schema_names(driver).items():
        for name in names:
            driver.execute_query(f"DROP {noun} {quote(name)}")


def schema_names(driver: neo4j.Driver) -> dict[str, set[str]]:
    constraints = driver.execute_query("SHOW CONSTRAINTS YIELD name").records
    indexes = driver.execute_query(
        "SHOW INDEXES YIELD name, type, owningConstraint "
        "WHERE type <> 'LOOKUP' AND owningConstraint IS NULL RETURN name"
    ).records
    return {
        "CONSTRAINT": {row["name"] for row in constraints} - {LOCK},
        "INDEX": {row["name"] for row in indexes},
    }


def unique(label: str, *names: str, entity: EntityType = NODE) -> Constraint:
    return Constraint("UNIQUE", entity, label, names)


def indexed(label: str, *names: str, entity: EntityType = NODE) -> Index:
    return Index("RANGE", entity, (label,), names)


# Text ----------------------------------------------------------------------------


def test_the_duplicate_check_reads() -> None:
    found, created = plan(AddConstraint(unique("Person", "a", "b")))
    assert created == Create(unique("Person", "a", "b"))
    assert isinstance(found, Check)
    assert found.query == (
        "MATCH (n:`Person`)\n"
        "WHERE n.`a` IS NOT NULL AND n.`b` IS NOT NULL\n"
        "WITH *, [n.`a`, n.`b`] AS value\n"
        "WITH value, count(*) AS count\n"
        "WHERE count > 1\n"
        "WITH value, count ORDER BY count DESC, value LIMIT 20\n"
        "WITH collect(value) AS alike\n"
        "WHERE size(alike) > 0\n"
        "MATCH (n:`Person`)\n"
        "WHERE n.`a` IS NOT NULL AND n.`b` IS NOT NULL\n"
        "WITH *, [n.`a`, n.`b`] AS value\n"
        "WHERE value IN alike\n"
        "WITH value, count(*) AS count, "
        "min(elementId(n)) AS first, max(elementId(n)) AS last\n"
        "ORDER BY count DESC, value LIMIT 20\n"
        "RETURN value, count, "
        "CASE first WHEN last THEN [first] ELSE [first, last] END AS ids"
    )
    assert found.expected == "each value of (:Person)(a, b) may be there once"


def test_a_renamed_label_reads() -> None:
    remember, rename = plan(RenameLabel("Person", "Human"))
    assert isinstance(remember, Batched)
    mark = f"n.`_alembic_mark_kept_{REVISION}_Person.Human`"
    assert remember.write == (
        f"MATCH (n:`Human`)\nWHERE id(n) IN $ids AND {mark} IS NULL\n"
        f"SET {mark} = (n:`Person`)\nRETURN count(*) AS changed"
    )
    assert rename == Batched(
        "rename the label Person to Human",
        select="MATCH (n:`Person`)\nWHERE id(n) > $after\n"
        "WITH n ORDER BY n LIMIT $limit\nRETURN collect(id(n)) AS ids",
        write="MATCH (n:`Person`)\nWHERE id(n) IN $ids\n"
        "SET n:`Human` REMOVE n:`Person`\nRETURN count(*) AS changed",
        offline="MATCH (n:`Person`)\nCALL (n) {\n  SET n:`Human` REMOVE n:`Person`\n"
        "} IN TRANSACTIONS OF 10000 ROWS",
        extent="MATCH (n:`Person`) RETURN count(*) AS value\n"
        "UNION ALL MATCH (n:`Person`) RETURN id(n) AS value ORDER BY n LIMIT 1\n"
        "UNION ALL MATCH (n:`Person`) RETURN id(n) AS value ORDER BY n DESC LIMIT 1",
        walk="MATCH (n:`Person`)\nWHERE id(n) IN range($first, $last)\n"
        "WITH *, id(n) AS _id ORDER BY _id LIMIT $size\n"
        "SET n:`Human` REMOVE n:`Person`\n"
        "RETURN count(*) AS changed, max(_id) AS last",
        count="MATCH (n:`Person`)\nRETURN count(*) AS count",
    )


def test_a_renamed_type_reads() -> None:
    _, rename = plan(RenameRelationshipType("OLD", "NEW"))
    assert isinstance(rename, Batched)
    assert rename.write == (
        "MATCH (s)-[r:`OLD`]->(e)\n"
        "WHERE id(r) IN $ids\n"
        "WITH *, properties(r) AS properties DELETE r "
        "CREATE (s)-[copy:`NEW`]->(e) SET copy = properties\n"
        "RETURN count(*) AS changed"
    )
    assert rename.offline.endswith("} IN TRANSACTIONS OF 5000 ROWS")


def test_a_renamed_property_reads() -> None:
    change = RenameProperty(
        NODE, "Person", "name", "title", "keep", "n.age > 3 // grown", 500
    )
    _, rename = plan(change)
    assert isinstance(rename, Batched)
    assert rename.chosen_size == 500
    archive = f"n.`_alembic_archive_{REVISION}_name`"
    assert rename.write == (
        "MATCH (n:`Person`)\n"
        "WHERE id(n) IN $ids AND n.`name` IS NOT NULL AND (n.age > 3 // grown\n)"
        f"\nSET {archive} = CASE WHEN n.`title` IS NOT NULL THEN n.`name` END, "
        "n.`title` = coalesce(n.`title`, n.`name`) REMOVE n.`name`\n"
        "RETURN count(*) AS changed"
    )
    assert rename.offline.endswith("} IN TRANSACTIONS OF 500 ROWS")


def test_the_archive_property_names_the_revision() -> None:
    assert archive_name("1a2b", "name") == "_alembic_archive_1a2b_name"


@pytest.mark.parametrize(
    "change",
    [
        AddNode(Node("A", (Property("p", required=True),))),
        RemoveNode("A"),
        AlterNode("A", (("open", True),)),
        AddRelationship("A", Relationship("R", "B")),
        RemoveRelationship("A", Relationship("R", "B")),
        AddRelationshipType(RelationshipType("R")),
        RemoveRelationshipType("R"),
        AlterRelationshipType("R", (("kgid", "x"),)),
        AddProperty(NODE, "A", Property("p", default=1)),
        RemoveProperty(NODE, "A", "p", "keep"),
        RenameLabel("A", "A"),
        RenameRelationshipType("A", "A"),
        RenameProperty(NODE, "A", "p", "p"),
        AddLabel("A", "A"),
        AlterProperty(NODE, "A", "p", (("default", 3),)),
        AlterRelationship(
            "A",
            Relationship("R", "B", cardinality="One"),
            (("cardinality", "ZeroOrMore"),),
        ),
    ],
)
def test_a_declaration_asks_nothing_of_the_server(change: Change) -> None:
    node = Node("A", (Property("p"),), (Relationship("R", "B", cardinality="One"),))
    before = Schema.of(nodes=[node], relationship_types=[RelationshipType("R")])
    assert plan(change, before) == ()


@pytest.mark.parametrize(
    "change",
    [
        RenameLabel("__AlembicNeo4jLock", "A"),
        RenameLabel("A", "__AlembicNeo4jLock"),
        AddLabel("A", "__AlembicNeo4jLock"),
        RemoveLabel("A", "__AlembicNeo4jLock"),
        RemoveProperty(NODE, "__AlembicNeo4jLock", "id", "delete"),
        RenameProperty(NODE, "__AlembicNeo4jLock", "id", "x"),
        ReverseRelationships("A", "R", "__AlembicNeo4jLock"),
    ],
)
def test_our_own_labels_are_refused(change: Change) -> None:
    with pytest.raises(SchemaError, match="belongs to alembic_neo4j"):
        plan(change)


def test_a_step_that_is_no_change_is_refused() -> None:
    with pytest.raises(TypeError):
        plan(Run)  # type: ignore[arg-type]


# Indexes and constraints ---------------------------------------------------------


def test_a_dropped_element_has_the_name_of_the_history() -> None:
    named = Index("RANGE", NODE, (OLD,), (P,), name="chosen")
    constraint = Constraint("UNIQUE", NODE, OLD, (Q,), name="chosen too")
    before = Schema.of(indexes=[named], constraints=[constraint])
    (dropped,) = plan(DropIndex(indexed(OLD, P)), before)
    assert isinstance(dropped, Drop)
    assert dropped.element.name == "chosen"
    (dropped,) = plan(DropConstraint(unique(OLD, Q)), before)
    assert isinstance(dropped, Drop)
    assert dropped.element.name == "chosen too"


def test_an_index_and_a_constraint_come_and_go(driver: neo4j.Driver) -> None:
    index, constraint = indexed(OLD, P), unique(OLD, Q)
    upgrade(driver, AddIndex(index))
    upgrade(driver, AddConstraint(constraint))
    assert schema_names(driver) == {
        "INDEX": {index.name},
        "CONSTRAINT": {constraint.name},
    }
    before = Schema.of(indexes=[index], constraints=[constraint])
    upgrade(driver, DropIndex(index), before)
    upgrade(driver, DropConstraint(constraint), before)
    assert schema_names(driver) == {"INDEX": set(), "CONSTRAINT": set()}


def test_an_index_in_the_place_of_a_constraint_is_refused() -> None:
    before = Schema.of(indexes=[indexed("A", "p")])
    with pytest.raises(SchemaError, match="Drop the other one first"):
        plan(AddConstraint(unique("A", "p")), before)
    with pytest.raises(SchemaError, match="Drop the other one first"):
        plan(AddIndex(indexed("A", "p")), Schema.of(constraints=[unique("A", "p")]))
    assert plan(AddIndex(indexed("A", "p", "q")), before)
    assert plan(AddIndex(Index("TEXT", NODE, ("A",), ("p",))), before)


def test_duplicates_stand_in_the_way_of_uniqueness(driver: neo4j.Driver) -> None:
    for number in range(7):
        add(driver, OLD, **{P: "same", "id": number})
    add(driver, OLD, **{P: "single"})
    add(driver, OLD)
    add(driver, OTHER, **{P: "same"})
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, AddConstraint(unique(OLD, P)))
    (row,) = blocked.value.rows
    assert (row["value"], row["count"]) == ("same", 7)
    assert len(row["ids"]) == 2
    assert set(row["ids"]) < ids(driver)
    assert schema_names(driver)["CONSTRAINT"] == set()


def test_one_and_one_point_zero_are_duplicates(driver: neo4j.Driver) -> None:
    add(driver, OLD, **{P: 1})
    add(driver, OLD, **{P: 1.0})
    with pytest.raises(Blocked):
        upgrade(driver, AddConstraint(unique(OLD, P)))


def test_combinations_count_where_all_are_there(driver: neo4j.Driver) -> None:
    constraint = unique(OLD, P, Q)
    add(driver, OLD, **{P: 1})
    add(driver, OLD, **{P: 1})
    add(driver, OLD, **{P: 1, Q: 1})
    add(driver, OLD, **{P: 1, Q: 2})
    upgrade(driver, AddConstraint(constraint))
    upgrade(driver, DropConstraint(constraint), Schema.of(constraints=[constraint]))
    add(driver, OLD, **{P: 1, Q: 2})
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, AddConstraint(constraint))
    assert blocked.value.rows[0]["value"] == [1, 2]


def test_duplicates_of_relationships_stand_in_the_way(driver: neo4j.Driver) -> None:
    add(driver, OTHER, id=1)
    relate(driver, 1, R, 1, **{P: "a"})
    relate(driver, 1, S, 1, **{P: "a"})
    constraint = unique(R, P, entity=RELATIONSHIP)
    upgrade(driver, AddConstraint(constraint))
    upgrade(driver, DropConstraint(constraint), Schema.of(constraints=[constraint]))
    relate(driver, 1, R, 1, **{P: "a"})
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, AddConstraint(constraint))
    assert blocked.value.rows[0]["count"] == 2


def test_enterprise_constraints_are_checked_first(driver: neo4j.Driver) -> None:
    add(driver, OLD, id=1, **{P: "text"})
    add(driver, OLD, id=2)
    expected = {
        "KEY": [(None, 1)],
        "EXISTENCE": [(None, 1)],
        "TYPE": [("STRING NOT NULL", 1)],
    }
    for kind, rows in expected.items():
        type_ = "INTEGER" if kind == "TYPE" else None
        constraint = Constraint(kind, NODE, OLD, (P,), type_)
        with pytest.raises(Blocked) as blocked:
            upgrade(driver, AddConstraint(constraint))
        assert [(r["value"], r["count"]) for r in blocked.value.rows] == rows
    add(driver, OLD, id=3, **{P: "text"})
    key, again, created = plan(AddConstraint(Constraint("KEY", NODE, OLD, (P,))))
    assert isinstance(key, Check)
    assert isinstance(again, Check)
    assert isinstance(created, Create)
    with pytest.raises(Blocked) as blocked:
        check(driver, again)
    assert blocked.value.rows[0]["count"] == 2


# Labels --------------------------------------------------------------------------


def test_a_label_is_renamed_with_its_schema(driver: neo4j.Driver) -> None:
    before = Schema.of(
        nodes=[Node(OLD, (Property(P),))],
        indexes=[
            indexed(OLD, Q),
            Index("RANGE", NODE, (OLD,), (Q, P), name="chosen `name`"),
            Index("FULLTEXT", NODE, (OLD, OTHER), (P,)),
            indexed(OTHER, Q),
            Index("RANGE", RELATIONSHIP, (OLD,), (Q,), name="of a type"),
        ],
        constraints=[unique(OLD, P)],
    )
    make(driver, before)
    for number in range(5):
        add(driver, OLD, SUB, id=number, **{P: number})
    add(driver, OTHER, id=5)
    kept = ids(driver)
    relate(driver, 0, R, 0)
    change = RenameLabel(OLD, NEW)
    upgrade(driver, change, before)
    assert ids(driver) == kept
    assert labels(driver) == {
        **{number: {NEW, SUB} for number in range(5)},
        5: {OTHER},
    }
    after = change.apply(before)
    assert schema_names(driver) == {
        "INDEX": {index.name for index in after.indexes.values()},
        "CONSTRAINT": {c.name for c in after.constraints.values()},
    }
    assert "chosen `name`" in schema_names(driver)["INDEX"]
    with pytest.raises(neo4j.exceptions.ConstraintError):
        add(driver, NEW, **{P: 0})
    add(driver, OLD, **{P: 0})


def test_a_renamed_label_is_the_same_in_a_script(driver: neo4j.Driver) -> None:
    before = Schema.of(constraints=[unique(OLD, P)])
    make(driver, before)
    for number in range(5):
        add(driver, OLD, id=number, **{P: number})
    nodes, _ = both_ways(driver, RenameLabel(OLD, NEW), before)
    assert all(found == {NEW} for found, _ in nodes)


def test_duplicates_across_both_labels_are_found_before_any_write(
    driver: neo4j.Driver,
) -> None:
    before = Schema.of(constraints=[unique(OLD, P)])
    make(driver, before)
    add(driver, OLD, id=1, **{P: 1})
    add(driver, NEW, id=2, **{P: 1})
    with pytest.raises(Blocked):
        upgrade(driver, RenameLabel(OLD, NEW), before)
    assert labels(driver) == {1: {OLD}, 2: {NEW}}
    assert schema_names(driver)["CONSTRAINT"] == {unique(OLD, P).name}


def test_a_constraint_that_waits_on_the_new_label_is_checked_and_kept(
    driver: neo4j.Driver,
) -> None:
    before = Schema.of(constraints=[unique(NEW, P)], indexes=[indexed(NEW, Q)])
    make(driver, before)
    add(driver, OLD, id=1, **{P: 1})
    add(driver, OLD, id=2, **{P: 1})
    with pytest.raises(Blocked):
        upgrade(driver, RenameLabel(OLD, NEW), before)
    driver.execute_query("MATCH (n {id: 2}) DELETE n")
    names = schema_names(driver)
    upgrade(driver, RenameLabel(OLD, NEW), before)
    assert schema_names(driver) == names


def test_the_same_schema_on_both_labels_becomes_one(driver: neo4j.Driver) -> None:
    before = Schema.of(
        constraints=[unique(NEW, P), unique(OLD, P)],
        indexes=[indexed(OLD, Q), indexed(NEW, Q)],
    )
    make(driver, before)
    add(driver, OLD, id=1, **{P: 1})
    upgrade(driver, RenameLabel(OLD, NEW), before)
    assert schema_names(driver) == {
        "INDEX": {indexed(NEW, Q).name},
        "CONSTRAINT": {unique(NEW, P).name},
    }


def test_a_moved_constraint_never_meets_an_index() -> None:
    before = Schema.of(constraints=[unique("A", "p")], indexes=[indexed("B", "p")])
    with pytest.raises(SchemaError, match="Drop the other one first"):
        plan(RenameLabel("A", "B"), before)


def test_a_label_is_added_and_taken_off(driver: neo4j.Driver) -> None:
    before = Schema.of(constraints=[unique(NEW, P)])
    make(driver, before)
    for number in range(4):
        add(driver, OLD, id=number, **{P: number})
    add(driver, OTHER, id=4)
    result, _ = both_ways(driver, AddLabel(OLD, NEW), before)
    assert [found for found, _ in result] == [{OLD, NEW}] * 4 + [{OTHER}]
    add(driver, NEW, id=5)
    result, _ = both_ways(driver, RemoveLabel(OLD, NEW), before)
    assert [found for found, _ in result] == [{OLD}] * 4 + [{OTHER}, {NEW}]


def test_an_added_label_may_not_bring_duplicates(driver: neo4j.Driver) -> None:
    before = Schema.of(constraints=[unique(NEW, P)])
    make(driver, before)
    add(driver, OLD, id=1, **{P: 1})
    add(driver, NEW, id=2, **{P: 1})
    with pytest.raises(Blocked):
        upgrade(driver, AddLabel(OLD, NEW), before)


# Relationship types --------------------------------------------------------------


def related(driver: neo4j.Driver) -> None:
    """Five nodes with parallel relationships, a loop, and one of another type."""
    for number in range(5):
        add(driver, OLD if number < 3 else OTHER, id=number)
    relate(driver, 0, R, 3, **{P: "a", "list": [1, 2]})
    relate(driver, 0, R, 3, **{P: "b"})
    relate(driver, 0, R, 3)
    relate(driver, 0, R, 3)
    relate(driver, 1, R, 1, **{P: "loop"})
    relate(driver, 1, R, 2, **{P: "c"})
    relate(driver, 2, R, 4, **{P: "d"})
    relate(driver, 0, OTHER, 3, **{P: "a"})


def test_a_type_is_renamed_one_for_one(driver: neo4j.Driver) -> None:
    before = Schema.of(
        indexes=[
            indexed(R, Q, entity=RELATIONSHIP),
            Index("RANGE", NODE, (R,), (Q,), name="of a label that is spelled alike"),
        ],
        constraints=[unique(R, P, entity=RELATIONSHIP)],
    )
    make(driver, before)
    related(driver)
    nodes, old = graph(driver)
    result = both_ways(driver, RenameRelationshipType(R, S), before)
    assert result[0] == nodes
    assert result[1] == sorted(
        ((a, S if type_ == R else type_, b, values) for a, type_, b, values in old),
        key=str,
    )
    after = RenameRelationshipType(R, S).apply(before)
    assert schema_names(driver) == {
        "INDEX": {index.name for index in after.indexes.values()},
        "CONSTRAINT": {c.name for c in after.constraints.values()},
    }


def test_a_renamed_type_keeps_to_an_existing_uniqueness(driver: neo4j.Driver) -> None:
    before = Schema.of(constraints=[unique(S, P, entity=RELATIONSHIP)])
    make(driver, before)
    add(driver, OLD, id=1)
    relate(driver, 1, R, 1, **{P: 1})
    relate(driver, 1, S, 1, **{P: 1})
    with pytest.raises(Blocked):
        upgrade(driver, RenameRelationshipType(R, S), before)


def test_relationships_are_turned_round_between_two_labels(
    driver: neo4j.Driver,
) -> None:
    related(driver)
    make(driver, Schema.of(constraints=[unique(R, P, entity=RELATIONSHIP)]))
    _, old = graph(driver)
    change = ReverseRelationships(OLD, R, OTHER)
    _, result = both_ways(driver, change)
    turned = [
        (b, t, a, v) if t == R and b in (3, 4) else (a, t, b, v) for a, t, b, v in old
    ]
    assert result == sorted(turned, key=str)
    upgrade(driver, change.reverse())
    assert graph(driver)[1] == old


def test_relationships_within_a_label_are_turned_round_once(
    driver: neo4j.Driver,
) -> None:
    for number in range(6):
        add(driver, OLD, id=number)
    for number in range(5):
        relate(driver, number, R, number + 1, number=number)
        relate(driver, number + 1, R, number, back=number)
    relate(driver, 2, R, 2)
    _, old = graph(driver)
    _, result = both_ways(driver, ReverseRelationships(OLD, R, OLD))
    assert result == sorted(((b, t, a, v) for a, t, b, v in old), key=str)


def test_a_turned_relationship_is_not_seen_again_in_a_later_batch(
    driver: neo4j.Driver,
) -> None:
    for number in range(2):
        add(driver, OLD, id=number)
    driver.execute_query(
        "MATCH (s {id: 0}), (e {id: 1}) UNWIND range(1, 3000) AS number "
        f"CREATE (s)-[:{quote(R)} {{number: number}}]->(e)"
    )
    first, unmark = plan(ReverseRelationships(OLD, R, OLD))
    assert isinstance(first, Batched)
    batch = left(driver, first, limit=100)
    while batch:
        driver.execute_query(first.write, ids=batch)
        batch = left(driver, first, limit=100, after=batch[-1])
    assert isinstance(unmark, Batched)
    driver.execute_query(unmark.write, ids=left(driver, unmark, limit=5000))
    _, result = graph(driver)
    assert len(result) == 3000
    assert all((start, end) == (1, 0) for start, _, end, _ in result)


# Properties ----------------------------------------------------------------------


def test_a_property_is_renamed_on_a_label_and_its_subclasses(
    driver: neo4j.Driver,
) -> None:
    before = Schema.of(
        nodes=[
            Node(OLD, (Property(P),)),
            Node(SUB, (Property(P),), bases=(OLD,)),
            Node(OTHER, (Property(P),)),
        ],
        indexes=[indexed(OLD, P), indexed(OTHER, P)],
        constraints=[unique(SUB, P)],
    )
    make(driver, before)
    for number in range(3):
        add(driver, OLD, id=number, **{P: number})
        add(driver, OLD, SUB, id=number + 3, **{P: number})
    add(driver, OLD, id=6)
    add(driver, OTHER, id=7, **{P: 7})
    change = RenameProperty(NODE, OLD, P, Q)
    both_ways(driver, change, before)
    assert properties(driver) == {
        **{number: {Q: number % 3} for number in range(6)},
        6: {},
        7: {P: 7},
    }
    assert schema_names(driver) == {
        "INDEX": {indexed(OLD, Q).name, indexed(OTHER, P).name},
        "CONSTRAINT": {unique(SUB, Q).name},
    }
    upgrade(driver, change.reverse(), change.apply(before))
    assert properties(driver)[4] == {P: 1}


@pytest.mark.parametrize(
    ("policy", "expected", "lost"),
    [("overwrite", "old", {Q: "new"}), ("keep", "new", {P: "old"})],
)
def test_a_rename_meets_a_value(
    driver: neo4j.Driver, policy: Any, expected: str, lost: dict[str, str]
) -> None:
    add(driver, OLD, id=1, **{P: "old", Q: "new"})
    add(driver, OLD, id=2, **{P: "old"})
    add(driver, OLD, id=3, **{Q: "new"})
    before = graph(driver)
    change = RenameProperty(NODE, OLD, P, Q, policy)
    both_ways(driver, change)
    archived = {archive_name(REVISION, name): value for name, value in lost.items()}
    assert properties(driver) == {
        1: {Q: expected, **archived},
        2: {Q: "old"},
        3: {Q: "new"},
    }
    upgrade(driver, change.reverse())
    assert graph(driver) == before


def test_a_rename_that_meets_a_value_fails_before_any_write(
    driver: neo4j.Driver,
) -> None:
    before = Schema.of(indexes=[indexed(OLD, P)])
    make(driver, before)
    add(driver, OLD, id=1, **{P: "old", Q: "new"})
    add(driver, OLD, id=2, **{P: "old"})
    start, names = graph(driver), schema_names(driver)
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, RenameProperty(NODE, OLD, P, Q), before)
    assert blocked.value.rows[0]["value"] == ["old", "new"]
    assert graph(driver) == start
    assert schema_names(driver) == names


def test_a_failing_rename_never_overwrites_what_came_after_the_check(
    driver: neo4j.Driver,
) -> None:
    add(driver, OLD, id=1, **{P: "old"})
    first, _, rename, last = plan(RenameProperty(NODE, OLD, P, Q))
    assert isinstance(first, Check)
    assert isinstance(rename, Batched)
    assert isinstance(last, Check)
    check(driver, first)
    (batch,) = batches(driver, rename, 2)
    add_new = f"MATCH (n) SET n.{quote(Q)} = 'new'"
    driver.execute_query(add_new)
    write_twice(driver, rename, batch)
    assert properties(driver) == {1: {P: "old", Q: "new"}}
    with pytest.raises(Blocked):
        check(driver, last)


def test_a_rename_may_be_limited(driver: neo4j.Driver) -> None:
    for number in range(6):
        add(driver, OLD, id=number, **{P: number})
    add(driver, OTHER, id=6, **{P: 6})
    change = RenameProperty(NODE, OLD, P, Q, where=f"n.{quote(P)} > 2 OR true = false")
    both_ways(driver, change)
    assert properties(driver) == {
        **{number: {P if number < 3 else Q: number} for number in range(6)},
        6: {P: 6},
    }


def test_a_limited_rename_checks_the_values_that_there_will_be(
    driver: neo4j.Driver,
) -> None:
    before = Schema.of(constraints=[unique(OLD, P)])
    make(driver, before)
    change = RenameProperty(NODE, OLD, P, Q, where="n.id < 2")
    add(driver, OLD, id=1, **{P: "x"})
    add(driver, OLD, id=2, **{P: "y", Q: "z"})
    upgrade(driver, change, before)
    reset(driver, graph(driver), change, before)
    add(driver, OLD, id=0, **{P: "z"})
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, change, before)
    assert blocked.value.rows[0]["value"] == "z"


def test_a_relationship_property_is_renamed(driver: neo4j.Driver) -> None:
    before = Schema.of(constraints=[unique(R, P, entity=RELATIONSHIP)])
    related(driver)
    make(driver, before)
    nodes, old = graph(driver)
    both_ways(driver, RenameProperty(RELATIONSHIP, R, P, Q), before)
    assert graph(driver) == (
        nodes,
        sorted(
            (
                (a, t, b, {Q if t == R and k == P else k: x for k, x in v.items()})
                for a, t, b, v in old
            ),
            key=str,
        ),
    )


@pytest.mark.parametrize("default", ["it's `x`", 3, 1.5, True, ("a", "b")])
def test_a_default_is_set_where_the_value_is_missing(
    driver: neo4j.Driver, default: Any
) -> None:
    for number in range(4):
        add(driver, OLD, id=number)
    add(driver, OLD, id=4, **{P: "kept"})
    add(driver, OTHER, id=5)
    before = graph(driver)
    change = AddProperty(NODE, OLD, Property(P, default=default), True)
    both_ways(driver, change)
    stored = list(default) if isinstance(default, tuple) else default
    expected = {number: {P: stored} for number in range(4)}
    assert properties(driver) == {**expected, 4: {P: "kept"}, 5: {}}
    upgrade(driver, change.reverse())
    assert graph(driver) == before


def test_each_entity_gets_its_own_factory_value(driver: neo4j.Driver) -> None:
    for number in range(5):
        add(driver, OLD, id=number)
    declared = Property(P, "STRING", default_factory="uuid4.hex", required=True)
    upgrade(driver, AddProperty(NODE, OLD, declared, True))
    given = {values[P] for values in properties(driver).values()}
    assert len(given) == 5
    assert all(len(text) == 32 and int(text, 16) >= 0 for text in given)
    now = Property(Q, "FLOAT", default_factory="now")
    upgrade(driver, AddProperty(NODE, OLD, now, True))
    assert all(values[Q] > 1.7e9 for values in properties(driver).values())


def test_a_backfill_is_an_expression(driver: neo4j.Driver) -> None:
    for number in range(4):
        add(driver, OLD, id=number, **{Q: "x" * number} if number else {})
    declared = Property(P, "STRING")
    backfill = f"n.{quote(Q)} + '!' // $ids"
    both_ways(driver, AddProperty(NODE, OLD, declared, backfill))
    given = {number: values.get(P) for number, values in properties(driver).items()}
    assert given == {0: None, 1: "x!", 2: "xx!", 3: "xxx!"}


def test_a_relationship_property_is_backfilled(driver: neo4j.Driver) -> None:
    related(driver)
    declared = Property(Q, "INTEGER")
    both_ways(driver, AddProperty(RELATIONSHIP, R, declared, "startNode(r).id"))
    _, found = graph(driver)
    assert all(v.get(Q) == (a if t == R else None) for a, t, _, v in found)


def test_a_required_property_has_to_be_there(driver: neo4j.Driver) -> None:
    add(driver, OLD, id=1)
    declared = Property(P, "STRING", required=True)
    with pytest.raises(Blocked):
        upgrade(driver, AddProperty(NODE, OLD, declared))
    with pytest.raises(Blocked):
        upgrade(driver, AddProperty(NODE, OLD, declared, "n.nothing"))
    assert properties(driver) == {1: {}}
    upgrade(driver, AddProperty(NODE, OLD, declared, "'given'"))
    assert properties(driver) == {1: {P: "given"}}


def test_what_a_person_has_to_write_stops() -> None:
    fill_in = Placeholder.FILL_IN
    for entity, noun in ((NODE, "node"), (RELATIONSHIP, "relationship")):
        change: Change = AddProperty(entity, OLD, Property(P, required=True), fill_in)
        (stop,) = plan(change)
        assert isinstance(stop, Stop)
        assert f"op.add_{noun}_property" in stop.message
        assert "op.run_cypher" in stop.message
        change = AlterProperty(entity, OLD, P, (("type", "FLOAT"),), using=fill_in)
        (stop,) = plan(change)
        assert isinstance(stop, Stop)
        assert "from ANY to FLOAT" in stop.message
        assert f"op.alter_{noun}_property" in stop.message
    unknown = Property(P, default_factory="models.invent")
    (stop,) = plan(AddProperty(NODE, OLD, unknown, True))
    assert isinstance(stop, Stop)
    assert "no default that Cypher can express" in stop.message


def test_a_removed_property_comes_back(driver: neo4j.Driver) -> None:
    for number in range(5):
        add(driver, OLD, id=number, **{P: [number]})
    add(driver, OLD, id=5)
    add(driver, OTHER, id=6, **{P: [6]})
    start, kept = graph(driver), ids(driver)
    change = RemoveProperty(NODE, OLD, P, "archive", Property(P))
    upgrade(driver, change)
    archived = archive_name(REVISION, P)
    assert properties(driver) == {
        **{number: {archived: [number]} for number in range(5)},
        5: {},
        6: {P: [6]},
    }
    upgrade(driver, change.reverse())
    assert graph(driver) == start
    assert ids(driver) == kept
    both_ways(driver, change)
    both_ways(driver, change.reverse())
    assert graph(driver) == start


def test_an_archived_value_never_overwrites_a_new_one(driver: neo4j.Driver) -> None:
    change = RemoveProperty(NODE, OLD, P, "archive", Property(P))
    add(driver, OLD, id=1, **{P: "old"})
    upgrade(driver, change)
    driver.execute_query(f"MATCH (n) SET n.{quote(P)} = 'newer'")
    start = graph(driver)
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, change.reverse())
    assert blocked.value.rows[0]["value"] == ["old", "newer"]
    assert graph(driver) == start


def test_a_removed_property_is_deleted_when_told(driver: neo4j.Driver) -> None:
    related(driver)
    both_ways(driver, RemoveProperty(RELATIONSHIP, R, P, "delete"))
    _, found = graph(driver)
    assert [(t, v) for _, t, _, v in found if P in v] == [(OTHER, {P: "a"})]


# Conversions ---------------------------------------------------------------------


def altered(before: Property, **values: Any) -> tuple[AlterProperty, Schema]:
    using = values.pop("using", None)
    existing = tuple((name, getattr(before, name)) for name in values)
    change = AlterProperty(NODE, OLD, P, tuple(values.items()), existing, using=using)
    return change, Schema.of(nodes=[Node(OLD, (before,))])


def store(driver: neo4j.Driver, *values: Any) -> None:
    for number, value in enumerate(values):
        add(driver, OLD, id=number, **({} if value is None else {P: value}))


def stored(driver: neo4j.Driver) -> list[Any]:
    return [values.get(P) for _, values in sorted(properties(driver).items())]


def test_values_are_converted_to_another_type(driver: neo4j.Driver) -> None:
    change, before = altered(
        Property(P, "STRING"), type="INTEGER", using="toInteger(value) // comment"
    )
    store(driver, "1", "2", "3", None, 5)
    both_ways(driver, change, before)
    assert stored(driver) == [1, 2, 3, None, 5]


@pytest.mark.parametrize("using", ["toInteger(value)", "value", "toFloat(value)"])
def test_a_conversion_that_fails_for_a_value_writes_nothing(
    driver: neo4j.Driver, using: str
) -> None:
    change, before = altered(Property(P, "STRING"), type="INTEGER", using=using)
    store(driver, "1", "2", "three")
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, change, before)
    assert blocked.value.check.expected.endswith("a value of type INTEGER for each")
    assert "three" in [row["value"] for row in blocked.value.rows]
    assert stored(driver) == ["1", "2", "three"]


def test_a_conversion_within_a_type_happens_once(driver: neo4j.Driver) -> None:
    change, before = altered(
        Property(P, "STRING", format="%Y"), format="%y", using="value + '!'"
    )
    store(driver, "a", "b", "c", None, "e")
    both_ways(driver, change, before)
    assert stored(driver) == ["a!", "b!", "c!", None, "e!"]
    archive = archive_name(REVISION, P)
    assert all(set(values) <= {P, archive} for values in properties(driver).values())


def test_lists_and_single_values_are_converted(driver: neo4j.Driver) -> None:
    change, before = altered(
        Property(P, "STRING"), type="LIST<STRING>", using="[value]"
    )
    store(driver, "a", "b", "c")
    both_ways(driver, change, before)
    assert stored(driver) == [["a"], ["b"], ["c"]]
    change, before = altered(
        Property(P, "LIST<STRING>"), type="STRING", using="value[0]"
    )
    both_ways(driver, change, before)
    assert stored(driver) == ["a", "b", "c"]


def test_a_longer_list_never_becomes_a_single_value(driver: neo4j.Driver) -> None:
    change, before = altered(
        Property(P, "LIST<STRING>"), type="STRING", using="value[0]"
    )
    store(driver, ["a"], ["b", "c"], "d")
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, change, before)
    assert [row["value"] for row in blocked.value.rows] == [["b", "c"]]
    assert stored(driver) == [["a"], ["b", "c"], "d"]


def test_converted_values_are_checked_against_narrower_limits(
    driver: neo4j.Driver,
) -> None:
    change, before = altered(
        Property(P, "STRING"), choices=("A", "B"), using="toUpper(value)"
    )
    store(driver, "a", "b", "c")
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, change, before)
    assert [row["value"] for row in blocked.value.rows] == ["c"]
    driver.execute_query("MATCH (n {id: 2}) DELETE n")
    both_ways(driver, change, before)
    assert stored(driver) == ["A", "B"]


def test_relationship_values_are_converted(driver: neo4j.Driver) -> None:
    add(driver, OTHER, id=1)
    for number in range(4):
        relate(driver, 1, R, 1, **{P: str(number)})
    before = Schema.of(
        relationship_types=[RelationshipType(R, (Property(P, "STRING"),))]
    )
    change = AlterProperty(
        RELATIONSHIP, R, P, (("type", "INTEGER"),), using="toInteger(value)"
    )
    both_ways(driver, change, before)
    assert sorted(v[P] for *_, v in graph(driver)[1]) == [0, 1, 2, 3]


# Declarations that the data contradict -------------------------------------------


@pytest.mark.parametrize(
    ("declared", "values", "good", "bad", "shown"),
    [
        ({}, {"required": True}, ["a"], None, None),
        ({}, {"type": "STRING"}, ["a", None], 1, "INTEGER NOT NULL"),
        ({"type": "FLOAT"}, {"type": "INTEGER"}, [1], 1.0, "FLOAT NOT NULL"),
        (
            {"type": "STRING"},
            {"type": "LIST<STRING>"},
            [["a", "b"], []],
            "a",
            "STRING NOT NULL",
        ),
        ({"type": "STRING"}, {"choices": ("a", "b")}, ["a", None], "c", "c"),
        ({"choices": ("a", "b")}, {"choices": ("a", "d")}, ["a"], "b", "b"),
        (
            {"type": "LIST<STRING>"},
            {"choices": ("a", "b")},
            [["a", "b"], [], "a"],
            ["a", "c"],
            ["a", "c"],
        ),
        ({"max_length": 9}, {"max_length": 3}, ["abc", None, 12], "abcd", "abcd"),
        ({}, {"max_length": 1}, ["a"], "ab", "ab"),
        ({}, {"pattern": "[a-c]+"}, ["abc", "ab rest\nline", None], "xa", "xa"),
        ({"pattern": "x"}, {"pattern": "a$"}, ["a"], "ab", "ab"),
    ],
)
def test_a_narrower_declaration_is_checked(
    driver: neo4j.Driver,
    declared: dict[str, Any],
    values: dict[str, Any],
    good: list[Any],
    bad: Any,
    shown: Any,
) -> None:
    change, before = altered(Property(P, **declared), **values)
    assert all(isinstance(step, Check) for step in plan(change, before))
    add(driver, OTHER, id=100, **({} if bad is None else {P: bad}))
    store(driver, *good)
    upgrade(driver, change, before)
    add(driver, OLD, id=101, **({} if bad is None else {P: bad}))
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, change, before)
    assert [(r["value"], r["count"]) for r in blocked.value.rows] == [(shown, 1)]


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ({"required": True}, {"required": False}),
        ({"type": "STRING"}, {"type": "ANY"}),
        ({"choices": ("a",)}, {"choices": ("a", "b")}),
        ({"choices": ("a",)}, {"choices": None}),
        ({"max_length": 3}, {"max_length": 9}),
        ({"max_length": 3}, {"max_length": None}),
        ({"pattern": "a"}, {"pattern": None}),
    ],
)
def test_a_wider_declaration_is_not_checked(
    declared: dict[str, Any], values: dict[str, Any]
) -> None:
    assert plan(*altered(Property(P, **declared), **values)) == ()


def test_points_in_another_reference_system_are_found(driver: neo4j.Driver) -> None:
    change, before = altered(Property(P, "POINT", crs="cartesian"), crs="wgs-84")
    driver.execute_query(
        f"CREATE (n:{quote(OLD)}) SET n.{quote(P)} = point({{x: 1, y: 2}})"
    )
    with pytest.raises(Blocked):
        upgrade(driver, change, before)


def test_what_is_not_known_of_the_history_is_taken_from_the_change() -> None:
    change = AlterProperty(NODE, OLD, P, (("type", "STRING"),), (("type", "STRING"),))
    assert plan(change) == ()


# Relationships -------------------------------------------------------------------


def knows(cardinality: str = "ZeroOrMore", **values: Any) -> Relationship:
    return Relationship(R, NEW, cardinality=cardinality, **values)


def declares(*relationships: Relationship, label: str = OLD) -> Schema:
    return Schema.of(nodes=[Node(label, (), relationships), Node(NEW), Node(OTHER)])


@pytest.mark.parametrize(
    ("direction", "ends"),
    [(Direction.OUT, (1, 2)), (Direction.IN, (2, 1)), (Direction.ANY, (2, 1))],
)
def test_a_tighter_cardinality_is_checked(
    driver: neo4j.Driver, direction: Direction, ends: tuple[int, int]
) -> None:
    add(driver, OLD, id=1)
    add(driver, NEW, id=2)
    add(driver, OTHER, id=3)
    relate(driver, 1, R, 3)
    relate(driver, 3, R, 1)

    def tightened(to: str, start: str = "ZeroOrMore") -> list[Any]:
        declared = knows(start, direction=direction)
        change = AlterRelationship(OLD, declared, (("cardinality", to),))
        try:
            upgrade(driver, change, declares(declared))
        except Blocked as blocked:
            return [(row["value"], row["count"]) for row in blocked.rows]
        return []

    assert tightened("OneOrMore") == [(0, 1)]
    assert tightened("One", "ZeroOrOne") == [(0, 1)]
    assert tightened("ZeroOrOne") == []
    relate(driver, ends[0], R, ends[1])
    assert tightened("One") == tightened("OneOrMore") == []
    relate(driver, ends[0], R, ends[1])
    assert tightened("ZeroOrOne") == tightened("One") == [(2, 1)]
    assert tightened("One", "OneOrMore") == [(2, 1)]
    assert tightened("One", "ZeroOrOne") == []
    assert tightened("OneOrMore") == tightened("OneOrMore", "One") == []


def test_another_target_is_checked(driver: neo4j.Driver) -> None:
    for number, label in enumerate((OLD, NEW, OTHER)):
        add(driver, label, id=number)
    relate(driver, 0, R, 2)
    declared = knows()
    change = AlterRelationship(OLD, declared, (("target", OTHER),))
    upgrade(driver, change, declares(declared))
    relate(driver, 0, R, 1)
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, change, declares(declared))
    assert blocked.value.rows[0]["value"] == [NEW]
    second = Relationship(R, SUB)
    change = AlterRelationship(OLD, second, (("target", OTHER),))
    upgrade(driver, change, declares(declared, second))


def test_a_target_that_is_not_resolved_is_not_checked() -> None:
    change = AlterRelationship(OLD, knows(), (("target", "?lambda"),))
    assert plan(change, declares(knows())) == ()


def test_another_direction_is_checked(driver: neo4j.Driver) -> None:
    add(driver, OLD, id=0)
    add(driver, NEW, id=1)
    relate(driver, 0, R, 1)
    declared = knows()
    inwards = AlterRelationship(OLD, declared, (("direction", Direction.IN),))
    with pytest.raises(Blocked):
        upgrade(driver, inwards, declares(declared))
    either = AlterRelationship(OLD, declared, (("direction", Direction.ANY),))
    upgrade(driver, either, declares(declared))
    upgrade(driver, ReverseRelationships(OLD, R, NEW))
    upgrade(driver, inwards, declares(declared))


def test_relationships_that_exclude_each_other_are_checked(
    driver: neo4j.Driver,
) -> None:
    for number, label in enumerate((OLD, NEW, OTHER)):
        add(driver, label, id=number)
    relate(driver, 0, R, 1)
    first, second = knows(exclusion_group="g"), Relationship(S, OTHER)
    change = AlterRelationship(OLD, second, (("exclusion_group", "g"),))
    upgrade(driver, change, declares(first, second))
    relate(driver, 0, S, 2)
    with pytest.raises(Blocked) as blocked:
        upgrade(driver, change, declares(first, second))
    assert sorted(blocked.value.rows[0]["value"]) == sorted(
        [f"-[:{R}]->", f"-[:{S}]->"]
    )


# Bystanders ----------------------------------------------------------------------


def every_data_change() -> Iterable[Change]:
    using = {"using": "toString(value) + '!'"}
    yield RenameLabel(OLD, NEW)
    yield AddLabel(NEW, SUB)
    yield RemoveLabel(NEW, SUB)
    yield RenameProperty(NODE, NEW, P, Q)
    yield AddProperty(NODE, NEW, Property(P, default=1), True)
    yield AlterProperty(NODE, NEW, P, (), **using)
    yield AlterProperty(NODE, NEW, P, (("type", "STRING"),), **using)
    yield RemoveProperty(NODE, NEW, P)
    yield RemoveProperty(NODE, NEW, Q, "delete")
    yield RenameRelationshipType(R, S)
    yield ReverseRelationships(NEW, S, NEW)
    yield RenameProperty(RELATIONSHIP, S, P, Q)
    yield AddProperty(RELATIONSHIP, S, Property(P), "type(r)")
    yield RemoveProperty(RELATIONSHIP, S, P)


def test_no_change_touches_what_it_does_not_name(driver: neo4j.Driver) -> None:
    lock = {"id": 100, P: "x", Q: "y"}
    add(driver, "__AlembicNeo4jLock", **lock)
    add(driver, "Canary", **lock)
    driver.execute_query("CREATE ({id: 102})")
    relate(driver, 102, "CANARY", 102, **lock)
    start = graph(driver)
    for number in range(4):
        add(driver, OLD, id=number, **{P: number})
    relate(driver, 1, R, 2, **{P: "a"})
    for change in every_data_change():
        upgrade(driver, change)
    driver.execute_query("MATCH (n) WHERE n.id < 100 DETACH DELETE n")
    assert graph(driver) == start

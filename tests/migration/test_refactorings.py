"""Refactorings in revisions: planned, run, killed, and rendered as they are called."""

from __future__ import annotations

import json

import pytest

from alembic_neo4j import op
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe
from alembic_neo4j.migration import operations
from alembic_neo4j.migration.operations import ChangeOp
from alembic_neo4j.schema import changes
from alembic_neo4j.schema.changes import Refactoring
from tests.crash.harness import KILLED, Kill, client, points
from tests.migration.project import Project, data, stamped
from tests.migration.running import compiled, rendered

CALLS = [
    "op.add_label('A', 'B', where='n.x > 1', batch_size=7)",
    "op.remove_label('A', 'B', where='n.x > 1')",
    "op.rename_label('A', 'B', where='n.x > 1', batch_size=7)",
    "op.rename_relationship_type('R', 'S', where='r.x > 1')",
    "op.reverse_relationships('A', 'R', 'B', where='r.x > 1', batch_size=7)",
    "op.copy_node_property('A', 'x', 'y', on_conflict='keep', where='n.x > 1')",
    "op.copy_relationship_property('R', 'x', 'y', batch_size=7)",
    "op.backfill_node_property('A', 'x', 'n.y', where='n.y > 1')",
    "op.backfill_relationship_property('R', 'x', 'r.y')",
    "op.convert_node_property('A', 'x', 'value + 1', on_failure='archive')",
    "op.convert_relationship_property('R', 'x', 'value + 1')",
    "op.normalize_node_boolean('A', 'x', true_values=('y', 1), false_values=(None,))",
    "op.normalize_relationship_boolean('R', 'x', true_values=('y',), "
    "unmatched='remove')",
    "op.split_node_property('A', 'x', ', ', into=('y', 'z'))",
    "op.split_relationship_property('R', 'x', ', ')",
    "op.join_node_properties('A', ('y', 'z'), 'x', ', ', where='n.x > 1')",
    "op.join_relationship_properties('R', ('x',), 'x', ', ')",
    "op.extract_property_to_node('A', 'x', 'B', 'R', target_property='y', "
    "direction='IN', merge=False)",
    "op.inline_property_from_node('A', 'x', 'B', 'R', target_property='y')",
    "op.merge_nodes('A', 'n.x', policies={'x': 'first', 'y': 'all'}, policy='last', "
    "order_by='n.z')",
    "op.delete_nodes('A', detach=True, where='n.x > 1', batch_size=7)",
    "op.relationship_to_node('A', 'R', 'B', 'C', 'S', 'T')",
    "op.node_to_relationship('A', 'S', 'C', 'T', 'B', 'R')",
    "op.deduplicate_relationships('A', 'R', 'B', by=('x',))",
    "op.delete_relationships('R', source_label='A', target_label='B')",
]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[ChangeOp]:
    operations: list[ChangeOp] = []
    monkeypatch.setattr(op.alembic_op, "invoke", operations.append)
    return operations


@pytest.mark.parametrize("call", CALLS)
def test_a_call_is_rendered_as_it_is_made(call: str, made: list[ChangeOp]) -> None:
    compiled(call)()
    (first,) = made
    text = rendered([first.change])
    assert call.partition("(")[0] in text
    compiled(text)()
    assert made == [first, first]


def test_every_refactoring_is_called(made: list[ChangeOp]) -> None:
    for call in CALLS:
        compiled(call)()
    kinds = (getattr(changes, name) for name in changes.__all__)
    refactorings = {
        k for k in kinds if isinstance(k, type) and issubclass(k, Refactoring)
    }
    called = {type(operation.change) for operation in made}
    assert called >= refactorings - {Refactoring}


def test_each_change_has_its_class_of_operations(made: list[ChangeOp]) -> None:
    for call in CALLS:
        compiled(call)()
        change = made[-1].change
        assert type(made[-1]) is getattr(operations, f"{type(change).__name__}Op")
        assert isinstance(made[-1], operations.RefactoringOp) == isinstance(
            change, Refactoring
        )
    with pytest.raises(AttributeError, match="SchemaOp"):
        _ = operations.SchemaOp


UPGRADE = """
op.add_unique_constraint("City", "name")
op.normalize_node_boolean("Person", "active", true_values=["yes"], false_values=["no"])
op.extract_property_to_node(
    "Person", "city", "City", "LIVES_IN", target_property="name"
)
op.merge_nodes("Person", "n.email", policies={"number": "first", "runs": "all"})
op.deduplicate_relationships("Person", "LIVES_IN", "City")
op.convert_node_property("Person", "count", "value + 1")
op.relationship_to_node("Person", "KNOWS", "Person", "Meeting", "MET_IN", "WITH")
op.delete_nodes("Old", detach=True)
"""
FILL = """
UNWIND range(0, 40) AS i
CREATE (p:Person {number: i, email: CASE i WHEN 40 THEN -1 ELSE i % 20 END,
  city: 'c' + toString(i % 4), runs: i, count: i % 20,
  active: CASE i % 2 WHEN 0 THEN 'yes' ELSE 'no' END})
CREATE (p)-[:KNOWS {at: i}]->(p)
CREATE (p)-[:OWNED]->(:Old {number: i})
"""
SHOWN = """
MATCH (n:Person) RETURN count(n) AS people, sum(n.count) AS counted,
  sum(size(n.runs)) AS runs, count(DISTINCT n.active) AS active,
  COUNT { (:Person)-[:LIVES_IN]->(:City) } AS lives, COUNT { (:City) } AS cities,
  COUNT { (:Person)-[:MET_IN]->(:Meeting)-[:WITH]->(:Person) } AS meetings,
  COUNT { ()-[:KNOWS]->() } AS knows, COUNT { (:Old) } AS old
"""
WHOLE = {
    "people": 21,
    "counted": sum(range(1, 21)) + 1,
    "runs": 41,
    "active": 2,
    "lives": 21,
    "cities": 4,
    "meetings": 41,
    "knows": 0,
    "old": 0,
}


@pytest.fixture
def refactored(live: Project) -> Project:
    live.set("neo4j.batch_size", "15")
    live.revision("r1", UPGRADE, rollback_safe=False)
    return live


def test_a_revision_is_planned_and_run(refactored: Project, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([(FILL, {})])
    before = data(neo4j_graph)

    planned = json.loads(refactored.verb("plan", "--format", "json").out)

    assert data(neo4j_graph) == before
    (revision,) = planned["revisions"]
    counts = [u["count"] for u in revision["units"] if u["count"] is not None]
    # Of the booleans, of the cities, and of the merge, which reads neither of what
    # these write. What follows depends on what the merge leaves behind.
    assert counts == [41, 41, 20]
    refactored.done("upgrade", "head")
    assert neo4j_graph.read(SHOWN) == [WHOLE]


def test_a_plan_counts_what_nothing_changes_before(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([(FILL, {})])
    live.revision("r1", 'op.merge_nodes("Person", "n.email", policy="first")')

    planned = json.loads(live.verb("plan", "--format", "json").out)

    ((unit,),) = [revision["units"] for revision in planned["revisions"]]
    assert (unit["kind"], unit["count"]) == ("merge", 20)
    assert "merge (:Person) by n.email" in live.verb("plan").out


def test_what_stands_in_the_way_is_told_before_the_first_write(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([(FILL, {})])
    live.revision(
        "r1",
        """
        op.add_index("Person", "number")
        op.merge_nodes("Person", "n.email")
        """,
    )

    message = live.failed("upgrade", "head")

    assert "merged (:Person) have one value for each property" in message
    assert "'number': 20, such as" in message
    assert live.heads() == []
    assert neo4j_graph.read("SHOW INDEXES YIELD name WHERE name =~ '.*number.*'") == []


def test_a_predicate_that_is_no_cypher_changes_nothing(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([(FILL, {})])
    before = data(neo4j_graph)
    live.revision("r1", 'op.rename_label("Person", "Human", where="n.x >")')

    message = live.failed("upgrade", "head")

    assert "one thing stands in the way of revision r1; nothing of that has run" in (
        message
    )
    assert "to rename the label Person to Human" in message
    assert "Invalid input" in message
    assert data(neo4j_graph) == before
    live.revision("r1", 'op.rename_label("Person", "Human", where="n.number < 3")')
    live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (n:Human) RETURN count(n) AS n") == [{"n": 3}]


LISTS = """
MATCH (n) WHERE n:Person OR n:Party
RETURN n.number AS id, n.email AS email, keys(n) AS keys ORDER BY id
"""


def test_a_list_of_all_is_declared_and_on_every_node(
    live: Project, neo4j_graph: Graph
) -> None:
    live.models(
        "class Party(StructuredNode):\n    email = StringProperty(index=True)\n"
        "class Person(Party):\n    number = IntegerProperty()\n"
    )
    live.done("revision", "--autogenerate", "--rev-id", "r1", "-m", "models")
    live.done("upgrade", "head")
    texts = ["A@x", "a@X", "b@x", "a@y"]
    fill = (
        "UNWIND range(0, 3) AS i CREATE (:Person:Party {number: i, email: $texts[i]})"
    )
    neo4j_graph.transaction(
        [(fill, {"texts": texts}), ("CREATE (:Party {number: 9, email: 'A@x'})", {})]
    )
    # `by` and `where` can't be asked of a list: they mean the single values.
    live.revision(
        "r2",
        'op.merge_nodes("Person", "toLower(n.email)", order_by="n.number", '
        'policies={"email": "all", "number": "first"})',
        down_revision="r1",
        rollback_safe=False,
    )
    live.done("upgrade", "head")

    assert [(r["id"], r["email"]) for r in neo4j_graph.read(LISTS)] == [
        (0, ["A@x", "a@X"]),
        (2, ["b@x"]),
        (3, ["a@y"]),
        (9, "A@x"),
    ]
    assert {name for row in neo4j_graph.read(LISTS) for name in row["keys"]} == {
        "number",
        "email",
    }
    live.models(
        "class Party(StructuredNode):\n    email = StringProperty(index=True)\n"
        "class Person(Party):\n    number = IntegerProperty()\n"
        "    email = ArrayProperty(StringProperty(), index=True)\n"
    )
    assert "No new upgrade operations" in live.run("check").text


def test_a_revision_that_is_killed_happens_once(
    refactored: Project, neo4j_graph: Graph
) -> None:
    def fill() -> None:
        wipe(neo4j_graph)
        neo4j_graph.transaction([(FILL, {})])
        for path in refactored.path.glob("neo4j_ledger.db*"):
            path.unlink()

    fill()
    command = ("upgrade", "head")
    passed = [p for p in points(refactored, command) if p.startswith("graph.commit")]
    assert len(passed) > 40
    killed = 0
    for place in passed[5::17]:
        fill()
        # Batches are ranges of internal ids: with others there may be fewer of them.
        killed += client(refactored, command, Kill(place)).status == KILLED
        outcome = client(refactored, command, Kill())
        assert outcome.status == 0, (place, outcome.text)
        assert neo4j_graph.read(SHOWN) == [WHOLE], place
        assert refactored.heads() == stamped(neo4j_graph) == ["r1"], place
    assert killed > 3


def test_only_a_merge_is_no_script(refactored: Project) -> None:
    message = refactored.failed("upgrade", "head", "--sql")
    assert "merge (:Person) by n.email" in message
    assert "Run it with `alembic -c neo4j.ini upgrade`" in message
    refactored.revision("r1", UPGRADE.replace("op.merge", "# op.merge"))
    script = refactored.done("upgrade", "head", "--sql")
    assert "extract city of (:Person) to (:City)" in script
    assert "stands neither for true nor for false" in script

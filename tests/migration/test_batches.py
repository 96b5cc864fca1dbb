"""Data that revisions load in batches and take back, by Alembic's own program."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.graph.loads import contents, images, properties
from tests.migration.project import Project

PEOPLE = "[{'name': 'Ann', 'age': 7}, {'name': 'Bob', 'age': None}]"


def batches(project: Project) -> dict[str, dict[str, Any]]:
    """Return the ledger's batches by their name."""
    names = (
        *("table", "batch", "revision", "run", "state", "sources", "loader"),
        *("loader_version", "labels", "types", "created_nodes", "touched_nodes"),
        *("created_relationships", "touched_relationships", "unmatched"),
        *("begun_at", "begun_by", "ended_at"),
    )
    tables = project.remembered() or {}
    rows = tables.get("alembic_neo4j_batch", [])
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return {row["batch"]: row for row in found}


def test_what_an_upgrade_loads_its_downgrade_takes_back(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE (:Person {name: 'Cid', age: 1.5})", {})])
    before = contents(neo4j_graph)
    live.revision(
        "r1",
        f"""
        batch = op.begin_batch()
        assert batch == "r1"
        created = op.create_nodes("Person", {PEOPLE})
        rows = [{{"name": "Cid", "age": 2}}, {{"name": "Dan"}}]
        merged = op.upsert_nodes("Person", iter(rows), merge_keys=["name"])
        related = op.create_relationships(
            "Person", "Person", "KNOWS",
            [{{"source": "Ann", "target": "Cid", "properties": {{"since": 1}}}},
             {{"source": "Ann", "target": "Zoe"}}],
            source_key="name", target_key="name",
        )
        again = op.upsert_relationships(
            "Person", "Person", "KNOWS",
            [{{"source": "Ann", "target": "Cid", "properties": {{"since": 2}}}},
             {{"source": "Cid", "target": "Cid"}}],
            source_key="name", target_key="name",
        )
        if not op.is_replaying():
            assert created.created == 2
            assert (merged.created, merged.touched) == (1, 1)
            assert (related.created, related.unmatched) == (1, 1)
            assert (again.created, again.touched) == (1, 0)
        """,
        """
        relationships = op.delete_relationships_by_batch("KNOWS")
        nodes = op.delete_nodes_by_batch("Person")
        if not op.is_replaying():
            assert relationships.deleted_relationships == 2
            assert (nodes.deleted_nodes, nodes.restored_nodes) == (3, 1)
        """,
    )

    live.done("upgrade", "head")

    tag = {"_alembic_batch": "r1"}
    assert properties(neo4j_graph) == [
        {"name": "Ann", "age": 7, **tag},
        {"name": "Bob", **tag},
        {"name": "Cid", "age": 2},
        {"name": "Dan", **tag},
    ]
    row = batches(live)["r1"]
    counted = {name: row[name] for name in row if name.endswith(("nodes", "ships"))}
    assert counted == {
        "created_nodes": 3,
        "touched_nodes": 1,
        "created_relationships": 2,
        "touched_relationships": 0,
    }
    assert (row["revision"], row["state"], row["unmatched"]) == ("r1", "loaded", 1)
    assert json.loads(row["labels"]) == ["Person"]
    assert json.loads(row["types"]) == ["KNOWS"]
    assert (row["loader"], row["sources"]) == ("alembic_neo4j", "[]")

    live.done("downgrade", "base")

    assert contents(neo4j_graph) == before
    assert images(neo4j_graph) == []
    assert batches(live)["r1"]["state"] == "rolled back"

    live.done("upgrade", "head")
    live.done("downgrade", "base")
    assert contents(neo4j_graph) == before


def test_rows_without_a_batch_are_the_revisions(
    live: Project, neo4j_graph: Graph
) -> None:
    # Never one name for all that have none (two revisions, one taken back).
    load = "op.create_nodes('Person', [{'name': 'of ' + revision}])"
    live.revision("r1", load, "op.delete_nodes_by_batch('Person')")
    live.revision("r2", load, "op.delete_nodes_by_batch('Person')", down="r1")

    live.done("upgrade", "head")
    live.done("downgrade", "-1")

    assert properties(neo4j_graph) == [{"name": "of r1", "_alembic_batch": "r1"}]


def test_a_revision_may_have_several_batches(live: Project, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("CREATE (:Person {name: 'Ann', age: 1})", {})])
    before = contents(neo4j_graph)
    live.revision(
        "r1",
        """
        names = [op.begin_batch()]
        op.upsert_nodes("Person", [{"name": "Ann", "age": 2}], merge_keys="name")
        names.append(op.begin_batch())
        op.upsert_nodes("Person", [{"name": "Ann", "age": 3}], merge_keys="name")
        names.append(op.begin_batch("of its own", loader="etl", loader_version="7"))
        op.create_nodes(["Person", "Child"], [{"name": "Bob"}])
        names.append(op.begin_batch())
        op.create_nodes("Town", [{"name": "X"}])
        assert names == ["r1", "r1:2", "of its own", "r1:3"]
        """,
        "op.rollback_batch()",
    )

    live.done("upgrade", "head")

    rows = batches(live)
    assert set(rows) == {"r1", "r1:2", "of its own", "r1:3"}
    own = rows["of its own"]
    assert (own["loader"], own["loader_version"]) == ("etl", "7")
    live.done("downgrade", "base")
    assert contents(neo4j_graph) == before
    assert {row["state"] for row in batches(live).values()} == {"rolled back"}


def test_a_downgrade_without_the_ledgers_batches(
    live: Project, neo4j_graph: Graph
) -> None:
    # A script loaded them, say: the names are looked for in the graph.
    load = """
        op.create_nodes("Person", [{"name": "Ann"}])
        op.begin_batch()
        op.begin_batch()
        op.create_nodes("Person", [{"name": "Bob"}])
    """
    live.revision("r1", load, "op.delete_nodes_by_batch('Person')")
    live.revision("r10", "op.create_nodes('Person', [{'name': 'Cid'}])", down="r1")
    script = live.done("upgrade", "head", "--sql")
    for statement in filter(str.strip, _uncommented(script).split(";")):
        neo4j_graph.transaction([(statement, {})])
    assert {row["_alembic_batch"] for row in properties(neo4j_graph)} == {
        *("r1", "r1:3", "r10"),
    }
    live.done("stamp", "head")

    live.done("downgrade", "base")

    assert [row["name"] for row in properties(neo4j_graph)] == ["Cid"]


def test_a_script_does_the_same(live: Project, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("CREATE (:Person {name: 'Cid', age: 1})", {})])
    before = contents(neo4j_graph)
    live.revision(
        "r1",
        """
        op.begin_batch()
        op.create_nodes("Person", [{"name": "A'nn"}, {"age": 2}])
        op.upsert_nodes("Person", [{"name": "Cid", "age": 3}], merge_keys=["name"])
        op.begin_batch()
        op.create_relationships(
            "Person", "Person", "KNOWS", [{"source": "Cid", "target": "A'nn"}],
            source_key="name", target_key="name",
        )
        """,
        "op.rollback_batch()",
    )

    for verb in (("upgrade", "head"), ("downgrade", "r1:base")):
        script = _uncommented(live.done(*verb, "--sql"))
        for statement in filter(str.strip, script.split(";")):
            # Each by itself, as cypher-shell runs them.
            neo4j_graph.autocommit(statement)
        if verb[0] == "upgrade":
            assert len(contents(neo4j_graph)[0]) == 3
            assert len(contents(neo4j_graph)[1]) == 1
            assert len(images(neo4j_graph)) == 1

    assert contents(neo4j_graph) == before
    assert images(neo4j_graph) == []


DEFAULTS = """
        op.add_node(
            "Person",
            op.Property("name", "STRING"),
            op.Property("state", "STRING", default="it's new"),
            op.Property("uid", "STRING", default_factory="uuid4.hex"),
        )
        op.create_nodes("Person", [{"name": "Ann"}, {"name": "Bob", "state": "old"}])
        op.upsert_nodes(
            "Person", [{"name": "Cid"}, {"name": "Dan", "state": None}],
            merge_keys=["name"],
        )
        """


@pytest.mark.parametrize("as_sql", [False, True], ids=["run", "script"])
def test_what_is_created_gets_the_defaults_of_the_history(
    live: Project, neo4j_graph: Graph, as_sql: bool
) -> None:
    neo4j_graph.transaction([("CREATE (:Person {name: 'Cid'})", {})])
    live.revision("r1", DEFAULTS, "op.rollback_batch(); op.remove_node('Person')")

    if as_sql:
        script = _uncommented(live.done("upgrade", "head", "--sql"))
        for statement in filter(str.strip, script.split(";")):
            neo4j_graph.autocommit(statement)
    else:
        live.done("upgrade", "head")

    found = properties(neo4j_graph)
    tag = {"_alembic_batch": "r1"}
    uids = {row.pop("uid") for row in found if row["name"] != "Cid"}
    assert len(uids) == 3
    assert found == [
        {"name": "Ann", "state": "it's new", **tag},
        {"name": "Bob", "state": "old", **tag},
        {"name": "Cid"},
        {"name": "Dan", "state": "it's new", **tag},
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("op.create_nodes('P', ({'a': i} for i in range(3)))", "come from a file"),
        ("op.create_nodes('P', [{'a': 1}] * 1001)", "1,001 rows are too many"),
        ("op.load_nodes('people.csv', 'P')", "the rows of a file can't be written"),
    ],
)
def test_what_no_script_can_hold(live: Project, call: str, message: str) -> None:
    live.revision("r1", call)

    assert message in live.failed("upgrade", "head", "--sql")


def test_a_replay_touches_no_row(live: Project, neo4j_graph: Graph) -> None:
    live.revision(
        "r1",
        """
        def rows():
            assert not op.is_replaying()
            yield {"name": "Ann"}
        loaded = op.create_nodes("Person", rows())
        if loaded.created == 0:
            assert op.is_replaying()
        """,
        "op.delete_nodes_by_batch('Person')",
    )

    live.done("upgrade", "head")
    live.run("check")

    assert len(properties(neo4j_graph)) == 1


def test_a_load_takes_part_in_the_order_of_a_revision(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        """
        op.add_unique_constraint("Person", "name")
        op.create_nodes("Person", [{"name": "Ann"}])
        op.execute("MATCH (n:Person) SET n.seen = true")
        rows = op.run_cypher("MATCH (n:Person) RETURN n.name AS name, n.seen AS seen")
        op.create_nodes("Seen", rows)
        """,
    )

    live.done("upgrade", "head")

    assert properties(neo4j_graph, "Seen") == [
        {"name": "Ann", "seen": True, "_alembic_batch": "r1"}
    ]


def test_a_refused_first_row_leaves_nothing_behind(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", "op.create_nodes('Person', [{'a': {'b': 1}}])")

    message = live.failed("upgrade", "head")

    assert "row 1: expected in 'a' what a property can hold" in message
    assert "run the same command again" not in message
    assert batches(live) == {}
    live.revision("r1", "op.create_nodes('Person', [{'a': 1}])")
    live.done("upgrade", "head")
    assert batches(live)["r1"]["state"] == "loaded"


def test_a_refused_later_row_can_be_mended_in_the_graph(
    live: Project, neo4j_graph: Graph
) -> None:
    live.set("neo4j.batch_size", "2")
    live.revision(
        "r1",
        """
        op.create_nodes("Person", [{"name": f"{i}"} for i in range(3)])
        op.create_relationships(
            "Person", "Person", "KNOWS",
            ({"source": f"{i}", "target": f"{i + 1}"} for i in range(3)),
            source_key="name", target_key="name", on_unmatched="fail",
        )
        """,
        "op.rollback_batch()",
    )

    message = live.failed("upgrade", "head")
    assert "row 3: no (:Person {name: '3'})" in message
    assert "run the same command again" in message
    assert batches(live)["r1"]["state"] == "running"
    assert len(contents(neo4j_graph)[1]) == 2

    neo4j_graph.transaction([("CREATE (:Person {name: '3'})", {})])
    live.done("upgrade", "head")
    assert len(contents(neo4j_graph)[1]) == 3
    row = batches(live)["r1"]
    assert (row["created_nodes"], row["created_relationships"]) == (3, 3)
    live.done("downgrade", "base")
    assert properties(neo4j_graph) == [{"name": "3"}]


def test_a_batch_can_be_had_once(live: Project, neo4j_graph: Graph) -> None:
    load = "op.begin_batch('mine')\nop.create_nodes('Person', [{'name': 'Ann'}])"
    live.revision("r1", load, "op.rollback_batch('mine')")
    live.revision("r2", load, down="r1")
    live.done("upgrade", "r1")

    message = live.failed("upgrade", "head")

    assert "the batch mine was loaded by revision r1" in message
    assert "ingest rollback mine" in message
    assert len(properties(neo4j_graph)) == 1


def test_a_downgrade_that_forgets_its_batch(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", "op.create_nodes('Person', [{'name': 'Ann'}])")
    live.revision("r2", "op.rollback_batch('r1')", down="r1")
    live.done("upgrade", "r1")
    live.done("downgrade", "base")

    outcome = live.run("upgrade", "r1")

    assert "was loaded at" in outcome.text
    assert len(properties(neo4j_graph)) == 2
    # The other revision's batch is named.
    live.done("upgrade", "head")
    assert properties(neo4j_graph) == []


def test_relationships_of_others_stop_a_downgrade_before_it_begins(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        f"op.create_nodes('Person', {PEOPLE})",
        "op.delete_nodes_by_batch('Person')",
    )
    live.revision(
        "r2", "pass", "op.delete_nodes_by_batch('Person', 'r1', detach=True)", down="r1"
    )
    live.done("upgrade", "head")
    neo4j_graph.transaction(
        [("MATCH (a {name: 'Ann'}), (b {name: 'Bob'}) CREATE (a)-[:LIKES]->(b)", {})]
    )

    live.done("stamp", "r1")
    message = live.failed("downgrade", "base")

    assert "1 :LIKES, such as" in message
    assert "run the same command again" not in message
    assert len(properties(neo4j_graph)) == 2
    live.done("stamp", "r2")
    live.done("downgrade", "r1")
    assert properties(neo4j_graph) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("op.create_nodes('P', 'people.csv')", "op.load_nodes"),
        ("op.create_nodes([], [])", "Expected a label"),
        ("op.upsert_nodes('P', [], merge_keys=[])", "Expected merge_keys"),
        ("op.upsert_nodes('P', [], merge_keys=['a', 'a'])", "Expected merge_keys"),
        ("op.create_nodes('__AlembicNeo4jLock', [])", "belongs to alembic_neo4j"),
        ("op.begin_batch(' ')", "Expected a name for the batch"),
        ("op.begin_batch('x' * 65)", "Expected a name for the batch"),
        ("op.begin_batch('a\\nb')", "Expected a name for the batch"),
        (
            "op.create_relationships('A', 'B', 'T', [], source_key='a', "
            "target_key='b', on_unmatched='ignore')",
            "on_unmatched",
        ),
    ],
)
def test_a_call_that_can_not_be_is_refused_in_the_replay(
    project: Project, call: str, message: str
) -> None:
    project.revision("r1", call)

    found = project.failed("check")

    assert message in found
    assert "revision r1" in found


def test_the_property_may_have_another_name(live: Project, neo4j_graph: Graph) -> None:
    live.set("neo4j.batch_property", "loaded by")
    live.revision(
        "r1",
        "op.create_nodes('Person', [{'name': 'Ann', '_alembic_batch': 'x'}])",
        "op.rollback_batch()",
    )

    live.done("upgrade", "head")
    assert properties(neo4j_graph) == [
        {"name": "Ann", "_alembic_batch": "x", "loaded by": "r1"}
    ]
    live.done("downgrade", "base")
    assert properties(neo4j_graph) == []


def _uncommented(script: str) -> str:
    lines = script.splitlines()
    return "\n".join(line for line in lines if not line.startswith("//"))

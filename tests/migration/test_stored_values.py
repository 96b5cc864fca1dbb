"""Values that revisions hand to the graph: one rule for all, told before a write."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing

import pytest
from alembic.script import ScriptDirectory

from alembic_neo4j.errors import ReplayError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.migration.replay import History
from tests.graph.loads import contents, properties
from tests.migration.project import Project
from tests.migration.test_batches import batches

INFINITE = 'float("inf")'

DEFAULTS = {
    "op.add_node_property('A', 'x', default={})": "default of 'x'",
    "op.add_relationship_property('A', 'x', default={})": "default of 'x'",
    "op.restore_node_property('A', 'x', default={})": "default of 'x'",
    "op.restore_relationship_property('A', 'x', default={})": "default of 'x'",
    "op.alter_node_property('A', 'x', default={})": "default of 'x'",
    "op.alter_relationship_property('A', 'x', default={})": "default of 'x'",
    "op.add_node('A', op.Property('x', default={}))": "default of 'x'",
    "op.add_relationship_type('A', op.Property('x', default={}))": "default of 'x'",
}
VALUES = {
    'float("nan")': "it is no finite number, and allow_nan is not given",
    INFINITE: "it is no finite number, and allow_nan is not given",
    "[1.5, -float('inf')]": "it is no finite number",
    "2**63": "not within 64 bits",
    "[1, 'a']": "one kind of items, not INTEGER and STRING",
    "[1, None]": "can't hold null",
    "{'a': 1}": "can't hold a dict",
    "'\\ud800'": "half of a pair",
    "{1}": "can't hold a set; give a list",
    "__import__('decimal').Decimal(1)": "give a float or a text",
}


@pytest.mark.parametrize("call", DEFAULTS)
def test_a_default_that_no_property_can_hold_is_told_without_a_server(
    project: Project, call: str
) -> None:
    for value, reason in VALUES.items():
        code = call.replace("={}", f"={value}")
        path = project.revision("r1", code)
        line = path.read_text().splitlines().index(f"    {code}") + 1
        with pytest.raises(ReplayError) as told:
            History(ScriptDirectory.from_config(project.config())).at_heads()
        assert f"revision r1 ({path}, line {line})" in str(told.value)
        assert DEFAULTS[call] in str(told.value)
        assert reason in str(told.value)

    assert DEFAULTS[call] in project.failed("check")


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ("FloatProperty(default=math.nan)", "NaN, which equals nothing"),
        ("IntegerProperty(default=2**63)", "not within 64 bits"),
        ("ArrayProperty(default=[1, 'a'])", "one kind of items"),
        ("ArrayProperty(default=[1, None])", "can't hold null"),
    ],
)
def test_a_default_of_a_model_is_told_by_name(
    project: Project, declared: str, reason: str
) -> None:
    project.models(f"import math\nclass A(StructuredNode):\n    x = {declared}")

    message = project.failed("revision", "--autogenerate")

    assert "the default of 'x'" in message
    assert reason in message


def test_an_infinite_default_is_declared_with_the_option(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE (:A {name: 'there'})", {})])
    before = contents(neo4j_graph)
    plain = "class A(StructuredNode):\n    name = StringProperty()"
    live.models(plain)
    live.done("revision", "--autogenerate", "--rev-id", "r1")
    live.models(f"{plain}\n    x = FloatProperty(default=float('inf'))")
    live.done("revision", "--autogenerate", "--rev-id", "r2")
    (path,) = (live.path / "migrations" / "versions").glob("r2_*.py")
    assert 'default=float("inf"), allow_nan=True' in " ".join(path.read_text().split())

    live.done("upgrade", "head")
    live.done("check")
    live.revision(
        "r3",
        "op.create_nodes('A', [{'name': 'new'}])",
        "op.rollback_batch()",
        down="r2",
    )
    live.done("upgrade", "head")

    found = {row["name"]: row["x"] for row in properties(neo4j_graph, "A")}
    assert found == {"there": math.inf, "new": math.inf}
    path.write_text(path.read_text().replace("allow_nan=True", "allow_nan=False"))
    assert "allow_nan is not given" in live.failed("check")
    path.write_text(path.read_text().replace("allow_nan=False", "allow_nan=True"))
    live.done("downgrade", "base")
    assert contents(neo4j_graph) == before


LOADS = {
    "op.create_nodes('P', [{'a': 1}, {'a': VALUE}])": "'a'",
    "op.create_nodes('P', [{'a': 1}, {'b': VALUE}])": "'b'",
    "op.upsert_nodes('P', [{'a': 1}, {'a': VALUE}], merge_keys='a')": "'a'",
    "op.create_relationships('P', 'P', 'R', [{'source': 1, 'target': 1}, "
    "{'source': 1, 'target': 1, 'properties': {'a': VALUE}}], "
    "source_key='a', target_key='a')": "'a'",
    "op.upsert_relationships('P', 'P', 'R', [{'source': 1, 'target': 1}, "
    "{'source': {'a': VALUE}, 'target': 1}], "
    "source_key='a', target_key='a')": "'source'",
}


@pytest.mark.parametrize("call", LOADS)
def test_rows_are_judged_before_the_first_revision_runs(
    live: Project, neo4j_graph: Graph, call: str
) -> None:
    live.revision("r1", "op.run_cypher('CREATE (:First)')")
    for value, reason in VALUES.items():
        live.revision("r2", call.replace("VALUE", value), down="r1")
        message = live.failed("upgrade", "head")
        assert "nothing has run" in message
        assert "r2: load of" in message
        assert f"row 2: expected in {LOADS[call]} what a property can hold" in message
        assert reason in message

    assert contents(neo4j_graph) == [[], []]
    assert batches(live) == {}


def test_rows_that_a_replay_has_not_are_judged_when_they_are_loaded(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        """
        found = op.run_cypher("RETURN 1 AS x")
        op.create_nodes("P", [{"a": found[0]["x"] if found else float("nan")}])
        """,
    )

    live.done("upgrade", "head")

    assert [row["a"] for row in properties(neo4j_graph, "P")] == [1]


def test_what_is_allowed_is_stored_and_taken_back(
    live: Project, neo4j_graph: Graph
) -> None:
    before = contents(neo4j_graph)
    live.revision(
        "r1",
        f"""
        rows = [{{"a": 1, "x": {INFINITE}}}, {{"a": 2, "x": float("nan")}}]
        op.create_nodes("P", rows, allow_nan=True)
        op.upsert_nodes("P", [dict(r, y=r["x"]) for r in rows],
                        merge_keys="a", allow_nan=True)
        between = [{{"source": 1, "target": 2, "properties": {{"x": {INFINITE}}}}}]
        keys = {{"source_key": "a", "target_key": "a", "allow_nan": True}}
        op.create_relationships("P", "P", "R", between, **keys)
        op.upsert_relationships("P", "P", "S", between, **keys)
        """,
        "op.rollback_batch()",
    )

    live.done("upgrade", "head")

    found = neo4j_graph.read("MATCH (p:P) RETURN p.x AS x, p.y AS y ORDER BY p.a")
    assert [repr(list(row.values())) for row in found] == ["[inf, inf]", "[nan, nan]"]
    related = neo4j_graph.read("MATCH ()-[r]->() RETURN r.x AS x")
    assert related == [{"x": math.inf}] * 2
    live.done("downgrade", "base")
    assert contents(neo4j_graph) == before


def test_a_script_has_the_same_rule(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", f"op.create_nodes('P', [{{'x': {INFINITE}}}])")
    assert "row 1: expected in 'x'" in live.failed("upgrade", "head", "--sql")

    live.revision("r1", f"op.create_nodes('P', [{{'x': {INFINITE}}}], allow_nan=True)")
    assert "Infinity" in live.done("upgrade", "head", "--sql")


def test_a_script_has_the_rows_of_formats(live: Project) -> None:
    live.revision(
        "r1",
        """
        op.add_node("P", op.Property("day", "STRING", format="date"))
        op.create_nodes("P", [{"day": __import__("datetime").date(2024, 1, 2)}])
        """,
    )

    assert "'2024-01-02'" in live.done("upgrade", "head", "--sql")


PARAMETERS = {
    "2**63": "not within 64 bits",
    "'\\ud800'": "half of a pair",
    "[{'a': [2**63]}]": "not within 64 bits",
    "{1: 2}": "the keys of a map are texts",
    "{1, 2}": "give a list",
    "datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone("
    "datetime.timedelta(hours=20)))": "more than 18 hours",
}


@pytest.mark.parametrize(
    "call",
    [
        "op.run_cypher('CREATE (:B {x: $x})', {'x': VALUE})",
        "op.get_bind().run('CREATE (:B {x: $x})', x=VALUE)",
    ],
)
def test_a_parameter_that_can_not_be_sent_is_told_before_anything_runs(
    live: Project, neo4j_graph: Graph, call: str
) -> None:
    for value, reason in PARAMETERS.items():
        live.revision(
            "r1",
            f"op.run_cypher('CREATE (:A)')\n{call.replace('VALUE', value)}",
            header="import datetime",
        )
        message = live.failed("upgrade", "head")
        assert "expected in the parameter $x what can be sent to Neo4j" in message
        assert reason in message

    assert contents(neo4j_graph) == [[], []]


def test_a_parameter_need_be_no_property(live: Project, neo4j_graph: Graph) -> None:
    live.revision(
        "r1",
        "op.run_cypher('CREATE (:A {x: $x, n: size($y[0].z)})', "
        "{'x': float('nan'), 'y': [{'z': [1, 'a', None]}]})",
    )

    live.done("upgrade", "head")

    (row,) = properties(neo4j_graph, "A")
    assert math.isnan(row["x"])
    assert row["n"] == 3


MAPPING = """
[[nodes]]
labels = "P"
query = "SELECT id FROM p"
key = "id"
[[nodes]]
labels = "Q"
query = "SELECT id, x FROM p"
key = "id"
"""


def test_a_transfer_reads_all_before_it_writes(
    live: Project, neo4j_graph: Graph
) -> None:
    (live.path / "map.toml").write_text(MAPPING)
    with closing(sqlite3.connect(live.path / "p.db")) as connection, connection:
        connection.execute("CREATE TABLE p (id INTEGER, x)")
        connection.execute("INSERT INTO p VALUES (1, 1.5), (2, 9e999)")
    live.revision("r1", "op.transfer('p.db', mapping='map.toml')")

    message = live.failed("upgrade", "head")

    assert "row 2, column 'x'" in message
    assert "it is no finite number, and allow_nan is not given" in message
    assert contents(neo4j_graph) == [[], []]

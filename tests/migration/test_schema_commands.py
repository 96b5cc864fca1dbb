"""Schema commands that a person wrote: the catalogue tells what became of them."""

from __future__ import annotations

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import Project, data, indexes

UNIQUE = "CREATE CONSTRAINT c FOR (n:P) REQUIRE n.p IS UNIQUE"
RELATIONSHIP = "CREATE CONSTRAINT c FOR ()-[r:R]-() REQUIRE r.p IS UNIQUE"

REFUSED = {
    "constraint behind an index": (
        "CREATE INDEX i FOR (n:P) ON (n.p)",
        UNIQUE,
        "already exists an index",
    ),
    "constraint that is lenient behind an index": (
        "CREATE INDEX i FOR (n:P) ON (n.p)",
        "CREATE CONSTRAINT IF NOT EXISTS FOR (n:P) REQUIRE n.p IS UNIQUE",
        "already exists an index",
    ),
    "relationship constraint behind an index": (
        "CREATE INDEX i FOR ()-[r:R]-() ON (r.p)",
        RELATIONSHIP,
        "already exists an index",
    ),
    "index behind a constraint": (
        UNIQUE,
        "CREATE INDEX i FOR (n:P) ON (n.p)",
        "There is a uniqueness constraint",
    ),
    "the same index under another name": (
        "CREATE INDEX i FOR (n:P) ON (n.p)",
        "CREATE INDEX j FOR (n:P) ON (n.p)",
        "already exists",
    ),
    "the same index under its name": (
        "CREATE INDEX i FOR (n:P) ON (n.p)",
        "CREATE INDEX i FOR (n:P) ON (n.p)",
        "already exists",
    ),
    "another index of the name": (
        "CREATE INDEX i FOR (n:Other) ON (n.p)",
        "CREATE INDEX i FOR (n:P) ON (n.p)",
        "already exists",
    ),
    "if not exists over another index of the name": (
        "CREATE INDEX i FOR (n:Other) ON (n.p)",
        "CREATE INDEX i IF NOT EXISTS FOR (n:P) ON (n.p)",
        "its name is taken by RANGE index i on Other(p)",
    ),
    "if not exists over another kind of index of the name": (
        "CREATE TEXT INDEX i FOR (n:P) ON (n.p)",
        "CYPHER 5 CREATE RANGE INDEX `i` IF NOT EXISTS FOR (n:P) ON (n.p);",
        "its name is taken by TEXT index i on P(p)",
    ),
    "if not exists over another constraint of the name": (
        "CREATE CONSTRAINT c FOR (n:Other) REQUIRE n.p IS UNIQUE",
        "CREATE CONSTRAINT c IF NOT EXISTS FOR (n:P) REQUIRE n.p IS UNIQUE",
        "its name is taken by UNIQUE constraint c on Other(p)",
    ),
    "no such index": ("", "DROP INDEX gone", "gone"),
    "no such constraint": ("", "DROP CONSTRAINT gone", "gone"),
    "a constraint's index": (UNIQUE, "DROP INDEX c", "belongs to constraint"),
    "an index that fails": (
        "CREATE (:P {p: range(1, 1100)})",
        "CREATE INDEX i FOR (n:P) ON (n.p)",
        "'i' is FAILED",
    ),
    "the second of two": (
        "CREATE INDEX i FOR (n:P) ON (n.p)",
        f"CREATE INDEX first FOR (n:P) ON (n.q)', '{UNIQUE}",
        "already exists an index",
    ),
}

CALLS = {
    "run_cypher": "for text in ['{}']: op.run_cypher(text)",
    "execute": "for text in ['{}']: op.execute(text)",
    "bind": "for text in ['{}']: op.get_bind().run(text)",
    "autocommit": "with op.get_context().autocommit_block():\n"
    "    for text in ['{}']: op.execute(text)",
}


def _refused_twice(project: Project, graph: Graph, message: str, *verb: str) -> None:
    before = indexes(graph)
    heads = project.heads()
    for _ in range(2):
        told = project.failed(*verb)
        assert message in told, told
        assert project.heads() == heads
        assert indexes(graph) - {"first"} == before


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_stays_a_refusal(
    live: Project, neo4j_graph: Graph, name: str
) -> None:
    there, command, message = REFUSED[name]
    if there:
        neo4j_graph.transaction([(there, {})])
    live.revision("r1", f"op.execute('CREATE (:First)')\n{CALLS['execute']}")
    path = live.versions / "r1_.py"
    path.write_text(path.read_text().replace("{}", command))
    _refused_twice(live, neo4j_graph, message, "upgrade", "head")
    assert data(neo4j_graph).count({"labels": ["First"]}) == 1


@pytest.mark.parametrize("call", CALLS)
def test_whatever_the_call(live: Project, neo4j_graph: Graph, call: str) -> None:
    neo4j_graph.transaction([("CREATE INDEX i FOR (n:P) ON (n.p)", {})])
    body = CALLS[call].replace("{}", UNIQUE)
    live.revision("r1", f"op.execute('CREATE (:First)')\n{body}")
    _refused_twice(live, neo4j_graph, "already exists an index", "upgrade", "head")
    neo4j_graph.transaction([("DROP INDEX i", {})])
    live.done("upgrade", "head")
    rows = neo4j_graph.read("SHOW CONSTRAINTS YIELD name WHERE name = 'c' RETURN name")
    assert rows == [{"name": "c"}]
    assert data(neo4j_graph) == [{"labels": ["First"]}]


def test_in_a_downgrade(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", "op.execute('CREATE (:First)')", "")
    path = live.versions / "r1_.py"
    downgrade = "op.execute('MATCH (n:First) DELETE n')\n    op.execute('DROP INDEX i')"
    text = path.read_text().replace(
        "def downgrade():\n    pass", "def downgrade():\n    " + downgrade
    )
    path.write_text(text)
    live.done("upgrade", "head")
    _refused_twice(live, neo4j_graph, "i", "downgrade", "base")
    neo4j_graph.transaction([("CREATE INDEX i FOR (n:P) ON (n.p)", {})])
    live.done("downgrade", "base")
    assert indexes(neo4j_graph) == set()
    assert data(neo4j_graph) == []


def test_in_files_of_cypher(live: Project, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("CREATE INDEX i FOR (n:P) ON (n.p)", {})])
    text = f"CREATE (:First);\n{UNIQUE};"
    (live.versions / "a.cypher").write_text(text)
    live.revision("r1", "op.run_cypher_file('a.cypher')")
    _refused_twice(live, neo4j_graph, "a.cypher, line 2: ", "upgrade", "head")
    (live.path / "b.cypher").write_text(text.replace(" c FOR", " c IF NOT EXISTS FOR"))
    live.verb("repair", "--abandon-run", "--yes")
    for _ in range(2):
        outcome = live.verb("run", "b.cypher")
        assert outcome.status == 2, outcome.text
        assert "b.cypher, line 2: " in outcome.text
    assert data(neo4j_graph) == [{"labels": ["First"]}] * 2
    neo4j_graph.transaction([("DROP INDEX i", {})])
    assert live.verb("run", "b.cypher").status == 0
    assert data(neo4j_graph) == [{"labels": ["First"]}] * 2


def test_our_own_operations_are_refused_again(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE INDEX theirs FOR (n:P) ON (n.p)", {})])
    # Where its replay shows it, it is refused before the first write.
    unseen = "if not op.is_replaying(): op.add_index('P', 'p')"
    live.revision("r1", f"op.execute('CREATE (:First)')\n{unseen}")
    message = "the graph has it already, and the history does not know it"
    _refused_twice(live, neo4j_graph, message, "upgrade", "head")


def test_dropping_with_our_own_operation_is_refused_again(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", "op.add_index('P', 'p', name='i')")
    unseen = "if not op.is_replaying(): op.drop_index('P', 'p')"
    live.revision("r2", f"op.execute('CREATE (:X)')\n{unseen}", down="r1")
    live.done("upgrade", "r1")
    neo4j_graph.transaction([("DROP INDEX i", {})])
    message = "the graph does not have it"
    _refused_twice(live, neo4j_graph, message, "upgrade", "head")


@pytest.mark.parametrize(
    ("there", "command", "left"),
    [
        ("", "DROP INDEX gone IF EXISTS", set()),
        ("", "DROP CONSTRAINT gone IF EXISTS", set()),
        (
            "CREATE INDEX theirs FOR (n:P) ON (n.p)",
            "CREATE INDEX mine IF NOT EXISTS FOR (n:P) ON (n.p)",
            {"theirs"},
        ),
        (
            "CREATE INDEX theirs FOR (n:P) ON (n.p)",
            "CREATE INDEX theirs IF NOT EXISTS FOR (n:P) ON (n.p)",
            {"theirs"},
        ),
        ("", "CREATE INDEX $name FOR (n:P) ON (n.p)", {"named"}),
        (
            "CREATE INDEX i FOR (n:P) ON (n.p)",
            "EXPLAIN CREATE INDEX other FOR (n:P) ON (n.q)",
            {"i"},
        ),
    ],
)
def test_what_asks_for_what_is_there_is_done(
    live: Project, neo4j_graph: Graph, there: str, command: str, left: set[str]
) -> None:
    if there:
        neo4j_graph.transaction([(there, {})])
    live.revision("r1", f"op.run_cypher({command!r}, {{'name': 'named'}})")
    live.done("upgrade", "head")
    assert indexes(neo4j_graph) == left
    assert live.heads() == ["r1"]


def test_a_drop_and_a_creation_are_two_transactions(
    live: Project, neo4j_graph: Graph
) -> None:
    # Rolled back together they break the index (neo4j/neo4j#13539).
    neo4j_graph.transaction([("CREATE INDEX i FOR (n:P) ON (n.p)", {})])
    neo4j_graph.transaction([("CREATE (:P {p: 1}) CREATE (:P {p: 1})", {})])
    live.revision("r1", f"op.execute('DROP INDEX i')\nop.execute('{UNIQUE}')")
    assert "1" in live.failed("upgrade", "head")
    assert indexes(neo4j_graph) == set()
    assert neo4j_graph.read("MATCH (n:P {p: 1}) RETURN count(n) AS n") == [{"n": 2}]
    neo4j_graph.transaction([("MATCH (n:P) WITH n LIMIT 1 DELETE n", {})])
    live.done("upgrade", "head")


def test_an_error_before_the_first_operation_of_a_resumed_run_keeps_it(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        """
        import os
        if not op.is_replaying() and os.path.exists("stop"):
            raise RuntimeError("stopped")
        op.run_cypher("CREATE (:First)")
        op.run_cypher("MATCH (n:Switch) SET n.x = 1 / n.zero")
        """,
    )
    neo4j_graph.transaction([("CREATE (:Switch {zero: 0})", {})])
    live.failed("upgrade", "head")
    (live.path / "stop").touch()
    with pytest.raises(RuntimeError, match="stopped"):
        live.run("upgrade", "head")
    (live.path / "stop").unlink()
    neo4j_graph.transaction([("MATCH (n:Switch) SET n.zero = 1", {})])
    live.done("upgrade", "head")
    assert data(neo4j_graph).count({"labels": ["First"]}) == 1

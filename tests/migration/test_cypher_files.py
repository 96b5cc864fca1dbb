"""``op.run_cypher_file``: what a revision runs from a file, and how that is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import Project, data, graph_state, indexes

MIXED = """// the schema
CREATE INDEX one FOR (n:P) ON (n.a);
:param x => 5
CREATE (:P {a: $x, t: "a;
// b"}); CREATE (:P {a: $y});
MATCH (n:P) CALL (n) { SET n.c = 1 } IN TRANSACTIONS OF 1 ROWS;
CREATE INDEX two FOR (n:P) ON (n.c)"""


@pytest.fixture
def mixed(live: Project) -> Project:
    live.revision("r1", "op.run_cypher_file('mixed.cypher', {'y': 6})")
    (live.versions / "mixed.cypher").write_text(MIXED)
    return live


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def findings(project: Project) -> set[tuple[str, str]]:
    outcome = project.verb("verify", "--format", "json")
    rows = json.loads(outcome.out)["findings"]
    return {(row["code"], row["subject"]) for row in rows}


# What it does ------------------------------------------------------------------------


def test_schema_data_and_autocommit_run_in_their_order(
    mixed: Project, neo4j_graph: Graph
) -> None:
    mixed.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (n:P) RETURN n.a AS a, n.t AS t, n.c AS c") == [
        {"a": 5, "t": "a;\n// b", "c": 1},
        {"a": 6, "t": None, "c": 1},
    ]
    assert indexes(neo4j_graph) == {"one", "two"}


@pytest.mark.parametrize("place", ["", "migrations", "migrations/versions", "cypher"])
def test_the_file_is_found_beside_the_revision_and_above_it(
    live: Project, neo4j_graph: Graph, place: str
) -> None:
    directory = live.path / place
    directory.mkdir(exist_ok=True)
    (directory / "a.cypher").write_text("CREATE (:A)")
    name = "cypher/a.cypher" if place == "cypher" else "a.cypher"
    live.revision("r1", f"op.run_cypher_file({name!r})")
    live.done("upgrade", "head")
    assert data(neo4j_graph) == [{"labels": ["A"]}]


def test_a_file_of_comments_sends_nothing(live: Project, neo4j_graph: Graph) -> None:
    (live.path / "a.cypher").write_text("// nothing;\n/* at all */")
    live.revision("r1", "op.run_cypher_file('a.cypher')")
    live.done("upgrade", "head")
    assert live.heads() == ["r1"]
    assert (live.remembered() or {})["alembic_neo4j_unit"] == []


def test_names_in_a_loop_and_a_downgrade(live: Project, neo4j_graph: Graph) -> None:
    (live.path / "a.cypher").write_text("CREATE (:A)")
    (live.path / "b.cql").write_text("CREATE (:B)")
    (live.path / "undo.cypher").write_text("MATCH (n:A|B) DELETE n")
    live.revision(
        "r1",
        "for name in ('a.cypher', 'b.cql'): op.run_cypher_file(name)",
        "op.run_cypher_file('undo.cypher')",
    )
    live.done("upgrade", "head")
    assert data(neo4j_graph) == [{"labels": ["A"]}, {"labels": ["B"]}]
    live.done("downgrade", "base")
    assert data(neo4j_graph) == []


def test_many_statements_are_many_transactions(
    live: Project, neo4j_graph: Graph
) -> None:
    (live.path / "a.cypher").write_text("CREATE (:A);\n" * 2_500)
    live.revision("r1", "op.run_cypher_file('a.cypher')")
    live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (n:A) RETURN count(n) AS n") == [{"n": 2_500}]
    assert len((live.remembered() or {})["alembic_neo4j_unit"]) == 3


def test_a_script_has_the_statements(mixed: Project) -> None:
    written = mixed.done("upgrade", "head", "--sql")
    assert 'CREATE (:P {a: 5, t: "a;\n// b"});' in written
    assert "CREATE (:P {a: 6});" in written


# What is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "text", "message"),
    [
        ("'a.cypher'", None, "there is no such file beside"),
        ("'a.' + 'cypher'", "RETURN 1", "the name has to stand in r1_.py"),
        ("'a.txt'", "RETURN 1", "as one string that ends in .cypher or .cql or .cyp"),
        ("'a.cypher'", "RETURN 1;\n:use neo4j", "a.cypher, line 2: `:use neo4j`"),
        ("'a.cypher'", "RETURN 1;\n:exit", "a.cypher, line 2: ':exit' is a command"),
        ("'a.cypher'", "RETURN 1;\nRETURN $x", "a.cypher, line 2: $x has no value"),
        ("'a.cypher'", "RETURN 1;\nRETURN 'a", "a.cypher: Cypher that can be read"),
    ],
)
def test_nothing_runs_where_the_file_can_not_be_run(
    live: Project, neo4j_graph: Graph, call: str, text: str | None, message: str
) -> None:
    if text is not None:
        (live.path / "a.cypher").write_text(text)
    live.revision("r1", f"op.run_cypher('CREATE (:A)'); op.run_cypher_file({call})")
    before = graph_state(neo4j_graph)
    assert message in live.failed("upgrade", "head")
    assert graph_state(neo4j_graph) == before
    assert live.remembered() is None


def test_a_statement_that_is_refused_is_told_with_its_line(
    live: Project, neo4j_graph: Graph
) -> None:
    statement = "MERGE (n:A) ON CREATE SET n.x = 1 ON MATCH SET n.x = 1 / (n.x - 1)"
    (live.path / "a.cypher").write_text(f"CREATE (:B);\n{statement};\n{statement};")
    live.revision("r1", "op.run_cypher_file('a.cypher')")
    assert "a.cypher, line 3: / by zero" in live.failed("upgrade", "head")
    assert data(neo4j_graph) == []


def test_schema_is_refused_with_its_line(live: Project) -> None:
    text = "CREATE INDEX a FOR (n:A) ON (n.a);\n\nCREATE INDEX b FOR (n:A) ON (n.a)"
    (live.path / "a.cypher").write_text(text)
    live.revision("r1", "op.run_cypher_file('a.cypher')")
    assert "a.cypher, line 3: " in live.failed("upgrade", "head")


# An edited file ----------------------------------------------------------------------


def test_an_edited_file_of_an_applied_revision_is_refused(
    mixed: Project, neo4j_graph: Graph
) -> None:
    mixed.done("upgrade", "head")
    edit(mixed.versions / "mixed.cypher", "$x", "$y")
    mixed.revision("r2", down="r1")
    told = mixed.failed("upgrade", "head")
    assert "revision r1 was edited after it was applied" in told
    assert "(or what it runs: mixed.cypher)" in told
    assert ("file-edited", "revision r1") in findings(mixed)
    assert "r1_.py, or mixed.cypher" in mixed.verb("verify").out


@pytest.mark.parametrize("place", ["", "migrations/versions"])
def test_a_file_that_is_gone_or_overlaid_is_noticed(
    live: Project, neo4j_graph: Graph, place: str
) -> None:
    (live.path / "migrations" / "a.cypher").write_text("CREATE (:A)")
    live.revision("r1", "op.run_cypher_file('a.cypher')")
    live.done("upgrade", "head")
    if place:
        (live.path / place / "a.cypher").write_text("CREATE (:B)")
    else:
        (live.path / "migrations" / "a.cypher").unlink()
    live.revision("r2", down="r1")
    message = "was edited" if place else "no such file"
    assert message in live.failed("upgrade", "head")


def test_line_endings_are_no_edit_and_comments_are_told_apart(
    mixed: Project, neo4j_graph: Graph
) -> None:
    mixed.done("upgrade", "head")
    path = mixed.versions / "mixed.cypher"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    codes = {code for code, _ in findings(mixed)}
    assert not {"file-edited", "file-reformatted"} & codes
    path.write_text(MIXED.replace("// the schema", "// the schema of today"))
    assert ("file-reformatted", "revision r1") in findings(mixed)


def test_a_resumed_run_notices_the_edit(live: Project, neo4j_graph: Graph) -> None:
    path = live.path / "a.cypher"
    path.write_text(
        "CREATE (:A);\nCREATE INDEX a FOR (n:A) ON (n.a); CREATE (:B {x: 1/0})"
    )
    live.revision("r1", "op.run_cypher_file('a.cypher')")
    assert "a.cypher, line 2: / by zero" in live.failed("upgrade", "head")
    assert data(neo4j_graph) == [{"labels": ["A"]}]
    edit(path, "1/0", "1/1")
    told = live.failed("upgrade", "head")
    assert (
        "the file of revision r1 (or what it runs: a.cypher) was edited since" in told
    )
    assert data(neo4j_graph) == [{"labels": ["A"]}]

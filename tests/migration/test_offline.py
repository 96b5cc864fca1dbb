"""``--sql``: a script that cypher-shell runs as it is."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from alembic_neo4j.cypher.lexer import split_statements
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe
from alembic_neo4j.local import artifacts
from alembic_neo4j.local.java import suitable_java
from alembic_neo4j.pytest_plugin import Neo4jServer
from tests.migration.project import Project, data, graph_state, indexes, stamped

Shell = Callable[[str], None]

DATA = (
    "UNWIND range(1, 25) AS n CREATE (:Person {name: 'p' + n, n: n})"
    "-[:KNOWS {since: n}]->(:Pet {name: 'a; // no comment'})"
)
HOSTILE = """
op.run_cypher("CREATE (:Odd {a: $a, b: $b, c: $c, d: $d})", {
    "a": "';\\n// DROP\\r\\n\\u2028 \\\\ \\" ` é 漢 \\x00",
    "b": [1.0, -2.5, 1e300],
    "c": {"x y": 1}["x y"],
    "d": 2**62,
})
"""


@pytest.fixture(scope="session")
def class_path() -> str:
    """The jars of cypher-shell, from Maven Central."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artifacts, "_ARTIFACTS", (("org.neo4j", "cypher-shell"),))
        version, where = artifacts.DEFAULT_VERSION, artifacts.repository()
        jars = artifacts.resolve(version, repository=where)
    artifacts.fetch(version, jars, repository=where)
    return ":".join(str(where / jar.path) for jar in jars)


@pytest.fixture
def cypher_shell(class_path: str, neo4j_server: Neo4jServer) -> Shell:
    """Run a script as ``cypher-shell < script`` does."""

    def run(script: str) -> None:
        java = suitable_java(artifacts.DEFAULT_VERSION).executable
        done = subprocess.run(
            [
                *(str(java), "-cp", class_path),
                "org.neo4j.shell.Main",
                *("--non-interactive", "--fail-fast"),
                *("-a", neo4j_server.url, "-u", neo4j_server.username),
                *("-p", neo4j_server.password),
            ],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.fixture
def scripted(live: Project) -> Project:
    """A history with every kind of statement."""
    live.revision(
        "r1",
        f"""
        op.add_node("Person", op_Property("name", "STRING"))
        op.execute({DATA!r})
        op.add_index("Person", "name")
        op.add_unique_constraint("Person", "n")
        op.add_fulltext_index(["Person", "Pet"], "name", name="semi;colon `name`")
        """,
        """
        op.drop_index("Person", "name")
        op.drop_unique_constraint("Person", "n")
        op.drop_fulltext_index(["Person", "Pet"], "name")
        op.execute("MATCH (n) WHERE n:Person OR n:Pet DETACH DELETE n")
        """,
        header="from alembic_neo4j.schema.definitions import Property as op_Property",
    )
    live.revision(
        "r2",
        f"""
        {HOSTILE.strip().replace(chr(10), chr(10) + " " * 8)}
        op.rename_node_property("Person", "name", "full name")
        op.rename_label("Person", "Human")
        op.rename_relationship_type("KNOWS", "OWNS")
        with op.get_context().autocommit_block():
            op.execute("MATCH (n:Pet) CALL (n) {{ SET n.seen = true }} "
                       "IN TRANSACTIONS OF 10 ROWS")
        op.execute("MATCH (n:Pet) REMOVE n.seen;")
        """,
        """
        op.rename_relationship_type("OWNS", "KNOWS")
        op.rename_label("Human", "Person")
        op.rename_node_property("Person", "full name", "name")
        op.execute("MATCH (n:Odd) DELETE n")
        """,
        down="r1",
    )
    live.revision("r3", "op.add_index('Human', 'm')", down="r2")
    return live


def _comparable(graph: Graph) -> list[object]:
    graph.transaction(
        [("MATCH (s:__AlembicNeo4jStamp) REMOVE s.ledger, s.written", {})]
    )
    nodes, relationships, *schema = graph_state(graph)
    by_text = [sorted(map(_canonical, rows)) for rows in (nodes, relationships)]
    return [*by_text, *schema]


def _canonical(row: dict[str, object]) -> str:
    # The server gives the keys of a map in any order.
    return json.dumps(row, sort_keys=True, default=str)


def test_cypher_shell_makes_what_an_upgrade_makes(
    scripted: Project, neo4j_graph: Graph, cypher_shell: Shell
) -> None:
    script = scripted.done("upgrade", "r2", "--sql")
    back = scripted.done("downgrade", "r2:base", "--sql")
    assert not scripted.ledger.exists()
    assert stamped(neo4j_graph) is None
    cypher_shell(script)
    assert stamped(neo4j_graph) == ["r2"]
    by_script = _comparable(neo4j_graph)
    wipe(neo4j_graph)
    scripted.done("upgrade", "r2")
    assert by_script == _comparable(neo4j_graph)
    cypher_shell(back)
    assert data(neo4j_graph) == []
    assert indexes(neo4j_graph) == set()
    assert stamped(neo4j_graph) == []


def test_the_script_ends_in_the_stamp_that_makes_the_ledger_follow(
    scripted: Project, neo4j_graph: Graph
) -> None:
    script = scripted.done("upgrade", "r2", "--sql")
    _run(neo4j_graph, script)
    last = script.strip().splitlines()[-1]
    assert last == "// alembic -c neo4j.ini stamp r2"
    assert "no stamp" not in scripted.failed("upgrade", "head")
    scripted.done(*last.removeprefix("// alembic -c neo4j.ini ").split())
    assert scripted.heads() == ["r2"]
    scripted.done("upgrade", "head")
    assert stamped(neo4j_graph) == ["r3"]


def test_the_stamp_to_run_names_the_section(scripted: Project) -> None:
    text = scripted.ini.read_text().partition("[loggers]")[0]
    section = text[text.index("[alembic]") :].replace("[alembic]", "[staging]")
    scripted.ini.write_text(f"{section}\n{scripted.ini.read_text()}")
    out = scripted.done("-n", "staging", "downgrade", "r2:base", "--sql")
    assert out.strip().endswith("// alembic -c neo4j.ini -n staging stamp base")


def test_the_script_is_cypher_and_comments_alone(
    scripted: Project, neo4j_server: Neo4jServer
) -> None:
    script = scripted.done("upgrade", "head", "--sql")
    for statement in split_statements(script):
        code = [
            line
            for line in statement.text.splitlines()
            if not line.lstrip().startswith("//")
        ]
        assert not any("alembic_version" in line for line in code)
        assert not any(line.startswith("--") for line in code)
    lines = script.splitlines()
    assert "// Running upgrade  -> r1" in lines
    assert "// ledger: CREATE TABLE alembic_version (" in lines
    assert "// ledger: INSERT INTO alembic_version (version_num) VALUES ('r1');" in [
        line.replace(" RETURNING version_num", "") for line in lines
    ]
    assert neo4j_server.password not in script
    assert neo4j_server.url not in script


def test_statements_are_grouped_by_kind(scripted: Project) -> None:
    script = scripted.done("upgrade", "r1", "--sql")
    starts = [
        next(
            line
            for line in statement.text.strip().splitlines()
            if line and not line.startswith("//")
        ).split()[0]
        for statement in split_statements(script)
    ]
    assert starts == ["UNWIND", "CREATE", "CREATE", "CREATE", "CALL", "MERGE"]


def test_a_script_needs_neither_server_nor_ledger(project: Project) -> None:
    project.revision("r1", "op.add_index('P', 'p')", "op.drop_index('P', 'p')")
    project.revision("r2", "op.execute('CREATE (:P)')", down="r1")
    assert "Running upgrade r1 -> r2" in project.done("upgrade", "r1:r2", "--sql")
    assert "CREATE RANGE INDEX" in project.done("upgrade", "head", "--sql")
    assert "DROP INDEX" in project.done("downgrade", "r2:base", "--sql")
    assert not project.ledger.exists()


def test_a_range_begins_where_it_says(project: Project) -> None:
    project.revision("r1", "op.execute('CREATE (:First)')")
    project.revision("r2", "op.execute('CREATE (:Second)')", down="r1")
    script = project.done("upgrade", "r1:head", "--sql")
    assert "Second" in script
    assert "First" not in script
    assert "CREATE TABLE" not in script
    assert "UPDATE alembic_version SET version_num='r2'" in script
    assert "requires <fromrev>:<torev>" in project.failed("downgrade", "r1", "--sql")
    assert "Can't locate revision" in project.failed("upgrade", "nope:head", "--sql")
    assert project.done("upgrade", "head:head", "--sql") == ""


def test_rows_can_not_be_read_for_a_script(project: Project) -> None:
    project.revision(
        "r1",
        """
        rows = op.run_cypher("MATCH (n:P) RETURN n.p AS p")
        for row in rows:
            op.execute("CREATE (:Q)")
        """,
    )
    message = project.failed("upgrade", "head", "--sql")
    assert "reads rows from the graph" in message
    assert "--sql" in message


def test_a_guard_writes_the_rest(project: Project) -> None:
    project.revision(
        "r1",
        """
        rows = op.run_cypher("MATCH (n:P) RETURN n.p AS p")
        if not op.get_context().as_sql:
            assert len(rows) >= 0
        op.execute("CREATE (:Q)")
        """,
    )
    script = project.done("upgrade", "head", "--sql")
    assert script.index("RETURN n.p AS p;") < script.index("CREATE (:Q);")


def test_a_placeholder_can_not_be_written(project: Project) -> None:
    project.revision(
        "r1",
        """
        op.add_node("P")
        op.add_node_property("P", "x", "STRING", required=True, backfill=op.FILL_IN)
        """,
    )
    assert "op.FILL_IN" in project.failed("upgrade", "head", "--sql")


def test_a_value_without_a_literal_is_refused(project: Project) -> None:
    project.revision("r1", "op.run_cypher('CREATE (:P {p: $p})', {'p': object()})")
    assert "object" in project.failed("upgrade", "head", "--sql")


def test_a_check_is_a_query_in_comments(project: Project) -> None:
    project.revision("r1", "op.add_unique_constraint('P', 'p')")
    script = project.done("upgrade", "head", "--sql")
    assert "// Expected: " in script
    assert len(split_statements(script)) == 2


def test_an_unsafe_downgrade_is_refused(project: Project) -> None:
    project.revision("r1", rollback_safe=False)
    message = project.failed("downgrade", "r1:base", "--sql")
    assert "rollback_safe = False" in message


def test_sqlalchemy_goes_into_comments(project: Project) -> None:
    project.revision(
        "r1",
        'op.execute(sa.text("DELETE FROM mine"))',
        header="import sqlalchemy as sa",
    )
    script = project.done("upgrade", "head", "--sql")
    assert "// ledger: DELETE FROM mine;" in script.splitlines()


def test_stamp_as_a_script(project: Project, tmp_path: Path) -> None:
    project.revision("r1", "op.execute('CREATE (:P)')")
    project.revision("r2", down="r1")
    script = project.done("stamp", "r2", "--sql")
    assert ":P" not in script
    assert "MERGE (s:__AlembicNeo4jStamp {id: 1}) SET s.heads = ['r2'];" in script
    assert script.strip().endswith("stamp r2")
    assert "Running stamp_revision r1 -> r2" in project.done("stamp", "r1:r2", "--sql")
    assert "Can't use --purge with --sql" in project.failed(
        "stamp", "--purge", "--sql", "r2"
    )


def test_a_message_can_not_leave_its_comment(project: Project) -> None:
    path = project.revision("r1", "op.execute('CREATE (:P)')")
    text = path.read_text().replace("the message of r1", "first\\nMATCH (n) DELETE n;")
    path.write_text(text)
    script = project.done("upgrade", "head", "--sql")
    first = split_statements(script)[0]
    assert first.text.strip().splitlines()[-1] == "CREATE (:P)"


def _run(graph: Graph, script: str) -> None:
    for statement in split_statements(script):
        graph.autocommit(statement.text)

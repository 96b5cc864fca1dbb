"""``alembic-neo4j verify``: files, ledger, models, runs, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import neo4j
import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import Owner, graph_lock
from alembic_neo4j.graph.wipe import wipe
from alembic_neo4j.ledger import store
from tests.migration.project import NOWHERE, Project, graph_state


def report(project: Project, *arguments: str, status: int = 1) -> dict[str, Any]:
    outcome = project.verb("verify", "--format", "json", *arguments)
    assert outcome.status == status, outcome.text
    value: dict[str, Any] = json.loads(outcome.out)
    return value


def found(project: Project, status: int = 1) -> list[tuple[str, str]]:
    """The code and the subject of each finding."""
    rows = report(project, status=status)["findings"]
    return [(row["code"], row["subject"]) for row in rows]


def only(project: Project, status: int = 1) -> dict[str, Any]:
    """The only finding."""
    (row,) = report(project, status=status)["findings"]
    assert all(row[key] for key in ("subject", "expected", "found", "advice"))
    return dict(row)


def edit(project: Project, revision: str, old: str, new: str) -> None:
    path = project.versions / f"{revision}_.py"
    source = path.read_text()
    assert old in source
    path.write_text(source.replace(old, new))


def sql(project: Project, statement: str) -> None:
    engine = create_engine(f"sqlite:///{project.ledger}")
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def make_older(project: Project, version: str) -> None:
    """Take the ledger's own tables back to an earlier version."""
    engine = create_engine(f"sqlite:///{project.ledger}")
    versions = ScriptDirectory(str(Path(store.__file__).parent))
    with engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        for script in versions.iterate_revisions("head", version):
            script.module.downgrade(operations)
    engine.dispose()
    sql(project, f"UPDATE alembic_neo4j_version SET version_num = '{version}'")


def files(directory: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def last_commit(driver: neo4j.Driver) -> frozenset[str]:
    """What a reading transaction is told was committed last (crash-safety.md, 3)."""
    with driver.session() as session:
        session.execute_read(lambda tx: tx.run("RETURN 1").consume())
        return session.last_bookmarks().raw_values


# --- what it prints --------------------------------------------------------------


def test_a_project_that_fits_is_status_0(applied: Project) -> None:
    outcome = applied.verb("verify")
    assert outcome.status == 0
    assert outcome.out.endswith(
        "0 of 0 nodes and 0 of 0 relationships: nothing found.\n"
    )


def test_the_shape_of_the_report(applied: Project, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("DROP CONSTRAINT person_name", {})])
    value = report(applied)
    assert set(value) == {
        "graph",
        "server",
        "ledger",
        "history",
        "checked",
        "unchecked",
        "read",
        "counts",
        "findings",
    }
    assert value["server"].startswith("Neo4j ")
    assert value["ledger"] == value["history"] == {"heads": ["r2"]}
    assert value["checked"] == dict.fromkeys(
        ("history", "ledger", "models", "graph", "data"), True
    )
    assert value["unchecked"] == []
    assert value["read"] == {
        "nodes": 0,
        "of_nodes": 0,
        "relationships": 0,
        "of_relationships": 0,
        "full": False,
    }
    assert value["counts"] == {"error": 1, "warning": 0, "remark": 0}
    assert value["findings"] == [
        {
            "code": "element-missing",
            "severity": "error",
            "subject": "UNIQUE constraint person_name on Person(name)",
            "expected": "CREATE CONSTRAINT `person_name` FOR (n:`Person`) "
            "REQUIRE (n.`name`) IS UNIQUE",
            "found": "nothing",
            "advice": "Create it: `alembic-neo4j repair`.",
            "repair": "create it",
            "decision": False,
            "revision": None,
        }
    ]


def test_text_for_people(applied: Project, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("DROP INDEX person_born", {})])
    outcome = applied.verb("verify")
    assert outcome.status == 1
    assert outcome.out.splitlines()[:4] == [
        "error element-missing: RANGE index person_born on Person(born)",
        "  expected: CREATE RANGE INDEX `person_born` FOR (n:`Person`) ON (n.`born`)",
        "  found:    nothing",
        "  Create it: `alembic-neo4j repair`.",
    ]
    assert outcome.out.endswith(": 1 error.\n")


def test_it_only_looks(
    applied: Project, neo4j_graph: Graph, driver: neo4j.Driver
) -> None:
    neo4j_graph.transaction([("CREATE (:Stray {x: 1})", {})])
    before = graph_state(neo4j_graph), files(applied.path), last_commit(driver)
    for arguments in ((), ("--full",), ("--format", "json")):
        assert applied.verb("verify", *arguments).status == 1
    after = graph_state(neo4j_graph), files(applied.path), last_commit(driver)
    assert after == before


def test_no_ledger_is_made(project: Project, driver: neo4j.Driver) -> None:
    project.models("class Person(StructuredNode):\n    name = StringProperty()")
    commit = last_commit(driver)
    assert found(project) == [("models-differ", "the models")]
    assert not project.ledger.exists()
    assert last_commit(driver) == commit


def test_an_unreachable_graph_is_status_2_and_the_rest_is_checked(
    applied: Project,
) -> None:
    edit(applied, "r1", "INTEGER", "STRING")
    value = report(applied, "-x", f"neo4j.url={NOWHERE}", status=2)
    assert {row["code"] for row in value["findings"]} == {
        "file-edited",
        "models-differ",
    }
    assert [part["area"] for part in value["unchecked"]] == ["graph"]
    assert "no Neo4j answers" in value["unchecked"][0]["reason"]
    assert value["checked"]["models"]
    assert not value["checked"]["graph"]
    assert value["server"] is None
    text_ = applied.verb("verify", "-x", f"neo4j.url={NOWHERE}")
    assert text_.status == 2
    assert "Not checked: graph: no Neo4j answers" in text_.out


def test_a_ledger_that_can_not_be_opened_is_status_2(applied: Project) -> None:
    applied.ledger.write_bytes(b"this is no database at all" * 100)
    value = report(applied, status=2)
    assert [part["area"] for part in value["unchecked"]] == ["ledger"]
    assert value["findings"] == []
    assert value["checked"]["models"]
    assert value["ledger"] == {"heads": None}


def test_the_ledger_of_an_older_release_is_read(applied: Project) -> None:
    make_older(applied, "0002")
    assert applied.verb("verify").status == 0
    edit(applied, "r1", "\n", "\n\n")
    # What its code was, nobody knows.
    assert only(applied)["code"] == "file-edited"
    edit(applied, "r1", "\n\n", "\n")
    applied.done("downgrade", "r1")
    applied.done("upgrade", "head")
    edit(applied, "r2", "\n", "\n\n")
    assert only(applied)["code"] == "file-reformatted"


# --- files and ledger ------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n\n", "\n\n\n\n"),
        ("\n", "  # a remark\n"),
        ("    op.add_index(", "    # first\n\n    op.add_index("),
        ('"name", "STRING"', '"name",\n        "STRING"'),
        ('"""the message of r1"""', '"""Another one.\n\nAt some length."""'),
    ],
)
def test_comments_and_whitespace_are_told_apart(
    applied: Project, old: str, new: str
) -> None:
    # peers.md, case 79.
    edit(applied, "r1", old, new)
    finding = only(applied)
    assert finding["code"] == "file-reformatted"
    assert finding["severity"] == "warning"
    assert finding["revision"] == "r1"


def test_an_edited_file(applied: Project) -> None:
    edit(applied, "r2", '"City", "name", name=', '"City", "name",  name=')
    assert only(applied)["code"] == "file-reformatted"
    edit(applied, "r2", "def downgrade():", "def downgrade():\n    x = 1")
    finding = only(applied)
    assert finding["code"] == "file-edited"
    assert finding["decision"] is True
    assert str(applied.versions / "r2_.py") in finding["found"]


def test_other_line_ends_are_no_edit(applied: Project) -> None:
    path = applied.versions / "r1_.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert found(applied, status=0) == []


def test_an_applied_revision_without_its_file(applied: Project) -> None:
    # In the middle: the one above it is there, and builds on nothing now.
    (applied.versions / "r1_.py").unlink()
    edit(applied, "r2", "down_revision = 'r1'", "down_revision = None")
    codes = found(applied)
    assert ("file-missing", "revision r1") in codes
    assert ("file-edited", "revision r2") in codes


def test_a_head_that_is_unknown_here(applied: Project) -> None:
    # peers.md, case 82.
    (applied.versions / "r2_.py").unlink()
    value = report(applied)
    codes = [(row["code"], row["subject"]) for row in value["findings"]]
    assert codes[:2] == [
        ("file-missing", "revision r2"),
        ("head-unknown", "revision r2"),
    ]
    # What the graph should be is not known then.
    assert value["checked"]["graph"] is False


def test_a_revision_that_was_inserted(applied: Project) -> None:
    applied.revision("r1b", "op.add_index('Person', 'name', name='more')", down="r1")
    edit(applied, "r2", "down_revision = 'r1'", "down_revision = 'r1b'")
    codes = found(applied)
    assert ("revision-inserted", "revision r1b") in codes
    assert "pending" not in dict(codes)


def test_pending_revisions(applied: Project) -> None:
    applied.revision("r3", "op.execute('RETURN 1')", down="r2")
    applied.revision("r4", "op.execute('RETURN 1')", down="r3")
    finding = only(applied)
    assert finding["code"] == "pending"
    assert finding["subject"] == "revision r3, r4"


def test_several_heads(applied: Project) -> None:
    applied.revision("r3", down="r2")
    applied.revision("r4", down="r2")
    assert dict(found(applied))["several-heads"] == "the history"
    applied.revision("r3", down="r2", branch_labels="three")
    applied.revision("r4", down="r2", branch_labels="four")
    assert [code for code, _ in found(applied)] == ["pending"]


def test_a_version_table_that_somebody_wrote_to(applied: Project) -> None:
    sql(applied, "UPDATE alembic_version SET version_num = 'r1'")
    codes = found(applied)
    assert ("ledger-inconsistent", "revision r2") in codes
    sql(applied, "DELETE FROM alembic_neo4j_revision WHERE revision = 'r1'")
    codes = found(applied)
    assert ("ledger-inconsistent", "revision r1") in codes


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def upgrade(:\n", "SyntaxError"),
        ("import nothing_of_this_name\n", "nothing_of_this_name"),
        ("revision = 'r3'\ndown_revision = 'r9'\n", "r9"),
        ("revision = 'r1'\ndown_revision = None\n", "present more than once"),
    ],
)
def test_files_that_can_not_be_loaded(applied: Project, source: str, told: str) -> None:
    (applied.versions / "broken_.py").write_text(source)
    broken = [r for r in report(applied)["findings"] if r["code"] == "history-broken"]
    assert told in str(broken)


def test_a_revision_that_can_not_be_replayed(applied: Project) -> None:
    applied.revision("r3", "op.drop_index('Person', 'nothing')", down="r2")
    (broken, pending) = report(applied)["findings"]
    assert broken["code"] == "history-broken"
    assert "revision r3" in broken["found"]
    assert pending["code"] == "pending"


def test_a_schema_hash_that_does_not_fit_is_a_remark(live: Project) -> None:
    live.models("class Person(StructuredNode):\n    name = StringProperty()")
    live.done("revision", "--autogenerate", "-m", "people", "--rev-id", "r1")
    (path,) = live.versions.glob("*.py")
    path.rename(live.versions / "r1_.py")
    live.done("upgrade", "head")
    assert found(live, status=0) == []
    live.revision("r2", "op.alter_node('Person', open=True)", down="r1")
    edit(live, "r2", "branch_labels", "schema_hash = '1:old'\nbranch_labels")
    live.done("upgrade", "head")
    live.models(
        "from neomodel.contrib import SemiStructuredNode\n"
        "class Person(SemiStructuredNode):\n    name = StringProperty()"
    )
    finding = only(live, status=0)
    assert finding["code"] == "schema-hash-stale"
    assert finding["severity"] == "remark"
    assert "1:old" in finding["found"]


# --- models ----------------------------------------------------------------------


def test_models_without_a_revision(applied: Project) -> None:
    source = (applied.path / "models.py").read_text()
    applied.models(
        source.replace("born = IntegerProperty(index=True)", "born = IntegerProperty()")
    )
    finding = only(applied)
    assert finding["code"] == "models-differ"
    assert finding["found"] == "removed index Person(born)"
    filter_ = "include_name=lambda name, *_: name != 'person_born'"
    env = applied.path / "migrations" / "env.py"
    env.write_text(
        env.read_text().replace("=target_metadata)", f"=target_metadata, {filter_})")
    )
    assert found(applied, status=0) == []


def test_hooks_of_env_are_asked_as_by_check(applied: Project) -> None:
    source = (applied.path / "models.py").read_text()
    applied.models(source.replace("(index=True)", "()"))
    env = applied.path / "migrations" / "env.py"
    hook = "process_revision_directives=lambda *a: a[2][0].upgrade_ops.ops.clear()"
    env.write_text(
        env.read_text().replace("=target_metadata)", f"=target_metadata, {hook})")
    )
    applied.done("check")
    assert found(applied, status=0) == []


@pytest.mark.parametrize(
    "source", ["import nothing_of_this_name", "class (", "x = 1", "raise ValueError(7)"]
)
def test_models_that_can_not_be_read(applied: Project, source: str) -> None:
    (applied.path / "models.py").write_text(source)
    value = report(applied)
    assert [row["code"] for row in value["findings"]] == ["models-unreadable"]
    assert value["checked"]["models"] is False
    assert value["checked"]["graph"] is True


def test_an_env_that_fails_is_one_message(applied: Project) -> None:
    env = applied.path / "migrations" / "env.py"
    env.write_text(f"import nothing_of_this_name\n{env.read_text()}")
    outcome = applied.verb("verify")
    assert outcome.status == 2
    assert outcome.err.startswith("Error: ")
    assert "env.py failed: ModuleNotFoundError" in outcome.err


# --- stamp -----------------------------------------------------------------------


def stamp(graph: Graph, assignment: str) -> None:
    graph.transaction([(f"MATCH (s:__AlembicNeo4jStamp) SET {assignment}", {})])


def test_a_graph_that_was_emptied(applied: Project, neo4j_graph: Graph) -> None:
    # peers.md, case 78: the history is intact, and graph and ledger are told apart.
    neo4j_graph.transaction([("MATCH (n) DETACH DELETE n", {})])
    finding = only(applied)
    assert finding["code"] == "stamp-missing"
    # Indexes and constraints are all there.
    assert finding["decision"] is False
    message = applied.failed("upgrade", "head")
    assert "alembic-neo4j repair --only stamp-missing" in message
    assert applied.heads() == ["r2"]


def test_another_graph(applied: Project, neo4j_graph: Graph) -> None:
    wipe(neo4j_graph)
    rows = {row["code"]: row for row in report(applied)["findings"]}
    assert set(rows) == {"stamp-missing", "element-missing"}
    assert rows["stamp-missing"]["decision"] is True


def test_another_ledger(applied: Project, neo4j_graph: Graph) -> None:
    stamp(neo4j_graph, "s.ledger = 'another'")
    assert only(applied)["code"] == "stamp-foreign"


def test_a_stamp_of_other_heads(applied: Project, neo4j_graph: Graph) -> None:
    stamp(neo4j_graph, "s.heads = ['r1']")
    finding = only(applied)
    assert finding["code"] == "stamp-stale"
    assert finding["decision"] is True


def test_a_stamp_that_was_not_written_in_time(
    applied: Project, neo4j_graph: Graph
) -> None:
    stamp(neo4j_graph, "s.heads = ['r1']")
    sql(
        applied,
        "UPDATE alembic_neo4j_ledger SET value = '[\"r1\"]' "
        "WHERE key = 'stamped:alembic_version'",
    )
    assert only(applied, status=0)["code"] == "stamp-late"


def test_a_stamp_of_a_script(applied: Project, neo4j_graph: Graph) -> None:
    stamp(neo4j_graph, "s.ledger = null")
    assert only(applied, status=0)["code"] == "stamp-late"


def test_a_ledger_that_is_gone(applied: Project) -> None:
    applied.ledger.unlink()
    rows = {row["code"]: row for row in report(applied)["findings"]}
    assert "--adopt-graph" in rows["ledger-lost"]["advice"]
    assert not applied.ledger.exists()


# --- runs ------------------------------------------------------------------------


def test_an_open_run(applied: Project) -> None:
    applied.revision(
        "r3",
        """
        op.add_index("City", "name", name="more")
        op.run_cypher("CREATE (:Person {name: 1 / 0})")
        """,
        down="r2",
    )
    applied.failed("upgrade", "head")
    rows = {row["code"]: row for row in report(applied)["findings"]}
    # The index that is made already is no surprise.
    assert set(rows) == {"pending", "run-open", "models-differ"}
    assert rows["run-open"]["found"] == (
        "upgrade of r3: unit 1 (create) done; unit 2 (data) running"
    )
    assert "`alembic -c neo4j.ini upgrade r3`" in rows["run-open"]["advice"]
    assert "--abandon-run" in rows["run-open"]["advice"]


def test_an_open_downgrade_names_its_target(applied: Project) -> None:
    failing = 'op.run_cypher("CREATE (:X {x: 1 / 0})")'
    edit(applied, "r2", 'op.remove_node("City")', f'op.remove_node("City");{failing}')
    applied.done("stamp", "--purge", "head")
    applied.failed("downgrade", "base")
    rows = {row["code"]: row for row in report(applied)["findings"]}
    assert set(rows) == {"run-open"}
    assert "downgrade of r2" in rows["run-open"]["found"]
    assert rows["run-open"]["found"].endswith("; then r1")
    assert "`alembic -c neo4j.ini downgrade base`" in rows["run-open"]["advice"]


def test_a_unit_of_which_nobody_knows(applied: Project) -> None:
    applied.revision(
        "r3",
        """
        op.run_cypher(
            "UNWIND [1, 0] AS x CALL (x) { CREATE (:City {name: toString(1 / x)}) } "
            "IN TRANSACTIONS OF 1 ROW"
        )
        """,
        down="r2",
    )
    applied.failed("upgrade", "head")
    rows = {row["code"]: row for row in report(applied)["findings"]}
    assert set(rows) == {"pending", "run-open", "unit-unknown"}
    assert (
        rows["unit-unknown"]["subject"]
        == "unit 1 (autocommit) of the upgrade of revision r3"
    )


def test_somebody_who_writes_is_a_remark(applied: Project, neo4j_graph: Graph) -> None:
    owner = Owner.of_this_process()
    with graph_lock(neo4j_graph, owner, timeout=5):
        finding = only(applied, status=0)
    assert finding["code"] == "run-active"
    assert str(owner) in finding["found"]


def test_markers_of_runs_that_have_ended(applied: Project, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("CREATE (:__AlembicNeo4jMarker {run: 'gone'})", {})])
    finding = only(applied, status=0)
    assert finding["code"] == "marker-left"
    # Those of another ledger may be needed.
    stamp(neo4j_graph, "s.ledger = 'another'")
    assert only(applied)["code"] == "stamp-foreign"


def test_a_terminal_gets_a_table(
    applied: Project, neo4j_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    neo4j_graph.transaction([("DROP INDEX person_born", {})])
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("alembic_neo4j.cli.findings.is_terminal", lambda: True)
    outcome = applied.verb("verify")
    assert "error" in outcome.out
    assert "element-missing: RANGE index person_born" in outcome.out

"""``alembic-neo4j repair`` on a real graph: what it mends, `verify` finds no more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy.engine import URL

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe
from tests.cli.test_verify import (
    edit,
    files,
    found,
    report,
    stamp,
)
from tests.cli.test_verify_graph import LONG, await_indexes, write
from tests.migration.project import Outcome, Project, graph_state, indexes, stamped

BORN = "RANGE index person_born on Person(born)"
NAME = "UNIQUE constraint person_name on Person(name)"


def repair(project: Project, *arguments: str, status: int = 0) -> Outcome:
    outcome = project.verb("repair", *arguments)
    assert outcome.status == status, outcome.text
    assert "Traceback" not in outcome.text
    return outcome


def rows(project: Project, *arguments: str, status: int = 0) -> list[dict[str, Any]]:
    outcome = repair(project, "--format", "json", *arguments, status=status)
    value: dict[str, Any] = json.loads(outcome.out)
    assert set(value) == {"items", "dry_run"}
    return list(value["items"])


def codes(project: Project) -> set[str]:
    return {row["code"] for row in report_any(project)}


def report_any(project: Project) -> list[dict[str, Any]]:
    outcome = project.verb("verify", "--format", "json")
    assert outcome.status in (0, 1), outcome.text
    return list(json.loads(outcome.out)["findings"])


def clean(project: Project) -> None:
    assert found(project, status=0) == []
    assert "Nothing to mend." in repair(project, "--yes").out


# --- how it asks -----------------------------------------------------------------


def test_without_a_terminal_it_shows_and_does_nothing(
    applied: Project, neo4j_graph: Graph
) -> None:
    write(neo4j_graph, "DROP INDEX person_born", "DROP CONSTRAINT person_name")
    before = graph_state(neo4j_graph), files(applied.path)
    for arguments in ((), ("--dry-run",), ("--dry-run", "--yes")):
        out = repair(applied, *arguments, status=1).out
        assert f"error element-missing: {BORN}\n" in out
        assert "  repair:   create it\n" in out
    assert (graph_state(neo4j_graph), files(applied.path)) == before


def test_nothing_to_mend_is_status_0(applied: Project) -> None:
    for arguments in ((), ("--yes",), ("--dry-run",), ("--abandon-run",)):
        assert repair(applied, *arguments).out == "Nothing to mend.\n"
    assert rows(applied) == []


def test_what_yes_would_not_mend_is_told_apart(
    applied: Project, neo4j_graph: Graph
) -> None:
    create = "CREATE INDEX theirs FOR (n:Zoo) ON (n.x)"
    write(neo4j_graph, "DROP INDEX person_born", create)
    decision = "--yes --only element-foreign."
    assert repair(applied, status=1).out.endswith(
        "Left as they are: 2. To mend them without being asked: --yes; "
        f"for what needs a decision: {decision}\n"
    )
    for arguments in (("--yes",), ()):
        assert repair(applied, *arguments, status=1).out.endswith(
            f"Left as they are: 1. They need a decision: {decision}\n"
        )
    write(neo4j_graph, "DROP INDEX person_born", "DROP INDEX theirs")
    assert repair(applied, status=1).out.endswith(
        "Left as they are: 1. To mend them without being asked: --yes.\n"
    )


def test_what_only_a_person_can_mend_is_not_passed_over(applied: Project) -> None:
    assert repair(applied).out == "Nothing to mend.\n"
    (applied.versions / "r2_.py").unlink()
    assert repair(applied).out == (
        "Nothing to mend.\nIt can't mend 2 errors: see `alembic-neo4j verify`.\n"
    )
    assert rows(applied) == []


def test_it_asks_for_each_item(
    applied: Project, neo4j_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        neo4j_graph,
        "DROP INDEX person_born",
        "DROP CONSTRAINT person_name",
        "CREATE INDEX theirs FOR (n:Zoo) ON (n.x)",
    )
    monkeypatch.setattr("alembic_neo4j.cli.repair.may_ask", lambda: True)
    # The default of what is destructive is no.
    outcome = applied.verb("repair", answers="\nn\ny\n")
    assert outcome.status == 1, outcome.text
    assert "RANGE index theirs on Zoo(x): drop it? [y/N]" in outcome.err
    assert f"{BORN}: create it? [Y/n]" in outcome.err
    assert indexes(neo4j_graph) == {"city_name", "theirs"}
    assert {subject for _, subject in found(applied)} == {
        BORN,
        "RANGE index theirs on Zoo(x)",
    }


def test_only_what_is_named(applied: Project, neo4j_graph: Graph) -> None:
    write(
        neo4j_graph,
        "DROP INDEX person_born",
        "DROP CONSTRAINT person_name",
        "CREATE INDEX person_name FOR (n:Person) ON (n.name)",
    )
    (row,) = rows(applied, "--yes", "--only", "index-orphan")
    assert (row["chosen"], row["mended"], row["failure"]) == (True, True, None)
    assert found(applied) == [("element-missing", BORN)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--only", "pending"), "expected one of"),
        (("--only", "element-missing", "--adopt-graph"), "give it alone"),
        (("--unit-done", "--unit-undone"), "give it alone"),
        (("--abandon-run", "--drop-foreign"), "give it alone"),
    ],
)
def test_what_does_not_go_together(
    applied: Project, arguments: tuple[str, ...], told: str
) -> None:
    assert told in repair(applied, *arguments, status=2).err


def test_a_graph_out_of_reach_is_status_2(applied: Project) -> None:
    outcome = repair(applied, "-x", "neo4j.url=bolt://127.0.0.1:1", status=2)
    assert "no Neo4j answers" in outcome.err


# --- indexes and constraints -----------------------------------------------------


def test_what_is_missing_is_created(applied: Project, neo4j_graph: Graph) -> None:
    # crochet-defects.md, B1: a constraint that was dropped by hand.
    write(neo4j_graph, "DROP INDEX person_born", "DROP CONSTRAINT person_name")
    assert len(rows(applied, "--yes")) == 2
    clean(applied)
    assert indexes(neo4j_graph) == {"city_name", "person_born"}
    assert neo4j_graph.read("SHOW CONSTRAINTS YIELD name WHERE name = 'person_name'")


@pytest.mark.parametrize(
    "statement",
    [
        # peers.md, P17b.
        "CREATE INDEX person_born FOR (n:Zzz) ON (n.q)",
        "CREATE TEXT INDEX person_born FOR (n:Person) ON (n.born)",
        "CREATE CONSTRAINT person_born FOR (n:Person) REQUIRE n.born IS UNIQUE",
    ],
)
def test_what_has_another_definition_is_replaced(
    applied: Project, neo4j_graph: Graph, statement: str
) -> None:
    write(neo4j_graph, "DROP INDEX person_born", statement)
    (row,) = rows(applied, "--yes")
    assert row["code"] == "element-changed"
    clean(applied)


def test_another_name_is_left_alone(applied: Project, neo4j_graph: Graph) -> None:
    # peers.md, P17.
    write(
        neo4j_graph,
        "DROP INDEX person_born",
        "CREATE INDEX other_name FOR (n:Person) ON (n.born)",
    )
    assert "Nothing to mend." in repair(applied, "--yes").out
    assert "other_name" in indexes(neo4j_graph)


def test_an_orphan_is_healed(applied: Project, neo4j_graph: Graph) -> None:
    write(
        neo4j_graph,
        "DROP CONSTRAINT person_name",
        "CREATE INDEX person_name FOR (n:Person) ON (n.name)",
    )
    (row,) = rows(applied, "--yes")
    assert row["code"] == "index-orphan"
    clean(applied)


def test_a_failed_index_is_made_again(applied: Project, neo4j_graph: Graph) -> None:
    write(neo4j_graph, "DROP INDEX person_born")
    write(neo4j_graph, "CREATE (:Person {born: $long})", long=LONG)
    write(neo4j_graph, "CREATE INDEX person_born FOR (n:Person) ON (n.born)")
    with pytest.raises(Exception, match=r"FAILED|failed"):
        await_indexes(neo4j_graph)
    # While the data are as they are it can't be mended.
    (row,) = rows(applied, "--yes", status=2)
    assert row["mended"] is False
    assert "too large" in row["failure"]
    write(neo4j_graph, "MATCH (n:Person) DELETE n")
    repair(applied, "--yes")
    clean(applied)


def test_a_foreign_one_is_dropped_only_when_that_is_said(
    applied: Project, neo4j_graph: Graph
) -> None:
    write(
        neo4j_graph,
        "CREATE INDEX theirs FOR (n:Zoo) ON (n.x)",
        "CREATE CONSTRAINT theirs_too FOR (n:Zoo) REQUIRE n.y IS UNIQUE",
    )
    outcome = repair(applied, "--yes", status=1)
    assert "--yes --only element-foreign" in outcome.out
    assert "theirs" in indexes(neo4j_graph)
    repair(applied, "--drop-foreign", status=1)
    assert "theirs" in indexes(neo4j_graph)
    repair(applied, "--yes", "--drop-foreign")
    clean(applied)


def test_one_that_fails_leaves_the_others_alone(
    applied: Project, neo4j_graph: Graph
) -> None:
    # peers.md, P16: what is unrelated is neither dropped nor left undone.
    write(
        neo4j_graph,
        "DROP INDEX person_born",
        "DROP CONSTRAINT person_name",
        "DROP INDEX city_name",
        "CREATE INDEX keep_me FOR (n:Zoo) ON (n.x)",
        "CREATE CONSTRAINT keep_u FOR (n:Zoo) REQUIRE n.y IS UNIQUE",
        "CREATE (:Person {name: 'Ada'}), (:Person {name: 'Ada'})",
    )
    outcome = repair(applied, "--yes", status=2)
    assert f"element-missing {NAME}: Not mended: the data stand in the way" in (
        outcome.out
    )
    assert f"element-missing {BORN}: Mended" in outcome.out
    assert indexes(neo4j_graph) == {"person_born", "city_name", "keep_me"}
    assert neo4j_graph.read("SHOW CONSTRAINTS YIELD name WHERE name = 'keep_u'")
    write(neo4j_graph, "MATCH (n:Person) DELETE n")
    repair(applied, "--yes", "--drop-foreign")
    clean(applied)


def test_duplicates_are_found_before_anything_is_dropped(
    applied: Project, neo4j_graph: Graph
) -> None:
    write(
        neo4j_graph,
        "DROP CONSTRAINT person_name",
        "CREATE INDEX person_name FOR (n:Person) ON (n.name, n.born)",
        "CREATE (:Person {name: 'Ada'}), (:Person {name: 'Ada'})",
    )
    (row,) = rows(applied, "--yes", status=2)
    assert "'Ada': 2" in row["failure"]
    assert "person_name" in indexes(neo4j_graph)


def test_a_foreign_one_that_is_in_the_way(applied: Project, neo4j_graph: Graph) -> None:
    write(
        neo4j_graph,
        "DROP CONSTRAINT person_name",
        "CREATE INDEX in_the_way FOR (n:Person) ON (n.name)",
    )
    (_, missing) = rows(applied, "--yes", status=2)
    assert "IndexAlreadyExists" in missing["failure"]
    repair(applied, "--yes", "--drop-foreign")
    clean(applied)


# --- stamp -----------------------------------------------------------------------


def test_a_graph_that_was_emptied_is_stamped_again(
    applied: Project, neo4j_graph: Graph
) -> None:
    # peers.md, case 78.
    write(neo4j_graph, "MATCH (n) DETACH DELETE n")
    repair(applied, "--yes")
    assert stamped(neo4j_graph) == ["r2"]
    clean(applied)
    applied.done("upgrade", "head")


def test_another_graph_is_left_alone(applied: Project, neo4j_graph: Graph) -> None:
    wipe(neo4j_graph)
    write(neo4j_graph, "CREATE INDEX theirs FOR (n:Zoo) ON (n.x)")
    outcome = repair(applied, "--yes", "--drop-foreign", status=2)
    assert "the graph is not known to be this ledger's" in outcome.out
    assert indexes(neo4j_graph) == {"theirs"}
    assert stamped(neo4j_graph) is None
    # Said by name, it is this ledger's.
    repair(applied, "--yes", "--only", "stamp-missing")
    repair(applied, "--yes", "--drop-foreign")
    clean(applied)


def test_the_graph_of_another_ledger_is_left_alone(
    applied: Project, neo4j_graph: Graph
) -> None:
    stamp(neo4j_graph, "s.ledger = 'another'")
    write(
        neo4j_graph,
        "DROP INDEX person_born",
        "CREATE (:__AlembicNeo4jMarker {run: 'theirs'})",
    )
    (row,) = rows(applied, "--yes", status=2)
    assert "not known to be this ledger's" in row["failure"]
    assert neo4j_graph.read("MATCH (m:__AlembicNeo4jMarker) RETURN m.run AS run")


def test_a_stale_stamp_needs_a_decision(applied: Project, neo4j_graph: Graph) -> None:
    stamp(neo4j_graph, "s.heads = ['r1']")
    write(neo4j_graph, "DROP INDEX person_born")
    outcome = repair(applied, "--yes", status=2)
    assert "Settle the stamp first" in outcome.out
    assert stamped(neo4j_graph) == ["r1"]
    repair(applied, "--yes", "--only", "stamp-stale")
    assert stamped(neo4j_graph) == ["r2"]
    repair(applied, "--yes")
    clean(applied)


def test_a_late_stamp(applied: Project, neo4j_graph: Graph) -> None:
    stamp(neo4j_graph, "s.ledger = null")
    repair(applied, "--yes")
    clean(applied)
    applied.done("upgrade", "head")


def test_markers_are_removed(applied: Project, neo4j_graph: Graph) -> None:
    write(neo4j_graph, "CREATE (:__AlembicNeo4jMarker {run: 'gone'})")
    repair(applied, "--yes")
    clean(applied)


# --- files -----------------------------------------------------------------------


def test_an_edited_file_is_accepted_by_name(applied: Project) -> None:
    # peers.md, case 79.
    edit(applied, "r1", "def downgrade():", "def downgrade():\n    x = 1")
    repair(applied, "--yes", status=1)
    message = applied.failed("upgrade", "head")
    assert "alembic-neo4j repair --only file-edited" in message
    applied_at = sorted((applied.remembered() or {})["alembic_neo4j_revision"])[0][4]
    repair(applied, "--yes", "--only", "file-edited")
    clean(applied)
    applied.done("upgrade", "head")
    assert sorted((applied.remembered() or {})["alembic_neo4j_revision"])[0][4] == (
        applied_at
    )


def test_comments_and_whitespace_are_accepted_at_once(applied: Project) -> None:
    edit(applied, "r1", "\n\n", "\n# why\n\n")
    assert "alembic-neo4j repair" in applied.failed("upgrade", "head")
    repair(applied, "--yes")
    clean(applied)


def test_a_schema_hash_is_written_into_the_file(applied: Project) -> None:
    wrong = "schema_hash: str | None = '1:old'  # the schema after it\nbranch_labels"
    edit(applied, "r2", "branch_labels", wrong)
    applied.done("stamp", "--purge", "head")
    path = applied.versions / "r2_.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    before = path.read_bytes()
    (row,) = rows(applied, "--yes")
    assert row["code"] == "schema-hash-stale"
    clean(applied)
    digest = row["expected"].split("'")[1]
    assert path.read_bytes() == before.replace(b"'1:old'", f'"{digest}"'.encode())
    applied.done("upgrade", "head")


def test_a_file_that_was_edited_with_its_hash(applied: Project) -> None:
    edit(applied, "r2", "branch_labels", "schema_hash = '1:old'\nbranch_labels")
    assert codes(applied) == {"schema-hash-stale", "file-reformatted"}
    repair(applied, "--yes")
    clean(applied)


# --- runs ------------------------------------------------------------------------

FAILING = """
op.add_index("City", "name", name="more")
op.run_cypher("CREATE (:City {name: 'once'})")
op.run_cypher("MATCH (n:City) SET n.name = 1 / n.zero")
"""
IN_BATCHES = """
op.run_cypher(
    "UNWIND $rows AS x CALL (x) { CREATE (:City {name: toString(1 / x)}) } "
    "IN TRANSACTIONS OF 1 ROW", {"rows": [1, 0]}
)
op.run_cypher("CREATE (:City {name: 'later'})")
"""


def test_a_run_is_ended_as_it_is(applied: Project, neo4j_graph: Graph) -> None:
    applied.revision("r3", FAILING, down="r2")
    write(neo4j_graph, "CREATE (:City {zero: 0})")
    applied.failed("upgrade", "head")
    outcome = repair(applied, "--abandon-run", status=1)
    assert "unit 1 (create) done; unit 2 (data) done; unit 3 (data)" in outcome.out
    assert "run-open" in codes(applied)
    repair(applied, "--yes", status=1)
    assert "run-open" in codes(applied)
    repair(applied, "--yes", "--abandon-run")
    # What it did stays, and is no secret.
    write(neo4j_graph, "MATCH (n:City) REMOVE n.zero")
    rest = {(row["code"], row["subject"]) for row in report_any(applied)}
    assert rest == {
        ("pending", "revision r3"),
        ("element-foreign", "RANGE index more on City(name)"),
        ("models-differ", "the models"),
    }
    assert neo4j_graph.read("MATCH (m:__AlembicNeo4jMarker) RETURN m") == []
    applied.revision(
        "r3", "op.run_cypher(\"CREATE (:City {name: 'twice'})\")", down="r2"
    )
    repair(applied, "--yes", "--drop-foreign")
    applied.done("upgrade", "head")
    clean(applied)


def test_an_item_beside_an_open_run_is_mended(
    applied: Project, neo4j_graph: Graph
) -> None:
    applied.revision("r3", FAILING, down="r2")
    write(neo4j_graph, "CREATE (:City {zero: 0})", "DROP INDEX person_born")
    applied.failed("upgrade", "head")
    repair(applied, "--yes", status=1)
    assert "person_born" in indexes(neo4j_graph)
    write(neo4j_graph, "MATCH (n:City) REMOVE n.zero")
    applied.done("upgrade", "head")
    (row,) = neo4j_graph.read("MATCH (n:City {name: 'once'}) RETURN count(n) AS n")
    # The last statement sets every name to null.
    assert row["n"] == 0


def test_the_file_of_an_open_run_stays_as_it_is(
    applied: Project, neo4j_graph: Graph
) -> None:
    applied.revision("r3", FAILING, down="r2", schema_hash="1:old")
    write(neo4j_graph, "CREATE (:City {zero: 0})")
    applied.failed("upgrade", "head")
    (row,) = rows(applied, "--yes", "--only", "schema-hash-stale", status=2)
    assert "a run of revision r3 is open" in row["failure"]
    write(neo4j_graph, "MATCH (n:City) REMOVE n.zero")
    applied.done("upgrade", "head")
    repair(applied, "--yes", "--only", "schema-hash-stale")
    applied.done("upgrade", "head")


@pytest.mark.parametrize(
    ("option", "names"),
    [
        ("--unit-done", ["1", "later"]),
        ("--unit-undone", ["1", "1", "1", "later"]),
    ],
)
def test_an_auto_commit_unit_is_settled(
    applied: Project, neo4j_graph: Graph, option: str, names: list[str]
) -> None:
    applied.revision("r3", IN_BATCHES, down="r2")
    applied.failed("upgrade", "head")
    message = applied.failed("upgrade", "head")
    assert "alembic-neo4j repair --unit-done" in message
    assert "--unit-undone" in message
    assert "unit-unknown" in codes(applied)
    repair(applied, "--yes", status=1)
    # The file is part of the plan; what it is about to do may depend on the graph.
    repair(applied, option, status=1)
    assert "unit-unknown" in codes(applied)
    repair(applied, option, "--yes")
    assert codes(applied) == {"pending", "run-open"}
    if option == "--unit-undone":
        # It fails again, in the second row.
        applied.failed("upgrade", "head")
        repair(applied, "--unit-done", "--yes")
    applied.done("upgrade", "head")
    clean(applied)
    cities = neo4j_graph.read("MATCH (n:City) RETURN n.name AS name ORDER BY name")
    assert [row["name"] for row in cities] == names[-len(cities) :]
    assert len(cities) == (2 if option == "--unit-done" else 3)


def test_an_open_run_that_is_refused_names_the_way_out(
    applied: Project, neo4j_graph: Graph
) -> None:
    applied.revision("r3", FAILING, down="r2")
    write(neo4j_graph, "CREATE (:City {zero: 0})")
    applied.failed("upgrade", "head")
    assert "alembic-neo4j repair --abandon-run" in applied.failed("downgrade", "base")


# --- a ledger that is gone -------------------------------------------------------


def test_a_container_without_a_disk(applied: Project, neo4j_graph: Graph) -> None:
    identity = neo4j_graph.read("MATCH (s:__AlembicNeo4jStamp) RETURN s.ledger AS id")
    applied.ledger.unlink()
    applied.revision("r3", "op.run_cypher(\"CREATE (:City {name: 'r3'})\")", down="r2")
    assert "alembic-neo4j repair --adopt-graph" in applied.failed("upgrade", "head")
    repair(applied, "--adopt-graph", status=1)
    assert not applied.ledger.exists()
    outcome = repair(applied, "--adopt-graph", "--yes")
    assert "ledger-lost the ledger: Mended" in outcome.out
    assert applied.heads() == ["r2"]
    tables = applied.remembered() or {}
    assert [row[1] for row in tables["alembic_neo4j_revision"]] == ["r1", "r2"]
    applied.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (n:City) RETURN n.name AS name") == [{"name": "r3"}]
    assert stamped(neo4j_graph) == ["r3"]
    assert identity == neo4j_graph.read(
        "MATCH (s:__AlembicNeo4jStamp) RETURN s.ledger AS id"
    )
    clean(applied)
    # A second container of the same image does nothing at all.
    assert "Nothing to mend." in repair(applied, "--adopt-graph", "--yes").out
    applied.done("downgrade", "base")


def test_adopting_is_for_every_start_of_a_container(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", "op.run_cypher('CREATE (:Once)')")
    live.models("class Once(StructuredNode):\n    x = StringProperty()")
    for _ in range(3):
        live.ledger.unlink(missing_ok=True)
        repair(live, "--adopt-graph", "--yes")
        live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (n:Once) RETURN count(n) AS n") == [{"n": 1}]


def test_a_graph_at_base_is_adopted(applied: Project) -> None:
    applied.done("downgrade", "base")
    applied.ledger.unlink()
    assert "--adopt-graph" in applied.failed("upgrade", "head")
    repair(applied, "--adopt-graph", "--yes")
    # The first revision of this project has no downgrade.
    repair(applied, "--drop-foreign", "--yes")
    applied.done("upgrade", "head")
    clean(applied)


def test_two_heads_are_adopted(applied: Project, neo4j_graph: Graph) -> None:
    applied.revision("a", down="r2", branch_labels="one")
    applied.revision("b", down="r2", branch_labels="two")
    applied.done("upgrade", "heads")
    applied.ledger.unlink()
    repair(applied, "--adopt-graph", "--yes")
    assert applied.heads() == ["a", "b"]
    clean(applied)


def test_what_a_script_left_is_adopted(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", "op.add_index('L', 'p', name='i')")
    script = live.done("upgrade", "head", "--sql")
    for statement in script.split(";\n"):
        lines = [s for s in statement.splitlines() if not s.startswith("//")]
        if any(lines):
            neo4j_graph.autocommit("\n".join(lines))
    assert stamped(neo4j_graph) == ["r1"]
    repair(live, "--adopt-graph", "--yes")
    assert live.heads() == ["r1"]
    live.done("upgrade", "head")
    (row,) = neo4j_graph.read("MATCH (s:__AlembicNeo4jStamp) RETURN s.ledger AS id")
    assert row["id"]


def test_adopting_is_refused_where_it_would_lose_something(
    applied: Project, neo4j_graph: Graph
) -> None:
    stamp(neo4j_graph, "s.heads = ['r1']")
    before = applied.remembered()
    outcome = repair(applied, "--adopt-graph", "--yes", status=2)
    assert "only a ledger without a revision adopts a stamp" in outcome.err
    stamp(neo4j_graph, "s.ledger = 'another'")
    repair(applied, "--adopt-graph", "--yes", status=2)
    assert applied.remembered() == before


def test_a_stamp_of_revisions_that_are_not_here_is_not_adopted(
    applied: Project, neo4j_graph: Graph
) -> None:
    # peers.md, case 82.
    stamp(neo4j_graph, "s.heads = ['elsewhere']")
    applied.ledger.unlink()
    outcome = repair(applied, "--adopt-graph", "--yes", status=2)
    assert "There is no file of elsewhere here" in outcome.err
    assert not applied.ledger.exists()


def test_a_ledger_at_an_unknown_revision_is_left_alone(applied: Project) -> None:
    # peers.md, case 82: a clear error, and nothing is written.
    (applied.versions / "r2_.py").unlink()
    before = applied.remembered()
    assert "r2" in applied.failed("upgrade", "head")
    assert "Nothing to mend." in repair(applied, "--yes").out
    assert applied.remembered() == before


def test_a_ledger_in_postgresql(
    applied: Project, neo4j_graph: Graph, postgresql_url: URL
) -> None:
    url = postgresql_url.render_as_string(hide_password=False).replace("%", "%%")
    applied.set("sqlalchemy.url", url)
    repair(applied, "--yes", "--adopt-graph")
    edit(applied, "r1", "\n\n", "\n# why\n\n")
    write(neo4j_graph, "DROP INDEX person_born")
    assert [row["code"] for row in rows(applied, "--yes")] == [
        "file-reformatted",
        "element-missing",
    ]
    clean(applied)
    applied.done("downgrade", "r1")
    applied.done("upgrade", "head")
    clean(applied)
    applied.set("sqlalchemy.url", "postgresql+psycopg://127.0.0.1:1/nowhere")
    value = report(applied, status=2)
    assert [part["area"] for part in value["unchecked"]] == ["ledger"]
    repair(applied, "--yes", status=2)

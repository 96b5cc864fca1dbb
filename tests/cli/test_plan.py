"""``alembic-neo4j plan``: what is shown, beside what then happens."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from contextlib import closing
from typing import Any

import neo4j
import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import Owner, graph_lock
from tests.migration.project import NOWHERE, PROGRAM, Project, graph_state

PEOPLE = 1_200
CREATE_PEOPLE = (
    f"UNWIND range(1, {PEOPLE}) AS i "
    "CREATE (p:Person {name: 'n' + i, born: i}) "
    "FOREACH (x IN CASE WHEN i % 3 = 0 THEN [1] ELSE [] END | SET p.active = false)"
)

FIRST = """
op.add_node("Person", op.Property("name", "STRING"), op.Property("born", "INTEGER"))
op.add_index("Person", "born")
"""
SECOND = """
op.add_node_property("Person", "active", "BOOLEAN", default=True)
op.add_node_property("Person", "country", "STRING", default="x")
op.rename_node_property("Person", "born", "year")
op.add_unique_constraint("Person", "name")
op.remove_node_property("Person", "active")
"""
BACK = """
op.rename_node_property("Person", "year", "born")
op.drop_unique_constraint("Person", "name")
"""
THIRD = '''
op.execute("""MATCH (n:Person)
SET n.x = 1""")
op.execute("MATCH (n:Person) SET n.y = 1")
with op.get_context().autocommit_block():
    op.execute("MATCH (n:Person) CALL (n) { SET n.z = 1 } IN TRANSACTIONS")
op.run_cypher("MATCH (n) RETURN count(n)")
op.rename_label("Person", "Human")
'''


DEFAULT_BEFORE = "before r2: set active of (:Person) to its default"
ROWS_BEFORE = "before r3: what depends on the rows of MATCH (n) RETURN count(n)"


@pytest.fixture
def people(live: Project, neo4j_graph: Graph) -> Project:
    """People in the graph, and two more revisions for them."""
    live.revision("r1", FIRST)
    live.done("upgrade", "head")
    neo4j_graph.transaction([(CREATE_PEOPLE, {})])
    live.revision("r2", SECOND, BACK, down="r1")
    live.revision("r3", THIRD, down="r2", rollback_safe=False)
    return live


def report(project: Project, *arguments: str, status: int = 1) -> dict[str, Any]:
    outcome = project.verb("plan", "--format", "json", *arguments)
    assert outcome.status == status, outcome.text
    value: dict[str, Any] = json.loads(outcome.out)
    assert set(value) == {
        *("heads", "open_run", "revisions", "refusals", "obstacles", "not_known"),
        *("server", "lock", "unchecked", "warnings"),
    }
    for revision in value["revisions"]:
        assert set(revision) == {
            *("revision", "message", "direction", "path", "rollback_safe"),
            *("resumed", "units", "versions", "passed_over", "asks"),
        }
        for unit in revision["units"]:
            keys = {"kind", "texts", "position", "state", "count", "unknown", "diff"}
            assert set(unit) == keys
    return value


def text(project: Project, *arguments: str, status: int = 1) -> str:
    outcome = project.verb("plan", *arguments)
    assert outcome.status == status, outcome.text
    assert "Traceback" not in outcome.text
    return outcome.out


def revisions(found: dict[str, Any]) -> list[str]:
    return [revision["revision"] for revision in found["revisions"]]


def units(found: dict[str, Any], index: int = 0) -> list[dict[str, Any]]:
    value: list[dict[str, Any]] = found["revisions"][index]["units"]
    return value


def batched(found: dict[str, Any], index: int = 0) -> list[tuple[str, Any]]:
    return [
        (unit["texts"][0], unit["unknown"] if unit["count"] is None else unit["count"])
        for unit in units(found, index)
        if unit["kind"] == "batched"
    ]


def codes(found: dict[str, Any]) -> list[str]:
    return [refusal["code"] for refusal in found["refusals"]]


# What is going to be done ------------------------------------------------------------


def test_the_units_in_their_order(people: Project) -> None:
    found = report(people)
    assert found["heads"] == ["r1"]
    assert found["server"].startswith("Neo4j ")
    second, third = found["revisions"]
    assert second["message"] == "the message of r2"
    assert second["direction"] == "upgrade"
    assert second["path"].endswith("r2_.py")
    assert (second["rollback_safe"], third["rollback_safe"]) == (True, False)
    assert [(u["position"], u["kind"]) for u in second["units"]] == [
        (1, "batched"),
        (2, "batched"),
        (3, "check"),
        (4, "drop"),
        (5, "batched"),
        (6, "batched"),
        (7, "check"),
        (8, "check"),
        (9, "create"),
        (10, "batched"),
    ]
    assert units(found)[3]["texts"] == ["DROP INDEX `index_Person_born`"]
    assert [text.split(" FOR ")[0] for text in units(found)[8]["texts"]] == [
        "CREATE RANGE INDEX `index_Person_year`",
        "CREATE CONSTRAINT `constraint_unique_Person_name`",
    ]
    assert [(u["position"], u["kind"]) for u in third["units"]] == [
        (1, "data"),
        (2, "autocommit"),
        (None, "read"),
        (3, "check"),
        (4, "drop"),
        (5, "batched"),
        (6, "batched"),
        (7, "create"),
    ]
    assert units(found, 1)[0]["texts"] == [
        "MATCH (n:Person) …",
        "MATCH (n:Person) SET n.y = 1",
    ]


def test_the_counts_are_what_the_upgrade_then_changes(
    people: Project, neo4j_graph: Graph
) -> None:
    one = "CREATE (:Person {name: 'one', year: 1, active: true, country: 'y'})"
    neo4j_graph.transaction([(one, {})])
    known = dict(batched(report(people, "r2")))
    assert known.pop("archive active of (:Person)") == DEFAULT_BEFORE
    assert known == {
        "set active of (:Person) to its default": PEOPLE * 2 // 3,
        "set country of (:Person) to its default": PEOPLE,
        "remember year of (:Person) that is there already": 1,
        "rename born to year on (:Person)": PEOPLE,
    }
    outcome = people.run("upgrade", "r2")
    assert outcome.status == 0, outcome.text
    for title, count in known.items():
        assert f"{title}: {count:,} changed" in outcome.err


def test_one_refactoring_leaves_the_counts_of_what_it_does_not_touch(
    people: Project,
) -> None:
    people.revision(
        "r4",
        """
        op.create_nodes("City", [{"name": "Bonn"}])
        op.extract_property_to_node("Person", "country", "Country", "IN")
        op.run_cypher("MATCH (n:City) SET n.size = 1")
        op.remove_node_property("Person", "name")
        op.backfill_node_property("Person", "size", "n.born * 2")
        op.add_label("Person", "Human")
        """,
        down="r1",
    )
    found = report(people, "r4")
    assert dict(batched(found)) == {
        "extract country of (:Person) to (:Country)": 0,
        "archive name of (:Person)": PEOPLE,
        "set size of (:Person) where it is missing": (
            "before r4: MATCH (n:City) SET n.size = 1"
        ),
        "add the label Human to Person": PEOPLE,
    }


def test_what_is_not_known_is_told_with_the_step_that_makes_it_so(
    people: Project,
) -> None:
    people.revision(
        "r4",
        """
        op.execute("MATCH (n:Person) SET n.name = 'x'")
        op.add_unique_constraint("Person", "name")
        """,
        down="r1",
    )
    found = report(people, "r4")
    before = {"revision": "r4", "step": "MATCH (n:Person) SET n.name = 'x'"}
    unique, size = found["not_known"]
    assert unique == {
        "revision": "r4",
        "expected": "each value of (:Person)(name) may be there once",
        "before": before,
    }
    assert (size["revision"], size["before"]) == ("r4", before)
    shown = text(people, "r4")
    assert (
        "not known before r4: MATCH (n:Person) SET n.name = 'x'; checked in its place:"
        "\n"
        "  r4: expected: each value of (:Person)(name) may be there once\n"
    ) in shown


def test_what_a_raw_statement_may_change_is_not_known(people: Project) -> None:
    found = report(people)
    assert batched(found, 1) == [
        ("remember (:Human) that is there already", ROWS_BEFORE),
        ("rename the label Person to Human", ROWS_BEFORE),
    ]
    shown = text(people)
    assert shown.startswith("2 revisions, 18 units (7 batched, ")
    assert f"rename the label Person to Human: not known {ROWS_BEFORE}\n" in shown
    assert "rename born to year on (:Person): 1,200 to change" in shown
    assert "it can't be undone (rollback_safe = False)" in shown
    assert re.search(r"^    1  data       MATCH \(n:Person\) …$", shown, re.MULTILINE)
    assert shown.endswith("2 revisions, 18 units.\n")


def test_the_units_are_numbered_as_in_messages(people: Project) -> None:
    people.done("upgrade", "r2")
    before = report(people)
    people.done("upgrade", "r3")
    rows = (people.remembered() or {})["alembic_neo4j_unit"]
    ran = {(row[2], row[3]) for row in rows if row[1] == "r3"}
    planned = {(u["position"], u["kind"]) for u in units(before) if u["position"]}
    assert planned == ran


def test_what_only_a_real_run_does(live: Project) -> None:
    live.revision(
        "r1",
        """
        alembic_op.create_table("mine", sa.Column("id", sa.Integer))
        op.add_index("A", "p")
        if not op.is_replaying():
            raise AssertionError
        op.add_index("B", "p")
        """,
        header="import sqlalchemy as sa\nfrom alembic import op as alembic_op",
    )
    assert [(u["kind"], u["position"]) for u in units(report(live))] == [
        ("ledger", None),
        ("create", None),
        ("unknown", None),
        ("create", None),
    ]


def test_targets(chain: Project) -> None:
    assert revisions(report(chain)) == ["r1", "r2", "r3"]
    assert revisions(report(chain, "r2")) == ["r1", "r2"]
    assert revisions(report(chain, "+1")) == ["r1"]
    chain.done("upgrade", "head")
    found = report(chain, status=0)
    assert found["revisions"] == []
    assert found["heads"] == ["r3"]
    assert text(chain, status=0) == "Nothing to do: the ledger is at r3.\n"
    down = report(chain, "--down", "-2")
    assert revisions(down) == ["r3", "r2"]
    assert {r["direction"] for r in down["revisions"]} == {"downgrade"}
    assert units(down)[0]["texts"] == ["DROP INDEX `i3`"]
    assert revisions(report(chain, "--down", "base")) == ["r3", "r2", "r1"]


def test_what_can_not_be_planned(people: Project) -> None:
    people.done("upgrade", "head")
    for arguments, message in (
        (["nowhere"], "Can't locate revision identified by 'nowhere'"),
        (["--down", "r1"], "can't be undone: it says rollback_safe = False"),
        (["r1", "--down", "r1"], "Give one target"),
    ):
        outcome = people.verb("plan", *arguments)
        assert outcome.status == 2
        assert outcome.out == ""
        assert message in outcome.err


# An open run -------------------------------------------------------------------------


def test_an_open_run_is_gone_on_with(people: Project, neo4j_graph: Graph) -> None:
    # The rename fails at a node that has both, after two batched changes.
    people.revision(
        "r2",
        'op.add_node_property("Person", "country", "STRING", default="x")\n'
        'op.run_cypher("CREATE (:Log)")\n'
        'op.run_cypher("MATCH (p:Person) WITH p, 1 / (p.born - 700) AS one '
        'SET p.one = one RETURN count(*)")\n'
        'op.add_node_property("Person", "city", "STRING", default="y")\n',
        down="r1",
    )
    people.failed("upgrade", "r2")
    found = report(people, "r2")
    assert found["open_run"]["begun_at"].endswith("+00:00")
    assert found["revisions"][0]["resumed"] is True
    assert [(u["kind"], u["state"]) for u in units(found)] == [
        ("batched", "done"),
        ("data", "done"),
        ("data", "running"),
        ("batched", None),
    ]
    assert batched(found)[0][1] is None
    shown = text(people, "r2")
    assert shown.startswith("It goes on with the run of 2")
    assert "set country of (:Person) to its default (done)" in shown
    # One that would do something else is refused, and says so.
    assert codes(report(people, "--down", "base")) == ["open-run"]
    assert codes(report(people, "head")) == []
    assert revisions(report(people, "head")) == ["r2", "r3"]
    assert revisions(report(people, "+2")) == ["r2"]


# What stands in the way --------------------------------------------------------------


def test_duplicates(people: Project, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("CREATE (:Person {name: 'n1'})", {})])
    found = report(people)
    (obstacle,) = found["obstacles"]
    keys = {"revision", "expected", "found", "advice", "conditional"}
    assert set(obstacle) == keys
    assert obstacle["revision"] == "r2"
    assert "'n1': 2, such as" in obstacle["found"][0]
    shown = text(people)
    assert "in the way of r2: expected: each value of (:Person)(name)" in shown
    assert "1 thing in the way" in shown


def test_what_the_server_can_not_do(live: Project) -> None:
    live.revision("r1", 'op.add_node_key_constraint("Person", "name")')
    found = report(live)
    assert codes(found) == ["capability"]
    assert "needs Enterprise Edition" in found["refusals"][0]["message"]
    assert "refused (capability): " in text(live)


def test_something_to_fill_in(live: Project) -> None:
    live.revision(
        "r1",
        """
        op.add_node("Person", op.Property("born", "STRING"))
        op.alter_node_property("Person", "born", type="INTEGER", using=op.FILL_IN)
        """,
    )
    found = report(live)
    assert codes(found) == ["unfinished"]
    assert [u["kind"] for u in units(found)] == ["stop"]


def test_another_graph_and_an_edited_file(chain: Project, neo4j_graph: Graph) -> None:
    chain.done("upgrade", "head")
    neo4j_graph.transaction([("MATCH (n:__AlembicNeo4jStamp) DELETE n", {})])
    assert codes(report(chain)) == ["stamp"]
    path = chain.versions / "r3_.py"
    path.write_text(path.read_text().replace("i3", "i4"))
    found = report(chain)
    assert codes(found) == ["files", "stamp"]
    with graph_lock(neo4j_graph, Owner.of_this_process(), timeout=5):
        locked = report(chain)
        assert "Another command has the lock" in text(chain)
    assert codes(locked) == ["files"]
    assert "process" in locked["lock"]["holder"]


# What is left alone ------------------------------------------------------------------


def test_without_counts_no_graph_is_needed(people: Project) -> None:
    nowhere = ("-x", f"neo4j.url={NOWHERE}")
    found = report(people, "--no-counts", *nowhere)
    assert revisions(found) == ["r2", "r3"]
    assert found["server"] is None
    assert found["unchecked"] == []
    assert {count for _, count in batched(found)} == {
        "the graph was not asked",
        DEFAULT_BEFORE,
    }
    shown = text(people, "--no-counts", *nowhere)
    assert shown.endswith("18 units; the graph was not asked.\n")
    assert report(people, *nowhere, status=2)["unchecked"][0]["area"] == "graph"
    assert "Not checked: graph: no Neo4j answers" in text(people, *nowhere, status=2)


def test_nothing_is_written(people: Project, neo4j_graph: Graph) -> None:
    files = {p: p.read_bytes() for p in people.path.glob("neo4j_ledger*")}
    graph = graph_state(neo4j_graph)
    report(people)
    report(people, "--down", "base")
    text(people)
    assert {p: p.read_bytes() for p in people.path.glob("neo4j_ledger*")} == files
    assert graph_state(neo4j_graph) == graph


def test_a_new_project_keeps_no_ledger(chain: Project) -> None:
    report(chain)
    assert list(chain.path.glob("neo4j_ledger*")) == []


def test_it_waits_for_nobody(people: Project, driver: neo4j.Driver) -> None:
    with (
        driver.session() as session,
        session.begin_transaction() as transaction,
        closing(sqlite3.connect(people.ledger, isolation_level=None)) as ledger,
    ):
        transaction.run("MATCH (p) SET p.busy = true").consume()
        ledger.execute("BEGIN IMMEDIATE")
        ledger.execute("DELETE FROM alembic_version")
        done = subprocess.run(
            [str(PROGRAM.with_name("alembic-neo4j")), "plan", "--format", "json"],
            cwd=people.path,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        ledger.execute("ROLLBACK")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["heads"] == ["r1"]


def test_a_long_plan_has_its_summary_above_it(live: Project) -> None:
    lines = [f'op.add_index("Label{n}", "name")' for n in range(30)]
    live.revision("r1", "\n".join(lines))
    shown = live.verb("plan").out.splitlines()
    assert len(shown) > 20
    assert shown[0].startswith(f"{shown[-1].removesuffix('.')} (")
    assert " create" in shown[0]
    assert shown[-1].startswith("1 revision, ")

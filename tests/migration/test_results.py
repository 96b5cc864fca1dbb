"""Revisions that say whether they apply, and what has become of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.migration_types import MigrationResult
from tests.crash.project import open_runs
from tests.migration.project import Project, indexes

TOLD = """
op.run_cypher("MATCH (n:Person) SET n.seen = true")
return op.MigrationResult(
    success=True, message="all seen", changes=["seen is set"], warnings=["none was old"]
)
"""
CHECK = """
def check_applicable(context):
    return context.read("MATCH (n:Old) RETURN count(n) AS n")[0]["n"] > 0
"""


def written(project: Project, name: str, **texts: str) -> None:
    """Write a revision whose `upgrade` declares what it returns."""
    path = project.revision(name, texts["upgrade"], texts.get("downgrade", ""))
    text = path.read_text()
    text = text.replace("def upgrade():", "def upgrade() -> op.MigrationResult:")
    path.write_text(text)


def entries(project: Project, *options: str) -> list[dict[str, Any]]:
    found = json.loads(project.verb("history", "--format", "json", *options).out)
    return list(found["entries"])


# What it says of itself -------------------------------------------------------------


def test_what_a_revision_says_is_in_the_history(
    live: Project, neo4j_graph: Graph
) -> None:
    written(live, "r1", upgrade=TOLD)
    live.done("upgrade", "head")
    (entry,) = entries(live)
    assert entry["state"] == "done"
    assert entry["applied"]["result"] == {
        "success": True,
        "message": "all seen",
        "changes": ["seen is set"],
        "warnings": ["none was old"],
    }
    shown = live.verb("history").out.splitlines()[1:]
    assert [line.strip() for line in shown] == [
        "all seen",
        "changed: seen is set",
        "warning: none was old",
    ]


def test_one_that_failed_by_its_own_account_is_not_applied(
    live: Project, neo4j_graph: Graph
) -> None:
    written(
        live,
        "r1",
        upgrade="op.add_index('A', 'p')\n"
        "return op.MigrationResult(op.is_replaying(), 'the file is locked')",
    )
    said = live.failed("upgrade", "head")
    assert "upgrade() says that it failed: the file is locked" in said
    assert live.done("current") == ""
    assert open_runs(live) == 0
    # What was to be sent in the end was not.
    assert indexes(neo4j_graph) == set()


@pytest.mark.parametrize(
    ("body", "declares", "said"),
    [
        ("return op.MigrationResult(True)", False, "which it does not declare"),
        ("pass", True, "declares a MigrationResult and returned NoneType"),
        ("return 7", False, "returned int; expected None"),
        ("return op.MigrationResult('yes')", True, "expected True or False"),
        ("return op.MigrationResult(True, changes='one')", True, "a list of texts"),
    ],
)
def test_what_is_returned_is_what_is_declared(
    live: Project, body: str, declares: bool, said: str
) -> None:
    if declares:
        written(live, "r1", upgrade=body)
    else:
        live.revision("r1", body)
    assert said in live.failed("upgrade", "head")
    assert not live.ledger.exists()


def test_a_result_is_of_texts() -> None:
    with pytest.raises(TypeError, match="expected a text, found 7"):
        MigrationResult(True, "done", changes=[7])  # type: ignore[list-item]


# Whether it applies -----------------------------------------------------------------


def test_what_is_not_applicable_is_passed_over_and_recorded_so(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        "op.run_cypher('CREATE (:New)')",
        "op.run_cypher('MATCH (n:New) DELETE n')",
        header=CHECK,
        migration_type="cleanup",
    )
    live.revision("r2", "op.run_cypher('CREATE (:Two)')", down="r1")
    neo4j_graph.transaction([("CREATE (:New {of: 'somebody else'})", {})])

    live.done("upgrade", "head")

    assert "r2" in live.done("current")
    counts = "MATCH (n:New|Two) RETURN labels(n)[0] AS label, count(*) AS n"
    found = {row["label"]: row["n"] for row in neo4j_graph.read(counts)}
    assert found == {"New": 1, "Two": 1}
    states = {entry["subject"]: entry["state"] for entry in entries(live)}
    assert states == {"r1": "skipped", "r2": "done"}
    assert [e["type"] for e in entries(live, "--state", "skipped")] == ["cleanup"]
    # What has not run is not taken back.
    live.done("downgrade", "base")
    assert neo4j_graph.read("MATCH (n:New) RETURN n.of AS of") == [
        {"of": "somebody else"}
    ]


def test_what_is_applicable_runs_and_goes_back(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        "op.run_cypher('CREATE (:New)')",
        "op.run_cypher('MATCH (n:New) DELETE n')",
        header=CHECK,
    )
    neo4j_graph.transaction([("CREATE (:Old)", {})])
    live.done("upgrade", "head")
    assert len(neo4j_graph.read("MATCH (n:New) RETURN n")) == 1
    live.done("downgrade", "base")
    assert neo4j_graph.read("MATCH (n:New) RETURN n") == []


def test_one_that_was_begun_is_not_asked_again(
    live: Project, neo4j_graph: Graph
) -> None:
    # Its first statement is what its question is about; the second one fails.
    switch = live.path / "fail"
    switch.touch()
    live.revision(
        "r1",
        "op.run_cypher('MATCH (n:Old) DELETE n')\n"
        f"op.run_cypher('CREATE (:New {{p: 1 / $by}})', {{'by': by({str(switch)!r})}})",
        header="from pathlib import Path\n"
        "def by(path):\n    return 0 if Path(path).exists() else 1\n" + CHECK,
    )
    neo4j_graph.transaction([("CREATE (:Old)", {})])
    assert "/ by zero" in live.failed("upgrade", "head")
    switch.unlink()

    live.done("upgrade", "head")

    assert len(neo4j_graph.read("MATCH (n:New) RETURN n")) == 1
    assert [entry["state"] for entry in entries(live)] == ["done"]


def test_a_question_may_look_at_files(live: Project, neo4j_graph: Graph) -> None:
    live.revision(
        "r1",
        "op.run_cypher('CREATE (:New)')",
        header="def check_applicable(context):\n"
        "    return (context.root / 'settings.json').exists()",
    )
    Path(live.path / "settings.json").write_text("{}")
    live.done("upgrade", "head")
    assert len(neo4j_graph.read("MATCH (n:New) RETURN n")) == 1


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("def check_applicable():\n    return None", "returned None; expected True"),
        ("async def check_applicable():\n    return True", "a coroutine function"),
        ("check_applicable = True", "is no function but True"),
        (
            "def check_applicable(context):\n"
            "    return bool(context.read('CREATE (n:Made) RETURN n'))",
            "read access mode",
        ),
    ],
)
def test_a_question_that_is_none_is_told(
    live: Project, neo4j_graph: Graph, header: str, said: str
) -> None:
    live.revision("r1", "op.run_cypher('CREATE (:New)')", header=header)
    assert said in live.failed("upgrade", "head")
    assert neo4j_graph.read("MATCH (n:New|Made) RETURN n") == []
    assert open_runs(live) == 0


def test_what_changes_the_schema_can_not_be_passed_over(live: Project) -> None:
    live.revision("r1", "op.add_index('A', 'p')", header=CHECK)
    said = live.failed("upgrade", "head")
    assert "check_applicable() and changes the schema" in said
    assert not live.ledger.exists()


def test_a_script_can_not_ask(live: Project) -> None:
    live.revision("r1", "op.run_cypher('CREATE (:New)')", header=CHECK)
    said = live.failed("upgrade", "head", "--sql")
    assert "check_applicable(), which only a run can ask" in said

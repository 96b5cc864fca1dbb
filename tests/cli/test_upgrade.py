"""The revisions of one type: written, planned, applied and told by themselves."""

from __future__ import annotations

import json

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.migration_types import MIGRATION_TYPES
from tests.migration.project import Project


@pytest.fixture
def branches(live: Project) -> Project:
    """A branch of data upon nothing, and one of a schema with data in its midst."""
    live.revision("d1", "op.run_cypher('CREATE (:D {n: 1})')", migration_type="data")
    live.revision(
        "d2", "op.run_cypher('CREATE (:D {n: 2})')", down="d1", migration_type="data"
    )
    live.revision("s1", "op.add_index('S', 'p')")
    live.revision(
        "d3", "op.run_cypher('CREATE (:D {n: 3})')", down="s1", migration_type="data"
    )
    live.revision("c1", "op.run_cypher('CREATE (:C)')", down="d2", depends_on="s1")
    return live


def numbers(graph: Graph) -> list[int]:
    return [row["n"] for row in graph.read("MATCH (d:D) RETURN d.n AS n ORDER BY n")]


@pytest.mark.parametrize("kind", MIGRATION_TYPES)
def test_a_new_revision_is_of_the_type_that_was_asked_for(
    project: Project, kind: str
) -> None:
    project.done("-x", f"type={kind}", "revision", "-m", "one")
    (path,) = project.versions.glob("*.py")
    assert f'migration_type: str = "{kind}"' in path.read_text()


def test_a_type_that_is_none_is_told_and_no_file_written(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    said = project.failed("-x", "type=dta", "revision", "-m", "one")
    assert "Template rendering failed" in said
    assert "-x type=dta: expected one of config, schema, hooks" in caplog.text
    assert list(project.versions.glob("*.py")) == []


def test_what_comes_after_another_type_is_named_and_nothing_runs(
    branches: Project, neo4j_graph: Graph
) -> None:
    found = branches.verb("upgrade", "--type", "data")
    assert found.status == 2
    assert "d3 comes after s1, which is schema" in found.err
    assert "d2 comes" not in found.err
    assert numbers(neo4j_graph) == []
    assert not branches.ledger.exists()


def test_what_is_depended_on_comes_before_as_well(
    branches: Project, neo4j_graph: Graph
) -> None:
    branches.done("upgrade", "d2")
    found = branches.verb("upgrade", "--type", "schema")
    assert found.status == 0, found.text
    # c1 is of the schema too, and s1, which it depends on, before it.
    assert found.out.splitlines() == ["applied s1", "applied c1"]
    assert numbers(neo4j_graph) == [1, 2]


def test_a_type_is_applied_by_itself_where_it_can_be(
    branches: Project, neo4j_graph: Graph
) -> None:
    branches.done("upgrade", "s1")
    planned = json.loads(
        branches.verb("plan", "--type", "data", "--format", "json").out
    )
    assert sorted(one["revision"] for one in planned["revisions"]) == ["d1", "d2", "d3"]

    found = branches.verb("upgrade", "--type", "data", "--format", "json")

    assert found.status == 0, found.text
    report = json.loads(found.out)
    assert report["type"] == "data"
    assert sorted(report["applied"]) == ["d1", "d2", "d3"]
    assert numbers(neo4j_graph) == [1, 2, 3]
    assert "c1" not in branches.done("current")

    again = branches.verb("upgrade", "--type", "data")
    assert (again.status, again.out) == (
        0,
        "No revision of the type data is pending.\n",
    )
    assert branches.verb("plan", "--type", "data").status == 0


def test_the_history_is_told_by_type(branches: Project) -> None:
    branches.done("upgrade", "s1")
    branches.done("upgrade", "d2")
    shown = json.loads(
        branches.verb("history", "--type", "data", "--format", "json").out
    )
    assert [(one["subject"], one["type"]) for one in shown["entries"]] == [
        ("d2", "data"),
        ("d1", "data"),
    ]
    assert shown["of"] == 2
    limited = branches.verb("history", "--type", "schema", "--limit", "1")
    assert "s1" in limited.out
    assert "d2" not in limited.out


def test_without_a_type_alembic_is_named(branches: Project) -> None:
    found = branches.verb("upgrade")
    assert found.status == 2
    assert "--type" in found.err
    assert "alembic -c neo4j.ini upgrade head" in found.err


def test_a_plan_has_one_target(branches: Project) -> None:
    found = branches.verb("plan", "s1", "--type", "data")
    assert found.status == 2
    assert "Give one target" in found.err


def test_a_dry_run_is_the_plan_and_nothing_runs(
    branches: Project, neo4j_graph: Graph
) -> None:
    """The exit status says whether it would run, not whether there is anything."""
    refused = branches.verb("upgrade", "--dry-run", "--type", "schema")
    assert refused.status == 2
    assert "c1 comes after d2, which is data" in refused.err
    assert not branches.ledger.exists()
    branches.done("upgrade", "d2")
    target = branches.verb("plan", "heads", "--format", "json")
    dry = branches.verb("upgrade", "--dry-run", "--format", "json")
    assert dry.status == 0, dry.text
    assert json.loads(dry.out) == {
        "type": None,
        "applied": [],
        "plan": json.loads(target.out),
    }
    schema = branches.verb("upgrade", "--dry-run", "--type", "schema")
    assert (schema.status, schema.out) == (
        0,
        branches.verb("plan", "--type", "schema").out,
    )
    neo4j_graph.transaction([("CREATE INDEX FOR (s:S) ON (s.p)", {})])
    hindered = branches.verb("upgrade", "--dry-run")
    assert hindered.status == 1
    assert "in the way of s1" in hindered.out
    assert branches.heads() == ["d2"]
    assert numbers(neo4j_graph) == [1, 2]

"""``alembic-neo4j archive``: what revisions have archived, brought back and purged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.conftest import live, project
from tests.migration.project import Project, data, graph_state

__all__ = ["live", "project"]

PEOPLE = (
    "CREATE (a:Person:Employee {name: 'Ann', age: 1}), "
    "(b:Person {name: 'Bob', age: 2}), (a)-[:KNOWS {since: 2020}]->(b)"
)
FIRST = """
op.add_node("Person", op.Property("name", "STRING"), op.Property("age", "INTEGER"))
"""
REMOVAL = """
op.remove_node_property("Person", "age")
op.remove_relationship_property("KNOWS", "since")
"""
BACK = """
op.restore_relationship_property("KNOWS", "since", "INTEGER")
op.restore_node_property("Person", "age", "INTEGER")
"""


@pytest.fixture
def removed(live: Project, neo4j_graph: Graph) -> Project:
    """A project of which a revision has removed two properties."""
    live.revision("r_1", FIRST)
    live.done("upgrade", "head")
    neo4j_graph.transaction([(PEOPLE, {})])
    live.revision("r_1_2", REMOVAL, BACK, down="r_1")
    live.done("upgrade", "head")
    return live


def done(project: Project, *arguments: str) -> str:
    outcome = project.verb("archive", *arguments)
    assert outcome.status == 0, outcome.text
    return outcome.out


def failed(project: Project, *arguments: str) -> str:
    outcome = project.verb("archive", *arguments)
    assert outcome.status == 2, outcome.text
    assert "Traceback" not in outcome.text
    return outcome.err


def listed(project: Project, *arguments: str) -> list[dict[str, Any]]:
    report = json.loads(done(project, *arguments, "--format", "json"))
    archives: list[dict[str, Any]] = report["archives"]
    return archives


def ages(graph: Graph) -> list[Any]:
    rows = graph.read("MATCH (n:Person) RETURN n.age AS age ORDER BY n.name")
    return [row["age"] for row in rows]


def test_what_is_archived_is_listed(removed: Project, neo4j_graph: Graph) -> None:
    before = graph_state(neo4j_graph), removed.remembered()

    found = listed(removed, "list")

    owners = sorted((sorted(row["owners"]), row["count"]) for row in found)
    assert owners == [(["Employee", "Person"], 1), (["KNOWS"], 1), (["Person"], 1)]
    assert {row["revision"] for row in found} == {"r_1_2"}
    assert [row["property"] for row in found] == ["age", "age", "since"]
    assert [row["entity"] for row in found] == ["node", "node", "relationship"]
    assert "r_1_2  [:KNOWS]  since: 1 values" in done(removed, "list")
    assert (graph_state(neo4j_graph), removed.remembered()) == before


def test_nothing_is_archived(live: Project) -> None:
    assert done(live, "list") == "Nothing is archived.\n"
    assert listed(live, "list") == []
    message = failed(live, "restore", "r1")
    assert "expected one revision that has archived r1, found none" in message


def test_values_are_brought_back(removed: Project, neo4j_graph: Graph) -> None:
    done(removed, "restore", "r_1_2", "age", "--yes")

    assert ages(neo4j_graph) == [1, 2]
    assert [row["property"] for row in listed(removed, "list")] == ["since"]
    done(removed, "restore", "r_1_2", "--yes")
    assert listed(removed, "list") == []
    # The downgrade of the revision finds that nothing is left to do.
    removed.done("downgrade", "-1")
    assert ages(neo4j_graph) == [1, 2]
    (row,) = neo4j_graph.read("MATCH ()-[r:KNOWS]->() RETURN r.since AS since")
    assert row == {"since": 2020}


@pytest.mark.parametrize(("how", "expected"), [("overwrite", 1), ("keep", 7)])
def test_a_value_that_came_meanwhile(
    removed: Project, neo4j_graph: Graph, how: str, expected: int
) -> None:
    neo4j_graph.transaction([("MATCH (n:Employee) SET n.age = 7", {})])
    before = data(neo4j_graph)

    message = failed(removed, "restore", "r_1_2", "age", "--yes")

    assert "[1, 7]: 1, such as" in message
    assert "--on-conflict overwrite" in message
    assert data(neo4j_graph) == before
    assert "run the same command again" not in message
    done(removed, "restore", "r_1_2", "age", "--yes", "--on-conflict", how)
    assert ages(neo4j_graph) == [expected, 2]


def test_values_are_purged(removed: Project, neo4j_graph: Graph) -> None:
    assert "say --yes to purge" in failed(removed, "purge", "r_1_2", "age")
    assert len(listed(removed, "list")) == 3

    purged = listed(removed, "purge", "r_1_2", "age", "--yes")

    assert sum(row["count"] for row in purged) == 2
    assert [row["property"] for row in listed(removed, "list")] == ["since"]
    removed.done("downgrade", "-1")
    assert ages(neo4j_graph) == [None, None]


def test_what_is_not_there_is_refused(removed: Project, neo4j_graph: Graph) -> None:
    before = graph_state(neo4j_graph), removed.remembered()

    message = failed(removed, "purge", "r_1_2", "name", "--yes")

    assert "expected one revision that has archived 'name' of r_1_2" in message
    assert "archived is 'age' of r_1_2, 'since' of r_1_2" in message
    assert (graph_state(neo4j_graph), removed.remembered()) == before


def test_restoring_is_asked_for(removed: Project) -> None:
    message = failed(removed, "restore", "r_1_2", "age")
    assert "say --yes to restore" in message

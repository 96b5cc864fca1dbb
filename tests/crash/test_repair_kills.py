"""``alembic-neo4j repair`` killed at its commits: run again, it does what is left."""

from __future__ import annotations

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.cli.conftest import applied
from tests.cli.test_verify import edit, found
from tests.cli.test_verify_graph import write
from tests.crash.harness import KILLED, Kill, client, points
from tests.migration.conftest import live, project
from tests.migration.project import Project, indexes, stamped

__all__ = ["applied", "live", "project"]

REPAIR = ("alembic-neo4j", "repair", "--yes", "--drop-foreign")
ADOPT = ("alembic-neo4j", "repair", "--yes", "--adopt-graph")
SAMPLE = 5
"""Every fifth commit is one that it is killed at, before or after."""


def damage(project: Project, graph: Graph) -> None:
    write(
        graph,
        "DROP INDEX person_born",
        "DROP CONSTRAINT person_name",
        "CREATE INDEX person_name FOR (n:Person) ON (n.name)",
        "DROP INDEX city_name",
        "CREATE INDEX city_name FOR (n:City) ON (n.name)",
        "CREATE INDEX theirs FOR (n:Zoo) ON (n.x)",
        "MATCH (s:__AlembicNeo4jStamp) SET s.ledger = null",
    )
    edit(project, "r1", "def upgrade():", "# edited\ndef upgrade():")


def commits(project: Project, command: tuple[str, ...]) -> list[str]:
    passed = points(project, command)
    return [point for point in passed if ".commit." in point]


def test_it_is_killed_at_any_commit_and_run_again(
    applied: Project, neo4j_graph: Graph
) -> None:
    damage(applied, neo4j_graph)
    places = commits(applied, REPAIR)
    assert found(applied, status=0) == []
    assert len(places) > 20
    for place in places[::SAMPLE]:
        damage(applied, neo4j_graph)
        outcome = client(applied, REPAIR, Kill(place))
        assert outcome.status == KILLED, (place, outcome.text)
        outcome = client(applied, REPAIR, Kill())
        assert outcome.status == 0, (place, outcome.text)
        assert found(applied, status=0) == [], place
        assert indexes(neo4j_graph) == {"person_born", "city_name"}
    applied.done("upgrade", "head")


@pytest.mark.parametrize("when", ["before", "after"])
def test_adopting_is_killed_at_any_commit_and_run_again(
    applied: Project, neo4j_graph: Graph, when: str
) -> None:
    applied.ledger.unlink()
    places = [
        p for p in commits(applied, ADOPT) if p.startswith(f"ledger.commit.{when}")
    ]
    assert places
    for place in places:
        for path in applied.path.glob("neo4j_ledger.db*"):
            path.unlink()
        outcome = client(applied, ADOPT, Kill(place))
        assert outcome.status == KILLED, (place, outcome.text)
        outcome = client(applied, ADOPT, Kill())
        assert outcome.status == 0, (place, outcome.text)
        assert applied.heads() == stamped(neo4j_graph) == ["r2"]
        assert found(applied, status=0) == [], place
    applied.done("upgrade", "head")

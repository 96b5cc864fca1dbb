"""A client that is killed among the schema commands that a person wrote."""

from __future__ import annotations

from alembic_neo4j.graph.connection import Graph
from tests.crash.harness import KILLED, Kill, client
from tests.migration.conftest import live, project
from tests.migration.project import Project, data, indexes

__all__ = ["live", "project"]

UP = """
op.run_cypher("CREATE (:First)")
op.run_cypher("DROP INDEX old")
op.run_cypher("CREATE INDEX new FOR (n:P) ON (n.p)")
op.run_cypher("CREATE CONSTRAINT FOR (n:Q) REQUIRE n.q IS UNIQUE")
op.run_cypher("CREATE INDEX lenient IF NOT EXISTS FOR ()-[r:R]-() ON (r.p)")
op.run_cypher("CREATE LOOKUP INDEX by_type FOR ()-[r]-() ON EACH type(r)")
op.run_cypher("CREATE (:Last)")
"""


def test_each_command_had_its_effect_once(live: Project, neo4j_graph: Graph) -> None:
    project = live
    project.revision("r1", UP)
    lookups = "SHOW INDEXES YIELD name, type, entityType WHERE type = 'LOOKUP' "
    for row in neo4j_graph.read(f"{lookups} AND entityType = 'RELATIONSHIP'"):
        neo4j_graph.transaction([(f"DROP INDEX `{row['name']}`", {})])
    neo4j_graph.transaction([("CREATE INDEX old FOR (n:Old) ON (n.p)", {})])
    upgrade = ("upgrade", "head")
    kills = 0
    for attempt in range(9):
        # Between a command and its record. The first commit is the lock's, and that of
        # a data unit which is found to be done is one as well.
        commit = 3 if attempt % 4 == 1 else 2
        outcome = client(project, upgrade, Kill(f"graph.commit.after#{commit}"))
        if outcome.status != KILLED:
            break
        kills += 1
    outcome = client(project, upgrade, Kill())
    assert outcome.status == 0, outcome.text
    assert kills >= 5
    assert indexes(neo4j_graph) == {"new", "lenient"}
    assert data(neo4j_graph) == [{"labels": ["First"]}, {"labels": ["Last"]}]
    rows = neo4j_graph.read("SHOW CONSTRAINTS YIELD labelsOrTypes AS l WHERE l = ['Q']")
    assert len(rows) == 1

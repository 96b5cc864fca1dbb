"""A command killed at its commits: the trail fits, and tells what has become of it."""

from __future__ import annotations

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.ledger.audit import AuditTrail
from tests.crash.harness import KILLED, Kill, client, points
from tests.migration.conftest import chain, live, project
from tests.migration.project import Project
from tests.migration.test_audit import ledger_of, verdict

__all__ = ["chain", "live", "project"]

UP, DOWN = ("upgrade", "head"), ("downgrade", "base")
SAMPLE = 4
"""Every fourth commit is one that it is killed at, before or after."""


def test_it_is_killed_at_any_commit_and_the_next_one_tells_of_it(
    chain: Project, neo4j_graph: Graph
) -> None:
    places = [place for place in points(chain, UP) if ".commit." in place]
    chain.done(*DOWN)
    assert len(places) > 30
    for place in places[::SAMPLE]:
        outcome = client(chain, UP, Kill(place))
        assert outcome.status in (KILLED, 0), (place, outcome.text)
        assert verdict(chain, neo4j_graph).broken is None, place
        chain.done(*UP)
        chain.done(*DOWN)
        assert verdict(chain, neo4j_graph).broken is None, place
        with ledger_of(chain) as connection:
            assert AuditTrail(connection, "alembic_version").unclosed() == [], place

"""Every code block of the tutorial does what it says, and leaves the graph so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .documents import ROOT, Outcome, Session, blocks, is_run

pytestmark = pytest.mark.server

TUTORIAL = ROOT / "docs" / "tutorial.md"


def test_every_block_is_run() -> None:
    found = list(blocks(TUTORIAL.read_text().splitlines()))
    assert found
    assert all(is_run(block) for block in found)


def test_the_tutorial_gives_what_it_shows(tmp_path: Path, neo4j_graph: Any) -> None:
    session = Session(tmp_path)
    for outcome in session.outcomes(TUTORIAL):
        if outcome.title.endswith("downgrade base"):
            assert_emptied(neo4j_graph)
        session.learn(outcome)
        if is_data_migration(outcome):
            assert people(neo4j_graph) == [
                {"full_name": "Ian Holm", "sort_name": "Holm, Ian"},
                {"full_name": "Sigourney Weaver", "sort_name": "Weaver, Sigourney"},
            ]

        if shows(outcome, "Going on with the run"):
            fees = "MATCH (p:Person) RETURN p.fee AS value"
            costs = "MATCH (f:Film) RETURN f.cost AS value"
            assert neo4j_graph.read(fees) == [{"value": 100}] * 2
            assert neo4j_graph.read(costs) == [{"value": 1000}] * 2


def shows(outcome: Outcome, text: str) -> bool:
    return any(text in line for line in outcome.expected)


def is_data_migration(outcome: Outcome) -> bool:
    applied = any("-> " in line and ", sort name" in line for line in outcome.expected)
    return applied and outcome.title.endswith("upgrade head")


def people(graph: Any) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = graph.read(
        "MATCH (p:Person)-[:ACTED_IN]->(:Film) "
        "RETURN DISTINCT p.full_name AS full_name, p.sort_name AS sort_name "
        "ORDER BY full_name"
    )
    return rows


def assert_emptied(graph: Any) -> None:
    kept = "MATCH (n) RETURN labels(n)[0] AS label, count(*) AS count ORDER BY label"
    assert graph.read(kept) == [
        {"label": "__AlembicNeo4jLock", "count": 2},
        {"label": "__AlembicNeo4jStamp", "count": 1},
    ]
    own = [{"name": "__alembic_neo4j_lock"}]
    assert graph.read("SHOW CONSTRAINTS YIELD name") == own
    named = "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"
    assert graph.read(named) == own

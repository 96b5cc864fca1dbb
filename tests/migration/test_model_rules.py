"""Rules that only the models have: checked before an upgrade, told of else."""

from __future__ import annotations

import neo4j
import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import Project, graph_state

BEFORE = """
class Doc(StructuredNode):
    name = StringProperty()
    kind = StringProperty()
    cites = RelationshipTo("Doc", "CITES")
"""
AFTER = {
    "required": BEFORE.replace(
        "name = StringProperty()", "name = StringProperty(required=True)"
    ),
    "choices": BEFORE.replace(
        "kind = StringProperty()", "kind = StringProperty(choices={'a': 'A'})"
    ),
    "pattern": BEFORE.replace(
        "name = StringProperty()", "name = RegexProperty(expression='x+')"
    ),
    "cardinality": BEFORE.replace('"CITES")', '"CITES", cardinality=One)'),
}


def _generate(project: Project, revision: str, models: str) -> None:
    project.models(models)
    project.done("revision", "--autogenerate", "-m", "m", "--rev-id", revision)


@pytest.mark.parametrize("rule", AFTER)
def test_an_upgrade_is_refused_unless_they_are_to_be_told(
    live: Project, neo4j_graph: Graph, driver: neo4j.Driver, rule: str
) -> None:
    _generate(live, "r1", BEFORE)
    live.done("upgrade", "head")
    driver.execute_query("CREATE (:Doc {kind: 'z'}), (:Doc {name: 'y', kind: 'z'})")
    _generate(live, "r2", AFTER[rule])
    before = graph_state(neo4j_graph)
    live.failed("upgrade", "head")
    assert graph_state(neo4j_graph) == before
    live.set("neo4j.model_rules", "report")
    outcome = live.run("upgrade", "head")
    assert outcome.status == 0, outcome.text
    assert "The data break a rule of the models: " in outcome.text
    assert live.heads() == ["r2"]


@pytest.mark.parametrize("rule", AFTER)
def test_a_downgrade_tells_and_goes_on(
    live: Project, neo4j_graph: Graph, driver: neo4j.Driver, rule: str
) -> None:
    _generate(live, "r1", AFTER[rule])
    live.done("upgrade", "head")
    _generate(live, "r2", BEFORE)
    live.done("upgrade", "head")
    driver.execute_query("CREATE (:Doc {kind: 'z'}), (:Doc {name: 'y', kind: 'z'})")
    outcome = live.run("downgrade", "r1")
    assert outcome.status == 0, outcome.text
    assert "The data break a rule of the models: " in outcome.text
    assert live.heads() == ["r1"]

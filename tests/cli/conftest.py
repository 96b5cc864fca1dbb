"""The fixtures of a project, for the verbs that look at one."""

from __future__ import annotations

import pytest

from tests.migration.conftest import chain, live, project
from tests.migration.project import Project

__all__ = ["chain", "live", "project"]

MODELS = """
from alembic_neo4j import declare

class City(StructuredNode):
    name = StringProperty()
    __neo4j_schema__ = [declare.text_index("name", name="city_name")]

class Person(StructuredNode):
    name = StringProperty(unique_index=True)
    born = IntegerProperty(index=True)
    home = RelationshipTo("City", "LIVES_IN")
"""
PEOPLE = """
op.add_node(
    "Person", op.Property("name", "STRING"), op.Property("born", "INTEGER")
)
op.add_index("Person", "born", name="person_born")
op.add_unique_constraint("Person", "name", name="person_name")
"""
CITIES = """
op.add_node("City", op.Property("name", "STRING"))
op.add_relationship("Person", "LIVES_IN", "City", attribute="home")
op.add_text_index("City", "name", name="city_name")
"""


@pytest.fixture
def applied(live: Project) -> Project:
    """Models and two applied revisions that say the same, on a graph without data."""
    live.models(MODELS)
    live.revision("r1", PEOPLE)
    live.revision(
        "r2",
        CITIES,
        """
        op.drop_text_index("City", "name")
        op.remove_relationship("Person", "LIVES_IN", "City")
        op.remove_node("City")
        """,
        down="r1",
    )
    live.done("upgrade", "head")
    return live

"""The fixtures of a project, for the verbs that look at one."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest

from alembic_neo4j.cli import project as reporting
from alembic_neo4j.cli.reports import REPORTS
from alembic_neo4j.cli.shapes import misfits
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


@pytest.fixture(autouse=True)
def described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every report that is printed in a test is as it is described."""
    written = reporting._serialized

    def checked(value: Any) -> str:
        text = written(value)
        called_by = click.get_current_context().command_path.split()[1:]
        shape = REPORTS[" ".join(called_by)]
        assert list(misfits(shape, json.loads(text))) == [], called_by
        return text

    monkeypatch.setattr(reporting, "_serialized", checked)


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

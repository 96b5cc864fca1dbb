"""``alembic-neo4j schema``: schemas of revisions and models, dumped and compared."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.migration.project import Outcome, Project

from .conftest import CITIES, MODELS, PEOPLE


@pytest.fixture
def history(project: Project) -> Project:
    """Models and two revisions that say the same; the graph is nowhere."""
    project.models(MODELS)
    project.revision("r1", PEOPLE)
    project.revision("r2", CITIES, down="r1")
    return project


def done(project: Project, *arguments: str, status: int = 0) -> Outcome:
    outcome = project.verb("schema", *arguments)
    assert outcome.status == status, outcome.text
    return outcome


def dumped(project: Project, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done(project, "dump", *arguments).out)
    return found


def test_a_revision_and_the_models_say_the_same(history: Project) -> None:
    of_history = dumped(history)
    assert of_history == dumped(history, "head")
    of_models = dumped(history, "models")
    for part in ("hash", "nodes", "relationship_types"):
        assert of_history[part] == of_models[part]
    # A name alone is no difference; it is told all the same.
    assert of_models["indexes"][0]["name"] == "index_Person_born"
    person, city = of_history["nodes"][1], of_history["nodes"][0]
    assert (person["label"], city["label"]) == ("Person", "City")
    assert person["properties"] == [
        {"name": "born", "type": "INTEGER", "attribute": "born"},
        {"name": "name", "type": "STRING", "attribute": "name"},
    ]
    assert person["relationships"] == [
        {"type": "LIVES_IN", "target": "City", "attribute": "home"}
    ]
    assert [(i["kind"], i["name"]) for i in of_history["indexes"]] == [
        ("RANGE", "person_born"),
        ("TEXT", "city_name"),
    ]
    assert not history.ledger.exists()


def test_an_earlier_revision_is_replayed(history: Project) -> None:
    assert [node["label"] for node in dumped(history, "r1")["nodes"]] == ["Person"]
    assert dumped(history, "base")["nodes"] == []
    assert dumped(history, "--", "-1") == dumped(history, "r1")


def test_the_hash_is_that_of_the_revision_file(project: Project) -> None:
    project.models(MODELS)
    project.done("revision", "--autogenerate", "-m", "first")
    (path,) = project.versions.glob("*_first.py")
    (written,) = re.findall(r"schema_hash: .* = ['\"](.*)['\"]", path.read_text())
    for of in ((), ("head",), ("models",), (path.name[:4],)):
        assert done(project, "hash", *of).out == f"{written}\n"
        assert dumped(project, *of)["hash"] == written
    found = json.loads(done(project, "hash", "models", "--format", "json").out)
    assert found == {"of": "models", "hash": written}


def test_where_a_class_stands_and_in_what_order_changes_nothing(
    project: Project,
) -> None:
    classes = [
        "class A(StructuredNode):\n    x = StringProperty()\n    y = FloatProperty()\n",
        "class B(StructuredNode):\n    a = RelationshipTo('A', 'HAS')\n",
    ]
    project.models("".join(classes))
    before = done(project, "dump", "models").out
    (project.path / "models.py").unlink()
    package = project.path / "people"
    package.mkdir()
    (package / "__init__.py").write_text("")
    header = "from neomodel import *\n"
    moved = classes[0].replace(
        "    x = StringProperty()\n    y = FloatProperty()\n",
        "    y = FloatProperty()\n    x = StringProperty()\n",
    )
    (package / "one.py").write_text(header + classes[1].replace("'A'", "'.two.A'"))
    (package / "two.py").write_text(header + moved)
    project.set("neo4j.models", "people")
    assert done(project, "dump", "models").out == before


def test_what_leads_from_one_to_another(history: Project) -> None:
    assert done(history, "diff").out == "heads and models say the same.\n"
    assert done(history, "diff", "r2:models").out.endswith("say the same.\n")
    said = done(history, "diff", "r1:r2", status=1).out
    assert said.splitlines() == [
        "added node City(name)",
        "added relationship Person.LIVES_IN.City",
        "added text index City(name)",
    ]
    said = done(history, "diff", "r2:r1", status=1).out
    assert "removed relationship Person.LIVES_IN.City" in said
    report = json.loads(
        done(history, "diff", "r1:models", "--format", "json", status=1).out
    )
    assert report["equal"] is False
    assert report["from"] == {"of": "r1", "hash": dumped(history, "r1")["hash"]}
    assert report["to"] == {"of": "models", "hash": dumped(history)["hash"]}
    assert report["changes"][0] == {
        "operation": "add_node",
        "arguments": ["City", {"name": "name", "type": "STRING"}],
        "keywords": {},
        "text": "added node City(name)",
    }
    assert [change["operation"] for change in report["changes"]] == [
        *("add_node", "add_relationship", "add_text_index")
    ]


def test_changed_models_differ_as_autogenerate_finds_it(history: Project) -> None:
    history.models(
        MODELS.replace("born = IntegerProperty(index=True)", "age = IntegerProperty()")
    )
    said = done(history, "diff", status=1).out
    assert "removed index Person(born)" in said
    assert "added node property Person(age, INTEGER)" in said
    history.models(MODELS)
    report = json.loads(done(history, "diff", "--format", "json").out)
    assert report["changes"] == []
    assert report["equal"] is True


def test_what_enterprise_alone_has_is_in_where_autogenerate_writes_it(
    project: Project,
) -> None:
    project.models(
        "from alembic_neo4j import declare\n"
        "class P(StructuredNode):\n    x = StringProperty()\n"
        "    __neo4j_schema__ = [declare.key('x')]\n"
    )
    assert dumped(project, "models")["constraints"] == []
    project.set("neo4j.enterprise", "true")
    (found,) = dumped(project, "models")["constraints"]
    assert (found["kind"], found["properties"]) == ("KEY", ["x"])


def test_values_that_json_lacks(project: Project) -> None:
    project.revision(
        "r1",
        """
        op.add_node("A", op.Property("d", "DATE", default=date(2020, 2, 29)))
        op.add_vector_index("A", "v", dimensions=3)
        """,
        header="from datetime import date",
    )
    found = dumped(project)
    assert found["nodes"][0]["properties"][0]["default"] == {"date": "2020-02-29"}
    assert found["indexes"][0]["options"]["vector.dimensions"] == 3
    text = done(project, "diff", "base:head", "--format", "json", status=1).out
    assert '"2020-02-29"' in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dump", "nope"), "Can't locate revision identified by 'nope'"),
        (("hash", "nope"), "Can't locate revision identified by 'nope'"),
        (("diff", "head"), "Expected two schemas, such as head:models, found 'head'"),
        (("diff", "head:"), "Expected two schemas"),
        (("diff", "nope:models"), "Can't locate revision identified by 'nope'"),
    ],
)
def test_what_is_refused(
    history: Project, arguments: tuple[str, ...], message: str
) -> None:
    assert message in done(history, *arguments, status=2).err


def test_models_that_can_not_be_read(history: Project, tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text("import nothing_of_the_kind\n")
    assert dumped(history)["nodes"]
    assert "can't be imported" in done(history, "dump", "models", status=2).err


def test_several_heads_are_one_schema(history: Project) -> None:
    history.revision("x1", 'op.add_node("Dog")', down="r1")
    labels = [node["label"] for node in dumped(history)["nodes"]]
    assert labels == ["City", "Dog", "Person"]
    assert (
        "multiple head revisions" in done(history, "dump", "head", status=2).err.lower()
    )

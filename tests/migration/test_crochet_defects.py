"""What the nearest comparable tool gets wrong, where no other test here shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import Project, graph_state, indexes

CONSTRAINTS = (
    "SHOW CONSTRAINTS YIELD name, labelsOrTypes "
    "WHERE none(label IN labelsOrTypes WHERE label STARTS WITH '__') "
    "RETURN name ORDER BY name"
)


def _constraints(graph: Graph) -> list[str]:
    return [row["name"] for row in graph.read(CONSTRAINTS)]


def _generated(project: Project, revision: str, *arguments: str) -> str:
    verb = ("revision", "--autogenerate", "--rev-id", revision)
    # In a process of its own: neomodel keeps classes for the life of one.
    outcome = project.program("-c", "neo4j.ini", *arguments, *verb)
    assert outcome.status == 0, outcome.text
    (path,) = project.versions.glob(f"{revision}_*.py")
    return path.read_text()


def _content(graph: Graph) -> list[Any]:
    """Return nodes, indexes and constraints, ours left out."""
    nodes, relationships, found, constraints = graph_state(graph)
    return [
        [n for n in nodes if not any(x.startswith("__") for x in n["labels"])],
        relationships,
        found,
        constraints,
    ]


# From the models to the revision ------------------------------------------------------


def test_a_downgrade_takes_a_rename_back_last(
    live: Project, neo4j_graph: Graph
) -> None:
    live.models(
        "class Person(StructuredNode):\n"
        "    __kgid__ = 'person'\n"
        "    name = StringProperty(unique_index=True)\n"
        "    born = IntegerProperty(index=True)\n"
        "    gone = StringProperty()\n"
    )
    _generated(live, "r1")
    live.done("upgrade", "head")
    rows = "UNWIND range(1, 3) AS i CREATE (:Person {name: 'n' + i, born: i, gone: i})"
    neo4j_graph.transaction([(rows, {})])
    before = _content(neo4j_graph)
    live.models(
        "class Human(StructuredNode):\n"
        "    __kgid__ = 'person'\n"
        "    name = StringProperty(unique_index=True)\n"
        "    year = IntegerProperty(index=True)\n"
        "    kind = StringProperty(default='human', index=True)\n"
    )
    text = _generated(live, "r2", "-x", "rename=Human.born:year")
    assert 'op.rename_label("Person", "Human")' in text
    live.done("upgrade", "head")
    humans = neo4j_graph.read(
        "MATCH (n:Human) RETURN n.year AS year, n.kind AS kind ORDER BY year"
    )
    assert humans == [{"year": n, "kind": "human"} for n in (1, 2, 3)]
    assert _constraints(neo4j_graph) == ["constraint_unique_Human_name"]
    assert neo4j_graph.read("MATCH (n:Person) RETURN n") == []
    live.done("check")
    live.done("downgrade", "r1")
    assert _content(neo4j_graph) == before


@pytest.mark.parametrize(
    "classes",
    [
        "class A(StructuredNode):\n    __kgid__ = 'x'\n\n"
        "class B(StructuredNode):\n    __kgid__ = 'x'\n",
        "class A(StructuredNode):\n    n = StringProperty()\n\n"
        "class B(StructuredNode):\n    __label__ = 'A'\n    n = IntegerProperty()\n",
    ],
    ids=["an identity twice", "a label in two ways"],
)
def test_models_that_contradict_themselves_give_no_revision(
    project: Project, classes: str
) -> None:
    project.models("class A(StructuredNode):\n    n = StringProperty(index=True)\n")
    _generated(project, "r1")
    files = sorted(project.versions.glob("*.py"))
    project.models(classes)
    for verb in (("check",), ("revision", "--autogenerate")):
        outcome = project.program("-c", "neo4j.ini", *verb)
        assert outcome.status == 255, outcome.text
        assert "models.py" in outcome.out
        assert "Traceback" not in outcome.text
    assert sorted(project.versions.glob("*.py")) == files
    # What comes then is compared with the same history as before.
    project.models("class A(StructuredNode):\n    n = StringProperty()\n")
    assert 'op.drop_index("A", "n")' in _generated(project, "r2")


def test_modules_of_models_may_import_each_other(project: Project) -> None:
    package = project.path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "people.py").write_text(
        "from neomodel import *\n"
        "from shop import things\n\n\n"
        "class Owner(StructuredNode):\n"
        "    name = StringProperty(index=True)\n"
        "    has = RelationshipTo('shop.things.Thing', 'HAS')\n"
    )
    (package / "things.py").write_text(
        "from neomodel import *\n"
        "from shop import people\n\n\n"
        "class Thing(StructuredNode):\n"
        "    owner = RelationshipFrom('shop.people.Owner', 'HAS')\n"
    )
    project.set("neo4j.models", "shop")
    text = _generated(project, "r1")
    assert text.count('"Owner"') > 1
    assert text.count('"Thing"') > 1
    outcome = project.program("-c", "neo4j.ini", "check")
    assert outcome.status == 0, outcome.text
    # Another file is no other schema.
    (package / "things.py").rename(package / "goods.py")
    people = package / "people.py"
    people.write_text(people.read_text().replace("things", "goods"))
    outcome = project.program("-c", "neo4j.ini", "check")
    assert outcome.status == 0, outcome.text


# What the graph has already -----------------------------------------------------------


def test_a_constraint_by_another_name_is_neither_made_nor_kept_unseen(
    live: Project, neo4j_graph: Graph
) -> None:
    theirs = "CREATE CONSTRAINT theirs FOR (n:P) REQUIRE n.p IS UNIQUE"
    live.revision("r1", "op.execute('CREATE (:Written)')")
    live.revision(
        "r2",
        "op.add_unique_constraint('P', 'p')",
        "op.drop_unique_constraint('P', 'p')",
        down="r1",
    )
    neo4j_graph.transaction([(theirs, {})])
    message = live.failed("upgrade", "head")
    assert "the graph has it already" in message
    assert "theirs" in message
    assert live.heads() == []
    assert neo4j_graph.read("MATCH (n:Written) RETURN n") == []
    neo4j_graph.transaction([("DROP CONSTRAINT theirs", {})])
    live.done("upgrade", "head")
    (made,) = _constraints(neo4j_graph)
    # As neomodel or a person would name it: a downgrade drops what it is.
    neo4j_graph.transaction([(f"DROP CONSTRAINT {made}", {})])
    neo4j_graph.transaction([(theirs, {})])
    live.done("downgrade", "r1")
    assert _constraints(neo4j_graph) == []


def test_a_failed_index_of_others_is_not_waited_for(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE (:Long {p: $value})", {"value": "x" * 40_000})])
    neo4j_graph.transaction([("CREATE INDEX long FOR (n:Long) ON (n.p)", {})])
    # Waiting for all of the database's indexes raises what is wrong with any.
    with pytest.raises(Exception, match=r"FAILED|failed"):
        neo4j_graph.read("CALL db.awaitIndexes(30)")
    live.revision(
        "r1",
        "op.add_index('P', 'p', name='mine'); op.add_unique_constraint('P', 'q')",
        "op.drop_unique_constraint('P', 'q'); op.drop_index('P', 'p')",
    )
    live.done("upgrade", "head")
    assert indexes(neo4j_graph) == {"long", "mine"}
    live.done("downgrade", "base")
    assert indexes(neo4j_graph) == {"long"}


# Drift --------------------------------------------------------------------------------


def _findings(project: Project) -> set[str]:
    report = json.loads(project.verb("verify", "--format", "json").out)
    return {finding["code"] for finding in report["findings"]}


def test_what_was_done_by_hand_is_seen_at_once(
    live: Project, neo4j_graph: Graph
) -> None:
    model = "class P(StructuredNode):\n    p = StringProperty({})\n"
    live.models(model.format("unique_index=True"))
    live.done("revision", "--autogenerate", "--rev-id", "r1")
    live.done("upgrade", "head")
    assert _findings(live) == set()
    (name,) = _constraints(neo4j_graph)
    neo4j_graph.transaction([(f"DROP CONSTRAINT {name}", {})])
    assert _findings(live) == {"element-missing"}
    live.verb("repair", "--yes")
    assert _constraints(neo4j_graph) == [name]
    live.models(model.format(""))
    assert _findings(live) == {"models-differ"}

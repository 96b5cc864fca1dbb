"""Who decides a rename: ``__kgid__``, a hint, a question on a terminal, or nobody."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest
from neomodel import db

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import PROGRAM, Project

BEFORE = """
class Knows(StructuredRel):
    since = IntegerProperty()


class Person(StructuredNode):
    name = StringProperty(unique_index=True)
    born = IntegerProperty(index=True)
    friends = RelationshipTo("Person", "KNOWS", model=Knows)
"""


@pytest.fixture
def people(project: Project) -> Project:
    """A project whose history declares the models as they were before."""
    _forget_relationship_models()
    project.models(BEFORE)
    project.done("revision", "--autogenerate", "--rev-id", "r1")
    return project


def _generated(project: Project, *arguments: str) -> str:
    _forget_relationship_models()
    project.done(*arguments, "revision", "--autogenerate", "--rev-id", "r2")
    (path,) = project.versions.glob("r2*.py")
    return path.read_text()


def _forget_relationship_models() -> None:
    # neomodel keeps the model of a relationship type for the life of a process.
    db._NODE_CLASS_REGISTRY.clear()


def _changed(project: Project, old: str, new: str) -> None:
    assert old in BEFORE
    project.models(BEFORE.replace(old, new))


def test_an_identity_decides_without_a_word(project: Project) -> None:
    project.models("class A(StructuredNode):\n    __kgid__ = 'one'\n")
    project.done("revision", "--autogenerate", "--rev-id", "r1")
    project.models("class B(StructuredNode):\n    __kgid__ = 'one'\n")
    text = _generated(project)
    assert 'op.rename_label("A", "B")' in text
    assert 'op.rename_label("B", "A")' in text


@pytest.mark.parametrize("owner", ["Person", "`Person`"])
def test_a_hint_renames_a_property(people: Project, owner: str) -> None:
    _changed(people, "    born", "    birth_year")
    text = _generated(people, "-x", f"rename={owner}.born:birth_year")
    assert 'op.rename_node_property("Person", "born", "birth_year")' in text
    assert 'op.rename_node_property("Person", "birth_year", "born")' in text
    assert "remove_node_property" not in text
    assert "index" not in text


@pytest.mark.parametrize("owner", ["Person", "Human"])
def test_hints_repeat_and_take_either_name_of_the_label(
    people: Project, owner: str
) -> None:
    text = BEFORE.replace("Person", "Human").replace("    born", "    birth_year")
    people.models(text)
    hints = ("-x", f"rename={owner}.born:birth_year", "-x", "rename=Person:Human")
    generated = _generated(people, *hints)
    assert 'op.rename_label("Person", "Human")' in generated
    assert 'op.rename_node_property("Human", "born", "birth_year")' in generated


def test_a_hint_renames_a_relationship_type_of_a_label(people: Project) -> None:
    people.models(BEFORE.replace("KNOWS", "LIKES").replace("friends", "liked"))
    text = _generated(people, "-x", "rename=Person.KNOWS:LIKES")
    assert 'op.rename_relationship_type("KNOWS", "LIKES")' in text


def test_a_hint_renames_a_property_of_a_relationship_type(people: Project) -> None:
    _changed(people, "    since", "    year")
    text = _generated(people, "-x", "rename=KNOWS.since:year")
    assert 'op.rename_relationship_property("KNOWS", "since", "year")' in text


@pytest.mark.parametrize(
    "hint",
    [
        "Nobody:Human",
        "Person:Nobody",
        "Person.nothing:birth_year",
        "Person.born:nothing",
        "Nobody.born:birth_year",
        "born",
        "Person.born.year:x",
        "Person.name:name",
    ],
)
def test_a_hint_that_fits_nothing_is_an_error(people: Project, hint: str) -> None:
    _changed(people, "    born", "    birth_year")
    _forget_relationship_models()
    message = people.failed(
        "-x", f"rename={hint}", "revision", "--autogenerate", "--rev-id", "r2"
    )
    assert f"rename={hint}" in message
    assert not list(people.versions.glob("r2*.py"))


def test_with_neither_it_is_a_removal_and_an_addition_with_a_comment(
    people: Project,
) -> None:
    _changed(people, "    born", "    birth_year")
    text = _generated(people)
    assert "#     -x rename=Person.born:birth_year" in text
    assert 'op.add_node_property("Person", "birth_year", "INTEGER")' in text
    assert 'op.remove_node_property("Person", "born")' in text


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("y", 'op.rename_node_property("Person", "born", "birth_year")'),
        ("n", 'op.remove_node_property("Person", "born")'),
    ],
)
def test_on_a_terminal_it_is_asked(people: Project, answer: str, expected: str) -> None:
    _changed(people, "    born", "    birth_year")
    arguments = ["-c", "neo4j.ini", "revision", "--autogenerate", "--rev-id", "r2"]
    screen = _on_a_terminal(people.path, arguments, answer)
    assert "Was Person.born renamed to birth_year (same type INTEGER" in screen
    (path,) = people.versions.glob("r2*.py")
    assert expected in path.read_text()
    assert "-x rename" not in path.read_text()


def test_a_check_on_a_terminal_asks_nothing(people: Project) -> None:
    _changed(people, "    born", "    birth_year")
    screen = _on_a_terminal(people.path, ["-c", "neo4j.ini", "check"], "")
    assert "New upgrade operations detected" in screen
    assert "renamed to" not in screen


def test_a_renamed_label_keeps_its_nodes_and_its_constraint(
    live: Project, neo4j_graph: Graph
) -> None:
    live.models("class A(StructuredNode):\n    key = StringProperty(unique_index=True)")
    live.done("revision", "--autogenerate", "--rev-id", "r1")
    live.done("upgrade", "head")
    neo4j_graph.transaction([("UNWIND range(1, 5) AS i CREATE (:A {key: i})", {})])
    live.models("class B(StructuredNode):\n    key = StringProperty(unique_index=True)")
    live.done("-x", "rename=A:B", "revision", "--autogenerate", "--rev-id", "r2")
    live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (n:B) RETURN count(n) AS n") == [{"n": 5}]
    names = neo4j_graph.read(
        "SHOW CONSTRAINTS YIELD name WHERE name <> '__alembic_neo4j_lock'"
    )
    assert names == [{"name": "constraint_unique_B_key"}]
    live.done("downgrade", "r1")
    assert neo4j_graph.read("MATCH (n:A) RETURN count(n) AS n") == [{"n": 5}]
    names = neo4j_graph.read(
        "SHOW CONSTRAINTS YIELD name WHERE name <> '__alembic_neo4j_lock'"
    )
    assert names == [{"name": "constraint_unique_A_key"}]


@pytest.mark.parametrize("kind", ["node", "relationship"])
def test_an_attribute_keeps_its_property_through_two_renames(
    live: Project, neo4j_graph: Graph, kind: str
) -> None:
    def models(name: str) -> str:
        declared = f'    since = IntegerProperty(db_property="{name}")'
        if kind == "node":
            return f"class Person(StructuredNode):\n{declared}\n"
        return (
            f"class Met(StructuredRel):\n{declared}\n\n"
            "class Person(StructuredNode):\n"
            '    met = RelationshipTo("Person", "MET", model=Met)\n'
        )

    entity = "n" if kind == "node" else "r"
    create = "CREATE (n:Person)-[r:MET]->(:Person) SET " + entity + ".since = 7"
    for revision, name in (("r1", "since"), ("r2", "b"), ("r3", "c")):
        _forget_relationship_models()
        live.models(models(name))
        live.done("revision", "--autogenerate", "--rev-id", revision)
        (path,) = live.versions.glob(f"{revision}*.py")
        assert ("op.rename_" in path.read_text()) is (revision != "r1")
        assert "op.remove_" not in path.read_text().partition("def downgrade")[0]
        live.done("upgrade", "head")
        if revision == "r1":
            neo4j_graph.transaction([(create, {})])
    query = f"MATCH (n:Person)-[r]->() RETURN properties({entity}) AS p"
    assert neo4j_graph.read(query) == [{"p": {"c": 7}}]
    live.done("downgrade", "r1")
    assert neo4j_graph.read(query) == [{"p": {"since": 7}}]


OWNERS = """
class Thing(StructuredNode):
    name = StringProperty()


class A(StructuredNode):
    x = StringProperty()
    y = StringProperty()
    z = StringProperty()
    first = RelationshipTo("Thing", "HAS_A")


class B(StructuredNode):
    x = StringProperty()
    second = RelationshipTo("Thing", "HAS_B")
    shared = RelationshipTo("Thing", "SHARED")


class C(StructuredNode):
    shared = RelationshipTo("Thing", "SHARED")
"""


def _owners(project: Project, *changes: tuple[str, str]) -> None:
    project.models(OWNERS)
    project.done("revision", "--autogenerate", "--rev-id", "r1")
    text = OWNERS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    project.models(text)


@pytest.mark.parametrize(
    ("changes", "hints", "why"),
    [
        (
            [("class A(", "class D("), ("class B(", "class E(")],
            ["A:D", "B:D"],
            "B is to be called so too",
        ),
        ([("class A(", "class D(")], ["A:B"], "B is in use already"),
        ([("    x", "    v")], ["A.x:v", "A.y:v"], "y is to be called so too"),
        ([("    x", "    v")], ["A.x:y"], "y is in use already"),
        ([("    x", "    v")], ["A.x:v", "A.x:z"], "give two new names to A.x"),
        (
            [("class A(", "class D("), ("class B(", "class E(")],
            ["A:D", "A:E"],
            "give two new names to the label A",
        ),
        (
            [('shared = RelationshipTo("Thing", "SHARED")\n\n', "\n"), ("HAS_B", "B")],
            ["B.SHARED:B"],
            "C still has SHARED",
        ),
        ([("HAS_A", "HAS")], ["B.HAS_B:SHARED"], "can't be followed: B still has"),
    ],
)
def test_a_hint_that_can_not_be_followed_says_why(
    project: Project, changes: list[tuple[str, str]], hints: list[str], why: str
) -> None:
    _owners(project, *changes)
    told = [part for hint in hints for part in ("-x", f"rename={hint}")]
    message = project.failed(*told, "revision", "--autogenerate", "--rev-id", "r2")
    assert why in message
    assert "No revision is written" in message
    assert "-x rename=" in message
    assert not list(project.versions.glob("r2*.py"))


@pytest.mark.parametrize(
    ("changes", "hints", "expected"),
    [
        (
            [
                ("class A(", "class X("),
                ("class B(", "class A("),
                ("class X(", "class B("),
            ],
            ["A:B", "B:A"],
            'op.rename_label("A_renamed", "B")',
        ),
        (
            [("class B(", "class D("), ("class A(", "class B(")],
            ["A:B", "B:D"],
            'op.rename_label("A", "B")',
        ),
        (
            [("HAS_B", "LAST"), ("HAS_A", "HAS_B")],
            ["A.HAS_A:HAS_B", "B.HAS_B:LAST"],
            'op.rename_relationship_type("HAS_A", "HAS_B")',
        ),
        (
            [("HAS_A", "X"), ("HAS_B", "HAS_A"), ("X", "HAS_B")],
            ["A.HAS_A:HAS_B", "B.HAS_B:HAS_A"],
            'op.rename_relationship_type("HAS_A_renamed", "HAS_B")',
        ),
        (
            [("HAS_B", "SHARED"), ("    second = ", "    shared_too = ")],
            ["A.x:y", "A.y:x"],
            'op.rename_node_property("A", "x", "x_renamed")',
        ),
    ],
)
def test_a_swap_and_a_chain_are_followed(
    project: Project,
    changes: list[tuple[str, str]],
    hints: list[str],
    expected: str,
) -> None:
    _owners(project, *changes)
    text = _generated(project, *(p for h in hints for p in ("-x", f"rename={h}")))
    assert expected in text
    assert "remove_node(" not in text
    project.done("check")


def test_what_a_file_offers_can_be_followed_and_two_types_become_one(
    live: Project, neo4j_graph: Graph
) -> None:
    live.models(OWNERS)
    live.done("revision", "--autogenerate", "--rev-id", "r1")
    live.done("upgrade", "head")
    for label, type_ in (("A", "HAS_A"), ("B", "HAS_B"), ("Other", "HAS_A")):
        create = f"CREATE (:{label})-[:{type_} {{n: '{label}'}}]->(:Thing)"
        neo4j_graph.transaction([(create, {})])
    one = 'RelationshipTo("Thing", "HAS")'
    text = OWNERS.replace('first = RelationshipTo("Thing", "HAS_A")', f"thing = {one}")
    live.models(
        text.replace('second = RelationshipTo("Thing", "HAS_B")', f"it = {one}")
    )
    undecided = _generated(live)
    hints = re.findall(r"-x (rename=\S+)", undecided)
    assert hints == ["rename=A.HAS_A:HAS", "rename=B.HAS_B:HAS"]
    next(live.versions.glob("r2*.py")).unlink()
    decided = _generated(live, *(p for hint in hints for p in ("-x", hint)))
    assert 'rename_relationship_type("HAS_A", "HAS", source_labels=["A"])' in decided
    assert 'rename_relationship_type("HAS", "HAS_B", source_labels=["B"])' in decided
    query = "MATCH (a)-[r]->() RETURN r.n AS n, type(r) AS t ORDER BY n"
    before = neo4j_graph.read(query)
    live.done("upgrade", "head")
    live.done("check")
    assert [(row["n"], row["t"]) for row in neo4j_graph.read(query)] == [
        ("A", "HAS"),
        ("B", "HAS"),
        ("Other", "HAS_A"),
    ]
    live.done("downgrade", "r1")
    assert neo4j_graph.read(query) == before


INHERITED = """
class Party(StructuredNode):
    name = StringProperty(index=True)
    size = StringProperty(index=True)


class Customer(Party):
    pass


class Shop(Party):
    pass
"""


def test_a_hint_for_an_inherited_property_decides_all_of_them(
    project: Project,
) -> None:
    project.models(INHERITED)
    project.done("revision", "--autogenerate", "--rev-id", "r1")
    project.models(INHERITED.replace("    name", "    full_name"))
    text = _generated(project, "-x", "rename=Party.name:full_name")
    assert "may have been renamed" not in text
    assert text.count("rename_node_property") == 2
    project.done("check")


@pytest.mark.parametrize(
    ("answers", "renamed", "asked"),
    [
        ("yy", {("name", "full_name"), ("size", "width")}, ["1 of 4", "2 of 2"]),
        ("c", set(), ["1 of 4"]),
        ("a", set(), ["1 of 4"]),
        ("nya", {("size", "full_name")}, ["1 of 4", "2 of 4"]),
    ],
)
def test_one_question_for_an_inherited_property_and_an_end_to_them(
    project: Project, answers: str, renamed: set[tuple[str, str]], asked: list[str]
) -> None:
    project.models(INHERITED)
    project.done("revision", "--autogenerate", "--rev-id", "r1")
    text = INHERITED.replace("    name", "    full_name").replace("size", "width")
    project.models(text)
    arguments = ["-c", "neo4j.ini", "revision", "--autogenerate", "--rev-id", "r2"]
    screen = _on_a_terminal(project.path, arguments, *answers)
    places = re.findall(r"(\d+ of \d+): Was Party", screen)
    assert places[: len(asked)] == asked, screen
    (path,) = project.versions.glob("r2*.py")
    written = path.read_text()
    assert "may have been renamed" not in written
    upgrade = written.partition("def downgrade")[0]
    found = re.findall(r'rename_node_property\("Party", "(\w+)", "(\w+)"', upgrade)
    assert set(found) == renamed


CITING = """
class Doc(StructuredNode):
    name = StringProperty()
    cites = RelationshipTo("Doc", "CITES")
    cited_by = RelationshipFrom("Doc", "CITES")
"""


@pytest.mark.parametrize("gone", ["cites", "cited_by"])
def test_one_of_two_ends_goes_and_no_relationship_turns_round(
    live: Project, neo4j_graph: Graph, gone: str
) -> None:
    live.models(CITING)
    live.done("revision", "--autogenerate", "--rev-id", "r1")
    live.done("upgrade", "head")
    neo4j_graph.transaction(
        [("CREATE (:Doc {name: 'new'})-[:CITES]->(:Doc {name: 'old'})", {})]
    )
    kept = [line for line in CITING.splitlines() if f" {gone} =" not in line]
    live.models("\n".join(kept))
    text = _generated(live)
    assert "reverse_relationships" not in text
    assert 'op.remove_relationship("Doc", "CITES", "Doc"' in text
    for verb in (("upgrade", "head"), ("downgrade", "r1")):
        live.done(*verb)
        rows = neo4j_graph.read(
            "MATCH (a)-[:CITES]->(b) RETURN a.name AS a, b.name AS b"
        )
        assert rows == [{"a": "new", "b": "old"}]


def _on_a_terminal(directory: Path, arguments: list[str], *answers: str) -> str:
    """Run the installed program on a terminal; return what it showed."""
    left = [answer for answer in answers if answer]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(PROGRAM), *arguments],
        cwd=directory,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
        env=dict(os.environ),
    )
    os.close(theirs)
    screen, deadline, answered = "", time.monotonic() + 60, 0
    while time.monotonic() < deadline:
        ready, _, _ = select.select([ours], [], [], 0.2)
        try:
            screen += os.read(ours, 4096).decode() if ready else ""
        except OSError:
            # The program has closed its side.
            break
        if left and screen.count("[n]: ") > answered:
            os.write(ours, f"{left.pop(0)}\n".encode())
            answered += 1
    process.wait(10)
    os.close(ours)
    return screen

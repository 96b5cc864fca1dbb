"""An upgrade that stopped is taken back, and its revision written anew."""

from __future__ import annotations

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.crash.harness import KILLED, Kill, client, points
from tests.crash.project import open_runs
from tests.migration.project import Project, indexes
from tests.migration.test_exact_downgrades import Contents, contents

CHANGES = """
op.rename_node_property("Person", "name", "full_name", on_conflict="overwrite")
op.add_label("Person", "Party")
op.add_unique_constraint("Person", "email", name="one_email")
op.add_index("Person", "town", name="by_town")
"""
REVERSES = """
op.drop_index("Person", "town")
op.drop_unique_constraint("Person", "email")
op.remove_label("Person", "Party")
op.rename_node_property("Person", "full_name", "name")
"""
FAILS = 'op.run_cypher("UNWIND [0] AS x CREATE (:Broken {value: 1 / x})")\n'
BEFORE = """
UNWIND range(1, 40) AS i CREATE (n:Person {id: i, name: 'n' + i, email: 'e' + i})
SET n.full_name = CASE WHEN i % 5 = 0 THEN 'was ' + i END
FOREACH (_ IN CASE WHEN i % 7 = 0 THEN [1] ELSE [] END | SET n:Party)
"""


@pytest.fixture
def people(live: Project, neo4j_graph: Graph) -> Project:
    """People that were there first, and a first revision that knows of them."""
    neo4j_graph.transaction([(BEFORE, {}), ("MATCH (n {id: 3}) REMOVE n.name", {})])
    neo4j_graph.transaction([("MATCH (n {id: 3}) SET n.full_name = 'alone'", {})])
    live.revision(
        "r1",
        "op.add_index('Person', 'name', name='by_name')",
        "op.drop_index('Person', 'name')",
    )
    live.done("upgrade", "r1")
    return live


def _state(graph: Graph) -> tuple[Contents, set[str]]:
    return contents(graph), indexes(graph)


def _stopped(project: Project, upgrade: str, downgrade: str = REVERSES) -> str:
    project.revision("r2", upgrade, downgrade, down="r1")
    said = project.failed("upgrade", "r2")
    assert open_runs(project) == 1
    return said


def _is_written_anew(project: Project, graph: Graph, before: object) -> None:
    """Check that the way back has ended, and that the revision can be another one."""
    assert _state(graph) == before
    assert open_runs(project) == 0
    assert project.heads() == ["r1"]
    assert graph.read("MATCH (n:`__AlembicNeo4jMarker`) RETURN n") == []
    project.revision("r2", CHANGES, REVERSES, down="r1")
    project.done("upgrade", "r2")
    assert _state(graph) != before
    project.done("downgrade", "r1")
    assert _state(graph) == before


def test_what_has_run_is_taken_back_and_the_revision_written_anew(
    people: Project, neo4j_graph: Graph
) -> None:
    before = _state(neo4j_graph)
    said = _stopped(people, CHANGES + FAILS, REVERSES)
    assert "first take back what has run: `" in said
    assert "`alembic -c neo4j.ini downgrade r1`" in said
    assert _state(neo4j_graph) != before
    path = people.revision("r2", CHANGES, REVERSES, down="r1")
    edited = path.read_text()
    said = people.failed("upgrade", "head")
    assert "`alembic -c neo4j.ini downgrade r1`" in said
    # What has run is told by the file that has run.
    assert "Put the file back as it was" in people.failed("downgrade", "r1")
    assert path.read_text() == edited
    people.revision("r2", CHANGES + FAILS, REVERSES, down="r1")
    found = people.verb("verify").text
    assert "`alembic -c neo4j.ini downgrade r1`" in found
    people.done("downgrade", "r1")
    _is_written_anew(people, neo4j_graph, before)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_only_what_has_run_is_taken_back(
    people: Project, neo4j_graph: Graph, number: int
) -> None:
    before = _state(neo4j_graph)
    changes = CHANGES.strip().splitlines()
    changes.insert(number, FAILS)
    _stopped(people, "\n".join(changes))
    people.done("downgrade", "r1")
    _is_written_anew(people, neo4j_graph, before)


def test_a_statement_that_has_not_run_has_nothing_to_be_reversed(
    people: Project, neo4j_graph: Graph
) -> None:
    before = _state(neo4j_graph)
    _stopped(people, CHANGES + FAILS, 'op.run_cypher("CREATE (:Wrong)")' + REVERSES)
    people.done("downgrade", "r1")
    _is_written_anew(people, neo4j_graph, before)


def test_an_error_of_python_just_after_a_change_leaves_it_to_take_back(
    people: Project, neo4j_graph: Graph
) -> None:
    before = _state(neo4j_graph)
    stop = "if not op.is_replaying(): raise RuntimeError('stop')\n"
    read = 'op.run_cypher("MATCH (n) RETURN count(n)")\n'
    people.revision("r2", CHANGES + read + stop, REVERSES, down="r1")
    with pytest.raises(RuntimeError, match="stop"):
        people.run("upgrade", "r2")
    assert open_runs(people) == 1
    people.done("downgrade", "r1")
    _is_written_anew(people, neo4j_graph, before)


@pytest.mark.parametrize(
    ("upgrade", "downgrade", "why"),
    [
        ('op.run_cypher("CREATE (:Mine)")\n' + CHANGES + FAILS, REVERSES, "of its own"),
        (CHANGES + FAILS, "op.drop_index('Person', 'town')", "fewer changes"),
        (CHANGES + FAILS, "raise NotImplementedError('no way')", "no way"),
        (
            CHANGES + FAILS,
            REVERSES.replace(
                "op.remove", "op.run_cypher('MATCH (n) SET n.a = 1')\nop.remove"
            ),
            "something of its own between",
        ),
        (
            CHANGES + "op.add_index('Person', 'a')\n" + FAILS,
            "op.drop_index('Person', 'town')\nop.drop_index('Person', 'a')\n"
            + REVERSES.partition("\n")[2].partition("\n")[2],
            "does not reverse",
        ),
    ],
)
def test_what_is_not_certain_is_refused(
    people: Project, neo4j_graph: Graph, upgrade: str, downgrade: str, why: str
) -> None:
    _stopped(people, upgrade, downgrade)
    stopped = _state(neo4j_graph)
    said = people.failed("downgrade", "r1")
    assert why in said
    assert "--abandon-run" in said
    assert _state(neo4j_graph) == stopped
    assert open_runs(people) == 1
    assert "/ by zero" in people.failed("upgrade", "r2")


def test_an_upgrade_is_refused_while_it_is_taken_back_and_a_killed_one_goes_on(
    people: Project, neo4j_graph: Graph
) -> None:
    before = _state(neo4j_graph)
    command = ("downgrade", "r1")
    _stopped(people, CHANGES + FAILS)
    counted = points(people, command)
    _is_written_anew(people, neo4j_graph, before)
    commits = [p for p in counted if p.startswith(("graph.commit", "ledger.commit"))]
    refused = 0
    for point in commits[3 :: max(1, len(commits) // 8)]:
        _stopped(people, CHANGES + FAILS)
        outcome = client(people, command, Kill(point))
        assert outcome.status == KILLED, outcome.text
        if open_runs(people) and "taking back" in str(people.remembered()):
            refused += "is not finished" in people.failed("upgrade", "head")
        people.done(*command)
        assert _state(neo4j_graph) == before, point
        assert open_runs(people) == 0
    assert refused > 2
    _is_written_anew(people, neo4j_graph, before)


def test_the_way_back_from_a_killed_upgrade_is_exact_or_refused(
    people: Project, neo4j_graph: Graph
) -> None:
    before = _state(neo4j_graph)
    people.revision("r2", CHANGES, REVERSES, down="r1")
    taken_back = 0
    # The rename moves an index, so that some of it is done by itself.
    for number in range(4, 18, 2):
        outcome = client(
            people, ("upgrade", "r2"), Kill(f"graph.commit.after#{number}")
        )
        if outcome.status != KILLED:
            break
        if people.run("downgrade", "r1").status:
            people.done("upgrade", "r2")
            people.done("downgrade", "r1")
        else:
            taken_back += 1
        assert _state(neo4j_graph) == before, number
        assert open_runs(people) == 0
    assert taken_back > 1

"""A constraint over so many nodes that its server can be killed while it populates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe
from tests.crash.harness import Kill, client, copied, started
from tests.crash.project import empty_project, wrong_catalogue, wrong_records
from tests.crash.server import OwnServer
from tests.migration.project import Project

PEOPLE = 300_000

_UPGRADE = """
    op.add_node("Person", op.Property("number", "INTEGER"))
    op.execute("MATCH (c:Counter) SET c.before = c.before + 1")
    op.add_unique_constraint("Person", "number", name="person_number")
    op.run_cypher("MATCH (c:Counter) SET c.after = c.after + 1")
"""
_DOWNGRADE = """
    op.drop_unique_constraint("Person", "number")
    op.remove_node("Person")
"""
_STATE = (
    "SHOW INDEXES YIELD name, state, owningConstraint WHERE name = 'person_number' "
    "RETURN state, owningConstraint AS owner"
)
_RERUNS = 3


class Population:
    """A project with that constraint, and the server that is killed.

    `orphans` counts how often the kill left the constraint's index behind without the
    constraint (neo4j/neo4j#13208): its name is blocked then, and nothing is unique;
    `kills` how often there was one.
    """

    def __init__(self, server: OwnServer, directory: Path) -> None:
        self.kills = self.orphans = 0
        self._server = server
        self._copy = directory / "population copy"
        self._template = directory / "population"
        self._template.mkdir()
        project = empty_project(self._template)
        project.revision("p1", _UPGRADE, _DOWNGRADE)

    def tried(self, kills: int) -> Iterator[list[str]]:
        """Yield what was wrong after each upgrade, until so many had a kill in it.

        Raises AssertionError where the index was populated unseen too often.
        """
        for _ in range(3 * kills):
            if self.kills < kills:
                yield self.wrong()
        assert self.kills == kills, "the index was hardly ever seen populating"

    def wrong(self) -> list[str]:
        """Kill the server once, rerun the upgrade, and return what was wrong then."""
        project = copied(self._template, self._copy)
        _fill(self._server.graph)
        wrong: list[str] = []
        # It may be populated before anybody has looked: nothing is killed then.
        self.kills += self._killed(project)
        if self._states() == [{"state": "POPULATING", "owner": None}]:
            self.orphans += 1
        for _ in range(_RERUNS):
            outcome = client(project, ("upgrade", "head"), Kill())
            if outcome.status == 0:
                break
            wrong.append(f"plain rerun: {outcome.out}{outcome.err[-600:]}")
        return wrong + self._wrong_now(project)

    def _killed(self, project: Project) -> bool:
        with started(project, ("upgrade", "head"), Kill()) as running:
            while running.process.is_alive():
                if any(row["state"] == "POPULATING" for row in self._states()):
                    self._server.kill()
                    break
            died = not self._server.runs
            self._server.start()
            running.ended()
        return died

    def _states(self) -> list[dict[str, str | None]]:
        return self._server.graph.read(_STATE)

    def _wrong_now(self, project: Project) -> list[str]:
        graph = self._server.graph
        (counter,) = graph.read("MATCH (c:Counter) RETURN c.before AS b, c.after AS a")
        counted = [] if counter == {"b": 1, "a": 1} else [f"counters: {counter}"]
        element = ("person_number", "UNIQUENESS", ["Person"], ["number"])
        owned = {"state": "ONLINE", "owner": "person_number"}
        index = [] if self._states() == [owned] else [f"index: {self._states()}"]
        return [
            *counted,
            *index,
            *wrong_catalogue(graph, [element]),
            *wrong_records(project, graph, ["p1"], ["p1"]),
        ]


def _fill(graph: Graph) -> None:
    wipe(graph)
    people = "UNWIND range($first, $last) AS i CREATE (:Person {number: i})"
    size = 50_000
    for first in range(0, PEOPLE, size):
        graph.transaction([(people, {"first": first, "last": first + size - 1})])
    graph.transaction([("CREATE (:Counter {before: 0, after: 0})", {})])

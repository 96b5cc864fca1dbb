"""The order of independent revisions: by the history, then by their priorities."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from alembic.runtime.migration import RevisionStep
from alembic.script import ScriptDirectory

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.migration.order import by_priority, contradictions
from tests.crash.project import open_runs
from tests.migration.project import Project

RAN = "MATCH (n:Ran) RETURN n.name AS name ORDER BY n.at"
NAMED = (
    "op.run_cypher(\"MATCH (c:Ran) WITH count(c) AS n CREATE (:Ran {{name: '{}', "
    'at: n}})")'
)


def ran(graph: Graph) -> list[str]:
    return [row["name"] for row in graph.read(RAN)]


def written(project: Project, name: str, **names: Any) -> Path:
    forgetting = f"op.run_cypher(\"MATCH (n:Ran {{name: '{name}'}}) DELETE n\")"
    return project.revision(name, NAMED.format(name), forgetting, **names)


def branches(project: Project) -> None:
    """Four branches: cleanup, two normal ones of which one has a chain, critical."""
    written(project, "a1", priority=900)
    written(project, "b1")
    written(project, "b2", down="b1", priority=700)
    written(project, "c1", priority=100, from_version="1.8")
    written(project, "c0", priority=100, from_version="1.7")
    written(project, "d1", priority=0)


EXPECTED = ["d1", "c0", "c1", "b1", "b2", "a1"]


def planned(project: Project, *arguments: str) -> list[str]:
    found = json.loads(project.verb("plan", "--format", "json", *arguments).out)
    return [one["revision"] for one in found["revisions"]]


def test_lower_runs_first_in_plan_script_and_run_and_goes_back_last(
    live: Project, neo4j_graph: Graph
) -> None:
    branches(live)
    assert planned(live, "heads") == EXPECTED
    script = live.done("upgrade", "heads", "--sql")
    places = [script.index(f"Running upgrade  -> {n}") for n in ("d1", "c0", "a1")]
    assert places == sorted(places)

    live.done("upgrade", "heads")

    assert ran(neo4j_graph) == EXPECTED
    assert live.heads() == ["a1", "b2", "c0", "c1", "d1"]
    assert planned(live, "--down", "base") == EXPECTED[::-1]
    outcome = live.run("downgrade", "base")
    assert outcome.status == 0, outcome.text
    told = [line.split()[4] for line in outcome.err.splitlines() if "Running" in line]
    assert told == EXPECTED[::-1]
    assert (ran(neo4j_graph), live.heads()) == ([], [])


def test_the_history_comes_first_and_a_contradiction_is_told(
    live: Project, neo4j_graph: Graph
) -> None:
    written(live, "a1", priority=900)
    written(live, "a2", down="a1", priority=10)
    written(live, "b1", priority=800)
    # It builds on another branch without being one of it.
    written(live, "c1", priority=0, depends_on="b1")
    written(live, "m1", down=("a2", "b1"), priority=0)
    assert planned(live, "heads") == ["b1", "c1", "a1", "a2", "m1"]
    told = "revision a2 has the priority 10 and builds on a1, which has 900"
    assert f"Warning: {told}" in live.verb("plan", "heads").out
    outcome = live.run("upgrade", "heads")
    assert outcome.status == 0, outcome.text
    assert told in outcome.err
    assert "revision c1 has the priority 0 and builds on b1" in outcome.err
    assert ran(neo4j_graph) == ["b1", "c1", "a1", "a2", "m1"]
    assert live.heads() == ["c1", "m1"]
    live.done("downgrade", "base")
    assert ran(neo4j_graph) == []


def test_a_run_that_was_begun_keeps_its_order(
    live: Project, neo4j_graph: Graph
) -> None:
    switch = live.path / "fail"
    switch.touch()
    body = (
        f"{NAMED.format('b1')}\n"
        f"op.run_cypher('RETURN 1 / $by', {{'by': by({str(switch)!r})}})"
    )
    header = (
        "from pathlib import Path\n"
        "def by(path):\n    return 0 if Path(path).exists() else 1\n"
    )
    body = body.replace("RETURN", "CREATE (:Two) RETURN")
    live.revision("b1", body, header=header, priority=100)
    written(live, "c1", priority=900)
    assert "/ by zero" in live.failed("upgrade", "heads")
    switch.unlink()

    # One that was added since would have been the first.
    written(live, "a1", priority=0)
    assert planned(live, "heads") == ["b1", "c1", "a1"]
    live.done("upgrade", "heads")

    assert ran(neo4j_graph) == ["b1", "c1", "a1"]
    assert open_runs(live) == 0


def test_those_of_a_type_run_by_priority_too(live: Project, neo4j_graph: Graph) -> None:
    written(live, "a1", priority=900, migration_type="data")
    written(live, "b1", priority=10, migration_type="data")
    assert planned(live, "--type", "data") == ["b1", "a1"]
    outcome = live.verb("upgrade", "--type", "data")
    assert outcome.status == 0, outcome.text
    assert ran(neo4j_graph) == ["b1", "a1"]


@pytest.mark.sample(20)
@pytest.mark.parametrize("seed", range(200))
def test_any_history_is_in_an_order_that_is_possible(
    project: Project, seed: int
) -> None:
    chance = random.Random(seed)
    names = [f"r{number}" for number in range(chance.randint(2, 14))]
    chance.shuffle(names)
    parents: dict[str, tuple[str, ...]] = {}
    for number, name in enumerate(names):
        below = chance.sample(names[:number], min(number, chance.choice((0, 1, 1, 2))))
        on = chance.sample(names[:number], min(number, chance.choice((0, 0, 1))))
        # A revision that is built on twice is no parent and dependency at once.
        on = [one for one in on if one not in below]
        parents[name] = (*below, *on)
        project.revision(
            *(name, ""),
            down=tuple(below) or None,
            **({"depends_on": tuple(on)} if on else {}),
            **({"priority": chance.choice((0, 500, 900))} if seed % 4 else {}),
        )
    script = ScriptDirectory.from_config(project.config())
    revisions = list(script.iterate_revisions("heads", "base"))[::-1]
    for is_upgrade in (True, False):
        given = [
            RevisionStep(script.revision_map, one, is_upgrade=is_upgrade)
            for one in (revisions if is_upgrade else revisions[::-1])
        ]
        found = by_priority(given, lambda: None)
        order = [step.revision.revision for step in found]
        assert sorted(order) == sorted(names)
        if not is_upgrade:
            order.reverse()
        for name in names:
            assert all(order.index(one) < order.index(name) for one in parents[name])
        if seed % 4 == 0:
            assert found == given
            assert contradictions(found) == []
        assert by_priority(found, lambda: None) == found

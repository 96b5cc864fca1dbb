"""A server that is killed anywhere comes back to a migration that can be run again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.harness import Kill
from tests.crash.population import Population
from tests.crash.server import OwnServer
from tests.crash.sweep import UPGRADE, Case, Sweep

pytestmark = pytest.mark.server

ATTEMPTS = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    """A server beside the one of all other tests, since it is killed."""
    own = OwnServer(tmp_path_factory.mktemp("server"))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in own.environment.items():
            environment.setenv(name, value)
        yield own
    own.stop()


def test_a_kill_in_a_batch_and_one_while_that_is_made_good(
    server: OwnServer, tmp_path: Path
) -> None:
    sweep = Sweep(server.graph, tmp_path, server)
    commits = [p for p in sweep.points(UPGRADE) if p.startswith("graph.commit.before")]
    first = Kill(commits[len(commits) // 2], later=1.5)
    second = Kill(seconds=random.Random(11).uniform(1.0, 2.0))
    assert sweep.wrong(Case(UPGRADE, (first, second))) == []
    assert sweep.kills == 2


def test_a_kill_while_a_constraint_populates(server: OwnServer, tmp_path: Path) -> None:
    population = Population(server, tmp_path)
    for wrong in population.tried(ATTEMPTS):
        assert wrong == []
        if population.orphans:
            return
    raise AssertionError("no kill has left an index without its constraint")

"""Kill a client everywhere: at every named point, and at random times.

``python -m tests.crash.sweep`` needs no server running; where ``ALEMBIC_NEO4J_URI``
names one, ``ALEMBIC_NEO4J_DISPOSABLE=1`` has to say that its graph may be wiped. It
ends with status 1 when a migration was not as if it had never been killed.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic_neo4j.graph import local
from alembic_neo4j.graph.connection import Credentials, Graph, GraphSettings
from alembic_neo4j.pytest_plugin import DISPOSABLE
from tests.crash.harness import NEVER, Kill, client, copied, points, recovered
from tests.crash.project import (
    fill,
    make_project,
    wrong_after_downgrade,
    wrong_after_upgrade,
)
from tests.migration.project import Project

UPGRADE = ("upgrade", "head")
DOWNGRADE = ("downgrade", "base")


@dataclass(frozen=True)
class Case:
    """A command, and the kills that it has to survive one after the other."""

    command: tuple[str, ...]
    kills: tuple[Kill, ...]

    def __str__(self) -> str:
        """Return it as the report names it."""
        return f"{self.command[0]} killed at {', '.join(map(str, self.kills))}"


class Sweep:
    """A graph and copies of one project, upon which case after case is tried."""

    def __init__(self, graph: Graph, directory: Path) -> None:
        self.graph = graph
        self._template = directory / "template"
        self._template.mkdir()
        make_project(self._template)
        self._copy = directory / "copy"

    def prepared(self, command: Sequence[str]) -> Project:
        """Return the project and fill the graph, as they are before the command."""
        project = copied(self._template, self._copy)
        fill(self.graph)
        if command == DOWNGRADE:
            outcome = client(project, UPGRADE, Kill())
            assert outcome.status == 0, outcome.text
        return project

    def points(self, command: Sequence[str]) -> list[str]:
        """Return every named point of a command."""
        return points(self.prepared(command), command)

    def seconds(self, command: Sequence[str]) -> float:
        """Return how long a command takes."""
        project = self.prepared(command)
        began = time.monotonic()
        outcome = client(project, command, Kill(NEVER))
        assert outcome.status == 0, outcome.text
        return time.monotonic() - began

    def wrong(self, case: Case) -> list[str]:
        """Try a case and return what was wrong with it."""
        project = self.prepared(case.command)
        wrong = recovered(project, case.command, case.kills)
        upgraded = case.command == UPGRADE
        check = wrong_after_upgrade if upgraded else wrong_after_downgrade
        return wrong + check(project, self.graph)


def named_cases(sweep: Sweep, chosen: Callable[[str], bool]) -> Iterator[Case]:
    """Yield a case for every named point of both commands."""
    for command in (UPGRADE, DOWNGRADE):
        for point in sweep.points(command):
            if chosen(point):
                yield Case(command, (Kill(point),))


def random_cases(sweep: Sweep, kills: int, generator: random.Random) -> Iterator[Case]:
    """Yield cases with so many kills in all, each after a random time."""
    longest = {command: sweep.seconds(command) for command in (UPGRADE, DOWNGRADE)}
    while kills > 0:
        command = generator.choice((UPGRADE, DOWNGRADE))
        number = min(kills, generator.randint(1, 5))
        # The first fifth is the start of Python and its imports.
        times = [generator.uniform(0.2, 1.0) * longest[command] for _ in range(number)]
        yield Case(command, tuple(Kill(seconds=seconds) for seconds in times))
        kills -= number


def main() -> int:
    """Try all cases, report each that is bad, and return the exit status."""
    options = _options()
    generator = random.Random(options.seed)
    with _server() as graph, tempfile.TemporaryDirectory() as directory:
        sweep = Sweep(graph, Path(directory))
        groups = {
            "named points": named_cases(sweep, lambda p: p.startswith(options.only)),
            "random times": random_cases(sweep, options.random, generator),
        }
        bad = [_tried(sweep, name, cases) for name, cases in groups.items()]
    return 1 if any(bad) else 0


def _tried(sweep: Sweep, name: str, cases: Iterator[Case]) -> int:
    number = kills = bad = 0
    for case in cases:
        number, kills = number + 1, kills + len(case.kills)
        if wrong := sweep.wrong(case):
            bad += 1
            print(f"BAD {case}", *wrong, sep="\n    ", flush=True)
    print(f"{name}: {number} migrations, {kills} kills, {bad} bad", flush=True)
    return bad


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.sweep")
    parser.add_argument("--random", type=int, default=500, metavar="KILLS")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument(
        "--only", default="", metavar="KIND", help="points of a kind: graph.commit"
    )
    return parser.parse_args()


@contextmanager
def _server() -> Iterator[Graph]:
    """A graph that may be wiped, which the environment of the clients names too."""
    if "ALEMBIC_NEO4J_URI" in os.environ:
        if os.environ.get(DISPOSABLE) != "1":
            sys.exit(f"ALEMBIC_NEO4J_URI: expected {DISPOSABLE}=1, the graph is wiped")
        yield from _opened()
        return
    with tempfile.TemporaryDirectory() as directory:
        server = local.ensure_started(Path(directory), disposable=True)
        os.environ["ALEMBIC_NEO4J_URI"] = server.url
        os.environ["ALEMBIC_NEO4J_USERNAME"] = server.username
        os.environ["ALEMBIC_NEO4J_PASSWORD"] = server.password
        try:
            yield from _opened()
        finally:
            local.stop(Path(directory), version=server.version, disposable=True)


def _opened() -> Iterator[Graph]:
    credentials = Credentials(
        "basic",
        os.environ.get("ALEMBIC_NEO4J_USERNAME", "neo4j"),
        os.environ.get("ALEMBIC_NEO4J_PASSWORD", ""),
    )
    graph = Graph(
        GraphSettings(os.environ["ALEMBIC_NEO4J_URI"], Path.cwd(), credentials)
    )
    try:
        yield graph
    finally:
        graph.close()


if __name__ == "__main__":
    sys.exit(main())

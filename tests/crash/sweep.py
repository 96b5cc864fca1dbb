"""Kill a client everywhere, at every named point and at random times; then its server.

``python -m tests.crash.sweep`` needs no server running; where ``ALEMBIC_NEO4J_URI``
names one, ``ALEMBIC_NEO4J_DISPOSABLE=1`` has to say that its graph may be wiped. The
server that is killed is always one of its own. It ends with status 1 when a migration
was not as if nothing had ever been killed.
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

from alembic_neo4j.graph.connection import Credentials, Graph, GraphSettings
from alembic_neo4j.pytest_plugin import DISPOSABLE
from tests.crash.harness import (
    NEVER,
    Kill,
    client,
    copied,
    overtaken,
    points,
    recovered,
)
from tests.crash.population import Population
from tests.crash.project import (
    fill,
    make_project,
    wrong_after_downgrade,
    wrong_after_upgrade,
)
from tests.crash.server import OwnServer
from tests.migration.project import Project

UPGRADE = ("upgrade", "head")
DOWNGRADE = ("downgrade", "base")
REPORT_SECONDS = 120.0


@dataclass(frozen=True)
class Case:
    """A command, and the kills that it has to survive one after the other."""

    command: tuple[str, ...]
    kills: tuple[Kill, ...]

    def __str__(self) -> str:
        """Return it as the report names it."""
        return f"{self.command[0]} killed at {', '.join(map(str, self.kills))}"


class Sweep:
    """A graph and copies of one project, upon which case after case is tried.

    With a `server` that is what is killed. `kills` counts those that there were.
    """

    def __init__(
        self, graph: Graph, directory: Path, server: OwnServer | None = None
    ) -> None:
        self.graph = graph
        self.kills = 0
        self._server = server
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
        recovery = recovered(project, case.command, case.kills, self._server)
        self.kills += recovery.kills
        return recovery.wrong + self._wrong_after(case.command, project)

    def wrong_when_overtaken(self, case: Case) -> list[str]:
        """Pause the command where it would be killed, let another one overtake it."""
        project = self.prepared(case.command)
        self.kills += len(case.kills)
        wrong = [
            line
            for kill in case.kills
            for line in overtaken(project, case.command, kill.point)
        ]
        return wrong + self._wrong_after(case.command, project)

    def _wrong_after(self, command: Sequence[str], project: Project) -> list[str]:
        upgraded = command == UPGRADE
        check = wrong_after_upgrade if upgraded else wrong_after_downgrade
        return check(project, self.graph)


def named_cases(sweep: Sweep, chosen: Callable[[str], bool]) -> Iterator[Case]:
    """Yield a case for every named point of both commands."""
    for command in (UPGRADE, DOWNGRADE):
        for point in sweep.points(command):
            if chosen(point):
                yield Case(command, (Kill(point),))


def random_cases(
    sweep: Sweep, kills: int, generator: random.Random, *, most: int = 5
) -> Iterator[Case]:
    """Yield cases until there were so many kills, each after a random time."""
    longest = {command: sweep.seconds(command) for command in (UPGRADE, DOWNGRADE)}
    until = sweep.kills + kills
    while sweep.kills < until:
        command = generator.choice((UPGRADE, DOWNGRADE))
        number = min(until - sweep.kills, generator.randint(1, most))
        # The first fifth is the start of Python and its imports.
        times = [generator.uniform(0.2, 1.0) * longest[command] for _ in range(number)]
        before = sweep.kills
        yield Case(command, tuple(Kill(seconds=seconds) for seconds in times))
        # A machine that is less busy by now is done before it is killed.
        missed = sweep.kills - before < number
        longest[command] *= 0.9 if missed else 1.05


def cut_off_cases(
    sweep: Sweep, kills: int, generator: random.Random, *, most: int = 3
) -> Iterator[Case]:
    """Yield cases until there were so many kills, in the midst of writes to the graph.

    Most of those are the batches of data changes. Some kills come just before the
    write, the others some milliseconds later.
    """
    calls = ("graph.run.before", "graph.commit.before", "graph.autocommit.before")
    writes = {
        command: [p for p in sweep.points(command) if p.startswith(calls)]
        for command in (UPGRADE, DOWNGRADE)
    }
    until = sweep.kills + kills
    while sweep.kills < until:
        command = generator.choice((UPGRADE, DOWNGRADE))
        chosen, left = [], len(writes[command])
        for _ in range(min(until - sweep.kills, generator.randint(1, most))):
            # A resumed run passes fewer points.
            at = generator.randrange(left)
            later = generator.choice((0.0, 1.0)) * generator.uniform(0.2, 8.0)
            chosen.append(Kill(writes[command][at], later=later))
            left = max(1, left - at)
        yield Case(command, tuple(chosen))


def paused_cases(sweep: Sweep, pauses: int, generator: random.Random) -> Iterator[Case]:
    """Yield so many cases of one point each, in which the client has the lock."""
    passed = {command: sweep.points(command) for command in (UPGRADE, DOWNGRADE)}
    for _ in range(pauses):
        command = generator.choice((UPGRADE, DOWNGRADE))
        # The first commit says who has the lock.
        first = passed[command].index("graph.commit.after#2")
        yield Case(command, (Kill(generator.choice(passed[command][first:])),))


def main() -> int:
    """Try all cases, report each that is bad, and return the exit status."""
    options = _options()
    generator = random.Random(options.seed)
    bad = 0
    with _server() as graph, tempfile.TemporaryDirectory() as directory:
        sweep = Sweep(graph, Path(directory))
        if options.named:
            named = named_cases(sweep, lambda p: p.startswith(options.only))
            bad += _tried(sweep, "client killed at named points", named)
        cases = random_cases(sweep, options.random, generator)
        bad += _tried(sweep, "client killed at random times", cases)
        cases = paused_cases(sweep, options.pauses, generator)
        bad += _tried(sweep, "holder paused past its lock", cases, overtaken=True)
    if options.server_kills:
        bad += _server_kills(options.server_kills, generator)
    return 1 if bad else 0


def _server_kills(kills: int, generator: random.Random) -> int:
    # A tenth while a constraint populates, the rest half at random times.
    populating = max(1, kills // 10)
    cut_off = (kills - populating) // 2
    at_random = kills - populating - cut_off
    with _own_server() as server, tempfile.TemporaryDirectory() as directory:
        sweep = Sweep(server.graph, Path(directory), server)
        cases = random_cases(sweep, at_random, generator, most=3)
        bad = _tried(sweep, "server killed at random times", cases)
        cases = cut_off_cases(sweep, cut_off, generator)
        bad += _tried(sweep, "server killed in writes", cases)
        population = Population(server, Path(directory))
        for wrong in population.tried(populating):
            if wrong:
                bad += 1
                print("BAD population", *wrong, sep="\n    ", flush=True)
        print(
            f"server killed while a constraint populates: {population.kills} "
            f"kills, {population.orphans} indexes left without their constraint; {bad} "
            "bad of all server kills",
            flush=True,
        )
    return bad


def _tried(
    sweep: Sweep, name: str, cases: Iterator[Case], *, overtaken: bool = False
) -> int:
    attempt = sweep.wrong_when_overtaken if overtaken else sweep.wrong
    number = bad = 0
    before = sweep.kills
    said = time.monotonic()
    for case in cases:
        number += 1
        if time.monotonic() - said > REPORT_SECONDS:
            print(f"{name}: {number} migrations so far", flush=True)
            said = time.monotonic()
        if wrong := attempt(case):
            bad += 1
            print(f"BAD {case}", *wrong, sep="\n    ", flush=True)
    kills = sweep.kills - before
    what = "pauses" if overtaken else "kills"
    print(f"{name}: {number} migrations, {kills} {what}, {bad} bad", flush=True)
    return bad


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.sweep")
    parser.add_argument("--random", type=int, default=500, metavar="KILLS")
    parser.add_argument("--server-kills", type=int, default=60, metavar="KILLS")
    parser.add_argument("--pauses", type=int, default=40)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument(
        "--only", default="", metavar="KIND", help="points of a kind: graph.commit"
    )
    parser.add_argument(
        "--no-named", dest="named", action="store_false", help="random kills only"
    )
    return parser.parse_args()


@contextmanager
def _server() -> Iterator[Graph]:
    """A graph that may be wiped, which the environment of the clients names too."""
    if "ALEMBIC_NEO4J_URI" not in os.environ:
        with _own_server() as server:
            yield server.graph
        return
    if os.environ.get(DISPOSABLE) != "1":
        sys.exit(f"ALEMBIC_NEO4J_URI: expected {DISPOSABLE}=1, the graph is wiped")
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


@contextmanager
def _own_server() -> Iterator[OwnServer]:
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as directory:
        server = OwnServer(Path(directory))
        os.environ.update(server.environment)
        try:
            yield server
        finally:
            server.stop()
            os.environ.clear()
            os.environ.update(before)


if __name__ == "__main__":
    sys.exit(main())

"""Figures of the main job, each a ratio to a peer or the bare driver in the same run.

    python benchmarks/measure.py upgrade autogenerate nothing
    python benchmarks/measure.py rename-property rename-label load --count 100000

Whole processes are timed, the median of several runs; the graph is that of a local
server made for this, in the directory where the command runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import backups
import data_changes
import files
import loads
import neo4j
import searches

from alembic_neo4j import local
from alembic_neo4j.graph.connection import Credentials, Graph, GraphSettings
from alembic_neo4j.graph.wipe import wipe

ALEMBIC = [sys.executable, "-m", "alembic.config"]
INIT = [sys.executable, "-m", "alembic_neo4j.cli", "init"]

REVISION = '''"""index {number}"""
from alembic_neo4j import op

revision = "r{number:05d}"
down_revision = {down!r}


def upgrade() -> None:
    op.add_index("Label{number}", "name")


def downgrade() -> None:
    op.drop_index("Label{number}", "name")
'''
BARE = """
import os, time, neo4j
auth = ("neo4j", os.environ["ALEMBIC_NEO4J_PASSWORD"])
with neo4j.GraphDatabase.driver(os.environ["ALEMBIC_NEO4J_URI"], auth=auth) as driver:
    with driver.session() as session:
        for number in range({count}):
            with session.begin_transaction() as transaction:
                transaction.run(
                    f"CREATE RANGE INDEX `index_Label{{number}}_name` "
                    f"FOR (n:`Label{{number}}`) ON (n.`name`)"
                ).consume()
                transaction.commit()
            while {wait} and session.run(
                "SHOW INDEXES YIELD name, state WHERE name = $name AND "
                "state <> 'ONLINE' RETURN name", name=f"index_Label{{number}}_name"
            ).data():
                time.sleep(0.002)
"""


def main() -> None:
    """Run the benchmarks that the command line names."""
    benchmarks = {
        "upgrade": upgrade,
        "autogenerate": autogenerate,
        "nothing": nothing_to_do,
        "load": load,
        "file": file_rows,
        "search": search,
        "backup": backup,
        **{name: data_change(name) for name in data_changes.CHANGES},
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*benchmarks], default=[])
    parser.add_argument(
        "--count",
        type=int,
        help="revisions or models (default: 1,000), entities of a data change or "
        "nodes of a load (default: 1,000,000), entities of a search (100,000)",
    )
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    for name in arguments.names or benchmarks:
        with tempfile.TemporaryDirectory() as directory:
            many = name in ("load", "file", "backup") or name in data_changes.CHANGES
            usual = 100_000 if name == "search" else 1_000
            count = arguments.count or (1_000_000 if many else usual)
            benchmarks[name](Path(directory), count, arguments.runs)


def upgrade(directory: Path, count: int, runs: int) -> None:
    """Time revisions of one index each, against the same by the bare driver.

    An index that is not online when its revision is recorded may still fail, so the
    driver waits for each as the upgrade does; without that it is faster. There are
    some nodes: in an empty graph an index is online sooner, and an upgrade's own nodes
    are in it.
    """
    graph = disposable_graph()
    call(directory, INIT)
    down = None
    for number in range(count):
        text = REVISION.format(number=number, down=down)
        down = f"r{number:05d}"
        (directory / "migrations" / "versions" / f"{down}.py").write_text(text)
    command = [*ALEMBIC, "-c", "neo4j.ini", "upgrade", "head"]
    waiting = [sys.executable, "-c", BARE.format(count=count, wait=True)]
    hasty = [sys.executable, "-c", BARE.format(count=count, wait=False)]

    def clean() -> None:
        wipe(graph)
        graph.transaction([("UNWIND range(1, 1000) AS i CREATE (:Item {i: i})", {})])
        for path in directory.glob("neo4j_ledger.db*"):
            path.unlink()

    ours = timed(directory, command, runs, before=clean)
    title = f"upgrade of {count} one-index revisions / bare driver"
    report(title, ours, timed(directory, waiting, runs, before=clean))
    report(
        f"{title} that does not wait", ours, timed(directory, hasty, runs, before=clean)
    )
    wipe(graph)


def autogenerate(directory: Path, count: int, runs: int) -> None:
    """Time autogenerate on models, against Alembic's own on SQLite tables."""
    call(directory, INIT)
    (directory / "models.py").write_text(models(count))
    sql = sql_project(directory / "sql", count)
    ours = [*ALEMBIC, "-c", "neo4j.ini", "revision", "--autogenerate", "-m", "all"]
    theirs = [*ALEMBIC, "revision", "--autogenerate", "-m", "all"]
    report(
        f"autogenerate of {count} models / Alembic's own of as many tables",
        timed(directory, ours, runs, before=lambda: no_revisions(directory)),
        timed(sql, theirs, runs, before=lambda: no_revisions(sql)),
    )


def nothing_to_do(directory: Path, count: int, runs: int) -> None:
    """Time `upgrade head` at the head, against stock Alembic on SQLite."""
    graph = disposable_graph()
    wipe(graph)
    call(directory, INIT)
    call(directory, [*ALEMBIC, "-c", "neo4j.ini", "revision", "--autogenerate"])
    call(directory, [*ALEMBIC, "-c", "neo4j.ini", "upgrade", "head"])
    sql = sql_project(directory / "sql", 1)
    call(sql, [*ALEMBIC, "revision", "--autogenerate"])
    call(sql, [*ALEMBIC, "upgrade", "head"])
    report(
        "upgrade head with nothing to do / stock Alembic on SQLite",
        timed(directory, [*ALEMBIC, "-c", "neo4j.ini", "upgrade", "head"], 3 * runs),
        timed(sql, [*ALEMBIC, "upgrade", "head"], 3 * runs),
    )
    wipe(graph)


def load(directory: Path, count: int, runs: int) -> None:
    """Time nodes and twice as many relationships in, and out again."""
    graph = disposable_graph()
    call(directory, INIT)
    loads.measure(graph, directory, up_and_down(), runs, count=count)
    wipe(graph)


def file_rows(directory: Path, count: int, runs: int) -> None:
    """Time the rows of a file up to their load, kept from their check and made anew."""
    report("file", *files.measure(directory, runs, count=count))


def backup(directory: Path, count: int, runs: int) -> None:
    """Time a backup and its restore, against reading and writing by the driver."""
    graph = disposable_graph()
    auth = (
        os.environ["ALEMBIC_NEO4J_USERNAME"],
        os.environ["ALEMBIC_NEO4J_PASSWORD"],
    )
    with neo4j.GraphDatabase.driver(graph.url, auth=auth) as driver:
        found = backups.measure(graph, driver, directory, count=count)
    title = f"{count} nodes and {2 * count} relationships / bare driver"
    # As a rate, so that more is better.
    for what, (ours, theirs) in (("out", found.export), ("in", found.restore)):
        print(f"{what}, {title}: {theirs / ours:.2f} ({ours:.1f} s / {theirs:.1f} s)")
    print(f"backup: {found.size >> 20} MB, client {found.memory >> 20} MB")


def search(directory: Path, count: int, runs: int) -> None:
    """Time queries of a store of entities, against those of a bare FTS5 table."""
    found = searches.measure(directory, runs, count=count)
    for name, (ours, theirs) in found.items():
        milliseconds = f"({ours * 1000:.2f} ms / {theirs * 1000:.2f} ms)"
        print(f"search, {name}: {ours / theirs:.2f} {milliseconds}")
    ours, theirs = (sum(times) for times in zip(*found.values(), strict=True))
    report(f"search over {count} entities, all of these / bare FTS5", ours, theirs)


def up_and_down() -> list[list[str]]:
    """Return the commands that upgrade and downgrade a project."""
    verbs = (("upgrade", "head"), ("downgrade", "base"))
    return [[*ALEMBIC, "-c", "neo4j.ini", *verb] for verb in verbs]


def data_change(name: str) -> Callable[[Path, int, int], None]:
    """Return the benchmark of a data change."""

    def run(directory: Path, count: int, runs: int) -> None:
        graph = disposable_graph()
        wipe(graph)
        call(directory, INIT)
        data_changes.measure(
            data_changes.CHANGES[name],
            graph,
            directory,
            up_and_down(),
            runs,
            count=count,
        )
        wipe(graph)

    return run


def disposable_graph() -> Graph:
    """Return the graph of a local server made for tests, for our processes too."""
    server = local.ensure_started(Path.cwd(), disposable=True, report=print)
    os.environ["ALEMBIC_NEO4J_URI"] = server.url
    os.environ["ALEMBIC_NEO4J_USERNAME"] = server.username
    os.environ["ALEMBIC_NEO4J_PASSWORD"] = server.password
    credentials = Credentials("basic", server.username, server.password)
    return Graph(GraphSettings(server.url, Path.cwd(), credentials))


def models(count: int) -> str:
    """Return a module of models with ten properties, two of them indexed."""
    lines = ["from neomodel import StringProperty, StructuredNode"]
    for number in range(count):
        lines += ["", "", f"class Model{number}(StructuredNode):"]
        lines += ["    p0 = StringProperty(unique_index=True)"]
        lines += ["    p1 = StringProperty(index=True)"]
        lines += [f"    p{position} = StringProperty()" for position in range(2, 10)]
    return "\n".join(lines) + "\n"


def sql_project(directory: Path, count: int) -> Path:
    """Return a project as Alembic itself makes it, of tables like the models."""
    directory.mkdir()
    call(directory, [*ALEMBIC, "init", "migrations"])
    rewrite(
        directory / "migrations" / "env.py",
        "target_metadata = None",
        "import tables\n\ntarget_metadata = tables.metadata",
    )
    rewrite(
        directory / "alembic.ini",
        "sqlalchemy.url = driver://user:pass@localhost/dbname",
        "sqlalchemy.url = sqlite:///app.db",
    )
    lines = ["from sqlalchemy import Column, Index, MetaData, String, Table", ""]
    lines += ["metadata = MetaData()"]
    for number in range(count):
        columns = ", ".join(
            f'Column("p{position}", String)' for position in range(2, 10)
        )
        lines += [
            f'Table("model{number}", metadata, Column("p0", String, unique=True), '
            f'Column("p1", String, index=True), {columns})'
        ]
    (directory / "tables.py").write_text("\n".join(lines) + "\n")
    return directory


def rewrite(path: Path, old: str, new: str) -> None:
    """Put a text in the place of another one that the file has."""
    text = path.read_text()
    assert old in text, f"{path}: {old}"
    path.write_text(text.replace(old, new))


def no_revisions(directory: Path) -> None:
    """Remove the revisions that a run before has written."""
    for path in (directory / "migrations" / "versions").glob("*.py"):
        path.unlink()


def timed(
    directory: Path,
    command: Sequence[str],
    runs: int,
    *,
    before: Callable[[], None] = lambda: None,
) -> float:
    """Return the median seconds of the whole command."""
    seconds = []
    for _ in range(runs):
        before()
        started = time.perf_counter()
        call(directory, command)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def call(directory: Path, command: Sequence[str]) -> None:
    """Run the command in the directory; what it says is shown when it fails."""
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def report(title: str, ours: float, theirs: float) -> None:
    """Print a figure."""
    print(f"{title}: {ours / theirs:.2f} ({ours:.2f} s / {theirs:.2f} s)")


if __name__ == "__main__":
    main()

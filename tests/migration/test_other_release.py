"""What another release has begun, or has loaded, is told of as that."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from alembic_neo4j import __version__
from alembic_neo4j.cypher import load_targets
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.identity import FORMAT
from alembic_neo4j.ledger import store
from alembic_neo4j.ledger.tables import VERSION_TABLE
from tests.crash.project import open_runs
from tests.migration.project import Project, data, graph_state, indexes

UPGRADE = """
op.add_index("Person", "name", name="by_name")
op.rename_node_property("Person", "name", "full_name")
op.run_cypher("MATCH (n:Person) SET n.seen = 1 / $by", {"by": BY})
"""
DOWNGRADE = """
op.rename_node_property("Person", "full_name", "name")
op.drop_index("Person", "name")
"""
PEOPLE = "name\nAnn\nBob\n"


@pytest.fixture
def stopped(live: Project, neo4j_graph: Graph) -> Project:
    """A project whose upgrade has stopped in the middle."""
    neo4j_graph.transaction([("CREATE (:Person {name: 'Ann'})", {})])
    _write(live, by=0)
    assert "/ by zero" in live.failed("upgrade", "r1")
    assert open_runs(live) == 1
    return live


@pytest.fixture
def loaded(live: Project) -> Project:
    """A project that has loaded a file."""
    live.revision("r1", 'op.add_node("Person", op.Property("name", "STRING"))')
    live.done("upgrade", "head")
    (live.path / "people.csv").write_text(PEOPLE)
    return live


def _write(project: Project, by: int) -> None:
    # The same file, whatever happens: what it divides by is elsewhere.
    (project.path / "by.txt").write_text(str(by))
    read = f"BY = int(Path({str(project.path / 'by.txt')!r}).read_text())"
    header = f"from pathlib import Path\n{read}"
    project.revision("r1", UPGRADE, DOWNGRADE, header=header)


def _take_back_to(project: Project, revision: str) -> None:
    """Give the ledger the tables of an older release."""
    engine = create_engine(f"sqlite:///{project.ledger}")
    directory = ScriptDirectory(str(Path(store.__file__).parent))
    options = {
        "version_table": VERSION_TABLE,
        "script": directory,
        "fn": lambda heads, _: directory._downgrade_revs(revision, heads),
    }
    with engine.begin() as connection, store.quiet_alembic():
        context = MigrationContext.configure(connection, opts=options)
        context.run_migrations(op=Operations(context))
    engine.dispose()


def _sql(project: Project, *statements: str) -> list[Any]:
    with closing(sqlite3.connect(project.ledger)) as connection, connection:
        found = [connection.execute(statement).fetchall() for statement in statements]
    return found[-1]


def _older(project: Project) -> None:
    """Let the ledger be what a release before the formats has left."""
    _sql(
        project,
        "UPDATE alembic_neo4j_unit SET digest = substr(digest, 3), release = NULL",
        "UPDATE alembic_neo4j_run SET release = NULL",
    )


def _newer(project: Project) -> None:
    """Let the ledger be what a release with another format has left."""
    _sql(
        project,
        f"UPDATE alembic_neo4j_unit SET digest = '{FORMAT + 1}' || substr(digest, 2)",
        "UPDATE alembic_neo4j_unit SET release = '9.1'",
        "UPDATE alembic_neo4j_run SET release = '9.1'",
    )


def _ingest(project: Project, *arguments: str, status: int = 0) -> str:
    outcome = project.verb("ingest", *arguments)
    assert outcome.status == status, outcome.text
    assert "Traceback" not in outcome.text
    return outcome.text


def _load(project: Project, *more: str, status: int = 0) -> str:
    told = _ingest(
        project, "load", "people.csv", "--label", "Person", *more, status=status
    )
    return " ".join(told.split())


def test_units_and_runs_have_the_release_that_began_them(stopped: Project) -> None:
    units = _sql(stopped, "SELECT digest, release FROM alembic_neo4j_unit")
    assert len(units) > 3
    assert {release for _, release in units} == {__version__}
    assert all(re.fullmatch(rf"{FORMAT}:[0-9a-f]{{64}}", d) for d, _ in units)
    assert _sql(stopped, "SELECT release FROM alembic_neo4j_run") == [(__version__,)]


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (_older, ("an earlier release of alembic-neo4j", "format 2, not 1")),
        (_newer, ("alembic-neo4j 9.1", "pip install alembic-neo4j==9.1", "not 3")),
    ],
)
@pytest.mark.parametrize("command", [("upgrade", "head"), ("downgrade", "base")])
def test_a_run_of_another_format_is_told_of_and_nothing_is_written(
    stopped: Project,
    neo4j_graph: Graph,
    left: Callable[[Project], None],
    told: tuple[str, ...],
    command: tuple[str, str],
) -> None:
    left(stopped)
    # It would go through now.
    _write(stopped, by=1)
    before = graph_state(neo4j_graph), stopped.remembered()
    said = " ".join(stopped.failed(*command).split())
    for part in (
        *told,
        "the upgrade of revision r1 was begun at",
        f"This is alembic-neo4j {__version__}",
        "nothing has run",
        "the same command again",
        "`alembic -c neo4j.ini downgrade base`",
        "`alembic-neo4j repair --abandon-run`",
        "`alembic -c neo4j.ini stamp REVISION`",
    ):
        assert part in said
    assert "does not do the same" not in said
    assert (graph_state(neo4j_graph), stopped.remembered()) == before


def test_a_verb_and_verify_tell_of_a_run_of_another_format(stopped: Project) -> None:
    _newer(stopped)
    (stopped.path / "a.cypher").write_text("CREATE (:A);")
    for verb in (("run", "a.cypher"), ("plan",), ("verify",)):
        outcome = stopped.verb(*verb)
        assert outcome.status != 0
        assert "with alembic-neo4j 9.1" in " ".join(outcome.text.split())


def test_a_stamp_ends_a_run_of_another_format(
    stopped: Project, neo4j_graph: Graph
) -> None:
    _older(stopped)
    neo4j_graph.transaction([("MATCH (n:Person) SET n.seen = 1", {})])
    stopped.done("stamp", "r1")
    assert open_runs(stopped) == 0
    assert stopped.heads() == ["r1"]
    stopped.done("downgrade", "base")
    assert indexes(neo4j_graph) == set()


def test_a_run_of_another_release_goes_on_where_it_does_the_same(
    stopped: Project, neo4j_graph: Graph
) -> None:
    _sql(
        stopped,
        "UPDATE alembic_neo4j_unit SET release = '9.1'",
        "UPDATE alembic_neo4j_run SET release = '9.1'",
    )
    _write(stopped, by=1)
    stopped.done("upgrade", "head")
    assert open_runs(stopped) == 0
    assert neo4j_graph.read("MATCH (n:Person) RETURN n.seen AS seen") == [{"seen": 1}]


def test_a_run_of_another_release_is_told_of_where_it_did_something_else(
    stopped: Project, neo4j_graph: Graph
) -> None:
    _sql(
        stopped,
        f"UPDATE alembic_neo4j_unit SET digest = '{FORMAT}:ab', release = '9.1' "
        "WHERE position = 2",
    )
    _write(stopped, by=1)
    # But for the stamp, which has the time at which it was written last.
    people = "MATCH (n:Person) RETURN labels(n) AS labels, properties(n) AS properties"
    before = neo4j_graph.read(people), indexes(neo4j_graph)
    said = " ".join(stopped.failed("upgrade", "head").split())
    assert "unit 2 of revision r1 was begun as another one" in said
    assert (
        f"begun with alembic-neo4j 9.1, and this is alembic-neo4j {__version__}" in said
    )
    said = " ".join(stopped.failed("downgrade", "base").split())
    assert "unit 2 (batched), which was begun with alembic-neo4j 9.1" in said
    assert (neo4j_graph.read(people), indexes(neo4j_graph)) == before


def test_a_ledger_without_releases_is_read_and_brought_on(
    stopped: Project, neo4j_graph: Graph
) -> None:
    _take_back_to(stopped, "0005")
    for verb in ("status", "history", "plan"):
        outcome = stopped.verb(verb)
        assert outcome.status in (0, 1), outcome.text
    _write(stopped, by=1)
    stopped.done("upgrade", "head")
    units = _sql(stopped, "SELECT position, release FROM alembic_neo4j_unit")
    assert {release for _, release in units} == {None}
    stopped.done("downgrade", "base")
    releases = _sql(stopped, "SELECT release FROM alembic_neo4j_run")
    assert releases == [(None,), (__version__,)]
    assert indexes(neo4j_graph) == set()


# Files ----------------------------------------------------------------------------


def test_a_file_is_the_same_batch_when_what_it_becomes_gets_another_field(
    loaded: Project, neo4j_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _load(loaded)

    @dataclass(frozen=True)
    class Later(load_targets.NodeTarget):
        on_missing: str = field(default="report", kw_only=True)

    Later.__name__ = "NodeTarget"
    monkeypatch.setattr(load_targets, "NodeTarget", Later)
    (batch,) = re.findall(r"Batch (\S+)\.", first)
    assert "nothing is left to do" in _load(loaded)
    assert len(data(neo4j_graph)) == 2
    assert batch in _ingest(loaded, "list")


def _of_format_1(project: Project, graph: Graph) -> str:
    """Let the batch of the file have the name that a release before gave it."""
    (batch,) = re.findall(r"Batch (\S+)\.", _load(project))
    name = "people.csv-0123456789ab"
    _sql(
        project,
        f"UPDATE alembic_neo4j_batch SET batch = '{name}' WHERE batch = '{batch}'",
        f"UPDATE alembic_neo4j_run SET steps = replace(replace(steps, '{batch}', "
        f"'{name}'), '{FORMAT}:', '')",
    )
    named = "MATCH (n {_alembic_batch: $old}) SET n._alembic_batch = $new"
    graph.transaction([(named, {"old": batch, "new": name})])
    return name


def test_a_file_that_another_release_loaded_is_not_loaded_again(
    loaded: Project, neo4j_graph: Graph
) -> None:
    batch = _of_format_1(loaded, neo4j_graph)
    before = graph_state(neo4j_graph)
    said = _load(loaded, status=2)
    for part in (
        f"people.csv was loaded as the batch {batch}",
        "names the batches of files otherwise",
        "nothing was loaded",
        f"`alembic-neo4j ingest rollback {batch}`",
        "--batch NAME",
    ):
        assert part in said
    assert graph_state(neo4j_graph) == before
    assert "2 created" in _load(loaded, "--batch", "mine")
    _ingest(loaded, "rollback", "--yes", "mine")
    assert graph_state(neo4j_graph) == before
    _ingest(loaded, "rollback", "--yes", batch)
    assert "2 created" in _load(loaded)


def test_other_loads_are_not_taken_for_that_of_another_release(
    loaded: Project, neo4j_graph: Graph
) -> None:
    _of_format_1(loaded, neo4j_graph)
    Path(loaded.path, "people.csv").write_text(PEOPLE + "Cid\n")
    assert "3 created" in _load(loaded)
    assert "nothing is left to do" in _load(loaded)


def test_a_load_that_another_release_has_begun_is_taken_back(
    loaded: Project, neo4j_graph: Graph
) -> None:
    batch = _of_format_1(loaded, neo4j_graph)
    _sql(
        loaded,
        "UPDATE alembic_neo4j_run SET state = 'open', finished = 0, release = '0.0.9' "
        "WHERE steps LIKE '%ingest load%'",
        "UPDATE alembic_neo4j_batch SET state = 'running'",
    )
    said = _load(loaded, "--batch", batch, status=2)
    assert f"the load of the batch {batch} was begun at" in said
    assert "with alembic-neo4j 0.0.9" in said
    assert f"take it back: `alembic-neo4j ingest rollback {batch}`" in said
    assert len(data(neo4j_graph)) == 2
    _ingest(loaded, "rollback", "--yes", batch)
    assert data(neo4j_graph) == []
    assert open_runs(loaded) == 0

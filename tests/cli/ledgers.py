"""A ledger that was written without a graph, as the commands write one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from alembic_neo4j.ledger.batches import BatchCounts, Loader, Source
from alembic_neo4j.ledger.connection import connect, open_engine
from alembic_neo4j.ledger.journal import Journal, RunStep
from alembic_neo4j.ledger.store import Ledger
from tests.migration.project import Project

TABLE = "alembic_version"


@contextmanager
def opened(path: Path | URL) -> Iterator[Connection]:
    """A connection to a ledger; what was written on it is committed."""
    engine = open_engine(f"sqlite:///{path}" if isinstance(path, Path) else path)
    connection = connect(engine)
    try:
        yield connection
        connection.commit()
    finally:
        connection.close()
        engine.dispose()


def write_revisions(project: Project) -> None:
    """Write three revisions, r1 to r3."""
    down = None
    for number in (1, 2, 3):
        project.revision(f"r{number}", "pass", "pass", down=down)
        down = f"r{number}"


def begin_ledger(path: Path | URL) -> None:
    """Make a ledger that is at no revision."""
    with opened(path) as connection:
        ledger = Ledger(connection, TABLE)
        ledger.migrate()
        ledger.ensure_identity()
        number = "version_num VARCHAR(32) NOT NULL PRIMARY KEY"
        connection.execute(text(f"CREATE TABLE {TABLE} ({number})"))


def apply(path: Path | URL, revision: str) -> str:
    """Record that a revision was applied, and return the run."""
    with opened(path) as connection:
        journal, ledger = Journal(connection, TABLE), Ledger(connection, TABLE)
        run = journal.begin([RunStep("upgrade", revision, "0" * 64)])
        ledger.record_applied(
            revision, schema_hash="sha256:0", file_hash="0" * 64, seconds=0.5
        )
        connection.execute(text(f"DELETE FROM {TABLE}"))
        connection.execute(text(f"INSERT INTO {TABLE} VALUES ('{revision}')"))
        journal.finish_step(run, last=True)
        return run


def load(path: Path | URL, batch: str, *, end: bool = True) -> str:
    """Record that a batch of people was loaded, and return the run."""
    with opened(path) as connection:
        journal = Journal(connection, TABLE)
        run = journal.begin([RunStep("ingest load", batch, "1" * 64)])
        source = Source(f"file:///data/{batch}.csv", "2" * 64)
        loader = Loader("alembic-neo4j", "0.1.0")
        journal.batches.begin(batch, revision=None, run=run, loader=loader)
        journal.batches.begin_rows(batch, labels=("Person",), source=source)
        if end:
            journal.batches.finish_rows(batch, BatchCounts(created_nodes=3))
            journal.finish_step(run, last=True)
        return run


def give_up(path: Path | URL) -> None:
    """Record that the open run was ended as it is."""
    with opened(path) as connection:
        Journal(connection, TABLE).abandon()

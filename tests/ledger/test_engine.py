"""What the ledger's engine says when its database can't be used."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from alembic_neo4j.errors import LockError
from alembic_neo4j.ledger.engine import connect, open_engine


def test_a_process_that_does_not_end_its_writing_is_named_as_the_reason(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    engine = open_engine(f"sqlite:///{path}")
    with connect(engine) as connection:
        connection.execute(text("CREATE TABLE one (x INTEGER)"))
        connection.commit()
        connection.execute(text("PRAGMA busy_timeout=10"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LockError, match=r"ledger\.db is being written to"):
                connection.execute(text("INSERT INTO one VALUES (1)"))
            connection.rollback()
        connection.execute(text("INSERT INTO one VALUES (2)"))
        connection.commit()
        assert connection.execute(text("SELECT x FROM one")).all() == [(2,)]
    engine.dispose()

"""What the ledger's engine says when its database can't be used."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from alembic_neo4j.errors import ConfigurationError, LockError
from alembic_neo4j.ledger.engine import connect, connect_read_only, open_engine


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


def test_a_disk_that_is_full_is_named_as_the_reason(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    with connect(engine) as connection:
        connection.execute(text("CREATE TABLE one (x TEXT)"))
        connection.commit()
        connection.execute(text("PRAGMA max_page_count=4"))
        with pytest.raises(ConfigurationError, match=r"ledger\.db can't be written to"):
            connection.execute(text("INSERT INTO one VALUES (:x)"), {"x": "x" * 99_999})
        connection.rollback()
        assert connection.execute(text("SELECT x FROM one")).all() == []
        # What a revision says wrong to the ledger's database is its own affair.
        with pytest.raises(OperationalError, match="no such table"):
            connection.execute(text("SELECT x FROM two"))
    engine.dispose()


def test_a_log_that_was_left_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a ledger #1.db"
    url = make_url(f"sqlite:///{path}")
    assert connect_read_only(url) is None
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE one (x INTEGER)")
        assert connect_read_only(url) is None
    reader = connect_read_only(url)
    assert reader is not None
    with reader:
        assert reader.execute(text("SELECT x FROM one")).all() == []
        with pytest.raises(OperationalError, match="readonly"):
            reader.execute(text("INSERT INTO one VALUES (1)"))
    reader.engine.dispose()
    path.write_text("this is no database, and never was one")
    assert connect_read_only(url) is None


def test_what_another_process_writes_to_postgresql_is_not_waited_for_for_ever(
    postgresql_url: URL,
) -> None:
    engine = open_engine(postgresql_url)
    with connect(engine) as one, connect(engine) as other:
        one.execute(text("CREATE TABLE one AS SELECT 1 AS x"))
        one.commit()
        # The pool's own rollback does not take the setting back.
        assert one.execute(text("SHOW lock_timeout")).scalar() == "10s"
        one.execute(text("SET lock_timeout = '100ms'"))
        one.commit()
        other.execute(text("UPDATE one SET x = 2"))
        with pytest.raises(LockError, match="is being written to by a process"):
            one.execute(text("UPDATE one SET x = 3"))
    engine.dispose()

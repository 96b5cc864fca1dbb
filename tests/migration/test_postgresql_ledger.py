"""A ledger in PostgreSQL, as several deployers share it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.ledger.lock import ledger_lock
from tests.migration.project import PROGRAM, Project, stamped

COUNTED = "op.run_cypher('MERGE (n:Counter) SET n.count = coalesce(n.count, 0) + 1')"


@pytest.fixture
def shared(live: Project, postgresql_url: URL) -> Project:
    """A project whose ledger is in PostgreSQL."""
    url = postgresql_url.render_as_string(hide_password=False)
    live.set("sqlalchemy.url", url.replace("%", "%%"))
    live.revision("r1", f"{COUNTED}; op.add_index('A', 'x')", "op.drop_index('A', 'x')")
    live.revision("r2", COUNTED, down="r1")
    return live


def test_up_and_down(shared: Project, neo4j_graph: Graph, postgresql_url: URL) -> None:
    shared.done("upgrade", "head")
    assert shared.done("current").strip() == "r2 (head)"
    shared.done("downgrade", "r1")
    shared.done("upgrade", "head")
    assert stamped(neo4j_graph) == ["r2"]
    assert neo4j_graph.read("MATCH (n:Counter) RETURN n.count AS n") == [{"n": 3}]
    assert not shared.ledger.exists()
    engine = create_engine(postgresql_url)
    with engine.connect() as connection:
        runs = connection.execute(text("SELECT state FROM alembic_neo4j_run")).scalars()
        assert list(runs) == ["done"] * 3
    engine.dispose()


def test_of_several_at_once_one_does_it(shared: Project, neo4j_graph: Graph) -> None:
    command = [sys.executable, str(PROGRAM), "-c", "neo4j.ini", "upgrade", "head"]
    running = [
        subprocess.Popen(
            command, cwd=shared.path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        for _ in range(4)
    ]
    said = [process.communicate()[1].decode() for process in running]
    assert [process.returncode for process in running] == [0] * 4, said
    assert sum("Running upgrade r1 -> r2" in text for text in said) == 1
    assert neo4j_graph.read("MATCH (n:Counter) RETURN n.count AS n") == [{"n": 2}]


def test_a_held_ledger_is_waited_for_in_vain(
    shared: Project, neo4j_graph: Graph, postgresql_url: URL
) -> None:
    with ledger_lock(postgresql_url, "alembic_version", timeout=1, holder=lambda: None):
        message = shared.failed("-x", "neo4j.lock_timeout=0.3", "upgrade", "head")
    assert "the lock on the ledger was not free within 0.3 seconds" in message
    assert neo4j_graph.read("MATCH (n:Counter) RETURN n") == []
    shared.done("upgrade", "head")


def test_a_connection_that_is_lost_leaves_a_run_that_goes_on(
    shared: Project,
    neo4j_graph: Graph,
    postgresql_url: URL,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared.revision(
        "r1",
        f"""
        {COUNTED}
        if "LOSES" in os.environ and not op.is_replaying():
            engine = sa.create_engine(os.environ["LOSES"])
            with engine.connect() as connection:
                connection.execute(sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ))
            engine.dispose()
        {COUNTED}
        """,
        header="import os\nimport sqlalchemy as sa",
    )
    loses = postgresql_url.render_as_string(hide_password=False)
    monkeypatch.setenv("LOSES", loses)
    message = shared.failed("upgrade", "head")
    assert "the connection to the ledger postgresql+psycopg://" in message
    assert "was lost" in message
    assert "goes on from here" in message
    assert shared.verb("status").status == 1
    monkeypatch.delenv("LOSES")
    shared.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (n:Counter) RETURN n.count AS n") == [{"n": 3}]
    assert stamped(neo4j_graph) == ["r2"]


def test_files_are_put_back_and_given_back(shared: Project) -> None:
    settings = shared.path / "settings.json"
    settings.write_bytes(b'{"a": "\xc3\xbc"}')
    shared.revision("r0", 'op.write_json("settings.json", {"b": 1})')
    broken = 'op.execute(text("SELECT nothing FROM nowhere"))'
    header = "from sqlalchemy import text"
    write = 'op.write_json("settings.json", {"c": 1}, backup=False)'
    shared.revision("r1", f"{write}\n{broken}", down="r0", header=header)
    shared.done("upgrade", "r0")
    after = settings.read_bytes()

    # The statement breaks the transaction in which its end would be recorded.
    outcome = shared.program("-c", "neo4j.ini", "upgrade", "head")

    assert outcome.status != 0
    assert settings.read_bytes() == after
    shared.revision("r1", write, down="r0")
    shared.done("upgrade", "head")
    shared.done("downgrade", "base")
    assert settings.read_bytes() == b'{"a": "\xc3\xbc"}'
    assert not (shared.path / "settings.json.bak").exists()

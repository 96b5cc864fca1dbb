"""A schema command behind an application's transaction: said who, and given up."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator

import neo4j
import pytest

from alembic_neo4j.errors import StatementError
from alembic_neo4j.graph import watchdog
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.limits import Interrupted, Interrupts
from alembic_neo4j.graph.watchdog import schema_transaction
from alembic_neo4j.pytest_plugin import Neo4jServer

INDEX = [("CREATE INDEX behind FOR (n:Busy) ON (n.x)", {})]
CONSTRAINT = [("CREATE CONSTRAINT behind FOR (n:Busy) REQUIRE n.x IS UNIQUE", {})]


@pytest.fixture
def application(
    neo4j_server: Neo4jServer, neo4j_graph: Graph
) -> Iterator[neo4j.Transaction]:
    """An application's transaction that has written to the label and is left open."""
    auth = (neo4j_server.username, neo4j_server.password)
    with (
        neo4j.GraphDatabase.driver(neo4j_server.url, auth=auth) as driver,
        driver.session(database=neo4j_server.database) as session,
    ):
        transaction = session.begin_transaction()
        transaction.run("CREATE (:Busy {x: 1})").consume()
        yield transaction
        transaction.close()


@pytest.mark.parametrize("commands", [INDEX, CONSTRAINT], ids=["index", "constraint"])
def test_it_is_given_up_with_everything_as_it_was(
    application: neo4j.Transaction,
    neo4j_graph: Graph,
    commands: list[tuple[str, dict[str, object]]],
) -> None:
    with pytest.raises(StatementError) as refused:
        schema_transaction(neo4j_graph, commands, timeout=1, interrupts=Interrupts())
    message = str(refused.value)
    assert "neo4j.schema_timeout" in message
    assert "of user neo4j from 127.0.0.1" in message
    assert "idle" in message
    assert neo4j_graph.read("SHOW INDEXES YIELD name WHERE name = 'behind'") == []
    application.commit()
    assert neo4j_graph.read("MATCH (n:Busy) RETURN count(n) AS n") == [{"n": 1}]
    schema_transaction(neo4j_graph, commands, timeout=5, interrupts=Interrupts())


def test_the_log_says_what_is_in_the_way(
    application: neo4j.Transaction,
    neo4j_graph: Graph,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def ended() -> None:
        while not any("waits for neo4j-transaction-" in m for m in caplog.messages):
            time.sleep(0.05)
        application.commit()

    caplog.set_level(logging.WARNING, logger=watchdog.__name__)
    thread = threading.Thread(target=ended)
    thread.start()
    schema_transaction(neo4j_graph, INDEX, timeout=60, interrupts=Interrupts())
    thread.join()
    said = [m for m in caplog.messages if "waits for" in m]
    assert len(said) == 1
    assert said[0].startswith("CREATE INDEX behind")


def test_a_signal_ends_the_waiting(
    application: neo4j.Transaction, neo4j_graph: Graph
) -> None:
    interrupts = Interrupts()
    with interrupts.deferred():
        timer = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGTERM])
        timer.start()
        with pytest.raises(Interrupted) as stopped:
            schema_transaction(neo4j_graph, INDEX, timeout=60, interrupts=interrupts)
    assert stopped.value.code == 143
    assert neo4j_graph.read("SHOW INDEXES YIELD name WHERE name = 'behind'") == []
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler

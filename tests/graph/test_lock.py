"""The lock on a graph: one holder at a time, and nothing written once it is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from alembic_neo4j.errors import LockError, StatementError
from alembic_neo4j.graph import lock as lock_module
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.limits import Interrupts
from alembic_neo4j.graph.lock import (
    CONSTRAINT,
    LABEL,
    Owner,
    break_lock,
    graph_lock,
    read_owner,
)
from alembic_neo4j.graph.watchdog import schema_transaction

A = Owner.of_this_process()


@pytest.fixture
def other(neo4j_graph: Graph) -> Iterator[Graph]:
    """The same graph, as another process has it."""
    graph = Graph(neo4j_graph.settings)
    yield graph
    graph.close()


def _wanted(graph: Graph, timeout: float = 20) -> None:
    with graph_lock(graph, Owner.of_this_process(), timeout=timeout):
        pass


def _written_twice(graph: Graph, other: Graph) -> None:
    """Write in a transaction whose lock is broken half-way."""
    with graph.begin() as run:
        run("CREATE (:Written)", {})
        break_lock(other)
        run("CREATE (:Written)", {})


def test_a_second_one_is_told_whom_it_waits_for(
    neo4j_graph: Graph, other: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    with graph_lock(neo4j_graph, A, timeout=5):
        assert read_owner(other) == A
        began = time.monotonic()
        with (
            pytest.raises(LockError) as refused,
            caplog.at_level(logging.INFO),
            graph_lock(other, Owner.of_this_process(), timeout=1),
        ):
            raise AssertionError("two have the lock")
        assert time.monotonic() - began < 5
    assert caplog.messages == [f"Waiting for the lock on the graph, held by {A}"]
    assert f"process {A.pid}" in str(refused.value)
    assert "alembic-neo4j unlock" in str(refused.value)
    assert read_owner(other) is None
    _wanted(other)


def test_one_of_eight_at_a_time(neo4j_graph: Graph, other: Graph) -> None:
    inside, most = 0, 0

    def counted(graph: Graph) -> None:
        nonlocal inside, most
        with graph_lock(graph, Owner.of_this_process(), timeout=60):
            inside += 1
            most = max(most, inside)
            time.sleep(0.01)
            inside -= 1

    graphs = [Graph(neo4j_graph.settings) for _ in range(8)]
    threads = [threading.Thread(target=counted, args=(graph,)) for graph in graphs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for graph in graphs:
        graph.close()
    assert (inside, most) == (0, 1)
    owners = other.read(f"MATCH (o:{LABEL} {{id: 'owner'}}) RETURN o.token AS token")
    assert owners == [{"token": None}]


def test_who_lost_the_lock_writes_nothing_more(
    neo4j_graph: Graph, other: Graph
) -> None:
    with graph_lock(neo4j_graph, A, timeout=5):
        neo4j_graph.transaction([("CREATE (:Written)", {})])
        assert break_lock(other) == A
        with pytest.raises(LockError, match="is lost"):
            neo4j_graph.transaction([("CREATE (:Written)", {})])
        # A later holder's note does not let the first one in again.
        with (
            graph_lock(other, Owner.of_this_process(), timeout=5),
            pytest.raises(LockError),
        ):
            neo4j_graph.transaction([("CREATE (:Written)", {})])
    assert other.read("MATCH (n:Written) RETURN count(n) AS n") == [{"n": 1}]


def test_who_lost_the_lock_changes_no_schema_and_runs_no_batches(
    neo4j_graph: Graph, other: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if it had been paused for longer than a proof lasts.
    monkeypatch.setattr(lock_module, "_PROOF_SECONDS", 0.0)
    index = [("CREATE INDEX late FOR (n:Late) ON (n.x)", {})]
    with graph_lock(neo4j_graph, A, timeout=5):
        break_lock(other)
        with pytest.raises(LockError):
            schema_transaction(neo4j_graph, index, timeout=5, interrupts=Interrupts())
        with pytest.raises(LockError):
            neo4j_graph.autocommit("CREATE (:Late)")
    assert other.read("SHOW INDEXES YIELD name WHERE name = 'late'") == []
    assert other.read("MATCH (n:Late) RETURN n") == []


def test_an_open_transaction_of_who_lost_the_lock_ends(
    neo4j_graph: Graph, other: Graph
) -> None:
    with graph_lock(neo4j_graph, A, timeout=5):
        with pytest.raises(StatementError, match="terminated"):
            _written_twice(neo4j_graph, other)
        assert other.read("MATCH (n:Written) RETURN n") == []


def test_breaking_a_free_lock_does_nothing(neo4j_graph: Graph) -> None:
    assert break_lock(neo4j_graph) is None
    _wanted(neo4j_graph)
    assert break_lock(neo4j_graph) is None


def test_an_idle_lock_that_the_server_ended_is_noticed(
    neo4j_graph: Graph, other: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "_PING_SECONDS", 0.05)
    ours = (
        "SHOW TRANSACTIONS YIELD transactionId, metaData WHERE metaData.alembic_neo4j"
    )
    with graph_lock(neo4j_graph, A, timeout=5):
        time.sleep(0.3)
        rows = other.read(
            f"{ours} = $token RETURN transactionId AS id", {"token": A.token}
        )
        assert len(rows) == 1
        other.autocommit("TERMINATE TRANSACTIONS $id", {"id": rows[0]["id"]})
        time.sleep(0.5)
        with pytest.raises(LockError):
            neo4j_graph.autocommit("CREATE (:Late)")
    assert other.read("MATCH (n:Late) RETURN n") == []


def test_what_a_killed_server_left_of_the_constraint_is_mended(
    neo4j_graph: Graph,
) -> None:
    # An index of the constraint's name without an owner: the same as the orphan.
    orphan = f"CREATE INDEX {CONSTRAINT} FOR (l:{LABEL}) ON (l.id)"
    neo4j_graph.transaction([(orphan, {})])
    _wanted(neo4j_graph)
    found = neo4j_graph.read(
        "SHOW CONSTRAINTS YIELD name, type, labelsOrTypes, properties"
    )
    assert [
        (row["name"], row["labelsOrTypes"], row["properties"]) for row in found
    ] == [(CONSTRAINT, [LABEL], ["id"])]


def test_making_the_lock_keeps_nobody_from_writing_who_has_it(
    neo4j_graph: Graph, other: Graph
) -> None:
    # The holder has its transaction open, and writes in others: each of them waits for
    # a schema command on the label that waits for the first one.
    late = threading.Thread(target=_wanted, args=(other,), daemon=True)
    note = (f"CREATE (:{LABEL} {{id: 'owner'}})", {})
    writing = threading.Thread(
        target=lambda: neo4j_graph.transaction([note]), daemon=True
    )
    with neo4j_graph.begin() as run:
        run(f"CREATE (:{LABEL} {{id: 'lock'}})", {})
        late.start()
        blocked = (
            "SHOW TRANSACTIONS YIELD currentQuery, status WHERE currentQuery CONTAINS "
            "$name AND status STARTS WITH 'Blocked' RETURN status"
        )
        while not neo4j_graph.read(blocked, {"name": CONSTRAINT}):
            time.sleep(0.01)
        writing.start()
        writing.join(5)
        was_kept = writing.is_alive()
    late.join(20)
    assert not was_kept
    assert not late.is_alive()
    assert read_owner(neo4j_graph) is None

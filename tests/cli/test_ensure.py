"""``alembic-neo4j ensure``: waiting for a graph, and upgrading it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.pytest_plugin import Neo4jServer
from tests.forwarding import Forwarder
from tests.migration.project import NOWHERE, Project, indexes

PROGRAM = Path(sys.executable).parent / "alembic-neo4j"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def login(project: Project, server: Neo4jServer) -> list[str]:
    file = project.path / "password"
    file.write_text(server.password)
    return [
        *("-x", f"neo4j.username={server.username}"),
        *("-x", f"neo4j.password_file={file}"),
    ]


def test_it_waits_for_a_server_that_comes_late(
    chain: Project, neo4j_graph: Graph, neo4j_server: Neo4jServer
) -> None:
    port = free_port()
    made: list[Forwarder] = []
    timer = threading.Timer(
        1.5, lambda: made.append(Forwarder(neo4j_server.url, port=port))
    )
    timer.start()
    try:
        told = chain.verb(
            *("ensure", "--wait", "60", "--format", "json"),
            *("-x", f"neo4j.url=bolt://127.0.0.1:{port}", *login(chain, neo4j_server)),
        )
    finally:
        timer.join()
        made[0].close()
    assert told.status == 0, told.text
    report = json.loads(told.out)
    assert report["applied"] == ["r1", "r2", "r3"]
    assert 1 < report["waited_seconds"] < 60
    assert "Waiting for at most 60 s: no Neo4j answers at" in told.err
    assert {"i1", "i2", "i3"} <= indexes(neo4j_graph)
    again = chain.verb("ensure")
    assert (again.status, again.out) == (0, "Nothing is pending.\n")


def test_nothing_answers_in_time(chain: Project) -> None:
    told = chain.verb("ensure", "--wait", "1.5", "-x", f"neo4j.url={NOWHERE}")
    assert told.status == 2
    assert "no Neo4j answers at" in told.err
    assert not chain.ledger.exists()


def test_what_waiting_does_not_mend_is_told_at_once(
    chain: Project, neo4j_server: Neo4jServer
) -> None:
    (chain.path / "password").write_text("another")
    arguments = login(chain, neo4j_server)
    (chain.path / "password").write_text("another")
    began = time.monotonic()
    told = chain.verb(
        "ensure", "--wait", "600", "-x", f"neo4j.url={neo4j_server.url}", *arguments
    )
    assert time.monotonic() - began < 60
    assert told.status == 2
    assert "refuses the credentials" in told.err
    chain.set("sqlalchemy.url", "sqlite:////nowhere/at/all/ledger.db")
    assert chain.verb("ensure", "--wait", "600").status == 2
    assert time.monotonic() - began < 60


def test_a_ledger_that_does_not_answer_is_waited_for(chain: Project) -> None:
    chain.set("sqlalchemy.url", f"postgresql+psycopg://u@127.0.0.1:{free_port()}/x")
    told = chain.verb("ensure", "--wait", "1.5")
    assert told.status == 2
    assert "Waiting for at most 1.5 s: the ledger postgresql" in told.err
    assert "Error: the ledger postgresql" in told.err


def test_several_at_once_run_each_revision_once(
    chain: Project, neo4j_graph: Graph
) -> None:
    running = [
        subprocess.Popen(
            [str(PROGRAM), "ensure", "--format", "json"],
            cwd=chain.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    told = [each.communicate(timeout=300) for each in running]
    assert [each.returncode for each in running] == [0, 0, 0], told
    history = chain.verb("history", "--format", "json")
    entries = json.loads(history.out)["entries"]
    assert sorted(entry["subject"] for entry in entries) == ["r1", "r2", "r3"]
    assert {entry["state"] for entry in entries} == {"done"}

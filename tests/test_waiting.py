"""Every wait that lasts says for whom, since when and until when."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from alembic_neo4j import local, waiting
from alembic_neo4j.errors import ConnectionFailed
from alembic_neo4j.graph import connection
from alembic_neo4j.graph.connection import Graph, GraphSettings
from alembic_neo4j.ledger.engine import connect, open_engine
from alembic_neo4j.waiting import Wait, each_waited_for, waiting_for

WHEN = r"since \d\d:\d\d:\d\d UTC \(\d+ s\)"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """What lasts is told of after a moment, for the sake of the tests."""
    monkeypatch.setattr(waiting, "SAID_AFTER_SECONDS", 0.3)
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0.05)
    caplog.set_level(logging.WARNING, logger=waiting.__name__)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port at which somebody listens who never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_it_is_told_within_five_seconds() -> None:
    source = Path(waiting.__file__).read_text("utf-8")
    (said,) = re.findall(r"^SAID_AFTER_SECONDS = ([\d.]+)", source, re.MULTILINE)
    (look,) = re.findall(r"^_LOOK_SECONDS = ([\d.]+)", source, re.MULTILINE)
    assert float(said) + float(look) < 5


def test_a_wait_tells_for_whom_since_when_and_until_when(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with waiting_for("Godot", limit=60):
        time.sleep(0.6)
    (message,) = caplog.messages
    assert re.fullmatch(
        rf"Waiting for Godot, {WHEN}, until \d\d:\d\d:\d\d UTC at most", message
    )


def test_a_wait_without_a_limit_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with waiting_for(lambda: "him"):
        time.sleep(0.6)
    (message,) = caplog.messages
    assert message.endswith("without a limit; Ctrl-C ends it")


def test_a_wait_that_begins_as_the_watch_ends_is_told_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with waiting_for("Godot"):
        time.sleep(0.1)
        # The one that looked has looked for the last time, and is still alive.
        monkeypatch.setattr(waiting, "_watcher", threading.current_thread())
        monkeypatch.setattr(waiting, "_IDLE_LOOKS", 0)
        waiting._look()
        monkeypatch.setattr(waiting, "_IDLE_LOOKS", 20)
        time.sleep(0.6)
    assert any("Waiting for Godot" in message for message in caplog.messages)


def test_it_is_told_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SAID_AGAIN_SECONDS", 0.2)
    with waiting_for("Godot"):
        time.sleep(1)
    assert len(caplog.messages) > 1


def test_short_waits_are_not_added_up(caplog: pytest.LogCaptureFixture) -> None:
    wait = Wait("Godot")
    for _ in range(10):
        wait.begin()
        time.sleep(0.1)
        wait.end()
    assert caplog.messages == []


def test_what_is_done_with_what_came_is_no_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in each_waited_for([1, 2], "Godot"):
        time.sleep(0.5)
    assert caplog.messages == []

    def late() -> Iterator[int]:
        yield 1
        time.sleep(0.6)
        yield 2

    assert list(each_waited_for(late(), "the second")) == [1, 2]
    assert len(caplog.messages) == 1


def test_a_wait_inside_of_another_one_is_part_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with waiting_for("the whole"), waiting_for("a part"):
        time.sleep(0.6)
    (message,) = caplog.messages
    assert "the whole" in message
    with waiting_for("the next"):
        time.sleep(0.6)
    assert "the next" in caplog.messages[-1]


def test_each_thread_waits_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    def wait() -> None:
        with waiting_for("one"):
            time.sleep(0.6)

    thread = threading.Thread(target=wait)
    thread.start()
    with waiting_for("two"):
        time.sleep(0.6)
    thread.join()
    assert {message.split(",")[0] for message in caplog.messages} == {
        "Waiting for one",
        "Waiting for two",
    }


def test_a_port_that_is_silent(
    silent_port: int,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 1.5)
    url = f"bolt://127.0.0.1:{silent_port}"
    graph = Graph(GraphSettings(url, tmp_path))
    with pytest.raises(ConnectionFailed, match="no Neo4j answers"):
        graph.read("RETURN 1")
    (message,) = caplog.messages
    assert message.startswith(f"Waiting for the Neo4j at {url}, since ")
    assert message.endswith(" UTC at most")


def test_a_server_that_is_paused_in_the_middle(
    neo4j_graph: Graph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = local.ensure_started(tmp_path)
    graph = Graph(
        GraphSettings(
            server.url,
            tmp_path,
            connection.Credentials("basic", server.username, server.password),
        )
    )
    try:
        with graph.begin() as run:
            os.kill(server.pid, signal.SIGSTOP)
            timer = threading.Timer(1.5, os.kill, [server.pid, signal.SIGCONT])
            timer.start()
            run("CREATE (:Paused  {n: 1})", {})
            timer.join()
        assert graph.read("MATCH (n:Paused) RETURN count(n) AS n") == [{"n": 1}]
    finally:
        graph.close()
        local.wipe(tmp_path)
    assert any(
        message.startswith(
            f"Waiting for the Neo4j at {server.url} to answer CREATE (:Paused {{n: 1}})"
        )
        for message in caplog.messages
    )


def test_a_statement_that_takes_long(
    neo4j_graph: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    slow = "UNWIND range(1, 9000) AS a UNWIND range(1, 9000) AS b RETURN count(*) AS n"
    assert neo4j_graph.read(slow) == [{"n": 81_000_000}]
    assert list(neo4j_graph.stream(slow)) == [{"n": 81_000_000}]
    assert neo4j_graph.autocommit(slow) == [{"n": 81_000_000}]
    said = [m for m in caplog.messages if "to answer UNWIND range(1, 9000)" in m]
    assert len(said) == 3


def test_a_ledger_that_another_process_writes_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "ledger.db"
    engine = open_engine(f"sqlite:///{path}")
    with connect(engine) as ledger:
        ledger.execute(text("CREATE TABLE one (x INTEGER)"))
        ledger.commit()
        with closing(
            sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        ) as other:
            other.execute("BEGIN IMMEDIATE")
            timer = threading.Timer(1, other.rollback)
            timer.start()
            ledger.execute(text("INSERT INTO one VALUES (1)"))
            ledger.commit()
            timer.join()
    engine.dispose()
    (message,) = caplog.messages
    assert message.startswith(f"Waiting for the ledger sqlite:///{path} to answer")
    assert message.endswith("UTC at most")


def test_a_ledger_that_is_silent(
    silent_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_engine(
        f"postgresql+psycopg://u:secret@127.0.0.1:{silent_port}/db?connect_timeout=2"
    )
    with pytest.raises(Exception, match="can't be opened"):
        connect(engine)
    (message,) = caplog.messages
    assert "Waiting for the ledger postgresql+psycopg://u:***@127.0.0.1" in message
    assert message.endswith("UTC at most")

"""Alembic's commands awaited in an event loop that goes on, and cancelled there."""

from __future__ import annotations

import asyncio
import io
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any

import neo4j
import pytest
from alembic import command

from alembic_neo4j import awaitable
from alembic_neo4j.errors import Neo4jMigrationError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.pytest_plugin import Neo4jServer
from tests.crash.project import open_runs
from tests.migration.project import Project, indexes, stamped

ITEMS = 300
COUNT = "op.run_cypher('MATCH (n:Item) SET n.times = coalesce(n.times, 0) + 1')\n"
BATCHED = "op.rename_node_property('Item', 'title', 'heading', batch_size=10)\n"
RENAMED = "MATCH (n:Item) RETURN count(n.heading) AS n"


@pytest.fixture
def renaming(live: Project, neo4j_graph: Graph) -> Project:
    """A revision of thirty slow batches between two statements that count."""
    neo4j_graph.autocommit(
        "UNWIND range(1, $n) AS i CREATE (:Item {id: i, title: 't' + i})", {"n": ITEMS}
    )
    live.set("neo4j.throttle", "0.05")
    live.revision("r1", "op.add_node('Item', op.Property('title', 'STRING'))")
    live.revision("r2", COUNT + BATCHED + COUNT, down="r1")
    return live


@asynccontextmanager
async def asynchronous(server: Neo4jServer) -> AsyncIterator[neo4j.AsyncDriver]:
    """The driver that the program itself uses, in its loop."""
    credentials = (server.username, server.password)
    async with neo4j.AsyncGraphDatabase.driver(server.url, auth=credentials) as driver:
        yield driver


async def _number(driver: neo4j.AsyncDriver, query: str) -> int:
    rows, _, _ = await driver.execute_query(query)
    return int(rows[0]["n"])


async def _under_way(driver: neo4j.AsyncDriver, task: asyncio.Task[None]) -> int:
    """Wait until some batches are there, and return how many items they have."""
    while not (renamed := await _number(driver, RENAMED)):
        assert not task.done()
        await asyncio.sleep(0.01)
    return renamed


def _is_exact(graph: Graph) -> bool:
    rows = graph.read(
        "MATCH (n:Item) RETURN count(n) AS items, "
        "collect(DISTINCT n.times) AS times, "
        "sum(CASE WHEN n.heading = 't' + n.id AND n.title IS NULL THEN 1 ELSE 0 END) "
        "AS exact"
    )
    return rows == [{"items": ITEMS, "times": [2], "exact": ITEMS}]


def _workers() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("alembic_neo4j")]


def test_the_loop_goes_on(
    renaming: Project, neo4j_graph: Graph, neo4j_server: Neo4jServer
) -> None:
    async def program() -> set[int]:
        async with asynchronous(neo4j_server) as driver:
            task = asyncio.create_task(awaitable.upgrade(renaming.config(), "head"))
            seen = set()
            while not task.done():
                seen.add(await _number(driver, RENAMED))
            await task
            return seen

    seen = asyncio.run(program())
    assert len(seen) > 5, seen
    assert _is_exact(neo4j_graph)
    assert renaming.heads() == stamped(neo4j_graph) == ["r2"]
    assert _workers() == []


def test_cancelled_within_a_change_and_called_again(
    renaming: Project,
    neo4j_graph: Graph,
    neo4j_server: Neo4jServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def program() -> int:
        async with asynchronous(neo4j_server) as driver:
            task = asyncio.create_task(awaitable.upgrade(renaming.config(), "head"))
            renamed = await _under_way(driver, task)
            task.cancel()
            await asyncio.sleep(0)
            # Whoever is impatient changes nothing.
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert _workers() == []
            return renamed

    with caplog.at_level(logging.WARNING):
        before = asyncio.run(program())
    after = neo4j_graph.read(RENAMED)[0]["n"]
    assert before <= after < ITEMS
    assert "Run the same command again and it goes on from here" in caplog.text
    assert renaming.heads() == stamped(neo4j_graph) == ["r1"]
    assert open_runs(renaming) == 1

    asyncio.run(awaitable.upgrade(renaming.config(), "head"))
    assert _is_exact(neo4j_graph)
    assert open_runs(renaming) == 0
    assert renaming.heads() == stamped(neo4j_graph) == ["r2"]


def test_cancelled_by_a_timeout(renaming: Project, neo4j_graph: Graph) -> None:
    for _ in range(20):
        try:
            asyncio.run(
                asyncio.wait_for(awaitable.upgrade(renaming.config(), "head"), 1)
            )
            break
        except (asyncio.TimeoutError, TimeoutError):
            assert _workers() == []
    assert renaming.heads() == ["r2"]
    assert _is_exact(neo4j_graph)


def test_a_stopped_run_goes_on_with_the_stock_program(
    renaming: Project, neo4j_graph: Graph, neo4j_server: Neo4jServer
) -> None:
    async def program() -> None:
        async with asynchronous(neo4j_server) as driver:
            task = asyncio.create_task(awaitable.upgrade(renaming.config(), "head"))
            await _under_way(driver, task)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(program())
    assert open_runs(renaming) == 1
    done = renaming.program("-c", "neo4j.ini", "upgrade", "head")
    assert done.status == 0, done.text
    assert _is_exact(neo4j_graph)


def test_ctrl_c_in_the_program_stops_between_two_batches(
    renaming: Project, neo4j_graph: Graph
) -> None:
    program = (
        "import asyncio, os, signal, threading\n"
        "from alembic.config import Config\n"
        "from alembic_neo4j import awaitable\n"
        "async def main():\n"
        "    task = asyncio.create_task(\n"
        "        awaitable.upgrade(Config('neo4j.ini'), 'head'))\n"
        "    await asyncio.sleep(0)\n"
        "    while not os.path.exists('started'):\n"
        "        await asyncio.sleep(0.01)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    await task\n"
        "asyncio.run(main())\n"
    )
    path = renaming.versions / "r2_.py"
    began = "if not op.is_replaying(): open('started', 'w').close()\n    "
    path.write_text(path.read_text().replace("op.rename", began + "op.rename", 1))
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=renaming.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "KeyboardInterrupt" in done.stderr
    assert neo4j_graph.read(RENAMED)[0]["n"] < ITEMS
    assert open_runs(renaming) == 1
    assert renaming.program("-c", "neo4j.ini", "upgrade", "head").status == 0
    assert _is_exact(neo4j_graph)


def test_cancelled_before_anything_was_written(
    chain: Project, neo4j_graph: Graph
) -> None:
    async def program() -> None:
        task = asyncio.create_task(awaitable.upgrade(chain.config(), "head"))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(program())
    assert indexes(neo4j_graph) == set()
    assert chain.heads() == []
    asyncio.run(awaitable.upgrade(chain.config(), "head"))
    assert indexes(neo4j_graph) == {"i1", "i2", "i3"}


def _error_of(work: Coroutine[Any, Any, None]) -> Exception:
    with pytest.raises(Neo4jMigrationError) as found:
        asyncio.run(work)
    return found.value


def test_an_error_is_that_of_the_command(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", "op.run_cypher('MATCH (n) RETURN nothing')")
    with pytest.raises(Neo4jMigrationError) as found:
        live.command("upgrade", live.config(), "head")
    awaited = _error_of(awaitable.upgrade(live.config(), "head"))
    assert type(awaited) is type(found.value)
    assert "nothing" in str(awaited)
    assert str(awaited) == str(found.value)
    assert _workers() == []


def test_every_function(chain: Project, neo4j_graph: Graph) -> None:
    async def program() -> str:
        config = chain.config()
        await awaitable.upgrade(config, "head")
        await awaitable.downgrade(config, "-1")
        await awaitable.stamp(config, "r3")
        await awaitable.current(config, verbose=True)
        await awaitable.stamp(config, "r2")
        await awaitable.run(command.upgrade, config, "+1", tag="mine")
        assert isinstance(config.stdout, io.StringIO)
        return config.stdout.getvalue()

    assert "the message of r3" in asyncio.run(program())
    assert chain.heads() == stamped(neo4j_graph) == ["r3"]
    assert indexes(neo4j_graph) == {"i1", "i2", "i3"}


def test_those_that_are_awaited_together_take_turns(
    chain: Project, neo4j_graph: Graph
) -> None:
    async def program() -> None:
        work = [awaitable.upgrade(chain.config(), "head") for _ in range(3)]
        await asyncio.gather(*work)

    asyncio.run(program())
    assert chain.heads() == stamped(neo4j_graph) == ["r3"]
    assert indexes(neo4j_graph) == {"i1", "i2", "i3"}


def test_one_that_waits_for_its_turn_is_cancelled_at_once(
    renaming: Project, neo4j_graph: Graph, neo4j_server: Neo4jServer
) -> None:
    async def program() -> bool:
        async with asynchronous(neo4j_server) as driver:
            first = asyncio.create_task(awaitable.upgrade(renaming.config(), "head"))
            await _under_way(driver, first)
            second = asyncio.create_task(awaitable.downgrade(renaming.config(), "base"))
            await asyncio.sleep(0.1)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            was_first_under_way = not first.done()
            await first
            return was_first_under_way

    assert asyncio.run(program())
    assert _is_exact(neo4j_graph)


def test_a_revision_may_run_a_loop_and_sees_the_task_s_context(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        "op.run_cypher('CREATE (:Tenant {name: $name})', "
        "{'name': asyncio.run(name())})",
        header="""
        import asyncio
        from tests.migration import test_awaitable
        async def name():
            return test_awaitable.TENANT.get()
        """,
    )

    async def program() -> None:
        TENANT.set("acme")
        await awaitable.upgrade(live.config(), "head")

    asyncio.run(program())
    rows = neo4j_graph.read("MATCH (t:Tenant) RETURN t.name AS name")
    assert rows == [{"name": "acme"}]


TENANT: ContextVar[str] = ContextVar("tenant", default="nobody")

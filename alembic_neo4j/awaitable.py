"""Alembic's commands for programs with an event loop: ``await awaitable.upgrade(…)``.

A command runs in a thread of its own, from its start to its end, and the loop goes on.
Cancelling the task that awaits it has the run stop as Ctrl-C does: what is in hand is
finished, the thread is waited for, and the same command goes on from there later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from threading import Event, Lock
from typing import ParamSpec, TypeVar

from alembic import command
from alembic.config import Config

from alembic_neo4j.graph.limits import Interrupts, stopped_by

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

log = logging.getLogger(__name__)

_ALEMBIC = Lock()
"""Alembic's `op` and `context` are one for a process, hence one command at a time."""

_TURN_SECONDS = 0.2
"""How often a command that waits for its turn looks whether it is cancelled."""


async def upgrade(
    config: Config, revision: str, sql: bool = False, tag: str | None = None
) -> None:
    """Upgrade the graph, as ``alembic.command.upgrade`` does; see `run`."""
    await run(command.upgrade, config, revision, sql, tag)


async def downgrade(
    config: Config, revision: str, sql: bool = False, tag: str | None = None
) -> None:
    """Downgrade the graph, as ``alembic.command.downgrade`` does; see `run`."""
    await run(command.downgrade, config, revision, sql, tag)


async def stamp(
    config: Config,
    revision: str,
    sql: bool = False,
    tag: str | None = None,
    purge: bool = False,
) -> None:
    """Stamp the ledger and the graph, as ``alembic.command.stamp`` does; see `run`."""
    await run(command.stamp, config, revision, sql, tag, purge)


async def current(
    config: Config, check_heads: bool = False, verbose: bool = False
) -> None:
    """Print what is applied, as ``alembic.command.current`` does; see `run`."""
    await run(command.current, config, check_heads, verbose)


async def run(
    function: Callable[Parameters, Result],
    *arguments: Parameters.args,
    **options: Parameters.kwargs,
) -> Result:
    """Call a function of ``alembic.command`` in a thread of its own.

    Returns what it returns and raises what it raises. Others that are awaited meanwhile
    wait for their turn. Where the task is cancelled, CancelledError is raised when the
    command has ended: between two transactions, to go on there when it is called again.
    An error of the command is then the cause of the CancelledError.
    """
    asked = Event()
    call = partial(_in_turn, asked, partial(function, *arguments, **options))
    cancelled: asyncio.CancelledError | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="alembic_neo4j") as thread:
        # As with asyncio.to_thread, the command sees the context variables of the task.
        begun = asyncio.get_running_loop().run_in_executor(
            thread, copy_context().run, call
        )
        try:
            while not begun.done():
                try:
                    await asyncio.wait([begun])
                except asyncio.CancelledError as error:
                    log.warning("Cancelled: what is in hand is finished first")
                    cancelled = error
                    asked.set()
        finally:
            # A loop that is closed over it has the command end, too.
            asked.set()
    if cancelled is not None:
        raise cancelled from begun.exception()
    return begun.result()


def _in_turn(asked: Event, call: Callable[[], Result]) -> Result:
    with stopped_by(asked), _turn():
        return call()


@contextmanager
def _turn() -> Iterator[None]:
    interrupts = Interrupts()
    while not _ALEMBIC.acquire(timeout=_TURN_SECONDS):
        interrupts.check()
    try:
        interrupts.check()
        yield
    finally:
        _ALEMBIC.release()

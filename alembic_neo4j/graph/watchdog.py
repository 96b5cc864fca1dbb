"""Watching a transaction that waits for another one's locks, and ending it in time.

The server waits for ever, whatever the transaction's own timeout is: a schema command
behind an open transaction of an application, a lock behind its holder.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from alembic_neo4j.errors import Neo4jMigrationError, StatementError
from alembic_neo4j.graph.connection import TOKEN, Graph, Row, ServerRefused
from alembic_neo4j.graph.limits import Interrupts
from alembic_neo4j.waiting import waiting_for

log = logging.getLogger(__name__)

REPORT_SECONDS = 10.0
_EVERY_SECONDS = 0.5

_TRANSACTIONS = (
    "SHOW TRANSACTIONS YIELD transactionId, status, metaData, username, clientAddress, "
    "elapsedTime, currentQuery "
    "RETURN transactionId AS id, status, "
    f"metaData.{TOKEN} AS token, username, clientAddress AS address, "
    "elapsedTime.milliseconds / 1000.0 AS seconds, currentQuery AS query"
)
_TERMINATE = "TERMINATE TRANSACTIONS $id YIELD message RETURN message"


@dataclass(frozen=True)
class Blocker:
    """A transaction that others wait for; `query` is empty while it is idle."""

    id: str
    username: str
    address: str
    seconds: float
    query: str

    def __str__(self) -> str:
        """Return it as messages name it."""
        doing = self.query.strip() or "idle"
        return (
            f"{self.id} of user {self.username or '?'} from {self.address or '?'}, "
            f"open for {self.seconds:.0f} s: {doing[:200]}"
        )


class Watchdog:
    """Watches the transactions that carry `token`, from a thread of its own.

    `blocked` is told what is in their way after `grace` seconds, then now and again.
    After `timeout` seconds of waiting, or as soon as `stopped` says so, they are
    ended: `gave_up` is true then, `blockers` what was in the way last.
    """

    def __init__(
        self,
        graph: Graph,
        token: str,
        *,
        timeout: float,
        blocked: Callable[[Sequence[Blocker]], None],
        grace: float = 3.0,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.gave_up = False
        self.blockers: Sequence[Blocker] = ()
        self._graph = graph
        self._token = token
        self._timeout = timeout
        self._blocked = blocked
        self._grace = grace
        self._stopped = stopped
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watchdog:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop watching; what is being ended at this moment is ended."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        began, reported = time.monotonic(), float("-inf")
        pause = min(self._grace, self._timeout)
        while not self._done.wait(pause):
            pause = _EVERY_SECONDS
            try:
                mine, self.blockers = _waiting(
                    self._graph.read(_TRANSACTIONS), self._token
                )
                now = time.monotonic()
                if not mine:
                    began = now
                    continue
                if now - began >= self._timeout or self._stopped():
                    self.gave_up = True
                    self._graph.autocommit(_TERMINATE, {"id": mine})
                    return
                if now - reported >= REPORT_SECONDS:
                    reported = now
                    self._blocked(self.blockers)
            except Neo4jMigrationError as error:
                log.debug("The server does not show its transactions: %s", error)


def schema_transaction(
    graph: Graph,
    statements: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    timeout: float,
    interrupts: Interrupts,
) -> list[list[Row]]:
    """Run schema commands in one transaction and return the rows of each.

    Each waits until every open transaction that has written to its labels has ended:
    after a few seconds the log tells which these are. Raises StatementError after
    `timeout` seconds of that, and Interrupted when a signal comes; nothing stays then.
    """
    if graph.lock:
        graph.lock.prove()
    token = graph.lock.token if graph.lock else str(uuid.uuid4())

    def blocked(blockers: Sequence[Blocker]) -> None:
        log.warning(
            "%s waits for %s; given up after %g seconds of that (neo4j.schema_timeout)",
            *(statements[0][0], _shown(blockers), timeout),
        )

    def at_work() -> str:
        return "" if watchdog.blockers else f"the server to do: {statements[0][0]}"

    watchdog = Watchdog(
        graph, token, timeout=timeout, blocked=blocked, stopped=interrupts.is_due
    )
    with watchdog:
        try:
            # A fence would write, which a transaction with schema commands must not.
            with waiting_for(at_work), graph.begin(fenced=False, token=token) as run:
                return [run(text, parameters) for text, parameters in statements]
        except ServerRefused as error:
            if not watchdog.gave_up:
                raise
            interrupts.check()
            raise StatementError(
                f"{statements[0][0]} has waited {timeout:g} seconds "
                f"(neo4j.schema_timeout) for {_shown(watchdog.blockers)}. It has been "
                "taken back. End these transactions, or the programs that hold them "
                "open, and run the same command again"
            ) from error


def _shown(blockers: Sequence[Blocker]) -> str:
    return (
        "; ".join(map(str, blockers)) or "a transaction that the server does not show"
    )


def _waiting(rows: Sequence[Row], token: str) -> tuple[list[str], list[Blocker]]:
    """Return the ids of those with the token that wait, and what they wait for."""
    waiting = [
        row
        for row in rows
        if row["token"] == token and row["status"].startswith("Blocked")
    ]
    ids = {name for row in waiting for name in re.findall(r"[\w.-]+", row["status"])}
    blockers = [
        Blocker(
            row["id"], row["username"], row["address"], row["seconds"], row["query"]
        )
        for row in rows
        if row["id"] in ids
    ]
    return [row["id"] for row in waiting], blockers

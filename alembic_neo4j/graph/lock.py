"""The lock on a graph: a transaction held open, and a fence in what its holder writes.

The lock is the write lock on one node, held by a transaction on a connection of its
own, so that it ends with its holder's process. The node beside it says who that is;
every transaction of the holder that changes data begins by writing to that node, so
that a holder who was paused and lost its lock can write nothing more.
"""

from __future__ import annotations

import getpass
import logging
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

from alembic_neo4j.errors import LockError, Neo4jMigrationError
from alembic_neo4j.graph.connection import TOKEN, Graph, Run, ServerRefused
from alembic_neo4j.graph.limits import Interrupts
from alembic_neo4j.graph.watchdog import Watchdog
from alembic_neo4j.waiting import waiting_for

log = logging.getLogger(__name__)

LABEL = "__AlembicNeo4jLock"
CONSTRAINT = "__alembic_neo4j_lock"

_IS_CONSTRAINED = "SHOW CONSTRAINTS YIELD name WHERE name = $name RETURN name"
_IS_ORPHANED = (
    "SHOW INDEXES YIELD name, owningConstraint "
    "WHERE name = $name AND owningConstraint IS NULL RETURN name"
)
_CONSTRAIN = f"CREATE CONSTRAINT {CONSTRAINT} FOR (l:{LABEL}) REQUIRE l.id IS UNIQUE"
_TAKE = f"MERGE (l:{LABEL} {{id: 'lock'}}) SET l.token = $token"
_NOTE = f"MERGE (o:{LABEL} {{id: 'owner'}}) SET o += $owner, o.token = $token"
_FORGET = f"MATCH (o:{LABEL} {{id: 'owner'}}) WHERE o.token = $token REMOVE o.token"
# Written before it is read: the write lock keeps out a later owner's note.
_FENCE = (
    f"MATCH (o:{LABEL} {{id: 'owner'}}) SET o.fenced = timestamp() "
    "WITH o WHERE o.token = $token RETURN o.token AS token"
)
_NOTED = (
    f"MATCH (o:{LABEL} {{id: 'owner'}}) WHERE o.token IS NOT NULL RETURN o AS owner"
)
_HELD = (
    "SHOW TRANSACTIONS YIELD transactionId, metaData "
    f"WHERE metaData.{TOKEN} = $token RETURN transactionId AS id"
)
_TERMINATE = (
    "TERMINATE TRANSACTIONS $ids YIELD transactionId RETURN transactionId AS id"
)

_PING_SECONDS = 30.0
"""How often the idle transaction shows that it is there, to what is between."""

_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Between the attempts to create the constraint, in seconds."""

_BLOCKED_SECONDS = 0.2
"""How long the constraint's creation may wait for another transaction."""

_PROOF_SECONDS = 2.0
"""How old the proof that the lock is held may be when a schema command begins."""


@dataclass(frozen=True)
class Owner:
    """Who holds a lock; `token` is this holding's and no other's."""

    user: str
    host: str
    pid: int
    since: datetime
    token: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def of_this_process(cls) -> Owner:
        """Return this process as an owner, from now on."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            user = "unknown"
        now = datetime.now(timezone.utc).replace(microsecond=0)
        return cls(user, socket.gethostname(), os.getpid(), now)

    def __str__(self) -> str:
        """Return it as messages name it."""
        return (
            f"{self.user}@{self.host}, process {self.pid}, since "
            f"{self.since:%Y-%m-%d %H:%M:%S} UTC"
        )


class GraphLock:
    """The lock on one graph while it is held; made by `graph_lock`."""

    def __init__(self, owner: Owner, run: Run, graph: Graph) -> None:
        self.token = owner.token
        self._run = run
        self._graph = graph
        self._proved = time.monotonic()
        self._lost = False
        self._released = threading.Event()
        self._pings = threading.Thread(target=self._ping, daemon=True)
        self._pings.start()

    def fence(self, run: Run) -> None:
        """Begin a transaction that writes; raises LockError where the lock is lost."""
        if not run(_FENCE, {"token": self.token}):
            raise _lost()
        self._proved = time.monotonic()

    def prove(self) -> None:
        """Make sure that the lock was held a moment ago, by asking if need be.

        A schema command can't share its transaction with a fence, which writes.
        """
        if time.monotonic() - self._proved < _PROOF_SECONDS and not self._lost:
            return
        if not self._graph.read(_HELD, {"token": self.token}):
            raise _lost()
        with self._graph.begin(fenced=False) as run:
            self.fence(run)

    def check(self) -> None:
        """Raise LockError where somebody has taken the lock, and has told so."""
        # What holds it is listed by the server until its client has noticed its end.
        noted = self._graph.read(_NOTED)
        if not noted or noted[0]["owner"]["token"] != self.token:
            raise _lost()

    def stop_pinging(self) -> None:
        """Leave the lock's transaction to the caller."""
        self._released.set()
        self._pings.join()

    def _ping(self) -> None:
        while not self._released.wait(_PING_SECONDS):
            try:
                self._run("RETURN 1", {})
            except Exception as error:
                log.warning("The lock on the graph is lost: %s", error)
                self._lost = True
                return


@contextmanager
def graph_lock(
    graph: Graph,
    owner: Owner,
    *,
    timeout: float,
    interrupts: Interrupts | None = None,
) -> Iterator[None]:
    """Hold the lock on the graph; what the graph writes meanwhile is fenced.

    The log tells at once who else holds it. Raises LockError when it is not free within
    `timeout` seconds, and Interrupted when a signal comes while it waits; nothing has
    been written then but the lock's own constraint.
    """
    _constrain(graph)
    interrupts = interrupts or Interrupts()
    with interrupts.deferred():
        run, held = _taken(graph, owner, timeout, interrupts)
    try:
        _note(graph, owner)
        with _fenced(graph, GraphLock(owner, run, graph)):
            yield
        # Garbage where it stays: the lock is the transaction that ends now.
        with suppress(Neo4jMigrationError), graph.begin(fenced=False) as forget:
            forget(_FORGET, {"token": owner.token})
    finally:
        # What was done under the lock is done, however its transaction ends.
        with suppress(Neo4jMigrationError):
            held.close()


def read_owner(graph: Graph) -> Owner | None:
    """Return who holds the lock on the graph at this moment, None where nobody does."""
    noted = graph.read(_NOTED)
    if not noted:
        return None
    owner = _owner(noted[0]["owner"])
    # The note outlives a process that was killed; its transaction does not.
    return owner if graph.read(_HELD, {"token": owner.token}) else None


def break_lock(graph: Graph) -> Owner | None:
    """Take the lock from its holder, and return who that was; None where it was free.

    All of the holder's transactions end and leave nothing; it can begin no other one
    that changes data.
    """
    owner = read_owner(graph)
    if owner is None:
        return None
    held = [row["id"] for row in graph.read(_HELD, {"token": owner.token})]
    graph.autocommit(_TERMINATE, {"ids": held})
    with graph.begin(fenced=False) as run:
        run(_FORGET, {"token": owner.token})
    return owner


def _note(graph: Graph, owner: Owner) -> None:
    noted = {**asdict(owner), "since": owner.since.isoformat()}
    with graph.begin(fenced=False) as run:
        run(_NOTE, {"owner": noted, "token": owner.token})


@contextmanager
def _fenced(graph: Graph, lock: GraphLock) -> Iterator[None]:
    graph.lock = lock
    try:
        yield
    finally:
        graph.lock = None
        lock.stop_pinging()


def _owner(noted: Mapping[str, Any]) -> Owner:
    return Owner(
        noted["user"],
        noted["host"],
        noted["pid"],
        datetime.fromisoformat(noted["since"]),
        noted["token"],
    )


def _constrain(graph: Graph) -> None:
    # Without it two could each create the node that is to be locked.
    name = {"name": CONSTRAINT}
    for pause in _PAUSES:
        if graph.read(_IS_CONSTRAINED, name):
            return
        try:
            # Left behind by a server that was killed (neo4j/neo4j#13208).
            if graph.read(_IS_ORPHANED, name):
                _unless_blocked(graph, f"DROP INDEX {CONSTRAINT}")
            _unless_blocked(graph, _CONSTRAIN)
        except ServerRefused:
            # Several that create it at once deadlock, or one of them is quicker.
            if pause == _PAUSES[-1]:
                raise
            time.sleep(pause * random.random())


def _unless_blocked(graph: Graph, command: str) -> None:
    # Whoever is in the way has the lock already, and the constraint is there. Waiting
    # for them, the command would keep all that comes after it from the label, what the
    # holder writes too: neither would ever end, and the server does not notice.
    token = str(uuid.uuid4())
    with (
        Watchdog(graph, token, timeout=_BLOCKED_SECONDS, blocked=lambda _: None),
        graph.begin(fenced=False, token=token) as run,
    ):
        run(command, {})


def _taken(
    graph: Graph,
    owner: Owner,
    timeout: float,
    interrupts: Interrupts,
) -> tuple[Run, ExitStack]:
    """Return what runs in the lock's transaction, and what ends it."""

    holder = ""

    def blocked(_: object) -> None:
        nonlocal holder
        before, holder = holder, _holder(graph)
        if holder != before:
            log.info("Waiting for the lock on the graph, held by %s", holder)

    # A KeyboardInterrupt would wait for the server's answer all the same.
    watchdog = Watchdog(
        graph,
        owner.token,
        timeout=timeout,
        blocked=blocked,
        grace=0.2,
        stopped=interrupts.is_due,
    )
    try:
        with (
            watchdog,
            waiting_for(
                lambda: f"the lock on the graph, held by {holder or 'nobody known'}",
                limit=timeout,
            ),
            ExitStack() as stack,
        ):
            # Zero: db.transaction.timeout must not end it.
            begun = graph.begin(fenced=False, token=owner.token, timeout=0)
            run = stack.enter_context(begun)
            run(_TAKE, {"token": owner.token})
            held = stack.pop_all()
    except ServerRefused as error:
        if not watchdog.gave_up:
            raise
        interrupts.check()
        raise _not_free(graph, timeout) from error
    if watchdog.gave_up or interrupts.is_due():
        # Ended in the moment in which it had waited long enough.
        with suppress(Neo4jMigrationError):
            held.close()
        interrupts.check()
        raise _not_free(graph, timeout)
    return run, held


def _holder(graph: Graph) -> str:
    # The holder notes who it is a moment after it has the lock.
    for _attempt in range(10):
        if held := read_owner(graph):
            return str(held)
        time.sleep(0.1)
    return "another command"


def _not_free(graph: Graph, timeout: float) -> LockError:
    held = read_owner(graph)
    return LockError(
        f"the lock on the graph was not free within {timeout:g} seconds "
        f"(neo4j.lock_timeout); it is held by {held or 'another command'}. Nothing has "
        "run here. Run this again when that has ended; where it hangs, take the lock "
        "from it: `alembic-neo4j unlock`"
    )


def _lost() -> LockError:
    return LockError(
        "the lock on the graph is lost: it was taken by `alembic-neo4j unlock`, or the "
        "server ended its transaction. Nothing more has been written. See "
        "`alembic-neo4j status`, then run the same command again"
    )

"""A data change over many entities, in transactions that the server can hold.

One transaction that turns out too large for the server is tried again in parts.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from alembic_neo4j.cypher.steps import Batched
from alembic_neo4j.errors import StatementError
from alembic_neo4j.graph.connection import Graph, Row, ServerRefused
from alembic_neo4j.graph.stored_values import Sendable
from alembic_neo4j.sentences import ended

log = logging.getLogger(__name__)

# How much one transaction of a long change does, and when it is tried again -----------


Result = TypeVar("Result")

SMALLEST = 100
"""Out of memory with so few at once, a smaller batch is no help."""

PATIENCE = 25
"""How many batches are fine before a larger one is tried again; twice as many before
the next time."""

FIRST_ROWS = 100
"""How many rows are taken before it is known how large they are."""

PORTION_BYTES = 16 << 20
"""How many bytes of rows are in one portion; a row alone may have more."""

_TOO_MUCH = {
    "Neo.TransientError.General.MemoryPoolOutOfMemoryError",
    "Neo.TransientError.General.OutOfMemoryError",
    "Neo.TransientError.General.TransactionMemoryLimit",
    "Neo.TransientError.General.TransactionOutOfMemoryError",
}
_CROSSED = {
    "Neo.ClientError.Statement.EntityNotFound",
    "Neo.TransientError.Transaction.DeadlockDetected",
}
"""What another transaction does to a batch; the same batch run again is right."""

_PAUSES = (0.0, 0.1, 0.5, 1.0, 2.0)
"""Before the further attempts of a batch that another transaction crossed."""


def is_too_much(error: ServerRefused) -> bool:
    """Tell whether the server has run out of memory, and less at once may go well."""
    return error.code in _TOO_MUCH


class BatchSize:
    """How much a change does at once: `wanted`, and less where memory is short."""

    def __init__(self, title: str, wanted: int) -> None:
        self.now = self._wanted = wanted
        self._title = title
        self._patience, self._fine, self._refused = PATIENCE, 0, 0

    def shrink(self, error: ServerRefused) -> None:
        """Do less at once from now on; raise the error when it is not about memory."""
        self.now = self.fewer(self.now, error)

    def fewer(self, number: int, error: ServerRefused) -> int:
        """Return how many to try next; raise what is not about memory."""
        if not is_too_much(error):
            raise error
        fewer = max(number // 2, SMALLEST)
        if fewer >= number:
            raise StatementError(
                f"{self._title}: the server runs out of memory with {number} at "
                f"once: {ended(error.server_message)} Give it more "
                "(server.memory.heap.max_size, dbms.memory.transaction.total.max), or "
                "end what else uses it"
            ) from error
        log.warning(
            "%s: %s at once are too much for the server's memory, going on with %s",
            self._title,
            f"{number:,}",
            f"{fewer:,}",
        )
        # It may be others who use the memory, and only for a moment.
        time.sleep(0.05 * 2**self._refused)
        self._refused, self._fine = self._refused + 1, 0
        return fewer

    def grow(self) -> None:
        """Note that a batch was done; do more at once after many of them.

        Where the limit is one of the server, trying costs a batch, and therefore
        happens ever more seldom.
        """
        self._refused, self._fine = 0, self._fine + 1
        if self._fine >= self._patience and self.now < self._wanted:
            self.now, self._fine = min(self.now * 2, self._wanted), 0
            self._patience *= 2


class PortionSize(BatchSize):
    """How many rows a load has in hand at once: fewer, too, where they are large."""

    def __init__(self, title: str, wanted: int) -> None:
        super().__init__(title, wanted)
        self._fits = FIRST_ROWS

    @property
    def fitting(self) -> int:
        """How many rows to take next."""
        return min(self.now, self._fits)

    def measure(self, rows: int, size: int) -> None:
        """Note how many bytes these rows have."""
        self._fits = max(1, PORTION_BYTES * rows // max(size, 1))

    def shrink(self, error: ServerRefused) -> None:
        """Take fewer from now on; raise the error when it is not about memory."""
        self.now = self.fewer(self.fitting, error)


def uncrossed(attempt: Callable[[], Result]) -> Result:
    """Return what a transaction returns, tried again where another one crossed it."""
    for pause in _PAUSES:
        try:
            return attempt()
        except ServerRefused as error:
            if error.code not in _CROSSED:
                raise
            time.sleep(pause)
    return attempt()


# A data change over many entities, in transactions that the server can hold -----------
#
# Internal ids are what a batch is cut by: a server finds an entity by its id at once,
# and a scan of a label or a type gives them in ascending order. Where the entities
# lie close together a batch is a range of ids, and none of them is ever sent. Where
# they are few among many others, that would be a walk through the whole store: their
# ids are fetched by the page and sent back in batches. Nothing is remembered: what
# has been changed is not left to do any more, so that a change which was broken off
# goes on.


REPORT_SECONDS = 10.0
"""How often a long data change says how far it is."""

PAGE = 500_000
"""How many ids are fetched at once; about 20 MB of this process."""

SPARSE = 10
"""Ids are walked through where one in so many belongs to the change."""

WIDEST = 50
"""How many times the size of a batch its range of ids may be, where few are left."""


def run_batches(
    graph: Graph,
    step: Batched,
    size: int,
    *,
    between: Callable[[], None] = lambda: None,
) -> int:
    """Carry out a data change and return how many entities it has changed.

    A transaction changes `size` of them at most, and fewer once the server has run out
    of memory. `between` is called before each; what it raises ends the change there.
    Raises StatementError where the server refuses a batch. What was changed by then
    stays, and the next call goes on from it.
    """
    batches = _Batches(graph, step, size, between)
    batches.run()
    level = logging.INFO if batches.changed else logging.DEBUG
    log.log(level, "%s: %s %s", step.title, f"{batches.changed:,}", step.done)
    return batches.changed


class _Batches:
    """A data change under way: how far it is, and how much it does at once."""

    def __init__(
        self, graph: Graph, step: Batched, size: int, between: Callable[[], None]
    ) -> None:
        self.changed = 0
        self._graph = graph
        self._step = step
        self._between = between
        self._wanted = size
        self._size = BatchSize(step.title, size)
        self._reported = time.monotonic()

    def run(self) -> None:
        """Change what is left to do: first one batch, which may be all of it."""
        ids = self._walk_others() if self._step.walks_others else self._walk_on()
        while ids:
            ids = self._left(after=ids[-1], limit=PAGE)
            self._write(ids)

    def _walk_others(self) -> list[int]:
        """Change what is found by others, and return an id from which on there is more.

        One batch of it would be as dear to find as all.
        """
        if (extent := self._extent()) is not None:
            self._walk(*extent)
        return [-1]

    def _walk_on(self) -> list[int]:
        """Change one batch and, where there is more, what lies close together."""
        ids = self._left(after=-1, limit=self._wanted)
        self._write(ids)
        if len(ids) < self._wanted or (extent := self._extent()) is None:
            return ids
        _, last = extent
        self._walk(ids[-1] + 1, last)
        return [max(ids[-1], last)]

    def _left(self, *, after: int, limit: int) -> list[int]:
        """Return the next ids of what is left to do, in ascending order."""
        while True:
            wanted = {**self._step.parameters, "after": after, "limit": limit}
            try:
                # Not by Graph.read, which would try the same again for a long time.
                (row,) = self._graph.stream(self._step.select, wanted)
            except ServerRefused as error:
                limit = self._size.fewer(limit, error)
            else:
                ids: list[int] = row["ids"]
                return ids

    def _write(self, ids: list[int]) -> None:
        """Change the entities with these ids."""
        at = 0
        while at < len(ids):
            batch = Sendable(ids[at : at + self._size.now])
            if self._attempt(self._step.write, {"ids": batch}) is not None:
                at += len(batch)

    def _extent(self) -> tuple[int, int] | None:
        """Return the ends of a walk, None where it would pass too many others."""
        if not self._step.walk:
            return None
        extent = list(self._graph.stream(self._step.extent, self._step.parameters))
        if len(extent) != 3:
            return None
        count, first, last = (row["value"] for row in extent)
        return (first, last) if last - first < count * SPARSE else None

    def _walk(self, first: int, last: int) -> None:
        """Change the entities whose ids are in a range, one range after the other."""
        width = self._size.now
        while first <= last:
            least = 1 if self._step.walks_others else self._size.now
            until, size = min(first + width - 1, last), self._size.now
            row = self._attempt(
                self._step.walk, {"first": first, "last": until, "size": size}
            )
            if row is None:
                width = max(width // 2, least)
                continue
            if row["changed"] == size:
                until = row["last"]
            passed, first = until - first + 1, until + 1
            # As wide as it takes to find a whole batch at this density.
            width = passed * self._size.now // max(row["changed"], 1)
            width = max(least, min(width, self._size.now * WIDEST))

    def _attempt(self, text: str, parameters: Mapping[str, Any]) -> Row | None:
        """Change one batch; None where that is too much at once."""
        self._between()
        statement = (text, {**self._step.parameters, **parameters})
        try:
            ((row,),) = uncrossed(lambda: self._graph.transaction([statement]))
        except ServerRefused as error:
            self._size.shrink(error)
            return None
        self._size.grow()
        self.changed += row["changed"]
        if time.monotonic() - self._reported > REPORT_SECONDS:
            log.info("%s: %s so far", self._step.title, f"{self.changed:,}")
            self._reported = time.monotonic()
        return row

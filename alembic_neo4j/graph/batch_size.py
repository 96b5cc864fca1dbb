"""How much one transaction of a long change does, and when it is tried again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from alembic_neo4j.errors import StatementError
from alembic_neo4j.graph.connection import ServerRefused
from alembic_neo4j.sentences import ended

log = logging.getLogger(__name__)

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

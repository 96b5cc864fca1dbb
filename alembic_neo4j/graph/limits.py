"""How long a run waits, how much it writes at once, and when it is to stop."""

from __future__ import annotations

from dataclasses import dataclass, field

from alembic_neo4j.graph.interrupts import Interrupts


@dataclass(frozen=True)
class Limits:
    """How long to wait for an index, in seconds, and how much to write at once.

    `throttle` is a pause before each transaction of a data change, in seconds.
    `interrupts` tells when to stop between two transactions.
    """

    schema_timeout: float = 3600.0
    batch_size: int | None = None
    throttle: float = 0.0
    interrupts: Interrupts = field(default_factory=Interrupts)

    def between(self) -> None:
        """Leave the server to others between two transactions of a data change.

        Raises Interrupted when a signal has come.
        """
        self.interrupts.wait(self.throttle)

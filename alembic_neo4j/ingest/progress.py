"""How far the reading of rows has come, told now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from alembic_neo4j.schema.definitions import counted

REPORT_ROWS = 500
"""After how many rows each progress is told."""

LOG_SECONDS = 10.0
"""How long a log is quiet between two lines about the same work."""


@dataclass(frozen=True)
class Progress:
    """How many rows are done, and how many bytes of how many were read for them."""

    rows: int
    bytes: int
    total_bytes: int

    @property
    def fraction(self) -> float:
        """The part that is done, from 0 to 1."""
        return min(1.0, self.bytes / self.total_bytes) if self.total_bytes else 1.0


Report: TypeAlias = Callable[[Progress], None]
"""Told of progress each few hundred rows; it is quick."""


def quiet(_progress: Progress) -> None:
    """Take a progress and do nothing with it."""


def spaced(
    report: Report,
    *,
    seconds: float = LOG_SECONDS,
    first: float = LOG_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Return a report that passes on one progress each so many seconds.

    The first one is passed on after `first` seconds, where these are fewer: what is
    quicker says nothing.
    """
    next_at = clock() + min(seconds, first)

    def told(progress: Progress) -> None:
        nonlocal next_at
        if clock() >= next_at:
            next_at = clock() + seconds
            report(progress)

    return told


def described(what: str, progress: Progress) -> str:
    """Return a line that says how far a work has come."""
    rows = counted(progress.rows, "row")
    return f"{what}: {rows}, {progress.fraction:.0%} of the file read"

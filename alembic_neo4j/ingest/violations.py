"""What a check of rows is to do and what it found, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from alembic_neo4j.ingest.files import DataFile
from alembic_neo4j.ingest.rows import place


class OnError(str, Enum):
    """What is done about a row that breaks a rule."""

    FAIL = "fail"
    COLLECT = "collect"
    SKIP = "skip"


@dataclass(frozen=True)
class Policy:
    """What is done about rows that break rules, and how many are named.

    FAIL stops at the first. COLLECT goes on to the end, and the report tells. SKIP
    leaves them out, and stops when there are more than `max_rejects` of them (None:
    any number); rules about the file as a whole can't be skipped.
    """

    on_error: OnError = OnError.FAIL
    max_rejects: int | None = None
    named: int = 20


class Violation(NamedTuple):
    """A rule that a row, or with row 0 the file, breaks."""

    row: int
    line: int | None
    column: str | None
    rule: str
    value: str | None
    message: str

    def described(self, name: str) -> str:
        """Return it as a line of a report on a file."""
        if not self.row:
            return f"{name}: {self.message}"
        return f"{place(name, self.row, self.line, self.column)}: {self.message}"


@dataclass(frozen=True)
class ValidationReport:
    """What a check of a file found.

    `counts` has the violations by column (None: the row or the file) and rule;
    `violations` names the first of them.
    """

    file: DataFile
    rows: int
    rejected: int
    counts: dict[tuple[str | None, str], int]
    violations: tuple[Violation, ...]

    @property
    def accepted(self) -> int:
        """How many rows break no rule."""
        return self.rows - self.rejected

    @property
    def ok(self) -> bool:
        """Whether no rule is broken."""
        return not self.counts

"""What revisions have done to files: bytes and mode before, and what came of it.

A change of a path is recorded and committed before the path is touched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, inspect, select

from alembic_neo4j.errors import LedgerError
from alembic_neo4j.ledger.engine import mark_remains
from alembic_neo4j.ledger.tables import files, rows_of

NOTHING, FILE, DIRECTORY = "nothing", "file", "directory"
"""What there may be at a path."""

UPGRADE = "upgrade"


@dataclass(frozen=True)
class PathState:
    """What is at a path; `content` are the bytes of a file, None where nobody has them.

    A `mode` that is None is what the system gives a new file.
    """

    kind: str = NOTHING
    sha256: str = ""
    mode: int | None = None
    content: bytes | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of_file(cls, content: bytes, mode: int | None = None) -> PathState:
        """Return the state of a path that has a file with these bytes."""
        return cls(FILE, hashlib.sha256(content).hexdigest(), mode, content)

    @property
    def is_file(self) -> bool:
        """Whether there is a file."""
        return self.kind == FILE

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing."""
        return self.kind == NOTHING

    def is_like(self, other: PathState) -> bool:
        """Tell whether both are the same, their modes where both are known."""
        if (self.kind, self.sha256) != (other.kind, other.sha256):
            return False
        return None in (self.mode, other.mode) or self.mode == other.mode

    def __str__(self) -> str:
        """Return it as messages name it."""
        if not self.is_file:
            return self.kind if self.is_nothing else f"a {self.kind}"
        mode = "" if self.mode is None else f" and mode {self.mode:04o}"
        return f"a file with SHA-256 {self.sha256}{mode}"


@dataclass(frozen=True)
class PathChange:
    """What a path of the project had before, and what it has after."""

    path: str
    before: PathState
    after: PathState


@dataclass(frozen=True)
class RecordedChange:
    """A change as the ledger has it, with the unit that makes it."""

    position: int
    change: PathChange


class FileJournal:
    """The changes of files of one version table, on the caller's connection."""

    def __init__(self, connection: Connection, version_table: str) -> None:
        self._connection = connection
        self._version_table = version_table

    def begin(
        self,
        run: str,
        revision: str,
        position: int,
        changes: Sequence[PathChange],
        *,
        action: str = UPGRADE,
    ) -> None:
        """Record what a unit is going to change, in place of what was recorded of it.

        `action` is what the run does to the revision.
        """
        self.forget(run, revision, position)
        rows = [
            {
                "version_table": self._version_table,
                "run": run,
                "revision": revision,
                "position": position,
                "number": number,
                "action": action,
                "path": change.path,
                "before_kind": change.before.kind,
                "before_sha256": change.before.sha256,
                "before_mode": change.before.mode,
                "before_content": change.before.content,
                "after_kind": change.after.kind,
                "after_sha256": change.after.sha256,
                "after_mode": change.after.mode,
            }
            for number, change in enumerate(changes)
        ]
        if rows:
            self._connection.execute(insert(files), rows)

    def of_run(self, run: str, revision: str) -> tuple[RecordedChange, ...]:
        """Return what a run has changed for a revision, in the order of the changes."""
        return self._found(files.c.run == run, files.c.revision == revision)

    def of_upgrade(self, revision: str) -> tuple[PathChange, ...]:
        """Return what the upgrade of a revision has changed, in its order."""
        found = self._found(files.c.revision == revision, files.c.action == UPGRADE)
        return tuple(recorded.change for recorded in found)

    def paths(self) -> tuple[str, ...]:
        """Return which paths there is something of, without reading that."""
        if not inspect(self._connection).has_table(files.name):
            return ()
        ours = files.c.version_table == self._version_table
        query = select(files.c.path).where(ours).distinct().order_by(files.c.path)
        return tuple(self._connection.execute(query).scalars())

    def forget(self, run: str, revision: str, position: int) -> None:
        """Forget what a unit changes."""
        self._delete(
            files.c.run == run,
            files.c.revision == revision,
            files.c.position == position,
        )

    def end(self, revision: str, run: str = "") -> None:
        """Forget what was changed for a revision, but by a run that brought it here."""
        self._delete(files.c.revision == revision, files.c.run != run)

    def abandon(self, run: str, revisions: Sequence[str]) -> None:
        """Forget what a run has changed for revisions that it is not to end."""
        self._delete(files.c.run == run, files.c.revision.in_(revisions))

    def keep_only(self, revisions: Iterable[str]) -> None:
        """Forget what was changed for every revision but these."""
        self._delete(files.c.revision.not_in(list(revisions)))

    def _found(self, *where: ColumnElement[bool]) -> tuple[RecordedChange, ...]:
        rows = rows_of(
            self._connection,
            files,
            files.c.version_table == self._version_table,
            *where,
            order=(files.c.position, files.c.number),
        )
        return tuple(_recorded(row) for row in rows)

    def _delete(self, *where: ColumnElement[bool]) -> None:
        ours = files.c.version_table == self._version_table
        if self._connection.execute(delete(files).where(ours, *where)).rowcount:
            # Files may hold what nobody is to find in the ledger's log.
            mark_remains(self._connection)


def _recorded(row: Row[Any]) -> RecordedChange:
    before = PathState(
        row.before_kind, row.before_sha256, row.before_mode, row.before_content
    )
    content = row.before_content
    if before.is_file and hashlib.sha256(content or b"").hexdigest() != before.sha256:
        raise LedgerError(
            f"the ledger is damaged: what it has of {row.path} before revision "
            f"{row.revision} has not the SHA-256 that was recorded. Nothing of it is "
            "written to the file; restore the ledger from a backup"
        )
    after = PathState(row.after_kind, row.after_sha256, row.after_mode)
    return RecordedChange(row.position, PathChange(row.path, before, after))

"""The operations on batches as the steps of a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from alembic_neo4j.cypher.batch_rollback import Undo
from alembic_neo4j.cypher.load_defaults import defaults_of
from alembic_neo4j.cypher.load_targets import completed
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.cypher.steps import Step
from alembic_neo4j.cypher.stored_rows import stored_rows
from alembic_neo4j.errors import OfflineError
from alembic_neo4j.migration.batch_operations import (
    BatchOperation,
    BeginBatchOp,
    LoadFileOp,
    LoadOp,
    UndoBatchOp,
)
from alembic_neo4j.migration.batches import BatchNames
from alembic_neo4j.migration.unknown_names import refuse_unknown
from alembic_neo4j.schema.elements import Schema


class ScriptBatches:
    """Turns the operations on batches into the steps of a script."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._names = BatchNames()
        self._loaded: Sequence[str] = ()

    def start(self, revision: str, loaded: Sequence[str]) -> None:
        """Start a revision; `loaded` are the batches of it that there are to undo."""
        self._names = BatchNames(revision)
        self._loaded = loaded or (revision,)

    def invoke(
        self, operation: BatchOperation, steps: list[Step], schema: Schema
    ) -> Any:
        """Add the step of an operation, and return what it returns in a replay.

        Raises OfflineError for the rows of a file.
        """
        if isinstance(operation, BeginBatchOp):
            return self._names.begin(operation.name)
        if isinstance(operation, LoadFileOp):
            raise OfflineError(
                f"{operation.title}: the rows of a file can't be written to a script. "
                "Run it with `alembic -c neo4j.ini upgrade`, or guard it with "
                "`if not op.get_context().as_sql:`"
            )
        if isinstance(operation, LoadOp):
            refuse_unknown(operation, schema)
            batch = self._names.current
            target = completed(operation.target, schema)
            defaults = defaults_of(target, schema)
            rows = stored_rows(operation.rows, target, schema)
            load = Load(target, rows, batch, self._tag, defaults=defaults)
            steps.append(replace(load, allow_nan=operation.allow_nan))
        if isinstance(operation, UndoBatchOp):
            named = None if operation.batch is None else (operation.batch,)
            steps.append(
                Undo(
                    named or tuple(reversed(self._loaded)),
                    self._tag,
                    operation.labels,
                    operation.types,
                    operation.detach,
                )
            )
        return operation.replayed

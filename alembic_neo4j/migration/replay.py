"""The schema at any revision, by running the history's revisions in memory."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import alembic.op
from alembic.operations import Operations
from alembic.operations.ops import MigrateOperation
from alembic.script import Script, ScriptDirectory

from alembic_neo4j.errors import Neo4jMigrationError, ReplayError, SchemaError
from alembic_neo4j.migration.bind import RunnerBind
from alembic_neo4j.migration.operations import (
    ChangeOp,
    GraphOperation,
    IrreversibleOp,
)
from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.elements import Schema


@dataclass(frozen=True)
class Recording:
    """What a revision did to the schema: its changes, each with the schema before."""

    changes: tuple[tuple[Change, Schema], ...]
    after: Schema


class History:
    """The revisions of a script directory, replayed on demand.

    Nothing is remembered on disk: a fresh clone gives the same schemas.
    """

    def __init__(self, script: ScriptDirectory) -> None:
        self._script = script
        self._schemas: dict[frozenset[str], Schema] = {}

    def at(self, revisions: Iterable[str]) -> Schema:
        """Return the schema after these revisions and all that they build on.

        Raises ReplayError, which names the revision and the line.
        """
        heads = tuple(sorted(revisions))
        known = self._schemas.get(frozenset(heads))
        if known is None:
            known = Schema()
            for _, recording in self.walk(heads):
                known = recording.after
            self._schemas[frozenset(heads)] = known
        return known

    def walk(self, revisions: Iterable[str]) -> Iterator[tuple[Script, Recording]]:
        """Yield the revisions and all that they build on, from the base on."""
        schema = Schema()
        for script in self._ancestors(tuple(sorted(revisions))):
            recording = self.upgrade(script, schema)
            yield script, recording
            schema = recording.after

    def at_heads(self) -> Schema:
        """Return the schema after every revision of the script directory."""
        return self.at(self._script.get_heads())

    def upgrade(self, script: Script, before: Schema) -> Recording:
        """Replay a revision's upgrade upon a schema."""
        return record(script, script.module.upgrade, before)

    def downgrade(self, script: Script, before: Schema) -> Recording:
        """Replay a revision's downgrade upon a schema."""
        return record(script, script.module.downgrade, before)

    def _ancestors(self, heads: tuple[str, ...]) -> list[Script]:
        if not heads:
            return []
        return list(reversed(list(self._script.iterate_revisions(heads, "base"))))


def record(script: Script, function: Callable[[], Any], before: Schema) -> Recording:
    """Run a revision's function with nothing behind it and return what it did.

    Raises ReplayError when the function raises; NotImplementedError passes, since
    that is how a downgrade says that it can't be done.
    """
    recorder = _Recorder(before)
    try:
        with _proxied(_RecordingOperations(_RecordingContext(recorder))):
            function()
    except NotImplementedError:
        raise
    except Exception as error:
        raise ReplayError(_explained(script, error)) from error
    return Recording(tuple(recorder.changes), recorder.schema)


@dataclass
class _Recorder:
    schema: Schema
    changes: list[tuple[Change, Schema]] = field(default_factory=list)

    def invoke(self, operation: GraphOperation) -> list[dict[str, Any]]:
        if isinstance(operation, ChangeOp):
            self.changes.append((operation.change, self.schema))
            self.schema = operation.change.apply(self.schema)
        elif isinstance(operation, IrreversibleOp):
            raise NotImplementedError(operation.reason)
        return []

    def execute(self, cypher: str) -> None:
        """Do nothing: a raw statement is outside of the history."""

    def on_ledger(self, text: str, act: Callable[[], None]) -> None:
        """Do nothing: the ledger's database is outside of the history."""

    def autocommit_block(self) -> nullcontext[None]:
        return nullcontext()


class _RecordingImpl:
    __dialect__ = "neo4j"

    def __init__(self, recorder: _Recorder) -> None:
        self.run = recorder.invoke
        self.bind = RunnerBind(recorder)


class _RecordingContext:
    """Stands in for the migration context: it has no graph and no ledger."""

    replaying = True
    as_sql = False

    def __init__(self, recorder: _Recorder) -> None:
        self.impl = _RecordingImpl(recorder)
        self.bind = self.impl.bind
        self.autocommit_block = recorder.autocommit_block


class _RecordingOperations(Operations):
    """Records our operations; one for an SQL database does nothing."""

    def __init__(self, context: _RecordingContext) -> None:
        super().__init__(cast("Any", context))

    def invoke(self, operation: MigrateOperation) -> Any:
        if isinstance(operation, GraphOperation):
            return cast("Any", self.impl).run(operation)
        return None

    @contextmanager
    def batch_alter_table(self, *_: Any, **__: Any) -> Iterator[Any]:
        yield _Nothing()


class _Nothing:
    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


@contextmanager
def _proxied(operations: Operations) -> Iterator[None]:
    # Operations.context() would delete the proxies of a run that is under way when it
    # is left, so the module's proxy is exchanged and put back.
    namespace = vars(alembic.op)
    outer = namespace.get("_proxy")
    namespace["_proxy"] = operations
    try:
        yield
    finally:
        namespace["_proxy"] = outer


def _explained(script: Script, error: Exception) -> str:
    line = _line_in(script.path, error)
    where = f"revision {script.revision} ({script.path}{line})"
    if isinstance(error, SchemaError):
        return f"{where} does not fit the history before it: {error}"
    if isinstance(error, Neo4jMigrationError):
        return f"{where}: {error}"
    return (
        f"{where} can't be replayed in memory: {type(error).__name__}: {error}. In a "
        "replay nothing runs and reads return no rows: put what depends on them under "
        "`if not op.is_replaying():`"
    )


def _line_in(path: str, error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path]
    return f", line {lines[-1]}" if lines else ""

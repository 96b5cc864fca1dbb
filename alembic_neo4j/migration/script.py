"""Writing a run to a script that cypher-shell runs as it is (``--sql``)."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from alembic.config import Config

from alembic_neo4j.cypher.change_steps import steps
from alembic_neo4j.cypher.lexer import classify
from alembic_neo4j.cypher.load_targets import BATCH_PROPERTY
from alembic_neo4j.cypher.quoting import commented
from alembic_neo4j.cypher.stamp import stamp_text
from alembic_neo4j.cypher.steps import Check, Run, Step
from alembic_neo4j.cypher.units import ordered, script_of, units
from alembic_neo4j.errors import IrreversibleError, OfflineError
from alembic_neo4j.migration.batch_operations import BatchOperation
from alembic_neo4j.migration.cypher_files import statements_of
from alembic_neo4j.migration.operations import (
    ChangeOp,
    GraphOperation,
    IrreversibleOp,
    RunCypherFileOp,
    RunCypherOp,
)
from alembic_neo4j.migration.revision_code import OwnThread
from alembic_neo4j.migration.script_batches import ScriptBatches
from alembic_neo4j.migration.transfer_operation import TransferOp
from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.elements import Schema


class ScriptRunner:
    """Writes the operations of one revision after another as Cypher text."""

    def __init__(self, output: TextIO, *, batch_property: str = BATCH_PROPERTY) -> None:
        self._output = output
        self._buffer: list[Step] = []
        self._batches = ScriptBatches(batch_property)
        self.revision = self.file = ""
        self.schema = Schema()
        self._undone: tuple[Change, ...] = ()
        self.thread = OwnThread()

    def begin(
        self,
        revision: str,
        schema: Schema,
        file: str = "",
        batches: Sequence[str] = (),
        undone: Sequence[Change] = (),
    ) -> None:
        """Start a revision, in its file, upon the schema of the history before it.

        Where it is downgraded, `batches` are those that it has loaded, and `undone` the
        changes of its upgrade.
        """
        self.revision, self.schema, self.file = revision, schema, file
        self._undone = tuple(undone)
        self._batches.start(revision, batches)

    def invoke(self, operation: GraphOperation) -> Any:
        """Buffer what the operation would run; it has no rows."""
        self.thread.check()
        if isinstance(operation, ChangeOp):
            change = operation.change.undoing(self._undone)
            self._buffer += steps(change, self.schema, revision=self.revision)
            self.schema = change.apply(self.schema)
        elif isinstance(operation, RunCypherOp):
            text, parameters = operation.text, operation.parameters
            self._buffer.append(Run(text, classify(text), parameters))
            return UnknownRows()
        elif isinstance(operation, RunCypherFileOp):
            self._buffer += statements_of(operation, self.file)
        elif isinstance(operation, TransferOp):
            raise OfflineError(
                f"{operation.title}: what is in {operation.source} can't be written to "
                "a script. Run it with `alembic -c neo4j.ini upgrade`, or guard it "
                "with `if not op.get_context().as_sql:`"
            )
        elif isinstance(operation, BatchOperation):
            return self._batches.invoke(operation, self._buffer, self.schema)
        elif isinstance(operation, IrreversibleOp):
            raise IrreversibleError(operation.reason)
        return None

    def execute(self, cypher: str) -> None:
        """Buffer a raw statement."""
        self.thread.check()
        self._buffer.append(Run(cypher, classify(cypher)))

    def on_ledger(self, _text: str, act: Callable[[], None]) -> None:
        """Write what a revision asks of the ledger's database, as a remark."""
        self.thread.check()
        self.flush()
        act()

    def flush(self) -> None:
        """Write what is buffered, grouped by kind."""
        waiting, self._buffer = _without_repeats(ordered(self._buffer)), []
        for unit in units(waiting):
            self.write(script_of(unit))

    def stamp(self, heads: Sequence[str]) -> None:
        """Write the statement that stamps the graph."""
        self.write(f"{stamp_text(heads)};")

    def comment(self, text: str) -> None:
        """Write a remark."""
        self.write(commented(text))

    def write(self, text: str) -> None:
        """Write a block of text and an empty line after it."""
        self._output.write(f"{text}\n\n")
        self._output.flush()

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        """Do nothing special: cypher-shell runs each statement by itself."""
        yield


def _without_repeats(steps: Sequence[Step]) -> list[Step]:
    # A run checks some things again after a change; in a script they are remarks.
    kept: list[Step] = []
    for step in steps:
        if not isinstance(step, Check) or step not in kept:
            kept.append(step)
    return kept


class UnknownRows(list[dict[str, Any]]):
    """The rows of a statement that is only written down: nobody may look at them."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise OfflineError(
            "this revision reads rows from the graph, so it can't be written to a "
            "script with --sql. Run it with `alembic -c neo4j.ini upgrade`, or guard "
            "the reading with `if not op.get_context().as_sql:`"
        )

    __iter__ = __len__ = __getitem__ = __bool__ = __contains__ = _refuse


def program_call(config: Config | None) -> str:
    """Return how the program was called, up to its verb."""
    options = getattr(config, "cmd_opts", None)
    words = ["alembic"]
    for name in getattr(options, "config", None) or ():
        words += ["-c", name]
    if (section := getattr(options, "name", "alembic")) != "alembic":
        words += ["-n", section]
    return shlex.join(words)

"""Writing a run to a script that cypher-shell runs as it is (``--sql``)."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TextIO

from alembic.config import Config
from alembic.script import Script

from alembic_neo4j.cypher.batch_rollback import RollbackCounts, Undo
from alembic_neo4j.cypher.events import Recording
from alembic_neo4j.cypher.load_targets import BATCH_PROPERTY
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.cypher.quoting import commented
from alembic_neo4j.cypher.stamp import stamp_text
from alembic_neo4j.cypher.steps import Check, Step, ordered, script_of, units
from alembic_neo4j.errors import FileError, OfflineError
from alembic_neo4j.files.operations import FileOperation, diff_after
from alembic_neo4j.files.project_files import Overlay, View
from alembic_neo4j.graph.loading import LoadCounts
from alembic_neo4j.ledger.batches import Loader, Source
from alembic_neo4j.ledger.files import PathState
from alembic_neo4j.migration.batches import BatchNames
from alembic_neo4j.migration.declarations import (
    CHECK,
    named,
    question_of,
    version_range,
)
from alembic_neo4j.migration.operations import BatchOperation
from alembic_neo4j.migration.run import StepRunner
from alembic_neo4j.schema.definitions import Schema


def refuse_asking(script: Script) -> None:
    """Raise OfflineError for a revision that asks whether it is applicable."""
    if question_of(script) is not None:
        raise OfflineError(
            f"{named(script)} has {CHECK}(), which only a "
            "run can ask: it can't be written to a script. Upgrade past it without "
            "--sql, or write the others: `--sql FROM:TO`"
        )


def refuse_ranged(script: Script) -> None:
    """Raise OfflineError for the downgrade of a revision that may have been skipped."""
    if version_range(script):
        raise OfflineError(
            f"{named(script)} has a range of versions, so that its upgrade may have "
            "been passed over, which only the ledger knows: its downgrade can't be "
            "written to a script. Downgrade past it without --sql"
        )


class ScriptRunner(StepRunner):
    """Writes the operations of one revision after another as Cypher text."""

    def __init__(
        self, output: TextIO, files: View, *, batch_property: str = BATCH_PROPERTY
    ) -> None:
        super().__init__(batch_property)
        self._files = Overlay(files, {})
        self._output = output
        self._names = BatchNames()
        self._loaded: Sequence[str] = ()
        self._has_changed_files = False

    def begin(
        self,
        revision: str,
        schema: Schema,
        file: str = "",
        recording: Recording | None = None,
    ) -> None:
        """Start a revision; where it is downgraded, the replay has what it loaded."""
        super().begin(revision, schema, file, recording)
        self._names = BatchNames(revision)
        self._has_changed_files = False
        self._loaded = (recording and recording.loaded) or (revision,)

    def end(self, recording: Recording) -> None:
        """End a revision; what its upgrade did to files is told where it goes back."""
        self.flush()
        if recording.changed_files and not self._has_changed_files:
            done = "\n".join(recording.changed_files)
            self.comment(f"{_NOT_DONE}: taking back\n{done}")

    def answer(self) -> UnknownRows:
        """Return rows that nobody may look at."""
        return UnknownRows()

    def batch(self, operation: BatchOperation) -> Any:
        """Buffer the step of an operation; raises OfflineError for rows of a file."""
        if operation.unwritten:
            raise OfflineError(
                f"{operation.title}: {operation.unwritten} can't be written to a "
                "script. Run it with `alembic -c neo4j.ini upgrade`, or guard it with "
                "`if not op.get_context().as_sql:`"
            )
        return super().batch(operation)

    def begin_batch(self, name: str | None, _loader: Loader | None = None) -> str:
        """Begin the batch that rows are loaded into from here on; return its name."""
        return self._names.begin(name)

    def load(self, load: Load, _origin: Source | None = None) -> LoadCounts:
        """Buffer a load into the batch that was begun."""
        self.add([replace(load, batch=self._names.current)])
        return LoadCounts()

    def undo(self, undo: Undo) -> RollbackCounts:
        """Buffer the rollback of batches."""
        batches = undo.batches or tuple(reversed(self._loaded))
        self.add([replace(undo, batches=batches)])
        return RollbackCounts()

    def check_interrupts(self) -> None:
        """Do nothing: a signal ends the writing of a script at once."""

    def on_ledger(self, _text: str, act: Callable[[], None]) -> None:
        """Write what a revision asks of the ledger's database, as a remark."""
        self.thread.check()
        self.flush()
        act()

    def read_file(self, path: str) -> PathState:
        """Return what is at a path now, or would be after what the script tells of."""
        self.thread.check()
        return self._files.state(self._files.locate(path))

    def change_files(self, operation: FileOperation) -> None:
        """Write what is to be done to files, as a remark with the lines that change."""
        self.flush()
        self._has_changed_files = True
        try:
            diff = diff_after(operation, self._files)
        except FileError as error:
            diff = f"as the files are now it can't be done: {error}"
        self.comment(f"{_NOT_DONE}: {operation.title}\n{diff}".rstrip())

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


_NOT_DONE = "This script does nothing to files. To be done besides"


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

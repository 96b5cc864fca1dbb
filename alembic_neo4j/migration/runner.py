"""Turning the operations of a revision into steps, whatever becomes of these."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alembic_neo4j.cypher.events import ChangeEvent, Recording
from alembic_neo4j.cypher.lexer import classify
from alembic_neo4j.cypher.steps import Run, Step
from alembic_neo4j.migration.operations import BatchRunner
from alembic_neo4j.migration.revision_code import OwnThread
from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.definitions import Schema


class StepRunner(BatchRunner):
    """Turns the operations of one revision after another into steps.

    Those of operations that return nothing are buffered; what is in the buffer comes
    before what one that returns rows does. Where it `reports_rules` those that only the
    models have do not stop it.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.revision = self.file = ""
        self.schema = Schema()
        self.thread = OwnThread()
        self.reports_rules = False
        self._buffer: list[Step] = []
        self._undone: tuple[Change, ...] = ()
        self._replayed: Iterator[ChangeEvent] = iter(())

    def begin(
        self,
        revision: str,
        schema: Schema,
        file: str = "",
        recording: Recording | None = None,
    ) -> None:
        """Start a revision, in its file, upon the schema of the history before it.

        The `recording` of its replay tells what it undoes where it is downgraded.
        """
        self.revision, self.schema, self.file = revision, schema, file
        self._undone = recording.undone if recording else ()
        self._replayed = iter(recording.changes if recording else ())
        self._buffer.clear()

    def change(self, change: Change) -> None:
        """Buffer the steps of a change: those of its replay, where it is the same."""
        change = change.undoing(self._undone)
        event = ChangeEvent(change, self.schema, self.revision)
        replayed = next(self._replayed, event)
        steps = replayed.steps if replayed == event else event.steps
        self._buffer += [s.lenient for s in steps] if self.reports_rules else steps
        self.schema = change.apply(self.schema)

    def add(self, steps: Sequence[Step]) -> None:
        """Buffer steps, of statements those whose kind is known."""
        self._buffer += steps

    def execute(self, cypher: str) -> None:
        """Buffer a raw statement."""
        self.thread.check()
        self.add([Run(cypher, classify(cypher))])

    def ask(self, text: str, parameters: Mapping[str, Any], *, repeatable: bool) -> Any:
        """Run a raw statement after what is buffered, and return its rows."""
        self.add([Run(text, classify(text), parameters, repeatable)])
        return self.answer()

    @abstractmethod
    def answer(self) -> Any:
        """Return the rows of what was buffered last."""

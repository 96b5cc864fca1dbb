"""The operations on files of the project: a revision reads them, or changes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alembic_neo4j.files.formats import FileFormat, decode, empty
from alembic_neo4j.files.operations import FileOperation
from alembic_neo4j.migration.operations import GraphOperation, IrreversibleOp, Runner


@dataclass
class ReadFileOp(GraphOperation):
    """`op.read_json` and its like: the data of a file."""

    path: str
    format: FileFormat

    def carry_out(self, runner: Runner) -> Any:
        """Return the data; nothing is in them where the file is not there."""
        found = runner.read_file(self.path)
        if found is None:
            return {}
        if not found.is_file:
            return empty(self.format)
        return decode(self.format, found.content or b"", self.path)

    def reverse(self) -> GraphOperation:
        """Return an operation that says so."""
        return IrreversibleOp(f"op.read_{self.format.value} has no reverse")

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and the path."""
        return (f"read_{self.format.value}", self.path)


@dataclass
class FileOp(GraphOperation):
    """`op.write_json` and its like: what an operation on files changes."""

    operation: FileOperation

    def carry_out(self, runner: Runner) -> None:
        """Change the files."""
        runner.change_files(self.operation)

    def reverse(self) -> GraphOperation:
        """Return an operation that says so."""
        return IrreversibleOp(
            f"op.{self.operation.name} is taken back by the ledger, which has what was "
            "there before"
        )

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and the paths."""
        return (self.operation.name, *self.operation.paths)

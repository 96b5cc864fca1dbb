"""Our operations: reversible MigrateOperations, most of them around one change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from alembic.operations.base import Operations
from alembic.operations.ops import MigrateOperation

from alembic_neo4j.migration.argument_values import check_parameters
from alembic_neo4j.schema import changes
from alembic_neo4j.schema.changes import Call, Change, Irreversible


class GraphOperation(MigrateOperation):
    """An operation that our impl runs, whatever its kind."""


class ChangeOp(GraphOperation):
    """An operation that makes one change of the schema, and of the graph with it.

    `change` is the value; each class of changes has its class of operations, so that
    an Alembic ``Rewriter`` can name it: `AddIndexOp` makes an `AddIndex`. `comment`
    stands above it in a revision file.
    """

    def __init__(self, change: Change, comment: str = "") -> None:
        self.change = change
        self.comment = comment

    @staticmethod
    def of(change: Change) -> ChangeOp:
        """Return the operation that makes the change."""
        return class_of(type(change))(change)

    @property
    def call(self) -> Call:
        """The call that a revision file writes for this operation."""
        return self.change.call

    def reverse(self) -> GraphOperation:
        """Return the operation that undoes this one, or one that refuses to."""
        try:
            return ChangeOp.of(self.change.reverse())
        except Irreversible as reason:
            return IrreversibleOp(str(reason))

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and its arguments, as `alembic check` prints."""
        written = self.call
        keywords = sorted(f"{k}={v!r}" for k, v in written.keywords.items())
        arguments = (_short(argument) for argument in written.arguments)
        return (written.name, *arguments, *keywords)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChangeOp) and other.change == self.change

    def __hash__(self) -> int:
        return hash(type(self.change))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.change!r})"


@cache
def class_of(kind: type[Change]) -> type[ChangeOp]:
    """Return the class of the operations that make a class of changes."""
    if kind is Change:
        return ChangeOp
    bases = tuple(class_of(base) for base in kind.__bases__ if issubclass(base, Change))
    return type(f"{kind.__name__}Op", bases, {"__module__": __name__})


def __getattr__(name: str) -> type[ChangeOp]:
    kind = getattr(changes, name.removesuffix("Op"), None)
    if not (
        name.endswith("Op") and isinstance(kind, type) and issubclass(kind, Change)
    ):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return class_of(kind)


@dataclass
class RunCypherOp(GraphOperation):
    """`op.run_cypher`: a statement that a person wrote; it has no reverse."""

    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    repeatable: bool = False

    def __post_init__(self) -> None:
        check_parameters(self.parameters)

    def reverse(self) -> GraphOperation:
        """Return an operation that says so."""
        return IrreversibleOp("op.run_cypher has no reverse of itself")

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and text."""
        return ("run_cypher", self.text)


@dataclass
class RunCypherFileOp(GraphOperation):
    """`op.run_cypher_file`: the statements of a file; it has no reverse."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    repeatable: bool = False

    def __post_init__(self) -> None:
        check_parameters(self.parameters)

    def reverse(self) -> GraphOperation:
        """Return an operation that says so."""
        return IrreversibleOp("op.run_cypher_file has no reverse of itself")

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and the file's."""
        return ("run_cypher_file", self.name)


@dataclass
class IrreversibleOp(GraphOperation):
    """Stands in a downgrade where the upgrade can't be undone, and says why."""

    reason: str

    def reverse(self) -> GraphOperation:
        """Return itself."""
        return self

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the reason."""
        return ("irreversible", self.reason)


@Operations.implementation_for(GraphOperation)
def _run(operations: Operations, operation: GraphOperation) -> Any:
    # Alembic's own dispatch walks the class hierarchy; ours is the impl's.
    return operations.impl.run(operation)  # type: ignore[union-attr]


def _short(argument: Any) -> Any:
    return getattr(argument, "name", getattr(argument, "type", argument))

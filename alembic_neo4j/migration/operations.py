"""Our operations: reversible MigrateOperations, most of them around one change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from alembic.operations.base import Operations
from alembic.operations.ops import MigrateOperation

from alembic_neo4j.migration.argument_values import allowing, check_parameters
from alembic_neo4j.migration.calls import Call, call
from alembic_neo4j.schema import changes as c
from alembic_neo4j.schema.changes import Change, Irreversible


class GraphOperation(MigrateOperation):
    """An operation that our impl runs, whatever its kind."""


class ChangeOp(GraphOperation):
    """An operation that makes one change of the schema, and of the graph with it.

    `change` is the value; each kind of change has its subclass, so that an Alembic
    ``Rewriter`` can name it. `comment` stands above it in a revision file.
    """

    kinds: ClassVar[dict[type[Change], type[ChangeOp]]] = {}

    def __init_subclass__(cls, *, change: type[Change] | None = None) -> None:
        if change is not None:
            ChangeOp.kinds[change] = cls

    def __init__(self, change: Change, comment: str = "") -> None:
        self.change = change
        self.comment = comment

    @staticmethod
    def of(change: Change) -> ChangeOp:
        """Return the operation that makes the change."""
        return ChangeOp.kinds[type(change)](change)

    @property
    def call(self) -> Call:
        """The call that a revision file writes for this operation."""
        return allowing(call(self.change))

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


class AddNodeOp(ChangeOp, change=c.AddNode):
    """`op.add_node`."""


class RemoveNodeOp(ChangeOp, change=c.RemoveNode):
    """`op.remove_node`."""


class AlterNodeOp(ChangeOp, change=c.AlterNode):
    """`op.alter_node`."""


class AddLabelOp(ChangeOp, change=c.AddLabel):
    """`op.add_label`."""


class RemoveLabelOp(ChangeOp, change=c.RemoveLabel):
    """`op.remove_label`."""


class RenameLabelOp(ChangeOp, change=c.RenameLabel):
    """`op.rename_label`."""


class AddPropertyOp(ChangeOp, change=c.AddProperty):
    """`op.add_node_property`, `op.restore_node_property` and their twins."""


class RemovePropertyOp(ChangeOp, change=c.RemoveProperty):
    """`op.remove_node_property`, `op.remove_relationship_property`."""


class AlterPropertyOp(ChangeOp, change=c.AlterProperty):
    """`op.alter_node_property`, `op.alter_relationship_property`."""


class RenamePropertyOp(ChangeOp, change=c.RenameProperty):
    """`op.rename_node_property`, `op.rename_relationship_property`."""


class AddRelationshipOp(ChangeOp, change=c.AddRelationship):
    """`op.add_relationship`."""


class RemoveRelationshipOp(ChangeOp, change=c.RemoveRelationship):
    """`op.remove_relationship`."""


class AlterRelationshipOp(ChangeOp, change=c.AlterRelationship):
    """`op.alter_relationship`."""


class ReverseRelationshipsOp(ChangeOp, change=c.ReverseRelationships):
    """`op.reverse_relationships`."""


class AddRelationshipTypeOp(ChangeOp, change=c.AddRelationshipType):
    """`op.add_relationship_type`."""


class RemoveRelationshipTypeOp(ChangeOp, change=c.RemoveRelationshipType):
    """`op.remove_relationship_type`."""


class AlterRelationshipTypeOp(ChangeOp, change=c.AlterRelationshipType):
    """`op.alter_relationship_type`."""


class RenameRelationshipTypeOp(ChangeOp, change=c.RenameRelationshipType):
    """`op.rename_relationship_type`."""


class AddIndexOp(ChangeOp, change=c.AddIndex):
    """`op.add_index`, and those of the other kinds of index."""


class DropIndexOp(ChangeOp, change=c.DropIndex):
    """`op.drop_index`, and those of the other kinds of index."""


class AddConstraintOp(ChangeOp, change=c.AddConstraint):
    """`op.add_unique_constraint`, and those of the other kinds of constraint."""


class DropConstraintOp(ChangeOp, change=c.DropConstraint):
    """`op.drop_unique_constraint`, and those of the other kinds of constraint."""


class RefactoringOp(ChangeOp):
    """`op.merge_nodes`, `op.copy_node_property` and all that change data alone."""


ChangeOp.kinds.update(dict.fromkeys(c.REFACTORINGS, RefactoringOp))


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

"""Changes of indexes and constraints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.changes.change import (
    Change,
)
from alembic_neo4j.schema.changes.effects import (
    without,
)
from alembic_neo4j.schema.elements import (
    Constraint,
    Index,
    Schema,
)
from alembic_neo4j.schema.words import described


@dataclass(frozen=True)
class AddIndex(Change):
    """An index is created."""

    index: Index
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    def apply(self, schema: Schema) -> Schema:
        """Add the index; its schema and its name must be free."""
        if self.index.key in schema.indexes:
            raise SchemaError(f"{described(self.index)} exists already")
        _refuse_taken_name(schema, self.index)
        return schema.with_element(self.index)

    def reverse(self) -> DropIndex:
        """Drop it."""
        return DropIndex(self.index)


@dataclass(frozen=True)
class DropIndex(Change):
    """An index is dropped; it is found by its schema, not by its name."""

    index: Index

    def apply(self, schema: Schema) -> Schema:
        """Remove the index; it must be there."""
        if self.index.key not in schema.indexes:
            raise SchemaError(f"the history has no {described(self.index)}")
        return replace(schema, indexes=without(schema.indexes, self.index.key))

    def reverse(self) -> AddIndex:
        """Create it again."""
        return AddIndex(self.index)


@dataclass(frozen=True)
class AddConstraint(Change):
    """A constraint is created."""

    constraint: Constraint
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    def apply(self, schema: Schema) -> Schema:
        """Add the constraint; its schema and its name must be free."""
        if self.constraint.key in schema.constraints:
            raise SchemaError(f"{described(self.constraint)} exists already")
        _refuse_taken_name(schema, self.constraint)
        return schema.with_element(self.constraint)

    def reverse(self) -> DropConstraint:
        """Drop it."""
        return DropConstraint(self.constraint)


@dataclass(frozen=True)
class DropConstraint(Change):
    """A constraint is dropped; it is found by its schema, not by its name."""

    constraint: Constraint

    def apply(self, schema: Schema) -> Schema:
        """Remove the constraint; it must be there."""
        if self.constraint.key not in schema.constraints:
            raise SchemaError(f"the history has no {described(self.constraint)}")
        constraints = without(schema.constraints, self.constraint.key)
        return replace(schema, constraints=constraints)

    def reverse(self) -> AddConstraint:
        """Create it again."""
        return AddConstraint(self.constraint)


def _refuse_taken_name(schema: Schema, element: Index | Constraint) -> None:
    other = schema.by_name.get(element.name)
    if other is not None:
        raise SchemaError(
            f"the name {element.name!r} of {described(element)} is taken by "
            f"{described(other)}; give one of them another name"
        )

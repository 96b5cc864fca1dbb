"""Changes of indexes and constraints."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.changes.change import (
    Declaration,
    OfProperties,
    TouchedNames,
    carriers,
    properties,
)
from alembic_neo4j.schema.definitions import (
    Constraint,
    Element,
    Index,
    Schema,
    described,
)
from alembic_neo4j.schema.known_names import Name


class _OfElement(Declaration):
    @property
    @abstractmethod
    def element(self) -> Element:
        """What is created or dropped."""

    @property
    def operation(self) -> str:
        """The function of `op` that makes it."""
        return f"{self.words}_{self.element.noun}"

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The label or type, or a list of them, and the properties."""
        first, *more = self.element.labels
        return ([first, *more] if more else first, *self.element.properties)


class _Addition(_OfElement):
    words = "add"

    def apply(self, schema: Schema) -> Schema:
        """Add it; its schema and its name must be free."""
        if schema.same(self.element) is not None:
            raise SchemaError(f"{described(self.element)} exists already")
        other = schema.by_name.get(self.element.name)
        if other is not None:
            raise SchemaError(
                f"the name {self.element.name!r} of {described(self.element)} is taken "
                f"by {described(other)}; give one of them another name"
            )
        return schema.with_element(self.element)

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what is going to be in it, or what it is going to hold for."""
        element = self.element
        found = carriers(element.entity, *element.labels)
        return found | properties(element.entity, *element.properties)

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels or types that it is on."""
        return tuple((self.element.entity, owner) for owner in self.element.labels)

    @property
    def sought_properties(self) -> tuple[OfProperties, ...]:
        """The properties that it is on."""
        element = self.element
        return (OfProperties(element.entity, element.labels, element.properties),)

    @property
    def _name(self) -> dict[str, Any]:
        element = self.element
        return {} if element.name == element.default_name else {"name": element.name}


class _Removal(_OfElement):
    words = "drop"

    def apply(self, schema: Schema) -> Schema:
        """Remove it; it must be there."""
        if schema.same(self.element) is None:
            raise SchemaError(f"the history has no {described(self.element)}")
        return schema.without_element(self.element)


@dataclass(frozen=True)
class AddIndex(_Addition):
    """An index is created."""

    index: Index
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    @property
    def element(self) -> Index:
        """The index."""
        return self.index

    @property
    def keywords(self) -> dict[str, Any]:
        """Its options, those without a name of their own in `config`, and its name."""
        config = dict(self.index.options)
        given = {
            option.name: config.pop(option.key)
            for option in self.index.kind.traits.options
            if option.key in config
        }
        if config:
            given["config"] = config
        return {**given, **self._name, **self.meant}

    def reverse(self) -> DropIndex:
        """Drop it."""
        return DropIndex(self.index)


@dataclass(frozen=True)
class DropIndex(_Removal):
    """An index is dropped; it is found by its schema, not by its name."""

    index: Index

    @property
    def element(self) -> Index:
        """The index."""
        return self.index

    def reverse(self) -> AddIndex:
        """Create it again."""
        return AddIndex(self.index)


@dataclass(frozen=True)
class AddConstraint(_Addition):
    """A constraint is created."""

    constraint: Constraint
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    @property
    def element(self) -> Constraint:
        """The constraint."""
        return self.constraint

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The label or type, the properties, and their type if that is demanded."""
        type_ = self.constraint.property_type
        return (*super().arguments, *(() if type_ is None else (type_,)))

    @property
    def keywords(self) -> dict[str, Any]:
        """Its name."""
        return {**self.meant, **self._name}

    def reverse(self) -> DropConstraint:
        """Drop it."""
        return DropConstraint(self.constraint)


@dataclass(frozen=True)
class DropConstraint(_Removal):
    """A constraint is dropped; it is found by its schema, not by its name."""

    constraint: Constraint

    @property
    def element(self) -> Constraint:
        """The constraint."""
        return self.constraint

    def reverse(self) -> AddConstraint:
        """Create it again."""
        return AddConstraint(self.constraint)

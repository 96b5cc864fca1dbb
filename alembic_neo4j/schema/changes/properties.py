"""Changes of the properties of nodes and relationships."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from alembic_neo4j.schema.changes.change import (
    NOTHING,
    UNWRITTEN,
    Alteration,
    Change,
    Element,
    Irreversible,
    OfProperties,
    Owner,
    Placeholder,
    TouchedNames,
    Values,
    carriers,
    each_owner,
    given,
    known,
    move_elements,
    properties,
    properties_of,
    property_keywords,
    renamed,
    renewed,
)
from alembic_neo4j.schema.definitions import EntityType, Property, Schema
from alembic_neo4j.schema.known_names import Name

Removal: TypeAlias = Literal["archive", "delete", "keep", "undo"]
"""What becomes of the values of a removed property.

"undo" removes those that the same revision filled in, and keeps the others.
"""


class _OfProperty(Change):
    entity: EntityType
    owner: str
    """No fields here: the subclasses have them."""

    @property
    def sought(self) -> tuple[Name, ...]:
        """The label or type."""
        return ((self.entity, self.owner),)


@dataclass(frozen=True)
class AddProperty(_OfProperty):
    """A property is declared on a label or a relationship type.

    `backfill` says what those that lack it get: None nothing, True the property's
    default, a text that Cypher expression over ``n`` (``r``), FILL_IN stops the
    upgrade until a person has written it. With `restore` the values that the same
    revision archived come back.
    """

    entity: EntityType
    owner: str
    declared: Property
    backfill: bool | str | Placeholder | None = None
    restore: bool = False
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    @property
    def operation(self) -> str:
        """The function of `op` that makes it."""
        verb = "restore" if self.restore else "add"
        return f"{verb}_{self.entity.value.lower()}_property"

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The label or type, the property and its type."""
        return (self.owner, self.declared.name, self.declared.type)

    @property
    def keywords(self) -> dict[str, Any]:
        """What else it declares; a default is backfilled unless it says otherwise."""
        keywords = property_keywords(self.declared)
        implied = self.declared.default is not None and not self.restore
        if self.backfill != (implied or None):
            keywords["backfill"] = False if self.backfill is None else self.backfill
        return {**keywords, **self.meant}

    @property
    def made_properties(self) -> tuple[str, ...]:
        """The property."""
        return (self.declared.name,)

    def apply(self, schema: Schema) -> Schema:
        """Add the property to the owner and to its subclasses that lack it."""
        return each_owner(
            schema,
            self.entity,
            self.owner,
            lambda owner: (
                owner
                if owner.property(self.declared.name)
                else owner.with_property(self.declared)
            ),
        )

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        name = self.declared.name
        return carriers(self.entity, self.owner) | properties(self.entity, name)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        if not self.restore and self.backfill in (None, False):
            return NOTHING
        return properties(self.entity, self.declared.name)

    def expressions(self) -> tuple[str, ...]:
        """Return what a person wrote in Cypher."""
        return given(self.backfill)

    def reverse(self) -> RemoveProperty:
        """Remove what this change wrote; values that it did not write are kept."""
        values: Removal = "keep"
        if self.restore:
            values = "archive"
        elif self.backfill is not None:
            values = "undo"
        return RemoveProperty(
            self.entity, self.owner, self.declared.name, values, self.declared
        )


@dataclass(frozen=True)
class RemoveProperty(_OfProperty):
    """A property is no longer declared; its values are archived unless told."""

    words = "remove_{}_property"

    entity: EntityType
    owner: str
    name: str
    values: Removal = "archive"
    declared: Property | None = field(default=None, metadata=UNWRITTEN)
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    @property
    def keywords(self) -> dict[str, Any]:
        """What becomes of its values."""
        given: Mapping[Removal, dict[str, Any]] = {
            "archive": {},
            "delete": {"archive": False},
            "keep": {"keep": True},
            "undo": {"undo": True},
        }
        return {**given[self.values], **self.meant}

    @property
    def sought_properties(self) -> tuple[OfProperties, ...]:
        """The property."""
        return properties_of(self.entity, self.owner, self.name)

    def apply(self, schema: Schema) -> Schema:
        """Remove the property from the owner and its subclasses."""
        return each_owner(
            schema,
            self.entity,
            self.owner,
            lambda owner: owner.without_property(self.name),
        )

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        return carriers(self.entity, self.owner) | properties(self.entity, self.name)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return NOTHING if self.values == "keep" else properties(self.entity, self.name)

    def reverse(self) -> AddProperty:
        """Declare it again and bring archived values back."""
        if self.declared is None:
            raise Irreversible("the removed property's declaration is not known")
        if self.values == "delete":
            raise Irreversible(f"the values of {self.owner}.{self.name} are deleted")
        if self.values == "undo":
            raise Irreversible(f"what filled in {self.owner}.{self.name} is not known")
        return AddProperty(
            self.entity, self.owner, self.declared, restore=self.values == "archive"
        )

    def reverses(self, done: Change) -> bool:
        """Tell whether that filled in the property."""
        return (
            isinstance(done, AddProperty)
            and done.backfill not in (None, False)
            and (done.entity, done.owner, done.declared.name)
            == (self.entity, self.owner, self.name)
        )

    def as_undoing(self) -> RemoveProperty:
        """Return it as one that removes what was filled in, and no more."""
        return replace(self, values="undo")


@dataclass(frozen=True)
class AlterProperty(_OfProperty, Alteration):
    """What is declared of a property changes.

    `using` is a Cypher expression over ``value`` that gives the new stored value of
    each old one, or FILL_IN; None leaves the values as they are. `reverse_using` is
    the same for the way back. To `undo` a conversion gives the very values back that
    have not changed since.
    """

    words = "alter_{}_property"

    entity: EntityType
    owner: str
    name: str
    values: Values
    existing: Values | None = field(default=None, metadata=UNWRITTEN)
    using: str | Placeholder | None = None
    reverse_using: str | Placeholder | None = field(default=None, metadata=UNWRITTEN)
    undo: bool = False
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    @property
    def sought_properties(self) -> tuple[OfProperties, ...]:
        """The property."""
        return properties_of(self.entity, self.owner, self.name)

    def apply(self, schema: Schema) -> Schema:
        """Set the values on the owner's property and on its subclasses'."""
        return each_owner(schema, self.entity, self.owner, self._altered)

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        return carriers(self.entity, self.owner) | properties(self.entity, self.name)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        if self.using is None and not self.undo:
            return NOTHING
        return properties(self.entity, self.name)

    def expressions(self) -> tuple[str, ...]:
        """Return what a person wrote in Cypher."""
        return given(self.using)

    def reverse(self) -> AlterProperty:
        """Set the values back."""
        return replace(
            self,
            values=known(self.existing),
            existing=self.values,
            using=self.reverse_using,
            reverse_using=self.using,
            undo=not self.undo and self.using is not None,
        )

    def reverses(self, done: Change) -> bool:
        """Tell whether that converted the values."""
        return (
            isinstance(done, AlterProperty)
            and done.using is not None
            and (done.entity, done.arguments) == (self.entity, self.arguments)
        )

    def altered(self, declared: Property) -> Property:
        """Return the property as it is after this change."""
        return replace(declared, **dict(self.values))

    def _altered(self, owner: Owner) -> Owner:
        declared = owner.property(self.name)
        if declared is None:
            return owner
        return owner.with_property(self.altered(declared))


OnConflict: TypeAlias = Literal["fail", "overwrite", "keep"]


@dataclass(frozen=True)
class RenameProperty(_OfProperty):
    """A property gets another name; indexes and constraints move with it.

    `attribute` is the model's name for it from then on; without one it follows the
    property's name where it was the same, and stays where it was another. To `undo` a
    rename leaves the values that were there before, and brings back those that it hid.
    """

    words = "rename_{}_property"

    entity: EntityType
    owner: str
    old: str
    new: str
    on_conflict: OnConflict = "fail"
    where: str | None = None
    batch_size: int | None = None
    attribute: str | None = None
    undo: bool = field(default=False, metadata=UNWRITTEN)
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    @property
    def sought_properties(self) -> tuple[OfProperties, ...]:
        """The property by its old name."""
        return properties_of(self.entity, self.owner, self.old)

    @property
    def made_properties(self) -> tuple[str, ...]:
        """Its new name."""
        return (self.new,)

    def apply(self, schema: Schema) -> Schema:
        """Rename the property on the owner and on its subclasses."""
        labels = {self.owner}
        if self.entity is EntityType.NODE:
            labels |= {node.label for node in schema.models_with(self.owner)}
        renamed = each_owner(schema, self.entity, self.owner, self.renamed)
        return move_elements(renamed, lambda e: self.move(e, labels))

    def move(self, element: Element, labels: set[str]) -> Element:
        """Return an index or constraint as it is on the new property.

        `labels` are the owner and its subclasses; an element that covers a label
        besides stays where it is.
        """
        if element.entity is not self.entity or self.old not in element.properties:
            return element
        if not labels.issuperset(element.labels):
            return element
        properties = renamed(element.properties, self.old, self.new)
        return renewed(element, properties=properties)

    def reads(self, before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        if self.old == self.new:
            return NOTHING
        concerned = [
            constraint
            for constraint in self.apply(before).constraints.values()
            if constraint.entity is self.entity and self.new in constraint.properties
        ]
        found = self.finds(before)
        for constraint in concerned:
            found |= carriers(self.entity, constraint.label)
            found |= properties(self.entity, *constraint.properties)
        return found

    def expressions(self) -> tuple[str, ...]:
        """Return what a person wrote in Cypher."""
        return given(self.where)

    def finds(self, _before: Schema) -> TouchedNames:
        """Return what tells what is left to do."""
        owner = carriers(self.entity, self.owner)
        return owner | properties(self.entity, self.old, self.new)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        if self.old == self.new:
            return NOTHING
        return properties(self.entity, self.old, self.new)

    def reverse(self) -> RenameProperty:
        """Rename it back."""
        return replace(
            self, old=self.new, new=self.old, attribute=None, undo=not self.undo
        )

    def reverses(self, done: Change) -> bool:
        """Tell whether that was the opposite."""
        return (
            isinstance(done, RenameProperty)
            and (done.entity, done.owner) == (self.entity, self.owner)
            and (done.old, done.new) == (self.new, self.old)
        )

    def renamed(self, owner: Owner) -> Owner:
        """Return a node or type with the property renamed, where it has it."""
        declared = owner.property(self.old)
        if declared is None:
            return owner
        follows = self.new if declared.attribute == self.old else declared.attribute
        attribute = self.attribute or follows
        kept = owner.property(self.new) or replace(
            declared, name=self.new, attribute=attribute
        )
        return owner.without_property(self.old).with_property(kept)

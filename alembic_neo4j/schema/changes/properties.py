"""Changes of the properties of nodes and relationships."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from alembic_neo4j.schema.changes.change import (
    Change,
    Irreversible,
    Placeholder,
    Values,
    known,
)
from alembic_neo4j.schema.changes.effects import (
    Element,
    Owner,
    each_owner,
    move_elements,
    renamed,
    renewed,
)
from alembic_neo4j.schema.elements import (
    EntityType,
    Property,
    Schema,
)

Removal: TypeAlias = Literal["archive", "delete", "keep", "undo"]
"""What becomes of the values of a removed property.

"undo" removes those that the same revision filled in, and keeps the others.
"""


@dataclass(frozen=True)
class AddProperty(Change):
    """A property is declared on a label or a relationship type.

    `backfill` says what those that lack it get: None nothing, True the property's
    default, a text that Cypher expression over ``n`` (``r``), FILL_IN stops the
    upgrade until a person has written it. With `restore` the values that the same
    revision archived come back.
    """

    entity: EntityType
    owner: str
    property: Property
    backfill: bool | str | Placeholder | None = None
    restore: bool = False
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    def apply(self, schema: Schema) -> Schema:
        """Add the property to the owner and to its subclasses that lack it."""
        return each_owner(
            schema,
            self.entity,
            self.owner,
            lambda owner: (
                owner
                if owner.property(self.property.name)
                else owner.with_property(self.property)
            ),
        )

    def reverse(self) -> RemoveProperty:
        """Remove what this change wrote; values that it did not write are kept."""
        values: Removal = "keep"
        if self.restore:
            values = "archive"
        elif self.backfill is not None:
            values = "undo"
        return RemoveProperty(
            self.entity, self.owner, self.property.name, values, self.property
        )


@dataclass(frozen=True)
class RemoveProperty(Change):
    """A property is no longer declared; its values are archived unless told."""

    entity: EntityType
    owner: str
    name: str
    values: Removal = "archive"
    property: Property | None = None
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    def apply(self, schema: Schema) -> Schema:
        """Remove the property from the owner and its subclasses."""
        return each_owner(
            schema,
            self.entity,
            self.owner,
            lambda owner: owner.without_property(self.name),
        )

    def reverse(self) -> AddProperty:
        """Declare it again and bring archived values back."""
        if self.property is None:
            raise Irreversible("the removed property's declaration is not known")
        if self.values == "delete":
            raise Irreversible(f"the values of {self.owner}.{self.name} are deleted")
        if self.values == "undo":
            raise Irreversible(f"what filled in {self.owner}.{self.name} is not known")
        return AddProperty(
            self.entity, self.owner, self.property, restore=self.values == "archive"
        )


@dataclass(frozen=True)
class AlterProperty(Change):
    """What is declared of a property changes.

    `using` is a Cypher expression over ``value`` that gives the new stored value of
    each old one, or FILL_IN; None leaves the values as they are. `reverse_using` is
    the same for the way back. To `undo` a conversion gives the very values back that
    have not changed since.
    """

    entity: EntityType
    owner: str
    name: str
    values: Values
    existing: Values | None = None
    using: str | Placeholder | None = None
    reverse_using: str | Placeholder | None = None
    undo: bool = False
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    def apply(self, schema: Schema) -> Schema:
        """Set the values on the owner's property and on its subclasses'."""
        return each_owner(schema, self.entity, self.owner, self._altered)

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
class RenameProperty(Change):
    """A property gets another name; indexes and constraints move with it.

    `attribute` is the model's name for it from then on; without one it follows the
    property's name where it was the same, and stays where it was another. To `undo` a
    rename leaves the values that were there before, and brings back those that it hid.
    """

    entity: EntityType
    owner: str
    old: str
    new: str
    on_conflict: OnConflict = "fail"
    where: str | None = None
    batch_size: int | None = None
    attribute: str | None = None
    undo: bool = False
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

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

    def reverse(self) -> RenameProperty:
        """Rename it back."""
        return replace(
            self, old=self.new, new=self.old, attribute=None, undo=not self.undo
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

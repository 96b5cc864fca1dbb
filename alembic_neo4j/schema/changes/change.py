"""What every change is: called, applied and reversed, with what it reads and writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from enum import Enum
from typing import Any, ClassVar, TypeAlias, TypeVar

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.definitions import (
    Constraint,
    Direction,
    EntityType,
    Index,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
    distinct_name,
)
from alembic_neo4j.schema.known_names import Name
from alembic_neo4j.schema.storable import is_finite

# Calls of functions of `op`, as a revision file writes them ---------------------------


@dataclass(frozen=True)
class Call:
    """A function of `op` and its arguments."""

    name: str
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)


def property_call(declared: Property) -> Call:
    """Return the call that builds the property."""
    arguments = (declared.name, declared.type)
    return Call(
        "Property",
        arguments[:1] if declared.type == "ANY" else arguments,
        property_keywords(declared),
    )


def property_keywords(declared: Property) -> dict[str, Any]:
    """Return what a property declares beyond name and type, defaults left out."""
    keywords = _given(declared, but={"name", "type", "attribute"})
    if declared.attribute != declared.name:
        keywords["attribute"] = declared.attribute
    return keywords


def relationship_call(declared: Relationship) -> Call:
    """Return the call that builds the declaration of a relationship."""
    return Call(
        "Relationship",
        (declared.type, declared.target),
        relationship_keywords(declared),
    )


def relationship_keywords(declared: Relationship) -> dict[str, Any]:
    """Return what a relationship declares beyond type and target, defaults left out."""
    keywords = _given(declared, but={"type", "target", "direction"})
    return {**direction_keyword(declared), **keywords}


def direction_keyword(declared: Relationship) -> dict[str, Any]:
    """Return what tells a relationship from others of its type and target."""
    if declared.direction is Direction.OUT:
        return {}
    return {"direction": declared.direction.value}


def _given(declared: Property | Relationship, but: set[str]) -> dict[str, Any]:
    return {
        f.name: getattr(declared, f.name)
        for f in fields(declared)
        if f.name not in but and getattr(declared, f.name) != f.default
    }


# What of the data something reads or writes: labels, types and properties -------------


class Part(Enum):
    """What the name is of that is read or written."""

    LABEL = "label"
    TYPE = "type"
    NODE_PROPERTY = "property of nodes"
    RELATIONSHIP_PROPERTY = "property of relationships"


TouchedName: TypeAlias = "tuple[Part, str | None]"
"""A name, None where it may be any of its part."""


@dataclass(frozen=True)
class TouchedNames:
    """The names that something reads, or that it writes.

    A label stands for which nodes carry it, a type for which relationships are of it
    and where they lead: what is created or deleted counts there alone, since whoever
    reads it finds it by these. A property stands for its values on what stays.
    """

    names: frozenset[TouchedName] = frozenset()

    def __or__(self, other: TouchedNames) -> TouchedNames:
        """Return what either of them has."""
        return TouchedNames(self.names | other.names)

    def meets(self, other: TouchedNames) -> bool:
        """Tell whether they have a name in common."""
        return any(other.has(name) for name in self.names)

    def within(self, others: TouchedNames) -> TouchedNames:
        """Return it with those of the others where a name may be any of its part."""
        said = frozenset(name for name in self.names if name[1] is not None)
        open_ = {part for part, name in self.names if name is None}
        return TouchedNames(said | {name for name in others.names if name[0] in open_})

    def of(self, part: Part) -> frozenset[str]:
        """Return the names of one part that are said."""
        return frozenset(
            n for other, n in self.names if other is part and n is not None
        )

    def has(self, name: TouchedName) -> bool:
        """Tell whether the name is, or may be, among them."""
        part, said = name
        if said is None:
            return any(part is other for other, _ in self.names)
        return name in self.names or (part, None) in self.names


NOTHING = TouchedNames()
EVERYTHING = TouchedNames(frozenset((part, None) for part in Part))


def labels(*names: str | None) -> TouchedNames:
    """Return labels; None is any."""
    return TouchedNames(frozenset((Part.LABEL, name) for name in names))


def types(*names: str | None) -> TouchedNames:
    """Return relationship types; None is any."""
    return TouchedNames(frozenset((Part.TYPE, name) for name in names))


def carriers(entity: EntityType, *names: str | None) -> TouchedNames:
    """Return labels, or types, of which nodes or relationships are."""
    return labels(*names) if entity is EntityType.NODE else types(*names)


def properties(entity: EntityType, *names: str | None) -> TouchedNames:
    """Return properties of nodes, or of relationships; None is any."""
    return TouchedNames(frozenset((property_part(entity), name) for name in names))


def carrier_part(entity: EntityType) -> Part:
    """Return what a name is by which nodes, or relationships, are found."""
    return Part.LABEL if entity is EntityType.NODE else Part.TYPE


def property_part(entity: EntityType) -> Part:
    """Return what the name of a property is."""
    if entity is EntityType.NODE:
        return Part.NODE_PROPERTY
    return Part.RELATIONSHIP_PROPERTY


def touched(names: Iterable[tuple[EntityType, str]]) -> TouchedNames:
    """Return these labels and types."""
    return TouchedNames(
        frozenset((carrier_part(entity), name) for entity, name in names)
    )


# What every change is: a value that can be applied, reversed and called ---------------


Values: TypeAlias = "tuple[tuple[str, Any], ...]"
"""Fields of an element and what they are to be, as sorted pairs."""

UNWRITTEN = {"unwritten": True}
"""The metadata of a field that no call gives: only the reverse needs it."""

_APART = {"entity", "values"}
"""What the operation's name says, and what is given by the names of its items."""


class Placeholder(Enum):
    """Stands where a person has to write something before the revision can run."""

    FILL_IN = "FILL_IN"

    def __repr__(self) -> str:
        return f"op.{self.name}"


class Irreversible(SchemaError):
    """A change that has no reverse; the message says why."""


@dataclass(frozen=True)
class OfProperties:
    """Properties of what has any of some labels, or is of one of some types."""

    entity: EntityType
    owners: tuple[str, ...]
    names: tuple[str, ...]


class Change(ABC):
    """One difference between two schemas, or of data that nothing declares.

    It is a frozen dataclass: the fields that need a value are given to its function of
    `op` by position, the others by name where they differ from their default. `words`
    is how that function is called; where it has a twin for relationships, with ``{}``
    for which of them it is, as `entity` tells.

    One that finds something by name may say `allow_unknown`: that no model has it.
    """

    words: ClassVar[str]
    allow_unknown: bool = False

    @abstractmethod
    def apply(self, schema: Schema) -> Schema:
        """Return the schema after this change.

        Raises SchemaError when the change does not fit the schema.
        """

    @abstractmethod
    def reverse(self) -> Change:
        """Return the change that undoes this one; raises Irreversible."""

    # Its call ------------------------------------------------------------------------

    @property
    def call(self) -> Call:
        """The call of `op` that makes it."""
        arguments, keywords = self.arguments, self.keywords
        defaults = [a.default for a in arguments if isinstance(a, Property)]
        if not is_finite([*defaults, keywords.get("default")]):
            keywords["allow_nan"] = True
        return Call(self.operation, arguments, keywords)

    @property
    def operation(self) -> str:
        """The function of `op` that makes it."""
        entity: EntityType = getattr(self, "entity", EntityType.NODE)
        return self.words.format(entity.value.lower())

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What is given to that function by position."""
        needed = (f.name for f in _fields(self) if f.default is MISSING)
        return tuple(getattr(self, name) for name in needed if name not in _APART)

    @property
    def keywords(self) -> dict[str, Any]:
        """What is given to that function by name, defaults left out."""
        return {
            f.name: getattr(self, f.name)
            for f in _fields(self)
            if not (f.default is MISSING or f.metadata == UNWRITTEN)
            and getattr(self, f.name) != f.default
        }

    @property
    def meant(self) -> dict[str, Any]:
        """The keyword that says that it may name what no model has, if it may."""
        return {"allow_unknown": True} if self.allow_unknown else {}

    # What it names -------------------------------------------------------------------

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types that have to be there for an effect."""
        return ()

    @property
    def made(self) -> tuple[Name, ...]:
        """The labels and types of what it makes; what it only declares is not here."""
        return ()

    @property
    def sought_properties(self) -> tuple[OfProperties, ...]:
        """The properties that have to be there for an effect."""
        return ()

    @property
    def made_properties(self) -> tuple[str, ...]:
        """The names of other properties, which it makes."""
        return ()

    # What of the data it touches ----------------------------------------------------

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what of the data decides on its way, its checks included.

        `before` is the schema just before it. What `expressions` read comes on top.
        """
        return EVERYTHING

    def finds(self, before: Schema) -> TouchedNames:
        """Return what of it decides on how much there is to change."""
        return self.reads(before)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what of the data it changes; marks count as what they are about."""
        return EVERYTHING

    def takes_away(self) -> str | None:
        """Return the label of nodes that go, whatever else is on them and at them.

        What is *any* of a part in `writes` is what they have of it then.
        """
        return None

    def expressions(self) -> tuple[str, ...]:
        """Return what a person wrote in Cypher, and what it is carried out by."""
        return ()

    # What it takes back --------------------------------------------------------------

    def reverses(self, _done: Change) -> bool:
        """Tell whether this, in a downgrade, takes back what an upgrade has done."""
        return False

    def undoing(self, done: Iterable[Change]) -> Change:
        """Return it, of a downgrade, as the undoing of what the upgrade has `done`.

        It stays as it is where it reverses none of that, or undoes already. So a
        downgrade that a person has written takes back no more than one that was
        generated.
        """
        return self.as_undoing() if any(map(self.reverses, done)) else self

    def as_undoing(self) -> Change:
        """Return it as one that takes back what the same revision did, and no more."""
        change: Any = self
        return replace(change, undo=True)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class DataChange(Change):
    """A change of data that is carried out in batches.

    `where` is a predicate over ``n``, or ``r`` for relationships, that narrows down
    what it is about.
    """

    where: str | None = field(default=None, kw_only=True)
    batch_size: int | None = field(default=None, kw_only=True)
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    def expressions(self) -> tuple[str, ...]:
        """Return what a person wrote in Cypher."""
        return given(self.where)


class Alteration(Change):
    """A change of what is declared, whose `values` are given by name."""

    values: Values
    existing: Values | None
    """No fields here: they have other places in the subclasses."""

    @property
    def keywords(self) -> dict[str, Any]:
        """The values, and then the options."""
        return {**dict(self.values), **super().keywords}


def label_names(*names: str) -> tuple[Name, ...]:
    """Return labels as what a change names."""
    return tuple((EntityType.NODE, name) for name in names)


def type_names(*names: str) -> tuple[Name, ...]:
    """Return relationship types as what a change names."""
    return tuple((EntityType.RELATIONSHIP, name) for name in names)


def properties_of(
    entity: EntityType, owner: str, *names: str
) -> tuple[OfProperties, ...]:
    """Return properties of a label or type as what a change names."""
    return (OfProperties(entity, (owner,), names),)


class Declaration(Change):
    """A change of what is declared, or of the catalogue: it touches no data."""

    def reads(self, _before: Schema) -> TouchedNames:
        """Return nothing."""
        return NOTHING

    def writes(self, _before: Schema) -> TouchedNames:
        """Return nothing."""
        return NOTHING


def given(*expressions: object) -> tuple[str, ...]:
    """Return those that a person has written."""
    return tuple(text for text in expressions if isinstance(text, str))


def known(existing: Values | None) -> Values:
    """Return what was declared before; raises Irreversible where it is unknown."""
    if existing is None:
        raise Irreversible("what was declared before is not known")
    return existing


def refuse_partial(where: str | None) -> None:
    """Raise Irreversible for a change of some: which these were is not known."""
    if where is not None:
        raise Irreversible(f"which of them were changed, where {where}, is not known")


def _fields(change: Any) -> tuple[Field[Any], ...]:
    return fields(change)


# How changes reach into a schema: its models, its types, what moves with a rename -----


Element = TypeVar("Element", Index, Constraint)
Key = TypeVar("Key")
Owner = TypeVar("Owner", Node, RelationshipType)


def declared_node(schema: Schema, label: str) -> Node:
    """Return the node of a label; raises SchemaError where no model declares it."""
    try:
        return schema.nodes[label]
    except KeyError:
        raise SchemaError(f"the label {label!r} is not declared") from None


def with_node(schema: Schema, node: Node) -> Schema:
    """Return the schema with a node added or put in place of its namesake."""
    return replace(schema, nodes={**schema.nodes, node.label: node})


def with_type(schema: Schema, declared: RelationshipType) -> Schema:
    """Return the schema with a type added or put in place of its namesake."""
    types = {**schema.relationship_types, declared.type: declared}
    return replace(schema, relationship_types=types)


def without(mapping: Mapping[Key, Any], key: Key) -> dict[Key, Any]:
    """Return the mapping without a key."""
    return {k: v for k, v in mapping.items() if k != key}


def each_model(schema: Schema, label: str, change: Callable[[Node], Node]) -> Schema:
    """Return the schema with every model changed whose nodes carry the label."""
    # A data change on a label reaches the nodes of its subclasses too; a label that
    # no model declares is none of the schema's business.
    changed = {n.label: change(n) for n in schema.models_with(label)}
    return replace(schema, nodes={**schema.nodes, **changed})


def each_owner(
    schema: Schema,
    entity: EntityType,
    owner: str,
    change: Callable[[Any], Any],
) -> Schema:
    """Return the schema with a label's models, or a type, changed."""
    if entity is EntityType.NODE:
        return each_model(schema, owner, change)
    declared = schema.relationship_types.get(owner)
    return schema if declared is None else with_type(schema, change(declared))


def read_by_constraints(schema: Schema, entity: EntityType, owner: str) -> TouchedNames:
    """Return the properties that the constraints of a label, or a type, are on."""
    return properties(
        entity,
        *(
            name
            for constraint in schema.constraints.values()
            if constraint.entity is entity and constraint.label == owner
            for name in constraint.properties
        ),
    )


def renamed(names: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    """Return the names with one of them exchanged."""
    return tuple(new if name == old else name for name in names)


def move_elements(schema: Schema, move: Callable[[Any], Any]) -> Schema:
    """Return the schema with its indexes and constraints moved, names kept apart."""
    moves = [(element, move(element)) for element in schema.elements.values()]
    standing = [element for element, moved in moves if moved is element]
    taken = {element.name for element in standing}
    keys = {element.key for element in standing}
    # Where one of the same schema stands already, that one stays.
    results = [
        _distinct(element, moved, taken)
        for element, moved in moves
        if moved is element or moved.key not in keys
    ]
    return replace(
        schema,
        indexes={e.key: e for e in results if isinstance(e, Index)},
        constraints={e.key: e for e in results if isinstance(e, Constraint)},
    )


def relabelled(element: Element, old: str, new: str) -> Element:
    """Return an index or constraint on another label."""
    if isinstance(element, Index):
        return renewed(element, labels=renamed(element.labels, old, new))
    return renewed(element, label=new)


def renewed(element: Element, **values: Any) -> Element:
    """Return an index or constraint with other values, and the name that follows."""
    # A name that a person chose stays; a generated one follows what it is made of,
    # and keeps its suffix: the name that the suffix gave way to may come back.
    moved = replace(element, **values, name="")
    if element.name == element.default_name:
        return moved
    if element.name == distinct_name(element.default_name, element.key):
        return replace(moved, name=distinct_name(moved.name, moved.key))
    return replace(moved, name=element.name)


def _distinct(
    element: Index | Constraint, moved: Index | Constraint, taken: set[str]
) -> Index | Constraint:
    if moved is not element:
        if moved.name in taken:
            moved = replace(moved, name=distinct_name(moved.name, moved.key))
        taken.add(moved.name)
    return moved

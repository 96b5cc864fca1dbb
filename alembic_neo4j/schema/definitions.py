"""The values that a graph schema is made of, keyed by their names in the graph."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any, TypeAlias

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind
from alembic_neo4j.schema.property_types import normal_type

# The names of indexes and constraints: neomodel's, distinct where two collide ---------


_TRIMMED = "".join(map(chr, range(0x21)))


def trimmed(name: str) -> str:
    """Return the name as the server keeps it: CREATE trims it, DROP does not."""
    return name.strip(_TRIMMED)


def distinct_name(name: str, key: object) -> str:
    """Return the name with a suffix that depends on the element's key alone.

    Label ``A`` with ``b_c`` and label ``A_b`` with ``c`` give the same name, as do a
    label and a relationship type that are spelled alike.
    """
    digest = hashlib.sha256(repr(key).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name}_{digest[:8]}"


# The values that a graph schema is made of, keyed by their names in the graph ---------


Value: TypeAlias = Any
"""A property value as it is stored: None, bool, int, float, str, temporal, tuple."""


class EntityType(str, Enum):
    """What carries a label or a type."""

    NODE = "NODE"
    RELATIONSHIP = "RELATIONSHIP"


class Direction(str, Enum):
    """The direction of a relationship as its declaring model sees it."""

    OUT = "OUT"
    IN = "IN"
    ANY = "ANY"

    @property
    def reversed(self) -> Direction:
        """The same relationship, seen from its other end."""
        return _REVERSED[self]


_REVERSED = {
    Direction.OUT: Direction.IN,
    Direction.IN: Direction.OUT,
    Direction.ANY: Direction.ANY,
}


@dataclass(frozen=True)
class Property:
    """A property of a node or a relationship.

    `type` is the stored type as Neo4j writes it (``STRING``, ``LIST<INTEGER>``, …;
    ``ANY`` where the model does not say). `default` is a stored value,
    `default_factory` the dotted name of a callable, ``now`` for the current time.
    `format` says what values of the type are: ``date``, ``epoch``, ``json`` (see
    `property_classes`) or a format of `datetime.strptime`.
    `attribute` is the model's name for it; a change of that alone is no difference.
    """

    name: str
    type: str = "ANY"
    required: bool = field(default=False, kw_only=True)
    default: Value = field(default=None, kw_only=True)
    default_factory: str | None = field(default=None, kw_only=True)
    choices: tuple[str, ...] | None = field(default=None, kw_only=True)
    max_length: int | None = field(default=None, kw_only=True)
    pattern: str | None = field(default=None, kw_only=True)
    crs: str | None = field(default=None, kw_only=True)
    format: str | None = field(default=None, kw_only=True)
    attribute: str = field(default="", compare=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "default", _frozen(self.default))
        if self.choices is not None:
            object.__setattr__(self, "choices", tuple(sorted(self.choices)))
        object.__setattr__(self, "attribute", self.attribute or self.name)


@dataclass(frozen=True)
class Relationship:
    """A relationship that a node's model declares.

    `target` is the other end's label, or ``?`` and the text of the model where it
    could not be resolved. Two declarations are the same when type, direction and
    target are; `attribute` is the model's name for it.
    """

    type: str
    target: str
    direction: Direction = field(default=Direction.OUT, kw_only=True)
    cardinality: str = field(default="ZeroOrMore", kw_only=True)
    exclusion_group: str | None = field(default=None, kw_only=True)
    attribute: str = field(default="", compare=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "direction", Direction(self.direction))

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two declarations on one label the same."""
        return (self.type, self.direction.value, self.target)


@dataclass(frozen=True)
class Node:
    """A label with what its model declares, inherited properties included.

    `bases` are the other labels that every node of this model carries.
    `source` is the model's module and name, for messages only.
    """

    label: str
    properties: tuple[Property, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    bases: tuple[str, ...] = field(default=(), kw_only=True)
    optional_labels: tuple[str, ...] = field(default=(), kw_only=True)
    open: bool = field(default=False, kw_only=True)
    databases: tuple[str, ...] = field(default=(), kw_only=True)
    kgid: str | None = field(default=None, kw_only=True)
    source: str = field(default="", compare=False, kw_only=True)

    def __post_init__(self) -> None:
        _set_tuple(self, "properties", sorted(self.properties, key=_property_name))
        _set_tuple(self, "relationships", _distinct(self.relationships))
        for name in ("bases", "optional_labels", "databases"):
            _set_tuple(self, name, sorted(set(getattr(self, name))))

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that a node of this model carries, its own first."""
        return (self.label, *self.bases)

    def property(self, name: str) -> Property | None:
        """Return the property with this name in the graph, or None."""
        return next((p for p in self.properties if p.name == name), None)

    def with_property(self, declared: Property) -> Node:
        """Return the node with the property added or put in place of its namesake."""
        return replace(self, properties=_with_property(self.properties, declared))

    def without_property(self, name: str) -> Node:
        """Return the node without the property of this name."""
        kept = tuple(p for p in self.properties if p.name != name)
        return replace(self, properties=kept)

    def with_relationship(self, declared: Relationship) -> Node:
        """Return the node with the declaration added or put in place of its twin."""
        kept = (r for r in self.relationships if r.key != declared.key)
        return replace(self, relationships=(*kept, declared))

    def without_relationship(self, key: tuple[str, str, str]) -> Node:
        """Return the node without the declaration of this key."""
        kept = tuple(r for r in self.relationships if r.key != key)
        return replace(self, relationships=kept)


@dataclass(frozen=True)
class RelationshipType:
    """A relationship type whose properties a StructuredRel model declares."""

    type: str
    properties: tuple[Property, ...] = ()
    kgid: str | None = field(default=None, kw_only=True)
    source: str = field(default="", compare=False, kw_only=True)

    def __post_init__(self) -> None:
        _set_tuple(self, "properties", sorted(self.properties, key=_property_name))

    def property(self, name: str) -> Property | None:
        """Return the property with this name in the graph, or None."""
        return next((p for p in self.properties if p.name == name), None)

    def with_property(self, declared: Property) -> RelationshipType:
        """Return the type with the property added or put in place of its namesake."""
        return replace(self, properties=_with_property(self.properties, declared))

    def without_property(self, name: str) -> RelationshipType:
        """Return the type without the property of this name."""
        kept = tuple(p for p in self.properties if p.name != name)
        return replace(self, properties=kept)


IndexKey: TypeAlias = "tuple[str, str, tuple[str, ...], tuple[str, ...]]"
ConstraintKey: TypeAlias = "tuple[str, str, str, tuple[str, ...]]"


@dataclass(frozen=True)
class Index:
    """An index; two are the same when all but their names are.

    `options` are the declared settings of ``OPTIONS {indexConfig: …}`` that differ
    from what the server takes by itself. Only FULLTEXT may name several labels.
    """

    kind: IndexKind
    entity: EntityType
    labels: tuple[str, ...]
    properties: tuple[str, ...]
    options: tuple[tuple[str, Value], ...] = ()
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", IndexKind(self.kind))
        object.__setattr__(self, "entity", EntityType(self.entity))
        _set_tuple(self, "labels", self.labels)
        _set_tuple(self, "properties", self.properties)
        if self.kind.traits.covers_any:
            # The server tells A|B from B|A, the meaning does not.
            _set_tuple(self, "labels", sorted(set(self.labels)))
            _set_tuple(self, "properties", sorted(set(self.properties)))
        object.__setattr__(self, "options", _normal_options(self.kind, self.options))
        if not self.name:
            object.__setattr__(self, "name", self.default_name)
        object.__setattr__(self, "name", trimmed(self.name))
        self._check()

    def _check(self) -> None:
        what = f"{self.kind.value} index on {self.labels} ({self.properties})"
        if not self.labels or not self.properties:
            raise SchemaError(f"{what}: a label and a property are needed")
        if len(self.labels) > 1 and not self.kind.traits.covers_any:
            several = " or ".join(k.value for k in IndexKind if k.traits.covers_any)
            raise SchemaError(f"{what}: only a {several} index takes several labels")
        if len(self.properties) > 1 and not self.kind.traits.composite:
            raise SchemaError(f"{what}: this kind takes exactly one property")
        if len(set(self.properties)) != len(self.properties):
            raise SchemaError(f"{what}: a property is named twice")

    @property
    def key(self) -> IndexKey:
        """What makes two indexes the same apart from their options."""
        return (self.kind.value, self.entity.value, self.labels, self.properties)

    @property
    def default_name(self) -> str:
        """The name that neomodel gives to such an index."""
        words = (self.kind.traits.noun, *self.labels, *self.properties)
        return trimmed("_".join(words))

    @property
    def noun(self) -> str:
        """What the functions of `op` call such an index."""
        return _noun(self.kind, self.entity)


@dataclass(frozen=True)
class Constraint:
    """A constraint; two are the same when all but their names are."""

    kind: ConstraintKind
    entity: EntityType
    label: str
    properties: tuple[str, ...]
    property_type: str | None = None
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", ConstraintKind(self.kind))
        object.__setattr__(self, "entity", EntityType(self.entity))
        _set_tuple(self, "properties", self.properties)
        if self.property_type is not None:
            normal = normal_type(self.property_type)
            object.__setattr__(self, "property_type", normal)
        if not self.name:
            object.__setattr__(self, "name", self.default_name)
        object.__setattr__(self, "name", trimmed(self.name))
        self._check()

    def _check(self) -> None:
        what = f"{self.kind.value} constraint on {self.label} ({self.properties})"
        if not self.label or not self.properties:
            raise SchemaError(f"{what}: a label and a property are needed")
        if len(self.properties) > 1 and not self.kind.traits.composite:
            raise SchemaError(f"{what}: this kind takes exactly one property")
        if len(set(self.properties)) != len(self.properties):
            raise SchemaError(f"{what}: a property is named twice")
        if self.kind.traits.typed != (self.property_type is not None):
            raise SchemaError(f"{what}: only a TYPE constraint has a property type")

    @property
    def key(self) -> ConstraintKey:
        """What makes two constraints the same apart from the property type."""
        return (self.kind.value, self.entity.value, self.label, self.properties)

    @property
    def default_name(self) -> str:
        """The name that neomodel gives, or would give, to such a constraint."""
        kind = self.kind.value.lower()
        return trimmed("_".join(("constraint", kind, self.label, *self.properties)))

    @property
    def noun(self) -> str:
        """What the functions of `op` call such a constraint."""
        return _noun(self.kind, self.entity)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label or type, in a tuple as an index has it."""
        return (self.label,)


Element: TypeAlias = "Index | Constraint"
"""What a server shows and a person names: an index or a constraint."""


@dataclass(frozen=True)
class Schema:
    """A graph schema: what the models, or a history of revisions, declare.

    The mappings are keyed by label, type and element key, and never changed.
    """

    nodes: Mapping[str, Node] = field(default_factory=dict)
    relationship_types: Mapping[str, RelationshipType] = field(default_factory=dict)
    indexes: Mapping[IndexKey, Index] = field(default_factory=dict)
    constraints: Mapping[ConstraintKey, Constraint] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        nodes: Iterable[Node] = (),
        relationship_types: Iterable[RelationshipType] = (),
        indexes: Iterable[Index] = (),
        constraints: Iterable[Constraint] = (),
    ) -> Schema:
        """Return the schema of these elements, keyed as it has to be."""
        return cls(
            nodes={n.label: n for n in nodes},
            relationship_types={t.type: t for t in relationship_types},
            indexes={i.key: i for i in indexes},
            constraints={c.key: c for c in constraints},
        )

    def __bool__(self) -> bool:
        # Alembic refuses an autogenerate whose metadata is None, not an empty one.
        return True

    @cached_property
    def elements(self) -> Mapping[Any, Element]:
        """The indexes and then the constraints, by their keys."""
        return {**self.indexes, **self.constraints}

    @cached_property
    def by_name(self) -> Mapping[str, Element]:
        """The indexes and constraints by their names, which they share."""
        return {element.name: element for element in self.elements.values()}

    def with_element(self, element: Element) -> Schema:
        """Return the schema with an index or constraint added."""
        if isinstance(element, Index):
            added = replace(self, indexes={**self.indexes, element.key: element})
        else:
            added = replace(
                self, constraints={**self.constraints, element.key: element}
            )
        # Carried on, since a history adds one element after the other.
        vars(added)["by_name"] = {**self.by_name, element.name: element}
        return added

    def same(self, element: Element) -> Element | None:
        """Return what the schema has in the place of an index or constraint."""
        if isinstance(element, Index):
            return self.indexes.get(element.key)
        return self.constraints.get(element.key)

    def without_element(self, element: Element) -> Schema:
        """Return the schema without an index or constraint."""
        indexes = {k: i for k, i in self.indexes.items() if k != element.key}
        kept = {k: c for k, c in self.constraints.items() if k != element.key}
        return replace(self, indexes=indexes, constraints=kept)

    def labels_of(self, *labels: str) -> tuple[str, ...]:
        """Return every label that a node written under these carries, these first.

        Those of the bases of their models come with them: a node that lacked one would
        be passed by what is asked of the base. Optional labels are for who writes.
        """
        bases = (
            base
            for label in labels
            if label in self.nodes
            for base in self.nodes[label].bases
        )
        return tuple(dict.fromkeys((*labels, *bases)))

    def models_with(self, label: str) -> list[Node]:
        """Return the nodes whose graph nodes all carry the label, sorted."""
        found = [n for n in self.nodes.values() if label in n.labels]
        return sorted(found, key=lambda n: (len(n.bases), n.label))


def _with_property(
    properties: tuple[Property, ...], declared: Property
) -> tuple[Property, ...]:
    return (*(p for p in properties if p.name != declared.name), declared)


def _set_tuple(value: object, name: str, items: Iterable[Any]) -> None:
    object.__setattr__(value, name, tuple(items))


def _property_name(declared: Property) -> str:
    return declared.name


def _distinct(declared: Iterable[Relationship]) -> list[Relationship]:
    """Return one declaration of each key, sorted, whatever order they are given in."""
    ordered = sorted(
        declared,
        key=lambda r: (r.key, r.cardinality, r.exclusion_group or "", r.attribute),
        reverse=True,
    )
    return sorted({r.key: r for r in ordered}.values(), key=lambda r: r.key)


def _frozen(value: Value) -> Value:
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(item) for item in value)
    return value


def _normal_options(
    kind: IndexKind, options: Iterable[tuple[str, Value]]
) -> tuple[tuple[str, Value], ...]:
    named = {option.key: option for option in kind.traits.options}
    normal = {}
    for key, value in options:
        option = named.get(key)
        if option is None:
            normal[key] = _frozen(value)
        elif option.in_capitals:
            normal[key] = str(value).upper()
        elif option.default is None or value != option.default:
            normal[key] = _frozen(value)
    return tuple(sorted(normal.items()))


def _noun(kind: IndexKind | ConstraintKind, entity: EntityType) -> str:
    noun = kind.traits.noun
    if entity is EntityType.NODE:
        return noun
    return f"relationship_{noun.removeprefix('node_')}"


# Indexes, constraints and numbers in words, as logs and messages name them ------------


def described(element: Element, *, named: bool = True) -> str:
    """Return kind, name, what it is on, and its settings; the name only if `named`."""
    noun = "index" if isinstance(element, Index) else "constraint"
    name = f" {element.name}" if named else ""
    on = f"{'|'.join(element.labels)}({', '.join(element.properties)})"
    text = f"{element.kind.value} {noun}{name} on {on}"
    settings = _settings(element)
    return f"{text} {settings}" if settings else text


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 row`` and ``1,000 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _settings(element: Element) -> str:
    if isinstance(element, Constraint):
        return element.property_type or ""
    return str(dict(element.options)) if element.options else ""

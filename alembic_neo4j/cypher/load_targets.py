"""What rows become: nodes or relationships, their defaults, and values as stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from alembic_neo4j.cypher.patterns import refuse_own
from alembic_neo4j.errors import IngestError
from alembic_neo4j.schema.changes.change import TouchedNames, labels, properties, types
from alembic_neo4j.schema.definitions import EntityType, Property, Schema
from alembic_neo4j.schema.known_names import ALLOW, KnownNames, Name
from alembic_neo4j.schema.property_classes import DATE, ISO_DATE, stored_form
from alembic_neo4j.schema.storable import storable

BATCH_PROPERTY = "_alembic_batch"
"""The property by which what a batch has created is known, unless it is called else."""

OnUnmatched: TypeAlias = Literal["report", "fail"]
"""What becomes of a relationship without both its ends: it is told, or an error."""


@dataclass(frozen=True)
class NodeTarget:
    """Nodes with some labels; the first of them is what keys are looked up by.

    With `merge_keys`, a row whose values of them a node has changes that node, and
    only another one creates a node. Raises SchemaError for a label of our own,
    IngestError without a label, or with keys that are none.
    """

    labels: tuple[str, ...]
    merge_keys: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.labels:
            raise IngestError("Expected a label for the nodes, found none.")
        for label in self.labels:
            refuse_own(label)
        if self.merge_keys is not None:
            check_keys("merge_keys", self.merge_keys)

    @property
    def names(self) -> tuple[Name, ...]:
        """Its labels."""
        return tuple((EntityType.NODE, label) for label in self.labels)

    def writes(self, schema: Schema) -> TouchedNames:
        """Return what of the data it changes, with the models of a schema."""
        created = labels(*schema.labels_of(*self.labels))
        if self.merge_keys is None:
            return created
        return created | properties(EntityType.NODE, None)

    @property
    def owner(self) -> str:
        """The label that keys are looked up by."""
        return self.labels[0]

    @property
    def entity(self) -> EntityType:
        """What the rows become."""
        return EntityType.NODE

    def __str__(self) -> str:
        return f":{':'.join(self.labels)}"


@dataclass(frozen=True)
class Endpoint:
    """The nodes that a relationship starts or ends at: those with values of keys."""

    label: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class RelationshipTarget:
    """Relationships of a type between nodes that are there.

    With `merge_keys`, of which there may be none, a relationship with these values
    between the same nodes is changed, and else created. Raises as `NodeTarget` does.
    """

    type: str
    source: Endpoint
    target: Endpoint
    merge_keys: tuple[str, ...] | None = None
    on_unmatched: OnUnmatched = "report"

    def __post_init__(self) -> None:
        refuse_own(self.source.label)
        refuse_own(self.target.label)
        check_keys("source_key", self.source.keys)
        check_keys("target_key", self.target.keys)
        if self.merge_keys:
            check_keys("merge_keys", self.merge_keys)
        if self.on_unmatched not in ("report", "fail"):
            raise IngestError(
                f"Expected on_unmatched 'report' or 'fail', found "
                f"{self.on_unmatched!r}."
            )

    @property
    def names(self) -> tuple[Name, ...]:
        """Its type, and the labels of its ends."""
        return (
            (EntityType.RELATIONSHIP, self.type),
            (EntityType.NODE, self.source.label),
            (EntityType.NODE, self.target.label),
        )

    def writes(self, schema: Schema) -> TouchedNames:
        """Return what of the data it changes; the schema makes no difference."""
        del schema
        created = types(self.type)
        if self.merge_keys is None:
            return created
        return created | properties(EntityType.RELATIONSHIP, None)

    @property
    def owner(self) -> str:
        """The type."""
        return self.type

    @property
    def entity(self) -> EntityType:
        """What the rows become."""
        return EntityType.RELATIONSHIP

    def __str__(self) -> str:
        return f"(:{self.source.label})-[:{self.type}]->(:{self.target.label})"


LoadTarget: TypeAlias = "NodeTarget | RelationshipTarget"


def completed(target: LoadTarget, schema: Schema) -> LoadTarget:
    """Return the target with every label that the models of a schema give its nodes.

    A node that is found by its keys gets those that it lacks, and loses them again
    when the batch is rolled back.
    """
    if not isinstance(target, NodeTarget):
        return target
    return replace(target, labels=schema.labels_of(*target.labels))


def refuse_targets(title: str, targets: Iterable[LoadTarget], schema: Schema) -> None:
    """Raise IngestError where rows would become what no model of a schema has.

    Nobody would find them.
    """
    names = [name for target in targets for name in target.names]
    found = list(KnownNames.of(schema).unknown(names))
    if found:
        raise IngestError(f"{title}: {' '.join(found)} Nothing was loaded. {ALLOW}.")


def check_keys(what: str, keys: tuple[str, ...]) -> None:
    """Raise IngestError where there are no keys, or one twice."""
    if not keys or len(set(keys)) < len(keys):
        found = ", ".join(map(repr, keys)) or "none"
        raise IngestError(f"Expected {what}: properties to find by, found {found}.")


# What the properties of created nodes and relationships get where a row has none ------
#
# As neomodel has it, null is no value either, and what is there already gets nothing.


@dataclass(frozen=True)
class Defaults:
    """The defaults of properties: each with its Cypher, and the parameters of that."""

    expressions: tuple[tuple[str, str], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


def defaults_of(target: LoadTarget, schema: Schema) -> Defaults:
    """Return the defaults that the models of a schema give to what rows become.

    A default that only a callable of Python's can make is not among them.
    """
    declared = declared_properties(target, schema)
    expressions: list[tuple[str, str]] = []
    parameters: dict[str, Any] = {}
    for name in sorted(declared):
        if declared[name].default is not None:
            parameter = f"default_{len(parameters)}"
            parameters[parameter] = stored_default(declared[name])
            expressions.append((name, f"${parameter}"))
        elif (made := generated(declared[name])) is not None:
            expressions.append((name, made))
    return Defaults(tuple(expressions), parameters)


def stored_default(declared: Property) -> Any:
    """Return a property's default as it is stored; raises IngestError where none can.

    That it may be NaN or infinite was said where it was declared.
    """
    try:
        return storable(declared.default, allow_nan=True)
    except ValueError as error:
        raise IngestError(
            f"the default of {declared.name!r}, {declared.default!r}, can't be stored, "
            f"give the model another one: {error}"
        ) from None


def generated(declared: Property) -> str | None:
    """Return the Cypher that makes a property's default anew for each, where known."""
    if declared.default_factory == "uuid4.hex":
        return "replace(randomUUID(), '-', '')"
    if declared.default_factory == "now":
        if declared.format in (DATE, ISO_DATE):
            return "toString(date())"
        return _NOW.get(declared.type)
    return None


_NOW: Mapping[str, str] = {
    "DATE": "date()",
    "LOCAL DATETIME": "localdatetime()",
    "LOCAL TIME": "localtime()",
    "ZONED DATETIME": "datetime()",
    "ZONED TIME": "time()",
    "LOCAL DATETIME | ZONED DATETIME": "localdatetime()",
    # As neomodel stores it: the seconds since 1970.
    "FLOAT": "datetime().epochMillis / 1000.0",
}


def declared_properties(target: LoadTarget, schema: Schema) -> dict[str, Property]:
    """Return the properties that the models give to what rows become, by name."""
    if not isinstance(target, NodeTarget):
        type_ = schema.relationship_types.get(target.type)
        return {p.name: p for p in type_.properties} if type_ else {}
    # Where models of several labels have a property, that of the first label counts.
    return {
        p.name: p
        for label in reversed(target.labels)
        if label in schema.nodes
        for p in schema.nodes[label].properties
    }


# Rows of Python's values, each value as the class of its property stores it -----------


def stored_rows(
    rows: Iterable[Any], target: LoadTarget, schema: Schema
) -> Iterable[Any]:
    """Return the rows with the values of formats as they are stored.

    A date becomes a DateProperty's text, a mapping that of a JSONProperty; what is
    stored so already stays. When iterated it raises IngestError for a value that the
    class could not read again. Rows that can be iterated again still can, and a
    sequence stays one.
    """
    formats = {
        name: found.format
        for name, found in declared_properties(target, schema).items()
        if found.format is not None
    }
    if not formats:
        return rows
    nested = isinstance(target, RelationshipTarget)
    if isinstance(rows, Collection):
        known = rows if isinstance(rows, Sequence) else list(rows)
        return _StoredSequence(known, formats, nested=nested)
    found = _Stored(rows, formats, nested=nested)
    return iter(found) if isinstance(rows, Iterator) else found


class _Stored:
    def __init__(
        self, rows: Iterable[Any], formats: Mapping[str, str], *, nested: bool
    ) -> None:
        self._rows = rows
        self._formats = formats
        self._nested = nested

    def __iter__(self) -> Iterator[Any]:
        for number, row in enumerate(self._rows, 1):
            yield self._row(row, number)

    def _row(self, row: Any, number: int) -> Any:
        is_nested = self._nested and isinstance(row, Mapping)
        inner = row.get("properties") if is_nested else row
        # What is no row at all is told where rows are checked.
        if not isinstance(inner, Mapping) or self._formats.keys().isdisjoint(inner):
            return row
        stored = self._stored(inner, number)
        return {**row, "properties": stored} if is_nested else stored

    def _stored(self, row: Mapping[str, Any], number: int) -> dict[str, Any]:
        stored = dict(row)
        for name in self._formats.keys() & row.keys():
            value = row[name]
            if value is not None:
                try:
                    stored[name] = _in_form(value, self._formats[name])
                except (ValueError, OverflowError, OSError) as error:
                    raise IngestError(
                        f"row {number:,}: expected in {name!r} a value that its model "
                        f"can read again, found {str(value)[:80]!r}: {error}"
                    ) from None
        return stored


class _StoredSequence(_Stored, Sequence[Any]):
    def __init__(
        self, rows: Sequence[Any], formats: Mapping[str, str], *, nested: bool
    ) -> None:
        super().__init__(rows, formats, nested=nested)
        self._sequence = rows

    def __len__(self) -> int:
        return len(self._sequence)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return list(self)[place]
        return self._row(self._sequence[place], range(len(self))[place] + 1)


def _in_form(value: Any, format: str) -> Any:
    if hasattr(value, "to_native"):
        value = value.to_native()
    if isinstance(value, (list, tuple)) and format != "json":
        return [_in_form(item, format) for item in value]
    return stored_form(value, format)

"""What the properties of created nodes and relationships get where a row has none.

As neomodel has it, null is no value either, and what is there already gets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic_neo4j.cypher.load_targets import LoadTarget, NodeTarget
from alembic_neo4j.errors import IngestError
from alembic_neo4j.schema.definitions import Property, Schema
from alembic_neo4j.schema.property_classes import DATE, ISO_DATE
from alembic_neo4j.schema.storable import storable


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

"""A schema as plain JSON, and the hash of what it means."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.elements import (
    Constraint,
    Index,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
    Value,
)

FORMAT = 1
"""The version of the JSON form, and the first part of every digest."""

Json: TypeAlias = "dict[str, Any]"
Element: TypeAlias = (
    "Node | RelationshipType | Index | Constraint | Property | Relationship"
)
E = TypeVar("E", Node, RelationshipType, Index, Constraint, Property, Relationship)


def schema_digest(schema: Schema) -> str:
    """Return ``<format>:<sha256>`` of all that two schemas are compared by.

    Names of indexes and constraints, attributes of models and where a model stands
    are left out, so moving or reordering classes leaves it as it is. It is the same
    on every machine and in every process.
    """
    parts: Mapping[str, Iterable[Element]] = {
        "nodes": schema.nodes.values(),
        "relationship_types": schema.relationship_types.values(),
        "indexes": schema.indexes.values(),
        "constraints": schema.constraints.values(),
    }
    canonical = {
        part: sorted(_text(_element_to_json(e, compared_only=True)) for e in elements)
        for part, elements in parts.items()
    }
    digest = hashlib.sha256(_text(canonical).encode("utf-8", "surrogatepass"))
    return f"{FORMAT}:{digest.hexdigest()}"


def schema_to_json(schema: Schema) -> Json:
    """Return the schema as values that `json` writes, with names and sources.

    `schema_from_json` gives back an equal schema. Elements are in the order of
    their keys; fields that are as a new element has them are left out.
    """
    return {
        "format": FORMAT,
        "nodes": [_element_to_json(e) for _, e in sorted(schema.nodes.items())],
        "relationship_types": [
            _element_to_json(e) for _, e in sorted(schema.relationship_types.items())
        ],
        "indexes": [_element_to_json(e) for _, e in sorted(schema.indexes.items())],
        "constraints": [
            _element_to_json(e) for _, e in sorted(schema.constraints.items())
        ],
    }


def schema_from_json(document: Mapping[str, Any]) -> Schema:
    """Return the schema that `schema_to_json` wrote.

    Raises SchemaError where the format is not this one's.
    """
    if document.get("format") != FORMAT:
        raise SchemaError(
            f"a schema of format {FORMAT} was expected, found "
            f"{document.get('format')!r}; read it with the version that wrote it, or "
            "make it again"
        )
    return Schema.of(
        nodes=(_element_from_json(Node, e) for e in document["nodes"]),
        relationship_types=(
            _element_from_json(RelationshipType, e)
            for e in document["relationship_types"]
        ),
        indexes=(_element_from_json(Index, e) for e in document["indexes"]),
        constraints=(
            _element_from_json(Constraint, e) for e in document["constraints"]
        ),
    )


def value_to_json(value: Value) -> Any:
    """Return a stored value as JSON; what JSON lacks is tagged with its type.

    Raises SchemaError for a value that Neo4j can't hold.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, (list, tuple)):
        return {"tuple": [value_to_json(item) for item in value]}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, timedelta):
        return {"timedelta": [value.days, value.seconds, value.microseconds]}
    for tag, kind in (("datetime", datetime), ("date", date), ("time", time)):
        if isinstance(value, kind):
            zone = getattr(getattr(value, "tzinfo", None), "key", None)
            tagged = {tag: value.isoformat()}
            return {**tagged, "zone": zone} if zone else tagged
    raise SchemaError(
        f"a stored value was expected, found {value!r} of type {type(value).__name__}; "
        "use None, bool, int, float, str, bytes, a temporal value or a list of them"
    )


def value_from_json(document: Any) -> Value:
    """Return the value that `value_to_json` wrote."""
    if not isinstance(document, dict):
        return document
    tagged = dict(document)
    zone = tagged.pop("zone", None)
    ((tag, content),) = tagged.items()
    value = _READERS[tag](content)
    if zone is None:
        return value
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(zone))
    return value.replace(tzinfo=ZoneInfo(zone))


def _element_to_json(element: Element, *, compared_only: bool = False) -> Json:
    written: Json = {}
    for field in fields(element):
        value = getattr(element, field.name)
        if compared_only and not field.compare:
            continue
        if value == field.default or (field.name, value) == _own_attribute(element):
            continue
        written[field.name] = _field_to_json(
            field.name, value, compared_only=compared_only
        )
    return written


def _own_attribute(element: Element) -> tuple[str, str] | None:
    """Return the attribute that a property has where its model names none."""
    return ("attribute", element.name) if isinstance(element, Property) else None


def _field_to_json(name: str, value: Any, *, compared_only: bool) -> Any:
    if name == "default":
        return value_to_json(value)
    if name == "options":
        return {key: value_to_json(option) for key, option in value}
    if isinstance(value, tuple):
        return [
            _element_to_json(item, compared_only=compared_only)
            if isinstance(item, (Property, Relationship))
            else item
            for item in value
        ]
    return value.value if isinstance(value, Enum) else value


def _element_from_json(kind: type[E], document: Json) -> E:
    given = {name: _field_from_json(kind, name, v) for name, v in document.items()}
    return kind(**given)


def _field_from_json(kind: type[Any], name: str, value: Any) -> Any:
    if name == "default":
        return value_from_json(value)
    if name == "options":
        return tuple((key, value_from_json(option)) for key, option in value.items())
    if name == "relationships":
        return tuple(_element_from_json(Relationship, item) for item in value)
    if name == "properties" and kind in (Node, RelationshipType):
        return tuple(_element_from_json(Property, item) for item in value)
    return tuple(value) if isinstance(value, list) else value


def _text(value: Any) -> str:
    return json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


_READERS: Mapping[str, Callable[[Any], Value]] = {
    "float": float,
    "tuple": lambda items: tuple(value_from_json(item) for item in items),
    "bytes": bytes.fromhex,
    "timedelta": lambda parts: timedelta(*parts),
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}

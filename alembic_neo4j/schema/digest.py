"""The hash of what a schema means, the same on every machine."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any, TypeAlias

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.definitions import (
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
"""The version of what is hashed, and the first part of every digest."""

Json: TypeAlias = "dict[str, Any]"
Part: TypeAlias = (
    "Node | RelationshipType | Index | Constraint | Property | Relationship"
)


def schema_digest(schema: Schema) -> str:
    """Return ``<format>:<sha256>`` of all that two schemas are compared by.

    Names of indexes and constraints, attributes of models and where a model stands
    are left out, so moving or reordering classes leaves it as it is. It is the same
    on every machine and in every process.
    """
    parts: Mapping[str, Iterable[Part]] = {
        "nodes": schema.nodes.values(),
        "relationship_types": schema.relationship_types.values(),
        "indexes": schema.indexes.values(),
        "constraints": schema.constraints.values(),
    }
    canonical = {
        part: sorted(map(_element_digest, elements)) for part, elements in parts.items()
    }
    return f"{FORMAT}:{_sha256(canonical)}"


def schema_to_json(schema: Schema) -> Json:
    """Return a schema as JSON that is the same on every machine and in every process.

    Everything is sorted, and what is as a new element has it is left out. Beside what
    the digest is made of it has the names of indexes and constraints and the models'
    names for properties and relationships.
    """
    return {
        "format": FORMAT,
        "hash": schema_digest(schema),
        "nodes": _all_told(schema.nodes),
        "relationship_types": _all_told(schema.relationship_types),
        "indexes": _all_told(schema.indexes),
        "constraints": _all_told(schema.constraints),
    }


def element_to_json(element: Part) -> Json:
    """Return an element as JSON, without what nothing is compared by."""
    return _element_to_json(element)


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


def _element_digest(element: Part) -> str:
    # Kept with the element, which never changes: the schemas of a history share most
    # of theirs.
    kept = vars(element)
    digest: str | None = kept.get("_digest")
    if digest is None:
        digest = kept["_digest"] = _sha256(_element_to_json(element))
    return digest


def _all_told(elements: Mapping[Any, Part]) -> list[Json]:
    return [_told(elements[key]) for key in sorted(elements)]


def _told(element: Part) -> Json:
    """Return an element as JSON, with the names that it is not compared by."""
    told = _element_to_json(element)
    if isinstance(element, (Node, RelationshipType)):
        told["properties"] = [_told(declared) for declared in element.properties]
    if isinstance(element, Node):
        told["relationships"] = [_told(declared) for declared in element.relationships]
    for name in ("name", "attribute"):
        if name not in told and (value := getattr(element, name, None)):
            told[name] = value
    return told


def _sha256(value: Any) -> str:
    return hashlib.sha256(_text(value).encode("utf-8", "surrogatepass")).hexdigest()


def _element_to_json(element: Part) -> Json:
    # A field that is as a new element has it is left out, so that elements may get
    # further fields without another digest.
    return {
        field.name: _field_to_json(field.name, getattr(element, field.name))
        for field in fields(element)
        if field.compare and getattr(element, field.name) != field.default
    }


def _field_to_json(name: str, value: Any) -> Any:
    if name == "default":
        return value_to_json(value)
    if name == "options":
        return {key: value_to_json(option) for key, option in value}
    if isinstance(value, tuple):
        return [
            _element_to_json(item)
            if isinstance(item, (Property, Relationship))
            else item
            for item in value
        ]
    return value.value if isinstance(value, Enum) else value


def _text(value: Any) -> str:
    return json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )

"""Calls of functions of `op`, as a revision file writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from alembic_neo4j.schema.definitions import Direction, Property, Relationship


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

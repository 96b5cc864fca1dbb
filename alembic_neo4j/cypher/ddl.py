"""Index and constraint commands as Cypher text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch

from alembic_neo4j.cypher.quoting import literal, quote
from alembic_neo4j.schema.definitions import (
    Constraint,
    Element,
    EntityType,
    Index,
    Value,
)
from alembic_neo4j.schema.property_types import constraint_type


@singledispatch
def create_text(element: Element) -> str:
    """Return the command that creates an index or a constraint.

    Never ``IF NOT EXISTS``: on a name that is taken by something else it silently
    does nothing. Raises SchemaError for a property type that no constraint can have
    and for a name that Neo4j can't have.
    """
    raise TypeError(f"not an index or a constraint: {element!r}")


@create_text.register(Index)
def _create_index(element: Index) -> str:
    variable, pattern = _pattern(element.entity, element.labels)
    return (
        f"CREATE {element.kind.value} INDEX {quote(element.name)} FOR {pattern} "
        f"ON {_indexed(element, variable)}{_options(element.options)}"
    )


@create_text.register(Constraint)
def _create_constraint(element: Constraint) -> str:
    variable, pattern = _pattern(element.entity, element.labels)
    properties = _properties(variable, element.properties)
    return (
        f"CREATE CONSTRAINT {quote(element.name)} FOR {pattern} "
        f"REQUIRE ({properties}) IS {_required(element)}"
    )


def drop_text(element: Element) -> str:
    """Return the command that drops an index or a constraint by its name."""
    noun = "INDEX" if isinstance(element, Index) else "CONSTRAINT"
    return f"DROP {noun} {quote(element.name)}"


def _pattern(entity: EntityType, labels: Sequence[str]) -> tuple[str, str]:
    names = "|".join(quote(label) for label in labels)
    if entity is EntityType.NODE:
        return "n", f"(n:{names})"
    return "r", f"()-[r:{names}]-()"


def _properties(variable: str, names: Iterable[str]) -> str:
    return ", ".join(f"{variable}.{quote(name)}" for name in names)


def _indexed(element: Index, variable: str) -> str:
    properties = _properties(variable, element.properties)
    if element.kind.traits.covers_any:
        return f"EACH [{properties}]"
    return f"({properties})"


def _options(options: Sequence[tuple[str, Value]]) -> str:
    if not options:
        return ""
    pairs = ", ".join(f"{quote(name)}: {literal(value)}" for name, value in options)
    return f" OPTIONS {{indexConfig: {{{pairs}}}}}"


def _required(element: Constraint) -> str:
    required = element.kind.traits.required
    if not element.kind.traits.typed:
        return required.format(entity=element.entity.value)
    return required.format(type=constraint_type(element.property_type or ""))

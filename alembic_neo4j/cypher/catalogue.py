"""What a server shows of its indexes and constraints, read as schema values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.definitions import (
    Constraint,
    Element,
    EntityType,
    Index,
    Schema,
)
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind
from alembic_neo4j.schema.property_types import read_type

OWN_LABEL_PREFIX = "__AlembicNeo4j"
"""How the label of every node that this package makes for itself begins."""

CONSTRAINTS = (
    "CYPHER 5 SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, "
    "properties, propertyType"
)
"""The query whose rows `read_catalogue` takes first.

The prefix keeps the strings stable: Cypher 25 has others for the same types.
"""

INDEXES = (
    "CYPHER 5 SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties, "
    "options, owningConstraint, state, populationPercent, failureMessage"
)
"""The query whose rows `read_catalogue` takes second."""

Row: TypeAlias = "Mapping[str, Any]"

_CONSTRAINT_KINDS = {name: k for k in ConstraintKind for name in k.traits.shown}
_DECLARED_OPTIONS = {option.key for k in IndexKind for option in k.traits.options}


@dataclass(frozen=True)
class IndexState:
    """How far an index is: its state, what is populated of it, why it failed."""

    state: str
    population: float
    failure_message: str = ""

    @property
    def online(self) -> bool:
        """Whether queries can use the index."""
        return self.state == "ONLINE"


@dataclass(frozen=True)
class Catalogue:
    """The indexes and constraints of a graph that are a person's business.

    `schema` has no nodes and no relationship types. `states` and `settings` (what the
    server configured beyond what a person declares) are keyed by the index's name;
    `states` has the indexes that belong to constraints too. `unreadable` names what
    this package has no word for, each with the reason.
    """

    schema: Schema
    states: Mapping[str, IndexState] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)


def read_catalogue(
    constraint_rows: Iterable[Row], index_rows: Iterable[Row]
) -> Catalogue:
    """Return the catalogue that the rows of CONSTRAINTS and of INDEXES show.

    Left out are LOOKUP indexes, the indexes that belong to a constraint, and all that
    is on a label of this package. An index that a broken creation of a constraint
    left behind is an index like others: the constraint it was for is missing.
    """
    unreadable: dict[str, str] = {}
    constraints, indexes = [], []
    shown = [row for row in index_rows if not _is_own(row) and not _is_lookup(row)]
    free = [row for row in shown if row["owningConstraint"] is None]
    for row in constraint_rows:
        try:
            constraints += [] if _is_own(row) else [_constraint(row)]
        except (SchemaError, ValueError) as error:
            unreadable[row["name"]] = str(error)
    for row in free:
        try:
            indexes.append(_index(row))
        except (SchemaError, ValueError) as error:
            unreadable[row["name"]] = str(error)
    return Catalogue(
        schema=Schema.of(indexes=indexes, constraints=constraints),
        states={row["name"]: _state(row) for row in shown},
        settings={row["name"]: _settings(row) for row in free if _settings(row)},
        unreadable=unreadable,
    )


def same_definition(
    declared: Element,
    found: Element,
    *,
    settings: Mapping[str, Any] | None = None,
) -> bool:
    """Tell whether what a server has is what was declared; names are not compared.

    Of a vector index's options only those that were declared count, for the server
    fills in the others; `settings` are the found index's from `Catalogue.settings`.
    """
    if declared.key != found.key:
        return False
    if isinstance(declared, Constraint) and isinstance(found, Constraint):
        return _type_of(declared) == _type_of(found)
    if isinstance(declared, Index) and isinstance(found, Index):
        return _same_options(declared, found, settings or {})
    return False


def _is_own(row: Row) -> bool:
    labels = row["labelsOrTypes"] or ()
    return any(label.startswith(OWN_LABEL_PREFIX) for label in labels)


def _is_lookup(row: Row) -> bool:
    return bool(row["type"] == "LOOKUP")


def _constraint(row: Row) -> Constraint:
    kind = _CONSTRAINT_KINDS.get(row["type"])
    if kind is None:
        raise SchemaError(f"a constraint of type {row['type']}")
    if len(row["labelsOrTypes"]) != 1:
        raise SchemaError("a constraint on several labels")
    property_type = row["propertyType"] if kind.traits.typed else None
    return Constraint(
        kind,
        EntityType(row["entityType"]),
        row["labelsOrTypes"][0],
        tuple(row["properties"]),
        property_type and read_type(property_type),
        name=row["name"],
    )


def _index(row: Row) -> Index:
    config = _config(row)
    return Index(
        IndexKind(row["type"]),
        EntityType(row["entityType"]),
        tuple(row["labelsOrTypes"]),
        tuple(row["properties"]),
        tuple((key, config[key]) for key in config if key in _DECLARED_OPTIONS),
        name=row["name"],
    )


def _state(row: Row) -> IndexState:
    return IndexState(
        row["state"], float(row["populationPercent"] or 0), row["failureMessage"] or ""
    )


def _settings(row: Row) -> dict[str, Any]:
    config = _config(row)
    return {key: config[key] for key in config if key not in _DECLARED_OPTIONS}


def _config(row: Row) -> Mapping[str, Any]:
    config: Mapping[str, Any] = (row["options"] or {}).get("indexConfig") or {}
    return config


def _type_of(constraint: Constraint) -> str | None:
    return constraint.property_type and read_type(constraint.property_type)


def _same_options(declared: Index, found: Index, settings: Mapping[str, Any]) -> bool:
    known = {**_quantized(settings), **dict(found.options)}
    # The values drop what the server takes by itself: none means the default.
    named = declared.kind.traits.options
    defaults = {o.key: None for o in named if o.default is not None}
    wanted = {**defaults, **dict(declared.options)}
    return all(known.get(key) == value for key, value in wanted.items())


def _quantized(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    # Neo4j 5 has quantization.enabled, 2026 the type that it became.
    kind = settings.get("vector.quantization.type")
    if kind is None:
        return settings
    return {**settings, "vector.quantization.enabled": kind != "NONE"}

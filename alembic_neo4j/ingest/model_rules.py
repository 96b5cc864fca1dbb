"""What the models ask of rows: rules made of a schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches

from alembic_neo4j.cypher.load_defaults import generated
from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.rules import PropertyRules, Rules
from alembic_neo4j.schema.elements import ConstraintKind, EntityType, Property, Schema


def rules_of_properties(properties: Iterable[Property]) -> Rules:
    """Return what a model asks of values: its types, choices, lengths and patterns.

    A required property with a default may be missing: a load fills it in. A default
    that only a callable of Python's makes is none here.
    """
    return Rules(
        tuple(
            PropertyRules(
                p.name,
                p.type,
                required=p.required and p.default is None and generated(p) is None,
                max_length=p.max_length,
                pattern=p.pattern,
                allowed=p.choices,
                format=p.format,
                crs=p.crs,
                attribute=p.attribute,
            )
            for p in properties
        )
    )


def rules_of_label(schema: Schema, label: str) -> Rules:
    """Return what the model of a label asks of its nodes, uniqueness included.

    Raises IngestError where the schema has no such label.
    """
    node = schema.nodes.get(label)
    if node is None:
        raise _unknown_name("label", label, schema.nodes)
    rules = rules_of_properties(node.properties)
    unique = _unique(schema, EntityType.NODE, node.labels)
    return replace(rules, unique=unique, unknown="keep" if node.open else "refuse")


def rules_of_type(schema: Schema, type: str) -> Rules:
    """Return what the model of a relationship type asks of its properties.

    Columns that it does not name are kept: the keys of both ends are such. A type
    without properties asks nothing. Raises IngestError where no model has it.
    """
    known = {
        **dict.fromkeys(r.type for n in schema.nodes.values() for r in n.relationships),
        **schema.relationship_types,
    }
    if type not in known:
        raise _unknown_name("relationship type", type, known)
    declared = schema.relationship_types.get(type)
    rules = rules_of_properties(declared.properties if declared else ())
    return replace(rules, unique=_unique(schema, EntityType.RELATIONSHIP, (type,)))


def _unique(
    schema: Schema, entity: EntityType, labels: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    kinds = (ConstraintKind.UNIQUE, ConstraintKind.KEY)
    return tuple(
        c.properties
        for c in schema.constraints.values()
        if c.entity is entity and c.label in labels and c.kind in kinds
    )


def _unknown_name(what: str, name: str, known: Iterable[str]) -> IngestError:
    close = get_close_matches(name, list(known), n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    return IngestError(f"Expected a {what} of the models, found {name!r}.{meant}")

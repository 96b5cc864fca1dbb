"""Refusing rows under labels and types that no model has: nobody would find them."""

from __future__ import annotations

from collections.abc import Iterable

from alembic_neo4j.cypher.load_targets import LoadTarget
from alembic_neo4j.errors import IngestError
from alembic_neo4j.schema.elements import Schema
from alembic_neo4j.schema.known_names import ALLOW, KnownNames


def refuse_targets(title: str, targets: Iterable[LoadTarget], schema: Schema) -> None:
    """Raise IngestError where rows would become what no model of a schema has."""
    names = [name for target in targets for name in target.names]
    found = list(KnownNames.of(schema).unknown(names))
    if found:
        raise IngestError(f"{title}: {' '.join(found)} Nothing was loaded. {ALLOW}.")

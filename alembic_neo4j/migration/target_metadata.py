"""What autogenerate compares the history with: the schema that the models declare."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.schema.definitions import Schema

DEFAULT_DATABASE = "neo4j"
"""The database that a server has from the beginning, where none is named."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelTarget:
    """The packages of the models; Alembic's ``target_metadata`` of a graph.

    Models that name other databases than this one are none of the graph's.
    """

    packages: tuple[str, ...]
    database: str = DEFAULT_DATABASE

    def schema(self) -> Schema:
        """Import the models and return their schema; raises ModelError."""
        if not self.packages:
            raise ConfigurationError(
                "neo4j.models is not set: name the packages or modules of your "
                "neomodel models, comma separated"
            )
        from alembic_neo4j.schema.models import read_models

        found = read_models(self.packages, self.database)
        for warning in found.warnings:
            log.warning("%s", warning)
        log.info(
            "Read models (%d) and relationship types (%d) from %s",
            found.models,
            found.relationships,
            ", ".join(self.packages),
        )
        return found.schema


def schema_of(metadata: Any) -> Schema:
    """Return the schema that a ``target_metadata`` means.

    A sequence is the union of its members. Raises ConfigurationError for anything
    else than ModelTarget and Schema.
    """
    if isinstance(metadata, ModelTarget):
        return metadata.schema()
    if isinstance(metadata, Schema):
        return metadata
    if isinstance(metadata, Sequence) and not isinstance(metadata, str) and metadata:
        return _union([schema_of(item) for item in metadata])
    raise ConfigurationError(
        f"target_metadata is a {type(metadata).__name__}; expected what "
        "environment.target_schema(config) returns, or a Schema"
    )


def _union(schemas: Sequence[Schema]) -> Schema:
    return Schema.of(
        nodes=[n for s in schemas for n in s.nodes.values()],
        relationship_types=[t for s in schemas for t in s.relationship_types.values()],
        indexes=[i for s in schemas for i in s.indexes.values()],
        constraints=[c for s in schemas for c in s.constraints.values()],
    )

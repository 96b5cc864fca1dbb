"""The changes of a schema as reversible values, each knowing its effect on a schema."""

from __future__ import annotations

from alembic_neo4j.schema.changes.change import (
    Change,
    Irreversible,
    Placeholder,
    Values,
)
from alembic_neo4j.schema.changes.elements import (
    AddConstraint,
    AddIndex,
    DropConstraint,
    DropIndex,
)
from alembic_neo4j.schema.changes.nodes import (
    AddLabel,
    AddNode,
    AlterNode,
    RemoveLabel,
    RemoveNode,
    RenameLabel,
)
from alembic_neo4j.schema.changes.properties import (
    AddProperty,
    AlterProperty,
    OnConflict,
    Removal,
    RemoveProperty,
    RenameProperty,
)
from alembic_neo4j.schema.changes.relationships import (
    AddRelationship,
    AddRelationshipType,
    AlterRelationship,
    AlterRelationshipType,
    RemoveRelationship,
    RemoveRelationshipType,
    RenameRelationshipType,
    ReverseRelationships,
)

__all__ = [
    "AddConstraint",
    "AddIndex",
    "AddLabel",
    "AddNode",
    "AddProperty",
    "AddRelationship",
    "AddRelationshipType",
    "AlterNode",
    "AlterProperty",
    "AlterRelationship",
    "AlterRelationshipType",
    "Change",
    "DropConstraint",
    "DropIndex",
    "Irreversible",
    "OnConflict",
    "Placeholder",
    "Removal",
    "RemoveLabel",
    "RemoveNode",
    "RemoveProperty",
    "RemoveRelationship",
    "RemoveRelationshipType",
    "RenameLabel",
    "RenameProperty",
    "RenameRelationshipType",
    "ReverseRelationships",
    "Values",
]

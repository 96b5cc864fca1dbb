"""The schema of a revision or of the models, and what leads from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.script import ScriptDirectory

from alembic_neo4j.command.inspection import inspect_project
from alembic_neo4j.configuration.project import read_options
from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.migration.compare import (
    filtered,
    phrase,
    quiet_comparison,
    schema_of,
    without_enterprise,
)
from alembic_neo4j.migration.context import Neo4jMigrationContext
from alembic_neo4j.migration.operations import ChangeOp
from alembic_neo4j.migration.replay import History
from alembic_neo4j.migration.session import paths_of
from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.definitions import Property, Relationship, Schema
from alembic_neo4j.schema.diff import diff
from alembic_neo4j.schema.digest import element_to_json, schema_digest, value_to_json

MODELS = "models"
"""What stands for the models where a revision may stand."""


@dataclass(frozen=True)
class SchemaDifference:
    """What leads from one schema to another.

    `changes` are those that autogenerate would write. The digests may differ without
    any: then `is_equal` is false all the same.
    """

    before: str
    after: str
    changes: tuple[Change, ...]

    @property
    def is_equal(self) -> bool:
        """Whether there is no difference."""
        return self.before == self.after and not self.changes


def read_schema(config: Config, name: str) -> Schema:
    """Return the schema at a revision, by replaying the history, or of the models.

    `name` is ``models`` or what Alembic takes for a revision, such as ``head``,
    ``heads``, ``base`` and the beginning of an id. Neither graph nor ledger are asked.
    Of the models it is what autogenerate leads to: without what only Enterprise Edition
    has, unless ``neo4j.enterprise`` is true, and with env.py's filters.
    """
    if name == MODELS:
        return inspect_project(config, _models)
    script = ScriptDirectory.from_config(config)
    if name == "base":
        return Schema()
    revisions = [found for found in script.get_revisions(name) if found is not None]
    arguments = getattr(config.cmd_opts, "x", None) or ()
    paths = paths_of(read_options(config, list(arguments)))
    return History(script, paths).at(revision.revision for revision in revisions)


def declared_schema(config: Config) -> Schema:
    """Return the schema of the models that the project's env.py names."""
    return inspect_project(
        config, lambda context: schema_of(context.opts["target_metadata"])
    )


def compare_schemas(config: Config, before: str, after: str) -> SchemaDifference:
    """Return what leads from one schema to another, each as `read_schema` takes it."""
    old, new = read_schema(config, before), read_schema(config, after)
    with_names = (
        inspect_project(config, lambda context: context.session.options.compare_names)
        if MODELS in (before, after)
        else False
    )
    found = diff(old, new, compare_names=with_names)
    return SchemaDifference(schema_digest(old), schema_digest(new), found.changes)


def change_to_json(change: Change) -> dict[str, Any]:
    """Return a change as JSON: its operation, what it is called with, and in words."""
    operation = ChangeOp.of(change)
    return {
        "operation": operation.call.name,
        "arguments": [_value(value) for value in operation.call.arguments],
        "keywords": {k: _value(v) for k, v in operation.call.keywords.items()},
        "text": phrase(operation),
    }


def change_to_text(change: Change) -> str:
    """Return a change in words."""
    return phrase(ChangeOp.of(change))


def _models(context: Neo4jMigrationContext) -> Schema:
    metadata = context.opts.get("target_metadata")
    if metadata is None:
        raise ConfigurationError(
            "env.py gives no target_metadata, so there are no models to read: see "
            "environment.target_schema(config)"
        )
    with quiet_comparison():
        wanted, _ = without_enterprise(schema_of(metadata), context.session.options)
    comparing = AutogenContext(context, metadata)
    return filtered(comparing, context.session.history.at_heads(), wanted)


def _value(value: Any) -> Any:
    if isinstance(value, (Property, Relationship)):
        return element_to_json(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _value(item) for key, item in asdict(value).items()}
    return value_to_json(value)

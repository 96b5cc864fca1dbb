"""The autogenerate comparator: the history's schema against that of the models."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import UpgradeOps
from alembic.util import PriorityDispatchResult

from alembic_neo4j.configuration.project import Options
from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.migration.operations import ChangeOp
from alembic_neo4j.migration.renames import decide_renames, describe_candidate
from alembic_neo4j.migration.replay import History
from alembic_neo4j.schema.definitions import (
    Constraint,
    Index,
    Node,
    Relationship,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.diff import Candidate, Difference, diff

# Alembic's ``include_name`` and ``include_object`` for the elements of a schema -------


Owner = TypeVar("Owner", Node, RelationshipType)


def filtered(context: AutogenContext, before: Schema, after: Schema) -> Schema:
    """Return `after` with what the filters exclude as it is in `before`.

    The filters are called with the type ``node``, ``relationship``, ``property``,
    ``index`` or ``constraint``; the parent names of a property, an index and a
    constraint hold its ``label``.
    """
    if not context._name_filters and not context._object_filters:
        return after
    select = Selection(context)
    nodes = select.mapping("node", before.nodes, after.nodes)
    types = select.mapping(
        "relationship", before.relationship_types, after.relationship_types
    )
    return replace(
        after,
        nodes={k: select.owner(before.nodes.get(k), v) for k, v in nodes.items()},
        relationship_types={
            k: select.owner(before.relationship_types.get(k), v)
            for k, v in types.items()
        },
        indexes=select.mapping("index", before.indexes, after.indexes),
        constraints=select.mapping("constraint", before.constraints, after.constraints),
    )


@dataclass(frozen=True)
class Selection:
    """What the filters of env.py leave in."""

    context: AutogenContext

    def owner(self, before: Owner | None, after: Owner) -> Owner:
        """Return `after` with the properties that are excluded as they are before."""
        old = {} if before is None else {p.name: p for p in before.properties}
        new = {p.name: p for p in after.properties}
        kept = self.mapping("property", old, new, label=_name(after))
        return replace(after, properties=tuple(kept.values()))

    def mapping(
        self,
        type_: str,
        before: Mapping[Any, Any],
        after: Mapping[Any, Any],
        *,
        label: str | None = None,
    ) -> dict[Any, Any]:
        """Return `after` with the elements that are excluded as they are before."""
        result = {}
        for key in {**before, **after}:
            old, new = before.get(key), after.get(key)
            kept = new if self.includes(type_, old, new, label) else old
            if kept is not None:
                result[key] = kept
        return result

    def includes(
        self, type_: str, old: Any, new: Any, label: str | None = None
    ) -> bool:
        """Tell whether an element is in, as it is (None where it is not) and should be.

        `label` is the owner of a property.
        """
        element = old if new is None else new
        name, kind = _name(element), cast("Any", type_)
        parents = cast("Any", {"label": label or _label(element)})
        if old is not None and not self.context.run_name_filters(name, kind, parents):
            return False
        return self.context.run_object_filters(
            element, name, kind, new is None, None if new is None else old
        )


def _label(element: Any) -> str:
    if isinstance(element, (Index, Constraint)):
        return element.labels[0]
    return _name(element)


def _name(element: Any) -> str:
    if isinstance(element, Node):
        return element.label
    if isinstance(element, RelationshipType):
        return element.type
    return str(element.name)


# What autogenerate compares the history with: the schema that the models declare ------


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


# The autogenerate comparator: the history's schema against the models' ----------------


def compare_schema(
    autogen_context: AutogenContext, upgrade_ops: UpgradeOps
) -> PriorityDispatchResult:
    """Add the operations that lead from the history's heads to the models.

    Raises ModelError, ReplayError and ConfigurationError; no graph is asked.
    """
    before = _history_schema(autogen_context)
    wanted = schema_of(autogen_context.metadata)
    options = _options(autogen_context)
    after, left_out = without_enterprise(wanted, options)
    after = filtered(autogen_context, before, after)
    renames, open_candidates = decide_renames(autogen_context, before, after)
    difference = diff(
        before, after, renames=renames, compare_names=options.compare_names
    )
    operations = [ChangeOp.of(change) for change in difference.changes]
    for operation in operations:
        log.info("Detected %s", phrase(operation))
    if operations:
        remarks = _remarks(operations, difference, open_candidates, left_out)
        operations[0].comment = "\n".join(remarks)
    upgrade_ops.ops.extend(operations)
    return PriorityDispatchResult.CONTINUE


@contextmanager
def quiet_comparison() -> Iterator[None]:
    """Keep a comparison from reporting what is going to be a finding."""
    names = (__name__, schema_of.__module__, "alembic.runtime.plugins")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _history_schema(autogen_context: AutogenContext) -> Schema:
    session = getattr(autogen_context.migration_context, "session", None)
    script = autogen_context.migration_context.script
    if script is None:
        return Schema()
    history: History = session.history if session else History(script)
    return history.at_heads()


def _options(autogen_context: AutogenContext) -> Options:
    session = getattr(autogen_context.migration_context, "session", None)
    return session.options if session else Options()


def without_enterprise(
    schema: Schema, options: Options
) -> tuple[Schema, list[Constraint]]:
    """Return a schema without what only Enterprise Edition has, and what that was.

    It keeps all with ``neo4j.enterprise = true``.
    """
    if options.enterprise:
        return schema, []
    left_out = [
        constraint
        for constraint in schema.constraints.values()
        if constraint.kind.traits.enterprise
    ]
    keys = {constraint.key for constraint in left_out}
    kept = {k: c for k, c in schema.constraints.items() if k not in keys}
    return replace(schema, constraints=kept), left_out


def _remarks(
    operations: list[ChangeOp],
    difference: Difference,
    candidates: tuple[Candidate, ...],
    left_out: list[Constraint],
) -> Iterator[str]:
    for candidate in candidates:
        yield describe_candidate(candidate)
    for note in difference.notes:
        yield "\n    ".join(filter(None, (note.text, note.code)))
    touched = {owner for operation in operations for owner in _owners(operation)}
    for constraint in left_out:
        if constraint.label in touched:
            yield _left_out(constraint)


def _left_out(constraint: Constraint) -> str:
    return (
        f"Left out: the {constraint.kind.value.lower()} constraint on "
        f"{constraint.label}({', '.join(constraint.properties)}) needs Enterprise "
        "Edition; neo4j.enterprise = true writes it."
    )


def _owners(operation: ChangeOp) -> list[str]:
    owner = operation.call.arguments[0]
    return [owner] if isinstance(owner, str) else list(owner)


def phrase(operation: ChangeOp) -> str:
    """Return the operation in words, as Alembic reports what it detected."""
    verb, _, noun = operation.call.name.partition("_")
    owner, *others = _named(operation.call.arguments)
    what = f"{_PAST[verb]} {noun.replace('_', ' ')}"
    if verb == "rename":
        *of, old, new = owner, *others
        return f"{what} {'.'.join((*of, old))} -> {new}"
    if noun == "relationship":
        return f"{what} {owner}.{'.'.join(others)}"
    return f"{what} {owner}({', '.join(others)})" if others else f"{what} {owner}"


_PAST = {
    "add": "added",
    "alter": "altered",
    "drop": "removed",
    "remove": "removed",
    "rename": "renamed",
    "restore": "restored",
    "reverse": "reversed",
}


def _named(arguments: Iterable[Any]) -> list[str]:
    names = []
    for argument in arguments:
        if isinstance(argument, (list, tuple)):
            names.append("|".join(argument))
        elif not isinstance(argument, Relationship):
            names.append(str(getattr(argument, "name", argument)))
    return names

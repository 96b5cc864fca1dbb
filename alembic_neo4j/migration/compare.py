"""The autogenerate comparator: the history's schema against the models'."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import UpgradeOps
from alembic.util import PriorityDispatchResult

from alembic_neo4j.configuration.project import Options
from alembic_neo4j.migration.filters import filtered
from alembic_neo4j.migration.operations import ChangeOp
from alembic_neo4j.migration.renames import decide_renames, describe_candidate
from alembic_neo4j.migration.replay import History
from alembic_neo4j.migration.target_metadata import schema_of
from alembic_neo4j.schema.definitions import Constraint, Relationship, Schema
from alembic_neo4j.schema.diff import Candidate, Difference, diff

log = logging.getLogger(__name__)


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
    script = autogen_context.migration_context.script
    return Schema() if script is None else History(script).at_heads()


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

"""Steps in groups that may share a transaction, and how the journal knows a group."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from alembic_neo4j.cypher.batch_rollback import Undo
from alembic_neo4j.cypher.ddl import create_text, drop_text
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.cypher.steps import (
    Batched,
    Check,
    Create,
    Drop,
    Merge,
    Report,
    Run,
    SchemaStep,
    Step,
    Stop,
)
from alembic_neo4j.schema.elements import Index


def units(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """Yield the steps in groups that may share one transaction, in their order."""
    pending: list[Step] = []
    for step in steps:
        if pending and not step.joins(pending):
            yield pending
            pending = []
        pending.append(step)
    if pending:
        yield pending


def ordered(steps: Sequence[Step]) -> list[Step]:
    """Return the steps with each check ahead of the schema commands before it.

    What would be created only to be dropped again is not created at all.
    """
    result: list[Step] = []
    for step in steps:
        if isinstance(step, Drop) and (made := Create(step.element)) in result:
            result.remove(made)
        elif isinstance(step, Check):
            position = len(result)
            while position and isinstance(result[position - 1], SchemaStep):
                position -= 1
            result.insert(position, step)
        else:
            result.append(step)
    return result


def kind_of(unit: Sequence[Step]) -> str:
    """Return what a group of steps is, as the journal and messages name it."""
    return unit[0].kind_of_unit


def only_reads(unit: Sequence[Step]) -> bool:
    """Tell whether a group of steps has no effect: the journal leaves it out."""
    return not unit[0].is_recorded


def script_of(unit: Sequence[Step]) -> str:
    """Return the statements of a group of steps, each ended by a semicolon.

    Raises OfflineError for a step that can't be written down.
    """
    lines = [step.script for step in unit]
    if any(
        isinstance(step, Create) and isinstance(step.element, Index) for step in unit
    ):
        lines.append("CALL db.awaitIndexes();")
    return "\n".join(lines)


def digest_of(unit: Sequence[Step]) -> str:
    """Return the SHA-256 of what a group of steps runs, parameters left out."""
    texts = "\n".join(_text(step) for step in unit)
    return hashlib.sha256(texts.encode("utf-8", "surrogatepass")).hexdigest()


def _text(step: Step) -> str:
    if isinstance(step, Create):
        return create_text(step.element)
    if isinstance(step, Drop):
        return drop_text(step.element)
    if isinstance(step, Batched):
        return f"{step.select}\n{step.write}"
    if isinstance(step, (Check, Report)):
        return step.query
    if isinstance(step, Merge):
        return f"{step.groups}\n{step.policies!r}\n{step.policy}"
    if isinstance(step, Load):
        return f"{step.target!r}\n{step.batch}\n{step.tag}\n{step.source}"
    if isinstance(step, Undo):
        return repr(step)
    if isinstance(step, Run):
        return step.text
    assert isinstance(step, Stop)
    return step.message

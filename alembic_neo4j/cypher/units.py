"""Steps in groups that may share a transaction, and how the journal knows a group."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from alembic_neo4j.cypher.ddl import create_text, drop_text
from alembic_neo4j.cypher.schema_text import verb
from alembic_neo4j.cypher.statements import Kind
from alembic_neo4j.cypher.steps import (
    Batched,
    Check,
    Create,
    Drop,
    Load,
    Merge,
    Report,
    Run,
    Step,
    Undo,
)

TOGETHER = 1_000
"""How many raw statements share a transaction at most, which the server has to hold."""


def units(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """Yield the steps in groups that may share one transaction, in their order."""
    pending: list[Step] = []
    for step in steps:
        full = len(pending) == TOGETHER and isinstance(step, Run)
        if pending and (full or not _may_share(pending[-1], step)):
            yield pending
            pending = []
        pending.append(step)
    if pending:
        yield pending


def _may_share(before: Step, step: Step) -> bool:
    # A create and a drop of one schema in one transaction break the index when it is
    # rolled back (neo4j/neo4j#13539).
    if isinstance(before, Run) and isinstance(step, Run):
        if before.kind is step.kind is Kind.SCHEMA:
            return verb(before.text) == verb(step.text)
        return before.kind is step.kind is Kind.DATA
    return isinstance(step, (Create, Drop)) and type(step) is type(before)


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
            while position and isinstance(result[position - 1], (Create, Drop)):
                position -= 1
            result.insert(position, step)
        else:
            result.append(step)
    return result


def kind_of(unit: Sequence[Step]) -> str:
    """Return what a group of steps is, as the journal and messages name it."""
    first = unit[0]
    return first.kind.value if isinstance(first, Run) else type(first).__name__.lower()


def only_reads(unit: Sequence[Step]) -> bool:
    """Tell whether a group of steps has no effect: the journal leaves it out."""
    first = unit[0]
    return isinstance(first, Report) or (
        isinstance(first, Run) and first.kind is Kind.READ
    )


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
    return step.text if isinstance(step, Run) else step.message

"""Steps in groups that may share a transaction, and how the journal knows a group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from alembic_neo4j.cypher.steps import (
    Check,
    Create,
    Drop,
    Identified,
    SchemaStep,
    Step,
)
from alembic_neo4j.identity import canonical_text, identity
from alembic_neo4j.schema.definitions import Index


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


def identified(steps: Iterable[Step], *about: Any) -> Iterator[Step]:
    """Yield the steps of one change, each with its identity.

    That is what they are `about`, and which of its kind each one is: their Cypher may
    be another one in the next release.
    """
    seen: Counter[str] = Counter()
    text = ""
    for step in steps:
        if isinstance(step, Identified):
            kind, text = step.kind_of_unit, text or canonical_text(about)
            step = replace(step, identity=f"{kind} {seen[kind]} {text}")
            seen[kind] += 1
        yield step


def digest_of(unit: Sequence[Step]) -> str:
    """Return the identity of a group of steps."""
    return identity(*(step.recorded_as for step in unit))

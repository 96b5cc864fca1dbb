"""Steps as the text of a script that cypher-shell runs as it is."""

from __future__ import annotations

from collections.abc import Sequence

from alembic_neo4j.errors import OfflineError
from alembic_neo4j.graph.batch_scripts import batch_step_texts
from alembic_neo4j.graph.ddl import create_text, drop_text
from alembic_neo4j.graph.quoting import inline
from alembic_neo4j.graph.steps import (
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
from alembic_neo4j.schema.elements import Index


def unit_text(unit: Sequence[Step]) -> str:
    """Return the statements of one unit, each ended by a semicolon.

    A check becomes a query in comments: a script can't stop on what it finds. Raises
    OfflineError for a step that can't be written down.
    """
    lines = [_text(step) for step in unit]
    if any(
        isinstance(step, Create) and isinstance(step.element, Index) for step in unit
    ):
        lines.append("CALL db.awaitIndexes();")
    return "\n".join(lines)


def comment(text: str) -> str:
    """Return the text as comment lines, whatever line ends a name may hold."""
    return "\n".join(f"// {line}".rstrip() for line in text.splitlines())


def _text(step: Step) -> str:
    if isinstance(step, Create):
        return f"{create_text(step.element)};"
    if isinstance(step, Drop):
        return f"{drop_text(step.element)};"
    if isinstance(step, Batched):
        statement = inline(step.offline, step.parameters)
        return f"{comment(step.title)}\n{statement};"
    if isinstance(step, Check):
        query = inline(step.query, step.parameters)
        expected = f"Expected: {step.expected}. This returns no row then:"
        return comment(f"{expected}\n{query}\n{step.advice}")
    if isinstance(step, Report):
        query = inline(step.query, step.parameters)
        return comment(f"This tells: {step.text}\n{query}\n{step.advice}")
    if isinstance(step, Merge):
        raise OfflineError(
            f"{step.title}: the types of the relationships are not known, so that it "
            "can't be written to a script. Run it with `alembic -c neo4j.ini upgrade`"
        )
    if isinstance(step, Run):
        return f"{inline(step.text, step.parameters).rstrip().rstrip(';')};"
    if isinstance(step, (Load, Undo)):
        texts = [f"{text};" for text in batch_step_texts(step)]
        return "\n".join([comment(step.title), *texts])
    raise OfflineError(step.message)

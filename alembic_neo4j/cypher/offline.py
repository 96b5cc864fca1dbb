"""Steps as the text of a script that cypher-shell runs as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic_neo4j.cypher.batch_rollback import undoing
from alembic_neo4j.cypher.before_images import ensure_text
from alembic_neo4j.cypher.ddl import create_text, drop_text
from alembic_neo4j.cypher.load_rows import checked_row, packed
from alembic_neo4j.cypher.load_statements import load_statements
from alembic_neo4j.cypher.quoting import inline
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
from alembic_neo4j.errors import OfflineError
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
        texts = [f"{text};" for text in _batch_texts(step)]
        return "\n".join([comment(step.title), *texts])
    raise OfflineError(step.message)


MOST_ROWS = 1_000
"""How many rows are written into a script."""


def _batch_texts(step: Load | Undo) -> Iterator[str]:
    """Yield the statements of a step, without their semicolons.

    Raises OfflineError for rows that are no list, or too many for a script, and
    IngestError for those that can't be loaded.
    """
    if isinstance(step, Undo):
        yield from ensure_text()
        for change in undoing(step):
            yield inline(change.offline, change.parameters)
        return
    rows = _rows(step)
    if not rows:
        return
    if step.target.merge_keys is not None:
        yield from ensure_text()
    names, lists = packed(step, rows, 1)
    defaults = step.defaults
    statements = load_statements(
        step.target, names, step.tag, step.batch, defaults.expressions
    )
    parameters = {**statements.parameters, **defaults.parameters, "rows": lists}
    for text in (*statements.images, statements.write):
        yield inline(text, parameters)


def _rows(load: Load) -> list[dict[str, object]]:
    if not isinstance(load.rows, Sequence):
        raise OfflineError(
            f"{load.title}: its rows can't be written to a script, since they come "
            "from a file or an iterator. Run it with `alembic -c neo4j.ini upgrade`, "
            "or guard it with `if not op.get_context().as_sql:`"
        )
    if len(load.rows) > MOST_ROWS:
        raise OfflineError(
            f"{load.title}: {len(load.rows):,} rows are too many for a script; "
            f"{MOST_ROWS:,} can be written. Run it with `alembic -c neo4j.ini upgrade`"
        )
    return [checked_row(row, number) for number, row in enumerate(load.rows, 1)]

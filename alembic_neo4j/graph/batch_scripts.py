"""The steps of batches as the text of a script: rows as literals, what undoes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic_neo4j.errors import OfflineError
from alembic_neo4j.graph.batch_rollback import undoing
from alembic_neo4j.graph.before_images import ensure_text
from alembic_neo4j.graph.load_rows import checked_row, packed
from alembic_neo4j.graph.load_statements import load_statements
from alembic_neo4j.graph.quoting import inline
from alembic_neo4j.graph.steps import Load, Undo

MOST_ROWS = 1_000
"""How many rows are written into a script."""


def batch_step_texts(step: Load | Undo) -> Iterator[str]:
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

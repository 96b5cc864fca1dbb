"""Looking through the rows of a load that nothing has carried out yet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from alembic_neo4j.cypher.load_rows import judge_rows
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.cypher.stored_rows import stored_rows
from alembic_neo4j.errors import IngestError
from alembic_neo4j.migration.batch_operations import LoadOp
from alembic_neo4j.schema.elements import Schema


def problem_in_rows(operation: LoadOp, schema: Schema) -> str:
    """Return what is wrong with the rows of a load, if there is anything.

    Rows that can be gone through only once are left to the load itself.
    """
    if operation.judged or not isinstance(operation.rows, Collection):
        return ""
    rows = stored_rows(operation.rows, operation.target, schema)
    # The property of batches is told of by the load: a replay has no configuration.
    load = Load(operation.target, rows, batch="", tag="")
    try:
        judge_rows(replace(load, allow_nan=operation.allow_nan))
    except IngestError as error:
        return str(error)
    return ""

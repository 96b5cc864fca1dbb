"""Running rendered operations on a server without a project around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

from alembic.autogenerate import render_python_code
from alembic.operations import Operations
from alembic.operations.ops import UpgradeOps

from alembic_neo4j import op
from alembic_neo4j.cypher.events import Recording
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.schema_commands import live_catalogue
from alembic_neo4j.migration.operations import ChangeOp
from alembic_neo4j.migration.run import GraphRunner
from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.definitions import Schema


def rendered(changes: Sequence[Change]) -> str:
    operations = UpgradeOps([ChangeOp.of(change) for change in changes])
    return render_python_code(operations)


def compiled(code: str) -> Callable[[], None]:
    namespace: dict[str, Any] = {"op": op}
    exec(f"def upgrade():\n    {code}", namespace)
    return cast("Callable[[], None]", namespace["upgrade"])


def reversed_(changes: Sequence[Change]) -> list[Change]:
    return [change.reverse() for change in reversed(changes)]


def run(
    graph: Graph,
    schema: Schema,
    changes: Sequence[Change],
    undone: Sequence[Change] = (),
) -> Schema:
    """Run the rendered operations, placeholders filled in; return the schema after.

    `undone` are the changes of an upgrade of which they are the downgrade.
    """
    runner = GraphRunner(graph, Limits(batch_size=2))
    # As in a downgrade: what only Python knows stops none.
    runner.reports_rules = bool(undone)
    recording = Recording((), schema, undone=tuple(undone))
    runner.begin("random", schema, recording=recording)
    context = SimpleNamespace(
        impl=SimpleNamespace(__dialect__="neo4j", run=runner.invoke)
    )
    code = rendered(changes)
    code = code.replace("backfill=op.FILL_IN", "backfill='0'")
    code = code.replace("using=op.FILL_IN", "using='value'")
    with Operations.context(cast("Any", context)):
        compiled(code)()
        runner.flush()
    return runner.schema


def live(graph: Graph) -> set[Any]:
    found = live_catalogue(graph).schema
    return {*found.indexes.values(), *found.constraints.values()}


def elements(schema: Schema) -> set[Any]:
    return {*schema.indexes.values(), *schema.constraints.values()}

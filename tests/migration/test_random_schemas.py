"""Random pairs of schemas: the rendered operations lead there and back, on a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

from alembic.autogenerate import render_python_code
from alembic.operations import Operations
from alembic.operations.ops import UpgradeOps
from hypothesis import HealthCheck, Phase, given, settings

from alembic_neo4j import op
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.execute import Limits, live_catalogue
from alembic_neo4j.graph.wipe import wipe
from alembic_neo4j.migration.operations import ChangeOp
from alembic_neo4j.migration.replay import record
from alembic_neo4j.migration.run import GraphRunner
from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.diff import diff
from alembic_neo4j.schema.elements import Schema
from tests.schema.strategies import evolutions


def rendered(changes: Sequence[Change]) -> str:
    operations = UpgradeOps([ChangeOp.of(change) for change in changes])
    return render_python_code(operations)


def compiled(code: str) -> Callable[[], None]:
    namespace: dict[str, Any] = {"op": op}
    exec(f"def upgrade():\n    {code}", namespace)
    return cast("Callable[[], None]", namespace["upgrade"])


def reversed_(changes: Sequence[Change]) -> list[Change]:
    return [change.reverse() for change in reversed(changes)]


@given(evolutions(enterprise=True))
@settings(deadline=None)
def test_rendered_operations_have_the_effect_of_the_changes(
    pair: tuple[Schema, Schema],
) -> None:
    before, after = pair
    changes = diff(before, after).changes
    there = record(revision(), compiled(rendered(changes)), before)
    assert there.after == after
    back = record(revision(), compiled(rendered(reversed_(changes))), there.after)
    assert back.after == before


def revision() -> Any:
    return SimpleNamespace(path="revision.py", revision="random")


# One example costs many schema commands; the seed is fixed, so a failure comes again.
@given(pair=evolutions())
@settings(
    deadline=None,
    derandomize=True,
    max_examples=15,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_server_goes_there_and_back(
    neo4j_graph: Graph, pair: tuple[Schema, Schema]
) -> None:
    before, after = pair
    wipe(neo4j_graph)
    neo4j_graph.transaction([("CREATE (:Canary {sings: true})", {})])
    made = run(neo4j_graph, Schema(), diff(Schema(), before).changes)
    assert live(neo4j_graph) == elements(before)

    changes = diff(before, after).changes
    reached = run(neo4j_graph, made, changes)
    assert live(neo4j_graph) == elements(after)
    run(neo4j_graph, reached, reversed_(changes))
    assert live(neo4j_graph) == elements(before)
    assert neo4j_graph.read("MATCH (c:Canary) RETURN c.sings AS sings")


def run(graph: Graph, schema: Schema, changes: Sequence[Change]) -> Schema:
    """Run the rendered operations on the server, placeholders filled in."""
    runner = GraphRunner(graph, Limits())
    runner.begin("random", schema)
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



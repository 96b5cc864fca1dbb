"""Steps on a server: which share a transaction, and how data are cut into batches."""

from __future__ import annotations

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.execute import Limits, ordered, run_unit, units
from alembic_neo4j.graph.statements import Kind
from alembic_neo4j.graph.steps import Batched, Check, Create, Drop, Run, Step
from alembic_neo4j.schema.elements import Entity, Index, IndexKind

INDEX = Index(IndexKind.RANGE, Entity.NODE, ("P",), ("p",))
OTHER = Index(IndexKind.RANGE, Entity.NODE, ("Q",), ("q",))
DATA = Run("CREATE (:P)", Kind.DATA)
SCHEMA = Run("CREATE INDEX FOR (n:P) ON (n.q)", Kind.SCHEMA)
READ = Run("MATCH (n) RETURN n", Kind.READ)
AUTOCOMMIT = Run("CALL { } IN TRANSACTIONS", Kind.AUTOCOMMIT)
CHECK = Check("RETURN 1", "nothing", "none")
SIZES = Batched(
    "note the size of each batch",
    select="MATCH (n:P) RETURN elementId(n) AS id",
    write="MATCH (n:P) WHERE elementId(n) IN $ids SET n.batch = size($ids)",
    offline="",
    batch_size=10,
)


def test_statements_of_a_kind_share_a_transaction() -> None:
    assert _grouped(DATA, DATA, SCHEMA, SCHEMA, DATA) == [2, 2, 1]


def test_reads_and_autocommit_statements_stand_alone() -> None:
    assert _grouped(READ, READ, AUTOCOMMIT, AUTOCOMMIT) == [1, 1, 1, 1]


def test_creates_and_drops_never_share_a_transaction() -> None:
    assert _grouped(Drop(INDEX), Drop(OTHER), Create(INDEX), Create(OTHER)) == [2, 2]


def test_a_check_runs_ahead_of_the_schema_commands_before_it() -> None:
    steps: list[Step] = [DATA, Drop(INDEX), Create(INDEX), CHECK]
    assert ordered(steps) == [DATA, CHECK, Drop(INDEX), Create(INDEX)]


def test_data_changes_are_cut_into_batches(neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("UNWIND range(1, 25) AS n CREATE (:P)", {})])
    run_unit(neo4j_graph, [SIZES], Limits())
    assert _batches(neo4j_graph) == {10: 20, 5: 5}


def test_the_configured_batch_size_wins(neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("UNWIND range(1, 25) AS n CREATE (:P)", {})])
    run_unit(neo4j_graph, [SIZES], Limits(batch_size=7))
    assert _batches(neo4j_graph) == {7: 21, 4: 4}


def _grouped(*steps: Step) -> list[int]:
    return [len(unit) for unit in units(steps)]


def _batches(graph: Graph) -> dict[int, int]:
    rows = graph.read("MATCH (n:P) RETURN n.batch AS size, count(n) AS nodes")
    return {row["size"]: row["nodes"] for row in rows}

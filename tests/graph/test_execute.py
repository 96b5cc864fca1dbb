"""Steps on a server: which share a transaction, and in which order they run."""

from __future__ import annotations

from alembic_neo4j.cypher.lexer import Kind
from alembic_neo4j.cypher.steps import Check, Create, Drop, Run, Step, ordered, units
from alembic_neo4j.schema.definitions import EntityType, Index
from alembic_neo4j.schema.kinds import IndexKind

INDEX = Index(IndexKind.RANGE, EntityType.NODE, ("P",), ("p",))
OTHER = Index(IndexKind.RANGE, EntityType.NODE, ("Q",), ("q",))
DATA = Run("CREATE (:P)", Kind.DATA)
SCHEMA = Run("CREATE INDEX FOR (n:P) ON (n.q)", Kind.SCHEMA)
READ = Run("MATCH (n) RETURN n", Kind.READ)
AUTOCOMMIT = Run("CALL { } IN TRANSACTIONS", Kind.AUTOCOMMIT)
CHECK = Check("RETURN 1", "nothing", "none")


def test_statements_of_a_kind_share_a_transaction() -> None:
    assert _grouped(DATA, DATA, SCHEMA, SCHEMA, DATA) == [2, 2, 1]


def test_reads_and_autocommit_statements_stand_alone() -> None:
    assert _grouped(READ, READ, AUTOCOMMIT, AUTOCOMMIT) == [1, 1, 1, 1]


def test_creates_and_drops_never_share_a_transaction() -> None:
    assert _grouped(Drop(INDEX), Drop(OTHER), Create(INDEX), Create(OTHER)) == [2, 2]


def test_a_check_runs_ahead_of_the_schema_commands_before_it() -> None:
    steps: list[Step] = [DATA, Drop(INDEX), Create(INDEX), CHECK]
    assert ordered(steps) == [DATA, CHECK, Drop(INDEX), Create(INDEX)]


def _grouped(*steps: Step) -> list[int]:
    return [len(unit) for unit in units(steps)]

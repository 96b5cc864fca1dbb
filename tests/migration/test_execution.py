"""What a revision's operations do on a server, and what stops them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from alembic_neo4j.cypher import change_steps, events
from alembic_neo4j.cypher.steps import Step
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.changes import AddIndex, AddNode, Change
from alembic_neo4j.schema.definitions import Schema
from tests.migration.project import Project, graph_state, indexes, stamped


def _one(project: Project, upgrade: str, downgrade: str = "", header: str = "") -> None:
    project.revision("r1", upgrade, downgrade, header=header)


def test_run_cypher_returns_rows_and_takes_parameters(
    live: Project, neo4j_graph: Graph
) -> None:
    _one(
        live,
        """
        rows = op.run_cypher("UNWIND $names AS name CREATE (p:P {name: name}) "
                             "RETURN name ORDER BY name", {"names": ["b", "a"]})
        if not op.is_replaying():
            assert rows == [{"name": "a"}, {"name": "b"}], rows
            found = op.run_cypher("MATCH (p:P) RETURN count(p) AS n")
            assert found == [{"n": 2}], found
            bound = op.get_bind().run("RETURN $x AS x", x=1)
            assert bound == [{"x": 1}], bound
        """,
    )
    live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (p:P) RETURN count(p) AS n") == [{"n": 2}]


def test_execute_is_cypher_in_the_order_of_the_calls(
    live: Project, neo4j_graph: Graph
) -> None:
    _one(
        live,
        """
        op.execute("CREATE (:P {n: 1})")
        op.add_index("P", "n", name="by_n")
        op.execute("MATCH (p:P {n: 1}) SET p.n = 2")
        """,
    )
    live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (p:P) RETURN p.n AS n") == [{"n": 2}]
    assert indexes(neo4j_graph) == {"by_n"}


def test_the_steps_of_a_change_are_worked_out_once(
    live: Project, neo4j_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_out: list[Change] = []

    def counted(change: Change, schema: Schema, *, revision: str) -> Sequence[Step]:
        worked_out.append(change)
        return change_steps.steps(change, schema, revision=revision)

    monkeypatch.setattr(events, "steps", counted)
    _one(live, "op.add_node('P')\nop.add_index('P', 'n', name='by_n')")
    live.done("upgrade", "head")
    assert [type(change) for change in worked_out] == [AddNode, AddIndex]
    assert indexes(neo4j_graph) == {"by_n"}


def test_alembics_own_op_means_cypher_too(live: Project, neo4j_graph: Graph) -> None:
    _one(
        live,
        """
        alembic_op.execute("CREATE (:P)")
        if not op.is_replaying():
            assert alembic_op.get_bind().run("MATCH (p:P) RETURN count(p) AS n")
        """,
        header="from alembic import op as alembic_op",
    )
    live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (p:P) RETURN count(p) AS n") == [{"n": 1}]


def test_an_sqlalchemy_construct_goes_to_the_ledger(live: Project) -> None:
    _one(
        live,
        """
        op.execute(sa.text("CREATE TABLE mine (x INTEGER)"))
        op.execute(sa.insert(sa.table("mine", sa.column("x"))).values(x=7))
        """,
        header="import sqlalchemy as sa",
    )
    live.done("upgrade", "head")
    assert (live.remembered() or {})["mine"] == [(7,)]


def test_consecutive_data_statements_are_one_transaction(
    live: Project, neo4j_graph: Graph
) -> None:
    _one(
        live,
        """
        op.execute("CREATE (:P)")
        op.execute("MATCH (p:P) SET p.x = 1 / 0")
        """,
    )
    message = live.failed("upgrade", "head")
    assert "r1" in message
    assert "/ by zero" in message
    assert neo4j_graph.read("MATCH (p:P) RETURN p") == []
    assert live.heads() == []
    assert stamped(neo4j_graph) == []


def test_the_message_of_a_bad_statement_is_the_servers(live: Project) -> None:
    _one(live, "op.run_cypher('MATCHES (n) RETURN n')")
    message = live.failed("upgrade", "head")
    assert message.startswith("upgrade  -> r1, the message of r1: ")
    assert "Invalid input 'MATCHES'" in message


def test_two_statements_in_one_text_are_refused(
    live: Project, neo4j_graph: Graph
) -> None:
    _one(live, "op.execute('CREATE (:A); CREATE (:B)')")
    assert "One Cypher statement was expected" in live.failed("upgrade", "head")
    assert neo4j_graph.read("MATCH (n) WHERE n:A OR n:B RETURN n") == []


def test_the_same_upgrade_runs_when_the_revision_is_mended(
    live: Project, neo4j_graph: Graph
) -> None:
    _one(live, "op.execute('CREATE (:P {x: 1 / 0})')")
    live.failed("upgrade", "head")
    _one(live, "op.execute('CREATE (:P {x: 1})')")
    live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (p:P) RETURN p.x AS x") == [{"x": 1}]


def test_an_autocommit_block_runs_transactions_of_its_own(
    live: Project, neo4j_graph: Graph
) -> None:
    _one(
        live,
        """
        op.execute("UNWIND range(1, 10) AS n CREATE (:P {n: n})")
        with op.get_context().autocommit_block():
            op.execute("MATCH (p:P) CALL (p) { SET p.seen = true } "
                       "IN TRANSACTIONS OF 3 ROWS")
            rows = op.run_cypher("MATCH (p:P) WHERE p.seen RETURN count(*) AS n")
            assert op.is_replaying() or rows == [{"n": 10}], rows
        op.execute("MATCH (p:P {n: 1}) DELETE p")
        """,
    )
    live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (p:P) WHERE p.seen RETURN count(*) AS n") == [
        {"n": 9}
    ]


def test_call_in_transactions_needs_no_block(live: Project, neo4j_graph: Graph) -> None:
    _one(
        live,
        """
        op.execute("UNWIND range(1, 10) AS n "
                   "CALL (n) { CREATE (:P {n: n}) } IN TRANSACTIONS OF 3 ROWS")
        """,
    )
    live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (p:P) RETURN count(*) AS n") == [{"n": 10}]


def test_a_failure_in_an_autocommit_block_ends_the_block(
    live: Project, neo4j_graph: Graph
) -> None:
    _one(
        live,
        """
        with op.get_context().autocommit_block():
            op.execute("CREATE (:P {x: 1 / 0})")
        """,
    )
    assert "/ by zero" in live.failed("upgrade", "head")
    assert live.heads() == []


@pytest.mark.parametrize(
    "existing",
    [
        "CREATE INDEX mine FOR (n:Other) ON (n.p)",
        "CREATE TEXT INDEX mine FOR (n:P) ON (n.p)",
    ],
)
def test_a_name_taken_by_another_definition_is_an_error(
    live: Project, neo4j_graph: Graph, existing: str
) -> None:
    neo4j_graph.transaction([(existing, {})])
    _one(live, "op.add_index('P', 'p', name='mine')")
    message = live.failed("upgrade", "head")
    assert "its name is taken by" in message
    assert live.heads() == []


def test_a_constraints_name_taken_by_an_index_is_an_error(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE INDEX mine FOR (n:P) ON (n.q)", {})])
    _one(live, "op.add_unique_constraint('P', 'p', name='mine')")
    assert "its name is taken by" in live.failed("upgrade", "head")


def test_what_the_graph_has_and_the_history_does_not_is_an_error(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE INDEX theirs FOR (n:P) ON (n.p)", {})])
    _one(live, "op.add_index('P', 'p', name='mine')")
    message = live.failed("upgrade", "head")
    assert "the graph has it already" in message
    assert "Run DROP INDEX `theirs`" in message
    assert indexes(neo4j_graph) == {"theirs"}


def test_an_index_is_dropped_by_what_it_is(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", "op.add_index('P', 'p', name='mine')")
    live.revision("r2", "op.drop_index('P', 'p')", down="r1")
    live.done("upgrade", "r1")
    neo4j_graph.transaction([("DROP INDEX mine", {})])
    neo4j_graph.transaction([("CREATE INDEX renamed FOR (n:P) ON (n.p)", {})])
    live.done("upgrade", "head")
    assert indexes(neo4j_graph) == set()


def test_dropping_what_the_graph_does_not_have_is_an_error(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", "op.add_index('P', 'p', name='mine')")
    live.revision("r2", "op.drop_index('P', 'p')", down="r1")
    live.done("upgrade", "r1")
    neo4j_graph.transaction([("DROP INDEX mine", {})])
    neo4j_graph.transaction([("CREATE INDEX mine FOR (n:Q) ON (n.p)", {})])
    message = live.failed("upgrade", "head")
    assert "the graph does not have it" in message
    assert "Q(p) has its name" in message
    assert indexes(neo4j_graph) == {"mine"}
    assert live.heads() == ["r1"]


def test_indexes_are_online_when_the_revision_is_done(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction(
        [("UNWIND range(1, 2000) AS n CREATE (:P {n: n, t: toString(n)})", {})]
    )
    _one(
        live,
        """
        op.add_index("P", "n", name="a `b`")
        op.add_text_index("P", "t")
        op.add_unique_constraint("P", "t", "n")
        """,
    )
    live.done("upgrade", "head")
    states = neo4j_graph.read("SHOW INDEXES YIELD state RETURN DISTINCT state")
    assert states == [{"state": "ONLINE"}]


def test_an_index_that_fails_is_reported_with_the_servers_message(
    live: Project, neo4j_graph: Graph
) -> None:
    # How many bytes its numbers take, nobody can tell beforehand.
    neo4j_graph.transaction([("CREATE (:P {p: range(1, 1100)})", {})])
    _one(live, "op.add_index('P', 'p', name='too_long')")
    message = live.failed("upgrade", "head")
    assert "'too_long' is FAILED" in message
    assert "too large to index" in message
    assert indexes(neo4j_graph) == set()
    neo4j_graph.transaction([("MATCH (p:P) SET p.p = 'short'", {})])
    live.done("upgrade", "head")
    assert indexes(neo4j_graph) == {"too_long"}


def test_duplicates_stop_a_constraint_with_the_values(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction(
        [("UNWIND ['a', 'a', 'b', 'b', 'c'] AS x CREATE (:P {p: x})", {})]
    )
    before = graph_state(neo4j_graph)
    _one(live, "op.add_unique_constraint('P', 'p')")
    message = live.failed("upgrade", "head")
    assert "'a'" in message
    assert "'b'" in message
    assert "'c'" not in message
    assert graph_state(neo4j_graph)[2:] == before[2:]


def test_what_enterprise_alone_has_is_refused_before_the_first_write(
    live: Project, neo4j_graph: Graph
) -> None:
    before = graph_state(neo4j_graph)
    live.revision("r1", "op.execute('CREATE (:Written)')")
    live.revision(
        "r2",
        """
        op.add_node_key_constraint("P", "a")
        op.add_property_type_constraint("P", "b", "STRING")
        """,
        down="r1",
    )
    message = live.failed("upgrade", "head")
    assert "r2: a key constraint needs Enterprise Edition" in message
    assert "r2: a property type constraint needs Enterprise Edition" in message
    assert graph_state(neo4j_graph) == before
    assert live.remembered() is None


def test_a_placeholder_is_refused_before_the_first_write(
    live: Project, neo4j_graph: Graph
) -> None:
    before = graph_state(neo4j_graph)
    live.revision("r1", "op.execute('CREATE (:Written)')")
    live.revision(
        "r2",
        """
        op.add_node("P")
        op.add_node_property("P", "x", "STRING", required=True, backfill=op.FILL_IN)
        """,
        down="r1",
    )
    message = live.failed("upgrade", "head")
    assert "r2" in message
    assert "op.FILL_IN" in message
    assert graph_state(neo4j_graph) == before
    assert live.remembered() is None


def test_a_python_error_in_a_revision_leaves_the_revision_unapplied(
    live: Project, neo4j_graph: Graph
) -> None:
    _one(
        live,
        """
        op.execute("CREATE (:P)")
        if not op.is_replaying():
            raise RuntimeError("mine")
        """,
    )
    with pytest.raises(RuntimeError, match="mine"):
        live.run("upgrade", "head")
    assert neo4j_graph.read("MATCH (p:P) RETURN p") == []
    assert live.heads() == []
    assert stamped(neo4j_graph) == []

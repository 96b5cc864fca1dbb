"""What stands in the way of a run is found before its first write, all at once."""

from __future__ import annotations

import logging
import textwrap
from typing import Any

import pytest
from alembic.runtime.migration import RevisionStep
from alembic.script import ScriptDirectory

from alembic_neo4j import waiting
from alembic_neo4j.errors import CheckFailed
from alembic_neo4j.graph.connection import Graph, GraphSettings
from alembic_neo4j.migration.plan import PlannedStep, plan
from alembic_neo4j.migration.preflight import foreseen, preflight
from alembic_neo4j.migration.replay import History
from alembic_neo4j.schema.changes.change import (
    EVERYTHING,
    NOTHING,
    TouchedNames,
    labels,
    properties,
)
from alembic_neo4j.schema.definitions import EntityType
from tests.migration.project import NOWHERE, Project, graph_state, indexes, stamped

KNOWN = "op.add_node('P', op.Property('a', 'STRING'), op.Property('b'))"
KNOWS = "op.add_node('P', op.Relationship('KNOWS', 'P'), op.Relationship('OWNS', 'Q'))"
"""Declarations that a change of a property, or of a relationship, is upon."""


def refused(project: Project, graph: Graph, *verb: str) -> str:
    """Run a verb that has to be refused, with ledger and graph left as they were."""
    before, ledger = graph_state(graph), project.remembered()
    message = project.failed(*(verb or ("upgrade", "head")))
    assert "nothing of that has run" in message
    assert graph_state(graph) == before
    assert project.remembered() == ledger
    return message


def given(graph: Graph, *statements: str, **parameters: Any) -> None:
    graph.transaction([(statement, parameters) for statement in statements])


def ids(graph: Graph, query: str) -> list[str]:
    return [row["id"] for row in graph.read(f"{query} RETURN elementId(n) AS id")]


def planned(project: Project) -> list[PlannedStep]:
    """The plan of an upgrade to the head, for a server that could do it."""
    script = ScriptDirectory.from_config(project.config())
    revisions = list(script.iterate_revisions("heads", "base"))
    steps = [
        RevisionStep(script.revision_map, revision, is_upgrade=True)
        for revision in reversed(revisions)
    ]
    return plan(steps, (), History(script))


# Every obstacle of every revision ---------------------------------------------------


def test_all_obstacles_of_all_revisions_are_in_one_message(
    live: Project, neo4j_graph: Graph
) -> None:
    given(
        neo4j_graph,
        "UNWIND ['x', 'x', 'y'] AS a CREATE (:P {a: a, b: 1})",
        "CREATE (:Q {q: $long})",
        long="é" * 4_100,
    )
    given(neo4j_graph, "CREATE INDEX theirs FOR (n:P) ON (n.b)")
    live.revision("r1", "op.execute('CREATE (:Written)')\nop.add_index('P', 'b')")
    live.revision("r1", f"{KNOWN}\nop.add_index('P', 'b')")
    live.revision("r2", "op.add_unique_constraint('P', 'a')", down="r1")
    live.revision(
        "r3",
        "op.alter_node_property('P', 'b', type='STRING')\nop.add_index('Q', 'q')",
        down="r2",
    )
    message = refused(live, neo4j_graph)
    assert message.startswith("4 things stand in the way of revisions r1 to r3; ")
    first, second = ids(neo4j_graph, "MATCH (n:P {a: 'x'})")
    stamp = "stamp the revision, where it makes nothing else"
    expected = f"""\
      r1: expected: RANGE index index_P_b on P(b) can be created
        found: the graph has it already, as RANGE index theirs on P(b)
        to do: Run DROP INDEX `theirs`; or {stamp}
      r2: expected: each value of (:P)(a) may be there once
        found: 'x': 2, such as {first}, {second}
        to do: Merge or change the ones that are alike.
      r3: expected: (:P)(b) has to be STRING
        found: 'INTEGER NOT NULL': 3, such as {first}, """
    assert textwrap.dedent(expected) in textwrap.dedent(message.partition("\n")[2])
    assert "Q(q) may take 8,167 bytes of a range index at most" in message
    assert "found: 8203: 1, such as" in message
    assert live.remembered() is None


DOC = (
    "op.add_node('Doc', op.Relationship('CITES', 'Old'), op.Relationship('OF', 'Old'))"
)


def test_changes_of_others_leave_the_judgement_of_what_they_do_not_touch(
    live: Project, neo4j_graph: Graph
) -> None:
    given(neo4j_graph, "CREATE (:Old)<-[:CITES]-(:Doc)-[:OF]->(:Old), (:Zed)")
    live.revision("r1", f"{DOC}\nop.add_node('Zed')")
    live.revision(
        "r2",
        """
        op.add_label('Zed', 'Base')
        op.alter_relationship('Doc', 'CITES', 'Old', new_target='Paper')
        op.alter_relationship('Doc', 'OF', 'Old', new_target='Author')
        """,
        down="r1",
    )
    message = refused(live, neo4j_graph)
    assert message.startswith("2 things stand in the way of revisions r1 to r2; ")
    assert "r2: expected: (:Doc)-[:CITES]->" in message
    assert "r2: expected: (:Doc)-[:OF]->" in message


def test_a_raw_statement_leaves_the_judgement_of_what_it_does_not_name(
    live: Project, neo4j_graph: Graph
) -> None:
    given(neo4j_graph, "UNWIND [1, 1] AS a CREATE (:P {a: a, b: 1, c: 1})")
    live.revision(
        "r1",
        """
        op.run_cypher("CREATE (:First {a: 1})")
        op.run_cypher("MATCH (n:P) SET n.b = elementId(n)")
        op.create_nodes("Q", [{"a": 1}], allow_unknown=True)
        op.add_unique_constraint("P", "a")
        op.add_unique_constraint("P", "b")
        op.add_unique_constraint("P", "c")
        """,
    )
    message = refused(live, neo4j_graph)
    assert message.startswith("2 things stand in the way of revision r1; ")
    assert "r1: expected: each value of (:P)(a) may be there once\n    found" in message
    assert "r1: expected: each value of (:P)(c) may be there once\n    found" in message
    assert (
        "not known before r1: MATCH (n:P) SET n.b = elementId(n); checked in its place:"
        "\n  r1: expected: each value of (:P)(b) may be there once\n"
    ) in message


def test_what_is_not_known_before_is_logged(
    live: Project, neo4j_graph: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    live.revision(
        "r1",
        'op.run_cypher("MATCH (n:P) SET n.a = 1")\nop.add_unique_constraint("P", "a")',
    )
    with caplog.at_level(logging.INFO, logger="alembic_neo4j.migration.preflight"):
        preflight(neo4j_graph, planned(live))
    assert caplog.messages[:2] == [
        "not known before r1: MATCH (n:P) SET n.a = 1; checked in its place:",
        "  r1: expected: each value of (:P)(a) may be there once",
    ]


def test_what_a_default_will_have_made_is_judged(
    live: Project, neo4j_graph: Graph
) -> None:
    given(neo4j_graph, "CREATE (:P), (:P), (:Q:P {a: 1})")
    live.revision("r1", f"{KNOWN}\nop.add_unique_constraint('P', 'c')")
    live.revision(
        "r2",
        "op.add_node_property('P', 'c', 'INTEGER', default=1)",
        down="r1",
    )
    message = refused(live, neo4j_graph)
    assert "r2: expected: each value of (:P)(c) may be there once" in message
    assert "found: 1: 3, such as" in message


OBSTACLES = {
    "duplicates": (
        "UNWIND [1, 1, 2] AS a CREATE (:P {a: a})",
        "op.add_unique_constraint('P', 'a')",
        ["each value of (:P)(a) may be there once", "1: 2, such as"],
    ),
    "duplicates of several properties": (
        "UNWIND [1, 1, 2] AS a CREATE (:P {a: a, b: 'x'}), (:P {a: a})",
        "op.add_unique_constraint('P', 'a', 'b')",
        ["each value of (:P)(a, b) may be there once", "[1, 'x']: 2, such as"],
    ),
    "duplicates on relationships": (
        "CREATE (p:P)-[:T {a: 1}]->(p)-[:T {a: 1}]->(p)",
        "op.add_relationship_unique_constraint('T', 'a')",
        ["each value of [:T](a) may be there once", "1: 2, such as"],
    ),
    "missing values": (
        "CREATE (:P {a: 1}), (:P), (:P)",
        f"{KNOWN}\nop.alter_node_property('P', 'a', required=True)",
        ["every one needs (:P)(a)", "no value: 2, such as"],
    ),
    "missing values of a new property": (
        "CREATE (:P), (:P {c: 1})",
        "op.add_node_property('P', 'c', required=True, backfill=False)",
        ["every one needs (:P)(c)", "no value: 1, such as"],
    ),
    "a backfill that gives nothing": (
        "CREATE (:P {b: 1}), (:P)",
        "op.add_node_property('P', 'c', required=True, backfill='n.b')",
        ["every one needs (:P)(c)", "no value: 1, such as"],
    ),
    "wrong types": (
        "CREATE (:P {a: 1}), (:P {a: 'x'}), (:P {a: [1.5]})",
        f"{KNOWN}\nop.alter_node_property('P', 'a', type='INTEGER')",
        ["(:P)(a) has to be INTEGER", "'STRING NOT NULL': 1", "'LIST<FLOAT NOT NULL>"],
    ),
    "values that can't be converted": (
        "CREATE (:P {a: '1'}), (:P {a: 'x'})",
        f"{KNOWN}\n"
        "op.alter_node_property('P', 'a', type='INTEGER', using='toInteger(value)')",
        ["the conversion of (:P)(a) has to give a value of type INTEGER", "'x': 1"],
    ),
    "a narrower choice": (
        "UNWIND ['r', 'g', 'b', 'b'] AS a CREATE (:P {a: a})",
        f"{KNOWN}\nop.alter_node_property('P', 'a', choices=['r', 'g'])",
        ["(:P)(a) is one of ['g', 'r']", "'b': 2, such as"],
    ),
    "endpoints": (
        "CREATE (:P)-[:OWNS]->(:Q), (:P)-[:OWNS]->(:Z)",
        f"{KNOWS}\nop.alter_relationship('P', 'OWNS', 'Q', new_target='R')",
        ["(:P)-[:OWNS]-> leads to (:R)", "['Q']: 1", "['Z']: 1"],
    ),
    "cardinality": (
        "CREATE (:P)-[:OWNS]->(:Q), (p:P)-[:OWNS]->(:Q), (p)-[:OWNS]->(:Q)",
        f"{KNOWS}\nop.alter_relationship('P', 'OWNS', 'Q', cardinality='One')",
        ["each (:P) has One relationship -[:OWNS]->", "found: 2: 1, such as"],
    ),
    "an exclusion group": (
        "CREATE (p:P)-[:OWNS]->(:Q), (p)-[:KNOWS]->(:P)",
        f"{KNOWS}\n"
        "op.alter_relationship('P', 'OWNS', 'Q', exclusion_group='g')\n"
        "op.alter_relationship('P', 'KNOWS', 'P', exclusion_group='g')",
        ["relationships of one kind only out of -[:KNOWS]->, -[:OWNS]->"],
    ),
    "both names of a property": (
        "CREATE (:P {a: 1, c: 2}), (:P {a: 1})",
        "op.rename_node_property('P', 'a', 'c')",
        ["(:P) with 'a' must not have 'c' as well", "[1, 2]: 1, such as"],
    ),
    "a rename into a constraint": (
        "CREATE (:P {a: 1}), (:P {c: 1})",
        "op.add_unique_constraint('P', 'c')\nop.rename_node_property('P', 'a', 'c')",
        ["each value of (:P)(c) may be there once", "1: 2, such as"],
    ),
    "a label with a constraint": (
        "CREATE (:P {a: 1}), (:R {a: 1})",
        "op.add_unique_constraint('R', 'a')\nop.add_label('P', 'R')",
        ["each value of (:P|R)(a) may be there once", "1: 2, such as"],
    ),
    "a value too long for an index": (
        "CREATE (:P {a: reduce(t = '', i IN range(1, 2722) | t + '語')})",
        "op.add_index('P', 'a')",
        ["P(a) may take 8,167 bytes of a range index", "8169: 1, such as", "Shorten"],
    ),
    "values too long together": (
        "CREATE (:P {a: $long, b: $long}), (:P {a: $long + $long})",
        "op.add_unique_constraint('P', 'a', 'b')",
        ["the values together of P(a, b) may take 8,167 bytes", "9006: 1, such as"],
    ),
    "a value too long for a text index": (
        "CREATE (:P {a: reduce(t = '', i IN range(1, 8) | t + $long)})",
        "op.add_text_index('P', 'a')",
        ["P(a) may take 32,766 bytes of a text index", "36000: 1, such as"],
    ),
    "a name taken by an index": (
        "CREATE INDEX mine FOR (n:Other) ON (n.a)",
        "op.add_unique_constraint('P', 'a', name='mine')",
        ["its name is taken by RANGE index mine on Other(a)", "DROP INDEX `mine`"],
    ),
    "a name taken by a constraint": (
        "CREATE CONSTRAINT mine FOR (n:Other) REQUIRE n.a IS UNIQUE",
        "op.add_index('P', 'a', name='mine')",
        ["its name is taken by UNIQUE constraint mine", "DROP CONSTRAINT `mine`"],
    ),
    "the same under another name": (
        "CREATE CONSTRAINT theirs FOR ()-[r:T]-() REQUIRE r.a IS UNIQUE",
        "op.add_relationship_unique_constraint('T', 'a', name='mine')",
        ["the graph has it already, as UNIQUE constraint theirs on T(a)"],
    ),
    "an index where a constraint is": (
        "CREATE CONSTRAINT theirs FOR (n:P) REQUIRE n.a IS UNIQUE",
        "op.add_index('P', 'a')",
        ["UNIQUE constraint theirs on P(a) has the one index that Neo4j keeps there"],
    ),
    "a constraint where an index is": (
        "CREATE INDEX theirs FOR (n:P) ON (n.a)",
        "op.add_unique_constraint('P', 'a')",
        ["RANGE index theirs on P(a) has the one index that Neo4j keeps there"],
    ),
    "an expression that is wrong": (
        "CREATE (:P {a: '1'})",
        f"{KNOWN}\n"
        "op.alter_node_property('P', 'a', type='INTEGER', using='toInteger(valu)')",
        ["the server can't tell: Variable `valu` not defined", "Mend the expression"],
    ),
}
"""What the graph has, what the revision does, and what the message says."""


@pytest.mark.parametrize("case", OBSTACLES)
def test_an_obstacle_is_found_before_the_first_write(
    live: Project, neo4j_graph: Graph, case: str
) -> None:
    graph, upgrade, expected = OBSTACLES[case]
    given(neo4j_graph, graph, long="x" * 4_500)
    live.revision("r1", "op.add_index('First', 'x', name='first')")
    live.revision("r2", upgrade, down="r1")
    message = refused(live, neo4j_graph)
    assert message.startswith("one thing stands in the way of revisions r1 to r2; ")
    assert "\n  r2: expected: " in message
    assert "\n    to do: " in message
    for text in expected:
        assert text in message
    assert live.remembered() is None


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("add_node_key_constraint('P', 'a')", ["every one needs", "may be there once"]),
        ("add_node_property_existence_constraint('P', 'a')", ["every one needs"]),
        ("add_property_type_constraint('P', 'a', 'STRING')", ["has to be STRING"]),
        (
            "add_relationship_key_constraint('T', 'a')",
            ["every one needs", "may be there once"],
        ),
    ],
)
def test_what_only_enterprise_can_forbid_is_looked_for_too(
    live: Project, neo4j_graph: Graph, constraint: str, expected: list[str]
) -> None:
    given(neo4j_graph, "UNWIND [1, 1, null] AS a CREATE (:P {a: a})-[:T {a: a}]->()")
    live.revision("r1", f"op.{constraint}")
    with pytest.raises(CheckFailed) as caught:
        preflight(neo4j_graph, planned(live))
    found = [line for line in str(caught.value).splitlines() if "expected: " in line]
    assert len(found) == len(expected)
    for line, text in zip(found, expected, strict=True):
        assert text in line


def test_what_the_graph_does_not_have_can_t_be_dropped(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", "op.add_index('P', 'a')\nop.add_unique_constraint('Q', 'a')")
    live.revision(
        "r2", "op.drop_index('P', 'a')\nop.drop_unique_constraint('Q', 'a')", down="r1"
    )
    live.done("upgrade", "r1")
    given(neo4j_graph, "DROP INDEX index_P_a", "DROP CONSTRAINT constraint_unique_Q_a")
    message = refused(live, neo4j_graph)
    assert "2 things stand in the way of revision r2; " in message
    assert message.count("found: the graph does not have it") == 2
    assert "run CREATE RANGE INDEX `index_P_a` FOR (n:`P`) ON (n.`a`)" in message
    assert live.heads() == stamped(neo4j_graph) == ["r1"]


def test_a_run_that_was_refused_is_not_open(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", "op.add_index('P', 'a')")
    live.revision("r2", "op.add_unique_constraint('P', 'b')", down="r1")
    live.done("upgrade", "r1")
    given(neo4j_graph, "CREATE (:P {b: 1}), (:P {b: 1})")
    refused(live, neo4j_graph)
    # What was refused may be changed.
    live.revision("r2", "op.add_index('P', 'b')", down="r1")
    live.done("upgrade", "head")
    assert indexes(neo4j_graph) == {"index_P_a", "index_P_b"}


# What a run itself heals ------------------------------------------------------------

HEALS = {
    "a statement": (
        "UNWIND [1, 1, 2] AS a CREATE (:P {a: a})",
        """
        op.run_cypher("MATCH (n:P) WITH n.a AS a, collect(n)[1..] AS more "
                      "UNWIND more AS n DELETE n")
        op.add_unique_constraint('P', 'a')
        """,
    ),
    "a statement that is buffered": (
        "UNWIND [1, 1, 2] AS a CREATE (:P {a: a})",
        """
        op.execute("MATCH (n:P {a: 1}) DELETE n")
        op.add_unique_constraint('P', 'a')
        """,
    ),
    "a statement in transactions of its own": (
        "UNWIND [1, 1, 2] AS a CREATE (:P {a: a})",
        """
        with op.get_context().autocommit_block():
            op.execute("MATCH (n:P {a: 1}) CALL (n) { DELETE n } IN TRANSACTIONS")
        op.add_unique_constraint('P', 'a')
        """,
    ),
    "a loop over rows": (
        "UNWIND [1, 1, 2] AS a CREATE (:P {a: a})",
        """
        rows = op.get_bind().run("MATCH (n:P {a: 1}) RETURN elementId(n) AS id")
        for row in rows[1:]:
            op.run_cypher("MATCH (n:P) WHERE elementId(n) = $id DELETE n", row)
        op.add_unique_constraint('P', 'a')
        """,
    ),
    "what no replay sees": (
        "UNWIND [1, 1, 2] AS a CREATE (:P {a: a})",
        """
        if not op.is_replaying():
            op.run_cypher("MATCH (n:P {a: 1}) DELETE n")
        op.add_unique_constraint('P', 'a')
        """,
    ),
    "a drop over rows": (
        "CREATE INDEX theirs FOR (n:P) ON (n.a)",
        """
        for row in op.run_cypher("SHOW INDEXES YIELD name WHERE name = 'theirs'"):
            op.execute(f"DROP INDEX {row['name']}")
        op.add_index('P', 'a')
        """,
    ),
    "a raw drop": (
        "CREATE INDEX theirs FOR (n:P) ON (n.a)",
        """
        op.execute("DROP INDEX theirs")
        op.add_index('P', 'a', name='theirs')
        """,
    ),
    "a shorter text": (
        "CREATE (:P {a: reduce(t = '', i IN range(1, 9000) | t + 'x')})",
        """
        op.execute("MATCH (n:P) SET n.a = left(n.a, 10)")
        op.add_index('P', 'a')
        """,
    ),
    "a backfill": (
        "CREATE (:P {a: 1}), (:P)",
        """
        op.add_node('P')
        op.add_node_property('P', 'a', 'INTEGER', default=2)
        op.alter_node_property('P', 'a', required=True)
        op.add_unique_constraint('P', 'a')
        """,
    ),
    "a conversion": (
        "CREATE (:P {a: '1'}), (:P {a: 2})",
        f"""
        {KNOWN}
        op.alter_node_property('P', 'a', type='INTEGER', using='toInteger(value)')
        op.alter_node_property('P', 'a', type='INTEGER', max_length=1)
        op.alter_node_property('P', 'a', type='INTEGER | STRING')
        """,
    ),
    "a removed property": (
        "CREATE (:P {a: 1}), (:P {a: 1, b: 2})",
        f"""
        {KNOWN}
        op.remove_node_property('P', 'a')
        op.rename_node_property('P', 'b', 'a')
        op.add_unique_constraint('P', 'a')
        """,
    ),
    "a property that comes back": (
        "CREATE (:P {a: 1}), (:P)",
        f"""
        {KNOWN}
        op.remove_node_property('P', 'a')
        op.restore_node_property('P', 'a', 'INTEGER')
        op.add_unique_constraint('P', 'a')
        """,
    ),
    "a renamed property": (
        "CREATE (:P {a: 1, b: 7}), (:P {a: 2, b: 7})",
        f"""
        {KNOWN}
        op.rename_node_property('P', 'b', 'c')
        op.rename_node_property('P', 'a', 'b')
        op.add_unique_constraint('P', 'b')
        """,
    ),
    "a property renamed where it matters": (
        "CREATE (:P {a: 1, b: 7}), (:P {a: 2, b: 7})",
        f"""
        {KNOWN}
        op.rename_node_property('P', 'a', 'b', on_conflict='overwrite',
                                where='n.b = 7')
        op.add_unique_constraint('P', 'b')
        """,
    ),
    "a renamed label": (
        "CREATE (:P {a: 1}), (:P:Q {a: 2}), (:R {a: 1})",
        """
        op.rename_label('P', 'S')
        op.rename_label('R', 'P')
        op.add_unique_constraint('P', 'a')
        op.add_unique_constraint('S', 'a')
        """,
    ),
    "an added label": (
        "CREATE (:P {a: 1}), (:Q {a: 2})",
        """
        op.add_label('Q', 'P')
        op.add_unique_constraint('P', 'a')
        """,
    ),
    "a removed label": (
        "CREATE (:P:Q {a: 1}), (:P {a: 1})",
        """
        op.remove_label('Q', 'P')
        op.add_unique_constraint('P', 'a')
        """,
    ),
    "a renamed type": (
        "CREATE (p:P)-[:T {a: 1}]->(p)-[:S {a: 1}]->(p)",
        """
        op.rename_relationship_type('T', 'U')
        op.rename_relationship_type('S', 'T')
        op.add_relationship_unique_constraint('T', 'a')
        op.add_relationship_unique_constraint('U', 'a')
        """,
    ),
    "relationships turned round": (
        "CREATE (:Q)-[:OWNS]->(:P)",
        f"""
        {KNOWS}
        op.reverse_relationships('Q', 'OWNS', 'P')
        op.alter_relationship('P', 'OWNS', 'Q', cardinality='One')
        """,
    ),
    "an end that gets its label": (
        "CREATE (:P)-[:OWNS]->(:Old)",
        f"""
        {KNOWS}
        op.rename_label('Old', 'R')
        op.alter_relationship('P', 'OWNS', 'Q', new_target='R')
        """,
    ),
}
"""What the graph has, and a revision that mends it before it stands in the way."""


@pytest.mark.parametrize("case", HEALS)
def test_what_a_run_mends_itself_does_not_stand_in_its_way(
    live: Project, neo4j_graph: Graph, case: str
) -> None:
    graph, upgrade = HEALS[case]
    given(neo4j_graph, graph)
    live.revision("r1", upgrade)
    live.done("upgrade", "head")
    assert live.heads() == ["r1"]


@pytest.mark.parametrize(
    "case", ["a statement", "a loop over rows", "what no replay sees", "a raw drop"]
)
def test_what_an_earlier_revision_mends_does_not_stand_in_the_way(
    live: Project, neo4j_graph: Graph, case: str
) -> None:
    graph, upgrade = HEALS[case]
    given(neo4j_graph, graph)
    *first, last = textwrap.dedent(upgrade).strip().splitlines()
    live.revision("r1", "\n".join(first))
    live.revision("r2", last, down="r1")
    live.done("upgrade", "head")
    assert live.heads() == ["r2"]


def test_a_swap_of_index_and_constraint_does_not_stand_in_its_own_way(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", "op.add_index('P', 'a')")
    live.revision(
        "r2",
        "op.drop_index('P', 'a')\nop.add_unique_constraint('P', 'a')",
        "op.drop_unique_constraint('P', 'a')\nop.add_index('P', 'a')",
        down="r1",
    )
    live.done("upgrade", "head")
    live.done("downgrade", "r1")
    assert indexes(neo4j_graph) == {"index_P_a"}


def test_the_check_still_runs_in_its_place(live: Project, neo4j_graph: Graph) -> None:
    given(neo4j_graph, "CREATE (:P {a: 1}), (:P {a: 2})")
    live.revision(
        "r1",
        "op.execute('MATCH (n:P) SET n.a = 1')\nop.add_unique_constraint('P', 'a')",
    )
    message = live.failed("upgrade", "head")
    assert "the data stand in the way: each value of (:P)(a)" in message
    assert "What the revision did before this stays" in message


P, EVERY = labels("P"), EVERYTHING
PROPERTY_A = properties(EntityType.NODE, "a") | properties(EntityType.RELATIONSHIP, "a")


@pytest.mark.parametrize(
    ("call", "data", "catalogue"),
    [
        ("op.execute('MATCH (n) RETURN n')", NOTHING, False),
        ("op.run_cypher('MATCH (n) RETURN n')", EVERY, True),
        ("op.get_bind().run('SHOW INDEXES')", EVERY, True),
        ("op.execute('MATCH (n) SET n.a = 1')", PROPERTY_A, False),
        ("op.run_cypher('MATCH (n) SET n.a = 1')", PROPERTY_A, False),
        ("op.run_cypher('MATCH (n) SET n.a = 1 RETURN n')", EVERY, True),
        ("op.execute('CALL their.procedure()')", EVERY, True),
        ("op.execute('CREATE INDEX i FOR (n:P) ON (n.a)')", NOTHING, True),
        ("op.execute('CALL { CREATE (:P) } IN TRANSACTIONS')", P, True),
        ("op.execute('RETURN `')", EVERY, True),
        ("op.execute('RETURN 1; RETURN 2')", EVERY, True),
        ("op.execute(sa.text('SELECT 1'))", NOTHING, False),
        ("op.is_replaying()", EVERY, True),
        ("op.create_nodes('P', [{'a': 1}])", P, False),
        (
            "op.upsert_nodes('P', [{'a': 1}], merge_keys=['a'])",
            P | properties(EntityType.NODE, None),
            False,
        ),
    ],
)
def test_what_may_be_changed_by_what_is_no_operation(
    project: Project, call: str, data: TouchedNames, catalogue: bool
) -> None:
    project.revision("r1", call, header="import sqlalchemy as sa")
    (revision,) = foreseen(planned(project))
    (found,) = revision.events
    assert (found.writes, found.touches_catalogue) == (data, catalogue)
    assert found.summary


# What is asked for by the names that there are now ------------------------------------

RENAMED = {
    "a label": (
        "CREATE (:Old {a: 1}), (:Old {a: 1})",
        "op.rename_label('Old', 'New')\nop.add_unique_constraint('New', 'a')",
        "each value of (:New)(a) may be there once",
    ),
    "a label that is there already": (
        "CREATE (:Old {a: 1}), (:New {a: 1})",
        "op.rename_label('Old', 'New')\nop.add_unique_constraint('New', 'a')",
        "each value of (:New)(a) may be there once",
    ),
    "a further label": (
        "CREATE (:P {a: 1}), (:Q {a: 1})",
        "op.add_label('P', 'Q')\nop.add_unique_constraint('Q', 'a')",
        "each value of (:Q)(a) may be there once",
    ),
    "a property": (
        "CREATE (:P {a: 1}), (:P {a: 1})",
        "op.rename_node_property('P', 'a', 'b')\nop.add_unique_constraint('P', 'b')",
        "each value of (:P)(b) may be there once",
    ),
    "a property of another label": (
        "CREATE (:P {a: 1}), (:Q {b: 1}), (:P:Q {a: 1})",
        "op.rename_node_property('P', 'a', 'b')\nop.add_unique_constraint('Q', 'b')",
        "each value of (:Q)(b) may be there once",
    ),
    "a type": (
        "CREATE (p:P)-[:S {a: 1}]->(p)-[:T {a: 1}]->(p)",
        "op.rename_relationship_type('S', 'T')\n"
        "op.add_relationship_unique_constraint('T', 'a')",
        "each value of [:T](a) may be there once",
    ),
    "a label and a property": (
        "CREATE (:P {a: reduce(t = '', i IN range(1, 9000) | t + 'x')})",
        "op.rename_label('P', 'Q')\nop.rename_node_property('Q', 'a', 'b')\n"
        "op.add_index('Q', 'b')",
        "the value of Q(b) may take 8,167 bytes",
    ),
}
"""What the graph has, what the revision does, and what the message says."""


@pytest.mark.parametrize("case", RENAMED)
def test_what_is_renamed_first_is_judged_where_it_is_now(
    live: Project, neo4j_graph: Graph, case: str
) -> None:
    graph, upgrade, expected = RENAMED[case]
    given(neo4j_graph, graph)
    live.revision("r1", upgrade)
    message = refused(live, neo4j_graph)
    assert message.startswith("one thing stands in the way of revision r1; ")
    assert expected in message


# Downgrades ---------------------------------------------------------------------------


def test_a_downgrade_is_judged_too(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", KNOWN)
    live.revision("r2", "op.add_index('Q', 'x')", "op.drop_index('Q', 'x')", down="r1")
    live.revision(
        "r3",
        "op.remove_node_property('P', 'a')",
        "op.restore_node_property('P', 'a', 'STRING')",
        down="r2",
    )
    given(neo4j_graph, "CREATE (:P {a: 'archived'})")
    live.done("upgrade", "head")
    given(neo4j_graph, "MATCH (n:P) SET n.a = 'new'")
    given(neo4j_graph, "DROP INDEX index_Q_x")
    message = refused(live, neo4j_graph, "downgrade", "base")
    assert message.startswith("2 things stand in the way of revisions r3 to r1; ")
    assert (
        "r3: expected: (:P) with '_alembic_archive_r3_a' must not have 'a'" in message
    )
    assert "['archived', 'new']: 1, such as" in message
    assert "r2: expected: RANGE index index_Q_x on Q(x) can be dropped" in message
    assert message.index("r3: ") < message.index("r2: ")
    assert live.heads() == ["r3"]


def test_what_a_downgrade_mends_does_not_stand_in_its_way(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r0", "op.add_unique_constraint('P', 'a')")
    live.revision(
        "r1",
        "op.drop_unique_constraint('P', 'a')\nop.execute('MATCH (n:P) SET n.a = 1')",
        "op.execute('MATCH (n:P) SET n.a = n.b')\nop.add_unique_constraint('P', 'a')",
        down="r0",
    )
    given(neo4j_graph, "CREATE (:P {a: 1, b: 1}), (:P {a: 2, b: 2})")
    live.done("upgrade", "head")
    live.done("downgrade", "r0")
    assert live.heads() == ["r0"]


# Runs that were broken off ------------------------------------------------------------


@pytest.fixture
def broken(live: Project, neo4j_graph: Graph) -> Project:
    """A run over r1 and r2 that got as far as r2's index and is open."""
    live.revision("r1", "op.add_index('P', 'a')\nop.execute('MATCH (n:P) SET n.b = 1')")
    body = """
    op.add_index('P', 'c')
    op.run_cypher("MATCH (n:Q) SET n.done = true")
    op.run_cypher("UNWIND [0] AS zero MATCH (n:Stop) SET n.x = 1 / zero")
    op.add_unique_constraint('Q', 'c')
    """
    live.revision("r2", body, down="r1")
    given(neo4j_graph, "CREATE (:P {c: 1}), (:Q {c: 1}), (:Stop)")
    assert "by zero" in live.failed("upgrade", "head")
    assert indexes(neo4j_graph) == {"index_P_a", "index_P_c"}
    return live


def test_what_an_open_run_has_done_does_not_stand_in_its_way(
    broken: Project, neo4j_graph: Graph
) -> None:
    given(neo4j_graph, "MATCH (n:Stop) DELETE n")
    broken.done("upgrade", "head")
    assert broken.heads() == ["r2"]
    assert indexes(neo4j_graph) == {"index_P_a", "index_P_c"}


def test_what_follows_an_open_run_is_judged_when_that_has_ended(
    broken: Project, neo4j_graph: Graph
) -> None:
    broken.revision("r3", "op.add_index('R', 'r')", down="r2")
    broken.revision("r4", "op.add_unique_constraint('P', 'b')", down="r3")
    given(neo4j_graph, "MATCH (n:Stop) DELETE n", "CREATE (:P {b: 1})")
    message = broken.failed("upgrade", "head")
    assert message.startswith("one thing stands in the way of revisions r3 to r4; ")
    assert "r4: expected: each value of (:P)(b) may be there once" in message
    assert broken.heads() == stamped(neo4j_graph) == ["r2"]
    assert indexes(neo4j_graph) == {"index_P_a", "index_P_c"}
    given(neo4j_graph, "MATCH (n:P) WHERE n.c IS NULL DELETE n")
    broken.done("upgrade", "head")
    assert broken.heads() == ["r4"]


# What it costs, and what it says ------------------------------------------------------


def test_a_plan_with_nothing_to_check_asks_nothing(project: Project) -> None:
    project.revision("r1", f"{KNOWN}\nop.execute('CREATE (:P)')")
    project.revision("r2", "op.add_unique_constraint('P', 'a')", down="r1")
    steps = planned(project)
    nowhere = Graph(GraphSettings(NOWHERE, project.path))
    preflight(nowhere, steps[:1])


def test_a_label_without_nodes_is_not_asked_for(
    live: Project, neo4j_graph: Graph
) -> None:
    given(neo4j_graph, "CREATE (:Q)")
    # It would be refused, were it sent.
    upgrade = "op.alter_node_property('P', 'a', type='DATE', using='no Cypher')"
    live.revision("r1", f"{KNOWN}\n{upgrade}")
    preflight(neo4j_graph, planned(live))
    given(neo4j_graph, "CREATE (:P)")
    with pytest.raises(CheckFailed, match="the server can't tell"):
        preflight(neo4j_graph, planned(live))


def test_a_long_check_says_what_it_checks(
    live: Project,
    neo4j_graph: Graph,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(waiting, "SAID_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0.02)
    given(neo4j_graph, "CREATE (:P {a: 1})")
    slow = "reduce(x = 0, i IN range(1, 20000000) | x + i) > 1"
    live.revision("r1", f"op.rename_node_property('P', 'a', 'c', where='{slow}')")
    with caplog.at_level(logging.WARNING, logger=waiting.__name__):
        preflight(neo4j_graph, planned(live))
    assert any(
        "check 1 of 1: (:P) with 'a' must not have 'c' as well, since" in message
        for message in caplog.messages
    ), caplog.messages

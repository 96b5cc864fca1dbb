"""Undoing batches gives back exactly what was there before them."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alembic_neo4j.cypher.batch_rollback import (
    FEW,
    CreatedContents,
    RollbackCounts,
    Undo,
)
from alembic_neo4j.cypher.before_images import INDEX
from alembic_neo4j.cypher.load_targets import (
    BATCH_PROPERTY,
    Defaults,
    Endpoint,
    NodeTarget,
    RelationshipTarget,
)
from alembic_neo4j.errors import CheckFailed
from alembic_neo4j.graph.batch_rollback import is_left, run_undo, tagged
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.limits import Interrupts, Limits
from tests.graph.loads import contents, images, knows, load, nodes, properties, undo

BY_NAME = nodes(keys=("name",))


@pytest.fixture
def people(neo4j_graph: Graph) -> Graph:
    """Ann knows Bob; Cid knows himself; Ann has a date and a number."""
    neo4j_graph.transaction(
        [
            (
                "CREATE (a:Person {name: 'Ann', age: 7, born: date('2017-01-01')}), "
                "(b:Person:Author {name: 'Bob'}), (c:Person {name: 'Cid'}), "
                "(a)-[:KNOWS {since: 1}]->(b), (c)-[:KNOWS]->(c)",
                {},
            )
        ]
    )
    return neo4j_graph


def test_what_was_created_goes_and_what_was_changed_comes_back(people: Graph) -> None:
    before = contents(people)
    load(people, nodes(), [{"name": "Dan"}])
    rows = [
        {"name": "Ann", "age": 7.0, "born": None, "new": [1, 2]},
        {"name": "Eva", "age": 1},
        {"name": "Bob", "name2": "x"},
    ]
    load(people, BY_NAME, rows)
    load(people, knows(), [{"source": "Dan", "target": "Ann"}])
    load(
        people,
        knows(()),
        [{"source": "Ann", "target": "Bob", "properties": {"since": 2, "w": 1}}],
    )

    undone = undo(people)

    assert undone == RollbackCounts(2, 1, 2, 1)
    assert contents(people) == before
    assert images(people) == []
    assert undo(people) == RollbackCounts()
    assert contents(people) == before


def test_the_first_image_of_a_batch_stays(people: Graph) -> None:
    before = contents(people)
    for age in (8, 9):
        load(people, BY_NAME, [{"name": "Ann", "age": age}])
    load(people, BY_NAME, [{"name": "Ann", "age": 10, "more": 1}])

    assert len(images(people)) == 1
    undo(people)
    assert contents(people) == before


def test_what_others_have_changed_since_stays(people: Graph) -> None:
    load(people, BY_NAME, [{"name": "Ann", "age": 8}])
    people.transaction([("MATCH (n:Person {name: 'Ann'}) SET n.town = 'X'", {})])

    undo(people)

    assert properties(people)[0] == {
        "name": "Ann",
        "age": 7,
        "town": "X",
        "born": properties(people)[0]["born"],
    }


@pytest.mark.parametrize("order", [("b1", "b2"), ("b2", "b1")])
def test_two_batches_on_one_node_in_either_order(
    people: Graph, order: tuple[str, str]
) -> None:
    before = contents(people)
    load(people, BY_NAME, [{"name": "Ann", "age": 8, "a": 1, "c": 1}], "b1")
    load(people, BY_NAME, [{"name": "Ann", "age": 9, "b": 2, "c": None}], "b2")
    alone = {
        # What only the other one has done is there still, in between.
        "b1": {"age": 9, "b": 2, "a": None, "c": None},
        "b2": {"age": 8, "b": None, "a": 1, "c": 1},
    }

    undo(people, order[0])

    found = properties(people)[0]
    assert {name: found.get(name) for name in "abc"} | {"age": found["age"]} == alone[
        order[0]
    ]
    undo(people, order[1])
    assert contents(people) == before
    assert images(people) == []


@pytest.mark.parametrize("order", [("b1", "b2"), ("b2", "b1")])
def test_a_batch_may_change_what_another_one_looks_up(
    people: Graph, order: tuple[str, str]
) -> None:
    before = contents(people)
    load(people, BY_NAME, [{"name": "Ann", "age": 8}], "b1")
    by_age = nodes(keys=("age",))
    load(people, by_age, [{"age": 8, "name": "Anna"}], "b2")

    undo(people, order[0])
    undo(people, order[1])

    assert contents(people) == before


@pytest.mark.parametrize("order", [("b1", "b2"), ("b2", "b1")])
def test_a_node_that_one_batch_created_and_another_changed(
    people: Graph, order: tuple[str, str]
) -> None:
    before = contents(people)
    load(people, BY_NAME, [{"name": "Dan", "age": 1}], "b1")
    load(people, BY_NAME, [{"name": "Dan", "age": 2}], "b2")

    undo(people, order[0])
    undo(people, order[1])

    assert contents(people) == before
    assert images(people) == []


@pytest.mark.parametrize(
    "known",
    [
        None,
        CreatedContents(("Person",), (), 1, 0),
        CreatedContents(("Person",), ("KNOWS",), 1, 5),
    ],
    ids=["nothing is known", "few are its own", "most are its own"],
)
def test_relationships_of_others_are_not_deleted(
    people: Graph, known: CreatedContents | None
) -> None:
    load(people, BY_NAME, [{"name": "Dan"}, {"name": "Ann", "age": 8}])
    load(people, knows(), [{"source": "Dan", "target": "Ann"}], "b2")
    people.transaction(
        [("MATCH (d {name: 'Dan'}) CREATE (d)-[:LIKES]->(d), (d)-[:LIKES]->(d)", {})]
    )
    before = contents(people)

    with pytest.raises(CheckFailed) as refused:
        undo(people, known=known)

    assert "2 :LIKES, such as" in str(refused.value)
    assert "1 :KNOWS of the batch b2, such as" in str(refused.value)
    assert str(refused.value).count("such as") == 2
    assert "--detach" in str(refused.value)
    assert contents(people) == before

    assert undo(people, detach=True) == RollbackCounts(1, 3, 1, 0)
    assert [row["name"] for row in properties(people)] == ["Ann", "Bob", "Cid"]


def test_only_a_label_or_a_type(people: Graph) -> None:
    load(people, BY_NAME, [{"name": "Dan"}, {"name": "Ann", "age": 8}])
    load(people, nodes("Town"), [{"name": "X"}])
    load(people, knows(), [{"source": "Dan", "target": "Ann"}])
    load(people, knows(type_="LIKES"), [{"source": "Ann", "target": "Bob"}])

    # The relationship that the batch made goes with its node.
    assert undo(people, labels=("Person",), types=()) == RollbackCounts(1, 1, 1, 0)
    assert [row["name"] for row in properties(people, "Town")] == ["X"]
    assert is_left(people, BATCH_PROPERTY, "b1", ("Person", "Town"), ("KNOWS",))
    assert not is_left(people, BATCH_PROPERTY, "b1", ("Person",), ("KNOWS",))

    assert undo(people, labels=(), types=("LIKES",)) == RollbackCounts(0, 1)
    assert undo(people, labels=("Town",), types=()) == RollbackCounts(1)


def test_renamed_since(people: Graph) -> None:
    load(people, nodes("Town"), [{"name": "X"}, {"name": "Y"}])
    load(people, knows(type_="LIKES"), [{"source": "Ann", "target": "Bob"}])
    people.transaction([("MATCH (n:Town) SET n:City REMOVE n:Town", {})])
    people.transaction(
        [
            (
                "MATCH (a)-[r:LIKES]->(b) CREATE (a)-[c:LOVES]->(b) "
                "SET c = properties(r) DELETE r",
                {},
            )
        ]
    )
    known = CreatedContents(("Town",), ("LIKES",), nodes=2, relationships=1)

    assert undo(people, known=known) == RollbackCounts(2, 1)


def test_a_relationship_that_was_replaced_is_found_again(people: Graph) -> None:
    # As op.rename_relationship_type does it, there and back.
    before = contents(people)[1]
    row = {"source": "Ann", "target": "Bob", "properties": {"since": 2, "w": 1}}
    load(people, knows(()), [row])
    for old, new in (("KNOWS", "MET"), ("MET", "KNOWS")):
        people.transaction(
            [
                (
                    f"MATCH (a)-[r:{old}]->(b) WITH a, r, b, properties(r) AS p "
                    f"DELETE r CREATE (a)-[c:{new}]->(b) SET c = p",
                    {},
                )
            ]
        )

    assert undo(people).restored_relationships == 1

    assert sorted(row[1:] for row in contents(people)[1]) == sorted(
        row[1:] for row in before
    )


def test_what_is_there_no_longer_is_told(
    people: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"name": "Ann", "age": 8}, {"name": "Bob", "age": 8}, {"name": "Cid"}]
    load(people, BY_NAME, rows)
    people.transaction(
        [
            ("MATCH (n:Person {name: 'Ann'}) DETACH DELETE n", {}),
            ("MATCH (n:Person {name: 'Bob'}) SET n.name = 'Rob'", {}),
        ]
    )

    with caplog.at_level(logging.WARNING):
        undo(people)

    assert "Of the nodes that the batch b1 changed, 2 are there no longer" in (
        caplog.text
    )
    assert properties(people) == [{"name": "Cid"}, {"name": "Rob", "age": 8}]
    assert images(people) == []


def test_another_node_with_the_id_of_a_deleted_one_is_left_alone(
    people: Graph,
) -> None:
    load(people, BY_NAME, [{"name": "Cid", "age": 8}])
    (image,) = images(people)
    # As if the id had been given to another node.
    people.transaction(
        [
            (
                "MATCH (n:Person {name: 'Bob'}), (b:__AlembicNeo4jBeforeImage) "
                "SET n.age = 1, b.element = elementId(n)",
                {},
            )
        ]
    )
    assert image["k_name"] == "Cid"

    undo(people)

    assert {"name": "Bob", "age": 1} in properties(people)


def test_batches_by_the_beginning_of_their_names(people: Graph) -> None:
    load(people, nodes(), [{"name": "Dan"}], "r1:2")
    load(people, knows(), [{"source": "Ann", "target": "Bob"}], "r1:3")
    load(people, BY_NAME, [{"name": "Ann", "age": 8}], "r1:4")
    load(people, nodes(), [{"name": "Eva"}], "r10")

    assert tagged(people, BATCH_PROPERTY, "r1:") == {"r1:2", "r1:3", "r1:4"}


def indexes(graph: Graph) -> set[str]:
    rows = graph.read(
        "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"
    )
    return {row["name"] for row in rows} - {"__alembic_neo4j_lock"}


def test_the_index_goes_with_the_last_image(people: Graph) -> None:
    load(people, BY_NAME, [{"name": "Ann", "age": 8}], "b1")
    load(people, BY_NAME, [{"name": "Bob", "age": 8}], "b2")
    undo(people, "b1")
    assert indexes(people) == {INDEX}

    undo(people, "b2")

    assert indexes(people) == set()
    assert people.read("MATCH (n) RETURN count(n) AS n") == [{"n": 3}]


@pytest.mark.sample(10)
@pytest.mark.parametrize("degree", [1, 25, FEW, FEW + 1, 3 * FEW])
@pytest.mark.parametrize("detach", [False, True], ids=["", "detach"])
@pytest.mark.parametrize("after", [0, 1, 5, 1000])
def test_whatever_the_degree_of_a_node(
    people: Graph, degree: int, detach: bool, after: int
) -> None:
    before = contents(people)
    leaves = [f"leaf {i}" for i in range(degree)]
    load(people, nodes(), [{"name": name} for name in ("Hub", *leaves)])
    # To leaves, from Bob, who is there before and stays, and from the hub to itself.
    ends = [("Hub", name) for name in leaves] + [("Bob", "Hub")] * 2 + [("Hub", "Hub")]
    load(people, knows(), [{"source": a, "target": b} for a, b in ends])
    if detach:
        known = "MATCH (n:Person {name: 'Cid'}), (h:Person {name: 'Hub'})"
        people.transaction([(f"{known} CREATE (n)-[:LIKES]->(h)", {})])
    step = Undo(("b1",), BATCH_PROPERTY, detach=detach)

    size = 7
    seen = Largest(people, after)
    with suppress(Stopped):
        run_undo(people, step, Limits(batch_size=size, interrupts=seen))
    assert seen.largest <= size
    run_undo(people, step, Limits(batch_size=size))

    assert contents(people) == before


# Whatever the graph and the batches are ----------------------------------------------

NAMES = ("j", "a", "b c")
KEYS = range(4)
values = st.one_of(
    st.none(),
    st.integers(-2, 2),
    st.sampled_from([1.0, 2.5, True, False, "", "x", date(2024, 1, 1)]),
    st.lists(st.integers(0, 2), max_size=2),
)
written = st.dictionaries(st.sampled_from(NAMES), values, max_size=3)
ANY = Endpoint("N", ("k",))


def rows_of_nodes(*keys: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.builds(
        lambda k, j, p: {**p, **{name: {"k": k, "j": j}[name] for name in keys}},
        st.sampled_from(KEYS),
        st.integers(0, 1),
        written,
    )
    return st.lists(row, min_size=1, max_size=4)


def rows_of_relationships(*keys: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.builds(
        lambda s, t, j, p: {
            "source": s,
            "target": t,
            "properties": {**p, "j": j} if keys else p,
        },
        st.sampled_from(KEYS),
        st.sampled_from(KEYS),
        st.integers(0, 1),
        written,
    )
    return st.lists(row, min_size=1, max_size=4)


loads = st.one_of(
    st.tuples(st.just(NodeTarget(("N",))), rows_of_nodes("k")),
    st.tuples(st.just(NodeTarget(("N", "M"), ("k",))), rows_of_nodes("k")),
    st.tuples(st.just(NodeTarget(("N",), ("k", "j"))), rows_of_nodes("k", "j")),
    st.tuples(st.just(RelationshipTarget("R", ANY, ANY)), rows_of_relationships()),
    st.tuples(st.just(RelationshipTarget("R", ANY, ANY, ())), rows_of_relationships()),
    st.tuples(
        st.just(RelationshipTarget("S", ANY, ANY, ("j",))), rows_of_relationships("j")
    ),
)
graphs = st.tuples(
    st.lists(written, min_size=1, max_size=3),
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from("RS"), st.integers(0, 2), written),
        max_size=4,
    ),
)


defaults = st.sampled_from(
    [
        Defaults(),
        Defaults((("a", "$default_0"), ("b c", "randomUUID()")), {"default_0": 3}),
    ]
)


class Stopped(Exception):
    """A rollback is broken off, as by a kill."""


class Stopping(Interrupts):
    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after

    def check(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Stopped


class Largest(Stopping):
    """It notes how much was deleted at once, and breaks off after some transactions."""

    def __init__(self, graph: Graph, after: int) -> None:
        super().__init__(after)
        self.largest = 0
        self._graph = graph
        self._before: int | None = None

    def check(self) -> None:
        left = self._graph.read(
            "RETURN COUNT { MATCH (n) } + COUNT { MATCH ()-[r]->() } AS n"
        )[0]["n"]
        if self._before is not None:
            self.largest = max(self.largest, self._before - left)
        self._before = left
        super().check()


def make(graph: Graph, made: Any) -> None:
    graph.transaction([("MATCH (n) DETACH DELETE n", {})])
    found, related = made
    rows = [{**row, "k": k} for k, row in enumerate(found)]
    graph.transaction(
        [("UNWIND $rows AS row CREATE (n:N) SET n = row", {"rows": rows})]
    )
    for source, type_, target, row in related:
        graph.transaction(
            [
                (
                    "MATCH (a:N {k: $a}), (b:N {k: $b}) "
                    f"CREATE (a)-[r:{type_}]->(b) SET r = $row",
                    {"a": source, "b": target, "row": row},
                )
            ]
        )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    made=graphs,
    loaded=st.lists(
        st.tuples(st.sampled_from(["x", "y", "z"]), loads, defaults), max_size=6
    ),
    order=st.permutations(["x", "y", "z"]),
    killed=st.lists(st.integers(0, 12), max_size=2),
)
def test_rolling_back_is_exact(
    neo4j_graph: Graph, made: Any, loaded: Any, order: list[str], killed: list[int]
) -> None:
    make(neo4j_graph, made)
    before = contents(neo4j_graph)
    for batch, (target, rows), made_up in loaded:
        # Where keys find several nodes nothing is loaded.
        with suppress(CheckFailed):
            load(neo4j_graph, target, rows, batch, size=2, defaults=made_up)

    for batch in order:
        step = Undo((batch,), BATCH_PROPERTY, detach=True)
        for after in killed:
            limits = Limits(batch_size=1, interrupts=Stopping(after))
            with suppress(Stopped):
                run_undo(neo4j_graph, step, limits)
        run_undo(neo4j_graph, step, Limits(batch_size=3))
        assert not is_left(neo4j_graph, BATCH_PROPERTY, batch, ("N", "M"), ("R", "S"))

    assert contents(neo4j_graph) == before
    assert images(neo4j_graph) == []

"""Merging nodes: what the one that stays gets, and what a broken-off merge leaves."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import neo4j
import pytest

from alembic_neo4j.cypher.data_changes import Mark
from alembic_neo4j.cypher.steps import Batched, Merge
from alembic_neo4j.errors import CheckFailed, OfflineError, SchemaError, StatementError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.execute import Attempt
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.merging import run_merge
from alembic_neo4j.schema.changes import MergeNodes
from alembic_neo4j.schema.definitions import Constraint, EntityType, Schema
from alembic_neo4j.schema.kinds import ConstraintKind
from tests.cypher.test_change_steps import (
    NEW,
    OLD,
    OTHER,
    P,
    Q,
    R,
    S,
    add,
    batches,
    clear_schema,
    graph,
    make,
    plan,
    relate,
    unique,
    write_twice,
)

PEOPLE = "Person"


@pytest.fixture(autouse=True)
def cleared(driver: neo4j.Driver) -> None:
    clear_schema(driver)


def merge(neo4j_graph: Graph, change: MergeNodes, size: int = 5) -> None:
    for step in plan(change):
        Attempt(neo4j_graph, [step], Limits(batch_size=size)).run()


def named(policies: dict[str, Any], **how: Any) -> MergeNodes:
    """All people become one, in the order of their number."""
    return MergeNodes(
        PEOPLE, "1", policies=tuple(policies.items()), order_by="n.id", **how
    )


def anastasia(driver: neo4j.Driver) -> None:
    for number, name in enumerate([None, "Anastasia", "Zouheir", None]):
        add(driver, PEOPLE, id=number, **({"name": name} if name else {}))
    add(driver, "Unmatched", id=9, name="Unmatched")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("first", "Anastasia"),
        ("last", "Zouheir"),
        ("all", ["Anastasia", "Zouheir"]),
    ],
)
def test_one_of_different_values_stays(
    driver: neo4j.Driver, neo4j_graph: Graph, policy: Any, expected: Any
) -> None:
    anastasia(driver)
    merge(neo4j_graph, named({"name": policy, "id": "first"}))
    assert graph(driver)[0] == [
        ({PEOPLE}, {"id": 0, "name": expected}),
        ({"Unmatched"}, {"id": 9, "name": "Unmatched"}),
    ]


def test_a_list_of_all_has_what_one_node_had(
    driver: neo4j.Driver, neo4j_graph: Graph
) -> None:
    add(driver, PEOPLE, id=1, tags=["a", "b"])
    add(driver, PEOPLE, id=2, tags="c", only=1)
    policies = {"id": "last", "tags": "all", "only": "all", "nobody's": "all"}
    merge(neo4j_graph, named(policies))
    assert graph(driver)[0] == [
        ({PEOPLE}, {"id": 2, "tags": ["a", "b", "c"], "only": [1]})
    ]


def test_whoever_has_it_gets_a_list(driver: neo4j.Driver, neo4j_graph: Graph) -> None:
    texts = ["A", "a", "B", None, "out", ["c"]]
    for number, text in enumerate(texts):
        add(driver, PEOPLE, "Kept", id=number, **({"name": text} if text else {}))
    add(driver, "Kept", id=9, name="none of these")
    change = MergeNodes(
        *(PEOPLE, "toLower(n.name)"),
        policies=(("id", "first"), ("name", "all")),
        where="n.id < 5 AND n.id > 4 OR NOT n.name IS :: LIST<ANY> "
        "AND NOT toLower(n.name) = 'out'",
        order_by="n.id",
    )
    expected = [
        (0, ["A", "a"]),
        (2, ["B"]),
        (3, None),
        (4, "out"),
        (5, ["c"]),
        (9, "none of these"),
    ]

    # Again with the very same, as by a run that goes on: there is nothing to do.
    for _ in range(2):
        merge(neo4j_graph, change)
        found = [values for _, values in graph(driver)[0]]
        assert [(values["id"], values.get("name")) for values in found] == expected
        assert {name for values in found for name in values} == {"id", "name"}
    *_, lists = plan(change)
    assert isinstance(lists, Batched)
    assert neo4j_graph.read(lists.count, lists.parameters) == [{"count": 0}]


def test_lists_are_broken_off_and_gone_on_with(
    driver: neo4j.Driver, neo4j_graph: Graph
) -> None:
    for number in range(7):
        add(driver, PEOPLE, id=number, name="aAbBcC."[number])
    change = MergeNodes(
        *(PEOPLE, "toLower(n.name)"),
        policies=(("id", "first"), ("name", "all")),
        where="toLower(n.name) <> '.'",
        order_by="n.id",
    )
    _, step, lists = plan(change)
    assert isinstance(step, Merge)
    assert isinstance(lists, Batched)
    # One more of the same key comes while the merge is broken off.
    calls: list[int] = []
    with pytest.raises(Killed):
        run_merge(neo4j_graph, step, 2, between=at(2))
    add(driver, PEOPLE, id=7, name="a")
    run_merge(neo4j_graph, step, 2, between=lambda: calls.append(1))
    for batch in islice(batches(driver, lists, 1), 2):
        write_twice(driver, lists, batch)
    Attempt(neo4j_graph, [lists], Limits(batch_size=1)).run()
    assert [(v["id"], v["name"]) for _, v in graph(driver)[0]] == [
        (0, ["a", "A", "a"]),
        (2, ["b", "B"]),
        (4, ["c", "C"]),
        (6, "."),
    ]


def test_a_constraint_that_takes_no_list_is_told_of_beforehand() -> None:
    typed = Constraint(
        ConstraintKind.TYPE, EntityType.NODE, PEOPLE, ("name",), "STRING", name="typed"
    )
    before = Schema.of(constraints=[typed])
    with pytest.raises(SchemaError, match="'name' becomes a list, and the constraint "):
        plan(named({"name": "all"}), before)
    assert plan(named({"name": "last"}), before)


def test_a_policy_for_the_rest(driver: neo4j.Driver, neo4j_graph: Graph) -> None:
    add(driver, PEOPLE, id=1, name="a", age=1)
    add(driver, PEOPLE, id=2, name="b", age=2, more=2)
    merge(neo4j_graph, named({"name": "first"}, policy="last"))
    assert graph(driver)[0] == [({PEOPLE}, {"id": 2, "name": "a", "age": 2, "more": 2})]


@pytest.mark.parametrize("policy", ["fail", "first", "last"])
def test_marks_tell_no_nodes_apart(
    driver: neo4j.Driver, neo4j_graph: Graph, policy: Any
) -> None:
    filled = [Mark.FILLED.of(f"r{number}", P) for number in range(3)]
    labelled, kept = Mark.LABELLED.of("r1", OTHER), Mark.KEPT.of("r1", OLD, NEW)
    lacked = Mark.LACKED.of("r1", OLD, NEW)
    add(driver, PEOPLE, **{P: 1, filled[0]: 1, filled[1]: 1, labelled: True})
    add(driver, PEOPLE, **{P: 1, filled[0]: 1, filled[2]: 1, kept: False})
    add(driver, PEOPLE, **{P: 1, filled[0]: 1, lacked: True})
    merge(neo4j_graph, MergeNodes(PEOPLE, "1", policy=policy))
    # What was written by a revision is so only where that wrote all of them.
    assert graph(driver)[0] == [({PEOPLE}, {P: 1, filled[0]: 1, kept: False})]


def test_different_values_without_a_policy_change_nothing(
    driver: neo4j.Driver, neo4j_graph: Graph
) -> None:
    anastasia(driver)
    relate(driver, 1, R, 2)
    start = graph(driver)
    with pytest.raises(
        CheckFailed, match=r"'name': 1, such as .*\n.*policies="
    ) as error:
        merge(neo4j_graph, named({"id": "first"}))
    assert "'id'" not in str(error.value)
    assert graph(driver) == start


def test_nodes_of_the_same_key_are_merged(
    driver: neo4j.Driver, neo4j_graph: Graph
) -> None:
    for number in range(12):
        add(
            driver,
            OLD,
            id=number,
            **{P: f"X{number % 3}".swapcase() if number > 6 else f"X{number % 3}"},
        )
    add(driver, OLD, id=12)
    add(driver, OLD, id=13)
    add(driver, OTHER, id=14, **{P: "X0"})
    change = MergeNodes(
        *(OLD, f"toLower(n.`{P.replace('`', '``')}`)"),
        policies=(("id", "first"),),
        policy="first",
        order_by="n.id",
        where="n.id <> 11",
    )
    (step,) = plan(change)
    assert isinstance(step, Merge)
    (row,) = neo4j_graph.read(step.count)
    assert row == {"count": 8}
    merge(neo4j_graph, change, size=3)
    assert [values["id"] for _, values in graph(driver)[0]] == [0, 1, 2, 11, 12, 13, 14]
    (row,) = neo4j_graph.read(step.count)
    assert row == {"count": 0}
    assert run_merge(neo4j_graph, step, 3) == 0


def test_all_labels_are_united(driver: neo4j.Driver, neo4j_graph: Graph) -> None:
    add(driver, "All", "Label1", "Label3", id=1)
    add(driver, "All", "Label2", "Label `Oops`", id=2)
    add(driver, "All", "Label1", "Label `Oops`", id=3)
    merge(neo4j_graph, MergeNodes("All", "true", policy="first", order_by="n.id"))
    assert graph(driver)[0] == [
        ({"All", "Label1", "Label2", "Label3", "Label `Oops`"}, {"id": 1})
    ]


def test_relationships_lead_to_the_one_that_stays(
    driver: neo4j.Driver, neo4j_graph: Graph
) -> None:
    for number in (1, 2, 3):
        add(driver, PEOPLE, id=number)
    add(driver, "Third", id=9)
    relate(driver, 9, R, 1, kept=1)
    relate(driver, 9, S, 2, year=2012)
    relate(driver, 3, "OUT `of`", 9, year=2013)
    relate(driver, 2, R, 9)
    # Among each other, both ways and with themselves: each becomes a loop.
    relate(driver, 1, "FOLLOWS_1", 2, at=1)
    relate(driver, 2, "FOLLOWS_2", 1, at=2)
    relate(driver, 2, "FOLLOWS_3", 2, at=3)
    relate(driver, 3, "FOLLOWS_4", 2, at=4)
    relate(driver, 1, "FOLLOWS_5", 1, at=5)
    merge(neo4j_graph, named({"id": "first"}), size=2)
    nodes, found = graph(driver)
    assert [values["id"] for _, values in nodes] == [1, 9]
    assert found == sorted(
        [
            (9, R, 1, {"kept": 1}),
            (9, S, 1, {"year": 2012}),
            (1, "OUT `of`", 9, {"year": 2013}),
            (1, R, 9, {}),
            *[(1, f"FOLLOWS_{at}", 1, {"at": at}) for at in range(1, 6)],
        ],
        key=str,
    )


def test_parallel_relationships_are_all_kept(
    driver: neo4j.Driver, neo4j_graph: Graph
) -> None:
    for number in (1, 2):
        add(driver, PEOPLE, id=number)
    add(driver, "Third", id=9)
    for number in (1, 1, 2):
        relate(driver, number, R, 9, same=True)
    merge(neo4j_graph, named({"id": "first"}))
    assert graph(driver)[1] == [(1, R, 9, {"same": True})] * 3


def test_a_node_of_very_many_relationships(
    driver: neo4j.Driver, neo4j_graph: Graph
) -> None:
    add(driver, PEOPLE, id=1)
    add(driver, PEOPLE, id=2)
    driver.execute_query(
        "MATCH (n:Person {id: 2}) UNWIND range(1, 1000) AS i "
        "CREATE (n)-[:R {i: i}]->(:Leaf {id: -i}) CREATE (n)-[:R {i: -i}]->(n)"
    )
    # Several transactions of relationships, and one that unites the nodes.
    calls: list[int] = []
    (_, step) = plan(named({"id": "first"}))
    assert isinstance(step, Merge)
    assert run_merge(neo4j_graph, step, 300, between=lambda: calls.append(1)) == 1
    assert len(calls) == 7 + 1
    (row,) = neo4j_graph.read(
        "MATCH (n:Person {id: 1})-[r]->(m) RETURN count(DISTINCT r.i) AS n, "
        "count(r) AS all, sum(CASE WHEN m = n THEN 1 END) AS loops"
    )
    assert row == {"n": 2000, "all": 2000, "loops": 1000}


@pytest.mark.parametrize("policy", ["first", "last"])
def test_a_unique_value_is_no_obstacle(
    driver: neo4j.Driver, neo4j_graph: Graph, policy: Any
) -> None:
    make(driver, Schema.of(constraints=[unique(PEOPLE, "name"), unique("Also", "id")]))
    add(driver, PEOPLE, id=1, name="a")
    add(driver, PEOPLE, "Also", id=2, name="b")
    merge(neo4j_graph, named({"name": policy, "id": "last"}))
    assert graph(driver)[0] == [
        ({PEOPLE, "Also"}, {"id": 2, "name": "a" if policy == "first" else "b"})
    ]


@pytest.mark.parametrize("number", [0, 1])
def test_nothing_to_merge(
    driver: neo4j.Driver, neo4j_graph: Graph, number: int
) -> None:
    for found in range(number):
        add(driver, PEOPLE, id=found)
    start = graph(driver)
    merge(neo4j_graph, named({}))
    assert graph(driver) == start


class Killed(BaseException):
    """The client is gone."""


def at(number: int) -> Callable[[], None]:
    left = iter(range(number))

    def between() -> None:
        if next(left, None) is None:
            raise Killed

    return between


def test_a_merge_that_is_broken_off_goes_on(
    driver: neo4j.Driver, neo4j_graph: Graph
) -> None:
    def fill() -> None:
        driver.execute_query("MATCH (n) DETACH DELETE n")
        for number in range(9):
            add(driver, PEOPLE, id=number, key=number % 3)
        for number in range(9):
            relate(driver, number, R, (number * 2 + 1) % 9, at=number)
            relate(driver, number, S, number, at=number)

    change = MergeNodes(
        PEOPLE, "n.key", policies=(("id", "all"),), order_by="n.id", batch_size=4
    )
    _, step, _ = plan(change)
    assert isinstance(step, Merge)
    fill()
    calls: list[int] = []
    run_merge(neo4j_graph, step, 4, between=lambda: calls.append(1))
    whole = _shown(driver)
    assert len(calls) > 8
    for number in range(len(calls)):
        fill()
        with pytest.raises(Killed):
            run_merge(neo4j_graph, step, 4, between=at(number))
        run_merge(neo4j_graph, step, 4)
        assert _shown(driver) == whole, number


def _shown(driver: neo4j.Driver) -> list[str]:
    nodes, found = graph(driver)
    return sorted(map(str, [*nodes, *found]))


def test_what_a_constraint_refuses_stays_as_it_was(
    driver: neo4j.Driver, neo4j_graph: Graph
) -> None:
    make(driver, Schema.of(constraints=[unique(NEW, Q)]))
    add(driver, PEOPLE, id=1, **{Q: "a"})
    add(driver, PEOPLE, NEW, id=2)
    add(driver, NEW, id=3, **{Q: "a"})
    start = graph(driver)
    with pytest.raises(StatementError, match="already exists"):
        merge(neo4j_graph, named({"id": "first"}))
    assert graph(driver) == start


def test_a_list_that_a_constraint_refuses_is_not_lost(
    driver: neo4j.Driver, neo4j_graph: Graph
) -> None:
    make(driver, Schema.of(constraints=[unique(NEW, Q)]))
    add(driver, PEOPLE, id=1)
    add(driver, PEOPLE, NEW, id=2, **{Q: "a"})
    add(driver, NEW, id=3, **{Q: ["a"]})
    change = named({"id": "first", Q: "all"})
    with pytest.raises(StatementError, match="already exists"):
        merge(neo4j_graph, change)
    driver.execute_query("MATCH (n {id: 3}) DELETE n")
    merge(neo4j_graph, change)
    assert graph(driver)[0] == [({PEOPLE, NEW}, {"id": 1, Q: ["a"]})]


def test_a_merge_is_no_script() -> None:
    (_, step) = plan(named({}))
    with pytest.raises(OfflineError, match="Run it with `alembic -c neo4j"):
        _ = step.script

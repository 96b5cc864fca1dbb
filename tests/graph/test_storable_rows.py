"""Every value that can be handed to a load: stored as it is, or refused before it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import neo4j
import pytest

from alembic_neo4j.cypher.load_targets import LoadTarget
from alembic_neo4j.errors import IngestError
from alembic_neo4j.graph.connection import Graph
from tests.graph.loads import contents, knows, load, nodes
from tests.schema.storable_values import ACCEPTED, NOT_FINITE, REFUSED


def _row(value: Any) -> dict[str, Any]:
    return {"name": "Bob", "x": value}


def _related(value: Any) -> dict[str, Any]:
    return {"source": "Ann", "target": "Ann", "properties": {"x": value}}


WRITERS: dict[str, tuple[LoadTarget, Callable[[Any], Any], list[Any], str]] = {
    "create": (nodes(), _row, [_row(1)], "x"),
    "create by row": (nodes(), _row, [{"name": "Cid"}], "x"),
    "upsert": (nodes(keys=("name",)), _row, [_row(1)], "x"),
    "upsert by row": (nodes(keys=("name",)), _row, [{"name": "Cid"}], "x"),
    "upsert by that": (nodes(keys=("x",)), _row, [_row(1)], "x"),
    "upsert by that, by row": (nodes(keys=("x",)), _row, [{"x": 2}], "x"),
    "relate": (knows(), _related, [_related(1)], "x"),
    "relate by row": (knows(), _related, [{"source": "A", "target": "B"}], "x"),
    "relate again": (knows(()), _related, [_related(1)], "x"),
    "relate by that": (knows(("x",)), _related, [_related(1)], "x"),
    "relate by that, by row": (
        knows(("x",)),
        _related,
        [{"source": "A", "target": "B", "properties": {"x": 1, "y": 2}}],
        "x",
    ),
    "relate all": (knows(on_unmatched="fail"), _related, [_related(1)], "x"),
    "lead from": (
        knows(),
        lambda value: {"source": {"name": value}, "target": "Ann"},
        [],
        "source",
    ),
    "lead to": (
        knows(),
        lambda value: {"source": "Ann", "target": value},
        [],
        "target",
    ),
}
"""What the rows become, a row with a value, rows before it, and the value's name."""


@pytest.mark.sample(5)
@pytest.mark.parametrize("writer", WRITERS)
def test_what_no_property_can_hold_is_refused_before_the_first_write(
    neo4j_graph: Graph, writer: str
) -> None:
    neo4j_graph.transaction([("CREATE (:Person {name: 'Ann'})", {})])
    target, row, before, name = WRITERS[writer]
    there = contents(neo4j_graph)
    number = len(before) + 2
    refused = {**REFUSED, **{k: (v, "allow_nan") for k, v in NOT_FINITE.items()}}

    for what, (value, reason) in refused.items():
        if isinstance(value, dict) and name in ("source", "target"):
            # A map is there the values of keys.
            value = {"name": value}
        fine = "Ann" if name in ("source", "target") else 1
        rows = [*before, row(fine), row(value)]
        with pytest.raises(IngestError) as told:
            load(neo4j_graph, target, rows, size=1)
        assert f"row {number}: expected in {name!r}" in str(told.value), what
        assert reason in str(told.value), what

    assert contents(neo4j_graph) == there


KEEPING = [
    writer
    for writer, (*_, name) in WRITERS.items()
    # One relationship for all rows is no place for many values.
    if name == "x" and writer != "relate again"
]


@pytest.mark.sample(5)
@pytest.mark.parametrize("writer", KEEPING)
def test_what_a_property_can_hold_is_read_back(
    neo4j_graph: Graph, driver: neo4j.Driver, writer: str
) -> None:
    driver.execute_query("CREATE (:Person {name: 'Ann'})")
    target, row, _, _ = WRITERS[writer]
    expected = {what: stored for what, (_, stored) in ACCEPTED.items()}

    for what, (value, _) in ACCEPTED.items():
        load(neo4j_graph, target, [_called(row(value), what)])

    records = driver.execute_query(
        "MATCH (n:Person) OPTIONAL MATCH (n)-[r]->() WITH coalesce(r, n) AS x "
        "WHERE x.what IS NOT NULL RETURN x.what, x.x"
    ).records
    found = dict(map(tuple, records))
    # Of those with equal keys there is one.
    assert set(found) == set(expected) or "by that" in writer
    assert {k: (type(v), v) for k, v in found.items()} == {
        k: (type(expected[k]), expected[k]) for k in found
    }
    assert len(found) > len(expected) / 2


def _called(row: dict[str, Any], what: str) -> dict[str, Any]:
    if "properties" in row:
        return {**row, "properties": {**row["properties"], "what": what}}
    return {**row, "name": what, "what": what}


@pytest.mark.parametrize("together", [True, False])
def test_what_is_not_finite_is_stored_where_that_is_allowed(
    neo4j_graph: Graph, together: bool
) -> None:
    values = [math.nan, math.inf, -math.inf, [1, math.nan]]
    rows = [{"n": n, "x": value} for n, value in enumerate(values)]
    if not together:
        rows.append({"n": 9})

    load(neo4j_graph, nodes(), rows, allow_nan=True)

    found = neo4j_graph.read("MATCH (p:Person) RETURN p.x AS x ORDER BY p.n")
    assert [repr(row["x"]) for row in found[:4]] == ["nan", "inf", "-inf", "[1.0, nan]"]


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "it is empty"),
        ("a\0", "NUL"),
        ("a\ud800", "half of a pair"),
        (7, "it is a int"),
        (None, "it is a NoneType"),
    ],
)
@pytest.mark.parametrize("by_row", [True, False])
def test_a_name_that_no_property_has_is_refused(
    neo4j_graph: Graph, name: Any, reason: str, by_row: bool
) -> None:
    rows = [{"a": 1}, {name: 1}] if by_row else [{name: 1}]

    with pytest.raises(IngestError) as told:
        load(neo4j_graph, nodes(), rows)

    assert f"row {len(rows)}: expected names of properties" in str(told.value)
    assert reason in str(told.value)
    assert contents(neo4j_graph) == [[], []]


def test_rows_that_come_once_are_judged_at_their_turn(neo4j_graph: Graph) -> None:
    rows = ({"x": value} for value in (1, 2, math.nan))

    with pytest.raises(IngestError, match="row 3: expected in 'x'"):
        load(neo4j_graph, nodes(), rows, size=1)

    # What was loaded before it is a whole number of transactions.
    assert len(contents(neo4j_graph)[0]) == 2


def test_the_views_of_a_mapping_are_judged_beforehand(neo4j_graph: Graph) -> None:
    rows = {n: {"x": value} for n, value in enumerate((1, 2, math.nan))}

    with pytest.raises(IngestError, match="row 3: expected in 'x'"):
        load(neo4j_graph, nodes(), rows.values(), size=1)

    assert contents(neo4j_graph) == [[], []]

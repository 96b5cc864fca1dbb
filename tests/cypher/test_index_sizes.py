"""Values that are too large for an index: what the check finds, and what a server does.

Each case is a value of the largest size that the server takes, then of one more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from alembic_neo4j.cypher.data_checks import (
    Large,
    large,
    size_checks,
)
from alembic_neo4j.cypher.ddl import create_text
from alembic_neo4j.cypher.patterns import nodes
from alembic_neo4j.graph import data_survey
from alembic_neo4j.graph.connection import Graph, ServerRefused
from alembic_neo4j.graph.data_survey import found_large
from alembic_neo4j.schema.definitions import Constraint, EntityType, Index
from alembic_neo4j.schema.kinds import (
    RANGE_BYTES,
    TEXT_BYTES,
    ConstraintKind,
    IndexKind,
)

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP
Values = Callable[[int], dict[str, Any]]

TEXTS: dict[str, tuple[Values, int, int]] = {
    "one byte a character": (lambda n: {"p": "x" * n}, 8_164, 8_168),
    "two bytes a character": (lambda n: {"p": "é" * n}, 4_082, 8_169),
    "three bytes a character": (lambda n: {"p": "語" * n}, 2_721, 8_169),
    "four bytes a character": (lambda n: {"p": "😀" * n}, 2_041, 8_171),
    "all of them": (lambda n: {"p": "xé語😀" * 816 + "x" * n}, 4, 8_168),
    "a list of a text": (lambda n: {"p": ["é" * n]}, 4_081, 8_169),
    "a list of texts": (lambda n: {"p": ["x"] * n}, 2_721, 8_169),
    "a list of booleans": (lambda n: {"p": [True] * n}, 8_164, 8_168),
}
"""By a size: the value; the size that fits; the bytes that one more takes."""

UNTOLD: dict[str, tuple[Values, int, int, int]] = {
    "bytes": (lambda n: {"p": b"x" * n}, 8_163, 8_165, 8_168),
    "a list of integers": (lambda n: {"p": [1] * n}, 1_020, 8_165, 8_168),
    "a list of floats": (lambda n: {"p": [1.5] * n}, 1_020, 2_041, 8_168),
}
"""Where Cypher can't tell how many bytes a value takes.

The size that fits, the one that is too much beyond doubt, and the bytes of that.
"""


@pytest.mark.parametrize("case", TEXTS)
def test_one_more_byte_is_too_much_for_a_range_index(
    neo4j_graph: Graph, case: str
) -> None:
    values, fits, taken = TEXTS[case]
    index = Index(IndexKind.RANGE, NODE, ("L",), ("p",))
    assert _judged(neo4j_graph, index, values(fits)) == (True, [])
    assert _judged(neo4j_graph, index, values(fits + 1)) == (False, [taken])


@pytest.mark.parametrize("case", UNTOLD)
def test_what_may_fit_is_not_found(neo4j_graph: Graph, case: str) -> None:
    values, fits, sure, taken = UNTOLD[case]
    index = Index(IndexKind.RANGE, NODE, ("L",), ("p",))
    assert _judged(neo4j_graph, index, values(fits)) == (True, [])
    assert _judged(neo4j_graph, index, values(fits + 1)) == (False, [])
    assert _judged(neo4j_graph, index, values(sure)) == (False, [taken])


def test_the_values_of_a_composite_index_share_the_limit(neo4j_graph: Graph) -> None:
    index = Index(IndexKind.RANGE, NODE, ("L",), ("p", "q", "r"))
    fits = {"p": "x" * 2_719, "q": "é" * 1_359 + "y", "r": "z" * 2_719}
    assert _judged(neo4j_graph, index, fits) == (True, [])
    more = {**fits, "r": "z" * 2_721}
    assert _judged(neo4j_graph, index, more) == (False, [RANGE_BYTES + 1])
    assert _judged(neo4j_graph, index, {**more, "q": None}) == (True, [])


@pytest.mark.parametrize(
    ("other", "fits"),
    [
        ("true", 8_162),
        ("1", 8_154),
        ("1.5", 8_154),
        ("date()", 8_155),
        ("datetime()", 8_147),
    ],
)
def test_a_text_beside_another_type(neo4j_graph: Graph, other: str, fits: int) -> None:
    index = Index(IndexKind.RANGE, NODE, ("L",), ("p", "q"))
    q = neo4j_graph.read(f"RETURN {other} AS q")[0]["q"]
    assert _judged(neo4j_graph, index, {"p": "x" * fits, "q": q}) == (True, [])
    longest = {"p": "x" * 8_163, "q": q}
    assert _judged(neo4j_graph, index, longest) == (False, [8_168])


def test_a_uniqueness_constraint_has_the_limit_of_its_index(neo4j_graph: Graph) -> None:
    constraint = Constraint(ConstraintKind.UNIQUE, NODE, "L", ("p",))
    assert _judged(neo4j_graph, constraint, {"p": "é" * 4_082}) == (True, [])
    assert _judged(neo4j_graph, constraint, {"p": "é" * 4_083}) == (False, [8_169])


def test_a_text_index_takes_more_and_texts_alone(neo4j_graph: Graph) -> None:
    index = Index(IndexKind.TEXT, NODE, ("L",), ("p",))
    assert _judged(neo4j_graph, index, {"p": "é" * 16_383}) == (True, [])
    assert _judged(neo4j_graph, index, {"p": "x" * 32_767}) == (False, [TEXT_BYTES + 1])
    assert _judged(neo4j_graph, index, {"p": ["x" * 40_000]}) == (True, [])


def test_relationships_have_the_same_limit(neo4j_graph: Graph) -> None:
    index = Index(IndexKind.RANGE, RELATIONSHIP, ("T",), ("p",))
    create = "CREATE (:A)-[r:T]->(:B) SET r = $values"
    neo4j_graph.transaction([(create, {"values": {"p": "x" * 8_164}})])
    (check,) = size_checks(index)
    assert neo4j_graph.read(check.query, check.parameters) == []
    neo4j_graph.transaction([(create, {"values": {"p": "x" * 8_165}})])
    rows = neo4j_graph.read(check.query, check.parameters)
    assert [(row["value"], row["count"]) for row in rows] == [(8_168, 1)]
    assert check.expected.startswith("the value of T(p) may take 8,167 bytes")


@pytest.mark.parametrize("kind", [IndexKind.FULLTEXT, IndexKind.POINT])
def test_other_indexes_take_any_value(kind: IndexKind) -> None:
    assert size_checks(Index(kind, NODE, ("L",), ("p",))) == ()


def test_the_largest_come_first_and_the_scope_may_be_another(
    neo4j_graph: Graph,
) -> None:
    sizes = [9_000, 9_000, 10_000, 10]
    neo4j_graph.transaction(
        [
            (
                "UNWIND $sizes AS size CREATE (n:M) "
                "SET n.q = reduce(t = '', i IN range(1, size) | t + 'x')",
                {"sizes": sizes},
            )
        ]
    )
    index = Index(IndexKind.RANGE, NODE, ("L",), ("p",))
    assert _found(neo4j_graph, index) == []
    (check,) = size_checks(index, nodes("M", "L"), {"p": "coalesce(n.p, n.q)"})
    rows = neo4j_graph.read(check.query)
    assert [(row["value"], row["count"]) for row in rows] == [(10_003, 1), (9_003, 2)]
    assert len(rows[1]["ids"]) == 2


@pytest.mark.parametrize("visits", [10_000, 0])
def test_what_may_be_large_is_found_by_looking_once(
    neo4j_graph: Graph, monkeypatch: pytest.MonkeyPatch, visits: int
) -> None:
    monkeypatch.setattr(data_survey, "VISITS", visits)
    create = (
        "CREATE (:A:B {long: $long, list: [1], short: $short, number: 1})"
        "-[:T {long: $long, short: $short}]->(:C {long: $short})"
    )
    values = {"long": "x" * 2_042, "short": "x" * 2_041}
    neo4j_graph.transaction([(create, values)])
    wanted = [
        Large(NODE, frozenset({"A"}), frozenset({"long"}), 2_041),
        Large(NODE, frozenset({"A", "Missing"}), frozenset({"short", "long"}), 2_041),
        Large(NODE, frozenset({"B"}), frozenset({"list"}), 2_041),
        Large(RELATIONSHIP, frozenset({"T"}), frozenset({"long"}), 2_041),
    ]
    others = [
        Large(NODE, frozenset({"B"}), frozenset({"short"}), 2_041),
        Large(NODE, frozenset({"B"}), frozenset({"number"}), 2_041),
        Large(NODE, frozenset({"C"}), frozenset({"long"}), 2_041),
        Large(NODE, frozenset({"Missing"}), frozenset({"long"}), 2_041),
        Large(RELATIONSHIP, frozenset({"T"}), frozenset({"short"}), 2_041),
        Large(RELATIONSHIP, frozenset({"A"}), frozenset({"long"}), 2_041),
    ]
    found = found_large(neo4j_graph, [*wanted, *others])
    # Beyond what is worth looking at, everything may be there.
    assert set(found) == {*wanted, *(() if visits else others)}
    assert found_large(neo4j_graph, []) == []


def test_what_is_looked_for_is_what_the_checks_find() -> None:
    index = Index(IndexKind.RANGE, NODE, ("L",), ("p", "q"))
    sought = Large(NODE, frozenset({"L"}), frozenset({"p", "q"}), 1_020)
    assert large(index) == sought
    assert 3 + 4 * 1_020 <= RANGE_BYTES / 2 < 3 + 4 * 1_021
    assert large(Index(IndexKind.FULLTEXT, NODE, ("L",), ("p",))) is None


def _judged(
    graph: Graph, element: Index | Constraint, values: dict[str, Any]
) -> tuple[bool, list[int]]:
    """Whether the server takes a node with the values, and what the check finds."""
    graph.transaction([("CREATE (n:L) SET n = $values", {"values": values})])
    found = _found(graph, element)
    taken = _created(graph, element)
    noun = "INDEX" if isinstance(element, Index) else "CONSTRAINT"
    graph.transaction([(f"DROP {noun} {element.name} IF EXISTS", {})])
    graph.transaction([("MATCH (n:L) DELETE n", {})])
    return taken, found


def _found(graph: Graph, element: Index | Constraint) -> list[int]:
    (check,) = size_checks(element)
    return [row["value"] for row in graph.read(check.query, check.parameters)]


def _created(graph: Graph, element: Index | Constraint) -> bool:
    try:
        graph.transaction([(create_text(element), {})])
    except ServerRefused:
        return False
    while True:
        rows = graph.read(
            "SHOW INDEXES YIELD name, state WHERE name = $name RETURN state",
            {"name": element.name},
        )
        if rows[0]["state"] != "POPULATING":
            return bool(rows[0]["state"] == "ONLINE")
        time.sleep(0.01)

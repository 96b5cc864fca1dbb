"""Rows become nodes and relationships of a batch, counted, each exactly once."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from neo4j.spatial import CartesianPoint, WGS84Point
from neo4j.time import DateTime, Duration

from alembic_neo4j.cypher import load_targets
from alembic_neo4j.cypher.load_targets import (
    Defaults,
    Endpoint,
    RelationshipTarget,
    defaults_of,
)
from alembic_neo4j.cypher.loads import RowDigest
from alembic_neo4j.errors import (
    CheckFailed,
    IngestError,
    LedgerError,
    SchemaError,
    StatementError,
)
from alembic_neo4j.graph import batches
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.limits import Interrupted, Interrupts, Limits
from alembic_neo4j.graph.loading import LoadCounts, has_loaded
from alembic_neo4j.graph.marker import Mark
from alembic_neo4j.schema.definitions import Node, Property, RelationshipType, Schema
from tests.graph.loads import contents, images, knows, load, nodes, properties, undo

TAG = load_targets.BATCH_PROPERTY
MARK = Mark("run", "r1", 1)


@pytest.fixture
def people(neo4j_graph: Graph) -> Graph:
    """Ann, Bob and Cid."""
    neo4j_graph.transaction(
        [("UNWIND ['Ann', 'Bob', 'Cid'] AS name CREATE (:Person {name: name})", {})]
    )
    return neo4j_graph


# Nodes -------------------------------------------------------------------------------


def test_each_row_is_a_node_with_the_tag_of_its_batch(neo4j_graph: Graph) -> None:
    rows = [{"name": "Ann", "age": 7}, {"name": "Bob", "age": None}]

    loaded = load(neo4j_graph, nodes(), rows)

    assert loaded == LoadCounts(created=2)
    assert properties(neo4j_graph) == [
        {"name": "Ann", "age": 7, TAG: "b1"},
        {"name": "Bob", TAG: "b1"},
    ]


def test_rows_may_have_names_of_their_own(neo4j_graph: Graph) -> None:
    rows = [{"name": "Ann"}, {"age": 7, "name": "Bob"}, {}]

    assert load(neo4j_graph, nodes(), rows) == LoadCounts(created=3)

    assert properties(neo4j_graph) == [
        {"name": "Ann", TAG: "b1"},
        {"name": "Bob", "age": 7, TAG: "b1"},
        {TAG: "b1"},
    ]


def test_nodes_may_have_several_labels(neo4j_graph: Graph) -> None:
    load(neo4j_graph, nodes("Person", "Thing"), [{"name": "Ann"}])
    load(neo4j_graph, nodes("Person", "Thing"), [{"name": "Bob"}, {}])

    ((found,), _) = contents(neo4j_graph)[:1], None
    assert {tuple(labels) for _, labels, _ in found} == {("Person", "Thing")}


VALUES: dict[str, Any] = {
    "boolean": True,
    "integer": -(2**63),
    "float": 0.1,
    "infinite": math.inf,
    "text": "ä\u0000\U0001f600 `\\u0060 ' \"",
    "date": date(2024, 2, 29),
    "time": time(1, 2, 3, 4),
    "local": datetime(2024, 2, 29, 1, 2, 3, 4),
    "zoned": datetime(2024, 6, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")),
    "offset": datetime(2024, 6, 1, 12, tzinfo=timezone(timedelta(hours=5))),
    "nanoseconds": DateTime(2024, 1, 1, 0, 0, 0, 123456789),
    "duration": Duration(months=1, days=2, seconds=3, nanoseconds=4),
    "delta": timedelta(days=1, seconds=2),
    "point": WGS84Point((1.5, 2.5)),
    "plane": CartesianPoint((1.0, 2.0, 3.0)),
    "bytes": b"\x00\xff",
    "texts": ["a", "b"],
    "numbers": [1.5, 2.5],
    "points": [WGS84Point((1.0, 2.0))],
    "zones": [datetime(2024, 6, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))],
    "empty": [],
}


@pytest.mark.parametrize("together", [True, False], ids=["static", "by row"])
def test_every_type_of_value_arrives(neo4j_graph: Graph, together: bool) -> None:
    rows: list[dict[str, Any]] = [VALUES] if together else [VALUES, {"name": 1}]

    load(neo4j_graph, nodes(), rows, allow_nan=True)

    found = properties(neo4j_graph)[-1]
    assert found.pop(TAG) == "b1"
    assert found["zoned"].iso_format() == "2024-06-01T12:00:00.000000000+02:00"
    assert found["zones"][0].iso_format() == "2024-06-01T12:00:00.000000000+02:00"
    natives = {k: getattr(v, "to_native", lambda v=v: v)() for k, v in found.items()}
    same = set(VALUES) - {"zoned", "zones", "duration", "delta", "nanoseconds"}
    assert {k: natives[k] for k in same} == {k: VALUES[k] for k in same}
    assert found["duration"] == VALUES["duration"]
    assert found["delta"] == Duration(days=1, seconds=2)
    assert found["nanoseconds"] == VALUES["nanoseconds"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (7, "row 2: expected a mapping"),
        ("Ann", "row 2: expected a mapping"),
        ({1: 2}, "row 2: expected names of properties"),
        ({"": 2}, "row 2: expected names of properties"),
        ({TAG: "b"}, "row 2: the property '_alembic_batch'"),
    ],
)
def test_a_row_that_is_none_is_named(
    neo4j_graph: Graph, row: Any, message: str
) -> None:
    with pytest.raises(IngestError, match=message):
        load(neo4j_graph, nodes(), [{"name": "Ann"}, row])

    assert properties(neo4j_graph) == []


def test_a_name_with_a_nul_is_refused(neo4j_graph: Graph) -> None:
    with pytest.raises(IngestError, match="NUL"):
        load(neo4j_graph, nodes(), [{"a\0b": 1}])


HOSTILE = [
    "with space",
    "back`tick",
    "``",
    "a\\u0060) WITH n MATCH (m:Canary) DETACH DELETE m //",
    "x}) DETACH DELETE n //",
    "'quoted\"",
    "$batch",
    "новый",
    "row[0]",
]


def test_names_are_only_names(neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("CREATE (:Canary)", {})])
    for name in HOSTILE:
        check_names(neo4j_graph, name)


def check_names(neo4j_graph: Graph, name: str) -> None:
    end = Endpoint(name, (name,))
    target = RelationshipTarget(name, end, end)
    merged = RelationshipTarget(name, end, end, (name,))
    rows = [{"source": 1, "target": 1, "properties": {name: 5, "w": 1}}]

    load(neo4j_graph, nodes(name), [{name: 1}, {name: 2, "other": 3}])
    load(neo4j_graph, nodes(name, keys=(name,)), [{name: 1, "q": 2}], "b2")
    load(neo4j_graph, nodes(name, keys=(name,)), [{name: 1}, {name: 3, "q": 2}], "b2")
    load(neo4j_graph, target, rows)
    load(neo4j_graph, merged, rows, "b2")
    load(
        neo4j_graph,
        merged,
        [*rows, {"source": 1, "target": 1, "properties": {name: 6}}],
        "b2",
    )

    found = neo4j_graph.read(
        "MATCH (n) WHERE $name IN labels(n) RETURN n[$name] AS value, n.q AS q "
        "ORDER BY value",
        {"name": name},
    )
    assert found == [
        {"value": 1, "q": 2},
        {"value": 2, "q": None},
        {"value": 3, "q": 2},
    ]
    related = neo4j_graph.read(
        "MATCH ()-[r]->() WHERE type(r) = $name RETURN r[$name] AS v ORDER BY v",
        {"name": name},
    )
    assert related == [{"v": 5}, {"v": 6}]
    undo(neo4j_graph, "b2", "b1", labels=(name,), types=(name,))
    assert [labels for _, labels, _ in contents(neo4j_graph)[0]] == [["Canary"]]


def test_our_own_labels_are_refused() -> None:
    with pytest.raises(SchemaError, match="belongs to alembic_neo4j"):
        nodes("__AlembicNeo4jMarker")
    with pytest.raises(SchemaError, match="belongs to alembic_neo4j"):
        RelationshipTarget(
            "T", Endpoint("__AlembicNeo4jLock", ("id",)), Endpoint("A", ("b",))
        )


# Found by keys -----------------------------------------------------------------------


def test_what_is_found_is_changed_and_has_no_tag(people: Graph) -> None:
    rows = [{"name": "Ann", "age": 7}, {"name": "Dan", "age": 8}]

    loaded = load(people, nodes(keys=("name",)), rows)

    assert loaded == LoadCounts(created=1, touched=1)
    assert properties(people) == [
        {"name": "Ann", "age": 7},
        {"name": "Bob"},
        {"name": "Cid"},
        {"name": "Dan", "age": 8, TAG: "b1"},
    ]


def test_one_row_may_change_what_another_created(neo4j_graph: Graph) -> None:
    rows = [{"name": "Ann", "age": 1}, {"name": "Ann", "age": 2}]

    assert load(neo4j_graph, nodes(keys=("name",)), rows) == LoadCounts(created=1)
    assert load(neo4j_graph, nodes(keys=("name",)), rows[:1]) == LoadCounts()

    assert properties(neo4j_graph) == [{"name": "Ann", "age": 1, TAG: "b1"}]
    assert images(neo4j_graph) == []


def test_null_removes_a_property_and_a_missing_name_leaves_it(people: Graph) -> None:
    target = nodes(keys=("name",))
    load(people, target, [{"name": "Ann", "a": 1, "b": 2}])
    load(people, target, [{"name": "Ann", "a": None}, {"name": "Bob", "c": 1}])

    assert properties(people)[:2] == [{"name": "Ann", "b": 2}, {"name": "Bob", "c": 1}]


def test_further_labels_are_given_to_what_is_found(people: Graph) -> None:
    load(people, nodes("Person", "Author", keys=("name",)), [{"name": "Ann"}])

    assert properties(people, "Author") == [{"name": "Ann"}]
    undo(people)
    assert properties(people, "Author") == []
    assert len(properties(people)) == 3


def test_several_keys_together(neo4j_graph: Graph) -> None:
    rows = [
        {"a": 1, "b": 1, "v": 1},
        {"a": 1, "b": 2, "v": 2},
        {"b": 1, "a": 1, "v": 3},
    ]

    loaded = load(neo4j_graph, nodes(keys=("a", "b")), rows)

    assert loaded == LoadCounts(created=2)
    found = neo4j_graph.read("MATCH (n:Person) RETURN n.b AS b, n.v AS v ORDER BY b")
    assert found == [{"b": 1, "v": 3}, {"b": 2, "v": 2}]


@pytest.mark.parametrize("value", [None, math.nan])
@pytest.mark.parametrize("other", [{"name": "Bob"}, {"name": "Bob", "x": 1}])
def test_a_key_has_to_have_a_value(
    neo4j_graph: Graph, value: Any, other: dict[str, Any]
) -> None:
    target = nodes(keys=("name",))
    with pytest.raises(IngestError, match="row 2: expected a value of 'name'"):
        load(neo4j_graph, target, [other, {"name": value}], allow_nan=True)
    with pytest.raises(IngestError, match="row 2: expected a value of name"):
        load(neo4j_graph, target, [other, {"age": 7}])


def test_a_key_that_finds_several_nodes_is_an_error(people: Graph) -> None:
    people.transaction([("CREATE (:Person {name: 'Bob'})", {})])
    before = contents(people)

    with pytest.raises(CheckFailed, match=r"row 2 \(2 nodes :Person\)"):
        load(people, nodes(keys=("name",)), [{"name": "Ann", "a": 1}, {"name": "Bob"}])

    assert contents(people) == before
    assert images(people) == []


# Defaults ----------------------------------------------------------------------------

DECLARED = (
    Property("since", "INTEGER", default=1),
    Property("the `state`", "STRING", default="it's new"),
    Property("tags", "LIST<STRING>", default=("a", "b")),
    Property("born", "DATE", default=date(2024, 1, 2)),
    Property("uid", "STRING", default_factory="uuid4.hex"),
    Property("at", "FLOAT", default_factory="now"),
    Property("odd", "STRING", default_factory="app.odd"),
    Property("more", "STRING"),
)
MODELS = Schema(
    nodes={"Person": Node("Person", DECLARED)},
    relationship_types={"KNOWS": RelationshipType("KNOWS", DECLARED)},
)
STATIC = {
    "since": 1,
    "the `state`": "it's new",
    "tags": ["a", "b"],
    "born": date(2024, 1, 2),
}


def static(found: dict[str, Any]) -> dict[str, Any]:
    """Return properties with dates of Python's, without those made anew for each."""
    assert re.fullmatch("[0-9a-f]{32}", found["uid"])
    assert found["at"] > 1.7e9
    assert found.get(TAG, "b1") == "b1"
    born = found["born"].to_native()
    return {
        name: value
        for name, value in {**found, "born": born}.items()
        if name not in ("uid", "at", TAG)
    }


@pytest.mark.parametrize(
    "rows",
    [
        [{"name": "Ann", "since": None}, {"name": "Bob", "since": 2}],
        [{"name": "Ann"}, {"name": "Bob", "since": 2}],
    ],
    ids=["same names", "names of their own"],
)
@pytest.mark.parametrize("keys", [None, ("name",)], ids=["created", "merged"])
def test_a_node_gets_the_defaults_of_what_its_row_lacks(
    neo4j_graph: Graph, keys: tuple[str, ...] | None, rows: list[dict[str, Any]]
) -> None:
    people = nodes("Person", "Child", keys=keys)

    load(neo4j_graph, people, rows, defaults=defaults_of(people, MODELS))

    ann, bob = properties(neo4j_graph)
    assert static(ann) == {"name": "Ann", **STATIC}
    assert static(bob) == {"name": "Bob", **STATIC, "since": 2}
    assert ann["uid"] != bob["uid"]


@pytest.mark.parametrize("rest", [{}, {"more": "x"}], ids=["same names", "own names"])
def test_what_is_found_gets_no_defaults(people: Graph, rest: dict[str, Any]) -> None:
    target = nodes(keys=("name",))
    rows = [{"name": "Ann", "since": None, **rest}, {"name": "Dan", "since": 5}]

    loaded = load(people, target, rows, defaults=defaults_of(target, MODELS))

    assert loaded == LoadCounts(created=1, touched=1)
    ann, _, _, dan = properties(people)
    assert ann == {"name": "Ann", **rest}
    assert static(dan) == {"name": "Dan", **STATIC, "since": 5}
    # One row creates it, and the next finds it.
    again = [{"name": "Eva", "since": None}, {"name": "Eva", "since": None}]
    load(people, target, again, defaults=defaults_of(target, MODELS))
    assert "since" not in properties(people)[-1]
    undo(people)
    assert properties(people) == [{"name": name} for name in ("Ann", "Bob", "Cid")]


@pytest.mark.parametrize("keys", [None, (), ("since",)])
@pytest.mark.parametrize("own", [{}, {"more": "x"}], ids=["same names", "own names"])
def test_a_relationship_gets_defaults_as_well(
    people: Graph, keys: tuple[str, ...] | None, own: dict[str, Any]
) -> None:
    target = knows(keys)
    rows = [
        {"source": "Ann", "target": "Bob", "properties": {"since": 7, "tags": None}},
        {
            "source": "Bob",
            "target": "Cid",
            "properties": {"since": 8, "tags": [], **own},
        },
    ]

    load(people, target, rows, defaults=defaults_of(target, MODELS))

    query = "MATCH (a)-[r:KNOWS]->() RETURN properties(r) AS p ORDER BY a.name"
    first, second = [row["p"] for row in people.read(query)]
    assert static(first) == {**STATIC, "since": 7}
    assert static(second) == {**STATIC, "since": 8, "tags": [], **own}


def test_the_model_of_the_first_label_gives_the_default() -> None:
    child = Node("Child", (Property("since", default=9),))
    models = Schema(nodes={**MODELS.nodes, "Child": child})

    found = defaults_of(nodes("Child", "Person", "Unknown"), models)

    assert found.parameters["default_1"] == 9
    assert [name for name, _ in found.expressions] == [
        *("at", "born", "since", "tags", "the `state`", "uid"),
    ]
    assert defaults_of(nodes("Unknown"), models) == Defaults()
    assert defaults_of(knows(type_="UNKNOWN"), models) == Defaults()


# Relationships -----------------------------------------------------------------------


def test_relationships_lead_from_source_to_target(people: Graph) -> None:
    rows = [
        {"source": "Ann", "target": "Bob", "properties": {"since": 1}},
        {"source": {"name": "Bob"}, "target": {"name": "Bob"}},
        {"source": "Ann", "target": "Bob", "properties": None},
    ]

    assert load(people, knows(), rows) == LoadCounts(created=3)

    found = people.read(
        "MATCH (a)-[r:KNOWS]->(b) RETURN a.name AS a, b.name AS b, properties(r) AS p "
        "ORDER BY r.since, a"
    )
    assert found == [
        {"a": "Ann", "b": "Bob", "p": {"since": 1, TAG: "b1"}},
        {"a": "Ann", "b": "Bob", "p": {TAG: "b1"}},
        {"a": "Bob", "b": "Bob", "p": {TAG: "b1"}},
    ]


def test_rows_without_both_ends_are_counted_and_named(
    people: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [
        {"source": "Ann", "target": "Bob"},
        {"source": "Ann", "target": "Zoe"},
        {"source": "Xer", "target": "Yan"},
        {"source": None, "target": "Ann"},
    ]

    with caplog.at_level(logging.WARNING):
        loaded = load(people, knows(), rows, size=2)

    assert loaded == LoadCounts(created=1, unmatched=3)
    assert "3 rows without a node" in caplog.text
    assert "row 2: no (:Person {name: 'Zoe'})" in caplog.text
    assert "row 3: no (:Person {name: 'Xer'}) and no (:Person {name: 'Yan'})" in (
        caplog.text
    )


@pytest.mark.parametrize("keys", [None, (), ("since",)])
def test_rows_without_both_ends_may_be_an_error(people: Graph, keys: Any) -> None:
    rows = [
        {"source": "Ann", "target": "Bob", "properties": {"since": 1}},
        {"source": "Ann", "target": "Zoe", "properties": {"since": 1}},
    ]
    before = contents(people)

    with pytest.raises(CheckFailed, match=r"1 of 2 rows .* row 2: no \(:Person"):
        load(people, knows(keys, on_unmatched="fail"), iter(rows))

    assert contents(people) == before
    # What can be gone through twice is looked at first.
    with pytest.raises(CheckFailed, match=r"row 2: no .*Nothing was loaded"):
        load(people, knows(keys, on_unmatched="fail"), rows, size=1)

    assert contents(people) == before


@pytest.mark.parametrize("keys", [None, (), ("since",)])
def test_an_end_that_is_several_nodes_is_an_error(people: Graph, keys: Any) -> None:
    people.transaction([("CREATE (:Person {name: 'Bob'})", {})])
    before = contents(people)
    rows = [
        {"source": "Ann", "target": "Cid", "properties": {"since": 1}},
        {"source": "Zoe", "target": "Bob", "properties": {"since": 1}},
        {"source": "Bob", "target": "Ann", "properties": {"since": 1}},
    ]

    with pytest.raises(CheckFailed, match=r"row 3 \(2 nodes :Person\)"):
        load(people, knows(keys), rows)

    assert contents(people) == before


def test_an_unmatched_row_does_not_hide_an_ambiguous_one(people: Graph) -> None:
    # As many relationships as rows would come of these two.
    people.transaction([("CREATE (:Person {name: 'Bob'})", {})])
    rows = [{"source": "Ann", "target": "Bob"}, {"source": "Ann", "target": "Zoe"}]

    with pytest.raises(CheckFailed, match="keys have to find one node"):
        load(people, knows(), rows)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"source": "Ann"}, "found none of target"),
        ({"source": "Ann", "target": "Bob", "since": 1}, "found 'since'"),
        ({"source": "Ann", "target": "Bob", "properties": 1}, "no mapping"),
        ({"source": {"id": 1}, "target": "Bob"}, "found those of id"),
        ({"from": 1, "to": 2}, "found none of source and target"),
    ],
)
def test_a_row_of_another_shape_is_an_error(
    people: Graph, row: dict[str, Any], message: str
) -> None:
    with pytest.raises(IngestError, match=f"row 2: expected .*{message}"):
        load(people, knows(), [{"source": "Ann", "target": "Bob"}, row])


def test_ends_may_have_several_keys(neo4j_graph: Graph) -> None:
    neo4j_graph.transaction(
        [("UNWIND range(1, 3) AS i CREATE (:A {x: 1, y: i}), (:B {z: i})", {})]
    )
    target = RelationshipTarget("T", Endpoint("A", ("x", "y")), Endpoint("B", ("z",)))
    rows = [
        {"source": {"y": 2, "x": 1}, "target": 3, "properties": {"w": 1}},
        {"source": None, "target": 3, "properties": {"w": 1}},
    ]

    assert load(neo4j_graph, target, rows) == LoadCounts(created=1, unmatched=1)

    with pytest.raises(IngestError, match="expected in 'source' a mapping with x, y"):
        load(neo4j_graph, target, [{"source": 1, "target": 3}])


def test_relationships_that_are_there_are_changed(people: Graph) -> None:
    people.transaction(
        [
            (
                "MATCH (a:Person {name: 'Ann'}), (b:Person {name: 'Bob'}) "
                "CREATE (a)-[:KNOWS {since: 1}]->(b), (a)-[:KNOWS {since: 2}]->(b)",
                {},
            )
        ]
    )
    row = {"source": "Ann", "target": "Bob", "properties": {"since": 2, "w": 5}}
    back = {"source": "Bob", "target": "Ann", "properties": {"since": 2, "w": 6}}
    before = contents(people)

    assert load(people, knows(("since",)), [row, back]) == LoadCounts(1, 1)
    found = "MATCH ()-[r:KNOWS]->() RETURN r.since AS s, r.w AS w ORDER BY s, w"
    assert people.read(found) == [
        {"s": 1, "w": None},
        {"s": 2, "w": 5},
        {"s": 2, "w": 6},
    ]

    # Without keys it is every one between the two.
    everyone = {"source": "Ann", "target": "Bob", "properties": {"w": 7}}
    assert load(people, knows(()), [everyone], "b2") == LoadCounts(0, 2)
    assert people.read(found) == [
        {"s": 1, "w": 7},
        {"s": 2, "w": 6},
        {"s": 2, "w": 7},
    ]

    undo(people, "b1")
    undo(people, "b2")
    assert contents(people) == before


# Exactly once ------------------------------------------------------------------------


def numbered(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"name": f"{number:05}", "day": date(2024, 1, 1) + timedelta(number % 9)}


class Stopped(Exception):
    """The load is broken off, as by a kill."""


class Stopping(Interrupts):
    """Breaks a load off before one of its transactions."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after

    def check(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Stopped


def load_for_ever(graph: Graph, size: int, limits: Limits) -> None:
    """Load, and once more when it is done, until it is broken off."""
    while True:
        load(graph, nodes(), numbered(11), size=size, mark=MARK, limits=limits)
        limits.interrupts.check()


@pytest.mark.parametrize(
    ("after", "sizes"),
    [(0, (3, 3)), (1, (3, 5)), (2, (3, 3)), (2, (5, 2)), (3, (5, 5)), (4, (3, 2))],
)
def test_a_load_goes_on_where_it_stopped(
    neo4j_graph: Graph, after: int, sizes: tuple[int, int]
) -> None:
    limits = Limits(interrupts=Stopping(after))
    with pytest.raises(Stopped):
        load_for_ever(neo4j_graph, sizes[0], limits)
    begun = after > 0
    assert has_loaded(neo4j_graph, MARK) == begun

    loaded = load(neo4j_graph, nodes(), numbered(11), size=sizes[1], mark=MARK)

    assert loaded == LoadCounts(created=11)
    names = [row["name"] for row in properties(neo4j_graph)]
    assert names == [f"{number:05}" for number in range(11)]


def test_large_rows_go_in_smaller_portions(
    neo4j_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "PORTION_BYTES", 20_000)
    taken: list[int] = []
    inner = Graph.begin

    def begin(graph: Graph) -> Any:
        taken.append(given)
        return inner(graph)

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal given
        for given in range(1, 401):
            # First large ones, then small ones.
            yield {"i": given, "text": "x" * (990 if given <= 300 else 1)}

    given = 0
    monkeypatch.setattr(Graph, "begin", begin)
    assert load(neo4j_graph, nodes(), rows()) == LoadCounts(created=400)

    # What is at hand is used up first, then 20,000 bytes are read at once.
    read = [after - before for before, after in pairwise(taken)]
    assert taken[0] == 2 * batches.FIRST_ROWS
    assert set(read) >= {0, 19}
    assert max(read[:10]) == 19
    found = neo4j_graph.read("MATCH (n:Person) RETURN count(DISTINCT n.i) AS n")
    assert found == [{"n": 400}]


def test_a_load_that_is_done_does_not_touch_its_rows(neo4j_graph: Graph) -> None:
    def never() -> Iterator[Any]:
        raise AssertionError
        yield

    load(neo4j_graph, nodes(), numbered(3), mark=MARK)

    assert load(neo4j_graph, nodes(), never(), mark=MARK) == LoadCounts(created=3)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], "only 0 of them now"),
        (list(numbered(2)), "only 2 of them now"),
        ([{"name": "other"}, *numbered(8)], "other ones now"),
        ([{**row, "more": 1} for row in numbered(8)], "other ones now"),
        ([dict(reversed(row.items())) for row in numbered(8)], "other ones now"),
    ],
)
def test_other_rows_than_before_are_refused(
    neo4j_graph: Graph, rows: list[Any], found: str
) -> None:
    limits = Limits(interrupts=Stopping(2))
    with pytest.raises(Stopped):
        load(neo4j_graph, nodes(), numbered(9), size=2, mark=MARK, limits=limits)
    before = contents(neo4j_graph)
    assert len(before[0]) == 4

    with pytest.raises(LedgerError, match=f"4 rows were loaded before .*{found}"):
        load(neo4j_graph, nodes(), rows, size=2, mark=MARK)

    assert contents(neo4j_graph) == before


def test_counts_and_examples_go_on_as_well(
    people: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"source": "Ann", "target": name} for name in ("Bob", "Zoe", "Cid", "Yan")]
    limits = Limits(interrupts=Stopping(2))
    with pytest.raises(Stopped):
        load(people, knows(), rows, size=1, mark=MARK, limits=limits)

    with caplog.at_level(logging.WARNING):
        loaded = load(people, knows(), iter(rows), size=2, mark=MARK)

    assert loaded == LoadCounts(created=2, unmatched=2)
    assert "row 2: no" in caplog.text
    assert "row 4: no" in caplog.text


def test_another_commands_progress_is_not_overwritten(neo4j_graph: Graph) -> None:
    def overtaken() -> Iterator[dict[str, Any]]:
        yield from numbered(4)
        # Meanwhile another one has taken the run over, and has loaded one row more.
        neo4j_graph.transaction(
            [("MATCH (m:__AlembicNeo4jMarker) SET m.cursor = m.cursor + 1", {})]
        )
        yield {"name": "last", "day": None}

    with pytest.raises(LedgerError, match="expected to be at row 2, found at 3"):
        load(neo4j_graph, nodes(), overtaken(), size=2, mark=MARK)

    assert len(properties(neo4j_graph)) == 2


def test_a_signal_ends_a_load_between_two_transactions(neo4j_graph: Graph) -> None:
    class Signalled(Interrupts):
        def check(self) -> None:
            if len(properties(neo4j_graph)) >= 4:
                raise Interrupted(2)

    with pytest.raises(Interrupted):
        load(
            *(neo4j_graph, nodes(), numbered(9)),
            size=2,
            limits=Limits(interrupts=Signalled()),
        )

    assert len(properties(neo4j_graph)) == 4


def test_what_the_server_refuses_tells_which_rows(neo4j_graph: Graph) -> None:
    neo4j_graph.transaction(
        [("CREATE CONSTRAINT p FOR (n:Person) REQUIRE n.name IS UNIQUE", {})]
    )
    rows = [*numbered(5), {"name": "00001", "day": None}]

    with pytest.raises(StatementError, match=r"rows 5 to 6: .*; 4 rows are loaded"):
        load(neo4j_graph, nodes(), rows, size=2)

    assert len(properties(neo4j_graph)) == 4


# The digest --------------------------------------------------------------------------


def digest(*portions: list[dict[str, Any]]) -> str:
    made = RowDigest()
    for portion in portions:
        made.update(portion)
    return made.hexdigest()


def test_a_digest_does_not_depend_on_the_portions() -> None:
    rows = [
        *({"a": i, "b": "x" * i, "c": [i], "d": {"e": None}} for i in range(5)),
        {"a": date(2024, 1, 1), "b": 1.5, "c": True, "d": b"x"},
        {"b": 1},
        {},
        {"b": 1},
    ]

    whole = digest(rows)

    assert digest(*([row] for row in rows)) == whole
    assert digest(rows[:3], rows[3:6], [], rows[6:]) == whole


def test_a_digest_tells_rows_apart() -> None:
    row = {"a": 1, "b": "x"}
    others = [
        {"a": 2, "b": "x"},
        {"a": 1.0, "b": "x"},
        {"a": True, "b": "x"},
        {"b": "x", "a": 1},
        {"a": 1, "c": "x"},
        {"a": 1, "b": date(2024, 1, 1)},
        {"a": 1, "b": None},
        {"a": 1},
    ]

    digests = [digest([other]) for other in (row, *others)]

    assert len(set(digests)) == len(digests)
    assert digest([row]) == digest([dict(row)])
    assert digest([row, row]) != digest([row])


# Looking up --------------------------------------------------------------------------


def test_a_lookup_without_an_index_is_told(
    neo4j_graph: Graph,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("alembic_neo4j.graph.loading.MANY", 3)
    load(neo4j_graph, nodes(), numbered(3))
    row = {"source": "00001", "target": "00002"}

    with caplog.at_level(logging.WARNING):
        load(neo4j_graph, knows(), [row])
    assert "Nodes :Person are found by name without an index" in caplog.text

    caplog.clear()
    neo4j_graph.transaction([("CREATE INDEX p FOR (n:Person) ON (n.name)", {})])
    neo4j_graph.read("CALL db.awaitIndexes()")
    with caplog.at_level(logging.WARNING):
        load(neo4j_graph, knows(), [row])
    assert "without an index" not in caplog.text

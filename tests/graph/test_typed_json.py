"""Values as typed JSON: what a graph holds comes back as it was, to the last bit."""

from __future__ import annotations

import json
import math
from typing import Any

import neo4j
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from neo4j.time import Duration

from alembic_neo4j.errors import StatementError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.stored_values import sendable
from alembic_neo4j.graph.typed_json import typed, untyped

OF_CYPHER = {
    "true": ("Boolean", True),
    "1": ("Integer", "1"),
    "-9223372036854775808": ("Integer", "-9223372036854775808"),
    "1.0": ("Float", "1.0"),
    "-0.0": ("Float", "-0.0"),
    "0.1 + 0.2": ("Float", "0.30000000000000004"),
    "0.0 / 0.0": ("Float", "NaN"),
    "-1.0 / 0.0": ("Float", "-Infinity"),
    "'a\"\\n\\u00e9'": ("String", 'a"\né'),
    "[]": ("List", []),
    "[1, 2]": ("List", [{"$type": "Integer", "_value": i} for i in "12"]),
    "date('2024-02-29')": ("Date", "2024-02-29"),
    "time('12:50:35.556000001+01:30')": ("Time", "12:50:35.556000001+01:30"),
    "localtime('12:50:35')": ("LocalTime", "12:50:35.000000000"),
    "datetime('2024-01-01T21:40:32.000000001-01:00')": (
        "OffsetDateTime",
        "2024-01-01T21:40:32.000000001-01:00",
    ),
    "datetime('2024-10-27T02:30:00+01:00[Europe/Berlin]')": (
        "ZonedDateTime",
        "2024-10-27T02:30:00.000000000+01:00[Europe/Berlin]",
    ),
    "datetime('2024-10-27T02:30:00+02:00[Europe/Berlin]')": (
        "ZonedDateTime",
        "2024-10-27T02:30:00.000000000+02:00[Europe/Berlin]",
    ),
    "localdatetime('2015-07-04T19:32:24')": (
        "LocalDateTime",
        "2015-07-04T19:32:24.000000000",
    ),
    "duration('P14M16DT12H0.5S')": ("Duration", "P14M16DT43200.500000000S"),
    "duration({months: 1, days: -2, nanoseconds: -1})": (
        "Duration",
        "P1M-2DT-0.000000001S",
    ),
    "point({longitude: 1.5, latitude: 2})": ("Point", "SRID=4326;POINT (1.5 2.0)"),
    "point({x: -0.0, y: 2, z: 1e300})": (
        "Point",
        "SRID=9157;POINT Z (-0.0 2.0 1e+300)",
    ),
}


@pytest.mark.parametrize("text", OF_CYPHER)
def test_what_a_graph_holds(neo4j_graph: Graph, text: str) -> None:
    name, value = OF_CYPHER[text]
    neo4j_graph.transaction([(f"CREATE (:A {{p: {text}}})", {})])
    (row,) = neo4j_graph.read("MATCH (n:A) RETURN n.p AS p")
    found = typed(row["p"])
    assert found == {"$type": name, "_value": value}
    back = untyped(json.loads(json.dumps(found)))
    neo4j_graph.transaction([("CREATE (:B {p: $p})", {"p": back})])
    ((again,), (same,)) = neo4j_graph.transaction(
        [
            ("MATCH (n:B) RETURN n.p AS p", {}),
            ("MATCH (a:A), (b:B) RETURN valueType(a.p) = valueType(b.p) AS same", {}),
        ]
    )
    assert typed(again["p"]) == found
    assert same["same"]


def test_bytes(neo4j_graph: Graph) -> None:
    for value in (b"", bytes(range(256))):
        neo4j_graph.transaction([("MATCH (n) DETACH DELETE n", {})])
        neo4j_graph.transaction([("CREATE (:A {p: $p})", {"p": value})])
        (row,) = neo4j_graph.read("MATCH (n:A) RETURN n.p AS p")
        assert untyped(typed(row["p"])) == value


VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.booleans(),
    st.binary(max_size=50),
    st.builds(
        lambda months, days, seconds, nanoseconds: Duration(
            months=months, days=days, seconds=seconds, nanoseconds=nanoseconds
        ),
        *(st.integers(-(10**6), 10**6) for _ in range(4)),
    ),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(VALUES, max_size=5))
def test_any_value_comes_back(reader: neo4j.Driver, values: list[Any]) -> None:
    back = [untyped(json.loads(json.dumps(typed(value)))) for value in values]
    for before, after in zip(values, back, strict=True):
        assert type(before) is type(after)
        if isinstance(before, float) and math.isnan(before):
            # Which of the many it is has no meaning.
            assert math.isnan(after)
        elif isinstance(before, float):
            assert math.copysign(1, before) == math.copysign(1, after)
            assert before == after
        else:
            assert before == after
    sent = {f"p{number}": value for number, value in enumerate(back)}
    rows = reader.execute_query("RETURN $sent AS sent", sent=sendable(sent))
    found = rows.records[0]["sent"]
    assert [typed(found[name]) for name in sent] == [typed(value) for value in values]


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(StatementError, match="found object"):
        typed(object())
    with pytest.raises(LookupError):
        untyped({"$type": "Unheard", "_value": ""})

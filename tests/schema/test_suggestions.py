"""What is suggested in place of op.FILL_IN runs and gives the type that is wanted."""

from __future__ import annotations

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.conversions import suggested_conversion
from alembic_neo4j.schema.definitions import Property
from alembic_neo4j.schema.property_classes import DATE, EPOCH, JSON

SAMPLES = {
    "INTEGER": "7",
    "FLOAT": "7.5",
    "BOOLEAN": "true",
    "DATE": "date('2024-12-31')",
    "LOCAL DATETIME": "localdatetime('2024-12-31T10:11:12')",
    "ZONED DATETIME": "datetime('2024-12-31T10:11:12Z')",
    "LOCAL TIME": "localtime('10:11:12')",
    "ZONED TIME": "time('10:11:12Z')",
    "DURATION": "duration('PT7S')",
    "POINT": "point({x: 1.0, y: 2.0})",
}
TEXTS = {
    "INTEGER": "'7'",
    "FLOAT": "'7.5'",
    "BOOLEAN": "'true'",
    "DATE": "'2024-12-31'",
    "LOCAL DATETIME": "'2024-12-31T10:11:12'",
    "ZONED DATETIME": "'2024-12-31T10:11:12Z'",
    "LOCAL TIME": "'10:11:12'",
    "ZONED TIME": "'10:11:12Z'",
    "DURATION": "'PT7S'",
    "POINT": "'1.0'",
    "STRING": "'2024-12-31'",
}


def _pairs() -> list[tuple[str, str, str, str, str]]:
    """Value, old and new type, expression and the type that comes out."""
    found = []
    for new in TEXTS:
        for old in (*SAMPLES, "STRING"):
            value = TEXTS[new] if old == "STRING" else SAMPLES[old]
            for before, after, given in (
                (old, new, value),
                (f"LIST<{old}>", new, f"[{value}]"),
                (old, f"LIST<{new}>", value),
                (f"LIST<{old}>", f"LIST<{new}>", f"[{value}, {value}]"),
            ):
                expression = suggested_conversion(
                    Property("p", before), Property("p", after)
                )
                listed = after.startswith("LIST")
                wanted = f"LIST<{new} NOT NULL>" if listed else new
                found.append((given, before, after, expression, wanted))
    return found


def test_every_pair_of_types(neo4j_graph: Graph) -> None:
    for value, before, after, expression, wanted in _pairs():
        query = (
            f"WITH {value} AS value WITH {expression} AS result "
            f"RETURN result IS :: {wanted} NOT NULL AS fits"
        )
        rows = neo4j_graph.read(query)
        assert rows == [{"fits": True}], (before, after, expression)


@pytest.mark.parametrize(
    ("before", "after", "value", "expected"),
    [
        (Property("p"), Property("p", "STRING", format=DATE), "'2024-12-31T1'", None),
        (
            Property("p", "STRING"),
            Property("p", "FLOAT", format=EPOCH),
            "'1970-01-01T00:00:07Z'",
            7.0,
        ),
        (
            Property("p", "FLOAT", format=EPOCH),
            Property("p", "STRING", format=DATE),
            "7.0",
            "1970-01-01",
        ),
        (Property("p", "STRING"), Property("p", "STRING", format=JSON), "'x'", '"x"'),
    ],
)
def test_formats_are_kept_to(
    neo4j_graph: Graph, before: Property, after: Property, value: str, expected: object
) -> None:
    expression = suggested_conversion(before, after)
    if expected is None:
        assert expression == "toString(date(value))"
        return
    query = f"WITH {value} AS value RETURN {expression} AS result"
    assert neo4j_graph.read(query) == [{"result": expected}]


def test_lists_by_the_functions_for_lists() -> None:
    before, after = Property("p", "LIST<STRING>"), Property("p", "LIST<INTEGER>")
    assert suggested_conversion(before, after) == "toIntegerList(value)"
    assert suggested_conversion(after, before) == "toStringList(value)"

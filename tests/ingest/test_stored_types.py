"""What is converted is stored as the type that it was converted to."""

from __future__ import annotations

from datetime import time, timezone
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph

from .converting import converted

NANOSECONDS = "2024-07-02T03:04:05.123456789"


@pytest.mark.parametrize(
    ("type", "value", "text"),
    [
        ("BOOLEAN", "true", "true"),
        ("STRING", "Zoë", "Zoë"),
        ("INTEGER", "-9223372036854775808", "-9223372036854775808"),
        ("FLOAT", "0.1", "0.1"),
        ("DATE", "2024-02-29", "2024-02-29"),
        ("LOCAL TIME", "03:04:05.000000006", "03:04:05.000000006"),
        ("ZONED TIME", "03:04:05.5+01:00", "03:04:05.5+01:00"),
        ("ZONED TIME", "03:04:05.000000006-02:30", "03:04:05.000000006-02:30"),
        ("ZONED TIME", time(3, 4, tzinfo=timezone.utc), "03:04:00Z"),
        ("ANY", time(3, 4, tzinfo=timezone.utc), "03:04:00Z"),
        ("LOCAL DATETIME", NANOSECONDS, NANOSECONDS),
        ("ZONED DATETIME", NANOSECONDS + "+01:00", NANOSECONDS + "+01:00"),
        (
            "ZONED DATETIME",
            NANOSECONDS + "[Europe/Berlin]",
            NANOSECONDS + "+02:00[Europe/Berlin]",
        ),
        (
            "ZONED DATETIME",
            "2024-10-27T02:30+01:00[Europe/Berlin]",
            "2024-10-27T02:30:00+01:00[Europe/Berlin]",
        ),
        ("DURATION", "P1Y2M3DT4H5M6.7S", "P1Y2M3DT4H5M6.7S"),
        ("DURATION", "-P1M2DT0.5S", "P-1M-2DT-0.5S"),
        ("POINT", "SRID=4326;POINT(12.5 41.9)", None),
        ("LIST<INTEGER>", "1;2", None),
        ("LIST<ZONED TIME>", "03:04Z;05:06Z", None),
    ],
)
def test_a_value_is_stored_as_its_type(
    type: str, value: Any, text: str | None, neo4j_graph: Graph
) -> None:
    stored = neo4j_graph.read(
        "UNWIND $values AS value RETURN valueType(value) AS type, "
        "CASE WHEN $is_text THEN toString(value) END AS text",
        {"values": [converted(type, value)], "is_text": text is not None},
    )

    kind = "ZONED TIME" if type == "ANY" else type.replace(">", " NOT NULL>")
    assert stored == [{"type": f"{kind} NOT NULL", "text": text}]

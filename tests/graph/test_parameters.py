"""Values that a person hands to a statement reach the graph unharmed."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from alembic_neo4j.errors import StatementError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.stored_values import sendable


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
@pytest.mark.parametrize("month", [1, 7])
def test_a_time_in_a_zone_is_the_same_instant_in_the_graph(
    zone: str, month: int, neo4j_graph: Graph
) -> None:
    moment = datetime(2026, month, 3, 4, 5, 6, tzinfo=ZoneInfo(zone))
    rows = neo4j_graph.read(
        "RETURN $when.epochSeconds AS seconds, $when.timezone AS zone",
        {"when": moment},
    )
    assert rows == [{"seconds": moment.timestamp(), "zone": zone}]


@pytest.mark.parametrize(
    ("zone", "offset"),
    [(timezone.utc, "Z"), (timezone(timedelta(hours=-3, minutes=-30)), "-03:30")],
)
def test_a_time_of_day_keeps_its_offset(
    zone: timezone, offset: str, neo4j_graph: Graph
) -> None:
    given = time(1, 2, 3, 4000, tzinfo=zone)
    rows = neo4j_graph.read("RETURN toString($given) AS text", {"given": given})
    assert rows == [{"text": f"01:02:03.004{offset}"}]


def test_a_time_of_day_needs_an_offset() -> None:
    given = time(1, tzinfo=ZoneInfo("Europe/Berlin"))
    with pytest.raises(StatementError, match="give it with a fixed offset"):
        sendable({"given": given})


def test_zones_are_found_within_lists_and_maps() -> None:
    moment = datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    sent = sendable({"rows": [{"at": moment}], "other": (1, "x")})
    zone = sent["rows"][0]["at"].tzinfo
    assert not isinstance(zone, ZoneInfo)
    assert sent["rows"][0]["at"] == moment.astimezone(timezone.utc)
    assert sent["other"] == [1, "x"]

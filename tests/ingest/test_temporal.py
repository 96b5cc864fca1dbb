"""Dates, times, zones and durations."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

import neo4j.time
import pytest
import pytz
from hypothesis import given, settings
from hypothesis import strategies as st

from .converting import converted, refused


@pytest.mark.parametrize(
    ("type", "text", "expected"),
    [
        ("LOCAL DATETIME", "2024-01-02 03:04:05,5", "2024-01-02T03:04:05.500000"),
        ("ZONED DATETIME", "2024-01-02T03:04:05Z", "2024-01-02T03:04:05+00:00"),
        ("ZONED DATETIME", "2024-01-02 03:04 z", "2024-01-02T03:04:00+00:00"),
        ("ZONED DATETIME", "2024-01-02 03:04+01", "2024-01-02T03:04:00+01:00"),
        ("ZONED DATETIME", "2024-01-02T03:04-0130", "2024-01-02T03:04:00-01:30"),
        ("ZONED TIME", "03:04-02:30", "03:04:00-02:30"),
        ("ZONED TIME", "03:04:05.5Z", "03:04:05.500000+00:00"),
    ],
)
def test_iso_8601(type: str, text: str, expected: str) -> None:
    assert converted(type, text).isoformat() == expected


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2024-07-02T03:04[Europe/Berlin]", 2),
        ("2024-01-02T03:04+01:00[Europe/Berlin]", 1),
        ("2024-10-27T02:30+02:00[Europe/Berlin]", 2),
        ("2024-10-27T02:30+01:00[Europe/Berlin]", 1),
    ],
)
def test_zones_with_names(text: str, offset: int) -> None:
    found = converted("ZONED DATETIME", text)

    assert found.tzinfo.key == "Europe/Berlin"
    assert found.utcoffset() == timedelta(hours=offset)
    assert found.replace(tzinfo=None).isoformat()[:16] == text[:16]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "P1Y2M3W4DT5H6M7.008S",
            {"months": 14, "days": 25, "seconds": 18367, "nanoseconds": 8_000_000},
        ),
        ("PT-0.5S", {"nanoseconds": -500_000_000}),
        ("-P1DT1S", {"days": -1, "seconds": -1}),
        ("P-2M", {"months": -2}),
    ],
)
def test_durations(text: str, expected: dict[str, int]) -> None:
    assert converted("DURATION", text) == neo4j.time.Duration(**expected)


def test_either_kind_of_datetime_by_what_is_there() -> None:
    either = "LOCAL DATETIME | ZONED DATETIME"
    local = datetime(2024, 1, 2, 3, 4)

    assert converted(either, "2024-01-02T03:04") == local
    zoned = converted(either, "2024-01-02T03:04Z")
    assert zoned == local.replace(tzinfo=timezone.utc)


def test_values_that_have_their_type_already() -> None:
    clock = time(3, 4, tzinfo=timezone.utc)

    assert converted("ZONED TIME", clock) == clock
    assert converted("LOCAL TIME", time(3)) == time(3)
    assert converted("DATE", date(2024, 1, 2)) == date(2024, 1, 2)
    assert "an offset" in refused("DATE", datetime(2024, 1, 2, tzinfo=timezone.utc))


def test_nanoseconds_are_kept() -> None:
    text = "2024-01-02T03:04:05.123456789"
    local = converted("LOCAL DATETIME", text)
    offset = converted("ZONED DATETIME", text + "+01:00")
    named = converted("ZONED DATETIME", text + "[Europe/Berlin]")
    clock = converted("ZONED TIME", "03:04:05.123456789+01:00")

    assert local == neo4j.time.DateTime(2024, 1, 2, 3, 4, 5, 123456789)
    assert offset.iso_format() == text + "+01:00"
    assert named.tzinfo.zone == "Europe/Berlin"
    assert named.nanosecond == clock.nanosecond == 123456789
    assert converted("LOCAL DATETIME", local) is local


@settings(max_examples=60, deadline=None)
@given(
    months=st.integers(-(10**6), 10**6),
    days=st.integers(-(10**6), 10**6),
    nanoseconds=st.integers(-(10**15), 10**15),
)
def test_durations_are_read_as_the_driver_writes_them(
    months: int, days: int, nanoseconds: int
) -> None:
    expected = neo4j.time.Duration(months=months, days=days, nanoseconds=nanoseconds)

    assert converted("DURATION", expected.iso_format()) == expected


def test_a_time_has_an_offset_that_the_driver_sends() -> None:
    found = converted("ZONED TIME", "03:04+01:00")

    assert found.tzinfo == pytz.FixedOffset(60)

"""Values of files as values of property types."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import neo4j.time
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_neo4j.errors import IngestError

from .converting import converted, refused

BERLIN = ZoneInfo("Europe/Berlin")
ONE_HOUR = timezone(timedelta(hours=1))
LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        (
            "LIST<LOCAL DATETIME | ZONED DATETIME>",
            "2024-01-31",
            [datetime(2024, 1, 31)],
        ),
        ("INTEGER", "42", 42),
        ("INTEGER", " -007 ", -7),
        ("INTEGER", "+3.00", 3),
        ("INTEGER", str(LARGEST), LARGEST),
        ("INTEGER", "-9223372036854775808", -(2**63)),
        ("INTEGER", 5, 5),
        ("INTEGER", 5.0, 5),
        ("INTEGER", Decimal("5"), 5),
        ("FLOAT", "1.5", 1.5),
        ("FLOAT", " -1e3 ", -1000.0),
        ("FLOAT", ".5", 0.5),
        ("FLOAT", 3, 3.0),
        ("FLOAT", Decimal("0.1"), 0.1),
        ("FLOAT", "1970-01-02T00:00:00Z", 86400.0),
        ("FLOAT", "1970-01-02 00:00:00.5", 86400.5),
        ("FLOAT", datetime(1970, 1, 2), 86400.0),
        ("FLOAT", datetime(1970, 1, 2, 1, tzinfo=ONE_HOUR), 86400.0),
        ("BOOLEAN", "true", True),
        ("BOOLEAN", " FALSE ", False),
        ("BOOLEAN", True, True),
        ("STRING", "Zoë", "Zoë"),
        ("STRING", " ", " "),
        ("STRING", 42, "42"),
        ("STRING", date(2024, 1, 2), "2024-01-02"),
        ("STRING", {"a": [1]}, '{"a": [1]}'),
        ("STRING", [1], "[1]"),
        ("DATE", "2024-02-29", date(2024, 2, 29)),
        ("DATE", " 0001-01-01 ", date(1, 1, 1)),
        ("DATE", "2024-02-29T00:00:00", date(2024, 2, 29)),
        ("DATE", datetime(2024, 2, 29), date(2024, 2, 29)),
        ("LOCAL DATETIME", "2024-01-02T03:04", datetime(2024, 1, 2, 3, 4)),
        ("LOCAL DATETIME", "2024-01-02", datetime(2024, 1, 2)),
        ("LOCAL DATETIME", date(2024, 1, 2), datetime(2024, 1, 2)),
        ("LOCAL TIME", "03:04:05.000006", time(3, 4, 5, 6)),
        ("LOCAL TIME", time(3, 4), time(3, 4)),
        ("DURATION", timedelta(days=1), timedelta(days=1)),
        ("DURATION", "PT-0.5S", neo4j.time.Duration(nanoseconds=-500_000_000)),
        ("DURATION", "-P1DT1S", neo4j.time.Duration(days=-1, seconds=-1)),
        ("ANY", "x", "x"),
        ("ANY", [1, 2.5], [1.0, 2.5]),
        ("ANY", b"\0", b"\0"),
        ("LIST<INTEGER>", "1;2;3", [1, 2, 3]),
        ("LIST<INTEGER NOT NULL>", [1, "2"], [1, 2]),
        ("LIST<STRING>", "", []),
        ("LIST<STRING>", "a;;b", ["a", "", "b"]),
        ("LIST<DATE>", "2024-01-01;2024-01-02", [date(2024, 1, 1), date(2024, 1, 2)]),
        ("integer|string", "x1", "x1"),
        ("integer|string", "1", 1),
    ],
)
def test_values_that_keep_their_meaning(type: str, value: Any, expected: Any) -> None:
    found = converted(type, value)

    assert found == expected
    if not isinstance(expected, list):
        assert found.__class__ is expected.__class__


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("INTEGER", "abc"),
        ("INTEGER", ""),
        ("INTEGER", "1.5"),
        ("INTEGER", "1_000"),
        ("INTEGER", "1e3"),
        ("INTEGER", "٣"),
        ("INTEGER", "²"),
        ("INTEGER", "0x10"),
        ("INTEGER", str(2**63)),
        ("INTEGER", str(-(2**63) - 1)),
        ("INTEGER", "9" * 100_000),
        ("INTEGER", 2**63),
        ("INTEGER", 1.5),
        ("INTEGER", math.nan),
        ("INTEGER", math.inf),
        ("INTEGER", Decimal("1e999999999")),
        ("INTEGER", Decimal("NaN")),
        ("INTEGER", True),
        ("INTEGER", [1]),
        ("INTEGER", b"1"),
        ("FLOAT", "1,5"),
        ("FLOAT", "1_0"),
        ("FLOAT", "٣"),
        ("FLOAT", "nan"),
        ("FLOAT", "-Infinity"),
        ("FLOAT", "1e999"),
        ("FLOAT", math.nan),
        ("FLOAT", 10**400),
        ("FLOAT", True),
        ("FLOAT", ""),
        ("FLOAT", "2024-13-01T00:00:00"),
        ("FLOAT", "2024-01-01"),
        ("BOOLEAN", "yes"),
        ("BOOLEAN", "1"),
        ("BOOLEAN", 1),
        ("BOOLEAN", ""),
        ("STRING", 1.5),
        ("STRING", True),
        ("STRING", b"x"),
        ("STRING", "\ud800"),
        ("STRING", {"a": math.nan}),
        ("DATE", "2024-02-30"),
        ("DATE", "2024-2-3"),
        ("DATE", "02/03/2024"),
        ("DATE", "20240203"),
        ("DATE", "2024-W01-1"),
        ("DATE", "2024-02-03T04:05"),
        ("DATE", "2024-02-03T04:05:00.123456789"),
        ("DATE", "12024-02-03"),
        ("DATE", datetime(2024, 1, 1, 2)),
        ("DATE", 20240203),
        ("LOCAL DATETIME", "2024-01-02T03:04Z"),
        ("LOCAL DATETIME", "2024-01-02T25:00"),
        ("LOCAL DATETIME", "2024-01-02T03:04:05.1234567890"),
        ("LOCAL DATETIME", "today"),
        ("ZONED DATETIME", "2024-01-02T03:04"),
        ("ZONED DATETIME", "2024-01-02T03:04+25:00"),
        ("ZONED DATETIME", "2024-01-02T03:04+01:60"),
        ("ZONED DATETIME", "2024-01-02T03:04[Mars/Base]"),
        ("ZONED DATETIME", "2024-01-02T03:04[../../etc/passwd]"),
        ("ZONED DATETIME", "2024-01-02T03:04+05:00[Europe/Berlin]"),
        ("LOCAL TIME", "24:00"),
        ("LOCAL TIME", "03:04Z"),
        ("LOCAL TIME", 3),
        ("ZONED TIME", "03:04"),
        ("ZONED TIME", "03:04[Europe/Berlin]"),
        ("ZONED TIME", "03:04+01:00:30"),
        ("DURATION", "P"),
        ("DURATION", "PT"),
        ("DURATION", "P1DT"),
        ("DURATION", "1 day"),
        ("DURATION", "P" + "9" * 40 + "D"),
        ("DURATION", 5),
        ("LIST<INTEGER>", "1;x"),
        ("LIST<INTEGER>", "1;"),
        ("LIST<INTEGER>", [1, None]),
        ("LIST<INTEGER>", {"a": 1}),
        ("ANY", {"a": 1}),
        ("ANY", [1, "a"]),
        ("ANY", [[1]]),
        ("ANY", math.inf),
        ("ANY", 2**63),
        ("ANY", "\udc80"),
        ("LOCAL DATETIME \\| ZONED DATETIME", "noon"),
    ],
)
def test_values_that_have_none(type: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^expected {type}, found ") as raised:
        converted(type.replace("\\", ""), value)
    assert len(str(raised.value)) < 400


def test_the_reason_is_told() -> None:
    assert refused("INTEGER", "99999999999999999999").endswith("not within 64 bits")
    assert "no finite number" in refused("FLOAT", "NaN")
    assert "the words are true, false" in refused("BOOLEAN", "yes")
    assert "half of a pair" in refused("STRING", "a\ud800")
    assert refused("DATE", "34").endswith("a date looks like 2024-12-31")
    assert "a date and time look like" in refused("LOCAL DATETIME", "34")
    assert "it has no offset" in refused("ZONED DATETIME", "2024-01-02T03:04")
    assert "can't hold null" in refused("LIST<STRING>", ["a", None])
    assert "one kind of items, not INTEGER and STRING" in refused("ANY", [1, "a"])
    assert "(100,000 in all)" in refused("INTEGER", "9" * 100_000)


def test_options() -> None:
    yes = {"true_words": ("yes", "1"), "false_words": ("no", "0")}
    assert converted("BOOLEAN", "YES", **yes) is True
    assert converted("BOOLEAN", 0, **yes) is False
    assert math.isnan(converted("FLOAT", "NaN", allow_nan=True))
    assert converted("FLOAT", "-inf", allow_nan=True) == -math.inf
    assert converted("LIST<INTEGER>", "1,2", list_separator=",") == [1, 2]
    assert converted("LIST<INTEGER>", "[1, 2]", list_separator=None) == [1, 2]
    assert "expected LIST" in refused("LIST<INTEGER>", "[1", list_separator=None)
    assert "arrays in one" in refused("LIST<STRING>", "[" * 90_000, list_separator=None)
    assert converted("DATE", "3.2.2024", date_format="%d.%m.%Y") == date(2024, 2, 3)
    assert converted("DATE", "3.2.2024", format="%d.%m.%Y") == date(2024, 2, 3)
    assert "does not match" in refused("DATE", "2024-02-03", date_format="%d.%m.%Y")
    assert converted("LOCAL TIME", "3 PM", time_format="%I %p") == time(15)
    zoned = converted("ZONED DATETIME", "2024-07-02", time_zone="Europe/Berlin")
    assert zoned == datetime(2024, 7, 2, tzinfo=BERLIN)
    fixed = converted(
        "ZONED DATETIME", "2.7.24 1", datetime_format="%d.%m.%y %H", time_zone="+01:00"
    )
    assert fixed == datetime(2024, 7, 2, 1, tzinfo=ONE_HOUR)


def test_a_string_that_is_stored_in_a_format() -> None:
    form = "%Y/%m/%d"
    assert converted("STRING", "2024/02/03", format=form) == "2024/02/03"
    assert converted("STRING", date(2024, 2, 3), format=form) == "2024/02/03"
    assert "does not match" in refused("STRING", "2024-02-03", format=form)


@pytest.mark.parametrize(
    ("type", "options"),
    [
        ("VECTOR", {}),
        ("LIST<LIST<INTEGER>>", {}),
        ("", {}),
        ("ZONED DATETIME", {"time_zone": "Mars/Base"}),
        ("BOOLEAN", {"true_words": ("x",), "false_words": ("X",)}),
    ],
)
def test_what_can_not_be_asked_for(type: str, options: dict[str, Any]) -> None:
    with pytest.raises(IngestError, match="Expected"):
        converted(type, "", **options)


moments = st.datetimes()
zones = st.sampled_from([timezone.utc, ONE_HOUR, timezone(-timedelta(hours=9.5))])
TEXTS: dict[str, st.SearchStrategy[Any]] = {
    "INTEGER": st.integers(-(2**63), LARGEST),
    "FLOAT": st.floats(allow_nan=False, allow_infinity=False),
    "STRING": st.text(st.characters(codec="utf-8")),
    "DATE": st.dates(),
    "LOCAL DATETIME": moments,
    "ZONED DATETIME": st.datetimes(
        datetime(2, 1, 1), datetime(9998, 1, 1), timezones=zones
    ),
    "LOCAL TIME": st.times(),
}


@settings(max_examples=60, deadline=None)
@given(data=st.data(), type=st.sampled_from(sorted(TEXTS)))
def test_the_text_of_a_value_is_read_as_that_value(data: Any, type: str) -> None:
    value = data.draw(TEXTS[type])
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)

    assert converted(type, text) == value
    assert converted(type, value) == value


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=30), type=st.sampled_from([*TEXTS, "ZONED TIME", "POINT"]))
def test_no_text_makes_it_fail_otherwise(text: str, type: str) -> None:
    try:
        converted(type, text)
    except ValueError as error:
        told = str(error)
    else:
        told = f"expected {type}, found "
    assert told.startswith(f"expected {type}, found ")

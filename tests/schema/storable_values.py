"""Values that a property can hold and such that none can, by a name for each."""

from __future__ import annotations

import collections
import enum
import math
import uuid
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytz
from neo4j.spatial import CartesianPoint, Point, WGS84Point
from neo4j.time import Date, DateTime, Duration, Time, ZeroDate


class _Text(str, enum.Enum):
    A = "a"


class _Number(enum.IntEnum):
    THREE = 3


class _Other(enum.Enum):
    A = "a"


class _NoOffset(tzinfo):
    def utcoffset(self, _: datetime | None) -> None:
        return None

    def dst(self, _: datetime | None) -> None:
        return None


def _at(offset: timedelta) -> datetime:
    return datetime(2024, 1, 1, tzinfo=timezone(offset))


BERLIN = ZoneInfo("Europe/Berlin")

NOT_FINITE: dict[str, Any] = {
    "NaN": math.nan,
    "infinite": math.inf,
    "below all": -math.inf,
    "a list with NaN": [1.0, math.nan],
    "a list of a whole number and infinity": [1, math.inf],
}

REFUSED: dict[str, tuple[Any, str]] = {
    "too large": (2**63, "not within 64 bits"),
    "too small": (-(2**63) - 1, "not within 64 bits"),
    "a list with one too large": ([1, 2**63], "not within 64 bits"),
    "a map": ({"a": 1}, "a property can't hold a dict"),
    "an empty map": ({}, "a property can't hold a dict"),
    "a mixed list": ([1, "a"], "one kind of items, not INTEGER and STRING"),
    "a boolean among integers": ([True, 1], "not BOOLEAN and INTEGER"),
    "a boolean among floats": ([1.5, False], "not BOOLEAN and FLOAT"),
    "an integer that is no float": ([2**53 + 1, 0.5], "exactly"),
    "dates and times": ([date.min, datetime.min], "not DATE and LOCAL DATETIME"),
    "zoned and local": ([datetime.max, _at(timedelta())], "LOCAL DATETIME and ZONED"),
    "times of both": ([time(1), time(1, tzinfo=timezone.utc)], "LOCAL TIME and ZONED"),
    "points of two systems": (
        [CartesianPoint((1, 2)), WGS84Point((1, 2))],
        "POINT of 4326 and POINT of 7203",
    ),
    "a null in a list": ([1, None], "can't hold null"),
    "a list of null": ([None], "can't hold null"),
    "a list of lists": ([[1]], "can't hold lists or maps"),
    "a list of an empty one": ([[]], "can't hold lists or maps"),
    "a list of maps": ([{}], "can't hold lists or maps"),
    "a list of bytes": ([b"a"], "can't hold bytes"),
    "half of a pair": ("a\ud800", "character 2 is half of a pair"),
    "half of a pair in a list": (["", "\udfff"], "half of a pair"),
    "a decimal": (Decimal("1.5"), "a Decimal; give a float or a text"),
    "an enumeration": (_Other.A, "a _Other; give its value"),
    "a set": ({1}, "a set; give a list"),
    "a frozen set": (frozenset(), "give a list"),
    "a range": (range(3), "give a list"),
    "a queue": (collections.deque([1]), "can't hold a deque"),
    "a generator": ((i for i in [1]), "can't hold a generator"),
    "a memoryview": (memoryview(b"a"), "can't hold a memoryview"),
    "a complex number": (1j, "can't hold a complex"),
    "a UUID": (uuid.uuid4(), "can't hold a UUID"),
    "an object": (object(), "can't hold a object"),
    "an offset with seconds": (_at(timedelta(hours=1, seconds=30)), "whole minutes"),
    "an offset of 19 hours": (_at(timedelta(hours=19)), "more than 18 hours"),
    "no offset at all": (datetime(2024, 1, 1, tzinfo=_NoOffset()), "is not known"),
    "before year 1": (
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        "before year 1 or after 9999",
    ),
    "after 9999": (
        datetime.max.replace(tzinfo=ZoneInfo("America/New_York")),
        "before year 1 or after 9999",
    ),
    "a zone that is none": (datetime(2024, 1, 1, tzinfo=ZoneInfo("Factory")), "zone"),
    "a time with seconds of offset": (
        time(1, tzinfo=timezone(timedelta(seconds=30))),
        "whole minutes",
    ),
    "a time far off": (time(1, tzinfo=timezone(timedelta(hours=20))), "18 hours"),
    "a time in a zone": (time(1, tzinfo=BERLIN), "a fixed offset"),
    "the driver's time in a zone": (Time(1, tzinfo=BERLIN), "a fixed offset"),
    "the driver's time far off": (Time(1, tzinfo=pytz.FixedOffset(1200)), "18 hours"),
    "no date": (ZeroDate, "before year 1"),
    "a point with NaN": (CartesianPoint((math.nan, 1)), "coordinate is a finite"),
    "a point that is nowhere": (WGS84Point((1, 100)), "latitude within 90"),
    "a point that is turned": (WGS84Point((200, 1)), "longitude is within 180"),
    "a point of no system": (Point((1, 2)), "no coordinate reference system"),
}
"""Each with a part of the reason."""

ACCEPTED: dict[str, tuple[Any, Any]] = {
    "true": (True, True),
    "largest": (2**63 - 1, 2**63 - 1),
    "smallest": (-(2**63), -(2**63)),
    "float": (-0.1, -0.1),
    "empty text": ("", ""),
    "text": ("ä\0\U0001f600\uffff", "ä\0\U0001f600\uffff"),
    "enumerated text": (_Text.A, "a"),
    "enumerated number": (_Number.THREE, 3),
    "empty list": ([], []),
    "tuple": ((1, 2), [1, 2]),
    "numbers": ([1, 2.5], [1.0, 2.5]),
    "booleans": ([True, False], [True, False]),
    "enumerated numbers": ([_Number.THREE, 1], [3, 1]),
    "bytes": (b"\x00", b"\x00"),
    "bytearray": (bytearray(b"ab"), b"ab"),
    "date": (date(2024, 2, 29), Date(2024, 2, 29)),
    "dates": ([date(2024, 2, 29), Date(1, 1, 1)], [Date(2024, 2, 29), Date(1, 1, 1)]),
    "moment": (datetime(2024, 2, 29, 1), DateTime(2024, 2, 29, 1)),
    "offset": (
        _at(timedelta(hours=18)),
        DateTime(2024, 1, 1, tzinfo=pytz.FixedOffset(1080)),
    ),
    "zone": (
        datetime(2024, 7, 1, 12, tzinfo=BERLIN),
        pytz.timezone("Europe/Berlin").localize(DateTime(2024, 7, 1, 12)),
    ),
    "the driver's moment in a zone": (
        DateTime(2024, 7, 1, 12, 0, 0, 123456789, tzinfo=BERLIN),
        pytz.timezone("Europe/Berlin").localize(
            DateTime(2024, 7, 1, 12, 0, 0, 123456789)
        ),
    ),
    "its moment of microseconds": (
        DateTime(2024, 7, 1, 12, tzinfo=BERLIN),
        pytz.timezone("Europe/Berlin").localize(DateTime(2024, 7, 1, 12)),
    ),
    "time": (time(1, 2), Time(1, 2)),
    "time with offset": (
        time(1, tzinfo=timezone(timedelta(hours=-2))),
        Time(1, tzinfo=pytz.FixedOffset(-120)),
    ),
    "the driver's time": (
        Time(1, 2, 3, 456789123, tzinfo=timezone(timedelta(hours=1))),
        Time(1, 2, 3, 456789123, tzinfo=pytz.FixedOffset(60)),
    ),
    "duration": (Duration(months=1, days=2), Duration(months=1, days=2)),
    "time between": (timedelta(days=-1, seconds=5), Duration(days=-1, seconds=5)),
    "durations": ([timedelta(1), Duration(days=1)], [Duration(days=1)] * 2),
    "point": (WGS84Point((180, -90)), WGS84Point((180.0, -90.0))),
    "points": ([CartesianPoint((1, 2))] * 2, [CartesianPoint((1.0, 2.0))] * 2),
}
"""Each with what the graph gives back."""

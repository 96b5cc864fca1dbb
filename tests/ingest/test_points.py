"""Points in every form that they are written in."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from neo4j.spatial import CartesianPoint, WGS84Point

from .converting import converted, refused


@pytest.mark.parametrize(
    ("value", "crs", "expected"),
    [
        ("POINT (12.5 -41.9)", "wgs-84", WGS84Point((12.5, -41.9))),
        ("point z(1 2 3e0)", "cartesian-3d", CartesianPoint((1, 2, 3))),
        ("SRID=4326;POINT(1 2)", None, WGS84Point((1, 2))),
        ("{latitude: 2, longitude:1}", None, WGS84Point((1, 2))),
        ('{"x": 1, "y": 2, "z": 3}', None, CartesianPoint((1, 2, 3))),
        ("{x:1,y:2,crs:WGS-84}", None, WGS84Point((1, 2))),
        ({"longitude": 1, "latitude": 2, "height": None}, None, WGS84Point((1, 2))),
        ({"x": 1, "y": 2, "srid": 4979, "z": 3}, None, WGS84Point((1, 2, 3))),
        ({"x": 1, "y": 2}, "wgs-84", WGS84Point((1, 2))),
        ({"type": "Point", "coordinates": [1, 2]}, "wgs-84", WGS84Point((1, 2))),
        ([1, Decimal("2.5")], "cartesian", CartesianPoint((1, 2.5))),
        (WGS84Point((1, 2)), None, WGS84Point((1, 2))),
    ],
)
def test_points(value: Any, crs: str | None, expected: Any) -> None:
    found = converted("POINT", value, crs=crs)

    assert (found, found.srid) == (expected, expected.srid)


@pytest.mark.parametrize(
    ("value", "crs", "reason"),
    [
        ("POINT(1 2)", None, "is not said"),
        ("POINT(1)", "cartesian", "looks like"),
        ("POINT(1 2 3 4)", "cartesian", "looks like"),
        ("POINT(1 2 3)", "cartesian", "3 coordinates, not 2"),
        ("1,2", "cartesian", "looks like"),
        ("{x: 1}", None, "it has x, not"),
        ("{x: 1, y: 2, w: 3}", None, "it has w, x, y"),
        ("{x: 1, y: _2}", None, "no number"),
        ({"latitude": 91, "longitude": 0}, None, "within 90"),
        ({"latitude": 0, "longitude": 1}, "cartesian", "the property in cartesian"),
        ("SRID=7203;POINT(1 2)", "wgs-84", "in 7203"),
        ("SRID=99;POINT(1 2)", None, "reference system '99'"),
        ([1, math.nan], "cartesian", "finite"),
        ([1, True], "cartesian", "a number, not a bool"),
        ([1], "cartesian", "1 coordinates"),
        ([], "cartesian", "0 coordinates"),
        ({"type": "Point", "coordinates": 5}, None, "int"),
        (5, "cartesian", "int"),
    ],
)
def test_what_is_no_point(value: Any, crs: str | None, reason: str) -> None:
    assert reason in refused("POINT", value, crs=crs)

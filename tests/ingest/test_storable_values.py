"""Values of files are judged by the rule of all that is stored."""

from __future__ import annotations

import math
from datetime import time
from decimal import Decimal
from typing import Any

import pytest

from alembic_neo4j.ingest.typed_values import ValueOptions, converter
from alembic_neo4j.schema.storable import storable
from tests.schema.storable_values import ACCEPTED, NOT_FINITE, REFUSED

CONVERTED = (Decimal, time)
"""What becomes something else before it is judged."""


@pytest.mark.parametrize(
    "what", [w for w, (v, _) in REFUSED.items() if not isinstance(v, CONVERTED)]
)
def test_what_no_property_can_hold_is_refused_for_the_same_reason(what: str) -> None:
    value, reason = REFUSED[what]

    with pytest.raises(ValueError, match="expected ANY, found") as told:
        converter("ANY")(value)

    assert reason in str(told.value)


@pytest.mark.parametrize("what", NOT_FINITE)
def test_what_is_not_finite_needs_the_option(what: str) -> None:
    value = NOT_FINITE[what]

    with pytest.raises(ValueError, match="allow_nan is not given"):
        converter("ANY")(value)
    with pytest.raises(ValueError, match="allow_nan is not given"):
        converter("LIST<FLOAT>" if isinstance(value, list) else "FLOAT")(value)
    allowed = converter("ANY", ValueOptions(allow_nan=True))(value)
    assert repr(allowed) in (repr(value), repr(_floats(value)))


@pytest.mark.parametrize("what", ACCEPTED)
def test_what_a_property_can_hold_stays(what: str) -> None:
    value, stored = ACCEPTED[what]
    found = converter("ANY")(value)

    # The driver's own can't be compared in every zone.
    plain = isinstance(value, (bool, int, float, str, bytes, bytearray, tuple))
    assert type(found) is type(stored if plain else value)
    expected = stored if plain else storable(value)
    assert repr(found).partition("tz")[0] == repr(expected).partition("tz")[0]


@pytest.mark.parametrize(
    ("type", "value", "reason"),
    [
        ("ZONED DATETIME", "2024-01-01T00:00:00+18:30", "more than 18 hours"),
        ("ZONED DATETIME", "2024-01-01T00:00:00+01:00:30", "whole minutes"),
        ("ZONED DATETIME", "0001-01-01T00:00:00+01:00", "before year 1"),
        ("ZONED TIME", "01:00+18:30", "more than 18 hours"),
        ("LIST<INTEGER>", "1;9223372036854775808", "not within 64 bits"),
        ("STRING", "\udcff", "half of a pair"),
        ("LIST<STRING>", "a;\ud800", "half of a pair"),
    ],
)
def test_texts_of_a_type_are_judged_as_what_they_become(
    type: str, value: Any, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        converter(type)(value)


def _floats(value: Any) -> Any:
    return [float(i) for i in value] if isinstance(value, list) else math.fsum([value])

"""Which conversions of stored values are known, and which are for a person."""

from __future__ import annotations

import pytest

from alembic_neo4j.schema.changes import Placeholder
from alembic_neo4j.schema.conversions import conversion, is_lossy
from alembic_neo4j.schema.definitions import Property

FILL_IN = Placeholder.FILL_IN
UNION = "LOCAL DATETIME | ZONED DATETIME"


def both_ways(before: Property, after: Property) -> tuple[object, object]:
    found = conversion(before, after)
    return found.using, found.reverse_using


@pytest.mark.parametrize(
    ("old", "new", "using", "reverse"),
    [
        ("STRING", "INTEGER", "toInteger(value)", "toString(value)"),
        ("STRING", "FLOAT", "toFloat(value)", "toString(value)"),
        ("STRING", "BOOLEAN", "toBoolean(value)", "toString(value)"),
        ("INTEGER", "FLOAT", "toFloat(value)", "toInteger(value)"),
        ("STRING", "DATE", "date(value)", "toString(value)"),
        ("STRING", "LOCAL DATETIME", "localdatetime(value)", "toString(value)"),
        ("STRING", "ZONED DATETIME", "datetime(value)", "toString(value)"),
        ("STRING", UNION, "datetime(value)", "toString(value)"),
        ("STRING", "LIST<STRING>", "[value]", "value[0]"),
        ("INTEGER", "BOOLEAN", FILL_IN, FILL_IN),
        ("STRING", "LIST<INTEGER>", FILL_IN, FILL_IN),
        ("POINT", "STRING", FILL_IN, FILL_IN),
        ("FLOAT", UNION, FILL_IN, FILL_IN),
    ],
)
def test_types(old: str, new: str, using: object, reverse: object) -> None:
    before, after = Property("p", old), Property("p", new)
    assert both_ways(before, after) == (using, reverse)
    assert both_ways(after, before) == (reverse, using)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("STRING", "ANY"),
        ("LIST<STRING>", "LIST<ANY>"),
        ("LIST<STRING>", "ANY"),
        ("LOCAL DATETIME", UNION),
    ],
)
def test_a_wider_type_leaves_the_values_alone(narrow: str, wide: str) -> None:
    before, after = Property("p", narrow), Property("p", wide)
    assert both_ways(before, after) == (None, None)
    assert both_ways(after, before) == (None, None)


def test_dates_in_a_format_of_their_own_are_for_a_person() -> None:
    text = Property("p", "STRING", format="%d.%m.%Y")
    assert both_ways(text, Property("p", "DATE")) == (FILL_IN, FILL_IN)


def test_iso_dates_are_read_by_neo4j() -> None:
    text = Property("p", "STRING", format="%Y-%m-%d")
    assert both_ways(text, Property("p", "DATE")) == ("date(value)", "toString(value)")


def test_other_fields_need_no_conversion() -> None:
    before = Property("p", "STRING", max_length=3)
    assert not conversion(before, Property("p", "STRING", required=True))


def test_a_first_crs_needs_no_conversion() -> None:
    assert not conversion(Property("p", "POINT"), Property("p", "POINT", crs="wgs-84"))


def test_what_drops_a_part_of_the_value() -> None:
    assert is_lossy(Property("p", "LIST<STRING>"), Property("p", "STRING"))
    assert is_lossy(Property("p", "FLOAT"), Property("p", "INTEGER"))
    assert not is_lossy(Property("p", "STRING"), Property("p", "LIST<STRING>"))
    assert not is_lossy(Property("p", "INTEGER"), Property("p", "FLOAT"))

"""The table of neomodel's property classes: what is stored, read and converted."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import neomodel.properties
import pytest
from hypothesis import given
from hypothesis import strategies as st
from neomodel.exceptions import InflateError
from neomodel.properties import (
    DateProperty,
    DateTimeFormatProperty,
    DateTimeProperty,
    EmailProperty,
    JSONProperty,
    StringProperty,
)

from alembic_neo4j.schema.changes import Placeholder
from alembic_neo4j.schema.conversions import conversion
from alembic_neo4j.schema.definitions import Property
from alembic_neo4j.schema.models import ModelSchema
from alembic_neo4j.schema.property_classes import ROWS, stored_form, unreadable

Read = Callable[[str], ModelSchema]
FILL_IN = Placeholder.FILL_IN
MOMENTS = "LOCAL DATETIME | ZONED DATETIME"


def test_every_class_of_neomodel_has_a_row() -> None:
    known = {
        name
        for name, cls in vars(neomodel.properties).items()
        if inspect.isclass(cls) and issubclass(cls, neomodel.properties.Property)
    }
    # An alias stores nothing; PointProperty is in a module that needs shapely.
    assert known - {"Property", "AliasProperty"} == set(ROWS) - {"PointProperty"}


@pytest.mark.parametrize(
    ("expression", "format"),
    [
        ("StringProperty()", None),
        ("EmailProperty()", None),
        ("FloatProperty()", None),
        ("DateProperty()", "date"),
        ("DateTimeProperty()", "epoch"),
        ("DateTimeFormatProperty(format='%d.%m.%Y')", "%d.%m.%Y"),
        ("DateTimeNeo4jFormatProperty()", None),
        ("JSONProperty()", "json"),
        ("ArrayProperty(DateProperty())", "date"),
        ("ArrayProperty(DateTimeProperty())", "epoch"),
        ("ArrayProperty(StringProperty())", None),
        ("ArrayProperty()", None),
        ("Birthday()", "date"),
        ("Lenient()", None),
        ("Zoned()", None),
    ],
)
def test_the_format_is_part_of_what_a_model_declares(
    read: Read, expression: str, format: str | None
) -> None:
    (found,) = (
        read(
            f"""
            class Birthday(DateProperty):
                pass

            class Lenient(DateProperty):
                def inflate(self, value, obj=None, rethrow=True):
                    return str(value)

            class Zoned(DateTimeProperty):
                def deflate(self, value, obj=None, rethrow=True):
                    return value

            class Model(StructuredNode):
                value = {expression}
            """
        )
        .schema.nodes["Model"]
        .properties
    )
    assert found.format == format


def kind(text: str) -> Property:
    type_, _, format = text.partition("/")
    return Property("p", type_, format=format or None)


@pytest.mark.parametrize(
    ("old", "new", "using", "reverse"),
    [
        # What is there stays, and is looked at.
        ("STRING", "STRING/date", None, None),
        ("STRING", "STRING/%Y-%m-%d", None, None),
        ("FLOAT", "FLOAT/epoch", None, None),
        ("LIST<STRING>", "LIST<STRING>/date", None, None),
        ("STRING/date", "STRING/%Y-%m-%d", None, None),
        ("STRING/json", "STRING", None, None),
        ("STRING/date", "STRING", None, None),
        ("FLOAT/epoch", "FLOAT", None, None),
        ("STRING/%d.%m.%Y", "STRING", None, None),
        # A text may be JSON already, or be meant as one.
        ("STRING", "STRING/json", FILL_IN, None),
        ("STRING", "STRING/%d.%m.%Y", FILL_IN, None),
        ("STRING", "FLOAT/epoch", FILL_IN, FILL_IN),
        ("STRING/date", "STRING/json", FILL_IN, FILL_IN),
        ("STRING/date", "STRING/%d.%m.%Y", FILL_IN, FILL_IN),
        ("STRING/date", "INTEGER", FILL_IN, FILL_IN),
        ("FLOAT/epoch", "STRING/%Y", FILL_IN, FILL_IN),
        ("LIST<STRING>", "LIST<STRING>/json", FILL_IN, None),
        ("STRING/date", "LIST<STRING>/date", "[value]", "value[0]"),
        ("STRING/json", "LIST<STRING>", FILL_IN, FILL_IN),
        ("INTEGER", "FLOAT/epoch", "toFloat(value)", "toInteger(value)"),
        ("STRING/date", "DATE", "date(value)", "toString(value)"),
    ],
)
def test_formats_are_converted_where_that_is_certain(
    old: str, new: str, using: object, reverse: object
) -> None:
    found = conversion(kind(old), kind(new))
    assert (found.using, found.reverse_using) == (using, reverse)


@pytest.mark.parametrize(
    ("declared", "cls", "values"),
    [
        (
            Property("p", "STRING", format="date"),
            DateProperty(),
            ["2024-02-29", "2024-02-31", "29.2.2024", "2024-02-29T10:00", "", "x"],
        ),
        (
            Property("p", "FLOAT", format="epoch"),
            DateTimeProperty(),
            [0.0, -1e9, 1.7e9, 1e13, -1e12, math.inf, math.nan],
        ),
        (
            Property("p", "STRING", format="json"),
            JSONProperty(),
            ['{"a": [1]}', "1", '"x"', "null", "{not json", "x", "", "[" * 100_000],
        ),
        (
            Property("p", "STRING", format="%d/%m/%Y %H:%M"),
            DateTimeFormatProperty(format="%d/%m/%Y %H:%M"),
            ["01/02/2024 10:00", "2024-01-01", "32/01/2024 10:00"],
        ),
        (
            Property("p", "STRING", pattern=EmailProperty.expression),
            EmailProperty(),
            ["a@b.c", "nobody", ""],
        ),
        (
            Property("p", "STRING", choices=("a", "b")),
            StringProperty(choices={"a": "A", "b": "B"}),
            ["a", "c"],
        ),
        (
            Property("p", "STRING", max_length=2),
            StringProperty(max_length=2),
            ["ab", "abc"],
        ),
    ],
)
def test_what_can_not_be_read_is_what_neomodel_can_not_read(
    declared: Property, cls: Any, values: list[Any]
) -> None:
    verdicts = [unreadable(declared, value) is None for value in values]
    assert verdicts == [_inflates(cls, value) for value in values]
    assert {True, False} == set(verdicts)
    # A list is read item by item.
    assert (unreadable(declared, values) is None) is all(verdicts)


def _inflates(cls: Any, value: Any) -> bool:
    try:
        cls.inflate(value)
    except InflateError:
        return False
    return True


moments = st.datetimes(timezones=st.sampled_from([None, timezone.utc]))
FORMS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "date": (DateProperty(), st.dates()),
    "epoch": (DateTimeProperty(), moments),
    "json": (
        JSONProperty(),
        st.dictionaries(st.text(), st.integers() | st.lists(st.none())),
    ),
    "%Y-%m-%d %H:%M:%S": (
        DateTimeFormatProperty(format="%Y-%m-%d %H:%M:%S"),
        st.datetimes(datetime(1000, 1, 1)),
    ),
}


@pytest.mark.parametrize("format", FORMS)
@given(data=st.data())
def test_a_value_is_stored_as_neomodel_stores_it(format: str, data: Any) -> None:
    cls, values = FORMS[format]
    value = data.draw(values)
    assert stored_form(value, format) == cls.deflate(value)


@pytest.mark.parametrize(
    ("value", "format"),
    [
        ("1.2.2024", "date"),
        (datetime(2024, 1, 1, 10), "date"),
        (5, "date"),
        ("noon", "epoch"),
        (True, "epoch"),
        (1e300, "epoch"),
        ("{not json", "json"),
        ({"a": math.nan}, "json"),
        ({"a": date(2024, 1, 1)}, "json"),
        (date(999, 1, 1), "%Y"),
        (timedelta(1), "%Y"),
    ],
)
def test_what_could_not_be_read_again_has_no_form(value: Any, format: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        stored_form(value, format)


def test_what_is_stored_already_stays() -> None:
    assert stored_form("2024-01-02", "date") == "2024-01-02"
    assert stored_form(5, "epoch") == 5.0
    assert stored_form('{"a":1}', "json") == '{"a":1}'
    assert json.loads(stored_form("5", "json")) == 5

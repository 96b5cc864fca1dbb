"""The text of a property's type is read in one place, lists and unions included."""

from __future__ import annotations

import pytest

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema import property_types
from alembic_neo4j.schema.property_types import (
    Alternative,
    alternatives,
    constraint_type,
    is_list,
    item_type,
    normal_type,
    shown_types,
)

MOMENTS = "LOCAL DATETIME | ZONED DATETIME"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("string", "STRING"),
        ("zoned  datetime|local datetime", MOMENTS),
        (f"LIST<{MOMENTS}>", f"LIST<{MOMENTS}>"),
        ("LIST<STRING> | INTEGER", "INTEGER | LIST<STRING>"),
    ],
)
def test_a_type_is_written_as_neo4j_does(text: str, normal: str) -> None:
    assert normal_type(text) == normal


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("STRING", [Alternative("STRING")]),
        ("LIST<INTEGER NOT NULL>", [Alternative("INTEGER", is_list=True)]),
        ("list < float >", [Alternative("FLOAT", is_list=True)]),
        (f"LIST<{MOMENTS}>", [Alternative(MOMENTS, is_list=True)]),
        ("LIST<A> | B", [Alternative("B"), Alternative("A", is_list=True)]),
    ],
)
def test_a_type_is_one_or_several(text: str, found: list[Alternative]) -> None:
    assert list(alternatives(text)) == found


def test_only_a_single_list_has_a_type_of_items() -> None:
    types = ("LIST<STRING>", f"LIST<{MOMENTS}>", "STRING", "LIST<A> | LIST<B>")

    assert [item_type(text) for text in types] == ["STRING", MOMENTS, None, None]


def test_only_what_every_server_knows_is_tested() -> None:
    types = ("LIST<ANY>", "DATE | LIST<DATE>", "ANY", f"LIST<{MOMENTS}>", "VECTOR")

    assert [property_types.tested_type(text) for text in types] == [
        "LIST<ANY>",
        "DATE | LIST<DATE>",
        None,
        None,
        None,
    ]
    assert [is_list(text) for text in types] == [True, False, False, False, False]


def test_a_constraint_asks_for_items_that_are_not_null() -> None:
    assert constraint_type("LIST<DATE>|DATE") == "DATE | LIST<DATE NOT NULL>"
    for text in ("ANY", "LIST<ANY>", "LIST<LIST<DATE>>", ""):
        with pytest.raises(SchemaError, match="not a type that a constraint can ask"):
            constraint_type(text)


def test_the_server_shows_lists_without_items_as_well() -> None:
    assert shown_types("LIST<DATE> | DATE") == (
        "DATE NOT NULL",
        "LIST<DATE NOT NULL> NOT NULL",
        "LIST<NOTHING> NOT NULL",
    )
    assert shown_types("ANY") == ()

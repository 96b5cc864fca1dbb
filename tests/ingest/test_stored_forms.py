"""What a file's values become is what the model's class can read again."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from neo4j.spatial import CartesianPoint, WGS84Point

from alembic_neo4j.ingest.rules import PropertyRules, Rules
from alembic_neo4j.ingest.typed_values import ValueOptions
from alembic_neo4j.schema.property_classes import check_form

from .checking import checked
from .checking import refused as refused_file
from .converting import converted, refused

MOMENTS = "LOCAL DATETIME | ZONED DATETIME"
BERLIN = "Europe/Berlin"
ONE_HOUR = timezone(timedelta(hours=1))
SLASHES = "%d/%m/%Y"
MINUTES = "%d/%m/%Y %H:%M"
SUMMER = datetime(2024, 7, 1, 8, 30, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("type", "format", "value", "options", "expected"),
    [
        ("STRING", "date", "2024-02-29", {}, "2024-02-29"),
        ("STRING", "date", "29/02/2024", {"date_format": SLASHES}, "2024-02-29"),
        ("STRING", "date", date(2024, 2, 29), {"date_format": SLASHES}, "2024-02-29"),
        ("STRING", "date", "2024-02-29T00:00", {}, "2024-02-29"),
        ("FLOAT", "epoch", "86400", {}, 86400.0),
        ("FLOAT", "epoch", " -1.5e3 ", {}, -1500.0),
        ("FLOAT", "epoch", 86400, {}, 86400.0),
        ("FLOAT", "epoch", "1970-01-02", {}, 86400.0),
        ("FLOAT", "epoch", date(1970, 1, 2), {}, 86400.0),
        ("FLOAT", "epoch", "2024-07-01T10:30+02:00", {}, SUMMER),
        ("FLOAT", "epoch", "2024-07-01T10:30", {"time_zone": BERLIN}, SUMMER),
        ("FLOAT", "epoch", "2024-07-01T08:30Z", {"time_zone": BERLIN}, SUMMER),
        (
            *("FLOAT", "epoch", "01/07/2024 10:30"),
            {"datetime_format": MINUTES, "time_zone": "+02:00"},
            SUMMER,
        ),
        ("FLOAT", "epoch", "01/07/2024 08:30", {"datetime_format": MINUTES}, SUMMER),
        ("STRING", SLASHES, "01/07/2024", {}, "01/07/2024"),
        ("STRING", SLASHES, "2024-07-01", {"date_format": "%Y-%m-%d"}, "01/07/2024"),
        ("STRING", SLASHES, "2024-7-1", {"datetime_format": "%Y-%m-%d"}, "01/07/2024"),
        (
            *("STRING", MINUTES, datetime(2024, 7, 1, 8, 30, tzinfo=timezone.utc)),
            *({"time_zone": BERLIN}, "01/07/2024 10:30"),
        ),
        (
            *("STRING", f"{MINUTES} %z", datetime(2024, 7, 1, 10, 30)),
            *({"time_zone": BERLIN}, "01/07/2024 10:30 +0200"),
        ),
        ("STRING", "json", '{"a": 1}', {}, '{"a": 1}'),
        ("STRING", "json", {"a": [None]}, {}, '{"a": [null]}'),
        ("STRING", "json", True, {}, "true"),
        ("STRING", "json", 1.5, {}, "1.5"),
        ("LIST<STRING>", "date", "1/2/2024;2/2/2024", {"date_format": SLASHES}, None),
        ("LIST<FLOAT>", "epoch", ["1970-01-02", 5], {}, [86400.0, 5.0]),
        ("LIST<STRING>", "json", ['{"a": 1}', [2]], {}, ['{"a": 1}', "[2]"]),
    ],
)
def test_what_is_stored_can_be_read(
    type: str, format: str, value: Any, options: dict[str, Any], expected: Any
) -> None:
    found = converted(type, value, format=format, **options)
    if expected is None:
        expected = ["2024-02-01", "2024-02-02"]
    assert found == expected
    for item in found if isinstance(found, list) else [found]:
        check_form(item, format)


@pytest.mark.parametrize(
    ("type", "format", "value", "options", "reason"),
    [
        ("STRING", "date", "29/02/2024", {}, "a date looks like"),
        ("STRING", "date", "2024-02-29", {"date_format": SLASHES}, "does not match"),
        ("STRING", "date", "2024-02-29T10:00", {}, "time of day"),
        ("STRING", "date", 20240229, {}, "int"),
        ("FLOAT", "epoch", "noon", {}, "look like"),
        ("FLOAT", "epoch", "86400", {"datetime_format": MINUTES}, "does not match"),
        ("FLOAT", "epoch", "1e300", {}, ""),
        ("FLOAT", "epoch", "nan", {}, "look like"),
        ("FLOAT", "epoch", True, {}, "bool"),
        ("STRING", SLASHES, "2024-07-01", {}, "does not match"),
        (
            *("STRING", MINUTES, datetime(2024, 7, 1, tzinfo=ONE_HOUR)),
            *({}, "give a time_zone"),
        ),
        ("STRING", f"{MINUTES} %z", datetime(2024, 7, 1), {}, "give a time_zone"),
        ("STRING", "json", "{not json", {}, "it is no JSON"),
        ("STRING", "json", "", {}, "it is no JSON"),
        ("STRING", "json", "[" * 100_000, {}, ""),
        ("STRING", "json", '"\ud800"', {}, "half of a pair"),
        ("STRING", "json", b"1", {}, "bytes"),
        ("LIST<STRING>", "date", "2024-01-01;x", {}, "a date looks like"),
    ],
)
def test_what_could_not_be_read_is_refused(
    type: str, format: str, value: Any, options: dict[str, Any], reason: str
) -> None:
    assert reason in refused(type, value, format=format, **options)


def test_a_moment_without_an_offset_is_of_the_zone_that_is_given() -> None:
    text = "2024-07-01T10:30"
    assert converted(MOMENTS, text) == datetime(2024, 7, 1, 10, 30)
    zoned = converted(MOMENTS, text, time_zone=BERLIN)
    assert zoned.timestamp() == SUMMER
    assert converted(
        MOMENTS, "01/07/2024 10:30", datetime_format=MINUTES, time_zone=BERLIN
    ) == (zoned)


@pytest.mark.parametrize(
    ("point", "crs"),
    [
        (WGS84Point((1, 2)), "cartesian"),
        (CartesianPoint((1, 2)), "wgs-84"),
        (WGS84Point((1, 2, 3)), "wgs-84"),
        (CartesianPoint((1, 2)), "cartesian-3d"),
        ([1, 2, 3], "wgs-84"),
    ],
)
def test_a_point_of_another_system_is_refused(point: Any, crs: str) -> None:
    refused("POINT", point, crs=crs)


TYPED = {
    "name": PropertyRules("name", "STRING"),
    "day": PropertyRules("day", "STRING", format="date"),
    "moment": PropertyRules("moment", "FLOAT", format="epoch"),
    "text": PropertyRules("text", "STRING", format=MINUTES),
    "year": PropertyRules("year", "STRING", format="%Y"),
    "zoned": PropertyRules("zoned", "STRING", format=f"{MINUTES} %z"),
    "data": PropertyRules("data", "STRING", format="json"),
    "native": PropertyRules("native", MOMENTS),
    "local": PropertyRules("local", "LOCAL DATETIME"),
    "date": PropertyRules("date", "DATE"),
    "time": PropertyRules("time", "LOCAL TIME"),
    "items": PropertyRules("items", "LIST<STRING>"),
    "days": PropertyRules("days", "LIST<STRING>", format="date"),
    "yes": PropertyRules("yes", "BOOLEAN"),
    "number": PropertyRules("number", "FLOAT"),
    "count": PropertyRules("count", "INTEGER"),
}
USES: dict[str, tuple[Any, set[str]]] = {
    "date_format": (SLASHES, {"day", "days", "date", "year"}),
    "datetime_format": (
        MINUTES,
        {"moment", "text", "year", "zoned", "native", "local"},
    ),
    "time_format": ("%H", {"time"}),
    "time_zone": (BERLIN, {"moment", "zoned", "native"}),
    "list_separator": ("|", {"items", "days"}),
    "true_words": (("x",), {"yes"}),
    "false_words": (("x",), {"yes"}),
    "allow_nan": (True, {"number", "moment"}),
}


@pytest.mark.parametrize("option", USES)
@pytest.mark.parametrize("name", TYPED)
def test_an_option_that_says_nothing_of_any_column_is_an_error(
    tmp_path: Path, option: str, name: str
) -> None:
    value, uses = USES[option]
    table, documents = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    table.write_text(f"{name}\n")
    documents.write_text("")
    values = ValueOptions(**{option: value})
    # A table says its columns; of documents it is all that rules name.
    for path, rules in (
        (table, Rules(tuple(TYPED.values()))),
        (documents, Rules((TYPED[name],))),
    ):
        if name in uses or (path is documents and option == "allow_nan"):
            assert checked(path, rules, values=values).ok
        else:
            told = refused_file(path, rules, values=values)
            assert f"a column that {option} = {value!r} is for" in told


def test_a_file_of_rules_says_how_the_file_writes_and_not_how_it_is_stored() -> None:
    model = Rules((TYPED["day"], TYPED["moment"], TYPED["data"]))
    said = Rules(
        (
            PropertyRules("day", "DATE", format=SLASHES, column="born"),
            PropertyRules("moment", "ZONED DATETIME", format=MINUTES),
            PropertyRules("data", "STRING", required=True),
        )
    )
    found = {rule.name: rule for rule in said.over(model).properties}
    assert found["day"] == PropertyRules(
        "day", "STRING", format="date", text_format=SLASHES, column="born"
    )
    assert (found["moment"].type, found["moment"].format) == ("FLOAT", "epoch")
    assert found["moment"].text_format == MINUTES
    assert found["data"].format == "json"


def test_a_format_in_the_rules_of_one_property(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"day": "01/02/2024", "moment": "2/1/1970 00:00"}))
    model = Rules((TYPED["day"], TYPED["moment"]))
    said = Rules(
        (
            PropertyRules("day", format=SLASHES),
            PropertyRules("moment", format=MINUTES),
        )
    )
    assert checked(path, said.over(model)).ok
    assert not checked(path, model).ok

"""CSV and TSV: quoting, encodings, headings, and what is no row."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_neo4j.ingest.formats import FileFormat

from .reading import problem, refusal, rows_of, values_of
from .writing import lines


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def test_quotes_hold_delimiters_line_breaks_and_quotes(path: Path) -> None:
    path.write_bytes(b'id,text\r\n1,"a, ""b""\r\nc"\r\n2,d\r\n')

    rows = rows_of(path)

    assert [row.values["text"] for row in rows] == ['a, "b"\r\nc', "d"]
    assert [(row.number, row.line) for row in rows] == [(1, 2), (2, 4)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end(end: str, path: Path) -> None:
    path.write_bytes(lines("id,name", "1,Ann", "", "2,Bob", end=end))

    assert [row["name"] for row in values_of(path)] == ["Ann", "Bob"]


def test_the_last_line_needs_no_end(path: Path) -> None:
    path.write_bytes(b"id,name\n1,Ann")

    assert values_of(path) == [{"id": "1", "name": "Ann"}]


@pytest.mark.parametrize(
    ("encoding", "given"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-8-sig", "utf-8"),
        ("utf-16", None),
        ("utf-16-le", "utf-16-le"),
        ("utf-32", None),
        ("cp1252", "cp1252"),
        ("latin-1", "latin-1"),
        ("shift-jis", "shift-jis"),
    ],
)
def test_encodings(encoding: str, given: str | None, path: Path) -> None:
    name = "花" if encoding == "shift-jis" else "Zoë"
    path.write_bytes(f"id,name\n1,{name}\n".encode(encoding))

    assert values_of(path, encoding=given) == [{"id": "1", "name": name}]


def test_a_byte_of_another_encoding_is_named_with_row_and_column(path: Path) -> None:
    path.write_bytes("id,name\n1,Ann\n2,Zoë\n3,Bob\n".encode("cp1252"))

    assert problem(path) == (2, "encoding", "name", "byte 0xeb is not utf-8")
    assert [row.values.get("name") for row in rows_of(path)] == ["Ann", None, "Bob"]


def test_an_undecodable_heading_is_an_error(path: Path) -> None:
    path.write_bytes("id,größe\n1,2\n".encode("cp1252"))

    assert "line 1: the heading is not utf-8" in refusal(path)


def test_utf_16_that_breaks_off_is_an_error(path: Path) -> None:
    path.write_bytes("id\n1\n".encode("utf-16")[:-1])

    assert "Say which encoding the file has" in refusal(path)


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "zlib"])
def test_an_encoding_that_is_none(encoding: str, path: Path) -> None:
    path.write_bytes(b"id\n1\n")

    assert f"found '{encoding}'" in refusal(path, encoding=encoding)


def test_options_of_the_dialect(path: Path) -> None:
    path.write_bytes(b"id|text\n1|'a|''b'\n2|c\\|d\n")

    values = values_of(path, delimiter="|", quote="'", escape="\\")

    assert [row["text"] for row in values] == ["a|'b", "c|d"]


def test_nothing_is_quoted_where_that_is_said(path: Path) -> None:
    path.write_bytes(b'id\ttext\n1\t"a\n')

    found = values_of(path, format=FileFormat.TSV, quote=None)

    assert found == [{"id": "1", "text": '"a'}]


@pytest.mark.parametrize("options", [{"delimiter": "ab"}, {"quote": "''"}])
def test_a_dialect_that_can_not_be(options: dict[str, str], path: Path) -> None:
    path.write_bytes(b"id\n1\n")

    assert "the options can't be used" in refusal(path, **options)


def test_names_for_a_file_without_a_heading(path: Path) -> None:
    path.write_bytes(b"1,Ann\n")

    assert values_of(path, columns=("id", "name")) == [{"id": "1", "name": "Ann"}]


def test_what_means_no_value(path: Path) -> None:
    path.write_bytes(b"a,b,c\n,NA,x\n")

    assert values_of(path) == [{"a": None, "b": "NA", "c": "x"}]
    assert values_of(path, null_values=("NA", "")) == [{"a": None, "b": None, "c": "x"}]
    assert values_of(path, null_values=()) == [{"a": "", "b": "NA", "c": "x"}]


@pytest.mark.parametrize(
    ("row", "cells"), [("1", 1), ("1,2,3,4", 4), ("1,2,3,", 4), ('"1,2,3"', 1)]
)
def test_a_ragged_row_is_named_and_the_next_is_read(
    row: str, cells: int, path: Path
) -> None:
    path.write_bytes(lines("a,b,c", "1,2,3", row, "4,5,6"))

    number, rule, column, reason = problem(path)

    assert (number, rule, column) == (2, "cells", None)
    assert f"expected 3 cells, found {cells} (" in reason
    assert [row.number for row in rows_of(path)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("id,id", "each column once, found 'id' twice"),
        ("id,", "found none for column 2 of 2"),
        (" ,id", "found none for column 1 of 2"),
    ],
)
def test_a_heading_that_is_none(heading: str, expected: str, path: Path) -> None:
    path.write_bytes(lines(heading, "1,2"))

    assert expected in refusal(path)


def test_a_stray_quote_is_named_and_the_next_row_is_read(path: Path) -> None:
    path.write_bytes(lines("a,b", '1,"x"y', "2,z"))

    number, rule, _, reason = problem(path)

    assert (number, rule) == (1, "quotes")
    assert "expected after" in reason
    assert rows_of(path)[1].values == {"a": "2", "b": "z"}


def test_a_quote_that_is_never_closed_is_an_error(path: Path) -> None:
    path.write_bytes(lines("a,b", "1,x", '2,"y', "3,z", "4,z"))

    assert "line 3: a quotation mark that is opened" in refusal(path)


def test_a_row_longer_than_the_limit_is_an_error(path: Path) -> None:
    path.write_bytes(lines("a,b", "1,x", "2," + "y" * 100))

    assert "after row 1: the next row can't be read" in refusal(path, max_row_size=90)
    assert len(values_of(path, max_row_size=103)) == 2


def test_a_cell_longer_than_the_limit_of_the_csv_module(path: Path) -> None:
    text = "x" * 500_000
    path.write_bytes(lines("a,b", f"1,{text}", "2,y"))

    assert values_of(path)[0]["b"] == text
    assert csv.field_size_limit() >= 500_000


def test_nul_characters_are_named_with_their_place(path: Path) -> None:
    path.write_bytes(b"a,b\n1,x\0y\n2,z\n")
    number, rule, column, reason = problem(path)
    assert (number, rule, column) == (1, "encoding", "b")
    assert reason.startswith("character 2 is a NUL byte (0x00)")

    path.write_bytes("a,b\n1,x\n".encode("utf-16-le"))
    assert "in the heading character 2 is a NUL byte" in refusal(path)
    assert "--encoding utf-16-le" in refusal(path)
    assert values_of(path, encoding="utf-16-le") == [{"a": "1", "b": "x"}]


@pytest.mark.parametrize(
    ("heading", "format", "named", "option"),
    [
        ("fid;text", "csv", "a semicolon", "';'"),
        ("fid\ttext", "csv", "a tab", "tab"),
        ("fid|text|more", "csv", "a bar", "'|'"),
        ("fid;text", "tsv", "a semicolon", "';'"),
        ("fid,text", "tsv", "a comma", "','"),
    ],
)
def test_a_heading_that_another_character_separates(
    path: Path, heading: str, format: str, named: str, option: str
) -> None:
    path.write_bytes(lines(heading, heading))
    told = refusal(path, format=FileFormat(format))
    assert f"that {named} separates. Say so: --delimiter {option} (delimiter)" in told
    usual = "," if format == "csv" else "\t"
    whole = values_of(path, format=FileFormat(format), delimiter=usual)
    assert whole == [{heading: heading}]


def test_cells_that_another_character_separates(path: Path) -> None:
    path.write_bytes(lines("1;x"))
    *_, reason = problem(path, columns=("a", "b"))
    assert "it looks as if a semicolon separates them: --delimiter ';'" in reason


@pytest.mark.parametrize("said", ["sep=;", '"sep=;"', "SEP=;", "sep=\t", "sep=|"])
def test_a_first_line_that_says_what_separates(path: Path, said: str) -> None:
    by = said.strip('"')[-1]
    path.write_bytes(lines(said, f"a{by}b", f"1{by}x,y"))
    assert values_of(path) == [{"a": "1", "b": "x,y"}]
    path.write_bytes(lines(said, "a,b", "1,x"))
    assert values_of(path, delimiter=",") == [{"a": "1", "b": "x"}]


@pytest.mark.parametrize("first", ["sep,b", "sep=;;,b", "sepal=1,b"])
def test_a_heading_that_says_nothing_of_it(path: Path, first: str) -> None:
    path.write_bytes(lines(first, "1,x"))
    assert values_of(path) == [{first.partition(",")[0]: "1", "b": "x"}]


@pytest.mark.parametrize(
    "options",
    [
        {"quote": ""},
        {"delimiter": ""},
        {"escape": ""},
        {"quote": "\n"},
        {"delimiter": "\0"},
        {"delimiter": '"'},
        {"delimiter": "\\", "escape": "\\"},
    ],
)
def test_options_that_are_no_character(path: Path, options: dict[str, Any]) -> None:
    path.write_bytes(lines("a,b", "1,x"))
    told = refusal(path, **options)
    assert "the options can't be used: expected " in told
    assert next(iter(options)) in told


cell = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=6
    )
)


@settings(max_examples=40, deadline=None)
@given(table=tables, delimiter=st.sampled_from(",;\t|"))
def test_what_the_csv_module_writes_is_read(
    table: list[list[str]], delimiter: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "table.csv"
    columns = [f"c{n}" for n in range(len(table[0]))]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([columns, *table])

    found = values_of(path, delimiter=delimiter, null_values=())

    assert [[row[column] for column in columns] for row in found] == table

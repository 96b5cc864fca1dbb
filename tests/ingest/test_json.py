"""JSON documents and JSON Lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .reading import problem, refusal, rows_of, values_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.json"


@pytest.fixture
def lines_path(tmp_path: Path) -> Path:
    return tmp_path / "people.jsonl"


@pytest.mark.parametrize("text", ["[]", " [ ] ", "[{}]", '[{"a": 1}, {"b": [2]}]\n'])
def test_an_array_of_objects(text: str, path: Path) -> None:
    path.write_text(text)

    assert values_of(path) == json.loads(text)


@pytest.mark.parametrize("records", ["data.people", "/data/people", "$.data.people"])
def test_the_way_to_the_array(records: str, path: Path) -> None:
    document = {
        "x": 'a "people": ] } \\',
        "y": [[1, {"people": []}], "]"],
        "data": {"n": 12, "people": [{"id": 1}, {"id": 2}], "z": {}},
        "people": [{"id": 3}],
    }
    path.write_text(json.dumps(document))

    assert values_of(path, records=records) == [{"id": 1}, {"id": 2}]


def test_a_pointer_with_a_slash_and_a_tilde(path: Path) -> None:
    path.write_text('{"a/b~c.d": [{"id": 1}]}')

    assert values_of(path, records="/a~1b~0c.d") == [{"id": 1}]


@pytest.mark.parametrize(
    ("text", "records", "expected"),
    [
        ('{"id": 1}', "", "Say where in the document the array of rows is"),
        ('{"id": 1}\n{"id": 2}\n', "", "that the format is jsonl"),
        ("12", "", "expected an array of objects at the top, found '12'"),
        ('{"data": 1}', "data", "an array of objects at 'data', found '1}'"),
        ('{"data": []}', "people", "found no key 'people' there"),
        ("[]", "people", "expected an object with the key 'people'"),
        ("", "", "found the end of the file"),
        ('[{"id": 1}] []', "", "expected the end after the array"),
        ('[{"id": 1} {"id": 2}]', "", "expected ',' or ']' after row 1"),
        ('[{"id": 1},]', "", "after row 1"),
        ('[{"id": 1}', "", "after row 1, found the end of the file"),
        ('[{"id": 1}, {"id": 2', "", "after row 1: the file is cut off"),
        ('{"data": {"x": "', "people", "the file is cut off"),
        ("{1: 2}", "people", "found no key"),
        ('{"a\n": 2}', "people", "expected a key"),
    ],
)
def test_a_document_without_such_rows(
    text: str, records: str, expected: str, path: Path
) -> None:
    path.write_text(text)

    assert expected in refusal(path, records=records)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ('{"id": 01}', "it is not JSON"),
        ('{"id": nil}', "it is not JSON"),
        ("{]", "it is not JSON"),
        ("3", "expected an object, found 3"),
        ("null", "expected an object, found None"),
        ('"a, ]"', "expected an object, found 'a, ]'"),
        ("[{}]", "expected an object, found [{}]"),
        ('{"id": %s}' % ("9" * 5000), "it is not JSON"),
        ("[" * 50_000 + "]" * 50_000, "too many objects or arrays"),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "too many objects or arrays"),
    ],
    ids=lambda text: text[:12],
)
def test_an_item_that_is_no_row_is_named_and_the_next_is_read(
    item: str, expected: str, path: Path, lines_path: Path
) -> None:
    path.write_text(f'[{{"id": 1}}, {item}, {{"id": 2}}]')
    lines_path.write_text(f'{{"id": 1}}\n{item}\n\n{{"id": 2}}\n')

    for file in (path, lines_path):
        number, rule, _, reason = problem(file)
        assert (number, rule) == (2, "json")
        assert expected in reason
        assert rows_of(file)[2].values == {"id": 2}


def test_bytes_that_are_not_utf_8(path: Path, lines_path: Path) -> None:
    path.write_bytes(b'[{"id": 1},{"id":"\xff"},{"id": "\xc3\xab"}]')
    lines_path.write_bytes(b'{"id": 1}\n{"id":"\xff"}\n{"id": "\xc3\xab"}\n')

    for file in (path, lines_path):
        assert problem(file) == (2, "encoding", None, "byte 0xff is not utf-8")
        assert rows_of(file)[2].values == {"id": "ë"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark(encoding: str, path: Path, lines_path: Path) -> None:
    path.write_bytes('[{"id": "ë"}]'.encode(encoding))
    lines_path.write_bytes('{"id": "ë"}\n'.encode(encoding))

    assert values_of(path) == values_of(lines_path) == [{"id": "ë"}]


def test_lines_have_numbers(lines_path: Path) -> None:
    lines_path.write_bytes(b'{"id": 1}\r\n\r\n  \n{"id": 2}')

    assert [(row.number, row.line) for row in rows_of(lines_path)] == [(1, 1), (2, 4)]


def test_a_row_longer_than_the_limit(path: Path, lines_path: Path) -> None:
    long = json.dumps({"x": "y" * 300_000})
    path.write_text(f'[{{"id": 1}}, {long}]')
    lines_path.write_text(f'{{"id": 1}}\n{long}\n')

    for file in (path, lines_path):
        assert "after row 1: the next row" in refusal(file, max_row_size=100_000)
        assert len(values_of(file)) == 2


def test_what_precedes_the_array_may_be_longer_than_the_limit(path: Path) -> None:
    document = {"head": ["x" * 50, {"y": 1}] * 5_000, "rows": [{"id": 1}]}
    path.write_text(json.dumps(document))

    assert values_of(path, records="rows", max_row_size=1_000) == [{"id": 1}]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.lists(
    st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), json_values),
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(rows=objects, ascii=st.booleans(), indent=st.sampled_from([None, 1]))
def test_what_the_json_module_writes_is_read(
    rows: list[dict[str, Any]],
    ascii: bool,
    indent: int | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.getbasetemp()
    (document, nested, lines) = (
        directory / name for name in ("a.json", "b.json", "c.jsonl")
    )
    document.write_text(json.dumps(rows, ensure_ascii=ascii, indent=indent))
    nested.write_text(json.dumps({"a": rows, "b": {"c": rows}}, indent=indent))
    lines.write_text("".join(json.dumps(r, ensure_ascii=ascii) + "\n" for r in rows))

    assert values_of(document) == rows
    assert values_of(nested, records="b.c") == rows
    assert values_of(lines) == rows


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.integers(0, 70_000), min_size=1, max_size=6))
def test_rows_across_the_pieces_that_are_read(
    rows: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "long.json"
    expected = [{"n": n, "text": '\\"é' * (n // 4)} for n in rows]
    path.write_text(json.dumps(expected, ensure_ascii=False))

    assert values_of(path) == expected

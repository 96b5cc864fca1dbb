"""Two values of one name: a row has neither of them by chance."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.formats import ReadOptions
from alembic_neo4j.ingest.rules import PropertyRules, Rules, rules_from_file
from alembic_neo4j.ingest.transfer_mapping import mapping_from_file

from .checking import checked, refused
from .converting import refused as refused_value

GOOD = '{"name": "b", "born": 2}'


@pytest.mark.parametrize(
    "bad",
    [
        '{"name": "a", "born": 1, "born": 2}',
        '{"name": "a", "born": 1, "born": 1}',
        '{"name": "a", "x": {"born": 1, "born": 2}}',
        '{"name": "a", "x": [{"born": 1}, {"y": [{"born": 1, "born": null}]}]}',
        '{"name": "a", "born": 1, "\\u0062orn": 2}',
    ],
)
@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_a_row_that_says_a_name_twice_is_refused(
    tmp_path: Path, bad: str, format: str
) -> None:
    path = tmp_path / f"rows.{format}"
    rows = [GOOD, bad, GOOD]
    path.write_text(f"[{','.join(rows)}]" if format == "json" else "\n".join(rows))
    report = checked(path, Rules())
    assert (report.rows, report.rejected) == (3, 1)
    (violation,) = report.violations
    assert (violation.row, violation.rule) == (2, "json")
    assert violation.message == (
        "expected each name once in an object, found 'born' twice"
    )


@pytest.mark.parametrize(
    "document",
    [
        '{"data": [{"a": 1}], "data": [{"a": 2}]}',
        '{"x": {"data": 1}, "data": [{"a": 1}], "y": [1, {}], "data": 5}',
    ],
)
def test_the_way_to_the_rows_may_be_said_once(tmp_path: Path, document: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(document)
    told = refused(path, Rules(), read=ReadOptions(records="data"))
    assert "found 'data' twice on the way to 'data'" in told


def test_what_is_around_the_rows_may_be_anything(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('{"a": {"b": [{"x": 1}], "c": {"b": [{}]}}, "d": "]", "e": 1.5 }\n')
    assert checked(path, Rules(), read=ReadOptions(records="a.b")).rows == 1
    path.write_text('{"a": {"b": [{"x": 1}], "c": {}, "b": 1}}')
    assert "twice" in refused(path, Rules(), read=ReadOptions(records="a.b"))
    path.write_text('{"b": [{"x": 1}]} {}')
    assert "expected the end" in refused(path, Rules(), read=ReadOptions(records="b"))
    path.write_text('{"b": [{"x": 1}]')
    assert "the end of the file" in refused(
        path, Rules(), read=ReadOptions(records="b")
    )


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_two_columns_of_one_property_are_refused(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"rows.{format}"
    row = {"b": 1, "born": 2, "c": 3}
    path.write_text(json.dumps([row] if format == "json" else row))
    rules = Rules((PropertyRules("b", attribute="born"), PropertyRules("c")))
    (violation,) = checked(path, rules).violations
    assert violation.message == "columns 'b' and 'born' are both the property 'b'"
    assert checked(path, Rules((PropertyRules("b"), PropertyRules("born")))).ok


def test_a_parquet_row_with_a_name_twice_is_refused(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "rows.parquet"
    one = pyarrow.array([1])
    struct = pyarrow.StructArray.from_arrays([one, one], ["a", "a"])
    parquet.write_table(pyarrow.Table.from_arrays([struct, one], ["s", "n"]), path)
    assert checked(path, Rules()).rejected == 1
    parquet.write_table(pyarrow.Table.from_arrays([one, one], ["n", "n"]), path)
    assert "found one twice" in refused(path, Rules())


def test_points_and_lists_and_files_of_rules(tmp_path: Path) -> None:
    assert "'x' twice" in refused_value("POINT", "{x: 1, x: 2, y: 3}", crs="cartesian")
    assert "'x' twice" in refused_value("POINT", {"x": 1, "X": 2, "y": 3})
    assert "'a' twice" in refused_value(
        "LIST<STRING>", '[{"a": 1, "a": 2}]', list_separator=None
    )
    path = tmp_path / "rules.json"
    path.write_text('{"properties": {"a": {"min": 1, "min": 2}}}')
    with pytest.raises(IngestError, match="'min' twice"):
        rules_from_file(path)
    path.write_text('{"nodes": [], "nodes": []}')
    with pytest.raises(IngestError, match="'nodes' twice"):
        mapping_from_file(path)

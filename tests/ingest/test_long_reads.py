"""Files that give no row for long: told of, read in one go, and bounded."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.download import obtain
from alembic_neo4j.ingest.formats import ReadOptions
from alembic_neo4j.ingest.progress import Progress, spaced
from alembic_neo4j.ingest.rules import Rules
from alembic_neo4j.ingest.validation import validate
from alembic_neo4j.waiting import SAID_AFTER_SECONDS

from .checking import checked, refused
from .writing import table_bytes

BOUND = ReadOptions(max_row_size=1000)
LONG, SHORT = "x" * 1000, "x" * 900


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("rows.csv", "a,b\n" + "\n" * 4_000_000, ReadOptions()),
        ("rows.jsonl", "\n" * 4_000_000, ReadOptions()),
        ("rows.json", " " * 4_000_000 + "[]", ReadOptions()),
        ("rows.json", "[" * 4_000_000, ReadOptions()),
        (
            *("rows.json", '{"x": [' + "[1]," * 1_000_000 + '0], "d": []}'),
            ReadOptions(records="d"),
        ),
    ],
    ids=["csv", "jsonl", "spaces", "brackets", "before"],
)
def test_how_far_it_is_is_told_where_there_is_no_row(
    tmp_path: Path, name: str, content: str, read: ReadOptions
) -> None:
    path = tmp_path / name
    path.write_text(content)
    told: list[Progress] = []
    with suppress(IngestError):
        validate(obtain(path), Rules(), read=read, report=told.append)
    positions = [progress.bytes for progress in told]
    assert len(positions) >= 2
    assert positions == sorted(positions)
    assert {progress.rows for progress in told} == {0}


def test_brackets_take_as_long_as_there_are_of_them(tmp_path: Path) -> None:
    def seconds(count: int) -> float:
        path = tmp_path / "rows.json"
        path.write_text("[" * count)
        began = time.process_time()
        with pytest.raises(IngestError):
            checked(path, Rules())
        return time.process_time() - began

    seconds(10_000)
    assert seconds(8_000_000) < 60 * max(seconds(1_000_000), 0.01)


def test_many_broken_rows_behind_a_long_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(f'[{{"a": "{"x" * 8_000_000}"}},{"{1}," * 20_000}{{}}]')
    began = time.process_time()
    report = checked(path, Rules())
    assert (report.rows, report.rejected) == (20_002, 20_000)
    assert time.process_time() - began < 30


@pytest.mark.parametrize("after", [0, 100_000])
def test_a_row_above_the_bound_is_refused_in_every_format(
    tmp_path: Path, after: int
) -> None:
    others = [{"a": "y"}] * after
    for long, ok in ((SHORT, True), (LONG, False)):
        rows: list[dict[str, Any]] = [{"a": "1"}, {"a": long}, *others]
        (tmp_path / "rows.json").write_text(json.dumps(rows))
        (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
        (tmp_path / "rows.csv").write_text(
            "a\n" + "".join(f"{row['a']}\n" for row in rows)
        )
        for name in ("rows.json", "rows.jsonl", "rows.csv"):
            path = tmp_path / name
            if ok:
                assert checked(path, Rules(), read=BOUND).ok
            else:
                told = refused(path, Rules(), read=BOUND)
                assert "more than 1,000 characters" in told


def test_a_parquet_row_above_the_bound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    texts = {"a": ["1", SHORT, LONG, "2"], "n": [1, 2, 3, 4]}
    path.write_bytes(table_bytes(pyarrow.table(texts)))
    report = checked(path, Rules(), read=BOUND)
    assert (report.rows, report.rejected) == (4, 1)
    assert "more than 1,000 characters" in report.violations[0].message
    lists = {"a": [["x" * 600, "y" * 600], ["z"]]}
    path.write_bytes(table_bytes(pyarrow.table(lists)))
    assert checked(path, Rules(), read=BOUND).rejected == 1


def test_the_first_word_comes_within_five_seconds() -> None:
    now, told = [0.0], []
    report = spaced(told.append, first=SAID_AFTER_SECONDS, clock=lambda: now[0])
    for second in range(16):
        now[0] = float(second)
        report(Progress(second, 0, 0))
    assert [progress.rows for progress in told] == [4, 14]

"""Parquet: Python's values of every column type, and files that are damaged."""

from __future__ import annotations

import gzip
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import neo4j.time
import pyarrow
import pytest

from alembic_neo4j.ingest import parquet as parquet_rows

from .reading import problem, refusal, rows_of, values_of
from .writing import COMPRESSIONS, table_bytes

BERLIN = ZoneInfo("Europe/Berlin")
NANOSECOND = 1_704_164_645_123_456_789
"""2024-01-02T03:04:05.123456789Z since 1970."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.parquet"


def write(path: Path, values: list[Any], kind: pyarrow.DataType) -> None:
    column = pyarrow.array(values, kind)
    path.write_bytes(table_bytes(pyarrow.table({"x": column})))


def read(path: Path) -> list[Any]:
    return [row["x"] for row in values_of(path)]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (2**63 - 1, pyarrow.int64()),
        (2**64 - 1, pyarrow.uint64()),
        (1.5, pyarrow.float32()),
        (True, pyarrow.bool_()),
        ("Zoë", pyarrow.string()),
        ("Zoë", pyarrow.large_string()),
        ("a", pyarrow.dictionary(pyarrow.int8(), pyarrow.string())),
        (b"\0\xff", pyarrow.binary()),
        (Decimal("1.50"), pyarrow.decimal128(5, 2)),
        (date(2024, 2, 29), pyarrow.date32()),
        (datetime(2024, 1, 2, 3, 4, 5, 678), pyarrow.timestamp("us")),
        (datetime(2024, 1, 2, 3, 4, 5, 678), pyarrow.timestamp("ns")),
        (datetime(2024, 7, 2, 3, tzinfo=BERLIN), pyarrow.timestamp("ms", str(BERLIN))),
        (time(1, 2, 3, 4), pyarrow.time64("us")),
        (time(1, 2, 3, 4), pyarrow.time64("ns")),
        (timedelta(days=-1, microseconds=5), pyarrow.duration("us")),
        ([1, 2], pyarrow.list_(pyarrow.int64())),
        ({"x": 1.0, "y": 2.0}, pyarrow.struct({"x": "float64", "y": "float64"})),
    ],
)
def test_values_of_each_type(value: Any, kind: pyarrow.DataType, path: Path) -> None:
    write(path, [value, None], kind)

    assert read(path) == [value, None]


def test_nanoseconds_are_kept(path: Path) -> None:
    write(path, [NANOSECOND, None], pyarrow.timestamp("ns"))
    (found, none) = read(path)
    assert found.iso_format() == "2024-01-02T03:04:05.123456789"
    assert none is None

    write(path, [NANOSECOND], pyarrow.timestamp("ns", "Europe/Berlin"))
    assert read(path)[0].iso_format() == "2024-01-02T04:04:05.123456789+01:00"

    write(path, [NANOSECOND], pyarrow.timestamp("ns", "-02:30"))
    (found,) = read(path)
    assert (found.hour, found.minute, found.nanosecond) == (0, 34, 123_456_789)
    assert found.utcoffset() == timedelta(hours=-2, minutes=-30)

    write(path, [5, None], pyarrow.time64("ns"))
    assert read(path) == [neo4j.time.Time(0, 0, 0, 5), None]

    write(path, [-5], pyarrow.duration("ns"))
    assert read(path) == [neo4j.time.Duration(nanoseconds=-5)]


def test_nanoseconds_before_1970(path: Path) -> None:
    write(path, [-1], pyarrow.timestamp("ns", "UTC"))

    assert read(path)[0].iso_format() == "1969-12-31T23:59:59.999999999+00:00"


def test_a_date_that_python_can_not_hold_is_named(path: Path) -> None:
    write(path, [0, 2**62, 5], pyarrow.timestamp("us"))

    number, rule, column, _ = problem(path)

    assert (number, rule, column) == (2, "type", "x")
    assert rows_of(path)[2].values == {"x": datetime(1970, 1, 1, 0, 0, 0, 5)}


def test_rows_of_many_row_groups_are_numbered(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pyarrow.table({"x": range(1_000)})
    path.write_bytes(table_bytes(table, row_group_size=300))
    monkeypatch.setattr(parquet_rows, "_BATCH_ROWS", 7)

    assert read(path) == list(range(1_000))


def test_two_columns_of_one_name(path: Path) -> None:
    table = pyarrow.table([pyarrow.array([1]), pyarrow.array([2])], names=["x", "x"])
    path.write_bytes(table_bytes(table))

    assert "each column once" in refusal(path)


def test_a_file_without_rows_and_without_columns(path: Path) -> None:
    write(path, [], pyarrow.int64())
    assert read(path) == []

    path.write_bytes(table_bytes(pyarrow.table({})))
    assert values_of(path) == []


@pytest.mark.parametrize("cut", [3, 100, -1])
def test_a_file_that_is_cut_off(cut: int, path: Path) -> None:
    path.write_bytes(table_bytes(pyarrow.table({"x": range(1_000)}))[:cut])

    assert "expected a Parquet file, found none that is whole" in refusal(path)


@pytest.mark.parametrize("at", range(10, 2_000, 150))
def test_a_damaged_page_is_refused(at: int, path: Path) -> None:
    table = pyarrow.table({"x": [f"name {n}" for n in range(500)]})
    data = bytearray(
        table_bytes(
            table, write_page_checksum=True, compression="none", use_dictionary=False
        )
    )
    data[at] ^= 0x10
    path.write_bytes(data)

    assert "people.parquet" in refusal(path)


@pytest.mark.parametrize("suffix", [c for c in COMPRESSIONS if c])
def test_a_compressed_file_is_unpacked_up_to_a_limit(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_rows, "_BUFFER", 1 << 10)
    data = table_bytes(pyarrow.table({"x": range(1_000)}))
    path = tmp_path / f"numbers.parquet{suffix}"
    path.write_bytes(COMPRESSIONS[suffix](data))

    assert len(values_of(path, max_unpacked=len(data))) == 1_000
    found = refusal(path, max_unpacked=len(data) - 1)

    assert f"numbers.parquet{suffix}: expected at most {len(data) - 1:,} bytes" in found
    assert "--max-unpacked" in found


def test_a_packed_bomb_is_no_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "zeros.parquet.gz"
    path.write_bytes(gzip.compress(bytes(40 << 20), 1))

    assert "expected at most 1,048,576 bytes" in refusal(path, max_unpacked=1 << 20)


def test_a_text_file_of_that_name(path: Path) -> None:
    path.write_text("id\n1\n")

    assert "expected a Parquet file" in refusal(path)

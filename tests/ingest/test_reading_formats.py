"""Every format in every compression, and how a file tells what it is."""

from __future__ import annotations

import io
import lzma
import zipfile
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.download import obtain
from alembic_neo4j.ingest.formats import Compression, FileFormat, ReadOptions, format_of
from alembic_neo4j.ingest.reading import open_rows

from .reading import refusal, values_of
from .writing import COMPRESSIONS, FORMATS, csv_bytes, people

MANY = people(3_000)

each_format = pytest.mark.parametrize("suffix", FORMATS)
each_compression = pytest.mark.parametrize("compressed", COMPRESSIONS)


@each_format
@each_compression
def test_each_format_in_each_compression(
    suffix: str, compressed: str, tmp_path: Path
) -> None:
    data = COMPRESSIONS[compressed](FORMATS[suffix](MANY))
    path = tmp_path / f"people{suffix}{compressed}"
    path.write_bytes(data)

    assert values_of(path) == MANY


@each_format
@each_compression
def test_the_first_bytes_tell_the_compression(
    suffix: str, compressed: str, tmp_path: Path
) -> None:
    path = tmp_path / f"people{suffix}"
    path.write_bytes(COMPRESSIONS[compressed](FORMATS[suffix](MANY[:3])))

    assert values_of(path) == MANY[:3]


@each_format
@pytest.mark.parametrize("compressed", [c for c in COMPRESSIONS if c])
def test_an_archive_that_is_cut_off_is_never_taken_for_whole(
    suffix: str, compressed: str, tmp_path: Path
) -> None:
    data = COMPRESSIONS[compressed](FORMATS[suffix](MANY[:40]))
    path = tmp_path / f"people{suffix}{compressed}"
    cuts = {*range(12, len(data), max(1, len(data) // 10)), len(data) - 1}

    for cut in sorted(cuts):
        path.write_bytes(data[:cut])
        assert "people" in refusal(path)

    assert "cut off: its end is missing" in refusal(path)


@pytest.mark.parametrize("compressed", [c for c in COMPRESSIONS if c])
def test_a_damaged_archive_is_refused(compressed: str, tmp_path: Path) -> None:
    data = bytearray(COMPRESSIONS[compressed](csv_bytes(MANY)))
    for at in range(len(data) // 2, len(data) // 2 + 200):
        data[at] ^= 0xFF
    path = tmp_path / f"people.csv{compressed}"
    path.write_bytes(data)

    assert "people.csv" in refusal(path)


@pytest.mark.parametrize("compressed", [c for c in COMPRESSIONS if c])
def test_two_archives_in_one_file_are_one(compressed: str, tmp_path: Path) -> None:
    compress = COMPRESSIONS[compressed]
    path = tmp_path / f"people.csv{compressed}"
    path.write_bytes(compress(b"id\n1\n") + compress(b"2\n"))

    assert values_of(path) == [{"id": "1"}, {"id": "2"}]


def test_padding_between_xz_streams_is_no_end(tmp_path: Path) -> None:
    path = tmp_path / "people.csv.xz"
    path.write_bytes(lzma.compress(b"id\n1\n") + bytes(8) + lzma.compress(b"2\n"))

    assert values_of(path) == [{"id": "1"}, {"id": "2"}]


def test_an_xz_file_that_wants_too_much_memory_is_refused(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}]
    path = tmp_path / "people.csv.xz"
    with lzma.open(path, "wb", filters=filters) as file:
        file.write(b"id\n1\n")

    assert "Memory usage limit" in refusal(path)


@pytest.mark.parametrize("compressed", [c for c in COMPRESSIONS if c])
def test_a_name_that_lies_about_the_compression(
    compressed: str, tmp_path: Path
) -> None:
    path = tmp_path / f"people.csv{compressed}"
    path.write_bytes(b"id,name\n1,Ann\n")

    assert "by its name, found another content" in refusal(path)
    named = values_of(path, compression=Compression.NONE)
    assert named == [{"id": "1", "name": "Ann"}]


def test_a_zip_archive_is_named_as_one(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("people.csv", "id\n1\n")
    path = tmp_path / "people.csv"
    path.write_bytes(buffer.getvalue())

    assert "found a zip archive. Unpack it" in refusal(path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.CSV", FileFormat.CSV),
        ("a.b.tab.GZ", FileFormat.TSV),
        ("a.ndjson.zst", FileFormat.JSON_LINES),
        ("a.pq", FileFormat.PARQUET),
    ],
)
def test_the_name_tells_the_format(name: str, expected: FileFormat) -> None:
    assert format_of(name) is expected


def test_a_parquet_file_tells_itself_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_bytes(FORMATS[".parquet"](MANY[:2]))

    assert values_of(path) == MANY[:2]


def test_a_format_that_nothing_tells_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "people.dat"
    path.write_bytes(b"id\n1\n")

    assert "Say which format it is" in refusal(path)
    assert values_of(path, format=FileFormat.CSV) == [{"id": "1"}]


@each_format
def test_an_empty_file_is_an_error_or_has_no_rows(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"people{suffix}"
    path.touch()

    if suffix == ".jsonl":
        assert values_of(path) == []
    else:
        assert "people" in refusal(path)


def test_the_position_ends_at_the_size(tmp_path: Path) -> None:
    path = tmp_path / "people.csv.gz"
    path.write_bytes(COMPRESSIONS[".gz"](csv_bytes(MANY)))

    with open_rows(obtain(path)) as rows:
        iterator = iter(rows)
        next(iterator)
        first = rows.position
        for _ in iterator:
            pass
        assert 0 < first <= rows.position == rows.file.size


def test_a_file_that_changes_between_the_check_and_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"id\n1\n")
    file = obtain(path)
    path.write_bytes(b"id\n2\n3\n")

    with pytest.raises(IngestError, match="changed since"), open_rows(file):
        pass


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(csv_bytes(MANY))

    with open_rows(obtain(path), ReadOptions()) as rows:
        iterator = iter(rows)
        next(iterator)
        with path.open("ab") as file:
            file.write(b"1,2\n")
        with pytest.raises(IngestError, match="changed since"):
            list(iterator)


def test_a_format_may_be_said_in_a_word(tmp_path: Path) -> None:
    path = tmp_path / "people.data"
    path.write_text('{"name": "Ada"}\n')
    words: Any = {"format": "jsonl", "compression": "none", "columns": ["name"]}

    with open_rows(obtain(path), ReadOptions(**words)) as rows:
        assert [row.values for row in rows] == [{"name": "Ada"}]
    assert ReadOptions(**words).columns == ("name",)
    words["format"] = "yaml"
    with pytest.raises(IngestError, match=r"one of csv, .*found 'yaml'"):
        ReadOptions(**words)

"""Memory stays bounded however long a file is, and whatever is packed into it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from io import BufferedIOBase
from pathlib import Path

import pyarrow
from pyarrow import parquet

from .writing import COMPRESSIONS

PROGRAM = """
import json, sys
from pathlib import Path

import pyarrow.parquet

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.reading import open_rows
from alembic_neo4j.ingest.rules import PropertyRules, Rules
from alembic_neo4j.ingest.download import obtain
from alembic_neo4j.ingest.validation import validate

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024

def count(path):
    try:
        if "unique" in path:
            rules = Rules((PropertyRules("id", "INTEGER", unique=True),))
            return validate(obtain(path), rules).rows
        with open_rows(obtain(path)) as rows:
            return sum(row.problem is None for row in rows)
    except IngestError as error:
        return str(error)

small, paths = sys.argv[1::2], sys.argv[2::2]
for path in small:
    count(path)
for path in paths:
    before = peak()
    found = count(path)
    print(json.dumps([found, peak() - before]))
"""
MEGABYTE = 1 << 20


def read(*pairs: tuple[Path, Path]) -> list[tuple[int | str, int]]:
    """Read files in a process of their own, each after a small one of its kind.

    For each, how many rows there are, or the error, and how far the most memory that
    was ever in use rose by it.
    """
    paths = [str(path) for pair in pairs for path in pair]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def write_lines(file: BufferedIOBase, count: int) -> None:
    file.write(b"id,name,x,day\n")
    for at in range(0, count, 1_000):
        numbers = range(at, at + 1_000)
        text = "".join(f"{n},the name of a person,1.5,2024-01-01\n" for n in numbers)
        file.write(text.encode())


def write_csv(path: Path, count: int) -> None:
    with path.open("wb") as file:
        write_lines(file, count)


def write_gzip(path: Path, count: int) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        write_lines(file, count)


def write_json(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.write('[{"id": 0}')
        for n in range(1, count):
            file.write(f', {{"id": {n}, "name": "the name of a person", "x": 1.5}}')
        file.write("]")


def write_parquet(path: Path, count: int) -> None:
    """One row group, which a reader could take for one piece."""
    columns = {
        "id": pyarrow.array(range(count)),
        "name": pyarrow.array([f"the name of person {n}" for n in range(count)]),
    }
    options = {"row_group_size": count, "use_dictionary": False, "compression": "none"}
    parquet.write_table(pyarrow.table(columns), path, **options)


def write_shared(path: Path, count: int) -> None:
    """One long text for all rows, which the file has once."""
    texts = pyarrow.array(["x" * 100 * (count // 1_000)])
    numbers = pyarrow.array([0] * count, pyarrow.int32())
    column = pyarrow.DictionaryArray.from_arrays(numbers, texts)
    # Without our word for it, it is read as any other column of texts.
    parquet.write_table(pyarrow.table({"text": column}), path, store_schema=False)


LONG: dict[str, tuple[Callable[[Path, int], None], int, int]] = {
    "long.csv": (write_csv, 200_000, 4),
    "long.csv.gz": (write_gzip, 200_000, 4),
    "long.json": (write_json, 150_000, 4),
    "long.parquet": (write_parquet, 600_000, 24),
    "shared.parquet": (write_shared, 1_000_000, 32),
    "unique.csv": (write_csv, 110_000, 40),
}
"""Names, how they are written, rows, and the megabytes that reading may take."""


def test_long_files(tmp_path: Path) -> None:
    pairs = []
    for name, (write, count, _) in LONG.items():
        pairs.append((tmp_path / f"small.{name}", tmp_path / name))
        write(pairs[-1][0], 5_000)
        write(pairs[-1][1], count)

    found = read(*pairs)

    assert [rows for rows, _ in found] == [count for _, count, _ in LONG.values()]
    bounds = [bound * MEGABYTE for _, _, bound in LONG.values()]
    assert all(memory < bound for (_, memory), bound in zip(found, bounds, strict=True))


def test_bombs(tmp_path: Path) -> None:
    """Zeros without a line break, packed a thousand times smaller."""
    pairs = []
    for suffix in (".gz", ".bz2", ".xz", ".zst", ".lz4"):
        small, bomb = tmp_path / f"small.csv{suffix}", tmp_path / f"bomb.csv{suffix}"
        small.write_bytes(COMPRESSIONS[suffix](b"id\n1\n"))
        bomb.write_bytes(COMPRESSIONS[suffix](b"id\n" + bytes(40 * MEGABYTE)))
        assert bomb.stat().st_size < MEGABYTE
        pairs.append((small, bomb))

    found = read(*pairs)

    for error, _ in found:
        assert "has more than 16,777,216 characters" in str(error)
    assert sum(memory for _, memory in found) < 60 * MEGABYTE

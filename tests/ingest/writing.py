"""Files of every format and compression, written by other means than ours."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow
from pyarrow import parquet

Rows = Sequence[Mapping[str, Any]]


def _delimited(rows: Rows, delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def csv_bytes(rows: Rows) -> bytes:
    return _delimited(rows, ",")


def tsv_bytes(rows: Rows) -> bytes:
    return _delimited(rows, "\t")


def json_bytes(rows: Rows) -> bytes:
    return json.dumps(list(rows), ensure_ascii=False, indent=1).encode()


def jsonl_bytes(rows: Rows) -> bytes:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    return "\n".join(lines).encode() + b"\n"


def parquet_bytes(rows: Rows, **options: Any) -> bytes:
    return table_bytes(
        pyarrow.Table.from_pylist([dict(row) for row in rows]), **options
    )


def table_bytes(table: pyarrow.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    parquet.write_table(table, file, **options)
    return file.getvalue()


def zstd_bytes(data: bytes) -> bytes:
    return _compressed(data, "zstd")


def lz4_bytes(data: bytes) -> bytes:
    return _compressed(data, "lz4")


def _compressed(data: bytes, codec: str) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, codec) as out:
        out.write(data)
    return bytes(sink.getvalue())


FORMATS: dict[str, Callable[[Rows], bytes]] = {
    ".csv": csv_bytes,
    ".tsv": tsv_bytes,
    ".json": json_bytes,
    ".jsonl": jsonl_bytes,
    ".parquet": parquet_bytes,
}
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd_bytes,
    ".lz4": lz4_bytes,
}


def lines(*texts: str, end: str = "\n") -> bytes:
    return "".join(text + end for text in texts).encode("utf-8", "surrogateescape")


def people(count: int) -> list[dict[str, Any]]:
    return [{"id": str(n), "name": f"Zoë {n}, or\n“{n}”"} for n in range(count)]

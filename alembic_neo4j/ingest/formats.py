"""The formats of data files, how a file tells its own, and how it is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.compression import Compression, split_suffix


class FileFormat(str, Enum):
    """What a file is made of."""

    CSV = "csv"
    TSV = "tsv"
    JSON = "json"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


_SUFFIXES = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.TSV,
    ".tab": FileFormat.TSV,
    ".json": FileFormat.JSON,
    ".jsonl": FileFormat.JSON_LINES,
    ".ndjson": FileFormat.JSON_LINES,
    ".parquet": FileFormat.PARQUET,
    ".pq": FileFormat.PARQUET,
}
_PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class ReadOptions:
    """How a file is to be read; what is None is told by the file itself.

    The format comes from the name's ending, the compression from the first bytes,
    UTF-8 and UTF-16 from a byte order mark; without one it is UTF-8.

    For CSV and TSV: `delimiter` (``,`` or a tab), `quote` (None: nothing is quoted),
    `escape`, and the texts that mean a missing value, `null_values`; with none of them
    an empty cell is the empty string. `columns` are the names in place of a first line
    that has them. For JSON, `records` is the way to the array of rows: ``data.people``,
    or a JSON pointer such as ``/data/people``. A row of more than `max_row_size`
    characters is an error: a quote that is never closed would take the whole file.

    A Parquet file that is compressed as a whole is unpacked first, to a temporary file
    of at most `max_unpacked` bytes: a small archive may hold any number of zeros. Of a
    remote file at most `max_download` bytes are fetched, 0 for any number of them: a
    server may send for ever.
    """

    format: FileFormat | None = None
    compression: Compression | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = '"'
    escape: str | None = None
    columns: tuple[str, ...] | None = None
    null_values: tuple[str, ...] = ("",)
    records: str = ""
    max_row_size: int = 16 << 20
    max_unpacked: int = 4 << 30
    max_download: int = 16 << 30


def format_of(name: str, head: bytes = b"") -> FileFormat:
    """Return the format that a file's name tells, else its first bytes.

    Raises IngestError where neither does.
    """
    stem, _ = split_suffix(name)
    for suffix, found in _SUFFIXES.items():
        if stem.lower().endswith(suffix):
            return found
    if head.startswith(_PARQUET_MAGIC):
        return FileFormat.PARQUET
    raise IngestError(
        f"{name}: expected a name that ends in {', '.join(_SUFFIXES)} (and .gz, .bz2, "
        ".xz, .zst or .lz4 after it), found another one. Say which format it is."
    )

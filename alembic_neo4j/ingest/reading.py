"""Reading the rows of a data file, of any format and compression, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import BinaryIO, Protocol

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.delimited import DelimitedRows
from alembic_neo4j.ingest.files import DataFile
from alembic_neo4j.ingest.formats import (
    BROKEN,
    HEAD,
    Compression,
    FileFormat,
    ReadOptions,
    Row,
    RowTooLong,
    broken_archive,
    compression_of,
    decoded,
    decompressed,
    format_of,
)
from alembic_neo4j.ingest.json_files import JsonLinesRows, JsonRows
from alembic_neo4j.ingest.parquet import ParquetRows, seekable
from alembic_neo4j.sentences import ended


class FormatRows(Protocol):
    """The rows of one format."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names that every row has, None where each row has its own."""

    def __iter__(self) -> Iterator[Row]:
        """Give the rows in their order."""


class RowReader:
    """The rows of an open data file, read once from its beginning to its end.

    `columns` are the names that every row has, None where each row has its own.
    `on_read` is called each megabyte of text, however few rows are in it.
    """

    def __init__(
        self, file: DataFile, raw: BinaryIO, rows: FormatRows, compression: Compression
    ) -> None:
        self.file = file
        self.columns = rows.columns
        self._raw = raw
        self._rows = rows
        self._compression = compression
        self.on_read: Callable[[], None] = _nothing

    @property
    def position(self) -> int:
        """How many bytes of the file have been read; `file.size` is all."""
        return self._raw.tell()

    def __iter__(self) -> Iterator[Row]:
        """Give each row, and those that can't be read with their `problem`.

        Raises IngestError where the file is cut off or damaged, so that no further
        row can be told, and where it changed while it was read.
        """
        number = 0
        try:
            for row in self._rows:
                number = row.number
                yield row
        except _UNREADABLE as error:
            raise _broken(self.file, error, self._compression, number) from error
        self.file.check_unchanged(self._raw)


@contextmanager
def open_rows(
    file: DataFile, options: ReadOptions | None = None
) -> Iterator[RowReader]:
    """Open a file and give what reads its rows; it is closed with the block.

    Raises IngestError where its format or compression can't be told or its beginning
    can't be read, MissingExtra where a library is missing.
    """
    options = options or ReadOptions()
    with ExitStack() as stack:
        raw = stack.enter_context(file.open())
        head = raw.read(HEAD)
        raw.seek(0)
        compression = options.compression or compression_of(file.name, head)
        options = replace(options, format=options.format or format_of(file.name, head))
        try:
            stream = decompressed(raw, compression)
            if stream is not raw and options.format is FileFormat.PARQUET:
                stream = stack.enter_context(
                    seekable(stream, name=file.name, most=options.max_unpacked)
                )
            readers: list[RowReader] = []
            rows = _rows(
                stream,
                options,
                name=file.name,
                on_read=lambda: readers[0].on_read() if readers else None,
            )
        except _UNREADABLE as error:
            raise _broken(file, error, compression) from error
        readers.append(RowReader(file, raw, rows, compression))
        yield readers[0]


def _nothing() -> None:
    """Tell nobody."""


_UNREADABLE = (*BROKEN, RowTooLong, UnicodeError)


def _rows(
    stream: BinaryIO,
    options: ReadOptions,
    *,
    name: str,
    on_read: Callable[[], None],
) -> FormatRows:
    if options.format is FileFormat.PARQUET:
        return ParquetRows(stream, name=name, max_row_size=options.max_row_size)
    text, encoding = decoded(stream, options.encoding, name=name, on_read=on_read)
    if options.format is FileFormat.JSON:
        return JsonRows(text, options, name=name, encoding=encoding)
    if options.format is FileFormat.JSON_LINES:
        return JsonLinesRows(text, options, encoding=encoding)
    return DelimitedRows(text, options, name=name, encoding=encoding)


def _broken(
    file: DataFile, error: Exception, compression: Compression, number: int = 0
) -> IngestError:
    where = f"after row {number}" if number else "before the first row"
    if isinstance(error, RowTooLong):
        what = f"the next row can't be read: {error}"
    elif isinstance(error, UnicodeError):
        what = f"{ended(error)} Say which encoding the file has"
    elif compression is not Compression.NONE:
        what = f"{ended(broken_archive(error))} Fetch it again"
    elif isinstance(error, EOFError):
        what = f"the file is cut off: {ended(error)} Fetch it again"
    else:
        what = f"it can't be read: {error}"
    return IngestError(f"{file.name}, {where}: {ended(what)}")

"""Parquet files, read a few rows of a row group at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO
from zoneinfo import ZoneInfo

from alembic_neo4j.errors import IngestError, MissingExtra
from alembic_neo4j.ingest.formats import Row, RowTooLong, Unreadable
from alembic_neo4j.sentences import ended

_BATCH_ROWS = 2_000
_BATCH_BYTES = 16 << 20
_BUFFER = 1 << 20
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class ParquetRows:
    """The rows of a Parquet file, with Python's values; nanoseconds are kept.

    A row of more than `max_row_size` characters is one with a problem. Raises
    IngestError for what is no Parquet file or has two columns of one name,
    MissingExtra without pyarrow.
    """

    def __init__(
        self, file: BinaryIO, *, name: str, max_row_size: int = 16 << 20
    ) -> None:
        self._name = name
        self._limit = max_row_size
        self._file = _parquet_file(file, name)
        # A text that many rows share is had once here, which is slower for all others.
        texts = _texts(self._file.schema_arrow)
        self._sharing = _parquet_file(file, name, shared=texts)
        self.columns = tuple(self._file.schema_arrow.names)
        if len(set(self.columns)) != len(self.columns):
            raise IngestError(f"{name}: expected each column once, found one twice.")

    def __iter__(self) -> Iterator[Row]:
        columns, number = self.columns, 0
        for batch in self._batches():
            # No row is larger than all of them together.
            may_be_long = batch.nbytes > self._limit
            for values in zip(*map(_values, batch.columns)):  # noqa: B905
                number += 1
                row = dict(zip(columns, values))  # noqa: B905
                if any(type(value) is _Unreadable for value in values):
                    yield Row(number, {}, None, _problem(row))
                elif may_be_long and _size(values) > self._limit:
                    yield Row(number, {}, None, self._too_long())
                else:
                    yield Row(number, row)

    def _too_long(self) -> Unreadable:
        return Unreadable("size", str(RowTooLong(self._limit)))

    def _batches(self) -> Iterator[Any]:
        import pyarrow

        try:
            for group in range(self._file.num_row_groups):
                size = _batch_rows(self._file.metadata.row_group(group))
                reader = self._sharing if self._shares_long(group) else self._file
                yield from reader.iter_batches(
                    batch_size=size, row_groups=[group], use_threads=False
                )
        except pyarrow.ArrowException as error:
            raise IngestError(
                f"{self._name}: the Parquet file is damaged: {ended(error)} Fetch it "
                "again."
            ) from error

    def _shares_long(self, group: int) -> bool:
        """Whether a batch of rows may share a text so long that copies are too much.

        A few bytes of a file may mean many gigabytes of them.
        """
        from pyarrow import compute

        shared = _shared(self._file.metadata.row_group(group), self._file.schema_arrow)
        if not shared:
            return False
        first = self._sharing.iter_batches(
            batch_size=1, row_groups=[group], columns=shared, use_threads=False
        )
        lengths = (
            compute.max(compute.binary_length(column.dictionary)).as_py() or 0
            for batch in islice(first, 1)
            for column in batch.columns
        )
        return max(lengths, default=0) * _BATCH_ROWS > _BATCH_BYTES


@contextmanager
def seekable(stream: BinaryIO, *, name: str, most: int) -> Iterator[BinaryIO]:
    """Give a stream as a file that can be read from its end, as Parquet has to be.

    It is written to a temporary file, which goes with the block. Raises IngestError
    where it has more than `most` bytes, or the file can't be written.
    """
    with tempfile.TemporaryFile() as file:
        try:
            _copy(stream, file, name=name, most=most)
        except OSError as error:
            if error.errno is None:
                raise
            raise IngestError(
                f"{name}: can't be unpacked to {Path(tempfile.gettempdir())}: "
                f"{ended(error.strerror)} Make room, or name another directory in "
                "TMPDIR."
            ) from error
        file.seek(0)
        yield file


def _copy(stream: BinaryIO, file: IO[bytes], *, name: str, most: int) -> None:
    written = 0
    while piece := stream.read(_BUFFER):
        written += len(piece)
        if written > most:
            raise IngestError(
                f"{name}: expected at most {most:,} bytes in the compressed file, "
                "found more. Raise max_unpacked (--max-unpacked) if that is right, or "
                "unpack it and give the Parquet file."
            )
        file.write(piece)


def _size(value: Any) -> int:
    """Return how many characters or bytes a value has, those inside of it together."""
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, dict):
        return sum(_size(key) + _size(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return sum(map(_size, value))
    return 1


class _Unreadable:
    """What stands for a value that Python can't hold."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def _parquet_file(file: BinaryIO, name: str, *, shared: Sequence[str] = ()) -> Any:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra(
            "Expected pyarrow, which reads Parquet files, found it not installed. "
            'Run: pip install "alembic-neo4j[data]"'
        ) from error
    try:
        # Without pre_buffer, what is read is a buffer of each column and no more.
        return parquet.ParquetFile(
            file,
            buffer_size=_BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,
            read_dictionary=list(shared),
        )
    except (pyarrow.ArrowException, OSError) as error:
        raise IngestError(
            f"{name}: expected a Parquet file, found none that is whole: {ended(error)}"
        ) from error


def _texts(schema: Any) -> list[str]:
    from pyarrow import types

    kinds = (types.is_string, types.is_binary)
    return [field.name for field in schema if any(is_(field.type) for is_ in kinds)]


def _shared(group: Any, schema: Any) -> list[str]:
    """Return the columns of a row group whose texts are numbered, each kept once."""
    texts = set(_texts(schema))
    columns = [group.column(place) for place in range(group.num_columns)]
    return [
        column.path_in_schema
        for column in columns
        if column.path_in_schema in texts and column.has_dictionary_page
    ]


def _batch_rows(group: Any) -> int:
    """Return how many rows to read at once: fewer, the larger those of a group are."""
    average = group.total_byte_size // max(group.num_rows, 1)
    return int(min(_BATCH_ROWS, max(1, _BATCH_BYTES // max(average, 1))))


def _values(column: Any) -> list[Any]:
    """Return a column's values in Python's types."""
    import pyarrow

    if pyarrow.types.is_dictionary(column.type):
        used = column.indices.unique()
        once = _values(column.dictionary.take(used))
        known = dict(zip(used.to_pylist(), once, strict=True))
        return [known[index] for index in column.indices.to_pylist()]
    if nanoseconds := _exact(column):
        return nanoseconds
    try:
        values: list[Any] = _microseconds(column).to_pylist()
    except (pyarrow.ArrowException, ValueError, OverflowError):
        return [_value(item) for item in column]
    return values


def _value(item: Any) -> Any:
    try:
        return item.as_py()
    except (ValueError, OverflowError) as error:
        return _Unreadable(str(error))


def _microseconds(column: Any) -> Any:
    """Return a column of nanoseconds as one of microseconds, if it loses nothing.

    pyarrow would make pandas' values of it where pandas is installed.
    """
    import pyarrow
    from pyarrow import types

    if types.is_timestamp(column.type) and column.type.unit == "ns":
        return column.cast(pyarrow.timestamp("us", column.type.tz))
    if types.is_time64(column.type) and column.type.unit == "ns":
        return column.cast(pyarrow.time64("us"))
    if types.is_duration(column.type) and column.type.unit == "ns":
        return column.cast(pyarrow.duration("us"))
    return column


def _exact(column: Any) -> list[Any] | None:
    """Return the values of a column that has parts of a microsecond, else None."""
    import pyarrow
    from pyarrow import types

    kind = column.type
    if getattr(kind, "unit", "") != "ns":
        return None
    try:
        _microseconds(column)
    except pyarrow.ArrowInvalid:
        numbers = column.cast(pyarrow.int64()).to_pylist()
    else:
        return None
    if types.is_timestamp(kind):
        zone = _zone(kind.tz)
        return [None if n is None else _moment(n, zone) for n in numbers]
    if types.is_time64(kind):
        return [None if n is None else _time(n) for n in numbers]
    return [None if n is None else _duration(n) for n in numbers]


def _moment(number: int, zone: tzinfo | None) -> Any:
    from alembic_neo4j.graph.stored_values import moment

    seconds, nanosecond = divmod(number, 10**9)
    utc = _EPOCH + timedelta(seconds=seconds)
    local = utc.astimezone(zone) if zone is not None else utc.replace(tzinfo=None)
    return moment(local, nanosecond)


def _time(number: int) -> Any:
    from alembic_neo4j.graph.stored_values import time_of_day

    seconds, nanosecond = divmod(number, 10**9)
    return time_of_day((_EPOCH + timedelta(seconds=seconds)).time(), nanosecond)


def _duration(number: int) -> Any:
    from alembic_neo4j.graph.stored_values import duration

    seconds, nanosecond = divmod(number, 10**9)
    return duration(0, 0, seconds, nanosecond)


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    if name[0] in "+-":
        hours, minutes = name[1:].split(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-offset if name[0] == "-" else offset)
    return timezone.utc if name == "UTC" else ZoneInfo(name)


def _problem(row: dict[str, Any]) -> Unreadable:
    column, value = next((c, v) for c, v in row.items() if isinstance(v, _Unreadable))
    return Unreadable("type", value.reason, column)

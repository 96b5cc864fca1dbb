"""What data files are made of: formats, compressions, encodings, and lines."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, BinaryIO, NamedTuple, TextIO, TypeVar, cast

from alembic_neo4j.errors import IngestError, MissingExtra
from alembic_neo4j.sentences import shortened

# Text files line by line: their encoding, and a limit on how long a row may be --------


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # The mark of UTF-16 is the beginning of that of UTF-32.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NUL = "\udc00"
"""What stands for a NUL character, which no text has: it is UTF-16, or no text."""

_TOLD_BYTES = 1 << 20
_UNDECODED = re.compile("[\udc00\udc80-\udcff]")


def decoded(
    file: BinaryIO,
    encoding: str | None,
    *,
    name: str,
    newline: str = "",
    on_read: Callable[[], None] | None = None,
) -> tuple[TextIO, str]:
    """Return a file's text, without a byte order mark, and its encoding.

    `on_read` is called each megabyte: there may be no row for a long time. A byte that
    is none of the encoding becomes what `undecoded` finds. Raises IngestError for an
    encoding that Python does not have.
    """
    buffered = io.BufferedReader(_Raw(file, on_read), 1 << 16)
    head = buffered.peek(4)[:4]
    found = next((e for mark, e in _MARKS if head.startswith(mark)), None)
    if encoding is None or found == "utf-8-sig":
        chosen = found or encoding or "utf-8"
    else:
        chosen = encoding
    try:
        text = io.TextIOWrapper(
            buffered, chosen, errors="surrogateescape", newline=newline
        )
    except LookupError as error:
        raise IngestError(
            f"{name}: expected an encoding such as utf-8, cp1252 or utf-16, found "
            f"{encoding!r}."
        ) from error
    return text, chosen


def undecoded(text: str) -> str | None:
    """Return the first byte of a text that is none of its encoding, as ``0xff``."""
    if text.isascii():
        return None
    found = _UNDECODED.search(text)
    return f"0x{ord(found[0]) - 0xDC00:02x}" if found else None


def not_text(text: str, encoding: str) -> str:
    """Return what is wrong with a text in which `undecoded` finds a byte, and where."""
    found = _UNDECODED.search(text)
    assert found is not None
    if found[0] == NUL:
        return (
            f"character {found.start() + 1} is a NUL byte (0x00), which no text has: "
            "the file is UTF-16 without a mark (--encoding utf-16-le) or damaged"
        )
    return f"byte {undecoded(text)} is not {encoding}"


class BoundedLines:
    """The lines of a text, as long as a row of them is not too long.

    `number` is that of the last line. `has_undecoded` says whether a line since the
    last `start_row` held a byte that could not be decoded.
    """

    def __init__(self, text: TextIO, limit: int) -> None:
        self.number = 0
        self.has_undecoded = False
        self.size = 0
        self._text = text
        self.limit = limit

    def start_row(self) -> None:
        """Begin to count anew."""
        self.size = 0
        self.has_undecoded = False

    def __iter__(self) -> BoundedLines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self.limit - self.size + 1)
        if not line:
            raise StopIteration
        self.size += len(line)
        if self.size > self.limit:
            raise RowTooLong(self.limit)
        self.number += 1
        if not line.isascii() and _UNDECODED.search(line):
            self.has_undecoded = True
        return line


class RowTooLong(Exception):
    """A row goes on beyond the limit; what follows can't be told from it."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"it has more than {limit:,} characters. A quotation mark that is never "
            "closed looks so; where rows are that long, raise max_row_size"
        )


class _Raw(io.RawIOBase):
    """A binary file of any kind as the raw file that a buffer wants."""

    def __init__(self, file: BinaryIO, on_read: Callable[[], None] | None) -> None:
        self._file = file
        self._on_read = on_read
        self._untold = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        self._untold += len(piece)
        if self._on_read is not None and self._untold >= _TOLD_BYTES:
            self._untold = 0
            self._on_read()
        return len(piece)


# What data files are made of: formats, compressions, and rows as they are read --------


Word = TypeVar("Word", bound=Enum)


class Compression(str, Enum):
    """How a file is compressed."""

    NONE = "none"
    GZIP = "gzip"
    BZ2 = "bz2"
    XZ = "xz"
    ZSTD = "zstd"
    LZ4 = "lz4"


SUFFIXES = {
    ".gz": Compression.GZIP,
    ".bz2": Compression.BZ2,
    ".xz": Compression.XZ,
    ".zst": Compression.ZSTD,
    ".zstd": Compression.ZSTD,
    ".lz4": Compression.LZ4,
}

HEAD = 16
"""How many of a file's first bytes tell its compression."""

_MAGIC = {
    b"\x1f\x8b\x08": Compression.GZIP,
    b"\xfd7zXZ\x00": Compression.XZ,
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,
    b"\x04\x22\x4d\x18": Compression.LZ4,
}
# A block's start, or the end of an empty file, after the digit of the level.
_BZ2 = (b"1AY&SY", b"\x17rE8P\x90")
_XZ_MEMORY = 256 << 20
_PIECE = 1 << 16


def split_suffix(name: str) -> tuple[str, Compression | None]:
    """Return a file's name without the ending of its compression, and that."""
    lower = name.lower()
    for suffix, compression in SUFFIXES.items():
        if lower.endswith(suffix):
            return name[: -len(suffix)], compression
    return name, None


def compression_of(name: str, head: bytes) -> Compression:
    """Return the compression that a file's first bytes show.

    Raises IngestError where its name says another one, and for an archive of several
    files.
    """
    found = _shown(head)
    _, named = split_suffix(name)
    if head.startswith(b"PK\x03\x04"):
        raise IngestError(
            f"{name}: expected one file, found a zip archive. Unpack it, and give the "
            "file in it; compressed ones may be gzip, bz2, xz, zstd or lz4."
        )
    if named is not None and named is not found:
        raise IngestError(
            f"{name}: expected {named.value} by its name, found "
            f"{found.value if found is not Compression.NONE else 'another content'}"
            f" (it begins with {shortened(head[:8])}). Fetch it again, or say how it "
            "is compressed (`none` where it is not)."
        )
    return found


def decompressed(file: BinaryIO, compression: Compression) -> BinaryIO:
    """Return what is in a compressed file, read as it is asked for.

    Memory is bounded whatever the file claims to hold. Reading raises what
    `broken_archive` describes where the file is cut off or damaged. Raises
    MissingExtra for zstd and lz4 without pyarrow.
    """
    if compression is Compression.GZIP:
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if compression is Compression.BZ2:
        return cast(BinaryIO, bz2.BZ2File(file))
    if compression is Compression.XZ:
        return cast(BinaryIO, io.BufferedReader(_XzReader(file), _PIECE))
    if compression is Compression.NONE:
        return file
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtra(
            f"Expected pyarrow, which reads {compression.value} files, found it not "
            'installed. Run: pip install "alembic-neo4j[data]"'
        ) from error
    stream = pyarrow.CompressedInputStream(file, compression.value)
    return cast(BinaryIO, io.BufferedReader(stream, _PIECE))


BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError)
"""What reading a damaged archive raises."""


def broken_archive(error: Exception) -> str:
    """Return what is wrong with an archive that reading raised an error of."""
    if isinstance(error, EOFError) or "Truncated" in str(error):
        return "the compressed file is cut off: its end is missing"
    return f"the compressed file is damaged: {error}"


class _XzReader(io.RawIOBase):
    """An xz file; one that wants more memory than `xz -9` needs is refused.

    `lzma.LZMAFile` has no limit, and a file may ask for 4 GB.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decompressor: lzma.LZMADecompressor | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            if self._decompressor is None or self._decompressor.eof:
                data = self._next_stream()
                if not data:
                    return 0
                self._decompressor = lzma.LZMADecompressor(
                    lzma.FORMAT_XZ, memlimit=_XZ_MEMORY
                )
            elif self._decompressor.needs_input:
                data = self._file.read(_PIECE)
                if not data:
                    raise EOFError("end of file in an xz stream")
            else:
                data = b""
            piece = self._decompressor.decompress(data, len(buffer))
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)

    def _next_stream(self) -> bytes:
        """Return the beginning of the next stream, without the padding before it."""
        rest = self._decompressor.unused_data if self._decompressor else b""
        while not (rest := rest.lstrip(b"\0")):
            rest = self._file.read(_PIECE)
            if not rest:
                return b""
        return rest


def _shown(head: bytes) -> Compression:
    for magic, compression in _MAGIC.items():
        if head.startswith(magic):
            return compression
    if head[:3] == b"BZh" and head[4:10] in _BZ2:
        return Compression.BZ2
    return Compression.NONE


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

    def __post_init__(self) -> None:
        # A revision and a command say them in plain words.
        object.__setattr__(self, "format", _one_of(FileFormat, self.format))
        compression = _one_of(Compression, self.compression)
        object.__setattr__(self, "compression", compression)
        columns = self.columns and tuple(self.columns)
        object.__setattr__(self, "columns", columns)


def _one_of(kind: type[Word], given: str | None) -> Word | None:
    try:
        return None if given is None else kind(given)
    except ValueError:
        known = ", ".join(word.value for word in kind)
        raise IngestError(f"Expected one of {known}, found {given!r}.") from None


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


class Unreadable(NamedTuple):
    """Why a row has no values: the rule of its format that it breaks.

    `found` is the row as it stands in the file, as far as that can be told.
    """

    rule: str
    reason: str
    column: str | None = None
    found: Any = None


class Row(NamedTuple):
    """One row: its number among the data, from 1, and its values by column.

    `line` is the line of the file that it begins in, where the format has lines. A
    row that can't be read has no values but a `problem`, and the next one can follow.
    """

    number: int
    values: dict[str, Any]
    line: int | None = None
    problem: Unreadable | None = None

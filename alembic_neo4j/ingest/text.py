"""Text files line by line: their encoding, and a limit on how long a row may be."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable
from typing import BinaryIO, TextIO

from alembic_neo4j.errors import IngestError

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

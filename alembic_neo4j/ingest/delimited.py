"""CSV and TSV: one record after the other, each as long as the heading."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from typing import Any, TextIO

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.formats import FileFormat, ReadOptions
from alembic_neo4j.ingest.rows import Row, Unreadable, shortened
from alembic_neo4j.ingest.text import NUL, BoundedLines, undecoded


class DelimitedRows:
    """The rows of a CSV or TSV file, every value a text or None.

    Blank lines are no rows. Raises IngestError for a heading that names no column, or
    one twice, and for options that contradict each other.
    """

    def __init__(
        self, text: TextIO, options: ReadOptions, *, name: str, encoding: str
    ) -> None:
        self._name = name
        self._encoding = encoding
        self._nulls = frozenset(options.null_values)
        self._lines = _CsvLines(text, options.max_row_size)
        self._records = _records(self._lines, options, name)
        self.columns = options.columns or self._heading()
        _check_columns(self.columns, name)

    def __iter__(self) -> Iterator[Row]:
        columns, nulls, lines = self.columns, self._nulls, self._lines
        width = len(columns)
        for number, (line, cells) in enumerate(self._records, start=1):
            if isinstance(cells, str):
                yield Row(number, {}, line, Unreadable("quotes", cells))
            elif len(cells) != width:
                yield Row(number, {}, line, _ragged(cells, columns))
            elif lines.has_undecoded and (problem := self._undecoded(cells)):
                yield Row(number, {}, line, problem)
            else:
                values = [None if cell in nulls else cell for cell in cells]
                yield Row(number, dict(zip(columns, values)), line)  # noqa: B905

    def _heading(self) -> tuple[str, ...]:
        for line, cells in self._records:
            if isinstance(cells, str):
                raise IngestError(f"{self._name}, line {line}: {cells}.")
            if self._lines.has_undecoded:
                raise IngestError(
                    f"{self._name}, line {line}: the heading is not "
                    f"{self._encoding}. Say which encoding the file has."
                )
            return tuple(cells)
        raise IngestError(
            f"{self._name}: expected a first line with the names of the columns, found "
            "an empty file."
        )

    def _undecoded(self, cells: list[str]) -> Unreadable | None:
        for column, cell in zip(self.columns, cells):  # noqa: B905
            if (byte := undecoded(cell)) is not None:
                reason = f"byte {byte} is not {self._encoding}"
                return Unreadable("encoding", reason, column, cells)
        return None


def _records(
    lines: BoundedLines, options: ReadOptions, name: str
) -> Iterator[tuple[int, list[str] | str]]:
    """Give each record with its first line's number, or what is wrong with it."""
    try:
        reader = csv.reader(lines, **_dialect(options))
    except (TypeError, ValueError) as error:
        raise IngestError(f"{name}: the options can't be used: {error}.") from error
    while True:
        lines.start_row()
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if str(error) == "unexpected end of data":
                raise IngestError(
                    f"{name}, line {line}: a quotation mark that is opened in this row "
                    "is not closed before the end of the file. Mend the row, or say "
                    "which character quotes (or none)."
                ) from error
            until = f" (up to line {lines.number})" if lines.number > line else ""
            yield line, f"{error}{until}"
            continue
        if cells:
            yield line, cells


class _CsvLines(BoundedLines):
    """Lines for the csv module, which has a limit of its own.

    That one holds for the whole process and is low, 131,072 characters. It is raised
    to ours when a row first needs it, and not lowered: another thread may need it.
    """

    def __next__(self) -> str:
        line = super().__next__()
        if self.size > csv.field_size_limit():
            csv.field_size_limit(self.limit)
        if "\0" in line:
            # Python 3.10 refuses it in another way than later releases.
            line = line.replace("\0", NUL)
            self.has_undecoded = True
        return line


def _dialect(options: ReadOptions) -> dict[str, Any]:
    tab = options.format is FileFormat.TSV
    return {
        "delimiter": options.delimiter or ("\t" if tab else ","),
        "quotechar": options.quote,
        "quoting": csv.QUOTE_MINIMAL if options.quote else csv.QUOTE_NONE,
        "escapechar": options.escape,
        "strict": True,
    }


def _check_columns(columns: tuple[str, ...], name: str) -> None:
    if "" in (column.strip() for column in columns):
        position = [column.strip() for column in columns].index("") + 1
        raise IngestError(
            f"{name}: expected a name for each column, found none for column "
            f"{position} of {len(columns)}. Mend the first line, or name the columns."
        )
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise IngestError(
            f"{name}: expected each column once, found {shortened(twice[0])} twice. "
            "Mend the first line, or name the columns."
        )


def _ragged(cells: list[str], columns: tuple[str, ...]) -> Unreadable:
    first = ", ".join(shortened(cell, 20) for cell in cells[:3])
    more = ", …" if len(cells) > 3 else ""
    reason = (
        f"expected {len(columns)} cells, found {len(cells)} ({first}{more}); a "
        "delimiter or a line break inside a value needs quotes"
    )
    return Unreadable("cells", reason, None, cells)

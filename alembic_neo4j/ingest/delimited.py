"""CSV and TSV: one record after the other, each as long as the heading."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, TextIO

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.formats import (
    NUL,
    BoundedLines,
    FileFormat,
    ReadOptions,
    Row,
    Unreadable,
    not_text,
    undecoded,
)
from alembic_neo4j.sentences import ended, shortened

_SAYS_DELIMITER = re.compile(r'"?sep=([^\r\n"])"?[\r\n]*', re.IGNORECASE)


class DelimitedRows:
    """The rows of a CSV or TSV file, every value a text or None.

    Blank lines are no rows, nor is a first line such as ``sep=;``, which says what
    separates the columns where the options do not. Raises IngestError for a heading
    that names no column, or one twice, or seems to be separated by another character,
    and for options that contradict each other.
    """

    def __init__(
        self, text: TextIO, options: ReadOptions, *, name: str, encoding: str
    ) -> None:
        self._name = name
        self._encoding = encoding
        self._nulls = frozenset(options.null_values)
        self._lines = _CsvLines(text, options.max_row_size)
        _check_options(options, name)
        said = self._lines.said_delimiter()
        self._is_chosen = bool(options.delimiter or said)
        self._delimiter = options.delimiter or said or _usual(options)
        self._records = _records(self._lines, self._delimiter, options, name)
        self.columns = options.columns or self._heading()
        _check_columns(self.columns, name)

    def __iter__(self) -> Iterator[Row]:
        columns, nulls, lines = self.columns, self._nulls, self._lines
        width = len(columns)
        for number, (line, cells) in enumerate(self._records, start=1):
            if isinstance(cells, str):
                yield Row(number, {}, line, Unreadable("quotes", cells))
            elif len(cells) != width:
                yield Row(number, {}, line, self._ragged(cells))
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
                text = "\n".join(cells)
                wrong = f"the heading is not {self._encoding}"
                if NUL in text:
                    wrong = f"in the heading {not_text(text, self._encoding)}"
                raise IngestError(
                    f"{self._name}, line {line}: {wrong}. Say which encoding the file "
                    "has."
                )
            self._check_delimiter(cells)
            return tuple(cells)
        raise IngestError(
            f"{self._name}: expected a first line with the names of the columns, found "
            "an empty file."
        )

    def _undecoded(self, cells: list[str]) -> Unreadable | None:
        for column, cell in zip(self.columns, cells):  # noqa: B905
            if undecoded(cell) is not None:
                reason = not_text(cell, self._encoding)
                return Unreadable("encoding", reason, column, cells)
        return None

    def _check_delimiter(self, cells: list[str]) -> None:
        """Raise IngestError where another character seems to separate the columns."""
        other = None if self._is_chosen else _separator_in(cells, self._delimiter)
        if other is not None:
            count = len(cells[0].split(other))
            raise IngestError(
                f"{self._name}: expected columns that {_NAMES[self._delimiter]} "
                f"separates, found one, {shortened(cells[0])}, which looks like "
                f"{count} that {_NAMES[other]} separates. Say so: --delimiter "
                f"{_OPTIONS[other]} (delimiter), or --delimiter "
                f"{_OPTIONS[self._delimiter]} where it is one indeed."
            )

    def _ragged(self, cells: list[str]) -> Unreadable:
        first = ", ".join(shortened(cell, 20) for cell in cells[:3])
        more = ", …" if len(cells) > 3 else ""
        other = _separator_in(cells, self._delimiter)
        advice = "a delimiter or a line break inside a value needs quotes"
        if other is not None and len(cells[0].split(other)) == len(self.columns):
            advice = (
                f"it looks as if {_NAMES[other]} separates them: --delimiter "
                f"{_OPTIONS[other]} (delimiter)"
            )
        reason = (
            f"expected {len(self.columns)} cells, found {len(cells)} ({first}{more}); "
            f"{advice}"
        )
        return Unreadable("cells", reason, None, cells)


_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_OPTIONS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}


def _separator_in(cells: list[str], delimiter: str) -> str | None:
    """Return the character that seems to separate the columns of a single cell."""
    if len(cells) != 1 or delimiter not in _NAMES:
        return None
    found = {other: cells[0].count(other) for other in _NAMES if other != delimiter}
    most = max(found, key=lambda other: found[other])
    return most if found[most] else None


def _usual(options: ReadOptions) -> str:
    return "\t" if options.format is FileFormat.TSV else ","


def _check_options(options: ReadOptions, name: str) -> None:
    """Raise IngestError for what csv can't take, or would take for nothing said."""
    given = {
        "delimiter": options.delimiter,
        "quote": options.quote,
        "escape": options.escape,
    }
    for option, value in given.items():
        if value is None:
            continue
        none = " (none: nothing is quoted)" if option == "quote" else ""
        if len(value) != 1 or value in "\r\n\0":
            raise IngestError(
                f"{name}: the options can't be used: expected one character for "
                f"{option} (--{option}){none}, found {value!r}."
            )
    for first, second in (("delimiter", "quote"), ("delimiter", "escape")):
        value = given[first] or _usual(options)
        if value == given[second]:
            raise IngestError(
                f"{name}: the options can't be used: expected {first} and {second} to "
                f"be two characters, found {value!r} for both."
            )


def _records(
    lines: BoundedLines, delimiter: str, options: ReadOptions, name: str
) -> Iterator[tuple[int, list[str] | str]]:
    """Give each record with its first line's number, or what is wrong with it."""
    try:
        reader = csv.reader(lines, **_dialect(delimiter, options))
    except (TypeError, ValueError) as error:
        raise IngestError(
            f"{name}: the options can't be used: {ended(error)}"
        ) from error
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

    _first: str | None = None

    def said_delimiter(self) -> str | None:
        """Return what a first line such as ``sep=;`` says, and pass over that line.

        Spreadsheets write one, and read it; it is no row.
        """
        line = next(self, None)
        if line is None:
            return None
        found = _SAYS_DELIMITER.fullmatch(line)
        if found is not None:
            return found[1]
        self._first = line
        self.number -= 1
        return None

    def __next__(self) -> str:
        if self._first is not None:
            line, self._first = self._first, None
            self.number += 1
            self.size = len(line)
            self.has_undecoded = undecoded(line) is not None
            return line
        line = super().__next__()
        if self.size > csv.field_size_limit():
            csv.field_size_limit(self.limit)
        if "\0" in line:
            # Python 3.10 refuses it in another way than later releases.
            line = line.replace("\0", NUL)
            self.has_undecoded = True
        return line


def _dialect(delimiter: str, options: ReadOptions) -> dict[str, Any]:
    return {
        "delimiter": delimiter,
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

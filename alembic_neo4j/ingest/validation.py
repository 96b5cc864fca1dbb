"""Checking the rows of a file: which break a rule, and what becomes of them."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, time
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TextIO

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.columns import CellProblem, Columns
from alembic_neo4j.ingest.files import DataFile
from alembic_neo4j.ingest.formats import ReadOptions, Row
from alembic_neo4j.ingest.progress import REPORT_ROWS, Progress, Report, quiet
from alembic_neo4j.ingest.reading import RowReader, open_rows
from alembic_neo4j.ingest.rules import Rules
from alembic_neo4j.ingest.typed_values import ValueOptions
from alembic_neo4j.sentences import ended, shortened

# Values that were seen before, in bounded memory however many there are ---------------


IN_MEMORY = 100_000
"""How many values are held before they go to the disk: about 16 MB."""

_CACHE_KB = 32_768


class SeenValues:
    """The rows that values were first seen in; to be closed.

    A value is known by 16 bytes of a hash, in a dictionary at first, then in a
    temporary SQLite database, which goes with its process whatever ends that.
    """

    def __init__(self, *, in_memory: int = IN_MEMORY) -> None:
        self._limit = in_memory
        self._rows: dict[bytes, int] = {}
        self._database: sqlite3.Connection | None = None

    def first_row(self, key: bytes) -> int | None:
        """Return the row that added the key, or None."""
        row = self._rows.get(key)
        if row is not None or self._database is None:
            return row
        found = self._database.execute("SELECT row FROM seen WHERE key = ?", (key,))
        return next((number for (number,) in found), None)

    def add(self, key: bytes, row: int) -> None:
        """Remember the row of a key that has none yet."""
        self._rows[key] = row
        if len(self._rows) >= self._limit:
            self._spill()

    def close(self) -> None:
        """Forget everything."""
        self._rows.clear()
        if self._database is not None:
            self._database.close()

    def _spill(self) -> None:
        if self._database is None:
            self._database = _temporary_database()
        # In order, they fill the pages of the tree one after the other.
        rows = sorted(self._rows.items())
        try:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT INTO seen VALUES (?, ?)", rows)
            self._database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise IngestError(
                "The values that have to be unique can't be kept on the disk: "
                f"{ended(error)}"
                " Make room, or name another directory in SQLITE_TMPDIR."
            ) from error
        self._rows.clear()


def key_of(values: Iterable[Any]) -> bytes | None:
    """Return what values that Neo4j holds for equal have in common; None with a null.

    An integer and a float of the same value are equal, a text and a number never.
    """
    digest = hashlib.blake2b(digest_size=16)
    for value in values:
        if value is None:
            return None
        text = _canonical(value).encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(text))
        digest.update(text)
    return digest.digest()


def _canonical(value: Any) -> str:
    if isinstance(value, str):
        return "s" + value
    if isinstance(value, bool):
        return "b" + str(value)
    if isinstance(value, int):
        return f"n{value}"
    if isinstance(value, float):
        return f"n{int(value)}" if value.is_integer() else f"n{value!r}"
    if isinstance(value, (list, tuple)):
        items = [_canonical(item) for item in value]
        return "l" + "".join(f"{len(item)}:{item}" for item in items)
    if isinstance(value, (date, time)):
        return f"{type(value).__name__} {value.isoformat()}"
    return f"{type(value).__name__} {value!r}"


def _temporary_database() -> sqlite3.Connection:
    # A name of no characters means a file that nobody sees and that goes when closed.
    database = sqlite3.connect("", isolation_level=None)
    database.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    database.execute(
        "CREATE TABLE seen (key BLOB PRIMARY KEY, row INTEGER) WITHOUT ROWID"
    )
    return database


# The rows that were refused, written to a file with what is wrong with them -----------


_EXPLAINED = ("row", "line", "column", "rule", "reason")
_UNREAD = "unread"


class RejectFile:
    """A CSV or JSON Lines file (by its name) of refused rows; a context manager.

    A row has ``row``, ``line``, ``column`` and ``rule`` of its first problem, all of
    them in ``reason``, and its values as they stand in the source: in columns of their
    own in CSV, in ``values`` in JSON Lines and where each row has its own columns. What
    could not be told apart is in ``unread``.

    The file appears whole when the block ends, also by an IngestError, and replaces an
    older one; with no row it has a heading alone. By any other exception nothing
    appears. Raises IngestError where it can't be written.
    """

    def __init__(self, path: Path, columns: Sequence[str] | None) -> None:
        self._path = path
        self._columns = columns
        self._is_csv = path.suffix.lower() == ".csv"
        if not self._is_csv and path.suffix.lower() not in (".jsonl", ".ndjson"):
            raise IngestError(
                f"Expected a name for the refused rows that ends in .csv or .jsonl, "
                f"found {path.name!r}."
            )

    def __enter__(self) -> RejectFile:
        try:
            number, name = tempfile.mkstemp(
                dir=self._path.parent, prefix=f".{self._path.name[:80]}.", suffix=".tmp"
            )
        except OSError as error:
            raise self._unwritable(error) from error
        self._temporary = Path(name)
        self._file: TextIO = open(
            number, "w", encoding="utf-8", errors="backslashreplace", newline=""
        )
        self._writer = csv.writer(self._file)
        if self._is_csv:
            own = [f"{c}_" if c in _TAKEN else c for c in self._columns or ["values"]]
            self._writer.writerow([*_EXPLAINED, *own, _UNREAD])
        return self

    def write(
        self,
        explained: Sequence[Any],
        values: Mapping[str, Any],
        unread: Any = None,
    ) -> None:
        """Add a row; `explained` are its number, line, column, rule and reason."""
        try:
            if self._is_csv:
                self._writer.writerow([*explained, *self._cells(values), _text(unread)])
            else:
                entry = dict(zip(_EXPLAINED, explained))  # noqa: B905
                entry |= {"values": dict(values)} if values else {}
                entry |= {_UNREAD: unread} if unread is not None else {}
                self._file.write(_json(entry) + "\n")
        except OSError as error:
            raise self._unwritable(error) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if kind is None or issubclass(kind, IngestError):
                self._temporary.replace(self._path)
        except OSError as failed:
            if error is None:
                raise self._unwritable(failed) from failed
        finally:
            self._temporary.unlink(missing_ok=True)

    def _cells(self, values: Mapping[str, Any]) -> list[str]:
        if self._columns is None:
            return [_text(dict(values) or None)]
        return [_text(values.get(column)) for column in self._columns]

    def _unwritable(self, error: OSError) -> IngestError:
        return IngestError(
            f"The refused rows can't be written to {self._path}: "
            f"{ended(error.strerror)}"
        )


_TAKEN = {*_EXPLAINED, _UNREAD}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, default=str, allow_nan=False)
    except ValueError:
        # NaN is no JSON, and a reason why a row is refused.
        return json.dumps(_without_nan(value), default=str)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    finite = not isinstance(value, float) or math.isfinite(value)
    return value if finite else str(value)


# Checking the rows of a file: which break a rule, and what becomes of them ------------


class OnError(str, Enum):
    """What is done about a row that breaks a rule."""

    FAIL = "fail"
    COLLECT = "collect"
    SKIP = "skip"


@dataclass(frozen=True)
class Policy:
    """What is done about rows that break rules, and how many are named.

    FAIL stops at the first. COLLECT goes on to the end, and the report tells. SKIP
    leaves them out, and stops when there are more than `max_rejects` of them (None:
    any number); rules about the file as a whole can't be skipped.
    """

    on_error: OnError = OnError.FAIL
    max_rejects: int | None = None
    named: int = 20


class Violation(NamedTuple):
    """A rule that a row, or with row 0 the file, breaks."""

    row: int
    line: int | None
    column: str | None
    rule: str
    value: str | None
    message: str

    def described(self, name: str) -> str:
        """Return it as a line of a report on a file."""
        if not self.row:
            return f"{name}: {self.message}"
        return f"{place(name, self.row, self.line, self.column)}: {self.message}"


@dataclass(frozen=True)
class ValidationReport:
    """What a check of a file found.

    `counts` has the violations by column (None: the row or the file) and rule;
    `violations` names the first of them.
    """

    file: DataFile
    rows: int
    rejected: int
    counts: dict[tuple[str | None, str], int]
    violations: tuple[Violation, ...]

    @property
    def ok(self) -> bool:
        """Whether no rule is broken."""
        return not self.counts


def place(name: str, number: int, line: int | None, column: str | None = None) -> str:
    """Return where something is, as messages have it."""
    where = f"{name}, row {number}"
    if line is not None:
        where += f" (line {line})"
    return f"{where}, column {column!r}" if column is not None else where


_MOST_COUNTS = 1_000
_MANY = "…"


class CheckedRows:
    """The rows of a file that break no rule, converted, with their numbers.

    Iterated once. Raises IngestError as its policy has it, and as reading does.
    """

    def __init__(
        self,
        reader: RowReader,
        rules: Rules,
        columns: Columns,
        policy: Policy,
        *,
        rejects: RejectFile | None = None,
        seen: dict[tuple[str, ...], SeenValues],
        report: Report = quiet,
    ) -> None:
        self._reader = reader
        self._rules = rules
        self._columns = columns
        self._policy = policy
        self._rejects = rejects
        self._seen = seen
        self._progress = report
        self._rows = 0
        self._rejected = 0
        self._counts: Counter[tuple[str | None, str]] = Counter()
        self._violations: list[Violation] = []
        reader.on_read = self._tell

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give the number and the properties of each row that breaks no rule."""
        most = self._rules.max_rows
        for row in self._reader:
            self._rows = row.number
            if row.number % REPORT_ROWS == 0:
                self._tell()
            if most is not None and row.number == most + 1:
                self._whole(f"expected at most {most:,} rows, found more")
            if row.problem is not None:
                self._refuse(row, [_unread(row)])
                continue
            properties, problems = self._columns.convert(row.values)
            if not problems and self._seen:
                problems = self._repeated(row.number, properties)
            if problems:
                self._refuse(row, [_violation(row, problem) for problem in problems])
            else:
                yield row.number, properties
        least = self._rules.min_rows
        if least is not None and self._rows < least:
            self._whole(f"expected at least {least:,} rows, found {self._rows:,}")
        self._tell()

    def report(self) -> ValidationReport:
        """Return what was found so far."""
        return ValidationReport(
            self._reader.file,
            self._rows,
            self._rejected,
            dict(self._counts),
            tuple(self._violations),
        )

    def _repeated(self, number: int, properties: dict[str, Any]) -> list[CellProblem]:
        """Return the groups of values that an accepted row has already."""
        keys = [
            (names, seen, key)
            for names, seen in self._seen.items()
            if (key := key_of(properties.get(name) for name in names)) is not None
        ]
        problems = [
            _duplicate(names, properties, first)
            for names, seen, key in keys
            if (first := seen.first_row(key)) is not None
        ]
        if not problems:
            for _, seen, key in keys:
                seen.add(key, number)
        return problems

    def _refuse(self, row: Row, violations: list[Violation]) -> None:
        first, policy = violations[0], self._policy
        self._rejected += 1
        for violation in violations:
            self._count(violation)
        if self._rejects is not None:
            reasons = "; ".join(
                f"{v.column}: {v.message}" if v.column else v.message
                for v in violations
            )
            explained = (row.number, row.line, first.column, first.rule, reasons)
            unread = row.problem.found if row.problem else None
            self._rejects.write(explained, row.values, unread)
        name = self._reader.file.name
        if policy.on_error is OnError.FAIL:
            raise IngestError(f"{first.described(name)}. {_MEND}")
        most = policy.max_rejects if policy.on_error is OnError.SKIP else None
        if most is not None and self._rejected > most:
            named = self._violations[0] if self._violations else first
            raise IngestError(
                f"{name}: expected at most {most:,} refused rows, found more by "
                f"row {row.number}. One of them: {named.described(name)}."
            )

    def _whole(self, message: str) -> None:
        """Note what is wrong with the file as a whole."""
        violation = Violation(0, None, None, "rows", None, message)
        self._count(violation)
        if self._policy.on_error is not OnError.COLLECT:
            raise IngestError(f"{violation.described(self._reader.file.name)}.")

    def _count(self, violation: Violation) -> None:
        key = (violation.column, violation.rule)
        if key not in self._counts and len(self._counts) >= _MOST_COUNTS:
            key = (_MANY, violation.rule)
        self._counts[key] += 1
        if len(self._violations) < self._policy.named:
            self._violations.append(violation)

    def _tell(self) -> None:
        size = self._reader.file.size
        self._progress(Progress(self._rows, self._reader.position, size))


_MEND = "Mend the data, change the rule, or let such rows be skipped."


@contextmanager
def open_checked(
    file: DataFile,
    rules: Rules | None = None,
    *,
    read: ReadOptions | None = None,
    values: ValueOptions | None = None,
    policy: Policy | None = None,
    reject_file: Path | None = None,
    report: Report = quiet,
) -> Iterator[CheckedRows]:
    """Open a file and give its rows as they are checked and converted.

    With `reject_file`, the refused rows are written there. Raises IngestError where
    file and rules do not belong together, such as a required column that is missing.
    """
    rules, policy = rules or Rules(), policy or Policy()
    columns = Columns(rules, values)
    with ExitStack() as stack:
        reader = stack.enter_context(open_rows(file, read))
        if reader.columns is not None:
            columns.bind(reader.columns, name=file.name)
        else:
            columns.check_options(None, name=file.name)
        rejects = None
        if reject_file is not None:
            _check_other(reject_file, file)
            rejects = stack.enter_context(RejectFile(reject_file, reader.columns))
        seen = {
            names: stack.enter_context(closing(SeenValues())) for names in rules.unique
        }
        yield CheckedRows(
            reader,
            rules,
            columns,
            policy,
            rejects=rejects,
            seen=seen,
            report=report,
        )


def validate(
    file: DataFile,
    rules: Rules | None = None,
    *,
    read: ReadOptions | None = None,
    values: ValueOptions | None = None,
    policy: Policy | None = None,
    reject_file: Path | None = None,
    report: Report = quiet,
) -> ValidationReport:
    """Check every row of a file and return what was found; nothing is loaded.

    Without a policy it is COLLECT. Raises IngestError where the file can't be read to
    its end, and as `policy` has it.
    """
    with open_checked(
        file,
        rules,
        read=read,
        values=values,
        policy=policy or Policy(OnError.COLLECT),
        reject_file=reject_file,
        report=report,
    ) as rows:
        for _ in rows:
            pass
        return rows.report()


def _unread(row: Row) -> Violation:
    assert row.problem is not None
    rule, reason, column, found = row.problem
    value = None if found is None else shortened(found)
    return Violation(row.number, row.line, column, rule, value, reason)


def _violation(row: Row, problem: CellProblem) -> Violation:
    value = None if problem.value is None else shortened(problem.value)
    return Violation(
        row.number, row.line, problem.column, problem.rule, value, problem.message
    )


def _duplicate(
    names: tuple[str, ...], properties: dict[str, Any], first: int
) -> CellProblem:
    found = ", ".join(shortened(properties[name]) for name in names)
    return CellProblem(
        ", ".join(names),
        "unique",
        found,
        f"expected a value of its own, found {found}, as in row {first}",
    )


def _check_other(reject_file: Path, file: DataFile) -> None:
    with suppress(OSError):
        if reject_file.samefile(file.path):
            raise IngestError(
                f"Expected another file for the refused rows than {file.name} itself."
            )

"""Checking the rows of a file: which break a rule, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.columns import CellProblem, Columns
from alembic_neo4j.ingest.files import DataFile
from alembic_neo4j.ingest.formats import ReadOptions, Row
from alembic_neo4j.ingest.progress import REPORT_ROWS, Progress, Report, quiet
from alembic_neo4j.ingest.reading import RowReader, open_rows
from alembic_neo4j.ingest.rejects import RejectFile
from alembic_neo4j.ingest.rules import Rules
from alembic_neo4j.ingest.typed_values import ValueOptions
from alembic_neo4j.ingest.uniqueness import SeenValues, key_of
from alembic_neo4j.sentences import shortened


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

"""The rows that were refused, written to a file with what is wrong with them."""

from __future__ import annotations

import csv
import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from alembic_neo4j.errors import IngestError
from alembic_neo4j.sentences import ended

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

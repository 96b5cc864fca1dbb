"""The rows of a file as its readers give them, values or what is wrong with them."""

from __future__ import annotations

from typing import Any, NamedTuple


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


def place(name: str, number: int, line: int | None, column: str | None = None) -> str:
    """Return where something is, as messages have it."""
    where = f"{name}, row {number}"
    if line is not None:
        where += f" (line {line})"
    return f"{where}, column {column!r}" if column is not None else where


def shortened(value: Any, limit: int = 60) -> str:
    """Return a value for a message, on one line and not too long."""
    if isinstance(value, (str, bytes)) and len(value) > limit:
        return f"{value[: limit - 1]!r}… ({len(value):,} in all)"
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"

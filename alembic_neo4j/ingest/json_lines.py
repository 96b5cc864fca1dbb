"""JSON Lines: one JSON object in each line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO

from alembic_neo4j.ingest.formats import ReadOptions
from alembic_neo4j.ingest.rows import Row, Unreadable, shortened
from alembic_neo4j.ingest.text import NUL, BoundedLines, not_text


class JsonLinesRows:
    """The rows of a JSON Lines file; empty lines are no rows."""

    columns = None

    def __init__(self, text: TextIO, options: ReadOptions, *, encoding: str) -> None:
        self._encoding = encoding
        self._lines = BoundedLines(text, options.max_row_size)

    def __iter__(self) -> Iterator[Row]:
        lines = self._lines
        number = 0
        while True:
            lines.start_row()
            text = next(lines, None)
            if text is None:
                return
            if text.isspace():
                continue
            number += 1
            if lines.has_undecoded:
                reason = not_text(text, self._encoding)
                problem = Unreadable("encoding", reason, None, text.rstrip("\r\n"))
                yield Row(number, {}, lines.number, problem)
            else:
                yield json_row(number, text, line=lines.number)


class RepeatedName(ValueError):
    """An object has two values of one name, of which Python would take the last."""


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these names and values; raise RepeatedName for two alike."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RepeatedName(
            f"expected each name once in an object, found {shortened(twice)} twice"
        )
    return found


def json_row(number: int, text: str, *, line: int | None = None) -> Row:
    """Return the row that a JSON object is; what is none gives a row with a problem."""
    try:
        value = json.loads(text, object_pairs_hook=each_once)
    except RepeatedName as error:
        reason = str(error)
    except RecursionError:
        reason = "it has too many objects or arrays in one another"
    except ValueError as error:
        reason = f"it is not JSON: {error}"
        if "\0" in text:
            reason += f"; {not_text(text.replace(chr(0), NUL), '')}"
    else:
        if isinstance(value, dict):
            return Row(number, value, line)
        reason = f"expected an object, found {shortened(value)}"
    return Row(number, {}, line, Unreadable("json", reason, None, text.strip()))

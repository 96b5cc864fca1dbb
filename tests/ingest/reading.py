"""Short ways to read a file in a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.download import obtain
from alembic_neo4j.ingest.formats import ReadOptions, Row
from alembic_neo4j.ingest.reading import open_rows


def rows_of(path: Path, **options: Any) -> list[Row]:
    with open_rows(obtain(path), ReadOptions(**options)) as rows:
        return list(rows)


def values_of(path: Path, **options: Any) -> list[dict[str, Any]]:
    rows = rows_of(path, **options)
    assert [row.problem for row in rows] == [None] * len(rows)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    return [row.values for row in rows]


def refusal(path: Path, **options: Any) -> str:
    """The message of the error that reading the file ends in."""
    with pytest.raises(IngestError) as raised:
        rows_of(path, **options)
    return str(raised.value)


def problem(path: Path, **options: Any) -> tuple[int, str, str | None, str]:
    """The one row that can't be read: its number, rule, column and reason."""
    found = [row for row in rows_of(path, **options) if row.problem is not None]
    assert len(found) == 1
    assert found[0].problem is not None
    rule, reason, column, _ = found[0].problem
    return found[0].number, rule, column, reason

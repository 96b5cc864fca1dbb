"""Rows as text and back, for a statement that must not run twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from alembic_neo4j.errors import StatementError
from alembic_neo4j.sentences import ended

Row: TypeAlias = "dict[str, Any]"


class Rows(list[Row]):
    """The rows of a statement, and how many entities it has created."""

    nodes_created = 0
    relationships_created = 0


LIMIT = 1_000_000
"""How many characters of rows a writing statement may return."""

_TYPES = ("Date", "Time", "DateTime", "Duration")


def rows_to_text(rows: Sequence[Row]) -> str:
    """Return the rows as text that is kept until the ledger knows of them.

    Raises StatementError when they are more than can be kept, or hold what has no
    text: nothing of the statement stays then.
    """
    try:
        text = json.dumps(rows, default=_tagged, ensure_ascii=False)
    except TypeError as error:
        raise StatementError(
            f"a writing statement returned what can't be recorded: {ended(error)} "
            "Return "
            "plain values, and read the rest with a statement of its own"
        ) from error
    if len(text) > LIMIT:
        raise StatementError(
            f"a writing statement returned {len(text):,} characters of rows; "
            f"{LIMIT:,} are recorded at most, so that it is never run twice. Return "
            "less, such as a count, and read the rest with a statement of its own"
        )
    return text


def rows_from_text(text: str) -> list[Row]:
    """Return the rows that `rows_to_text` wrote."""
    rows: list[Row] = json.loads(text, object_hook=_untagged)
    return rows


def _tagged(value: Any) -> Any:
    name = type(value).__name__
    if type(value).__module__.startswith("neo4j.time") and name in _TYPES:
        return {"$neo4j": name, "text": value.iso_format()}
    raise TypeError(f"a {name}")


def _untagged(value: Row) -> Any:
    if "$neo4j" not in value:
        return value
    from neo4j import time

    return getattr(time, value["$neo4j"]).from_iso_format(value["text"])

"""What an error in a replay means, where it comes from and what to do about it."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Iterable
from pathlib import Path

from alembic.script import Script

import alembic_neo4j
from alembic_neo4j.errors import Neo4jMigrationError, SchemaError
from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.sentences import ended

_OF_ROWS = (LookupError, ValueError, TypeError, AssertionError, ArithmeticError)
"""What an empty list of rows, or a value that is None, makes of a revision."""

_OF_A_CALL = re.compile(
    r"unexpected keyword argument|required (positional|keyword-only) argument|"
    r"multiple values for|positional arguments? but"
)
"""What Python says of a call that does not fit its function, whatever the rows are."""

_PACKAGE = str(Path(alembic_neo4j.__file__).parent)


def explained(script: Script, error: Exception, *, has_read: bool, origin: str) -> str:
    """Return what stopped the replay of a revision, in words.

    `has_read` tells whether it asked for rows before, `origin` which change made the
    schema one that it does not fit, empty where none did.
    """
    where = place(script, _line_in(script.path, error))
    if isinstance(error, SchemaError):
        text = f"{where} does not fit the history before it: {error}"
        return f"{ended(text)} It is so since {origin}" if origin else text
    if isinstance(error, Neo4jMigrationError):
        return f"{where}: {error}"
    what = ended(
        f"{where} can't be replayed in memory: {type(error).__name__}: {error}"
    )
    if not has_read or not _comes_of_rows(error):
        return f"{what} Nothing has run"
    return (
        f"{what} In a replay nothing runs and reads return no rows: put what depends "
        "on them under `if not op.is_replaying():`"
    )


def place(script: Script, line: int | None) -> str:
    """Return where something is written, as messages name it."""
    return f"revision {script.revision} ({script.path}{_line(line)})"


def line_of_caller(path: str) -> int | None:
    """Return the line of a file that is being run, None where it is not."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename != path:
        frame = frame.f_back
    return frame.f_lineno if frame is not None else None


def origin_of(change: Change, refusal: str, steps: Iterable[tuple[Schema, str]]) -> str:
    """Return which step made the schema one that refuses a change so.

    Each of the `steps` is the schema after it, and its place. Empty where none did.
    """
    said = _refusal(change, Schema())
    origin = ""
    for after, where in steps:
        now = _refusal(change, after)
        if now != said:
            origin = where if now else ""
        said = now
    return origin if said == refusal else ""


def _refusal(change: Change, schema: Schema) -> str:
    try:
        change.apply(schema)
    except SchemaError as error:
        return str(error)
    return ""


def _comes_of_rows(error: Exception) -> bool:
    if not isinstance(error, _OF_ROWS):
        return False
    if isinstance(error, TypeError) and _OF_A_CALL.search(str(error)):
        return False
    # One that an operation raises is about what it was given.
    frames = traceback.extract_tb(error.__traceback__)
    return not frames or not frames[-1].filename.startswith(_PACKAGE)


def _line_in(path: str, error: Exception) -> int | None:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path]
    return lines[-1] if lines else None


def _line(number: int | None) -> str:
    return "" if number is None else f", line {number}"

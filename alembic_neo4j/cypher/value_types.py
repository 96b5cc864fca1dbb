"""The types of stored values as Cypher writes them, checked before they become text."""

from __future__ import annotations

import re

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.elements import normal_type

SCALARS = (
    "BOOLEAN",
    "STRING",
    "INTEGER",
    "FLOAT",
    "DATE",
    "LOCAL TIME",
    "ZONED TIME",
    "LOCAL DATETIME",
    "ZONED DATETIME",
    "DURATION",
    "POINT",
)
"""What a property may hold, alone or in a list, on every supported server."""

_LIST = re.compile(r"LIST ?< ?(?P<item>.+?)(?: NOT NULL)? ?>")


def tested_type(text: str) -> str | None:
    """Return the type for ``value IS :: …``, None where nothing can be tested.

    That is so for ``ANY`` and for a type that not every supported server knows.
    """
    parts = [_part(part) for part in normal_type(text).split(" | ")]
    if any(part is None for part in parts):
        return None
    return " | ".join(part for part in parts if part is not None)


def constraint_type(text: str) -> str:
    """Return the type for a constraint's ``REQUIRE … IS :: …``.

    The items of a list get the NOT NULL that the server asks for. Raises SchemaError
    for a type that no property can hold.
    """
    parts = []
    for part in normal_type(text).split(" | "):
        known = _part(part)
        if known is None or known == "LIST<ANY>":
            raise SchemaError(
                f"{text!r} is not a type that a constraint can ask for; it may be "
                f"{', '.join(SCALARS)}, LIST<…> of one of them, or several joined by |"
            )
        parts.append(known.replace(">", " NOT NULL>"))
    return " | ".join(parts)


def read_type(text: str) -> str:
    """Return a type that the server shows as `Property.type` has it."""
    return normal_type(text).replace(" NOT NULL>", ">")


def shown_types(text: str) -> tuple[str, ...]:
    """Return what ``valueType`` shows for stored values of the type.

    None at all where any value will do, or where it can't be told beforehand.
    """
    tested = tested_type(text)
    if tested is None or "LIST<ANY>" in tested:
        return ()
    shown = []
    for part in tested.split(" | "):
        shown.append(f"{part.replace('>', ' NOT NULL>')} NOT NULL")
        if part.startswith("LIST<"):
            # An empty list has no type of its own.
            shown.append("LIST<NOTHING> NOT NULL")
    return tuple(dict.fromkeys(shown))


def is_list(text: str) -> bool:
    """Tell whether every value of the type is a list."""
    return all(
        part.startswith("LIST") and _part(part)
        for part in normal_type(text).split(" | ")
    )


def _part(text: str) -> str | None:
    if text in SCALARS:
        return text
    found = _LIST.fullmatch(text)
    if found is not None and found["item"] in (*SCALARS, "ANY"):
        return f"LIST<{found['item']}>"
    return None

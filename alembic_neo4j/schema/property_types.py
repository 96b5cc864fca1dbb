"""The types of properties, read in one place: a scalar, ANY, a list, or several."""

from __future__ import annotations

import re
from typing import NamedTuple

from alembic_neo4j.errors import SchemaError

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

_BAR = re.compile(r"\|(?![^<>]*>)")
_LIST = re.compile(r"LIST ?< ?(?P<item>.+?)(?: NOT NULL)? ?>")


class Alternative(NamedTuple):
    """One of the types that a property's type joins by ``|``.

    `name` is that of the value, or of the items where it is a list of them.
    """

    name: str
    is_list: bool = False

    def __str__(self) -> str:
        return f"LIST<{self.name}>" if self.is_list else self.name

    @property
    def is_known(self) -> bool:
        """Whether every supported server knows it, so that values can be tested."""
        return self.name in SCALARS or (self.is_list and self.name == "ANY")


def normal_type(text: str) -> str:
    """Return a property type as Neo4j writes it, a union's parts sorted."""
    parts = [" ".join(part.upper().split()) for part in _BAR.split(text)]
    return " | ".join(sorted(parts))


def alternatives(text: str) -> tuple[Alternative, ...]:
    """Return the types that a property's type joins, most often a single one."""
    parts = _BAR.split(normal_type(text))
    matches = [(part.strip(), _LIST.fullmatch(part.strip())) for part in parts]
    return tuple(
        Alternative(found["item"], is_list=True) if found else Alternative(part)
        for part, found in matches
    )


def item_type(text: str) -> str | None:
    """Return the type of a list's items, None where the type is not one of lists."""
    first, *others = alternatives(text)
    return first.name if first.is_list and not others else None


def is_list(text: str) -> bool:
    """Tell whether every value of the type is a list."""
    return all(one.is_list and one.is_known for one in alternatives(text))


def tested_type(text: str) -> str | None:
    """Return the type for ``value IS :: …``, None where nothing can be tested.

    That is so for ``ANY`` and for a type that not every supported server knows.
    """
    parts = alternatives(text)
    known = all(one.is_known for one in parts)
    return " | ".join(map(str, parts)) if known else None


def constraint_type(text: str) -> str:
    """Return the type for a constraint's ``REQUIRE … IS :: …``.

    The items of a list get the NOT NULL that the server asks for. Raises SchemaError
    for a type that no property can hold.
    """
    parts = alternatives(text)
    if any(one.name not in SCALARS for one in parts):
        raise SchemaError(
            f"{text!r} is not a type that a constraint can ask for; it may be "
            f"{', '.join(SCALARS)}, LIST<…> of one of them, or several joined by |"
        )
    return " | ".join(map(_with_not_null, parts))


def read_type(text: str) -> str:
    """Return a type that the server shows as `Property.type` has it."""
    return normal_type(text).replace(" NOT NULL>", ">")


def shown_types(text: str) -> tuple[str, ...]:
    """Return what ``valueType`` shows for stored values of the type.

    None at all where any value will do, or where it can't be told beforehand.
    """
    parts = alternatives(text)
    if any(one.name not in SCALARS for one in parts):
        return ()
    shown = []
    for one in parts:
        shown.append(f"{_with_not_null(one)} NOT NULL")
        if one.is_list:
            # An empty list has no type of its own.
            shown.append("LIST<NOTHING> NOT NULL")
    return tuple(dict.fromkeys(shown))


def _with_not_null(one: Alternative) -> str:
    return f"LIST<{one.name} NOT NULL>" if one.is_list else one.name

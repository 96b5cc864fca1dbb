"""The marks by which a downgrade knows what its upgrade wrote, and what was there."""

from __future__ import annotations

from enum import Enum

MARK_PREFIX = "_alembic_mark_"

DONE_PREFIX = "_alembic_done_"
"""How the marks begin by which a change knows what it has done; they go with it."""


def is_mark(name: str) -> str:
    """Return the predicate that a property, by an expression for its name, is a mark.

    Archived values and names of batches are none: they are data that may not get lost.
    """
    return f"({name} STARTS WITH '{MARK_PREFIX}' OR {name} STARTS WITH '{DONE_PREFIX}')"


def alike(first: str, second: str) -> str:
    """Return the predicate that two entities have the same properties, marks aside."""
    return (
        f"all(name IN keys({first}) + keys({second}) WHERE {is_mark('name')} "
        f"OR coalesce({first}[name] = {second}[name], false))"
    )


def united(stays: str, maps: str) -> str:
    """Return the clauses that leave the marks to what stays that hold for all of it.

    `maps` are the properties of all that it is made of. What was there before in one of
    them was there before; what a revision has written is so only where it wrote all.
    What a change that is under way has marked is left to that.
    """
    kept = f"name STARTS WITH '{Mark.KEPT.prefix}'"
    return (
        f"FOREACH (name IN [name IN keys({stays}) WHERE "
        f"name STARTS WITH '{MARK_PREFIX}' AND NOT {kept} "
        f"AND any(map IN {maps} WHERE map[name] IS NULL)] | "
        f"SET {stays}[name] = null)\n"
        f"FOREACH (map IN {maps} | FOREACH (name IN [name IN keys(map) WHERE {kept} "
        f"AND {stays}[name] IS NULL] | SET {stays}[name] = map[name]))"
    )


class Mark(Enum):
    """What a mark tells of the node or relationship that it is a property of.

    FILLED holds the value that a revision filled in, CONVERTED the one that its
    conversion gave, beside the archived original. LABELLED is on a node that got a
    label, LACKED on one that was without the label which others lost. KEPT is on what
    had the new name, type or direction before others got it: for a conversion it holds
    the value, for a label it is true where the node had the old one besides.
    """

    FILLED = "filled"
    CONVERTED = "converted"
    LABELLED = "labelled"
    LACKED = "lacked"
    KEPT = "kept"

    def of(self, revision: str, *names: str) -> str:
        """Return the property that is the mark; `names` say what it is about."""
        return f"{self.prefix}{revision}_{'.'.join(names)}"

    @property
    def prefix(self) -> str:
        """How the names of its properties begin."""
        return f"{MARK_PREFIX}{self.value}_"

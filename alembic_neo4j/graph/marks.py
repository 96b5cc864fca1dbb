"""The marks by which a downgrade knows what its upgrade wrote, and what was there."""

from __future__ import annotations

from enum import Enum

MARK_PREFIX = "_alembic_mark_"


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

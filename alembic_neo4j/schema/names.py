"""The names of indexes and constraints: neomodel's, distinct where two collide."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_INDEX_PREFIX = {
    "RANGE": "index",
    "TEXT": "text_index",
    "POINT": "point_index",
    "FULLTEXT": "fulltext_index",
    "VECTOR": "vector_index",
}
_CONSTRAINT_PREFIX = {
    "UNIQUE": "constraint_unique",
    "KEY": "constraint_key",
    "EXISTENCE": "constraint_existence",
    "TYPE": "constraint_type",
}

_TRIMMED = "".join(map(chr, range(0x21)))


def index_name(kind: str, labels: Sequence[str], properties: Sequence[str]) -> str:
    """Return the name that neomodel gives, or would give, to an index."""
    return trimmed("_".join((_INDEX_PREFIX[kind], *labels, *properties)))


def constraint_name(kind: str, label: str, properties: Sequence[str]) -> str:
    """Return the name that neomodel gives, or would give, to a constraint."""
    return trimmed("_".join((_CONSTRAINT_PREFIX[kind], label, *properties)))


def trimmed(name: str) -> str:
    """Return the name as the server keeps it: CREATE trims it, DROP does not."""
    return name.strip(_TRIMMED)


def distinct_name(name: str, key: object) -> str:
    """Return the name with a suffix that depends on the element's key alone.

    Label ``A`` with ``b_c`` and label ``A_b`` with ``c`` give the same name, as do a
    label and a relationship type that are spelled alike.
    """
    digest = hashlib.sha256(repr(key).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name}_{digest[:8]}"

"""The names of indexes and constraints: neomodel's, distinct where two collide."""

from __future__ import annotations

import hashlib

_TRIMMED = "".join(map(chr, range(0x21)))


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

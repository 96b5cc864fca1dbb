"""Remarks of a difference for the person who reviews the revision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A remark on a label or a type, to stand as a comment in the revision.

    `text` is one line, whatever the names in it are; `code` is what could be written
    into the revision for it.
    """

    text: str
    subject: str
    code: str = ""


def shown(*names: str) -> str:
    """Return names for a remark, joined by dots and never more than one line."""
    return ".".join(n if n.isidentifier() else repr(n) for n in names)


def run_cypher(statement: str) -> str:
    """Return the call of the operation that runs a statement."""
    return f"op.run_cypher({statement!r})"


def quoted(name: str) -> str:
    """Return a name as it is written in the Cypher of a remark."""
    if name.isascii() and name.isidentifier():
        return name
    return "`" + name.replace("\\", "\\u005C").replace("`", "``") + "`"

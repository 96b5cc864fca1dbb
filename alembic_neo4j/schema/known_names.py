"""The labels and relationship types that a history knows, and those it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from alembic_neo4j.schema.definitions import EntityType, Schema

Name: TypeAlias = "tuple[EntityType, str]"
"""A label, of nodes, or a type, of relationships."""

ALLOW = (
    "Correct the name, declare it in a revision before, or say that it is meant: "
    "allow_unknown=True in a revision, --allow-unknown on the command line"
)
"""What to do about a name that no model has."""


def known_labels(schema: Schema) -> set[str]:
    """Return the labels that models give or may give, and those of elements."""
    declared = {
        label
        for node in schema.nodes.values()
        for label in (*node.labels, *node.optional_labels)
    }
    return declared | _of_elements(schema, EntityType.NODE)


def known_types(schema: Schema) -> set[str]:
    """Return the types that models declare, and those of indexes and constraints."""
    declared = {r.type for node in schema.nodes.values() for r in node.relationships}
    of_elements = _of_elements(schema, EntityType.RELATIONSHIP)
    return declared | set(schema.relationship_types) | of_elements


@dataclass(frozen=True)
class KnownNames:
    """The names of one or more schemas; a schema without models knows all of them."""

    labels: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    has_models: bool = False

    @classmethod
    def of(cls, *schemas: Schema) -> KnownNames:
        """Return the names that any of the schemas knows."""
        return cls(
            frozenset().union(*map(known_labels, schemas)),
            frozenset().union(*map(known_types, schemas)),
            any(schema.nodes or schema.relationship_types for schema in schemas),
        )

    def unknown(self, names: Iterable[Name]) -> Iterator[str]:
        """Yield in words which of the names are not known, with what may be meant.

        Where there are no models there is nothing to judge by.
        """
        for entity, name in dict.fromkeys(names) if self.has_models else ():
            what, known = "label", self.labels
            if entity is EntityType.RELATIONSHIP:
                what, known = "relationship type", self.types
            if name not in known:
                yield (
                    f"no model of the history has the {what} {name!r}."
                    f"{meant(name, known)}"
                )


def meant(name: str, known: Iterable[str]) -> str:
    """Return the question whether a known name is meant, empty without a likely one."""
    close = get_close_matches(name, sorted(known), n=1)
    if not close:
        # One that differs in nothing but upper and lower case need not be close.
        close = [one for one in sorted(known) if one.casefold() == name.casefold()]
    return f" Did you mean {close[0]!r}?" if close else ""


def mistaken(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a person may have meant to write, if there is one.

    They differ by one letter, or by two where they are long, or in upper and lower
    case. Names that differ in their digits are two of a series.
    """
    near = []
    for other in known:
        first, second = name.casefold(), other.casefold()
        shorter = min(len(first), len(second))
        most = 0 if shorter < 3 else 1 if shorter < 8 else 2
        if abs(len(first) - len(second)) <= most and _digits(first) == _digits(second):
            edits = _edits(first, second)
            near += [(edits, other)] if edits <= most else []
    return min(near)[1] if near else None


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _edits(first: str, second: str) -> int:
    """Return how many letters are missing, too much, others, or two exchanged."""
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, start=1):
        older, before, row = before, row, [i]
        for j, other in enumerate(second, start=1):
            same = letter == other
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (not same)))
            if i > 1 < j and first[i - 2] == other and letter == second[j - 2]:
                row[j] = min(row[j], older[j - 2] + 1)
    return row[-1]


def _of_elements(schema: Schema, entity: EntityType) -> set[str]:
    return {
        label
        for element in schema.elements.values()
        if element.entity is entity
        for label in element.labels
    }

"""Queries for values that are larger than an index can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alembic_neo4j.cypher.patterns import Scope
from alembic_neo4j.cypher.steps import Check
from alembic_neo4j.schema.definitions import Element, EntityType

_SHOWN_SIZES = 20


def size_checks(
    element: Element,
    scope: Scope | None = None,
    values: Mapping[str, str] | None = None,
) -> tuple[Check, ...]:
    """Return the check for values that are too large for what is to be created.

    `scope` and `values` are as for `data_checks.constraint_checks`. An index that
    meets such a value fails when it is populated; a constraint is refused.
    """
    limit = element.kind.traits.max_bytes
    if limit is None:
        return ()
    scope = scope or Scope(element.entity, element.labels)
    operands = [
        (values or {}).get(name, scope.value(name)) for name in element.properties
    ]
    return (_too_large(element, scope, operands, limit),)


def _too_large(
    element: Element,
    scope: Scope,
    operands: Sequence[str],
    limit: int,
) -> Check:
    names = [f"value_{i}" for i in range(len(operands))]
    bound = ", ".join(f"{o} AS {n}" for o, n in zip(operands, names, strict=True))
    # An entity that lacks one of the properties is not in the index.
    present = " AND ".join(f"{name} IS NOT NULL" for name in names)
    characters = _characters(limit, len(names))
    large = " OR ".join(may_be_large(name, characters) for name in names)
    taken = _text_taken if element.kind.traits.strings_only else _taken
    bytes_ = " + ".join(taken(name, limit) for name in names)
    variable, of = scope.variable, ", ".join(element.properties)
    single = "the value" if len(names) == 1 else "the values together"
    where = f"{single} of {'|'.join(element.labels)}({of})"
    return Check(
        f"MATCH {scope.pattern}\n"
        f"WITH {variable}, {bound}\n"
        # Few are left by what costs little: the bytes of a text are not counted yet.
        f"WHERE {present} AND ({large})\n"
        f"WITH {variable}, {bytes_} AS value\n"
        f"WHERE value > {limit}\n"
        "WITH value, count(*) AS count, "
        f"min(elementId({variable})) AS first, max(elementId({variable})) AS last\n"
        f"ORDER BY value DESC LIMIT {_SHOWN_SIZES}\n"
        "RETURN value, count, "
        "CASE first WHEN last THEN [first] ELSE [first, last] END AS ids",
        expected=f"{where} may take {limit:,} bytes of a {_noun(element)} at most; "
        "what is shown is how many they take",
        advice="Shorten them first, or index a property that holds less.",
    )


def _noun(element: Element) -> str:
    return "text index" if element.kind.traits.strings_only else "range index"


def may_be_large(value: str, characters: int | str) -> str:
    """Return the predicate of values that may have more characters than that."""
    # A list is no text, and may be of any size.
    return f"size(toStringOrNull({value})) > {characters} OR {value} IS :: LIST<ANY>"


def _text_taken(value: str, limit: int) -> str:
    return f"CASE WHEN {value} IS :: STRING THEN {_size(value, limit)} ELSE 0 END"


def _taken(value: str, limit: int) -> str:
    """The bytes that a value takes, or fewer where Cypher can't tell.

    It shows a list of bytes, as the driver stores one, as a list of integers, and a
    short number that an import wrote as any other.
    """
    texts = f"reduce(taken = 3, item IN {value} | taken + 2 + {_size('item', limit)})"
    return (
        "CASE"
        f" WHEN {value} IS :: STRING THEN 3 + {_size(value, limit)}"
        f" WHEN {value} IS :: LIST<STRING> THEN {texts}"
        f" WHEN {value} IS :: LIST<FLOAT> THEN 4 + 4 * size({value})"
        f" WHEN {value} IS :: LIST<ANY> THEN 3 + size({value})"
        " ELSE 2 END"
    )


def _size(text: str, limit: int) -> str:
    """The UTF-8 bytes of a text, the characters alone where those are too many.

    Cypher has no function for it, and splits a text into UTF-16 units: each half of a
    surrogate pair stands for two of its four bytes.
    """
    return (
        f"CASE WHEN size({text}) > {limit} OR {text} =~ '(?s)[\\x00-\\x7F]*' "
        f"THEN size({text}) ELSE "
        f"reduce(bytes = 0, unit IN split({text}, '') | bytes + CASE "
        "WHEN unit < '\\u0080' THEN 1 "
        "WHEN unit < '\\u0800' OR '\\uD7FF' < unit AND unit < '\\uE000' THEN 2 "
        "ELSE 3 END) END"
    )


def _characters(limit: int, parts: int) -> int:
    # A character has four bytes at most.
    return (limit // parts - 3) // 4


# Which are worth the question ---------------------------------------------------------


@dataclass(frozen=True)
class Large:
    """What has to be there for `size_checks` to find anything.

    In one of the properties a text of more characters, or a list.
    """

    entity: EntityType
    names: frozenset[str]
    properties: frozenset[str]
    characters: int


def large(element: Element) -> Large | None:
    """Return what `size_checks` of an element look for, None where there are none."""
    limit = element.kind.traits.max_bytes
    if limit is None:
        return None
    return Large(
        element.entity,
        frozenset(element.labels),
        frozenset(element.properties),
        _characters(limit, len(element.properties)),
    )

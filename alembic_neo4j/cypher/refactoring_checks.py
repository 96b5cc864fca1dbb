"""Queries for what stands in the way of a refactoring, and for what it leaves alone."""

from __future__ import annotations

from collections.abc import Sequence

from alembic_neo4j.cypher.data_checks import check_of
from alembic_neo4j.cypher.patterns import Scope, enclosed
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.cypher.steps import Check, Report


def checked(
    scope: Scope, value: str, predicate: str, *, expected: str, advice: str
) -> Check:
    """Return the check for entities that a predicate holds for, and what they show."""
    offending = (
        f"MATCH {scope.pattern}\nWHERE {predicate}\n"
        f"WITH {scope.variable}, {value} AS value"
    )
    return check_of(scope.variable, offending, expected=expected, advice=advice)


def reported(
    scope: Scope, value: str, predicate: str, *, text: str, advice: str
) -> Report:
    """Return the report on entities that a predicate holds for, and what they show."""
    check = checked(scope, value, predicate, expected=text, advice=advice)
    return Report(check.query, text, advice)


def taken(scope: Scope, name: str, values: str, among: str, *, advice: str) -> Check:
    """Return the check for entities that have a property which is to be written."""
    return checked(
        *(scope, f"[{scope.value(name)}] + {values}"),
        f"{scope.value(name)} IS NOT NULL AND {among}",
        expected=f"{scope} must not have {name!r} yet",
        advice=advice,
    )


def not_converted(scope: Scope, name: str, among: str, using: str) -> Check:
    """Return the check for values that `using`, over ``value``, gives nothing for."""
    variable = scope.variable
    offending = (
        f"MATCH {scope.pattern}\nWHERE {among}\n"
        f"WITH {variable}, {scope.value(name)} AS value\nWHERE {using} IS NULL"
    )
    return check_of(
        variable,
        offending,
        expected=f"the conversion of {scope}({name}) gives a value for each",
        advice='Mend these values, or say on_failure="keep", "remove" or "archive".',
    )


def already_used(
    pattern: str, label: str, properties: Sequence[str], where: str | None
) -> Check:
    """Return the check for relationships that can't become nodes of a label.

    Their values of the `properties`, which are unique for it, are there more than once
    or are a node's.
    """
    values = [f"r.{quote(name)}" for name in properties]
    present = " AND ".join(f"{value} IS NOT NULL" for value in values)
    narrowed = f" AND {enclosed(where)}" if where else ""
    same = " AND ".join(
        f"m.{quote(name)} = value[{position}]"
        for position, name in enumerate(properties)
    )
    return Check(
        f"MATCH {pattern}\nWHERE {present}{narrowed}\n"
        f"WITH [{', '.join(values)}] AS value, count(r) AS alike, "
        "collect(elementId(r))[..5] AS ids\n"
        f"WITH value, ids, alike + COUNT {{ MATCH (m:{quote(label)}) WHERE {same} }} "
        "AS count\nWHERE count > 1\n"
        "RETURN value, count, ids ORDER BY count DESC, value LIMIT 20",
        expected=f"each value of (:{label})({', '.join(properties)}) may be there once",
        advice="Merge or change the ones that are alike.",
    )

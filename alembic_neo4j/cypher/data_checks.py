"""Queries for the data that stand in the way of a change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from alembic_neo4j.cypher.patterns import Scope, enclosed, nodes, one_of
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.cypher.steps import Check
from alembic_neo4j.schema.definitions import (
    Constraint,
    Direction,
    Property,
    Relationship,
)
from alembic_neo4j.schema.property_classes import described_format, not_in_form
from alembic_neo4j.schema.property_types import is_list, tested_type

_SHOWN_VALUES = 20

CARDINALITIES: Mapping[str, tuple[int, int | None]] = {
    "ZeroOrMore": (0, None),
    "ZeroOrOne": (0, 1),
    "One": (1, 1),
    "OneOrMore": (1, None),
}
"""The least and the greatest number of relationships of neomodel's cardinalities."""


def constraint_checks(
    constraint: Constraint,
    scope: Scope | None = None,
    values: Mapping[str, str] | None = None,
) -> tuple[Check, ...]:
    """Return the checks for what would violate the constraint.

    `scope` is what the constraint is going to hold for, by default what it names;
    `values` are expressions in place of its properties, for values still to be moved.
    """
    scope = scope or Scope(constraint.entity, constraint.labels)
    operands = {name: scope.value(name) for name in constraint.properties}
    operands.update(values or {})
    expressions = [operands[name] for name in constraint.properties]
    checks: list[Check] = []
    if constraint.kind.traits.present:
        checks.append(missing(scope, constraint.properties, expressions))
    if constraint.kind.traits.unique:
        checks.append(duplicates(scope, constraint.properties, expressions))
    if constraint.kind.traits.typed:
        found = wrong_types(
            scope, constraint.properties[0], constraint.property_type, expressions[0]
        )
        checks += found
    return tuple(checks)


def duplicates(
    scope: Scope, names: Sequence[str], expressions: Sequence[str] | None = None
) -> Check:
    """Return the check for values that are there more than once.

    Of several properties the combination counts, where all of them are there. NaN is
    not found: Cypher groups it with nothing, a constraint still refuses a second one.
    """
    operands = expressions or [scope.value(name) for name in names]
    present = " AND ".join(f"{operand} IS NOT NULL" for operand in operands)
    value = operands[0] if len(operands) == 1 else f"[{', '.join(operands)}]"
    values = f"MATCH {scope.pattern}\nWHERE {present}\nWITH *, {value} AS value\n"
    # The ids are for a second pass over the few that are alike, which is left out
    # where there are none: the first keeps a number for each value and no more.
    return Check(
        f"{values}"
        "WITH value, count(*) AS count\n"
        "WHERE count > 1\n"
        f"WITH value, count ORDER BY count DESC, value LIMIT {_SHOWN_VALUES}\n"
        "WITH collect(value) AS alike\n"
        "WHERE size(alike) > 0\n"
        f"{values}"
        "WHERE value IN alike\n"
        f"{_shown(scope.variable)}",
        expected=f"each value of {_of(scope, names)} may be there once",
        advice="Merge or change the ones that are alike.",
    )


def missing(
    scope: Scope, names: Sequence[str], expressions: Sequence[str] | None = None
) -> Check:
    """Return the check for entities that lack a property."""
    operands = expressions or [scope.value(name) for name in names]
    absent = " OR ".join(f"{operand} IS NULL" for operand in operands)
    return check_of(
        scope.variable,
        f"MATCH {scope.pattern}\nWHERE {absent}\nWITH {scope.variable}, null AS value",
        expected=f"every one needs {_of(scope, names)}",
        advice="Set the missing values, for instance by a backfill or op.run_cypher.",
    )


def wrong_types(
    scope: Scope, name: str, property_type: str | None, expression: str | None = None
) -> tuple[Check, ...]:
    """Return the check for values of another type, none where Neo4j can't tell.

    The values that it shows are the types that were found.
    """
    tested = tested_type(property_type or "ANY")
    if tested is None:
        return ()
    operand = expression or scope.value(name)
    check = check_of(
        scope.variable,
        f"MATCH {scope.pattern}\n"
        f"WHERE {operand} IS NOT NULL AND NOT {operand} IS :: {tested}\n"
        f"WITH {scope.variable}, valueType({operand}) AS value",
        expected=f"{_of(scope, [name])} has to be {tested}",
        advice="Convert the values of other types, for instance with using=….",
    )
    return (check,)


def both_present(scope: Scope, old: str, new: str, among: str, *, advice: str) -> Check:
    """Return the check for entities that have a property under both names.

    `among` is a predicate that narrows the scope.
    """
    return check_of(
        scope.variable,
        f"MATCH {scope.pattern}\n"
        f"WHERE {among} AND {scope.value(new)} IS NOT NULL\n"
        f"WITH {scope.variable}, [{scope.value(old)}, {scope.value(new)}] AS value",
        expected=f"{scope} with {old!r} must not have {new!r} as well",
        advice=advice,
    )


def conversion_checks(
    scope: Scope, before: Property, after: Property, using: str, pending: str
) -> tuple[Check, ...]:
    """Return the checks for values that the expression `using` can't convert.

    `pending` tells whether ``value`` is still to be converted.
    """
    checks = []
    if is_list(before.type) and tested_type(after.type) and not is_list(after.type):
        checks.append(_long_lists(scope, before.name))
    tested = tested_type(after.type)
    failed = "result IS NULL"
    if tested is not None:
        failed += f" OR NOT result IS :: {tested}"
    checks.append(
        _rejected(
            scope,
            before.name,
            failed,
            converted(using, pending),
            expected=f"the conversion of {_of(scope, [before.name])} has to give "
            f"a value{'' if tested is None else ' of type ' + tested} for each",
            advice="Mend these values or the expression in using=….",
        )
    )
    return tuple(checks)


def value_checks(
    scope: Scope, before: Property, after: Property, result: str | None = None
) -> tuple[Check, ...]:
    """Return the checks for values that `before` allowed and `after` does not.

    `result` is the expression over ``value`` of what will be stored, by default the
    value itself.
    """
    checks = []
    subject = _of(scope, [after.name])
    if after.required and not before.required:
        checks.append(missing(scope, [after.name]))
    for violation, expected, parameters in _narrowed(before, after, subject):
        checks.append(
            _rejected(
                scope,
                after.name,
                violation,
                result,
                expected=expected,
                advice="Change these values first, for instance by op.run_cypher.",
                parameters=parameters,
            )
        )
    return tuple(rules(checks))


def rules(checks: Iterable[Check]) -> Iterator[Check]:
    """Yield checks as those of rules that only the models have."""
    return (replace(check, rule=True) for check in checks)


def cardinality_checks(
    label: str, before: Relationship, after: Relationship
) -> tuple[Check, ...]:
    """Return the checks for nodes with too few or too many of a relationship."""
    low, high = CARDINALITIES.get(after.cardinality, (0, None))
    if before.key == after.key:
        known_low, known_high = CARDINALITIES.get(before.cardinality, (0, None))
        low = low if low > known_low else 0
        high = high if known_high is None else None
    outside = [f"value < {low}"] if low else []
    outside += [] if high is None else [f"value > {high}"]
    if not outside:
        return ()
    check = check_of(
        "n",
        f"MATCH {nodes(label).pattern}\n"
        f"WITH n, COUNT {{ (n){_hop(after)}{_target(after)} }} AS value\n"
        f"WHERE {' OR '.join(outside)}",
        expected=f"each (:{label}) has {after.cardinality} relationship "
        f"{_arrow(after)}; the value is the number found",
        advice="Create the missing and delete the surplus relationships.",
    )
    return tuple(rules([check]))


def stray_endpoints(
    label: str, relationship: Relationship, allowed: Iterable[str]
) -> Check:
    """Return the check for a type's relationships that lead to other labels.

    `relationship` says type and direction, `allowed` the labels of the other end.
    """
    labels = tuple(sorted(allowed))
    elsewhere = f"WHERE NOT m:{one_of(labels)}\n" if labels else ""
    distinct = "DISTINCT " if relationship.direction is Direction.ANY else ""
    return check_of(
        "r",
        f"MATCH {nodes(label).pattern}{_hop(relationship)}(m)\n"
        f"{elsewhere}"
        f"WITH {distinct}r, labels(m) AS value",
        expected=f"(:{label}){_arrow(relationship)} leads to "
        f"{' or '.join(f'(:{name})' for name in labels) or 'nothing'}; "
        "the values are the labels found at the other end",
        advice="Delete, redirect or turn round these relationships first.",
    )


def mutual_exclusion(label: str, members: Sequence[Relationship]) -> Check:
    """Return the check for nodes that have more than one of the relationships."""
    parameters = {f"member_{i}": _arrow(m) for i, m in enumerate(members)}
    present = ", ".join(
        f"CASE WHEN EXISTS {{ (n){_hop(member)}{_target(member)} }} "
        f"THEN $member_{i} END"
        for i, member in enumerate(members)
    )
    return check_of(
        "n",
        f"MATCH {nodes(label).pattern}\n"
        f"WITH n, [found IN [{present}] WHERE found IS NOT NULL] AS value\n"
        "WHERE size(value) > 1",
        expected=f"each (:{label}) has relationships of one kind only out of "
        f"{', '.join(parameters.values())}",
        advice="Delete the relationships that exclude each other.",
        parameters=parameters,
    )


def converted(using: str, pending: str) -> str:
    """Return the expression over ``value`` of what will be stored after a conversion.

    It is the value itself where that has been converted already.
    """
    return f"CASE WHEN {pending} THEN {enclosed(using)} ELSE value END"


# ---------------------------------------------------------------------------------


def _narrowed(
    before: Property, after: Property, subject: str
) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Yield violation, expectation and parameters for each limit that got tighter."""
    listed = is_list(after.type)
    old, new = before.choices, after.choices
    if new is not None and (old is None or not set(old) <= set(new)):
        violation = _any_item(listed, "NOT {} IN $choices")
        yield violation, f"{subject} is one of {list(new)}", {"choices": list(new)}
    length = after.max_length
    if length is not None and (before.max_length or length + 1) > length:
        violation = _any_item(listed, "size(toStringOrNull({})) > $max_length")
        expected = f"{subject} has at most {length} characters"
        yield violation, expected, {"max_length": length}
    if after.pattern is not None and after.pattern != before.pattern:
        violation = _any_item(listed, "NOT toStringOrNull({}) =~ $pattern")
        expected = f"{subject} matches {after.pattern!r}"
        # As neomodel does: the pattern has to fit the beginning of the value.
        yield violation, expected, {"pattern": f"(?:{after.pattern})(?s:.*)"}
    form = None if after.format == before.format else after.format
    if form is not None and (violation_of := not_in_form(form, "{}")) is not None:
        violation = _any_item(listed, violation_of)
        yield violation, f"{subject} is {described_format(form)}", {}
    if after.crs is not None and after.crs != before.crs:
        violation = "result IS :: POINT AND result.crs <> $crs"
        yield violation, f"{subject} is in {after.crs}", {"crs": after.crs}


def _any_item(listed: bool, violation: str) -> str:
    if not listed:
        return violation.replace("{}", "result")
    items = "CASE WHEN result IS :: LIST<ANY> THEN result ELSE [result] END"
    return f"any(item IN {items} WHERE {violation.replace('{}', 'item')})"


def _long_lists(scope: Scope, name: str) -> Check:
    return _rejected(
        scope,
        name,
        "CASE WHEN value IS :: LIST<ANY> THEN size(value) ELSE 1 END > 1",
        None,
        expected=f"a list in {_of(scope, [name])} that becomes a single value "
        "has one item at most",
        advice="Shorten these lists, or convert them with op.run_cypher before.",
    )


def _rejected(
    scope: Scope,
    name: str,
    violation: str,
    result: str | None,
    *,
    expected: str,
    advice: str,
    parameters: Mapping[str, Any] | None = None,
) -> Check:
    return check_of(
        scope.variable,
        f"MATCH {scope.pattern}\n"
        f"WHERE {scope.value(name)} IS NOT NULL\n"
        f"WITH {scope.variable}, {scope.value(name)} AS value\n"
        f"WITH {scope.variable}, value, {result or 'value'} AS result\n"
        f"WHERE {violation}",
        expected=expected,
        advice=advice,
        parameters=parameters,
    )


def check_of(
    variable: str,
    offending: str,
    *,
    expected: str,
    advice: str,
    parameters: Mapping[str, Any] | None = None,
) -> Check:
    """Return the check for what `offending`, a query up to its WITH, lets through.

    That leaves the `variable` of a node or relationship, and ``value``.
    """
    return Check(f"{offending}\n{_shown(variable)}", expected, advice, parameters or {})


def _shown(variable: str) -> str:
    # Two ids for a value: a collected list of them would be held for each entity.
    return (
        "WITH value, count(*) AS count, "
        f"min(elementId({variable})) AS first, max(elementId({variable})) AS last\n"
        f"ORDER BY count DESC, value LIMIT {_SHOWN_VALUES}\n"
        "RETURN value, count, "
        "CASE first WHEN last THEN [first] ELSE [first, last] END AS ids"
    )


def _of(scope: Scope, names: Sequence[str]) -> str:
    return f"{scope}({', '.join(names)})"


def _hop(relationship: Relationship) -> str:
    left, right = _ends(relationship.direction)
    return f"{left}[r:{quote(relationship.type)}]{right}"


def _arrow(relationship: Relationship) -> str:
    left, right = _ends(relationship.direction)
    return f"{left}[:{relationship.type}]{right}"


def _ends(direction: Direction) -> tuple[str, str]:
    return (
        "<-" if direction is Direction.IN else "-",
        "->" if direction is Direction.OUT else "-",
    )


def _target(relationship: Relationship) -> str:
    # A target that could not be resolved is a "?" and the text of the model.
    raw = relationship.target.startswith("?")
    return "()" if raw else f"(:{quote(relationship.target)})"

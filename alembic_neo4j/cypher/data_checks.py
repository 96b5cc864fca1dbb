"""Queries for the data that stand in the way of a change or a refactoring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alembic_neo4j.cypher.patterns import Scope, enclosed, nodes, one_of
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.cypher.steps import Check, Report
from alembic_neo4j.schema.definitions import (
    Constraint,
    Direction,
    Element,
    EntityType,
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


# Queries for what stands in the way of a refactoring, and for what it leaves alone ----


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


# Queries for values that are larger than an index can take ----------------------------


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

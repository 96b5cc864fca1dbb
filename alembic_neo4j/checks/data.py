"""Judging what the data hold against what the history declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from alembic_neo4j.checks.evidence import DataEvidence, Violation
from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.cypher.batch_rollback import rollback_command
from alembic_neo4j.cypher.data_survey import (
    Contents,
    Declarations,
    LackingLabels,
    Shape,
    Tally,
    Unreadable,
)
from alembic_neo4j.schema.definitions import (
    Constraint,
    EntityType,
    Property,
    Schema,
    described,
)
from alembic_neo4j.schema.known_names import known_labels, known_types
from alembic_neo4j.schema.property_classes import described_kind
from alembic_neo4j.schema.property_types import read_type, shown_types

_OPEN = "; a node that may have any is declared as open (SemiStructuredNode)."
_SHOWN = 80
_KNOWN = "Put it into the models or a revision, or leave it out by include_name in "


def expected_contents(schema: Schema) -> Declarations:
    """Return which properties nodes and relationships may have, and of which type.

    A label that only an index or a constraint names declares nothing of its nodes.
    """
    nodes = {label: _types(node.properties) for label, node in schema.nodes.items()}
    relationships: dict[str, dict[str, Sequence[str]]] = {
        relationship.type: {}
        for node in schema.nodes.values()
        for relationship in node.relationships
    }
    for name, declared in schema.relationship_types.items():
        relationships[name] = _types(declared.properties)
    for element in schema.elements.values():
        owners = nodes if element.entity is EntityType.NODE else relationships
        for label in element.labels:
            for name in element.properties if label in owners else ():
                owners[label].setdefault(name, ())
    return Declarations(
        nodes, relationships, {label for label, n in schema.nodes.items() if n.open}
    )


def is_declared(constraint: Constraint, schema: Schema) -> bool:
    """Tell whether the history has brought all that the constraint is about."""
    owner = (
        schema.nodes.get(constraint.label)
        if constraint.entity is EntityType.NODE
        else schema.relationship_types.get(constraint.label)
    )
    return owner is not None and all(map(owner.property, constraint.properties))


def judge_data(data: DataEvidence) -> Iterator[Finding]:
    """Yield what the history does not know, and what a constraint would refuse."""
    for violation in data.violations:
        yield _violated(violation)
    for lacking in data.lacking:
        yield _lacking(lacking)
    schema = data.schema
    labels, types = known_labels(schema), known_types(schema)
    yield from _undeclared("label", data.contents.labels, labels)
    yield from _undeclared("type", data.contents.types, types)
    yield from _judge_shapes(data.contents, expected_contents(schema))
    yield from map(_unread, data.unreadable)
    for batch in data.batches:
        if batch.is_incomplete:
            yield _incomplete(batch)
    if data.contents.full:
        yield from _unused("label", schema.nodes, data.contents.labels)
        yield from _unused("type", types, data.contents.types)


def _incomplete(batch: Tally) -> Finding:
    return Finding(
        "batch-missing" if batch.is_missing else "batch-incomplete",
        f"the batch {batch.batch}",
        "what it created and changed is in the graph",
        str(batch),
        "It was deleted since, or the graph was restored from an older copy. To load "
        f"it again, take it back first: `{rollback_command(batch.batch)}`.",
    )


def _violated(violation: Violation) -> Finding:
    found = "; ".join(
        f"{row['value']!r}: {row['count']:,}, such as {', '.join(row['ids'])}"
        for row in violation.rows
    )
    return Finding(
        "constraint-violated",
        described(violation.constraint),
        violation.expected,
        found,
        violation.advice,
    )


def _lacking(lacking: LackingLabels) -> Finding:
    at_least = "" if lacking.full else "at least "
    amount = _amount(lacking.count, EntityType.NODE)
    bases = ":".join(lacking.bases)
    return Finding(
        "label-missing",
        f"(:{lacking.label})",
        f"each node is (:{lacking.label}:{bases}), as the history has the model",
        f"{at_least}{amount} without, such as {lacking.example}",
        "What is asked of the base passes them by. Add what is missing: "
        "`alembic-neo4j repair`.",
        "add the labels that are missing",
        labels=(lacking.label, *lacking.bases),
    )


def _unread(found: Unreadable) -> Finding:
    declared, owner = found.property, found.owner
    shown = f"(:{owner})" if found.entity is EntityType.NODE else f"[:{owner}]"
    value = repr(found.value)
    return Finding(
        "value-unreadable",
        f"{shown} {declared.name}",
        f"values that the model can read, {described_kind(declared)}",
        f"{_amount(found.count, found.entity)}, such as {', '.join(found.ids)}: "
        f"{value if len(value) <= _SHOWN else value[:_SHOWN] + '…'}: {found.reason}",
        "Mend the values, for instance by op.run_cypher, or declare the property as "
        "what they are.",
    )


def _undeclared(
    what: str, found: Mapping[str, int], declared: Iterable[str]
) -> Iterator[Finding]:
    entity = EntityType.NODE if what == "label" else EntityType.RELATIONSHIP
    for name in sorted(set(found) - set(declared)):
        yield Finding(
            f"{what}-undeclared",
            f"(:{name})" if what == "label" else f"[:{name}]",
            f"only {what}s that the history declares",
            _amount(found[name], entity),
            f"{_KNOWN}env.py.",
        )


def _unused(
    what: str, declared: Iterable[str], found: Mapping[str, int]
) -> Iterator[Finding]:
    noun = "node" if what == "label" else "relationship"
    for name in sorted(set(declared) - set(found)):
        yield Finding(
            f"{what}-unused",
            f"(:{name})" if what == "label" else f"[:{name}]",
            f"the {what} that is declared is in use",
            f"no {noun} has it",
            "It may be new, or it was forgotten when it was renamed.",
        )


@dataclass(frozen=True)
class _Stray:
    """What is wrong with a property of a label or type."""

    owner: str
    property: str
    declared: tuple[str, ...]


def _judge_shapes(contents: Contents, expected: Declarations) -> Iterator[Finding]:
    strays: dict[_Stray, list[Shape]] = {}
    for shape in contents.shapes:
        if (stray := _stray(shape, expected)) is not None:
            strays.setdefault(stray, []).append(shape)
    for stray in sorted(strays, key=lambda s: (s.owner, s.property)):
        yield _strayed(stray, strays[stray], full=contents.full)
    if contents.truncated:
        yield Finding(
            "property-undeclared",
            "the data",
            "a schema",
            "more different properties than are reported here",
            "Declare the nodes that hold them as open (SemiStructuredNode).",
        )


def _stray(shape: Shape, expected: Declarations) -> _Stray | None:
    is_node = shape.entity is EntityType.NODE
    declared = expected.nodes if is_node else expected.relationships
    known = [label for label in shape.labels if label in declared]
    allowed = [
        declared[label][shape.property]
        for label in known
        if shape.property in declared[label]
    ]
    if not known or any(not types or shape.type in types for types in allowed):
        return None
    if not allowed and set(known) & set(expected.open):
        return None
    owner = ":".join(_own(known, declared) if is_node else known)
    types = tuple(sorted({t for types in allowed for t in types}))
    return _Stray(f"(:{owner})" if is_node else f"[:{owner}]", shape.property, types)


def _own(
    labels: Sequence[str], declared: Mapping[str, Mapping[str, Sequence[str]]]
) -> list[str]:
    # A model has the properties of its bases: what they declare is said by it.
    return [
        label
        for label in labels
        if not any(
            set(declared[label]) < set(declared[other])
            for other in labels
            if other != label
        )
    ]


def _strayed(stray: _Stray, shapes: Sequence[Shape], *, full: bool) -> Finding:
    types = ", ".join(sorted({_plain(shape.type) for shape in shapes}))
    amount = _amount(sum(shape.count for shape in shapes), shapes[0].entity)
    at_least = "" if full else "at least "
    found = f"{types} in {at_least}{amount}, such as {shapes[0].example}"
    if not stray.declared:
        return Finding(
            "property-undeclared",
            f"{stray.owner} {stray.property}",
            "only properties that the history declares",
            found,
            f"{_KNOWN}env.py{_OPEN if shapes[0].entity is EntityType.NODE else '.'}",
        )
    return Finding(
        "property-type",
        f"{stray.owner} {stray.property}",
        " or ".join(sorted({_plain(t) for t in stray.declared} - {"LIST<NOTHING>"})),
        found,
        "Convert the values, or declare the type that they have.",
    )


def _amount(count: int, entity: EntityType) -> str:
    noun = "node" if entity is EntityType.NODE else "relationship"
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _plain(text: str) -> str:
    return read_type(text.removesuffix(" NOT NULL"))


def _types(properties: Iterable[Property]) -> dict[str, Sequence[str]]:
    return {declared.name: shown_types(declared.type) for declared in properties}

"""The steps that carry out a change of the schema on a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import singledispatch
from typing import Any

from alembic_neo4j.cypher import data_changes, data_checks, refactoring_steps, reversals
from alembic_neo4j.cypher.conversion_steps import Conversion
from alembic_neo4j.cypher.data_changes import Mark, archive_name, both, mark_name
from alembic_neo4j.cypher.load_targets import generated
from alembic_neo4j.cypher.patterns import (
    Scope,
    enclosed,
    nodes,
    one_of,
    relationships,
)
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.cypher.steps import (
    Batched,
    Check,
    Create,
    Drop,
    Step,
    Stop,
    identified,
)
from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    AddLabel,
    AddNode,
    AddProperty,
    AddRelationship,
    AddRelationshipType,
    AlterNode,
    AlterProperty,
    AlterRelationship,
    AlterRelationshipType,
    Change,
    DropConstraint,
    DropIndex,
    Placeholder,
    Refactoring,
    RemoveLabel,
    RemoveNode,
    RemoveProperty,
    RemoveRelationship,
    RemoveRelationshipType,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
    ReverseRelationships,
)
from alembic_neo4j.schema.changes.change import Part
from alembic_neo4j.schema.conversions import suggested_conversion
from alembic_neo4j.schema.definitions import (
    Direction,
    Element,
    EntityType,
    Property,
    Relationship,
    Schema,
)
from alembic_neo4j.schema.kinds import EXCLUSIVE, ConstraintKind, IndexKind
from alembic_neo4j.schema.known_names import Name
from alembic_neo4j.schema.property_classes import described_kind


def steps(change: Change, before: Schema, *, revision: str) -> tuple[Step, ...]:
    """Return what a change asks of the server, in the order in which it is to run.

    `before` is the schema just before the change, `revision` names where removed
    values are archived. What the data can stand in the way of is checked before the
    first write. Raises SchemaError where the change does not fit the schema.
    """
    found = _steps(change, before, revision)
    return tuple(
        identified(found, *_known_by(change), touches=lambda: _touches(change, before))
    )


def _touches(change: Change, before: Schema) -> tuple[Name, ...]:
    """Return the labels and types that a change says it reads or writes."""
    names = change.reads(before) | change.writes(before)
    parts = ((EntityType.NODE, Part.LABEL), (EntityType.RELATIONSHIP, Part.TYPE))
    return tuple((e, name) for e, part in parts for name in sorted(names.of(part)))


def _known_by(change: Change) -> tuple[Any, ...]:
    """Return the call of `op` that makes a change, by names that are public."""
    call = change.call
    keywords = {
        name: value
        for name, value in call.keywords.items()
        if name not in ("allow_unknown", "batch_size")
    }
    # That a rename leads back is no part of its call.
    undoes = {"undo": True} if getattr(change, "undo", False) else {}
    return call.name, call.arguments, {**keywords, **undoes}


@singledispatch
def _steps(change: Change, _before: Schema, _revision: str) -> Iterable[Step]:
    raise TypeError(f"not a change that can be carried out: {change!r}")


@_steps.register(Refactoring)
def _refactoring(change: Refactoring, before: Schema, revision: str) -> Iterable[Step]:
    return refactoring_steps.steps(change, before, revision)


@_steps.register(AddNode)
@_steps.register(RemoveNode)
@_steps.register(AlterNode)
@_steps.register(AddRelationship)
@_steps.register(RemoveRelationship)
@_steps.register(AddRelationshipType)
@_steps.register(RemoveRelationshipType)
@_steps.register(AlterRelationshipType)
def _declared_only(_change: Change, _before: Schema, _revision: str) -> Iterable[Step]:
    return ()


# Indexes and constraints ---------------------------------------------------------


@_steps.register(AddIndex)
def _add_index(change: AddIndex, before: Schema, _revision: str) -> Iterable[Step]:
    _refuse_clash(change.index, before)
    return (Create(change.index),)


@_steps.register(DropIndex)
def _drop_index(change: DropIndex, before: Schema, _revision: str) -> Iterable[Step]:
    return (Drop(before.indexes.get(change.index.key, change.index)),)


@_steps.register(AddConstraint)
def _add_constraint(
    change: AddConstraint, before: Schema, _revision: str
) -> Iterable[Step]:
    _refuse_clash(change.constraint, before)
    checks = data_checks.constraint_checks(change.constraint)
    return (*checks, Create(change.constraint))


@_steps.register(DropConstraint)
def _drop_constraint(
    change: DropConstraint, before: Schema, _revision: str
) -> Iterable[Step]:
    return (Drop(before.constraints.get(change.constraint.key, change.constraint)),)


# Labels and types ----------------------------------------------------------------


@_steps.register(RenameLabel)
def _rename_label(change: RenameLabel, before: Schema, revision: str) -> Iterable[Step]:
    if change.old == change.new:
        return ()
    kept = reversals.kept_name(change, revision) if change.undo else None
    scope = _with_those(nodes(change.old, change.new), change.new, change.where, kept)
    checks = _checks_on(change.new, scope, before, change.apply(before))
    # Where models have both, or some nodes are renamed, they become another model's.
    labels = [name for name in before.labels_of(change.new) if name != change.old]
    if change.undo:
        data = [*reversals.rename_back(change, labels[1:], revision)]
        return _moving(change, before, checks, data)
    own = [name for name in before.labels_of(change.old)[1:] if name != change.new]
    rename = data_changes.rename_label(
        *(change.old, labels),
        marks=reversals.rename_marks(change, labels[1:], own, revision),
        where=change.where,
        batch_size=change.batch_size,
    )
    return _moving(
        change, before, checks, [reversals.remember_label(change, revision), rename]
    )


@_steps.register(RenameRelationshipType)
def _rename_relationship_type(
    change: RenameRelationshipType, before: Schema, revision: str
) -> Iterable[Step]:
    if change.old == change.new:
        return ()
    where = change.where
    if change.source_labels:
        where = both(f"startNode(r):{one_of(change.source_labels)}", where)
    scope = relationships(change.old, change.new)
    kept = reversals.kept_name(change, revision) if change.undo else None
    scope = _with_those(scope, change.new, where, kept)
    checks = _checks_on(change.new, scope, before, change.apply(before))
    rename = data_changes.rename_type(
        *(change.old, change.new),
        unless=kept,
        where=where,
        batch_size=change.batch_size,
    )
    if kept is not None:
        data = [rename, data_changes.unmark(relationships(change.old), kept)]
    else:
        data = [reversals.remember_type(change, revision), rename]
    return _moving(change, before, checks, data)


@_steps.register(AddLabel)
def _add_label(change: AddLabel, before: Schema, revision: str) -> Iterable[Step]:
    if change.label == change.added:
        return ()
    scope = nodes(change.label, change.added)
    lacked = reversals.lacked(change, revision) if change.undo else None
    scope = _with_those(scope, change.added, change.where, lacked)
    checks = _checks_on(change.added, scope, before, before)
    added = [change.added]
    if change.where is not None and not change.undo:
        # These become nodes of that model; else the model of all of them gets a base.
        added = [n for n in before.labels_of(change.added) if n != change.label]
    add = data_changes.add_labels(
        *(change.label, added),
        mark=None if change.undo else Mark.LABELLED.of(revision, change.added),
        bases_mark=reversals.given_bases(revision, change.label, change.added),
        unless=lacked,
        where=change.where,
        batch_size=change.batch_size,
    )
    if lacked is None:
        return (*checks, add)
    return (*checks, add, data_changes.unmark(nodes(change.label), lacked))


@_steps.register(RemoveLabel)
def _remove_label(
    change: RemoveLabel, _before: Schema, revision: str
) -> Iterable[Step]:
    if change.undo:
        return (reversals.take_label_back(change, revision),)
    remove = data_changes.remove_label(
        *(change.label, change.removed),
        where=change.where,
        batch_size=change.batch_size,
    )
    return (reversals.remember_lacking(change, revision), remove)


@_steps.register(ReverseRelationships)
def _reverse_relationships(
    change: ReverseRelationships, _before: Schema, revision: str
) -> Iterable[Step]:
    mark = mark_name(revision, "reversed")
    kept = reversals.kept_direction(change, revision) if change.undo else None
    turn = data_changes.reverse(
        *(change.source, change.type, change.target),
        mark=mark,
        unless=kept,
        where=change.where,
        batch_size=change.batch_size,
    )
    turned = (turn, data_changes.unmark(relationships(change.type), mark))
    if kept is None:
        return (*reversals.remember_direction(change, revision), *turned)
    return (*turned, data_changes.unmark(relationships(change.type), kept))


def _with_those(
    scope: Scope, name: str, where: str | None, unless: str | None = None
) -> Scope:
    """Return what is going to be called so: what is already, and what `where` holds.

    What has the mark `unless` is not called so.
    """
    narrowed = [] if where is None else [enclosed(where)]
    if unless is not None:
        narrowed.append(f"{scope.value(unless)} IS NULL")
    if not narrowed:
        return scope
    called = f"{scope.variable}:{quote(name)} OR {' AND '.join(narrowed)}"
    return replace(scope, where=called)


# Properties ----------------------------------------------------------------------


@_steps.register(AddProperty)
def _add_property(
    change: AddProperty, _before: Schema, revision: str
) -> Iterable[Step]:
    scope = Scope(change.entity, (change.owner,))
    backfill = _backfill(
        change, scope, reversals.filled(revision, change.declared.name)
    )
    if change.restore:
        archive = archive_name(revision, change.declared.name)
        return (*_restore(scope, change.declared.name, archive), *backfill)
    if change.declared.required:
        return (*data_checks.rules(_missing_after(change, scope)), *backfill)
    return backfill


@_steps.register(RemoveProperty)
def _remove_property(
    change: RemoveProperty, _before: Schema, revision: str
) -> Iterable[Step]:
    scope = Scope(change.entity, (change.owner,))
    if change.values == "undo":
        return (reversals.take_values_back(scope, change.name, revision),)
    if change.values == "delete":
        return (data_changes.remove_property(scope, change.name),)
    if change.values == "archive":
        archive = data_changes.move_property(
            scope,
            change.name,
            archive_name(revision, change.name),
            among=f"{scope.value(change.name)} IS NOT NULL",
            title=f"archive {change.name} of {scope}",
        )
        return (archive,)
    return ()


@_steps.register(RenameProperty)
def _rename_property(
    change: RenameProperty, before: Schema, revision: str
) -> Iterable[Step]:
    if change.old == change.new:
        return ()
    checks = _checks_on_renamed(change, before, revision)
    if change.undo:
        conflicts = reversals.conflicts(change, revision)
        undo = reversals.undo_rename(change, revision)
        return _moving(change, before, [*conflicts, *checks], undo)
    scope = Scope(change.entity, (change.owner,))
    among = f"{scope.value(change.old)} IS NOT NULL"
    if change.where is not None:
        among += f" AND {enclosed(change.where)}"
    conflict = data_checks.both_present(
        scope,
        change.old,
        change.new,
        among,
        advice='Remove one of the two, or say on_conflict="overwrite" or "keep".',
    )
    rename = data_changes.move_property(
        scope,
        change.old,
        change.new,
        among=among,
        on_conflict=change.on_conflict,
        hidden=reversals.hidden(change, revision),
        batch_size=change.batch_size,
    )
    data = [reversals.remember_value(change, revision), rename]
    if change.on_conflict == "fail":
        # Again after it: what was written meanwhile is left alone, and not hidden.
        return _moving(change, before, [conflict, *checks], [*data, conflict])
    return _moving(change, before, checks, data)


@_steps.register(AlterProperty)
def _alter_property(
    change: AlterProperty, before: Schema, revision: str
) -> Iterable[Step]:
    scope = Scope(change.entity, (change.owner,))
    old = _declared(change, before)
    new = change.altered(old)
    conversion = Conversion(scope, old, new, revision)
    if change.undo:
        using = change.using if isinstance(change.using, str) else None
        return conversion.undoing(using, _conversion_wanted(change, old, new))
    if isinstance(change.using, Placeholder):
        return (Stop(_conversion_wanted(change, old, new)),)
    if change.using is not None:
        return conversion.steps(change.using)
    retyped = old.type != new.type
    return (
        *(data_checks.wrong_types(scope, new.name, new.type) if retyped else ()),
        *data_checks.value_checks(scope, old, new),
    )


# Relationships -------------------------------------------------------------------


@_steps.register(AlterRelationship)
def _alter_relationship(
    change: AlterRelationship, before: Schema, _revision: str
) -> Iterable[Step]:
    old = change.relationship
    new = replace(old, **dict(change.values))
    after = change.apply(before)
    return (
        *data_checks.rules(_endpoint_checks(change.label, old, new, after)),
        *data_checks.cardinality_checks(change.label, old, new),
        *data_checks.rules(_exclusion_checks(change.label, old, new, after)),
    )


# Moving indexes and constraints --------------------------------------------------


def _moving(
    change: Change, before: Schema, checks: Iterable[Check], data: Iterable[Step]
) -> Iterable[Step]:
    """Drop what the change moves, change the data, and create it where it belongs."""
    after = change.apply(before)
    drops = [Drop(e) for key, e in before.elements.items() if key not in after.elements]
    creates = [
        Create(e) for key, e in after.elements.items() if key not in before.elements
    ]
    for step in creates:
        _refuse_clash(step.element, after)
    return (*checks, *drops, *data, *creates)


def _checks_on(
    label: str, scope: Scope, before: Schema, after: Schema
) -> Iterable[Check]:
    """Check the constraints of a label for all nodes that are going to carry it."""
    for key, constraint in after.constraints.items():
        if constraint.entity is scope.entity and constraint.label == label:
            # One that stands already stays as it is.
            standing = before.constraints.get(key, constraint)
            yield from data_checks.constraint_checks(standing, scope)


def _checks_on_renamed(
    change: RenameProperty, before: Schema, revision: str
) -> Iterable[Check]:
    """Check the constraints on the new name for the values it is going to have."""
    after = change.apply(before)
    labels = {change.owner}
    if change.entity is EntityType.NODE:
        labels |= {node.label for node in before.models_with(change.owner)}
    for key, constraint in after.constraints.items():
        concerned = constraint.entity is change.entity and constraint.label in labels
        if concerned and change.new in constraint.properties:
            standing = before.constraints.get(key, constraint)
            value = _renamed_value(change, constraint.label, revision)
            values = {change.new: value}
            yield from data_checks.constraint_checks(standing, values=values)


def _renamed_value(change: RenameProperty, label: str, revision: str) -> str:
    scope = Scope(change.entity, (label,))
    names = (change.old, change.new)
    if change.on_conflict == "keep":
        names = (change.new, change.old)
    renamed = f"coalesce({', '.join(scope.value(name) for name in names)})"
    conditions = []
    if label != change.owner:
        conditions.append(f"{scope.variable}:{quote(change.owner)}")
    if change.where is not None:
        conditions.append(enclosed(change.where))
    if change.undo:
        kept = scope.value(reversals.kept_value(change, revision))
        conditions.append(f"{kept} IS NULL")
    if not conditions:
        return renamed
    untouched = scope.value(change.new)
    return f"CASE WHEN {' AND '.join(conditions)} THEN {renamed} ELSE {untouched} END"


def _refuse_clash(element: Element, schema: Schema) -> None:
    """Raise SchemaError where a constraint's index and a RANGE index would meet."""
    if not element.kind.traits.exclusive:
        return
    for kind in EXCLUSIVE:
        other = _at_same_place(element, kind, schema)
        if other is not None and kind is not element.kind:
            raise SchemaError(
                f"{element.kind.value} {element.name!r} can't be created beside "
                f"{other.kind.value} {other.name!r}: Neo4j keeps one index for "
                f"{'|'.join(element.labels)}({', '.join(element.properties)}), and a "
                "constraint brings its own. Drop the other one first"
            )


def _at_same_place(
    element: Element, kind: IndexKind | ConstraintKind, schema: Schema
) -> Element | None:
    entity, properties = element.entity.value, element.properties
    if isinstance(kind, IndexKind):
        return schema.indexes.get((kind.value, entity, element.labels, properties))
    label = element.labels[0]
    return schema.constraints.get((kind.value, entity, label, properties))


# Values --------------------------------------------------------------------------


def _restore(scope: Scope, name: str, archive: str) -> Iterable[Step]:
    among = f"{scope.value(archive)} IS NOT NULL"
    yield data_checks.both_present(
        scope,
        archive,
        name,
        among,
        advice=f"The archived values of {name!r} come back, and these entities have "
        "got others meanwhile: remove one of the two.",
    )
    yield data_changes.move_property(
        scope,
        archive,
        name,
        among=among,
        on_conflict="fail",
        title=f"bring back {name} of {scope}",
    )


def _backfill(change: AddProperty, scope: Scope, mark: str) -> Iterable[Step]:
    name = change.declared.name
    if change.backfill is None or change.backfill is False:
        return ()
    if isinstance(change.backfill, str):
        return (data_changes.fill(scope, name, change.backfill, mark=mark),)
    if isinstance(change.backfill, Placeholder):
        return (Stop(_backfill_wanted(change, scope)),)
    return (_default(change, scope, mark),)


def _missing_after(change: AddProperty, scope: Scope) -> Iterable[Check]:
    """Check that a required property is there when the backfill has run."""
    name = change.declared.name
    if isinstance(change.backfill, str):
        given = f"coalesce({scope.value(name)}, {enclosed(change.backfill)})"
        yield data_checks.missing(scope, [name], [given])
    elif not change.backfill:
        yield data_checks.missing(scope, [name])


def _default(change: AddProperty, scope: Scope, mark: str) -> Batched | Stop:
    declared = change.declared
    if declared.default is not None:
        return data_changes.set_default(
            scope, declared.name, declared.default, mark=mark
        )
    expression = generated(declared)
    if expression is not None:
        return data_changes.fill(scope, declared.name, expression, mark=mark)
    return Stop(_backfill_wanted(change, scope))


def _backfill_wanted(change: AddProperty, scope: Scope) -> str:
    name, variable = change.declared.name, scope.variable
    kind = "node" if change.entity is EntityType.NODE else "relationship"
    marked = isinstance(change.backfill, Placeholder)
    written = "op.FILL_IN" if marked else "True"
    why = "" if marked else f": {name!r} has no default that Cypher can express"
    return (
        f"{scope} needs values for {name!r}{why}. Edit the revision file: in "
        f"op.add_{kind}_property({change.owner!r}, {name!r}, …, backfill={written}) "
        f"replace {written} by a Cypher expression over {variable} such as "
        f"\"coalesce({variable}.other, 'unknown')\", or by None and fill the values "
        "with op.run_cypher before it"
    )


def _declared(change: AlterProperty, before: Schema) -> Property:
    owners: Mapping[str, Any] = before.relationship_types
    if change.entity is EntityType.NODE:
        owners = before.nodes
    owner = owners.get(change.owner)
    known: Property | None = owner and owner.property(change.name)
    if known is not None:
        return known
    return replace(Property(change.name), **dict(change.existing or ()))


def _conversion_wanted(change: AlterProperty, old: Property, new: Property) -> str:
    kind = "node" if change.entity is EntityType.NODE else "relationship"
    before, after = described_kind(old), described_kind(new)
    changed = f" from {before} to {after}" if before != after else ""
    suggested = suggested_conversion(old, new)
    return (
        f"the values of {change.owner}.{change.name} have to be converted{changed}. "
        f"Edit the revision file: in op.alter_{kind}_property({change.owner!r}, "
        f"{change.name!r}, …, using=op.FILL_IN) replace op.FILL_IN by a Cypher "
        f"expression over value such as {_in_double_quotes(suggested)}, or by None and "
        "convert the values with op.run_cypher before it"
    )


def _in_double_quotes(expression: str) -> str:
    return repr(expression) if '"' in expression else f'"{expression}"'


# Endpoints -----------------------------------------------------------------------


def _endpoint_checks(
    label: str, old: Relationship, new: Relationship, after: Schema
) -> Iterable[Check]:
    """Check that no relationship has an end that is not declared any more."""
    turned = new.direction is not old.direction
    directions = [new.direction] if turned or new.target != old.target else []
    if turned and new.direction is not Direction.ANY:
        # One that leads the other way was declared by the old direction.
        directions.append(new.direction.reversed)
    for direction in directions:
        seen = replace(new, direction=direction)
        allowed = _allowed_targets(label, seen, after)
        if not any(target.startswith("?") for target in allowed):
            yield data_checks.stray_endpoints(label, seen, allowed)


def _allowed_targets(label: str, seen: Relationship, schema: Schema) -> set[str]:
    """Return the labels at the other end that the models of both ends declare."""
    models = schema.models_with(label)
    own_labels = {name for model in models for name in model.labels} | {label}
    either, turned = {seen.direction, Direction.ANY}, {seen.direction.reversed}
    if seen.direction is Direction.ANY:
        either, turned = set(Direction), set(Direction)
    allowed = {
        declared.target
        for model in models
        for declared in model.relationships
        if declared.type == seen.type and declared.direction in either
    }
    return allowed | {
        model.label
        for model in schema.nodes.values()
        for declared in model.relationships
        if declared.type == seen.type
        and declared.direction in turned | {Direction.ANY}
        and declared.target in own_labels
    }


def _exclusion_checks(
    label: str, old: Relationship, new: Relationship, after: Schema
) -> Iterable[Check]:
    group = new.exclusion_group
    if group is None or group == old.exclusion_group or label not in after.nodes:
        return
    declared = after.nodes[label].relationships
    members = [member for member in declared if member.exclusion_group == group]
    if len(members) > 1:
        yield data_checks.mutual_exclusion(label, members)

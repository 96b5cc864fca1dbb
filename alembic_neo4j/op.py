"""What a revision calls: ``from alembic_neo4j import op``.

Each function builds an operation and hands it to Alembic's own ``op.invoke``, so that
upgrade, downgrade, ``--sql`` and a replay in memory all see the same operations.
Positional arguments come first, the rest is keyword-only. Labels, types and property
names are those in the graph. One that is sought, and that neither history nor graph
has, is an error before anything runs where it looks like a slip for a known one, unless
an operation says `allow_unknown`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from alembic import op as alembic_op
from sqlalchemy import Executable

from alembic_neo4j.cypher.batch_rollback import RollbackCounts
from alembic_neo4j.cypher.load_targets import (
    Endpoint,
    LoadTarget,
    NodeTarget,
    OnUnmatched,
    RelationshipTarget,
)
from alembic_neo4j.errors import IngestError, RevisionError, SchemaError
from alembic_neo4j.files.formats import FileFormat
from alembic_neo4j.files.operations import (
    BackUpFile,
    CopyFile,
    EnsureDirectory,
    MoveFile,
    RemoveDirectory,
    RemoveFile,
    WriteFile,
    shown,
)
from alembic_neo4j.graph.loading import LoadCounts
from alembic_neo4j.ingest.transfer_mapping import TransferCounts
from alembic_neo4j.ledger.batches import Loader
from alembic_neo4j.migration.batch_operations import (
    BeginBatchOp,
    LoadFileOp,
    LoadOp,
    UndoBatchOp,
)
from alembic_neo4j.migration.file_operations import FileOp, ReadFileOp
from alembic_neo4j.migration.operations import (
    ChangeOp,
    RunCypherFileOp,
    RunCypherOp,
    check_default_of,
    check_defaults,
    check_parameters,
    judged,
)
from alembic_neo4j.migration.transfer_operation import TransferOp
from alembic_neo4j.migration_types import MigrationResult as MigrationResult
from alembic_neo4j.schema import changes as _changes
from alembic_neo4j.schema.changes import Change, Placeholder
from alembic_neo4j.schema.definitions import (
    Constraint,
    Direction,
    EntityType,
    Index,
    Node,
    RelationshipType,
)
from alembic_neo4j.schema.definitions import Property as Property  # a revision's own
from alembic_neo4j.schema.definitions import Relationship as Relationship
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind

if TYPE_CHECKING:
    from alembic_neo4j.migration.context import Neo4jMigrationContext
    from alembic_neo4j.migration.operations import Bind

FILL_IN = Placeholder.FILL_IN
"""Stands where you have to write something before the revision can run."""

Backfill: TypeAlias = bool | str | Placeholder | None
DirectionName: TypeAlias = Literal["OUT", "IN", "ANY"]
Labels: TypeAlias = str | Sequence[str]
Names: TypeAlias = str | Sequence[str]
Rows: TypeAlias = Iterable[Mapping[str, Any]]
FilePath: TypeAlias = str | PathLike[str]
FileRules: TypeAlias = Mapping[str, Any] | str | PathLike[str] | None

_UNSET: Any = object()


# Statements ---------------------------------------------------------------------


def run_cypher(
    cypher: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    repeatable: bool = False,
) -> list[dict[str, Any]]:
    """Run a statement at once and return its rows, each a dict by column.

    What was called before it has been committed by then. In a replay nothing runs and
    there are no rows; guard what depends on rows with `is_replaying`. When a killed
    upgrade is run again, an auto-commit statement (``CALL … IN TRANSACTIONS``) that may
    have run in part is refused unless it is `repeatable`.
    """
    rows: list[dict[str, Any]] = alembic_op.invoke(
        RunCypherOp(cypher, dict(parameters or {}), repeatable)
    )
    return rows


def run_cypher_file(
    path: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    repeatable: bool = False,
) -> None:
    """Run the statements of a file of Cypher; their rows are nobody's.

    The file is looked for beside the revision's, then in each directory above it, such
    as the project's. It is part of the revision: its name stands in the call as one
    string that ends in ``.cypher``, ``.cql`` or ``.cyp``, and an edited file is noticed
    as an edited revision is. Statements of a kind share a transaction. Each gets the
    parameters that it uses, which win over those that the file sets by ``:param``;
    ``:use`` and other commands to a client are refused. `repeatable` is that of
    `run_cypher`.
    """
    alembic_op.invoke(RunCypherFileOp(path, dict(parameters or {}), repeatable))


def execute(cypher: Any, execution_options: Mapping[str, Any] | None = None) -> None:
    """Run a Cypher text; an SQLAlchemy construct goes to the ledger's database."""
    if not isinstance(cypher, (str, Executable)):
        raise RevisionError(
            f"op.execute: cypher = {cypher!r}: expected a Cypher text or a construct "
            f"of SQLAlchemy, found {type(cypher).__name__}"
        )
    options = None if execution_options is None else dict(execution_options)
    alembic_op.execute(cypher, execution_options=options)


def get_bind() -> Bind:
    """Return the graph: its ``run(cypher, **parameters)`` returns rows as dicts."""
    return cast("Bind", get_context().impl.bind)


def get_context() -> Neo4jMigrationContext:
    """Return the migration context, for its ``autocommit_block()``."""
    return cast("Neo4jMigrationContext", alembic_op.get_context())


def is_replaying() -> bool:
    """Tell whether the history is being replayed in memory.

    Nothing reaches the graph then, and reads return no rows.
    """
    return get_context().replaying


# Models -------------------------------------------------------------------------


def add_node(
    label: str,
    *declarations: Property | Relationship,
    bases: Sequence[str] = (),
    optional_labels: Sequence[str] = (),
    open: bool = False,
    databases: Sequence[str] = (),
    kgid: str | None = None,
    allow_nan: bool = False,
) -> None:
    """Declare a model: its properties and relationships, its labels, its identity.

    `bases` are the other labels that each of its nodes carries, `open` says that nodes
    may have properties which are not declared. A default that is infinite needs
    `allow_nan`. No node is written.
    """
    node = Node(
        label,
        tuple(d for d in declarations if isinstance(d, Property)),
        tuple(d for d in declarations if isinstance(d, Relationship)),
        bases=tuple(bases),
        optional_labels=tuple(optional_labels),
        open=open,
        databases=tuple(databases),
        kgid=kgid,
    )
    check_defaults(*node.properties, allow_nan=allow_nan)
    _invoke(_changes.AddNode(node))


def remove_node(label: str) -> None:
    """Declare a model no longer; its nodes stay as they are."""
    _invoke(_changes.RemoveNode(label))


def alter_node(
    label: str,
    *,
    optional_labels: Sequence[str] = _UNSET,
    open: bool = _UNSET,
    databases: Sequence[str] = _UNSET,
    kgid: str | None = _UNSET,
) -> None:
    """Change what a model declares of its nodes; no node is written."""
    values = _values(
        optional_labels=optional_labels, open=open, databases=databases, kgid=kgid
    )
    _invoke(_changes.AlterNode(label, values))


def add_label(
    label: str,
    added: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
    undo: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Give every node with `label` a further label: a new concrete base class.

    With `where`, a Cypher predicate over ``n``, only those get it that it holds for,
    and what the models declare stays as it is. With `undo`, in the downgrade of a
    revision that removes it, those stay without it that lacked it before.
    """
    _invoke(
        _changes.AddLabel(
            label,
            added,
            where=where,
            batch_size=batch_size,
            undo=undo,
            allow_unknown=allow_unknown,
        )
    )


def remove_label(
    label: str,
    removed: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
    undo: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Take a label off every node with `label`: a base class became abstract.

    `where` is that of `add_label`. With `undo`, in the downgrade of a revision that
    adds it, only those lose it that the revision has given it.
    """
    _invoke(
        _changes.RemoveLabel(
            label,
            removed,
            where=where,
            batch_size=batch_size,
            undo=undo,
            allow_unknown=allow_unknown,
        )
    )


def rename_label(
    old: str,
    new: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
    undo: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Rename a label on all its nodes, with its indexes and constraints.

    With `where`, a Cypher predicate over ``n``, only on those that it holds for; then
    the indexes and constraints stay where they are. With `undo`, in the downgrade of a
    revision that renames `new` to `old`, nodes that had `old` before it keep that.
    """
    _invoke(
        _changes.RenameLabel(
            old,
            new,
            where=where,
            batch_size=batch_size,
            undo=undo,
            allow_unknown=allow_unknown,
        )
    )


# Properties ---------------------------------------------------------------------


def add_node_property(
    label: str,
    name: str,
    type: str = "ANY",
    *,
    required: bool = False,
    default: Any = None,
    default_factory: str | None = None,
    choices: Sequence[str] | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
    crs: str | None = None,
    format: str | None = None,
    attribute: str = "",
    backfill: Backfill = None,
    allow_nan: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Declare a property, and give it to those that lack it.

    Where there is a `default`, every node that lacks it gets it, unless
    `backfill` is False. `backfill` may be a Cypher expression over ``n``. A default
    that no property can hold is an error; one that is infinite needs `allow_nan`.
    """
    declared = _property(locals())
    if backfill is None and default is not None:
        backfill = True
    elif backfill is False:
        backfill = None
    _invoke(
        _changes.AddProperty(
            EntityType.NODE, label, declared, backfill, allow_unknown=allow_unknown
        )
    )


def restore_node_property(
    label: str,
    name: str,
    type: str = "ANY",
    *,
    required: bool = False,
    default: Any = None,
    default_factory: str | None = None,
    choices: Sequence[str] | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
    crs: str | None = None,
    format: str | None = None,
    attribute: str = "",
    allow_nan: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Declare a property again; the values that this revision archived come back."""
    declared = _property(locals())
    _invoke(
        _changes.AddProperty(
            EntityType.NODE, label, declared, restore=True, allow_unknown=allow_unknown
        )
    )


def remove_node_property(
    label: str,
    name: str,
    archive: bool = True,
    *,
    keep: bool = False,
    undo: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Declare a property no longer.

    Its values are archived, deleted with ``archive=False``, left alone with `keep`.
    With `undo`, in the downgrade of a revision that adds the property, those go that
    the revision has filled in and nobody has changed since, and no others.
    """
    values = _removal(archive, keep, undo)
    _invoke(
        _changes.RemoveProperty(
            EntityType.NODE, label, name, values, allow_unknown=allow_unknown
        )
    )


def alter_node_property(
    label: str,
    name: str,
    *,
    type: str = _UNSET,
    required: bool = _UNSET,
    default: Any = _UNSET,
    default_factory: str | None = _UNSET,
    choices: Sequence[str] | None = _UNSET,
    max_length: int | None = _UNSET,
    pattern: str | None = _UNSET,
    crs: str | None = _UNSET,
    format: str | None = _UNSET,
    using: str | Placeholder | None = None,
    undo: bool = False,
    allow_nan: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Change what is declared of a property; values that it forbids stop the upgrade.

    A new `default` fills nothing in. `using` is a Cypher expression over ``value`` that
    gives each stored value anew. With `undo`, in the downgrade of a revision that
    converts them, what has not changed since gets the very value back that it had, and
    `using` converts the others.
    """
    values = _property_values(locals())
    _invoke(
        _changes.AlterProperty(
            EntityType.NODE,
            label,
            name,
            values,
            using=using,
            undo=undo,
            allow_unknown=allow_unknown,
        )
    )


def rename_node_property(
    label: str,
    old: str,
    new: str,
    *,
    on_conflict: _changes.OnConflict = "fail",
    where: str | None = None,
    batch_size: int | None = None,
    attribute: str | None = None,
    undo: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Rename a property, with its indexes and constraints.

    Where both names are present, `on_conflict` says what happens: fail before anything
    is written, overwrite the new one, or keep it; the other value is archived. `where`
    is a Cypher predicate over ``n`` that narrows it down. `attribute` is the model's
    name for it from then on, where that does not follow the property's. With `undo`, in
    the downgrade of a revision that renames `new` to `old`, what had `old` before it
    keeps that, and archived values come back.
    """
    _invoke(
        _changes.RenameProperty(
            *(
                EntityType.NODE,
                label,
                old,
                new,
                on_conflict,
                where,
                batch_size,
                attribute,
            ),
            undo=undo,
            allow_unknown=allow_unknown,
        )
    )


# Relationships ------------------------------------------------------------------


def add_relationship(
    label: str,
    relationship_type: str,
    target: str,
    *,
    direction: DirectionName = "OUT",
    cardinality: str = "ZeroOrMore",
    exclusion_group: str | None = None,
    attribute: str = "",
    allow_unknown: bool = False,
) -> None:
    """Declare a relationship on a model; nothing is written."""
    declared = Relationship(
        relationship_type,
        target,
        direction=Direction(direction),
        cardinality=cardinality,
        exclusion_group=exclusion_group,
        attribute=attribute,
    )
    _invoke(_changes.AddRelationship(label, declared, allow_unknown=allow_unknown))


def remove_relationship(
    label: str,
    relationship_type: str,
    target: str,
    *,
    direction: DirectionName = "OUT",
    allow_unknown: bool = False,
) -> None:
    """Declare a relationship no longer; those in the graph stay."""
    declared = Relationship(relationship_type, target, direction=Direction(direction))
    _invoke(_changes.RemoveRelationship(label, declared, allow_unknown=allow_unknown))


def alter_relationship(
    label: str,
    relationship_type: str,
    target: str,
    *,
    direction: DirectionName = "OUT",
    cardinality: str = _UNSET,
    exclusion_group: str | None = _UNSET,
    new_target: str = _UNSET,
    new_direction: DirectionName = _UNSET,
    allow_unknown: bool = False,
) -> None:
    """Change what a model declares of a relationship.

    Relationships that the new declaration forbids stop the upgrade.
    """
    declared = Relationship(relationship_type, target, direction=Direction(direction))
    if new_direction is not _UNSET:
        new_direction = Direction(new_direction)  # type: ignore[assignment]
    values = _values(
        cardinality=cardinality,
        exclusion_group=exclusion_group,
        target=new_target,
        direction=new_direction,
    )
    change = _changes.AlterRelationship(
        label, declared, values, allow_unknown=allow_unknown
    )
    _invoke(change)


def reverse_relationships(
    source_label: str,
    relationship_type: str,
    target_label: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
    undo: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Turn round every relationship of the type from the one label to the other.

    With `where`, a Cypher predicate over ``r``, only those that it holds for, and what
    the models declare stays as it is. With `undo`, in the downgrade of a revision that
    turns them round, those stay that led so before it.
    """
    _invoke(
        _changes.ReverseRelationships(
            source_label,
            relationship_type,
            target_label,
            where=where,
            batch_size=batch_size,
            undo=undo,
            allow_unknown=allow_unknown,
        )
    )


def add_relationship_type(
    relationship_type: str,
    *properties: Property,
    kgid: str | None = None,
    allow_nan: bool = False,
) -> None:
    """Declare the properties of a relationship type; nothing is written."""
    check_defaults(*properties, allow_nan=allow_nan)
    declared = RelationshipType(relationship_type, properties, kgid=kgid)
    _invoke(_changes.AddRelationshipType(declared))


def remove_relationship_type(relationship_type: str) -> None:
    """Declare the properties of a relationship type no longer; the values stay."""
    _invoke(_changes.RemoveRelationshipType(relationship_type))


def alter_relationship_type(relationship_type: str, *, kgid: str | None) -> None:
    """Change the identity that a relationship type's model declares."""
    _invoke(_changes.AlterRelationshipType(relationship_type, (("kgid", kgid),)))


def rename_relationship_type(
    old: str,
    new: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
    source_labels: Sequence[str] = (),
    undo: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Rename a relationship type, with its indexes and constraints.

    The relationships are written anew, so their element ids change. With `where`, a
    Cypher predicate over ``r``, only those that it holds for; with `source_labels`
    only those that begin at a node with one of the labels, as models declare them: so
    several types become one, and part again. Indexes and constraints then stay where
    they are. With `undo`, in the downgrade of a revision that renames `new` to `old`,
    those stay that were of the type `old` before it.
    """
    _invoke(
        _changes.RenameRelationshipType(
            old,
            new,
            where=where,
            batch_size=batch_size,
            source_labels=tuple(source_labels),
            undo=undo,
            allow_unknown=allow_unknown,
        )
    )


# Refactorings -------------------------------------------------------------------


def copy_node_property(
    label: str,
    old: str,
    new: str,
    *,
    on_conflict: _changes.OnConflict = "fail",
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Write the values of a property to another one as well.

    Where the other one has a different value, `on_conflict` says what happens: fail
    before anything is written, overwrite it, or keep it. `where` is a Cypher predicate
    over ``n`` that narrows it down.

    As with all refactorings, a label or type that no model has had in the history is an
    error, unless `allow_unknown`; none is where there are no models at all. What the
    models declare stays as it is; the change runs in batches of `batch_size`, goes on
    where it was killed, and ``alembic-neo4j plan`` counts what it is about.
    """
    _invoke(
        _changes.CopyProperty(
            *(EntityType.NODE, label, old, new),
            on_conflict=on_conflict,
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def backfill_node_property(
    label: str,
    name: str,
    expression: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Set a property by a Cypher expression over ``n`` where it is missing."""
    _invoke(
        _changes.BackfillProperty(
            *(EntityType.NODE, label, name, expression),
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def add_node_surrogate_key(
    label: str,
    name: str = "id",
    *,
    generator: str = "randomUUID()",
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Give a key of its own to each node that has none.

    `generator` is a Cypher expression over ``n``, such as ``elementId(n)``.
    """
    backfill_node_property(
        label,
        name,
        generator,
        where=where,
        batch_size=batch_size,
        allow_unknown=allow_unknown,
    )


def add_relationship_surrogate_key(
    relationship_type: str,
    name: str = "id",
    *,
    generator: str = "randomUUID()",
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Give a key of its own to each relationship that has none.

    `generator` is a Cypher expression over ``r``, such as ``elementId(r)``.
    """
    backfill_relationship_property(
        relationship_type,
        name,
        generator,
        where=where,
        batch_size=batch_size,
        allow_unknown=allow_unknown,
    )


def convert_node_property(
    label: str,
    name: str,
    using: str,
    *,
    on_failure: _changes.OnFailure = "fail",
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Replace each value of a property by what an expression over ``value`` gives.

    Where `using` gives nothing, `on_failure` says what happens: fail before anything is
    written, keep the old value, remove it, or archive it, to be found by
    ``alembic-neo4j archive list``. What a model declares of the property is changed by
    `alter_node_property`, which converts as well.
    """
    _invoke(
        _changes.ConvertProperty(
            *(EntityType.NODE, label, name, using),
            on_failure=on_failure,
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def normalize_node_boolean(
    label: str,
    name: str,
    *,
    true_values: Sequence[Any] = (),
    false_values: Sequence[Any] = (),
    unmatched: _changes.Unmatched = "keep",
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Turn the values that stand for true and for false into these.

    The text ``"1"`` and the number ``1`` are different values; None stands for no
    value. Values that are in neither list are kept, and the log tells of them;
    ``unmatched="remove"`` removes them. Raises SchemaError for a value in both lists.
    """
    check_parameters({"true_values": true_values, "false_values": false_values})
    _invoke(
        _changes.NormalizeBoolean(
            *(EntityType.NODE, label, name),
            true_values=tuple(true_values),
            false_values=tuple(false_values),
            unmatched=unmatched,
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def split_node_property(
    label: str,
    name: str,
    separator: str,
    *,
    into: Sequence[str] = (),
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
    undo: bool = False,
) -> None:
    """Split a text at a separator: into a list, or `into` several properties.

    Of more parts than properties the last one gets the rest, of fewer some stay
    missing. Where one of these properties is there, nothing is written. What is no
    text stays as it is. With `undo`, in the downgrade of a revision that joins them,
    texts that were there before stay, and parts come back as they were where the text
    has not changed since.
    """
    _invoke(
        _changes.SplitProperty(
            *(EntityType.NODE, label, name, separator),
            into=tuple(into),
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
            undo=undo,
        )
    )


def join_node_properties(
    label: str,
    names: Names,
    into: str,
    separator: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
    undo: bool = False,
) -> None:
    """Join properties, or the items of a list, to one text, and remove them.

    Missing ones are left out. One name may be given, and be `into` as well: the list
    becomes a text. Where another property `into` is there, nothing is written. What the
    text would not give again is archived beside. With `undo`, in the downgrade of a
    revision that splits the text, parts that were there before stay.
    """
    _invoke(
        _changes.JoinProperties(
            *(EntityType.NODE, label, _labels(names), into, separator),
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
            undo=undo,
        )
    )


def extract_property_to_node(
    label: str,
    name: str,
    target_label: str,
    relationship_type: str,
    *,
    target_property: str | None = None,
    direction: Literal["OUT", "IN"] = "OUT",
    merge: bool = True,
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Turn the value of a property into a node, with a relationship that leads to it.

    There is one node for each value, which had better be unique by a constraint first,
    or one for each node with ``merge=False``. Of a list each item becomes a node. The
    value gets the name `target_property`, by default its own; `direction` is seen from
    the node with `label`.
    """
    _invoke(
        _changes.ExtractProperty(
            *(label, name, target_label, relationship_type),
            target_property=target_property,
            direction=direction,
            merge=merge,
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def inline_property_from_node(
    label: str,
    name: str,
    target_label: str,
    relationship_type: str,
    *,
    target_property: str | None = None,
    direction: Literal["OUT", "IN"] = "OUT",
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Take over a property of the node at the other end, and delete the relationship.

    It is the way back of `extract_property_to_node`. The other nodes stay; those that
    nothing leads to any more are deleted by ``delete_nodes(target_label,
    where="NOT EXISTS { (n)--() }")``. Where a node would get several values, nothing is
    written. `where` is a predicate over ``n``, ``r`` and the other node, ``t``.
    """
    _invoke(
        _changes.InlineNode(
            *(label, name, target_label, relationship_type),
            target_property=target_property,
            direction=direction,
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def merge_nodes(
    label: str,
    by: str,
    *,
    policies: Mapping[str, _changes.MergePolicy] | None = None,
    policy: Literal["fail", "first", "last"] = "fail",
    order_by: str | None = None,
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Merge the nodes for which a Cypher expression over ``n`` gives the same.

    ``merge_nodes("Person", "toLower(n.email)")`` leaves one node for each address. The
    first by `order_by`, an expression over ``n``, stays; by default that of the lowest
    internal id, which a server uses again and so need not be the oldest. It gets the
    labels, relationships and properties of the others. Of different values of a
    property the ``"first"``, the ``"last"`` or a list of ``"all"`` stays, as `policies`
    says of it, and `policy` of those that are not named; with ``"fail"`` they stop the
    upgrade before anything is written.

    With ``"all"`` the property becomes a list on the other nodes of the label as well,
    those that nothing is merged with, and in what the history declares: make it an
    ``ArrayProperty``. Where a `where` leaves nodes out, these keep single values, and
    what is declared stays as it is.

    Relationships between merged nodes lead from the one that stays to itself, and those
    that have become parallel are all kept, see `deduplicate_relationships`. What `by`
    gives nothing for is merged with none.
    """
    _invoke(
        _changes.MergeNodes(
            *(label, by),
            policies=tuple(sorted((policies or {}).items())),
            policy=policy,
            order_by=order_by,
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def delete_nodes(
    label: str,
    *,
    detach: bool = False,
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Delete the nodes with a label, and with `detach` their relationships.

    Without `detach`, one that has relationships stops the upgrade before anything is
    deleted.
    """
    _invoke(
        _changes.DeleteNodes(
            label,
            detach=detach,
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def relationship_to_node(
    source_label: str,
    relationship_type: str,
    target_label: str,
    label: str,
    source_type: str,
    target_type: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
    undo: bool = False,
) -> None:
    """Turn each relationship into a node between its ends, with its properties.

    ``(s)-[:type]->(e)`` becomes ``(s)-[:source_type]->(:label)-[:target_type]->(e)``.
    `where` is a predicate over ``r`` and its ends, ``s`` and ``e``. With `undo`, in the
    downgrade of a revision that does the opposite, relationships that were there before
    stay.
    """
    _invoke(
        _changes.RelationshipToNode(
            *(
                source_label,
                relationship_type,
                target_label,
                label,
                source_type,
                target_type,
            ),
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
            undo=undo,
        )
    )


def node_to_relationship(
    source_label: str,
    source_type: str,
    label: str,
    target_type: str,
    target_label: str,
    relationship_type: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
    undo: bool = False,
) -> None:
    """Turn each node between two others into a relationship, with its properties.

    It is the way back of `relationship_to_node`. A node that has other relationships,
    or several of these, stops the upgrade before anything is written. Its further
    labels, and what these relationships hold, are archived. With `undo`, in the
    downgrade of a revision that does the opposite, nodes that were there before stay.
    """
    _invoke(
        _changes.NodeToRelationship(
            *(
                source_label,
                source_type,
                label,
                target_type,
                target_label,
                relationship_type,
            ),
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
            undo=undo,
        )
    )


def deduplicate_relationships(
    source_label: str,
    relationship_type: str,
    target_label: str,
    *,
    by: Names | None = None,
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Delete relationships that repeat another one between the same nodes.

    They are alike where all their properties are the same, or those in `by`; with
    ``by=[]`` one of the type is enough. `where` is a predicate over ``r``, which is to
    go, and its ends, ``s`` and ``e``.
    """
    _invoke(
        _changes.DeduplicateRelationships(
            *(source_label, relationship_type, target_label),
            by=None if by is None else _labels(by),
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def delete_relationships(
    relationship_type: str,
    *,
    source_label: str | None = None,
    target_label: str | None = None,
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Delete the relationships of a type, or those between two labels.

    `where` is a predicate over ``r`` and its ends, ``s`` and ``e``.
    """
    _invoke(
        _changes.DeleteRelationships(
            relationship_type,
            source_label=source_label,
            target_label=target_label,
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


# Indexes ------------------------------------------------------------------------


def add_index(
    label: str,
    *properties: str,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a range index on a label and wait until it is online."""
    _add_index(
        IndexKind.RANGE,
        EntityType.NODE,
        label,
        properties,
        name,
        allow_unknown=allow_unknown,
    )


def drop_index(label: str, *properties: str) -> None:
    """Drop the range index on these properties."""
    _drop_index(IndexKind.RANGE, EntityType.NODE, label, properties)


def add_text_index(
    label: str,
    property: str,
    *,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a text index on a label and wait until it is online."""
    _add_index(
        IndexKind.TEXT,
        EntityType.NODE,
        label,
        (property,),
        name,
        allow_unknown=allow_unknown,
    )


def drop_text_index(label: str, property: str) -> None:
    """Drop the text index on these properties."""
    _drop_index(IndexKind.TEXT, EntityType.NODE, label, (property,))


def add_point_index(
    label: str,
    property: str,
    *,
    config: Mapping[str, Any] | None = None,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a point index on a label and wait until it is online."""
    _add_index(
        IndexKind.POINT,
        EntityType.NODE,
        label,
        (property,),
        name,
        config,
        allow_unknown=allow_unknown,
    )


def drop_point_index(label: str, property: str) -> None:
    """Drop the point index on these properties."""
    _drop_index(IndexKind.POINT, EntityType.NODE, label, (property,))


def add_fulltext_index(
    labels: Labels,
    *properties: str,
    analyzer: str | None = None,
    eventually_consistent: bool | None = None,
    config: Mapping[str, Any] | None = None,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a fulltext index over one or several labels."""
    _add_index(
        IndexKind.FULLTEXT,
        EntityType.NODE,
        labels,
        properties,
        name,
        config,
        allow_unknown=allow_unknown,
        analyzer=analyzer,
        eventually_consistent=eventually_consistent,
    )


def drop_fulltext_index(labels: Labels, *properties: str) -> None:
    """Drop the fulltext index on these properties."""
    _drop_index(IndexKind.FULLTEXT, EntityType.NODE, labels, properties)


def add_vector_index(
    label: str,
    property: str,
    *,
    dimensions: int | None = None,
    similarity_function: str | None = None,
    config: Mapping[str, Any] | None = None,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a vector index; embeddings of other dimensions are left out silently."""
    _add_index(
        IndexKind.VECTOR,
        EntityType.NODE,
        label,
        (property,),
        name,
        config,
        allow_unknown=allow_unknown,
        dimensions=dimensions,
        similarity_function=similarity_function,
    )


def drop_vector_index(label: str, property: str) -> None:
    """Drop the vector index on this property."""
    _drop_index(IndexKind.VECTOR, EntityType.NODE, label, (property,))


# Constraints --------------------------------------------------------------------


def add_unique_constraint(
    label: str,
    *properties: str,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a uniqueness constraint; duplicates stop the upgrade first."""
    _add_constraint(
        ConstraintKind.UNIQUE,
        EntityType.NODE,
        label,
        properties,
        name,
        allow_unknown=allow_unknown,
    )


def drop_unique_constraint(label: str, *properties: str) -> None:
    """Drop the uniqueness constraint on these properties."""
    _drop_constraint(ConstraintKind.UNIQUE, EntityType.NODE, label, properties)


def add_node_key_constraint(
    label: str,
    *properties: str,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a key constraint (Enterprise Edition)."""
    _add_constraint(
        ConstraintKind.KEY,
        EntityType.NODE,
        label,
        properties,
        name,
        allow_unknown=allow_unknown,
    )


def drop_node_key_constraint(label: str, *properties: str) -> None:
    """Drop the key constraint on these properties."""
    _drop_constraint(ConstraintKind.KEY, EntityType.NODE, label, properties)


def add_node_property_existence_constraint(
    label: str,
    property: str,
    *,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a property existence constraint (Enterprise Edition)."""
    _add_constraint(
        ConstraintKind.EXISTENCE,
        EntityType.NODE,
        label,
        (property,),
        name,
        allow_unknown=allow_unknown,
    )


def drop_node_property_existence_constraint(label: str, property: str) -> None:
    """Drop the property existence constraint on this property."""
    _drop_constraint(ConstraintKind.EXISTENCE, EntityType.NODE, label, (property,))


def add_property_type_constraint(
    label: str,
    property: str,
    property_type: str,
    *,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a property type constraint (Enterprise Edition)."""
    _add_constraint(
        ConstraintKind.TYPE,
        EntityType.NODE,
        label,
        (property,),
        name,
        property_type,
        allow_unknown=allow_unknown,
    )


def drop_property_type_constraint(label: str, property: str) -> None:
    """Drop the property type constraint on this property."""
    _drop_constraint(ConstraintKind.TYPE, EntityType.NODE, label, (property,))


# Batches ------------------------------------------------------------------------


def begin_batch(
    batch: str | None = None,
    *,
    loader: str | None = None,
    loader_version: str | None = None,
) -> str:
    """Begin a batch and return its id; what is loaded from here on belongs to it.

    Without `batch` it is the revision's, with ``:2`` and so on for the further ones
    of the revision. Rows that are loaded before any batch was begun belong to the
    revision's first. `loader` and `loader_version` are recorded in the ledger: the
    program that has made the rows.
    """
    made = Loader(loader, loader_version or "") if loader else None
    begun: str = alembic_op.invoke(BeginBatchOp(batch, made))
    return begun


def create_nodes(
    label: Labels,
    rows: Rows,
    *,
    batch_size: int | None = None,
    allow_unknown: bool = False,
    allow_nan: bool = False,
) -> LoadCounts:
    """Create a node for each row, a mapping of properties to values.

    `rows` is a list or any iterable; it is loaded in transactions of `batch_size` rows
    (5,000), and each row is loaded exactly once, however often the upgrade is killed
    and run again: then the same rows have to come in the same order. Before the first
    is loaded a list is looked through for values that no property can hold, such as a
    map; what can be gone through only once, such as a generator, is looked at row by
    row. NaN and infinite numbers are among these values, unless `allow_nan`.
    Several labels are given as a list; those of the bases of their models, as the
    history has them here, come with them. Where a row has no value of a property, or
    null, the node gets the default that the model declares, as neomodel would give it.
    What is created has the batch's name as its property ``_alembic_batch``
    (``neo4j.batch_property``). A label that no model has at this point of the history
    is an error before anything runs, unless `allow_unknown`; none is in a history
    without models. Return how many were ``created``; nothing is in a replay, which does
    not touch the rows.
    """
    return _load(NodeTarget(_labels(label)), rows, batch_size, allow_unknown, allow_nan)


def upsert_nodes(
    label: Labels,
    rows: Rows,
    *,
    merge_keys: Names,
    batch_size: int | None = None,
    allow_unknown: bool = False,
    allow_nan: bool = False,
) -> LoadCounts:
    """Change the node that has a row's values of the `merge_keys`, or create one.

    Nodes are looked for by the first label, which had better have an index on the keys,
    and get the further labels and those of the bases; one that a node lacked is taken
    off again when the batch is rolled back. The properties of a row are set, those that
    it does not name stay, and null removes one; defaults are for what is created. What
    was there before is kept and comes back when the batch is rolled back. Return how
    many were ``created`` and how many others ``touched``. An error where several nodes
    have the same values of the keys, or a row has none; the rest is that of
    `create_nodes`.
    """
    return _load(
        NodeTarget(_labels(label), _labels(merge_keys)),
        *(rows, batch_size, allow_unknown, allow_nan),
    )


def create_relationships(
    source_label: str,
    target_label: str,
    relationship_type: str,
    rows: Rows,
    *,
    source_key: Names,
    target_key: Names,
    on_unmatched: OnUnmatched = "report",
    batch_size: int | None = None,
    allow_unknown: bool = False,
    allow_nan: bool = False,
) -> LoadCounts:
    """Create a relationship for each row, between nodes that are there.

    A row is ``{"source": …, "target": …, "properties": {…}}``, where the properties may
    be left out. ``source`` is the value of `source_key` of the node that it leads from,
    or a mapping with the values of several keys, and ``target`` likewise. Return how
    many were ``created``, and how many rows were ``unmatched``: without a node at one
    end. The log names the first of these; with ``on_unmatched="fail"`` they are an
    error. So are keys that fit several nodes. The rest is that of `create_nodes`.
    """
    target = RelationshipTarget(
        relationship_type,
        Endpoint(source_label, _labels(source_key)),
        Endpoint(target_label, _labels(target_key)),
        on_unmatched=on_unmatched,
    )
    return _load(target, rows, batch_size, allow_unknown, allow_nan)


def upsert_relationships(
    source_label: str,
    target_label: str,
    relationship_type: str,
    rows: Rows,
    *,
    source_key: Names,
    target_key: Names,
    merge_keys: Names = (),
    on_unmatched: OnUnmatched = "report",
    batch_size: int | None = None,
    allow_unknown: bool = False,
    allow_nan: bool = False,
) -> LoadCounts:
    """Change the relationship between a row's ends, or create one.

    Without `merge_keys` it is any of the type between them; with them, one that has the
    row's values of these properties. All parallel ones that fit are changed. The rest
    is that of `create_relationships` and, for what is changed, of `upsert_nodes`.
    """
    target = RelationshipTarget(
        relationship_type,
        Endpoint(source_label, _labels(source_key)),
        Endpoint(target_label, _labels(target_key)),
        _labels(merge_keys),
        on_unmatched,
    )
    return _load(target, rows, batch_size, allow_unknown, allow_nan)


def load_nodes(
    source: str | PathLike[str],
    label: Labels,
    *,
    merge_keys: Names | None = None,
    rules: FileRules = None,
    sha256: str | None = None,
    read_options: Mapping[str, Any] | None = None,
    value_options: Mapping[str, Any] | None = None,
    on_error: Literal["fail", "skip"] = "fail",
    max_rejects: int | None = None,
    reject_file: str | PathLike[str] | None = None,
    storage_options: Mapping[str, Any] | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> LoadCounts:
    """Load the rows of a file as nodes: CSV, TSV, JSON, JSON Lines or Parquet.

    `source` is a path, looked for beside the revision's file and in each directory
    above it, or a URL. Its columns are the properties; they get the types that the
    model of the label declares, and have to keep its rules. `rules` go before these: a
    mapping, or the name of a TOML or JSON file (see ``alembic-neo4j ingest validate``).
    The whole file is checked before the first row is loaded. With ``on_error="skip"``
    rows that break a rule are left out, `max_rejects` at most, and written to
    `reject_file`. The file is recorded in the ledger with its SHA-256, which `sha256`
    may prescribe. `read_options` and `value_options` are those of a file and of its
    values, such as ``{"delimiter": ";"}`` and ``{"date_format": "%d.%m.%Y"}``.

    With `merge_keys` it is `upsert_nodes`, else `create_nodes`.
    """
    keys = None if merge_keys is None else _labels(merge_keys)
    target = NodeTarget(_labels(label), keys)
    return _load_file(
        target,
        batch_size,
        allow_unknown,
        source=source,
        rules=rules,
        sha256=sha256,
        read_options=read_options,
        value_options=value_options,
        on_error=on_error,
        max_rejects=max_rejects,
        reject_file=reject_file,
        storage_options=storage_options,
    )


def load_relationships(
    source: str | PathLike[str],
    source_label: str,
    target_label: str,
    relationship_type: str,
    *,
    source_key: Names,
    target_key: Names,
    source_column: Names | None = None,
    target_column: Names | None = None,
    merge_keys: Names | None = None,
    on_unmatched: OnUnmatched = "report",
    rules: FileRules = None,
    sha256: str | None = None,
    read_options: Mapping[str, Any] | None = None,
    value_options: Mapping[str, Any] | None = None,
    on_error: Literal["fail", "skip"] = "fail",
    max_rejects: int | None = None,
    reject_file: str | PathLike[str] | None = None,
    storage_options: Mapping[str, Any] | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> LoadCounts:
    """Load the rows of a file as relationships between nodes that are there.

    `source_column` and `target_column` have the values of the keys of both ends: by
    default ``source`` and ``target``, for several keys ``source_<key>`` and
    ``target_<key>`` each. The other columns are properties. The rest is that of
    `load_nodes` and `create_relationships`, or `upsert_relationships` where there are
    `merge_keys`, if only ``[]``.
    """
    keys = None if merge_keys is None else _labels(merge_keys)
    target = RelationshipTarget(
        relationship_type,
        Endpoint(source_label, _labels(source_key)),
        Endpoint(target_label, _labels(target_key)),
        keys,
        on_unmatched,
    )
    return _load_file(
        target,
        batch_size,
        allow_unknown,
        source=source,
        rules=rules,
        sha256=sha256,
        read_options=read_options,
        value_options=value_options,
        on_error=on_error,
        max_rejects=max_rejects,
        reject_file=reject_file,
        storage_options=storage_options,
        source_columns=_columns("source", source_column, target.source.keys),
        target_columns=_columns("target", target_column, target.target.keys),
    )


def transfer(
    source: str,
    *graph_ids: str,
    mapping: str | None = None,
    batch_size: int = 1_000,
    allow_unknown: bool = False,
) -> TransferCounts:
    """Load graphs of a SQLite database; without ids, all that there are.

    `source` is a path, looked for beside the revision's file and in each directory
    above it; it is only read, as of one moment. `mapping`, a TOML or JSON file looked
    for likewise, says what of it becomes what; without it the source is a code graph,
    such as ``alembic-neo4j transfer`` knows. Nodes and relationships that are there are
    found by their keys, and changed as `upsert_nodes` does it. Return how many rows
    there were, and how many of them were created.
    """
    done: TransferCounts = alembic_op.invoke(
        TransferOp(source, graph_ids, mapping, batch_size, allow_unknown)
    )
    return done


def delete_nodes_by_batch(
    label: str,
    batch: str | None = None,
    *,
    detach: bool = False,
    allow_unknown: bool = False,
) -> RollbackCounts:
    """Delete the nodes with a label that a batch has created; restore the others.

    Without `batch` it is that of the revision, or all of them where it has loaded
    several. Relationships of the same batch are deleted with the nodes; where one has
    others, nothing is done, unless `detach` says that these go as well. Nodes of the
    label that the batch found and changed get back what it has changed. Return what was
    deleted and restored by this call.
    """
    undone: RollbackCounts = alembic_op.invoke(
        UndoBatchOp(batch, (label,), (), detach, allow_unknown=allow_unknown)
    )
    return undone


def delete_relationships_by_batch(
    relationship_type: str,
    batch: str | None = None,
    *,
    allow_unknown: bool = False,
) -> RollbackCounts:
    """Delete the relationships of a type that a batch has created; restore the others.

    `batch` and what is returned are those of `delete_nodes_by_batch`.
    """
    undone: RollbackCounts = alembic_op.invoke(
        UndoBatchOp(batch, (), (relationship_type,), allow_unknown=allow_unknown)
    )
    return undone


def rollback_batch(batch: str | None = None, *, detach: bool = False) -> RollbackCounts:
    """Undo all that a batch has done, whatever the labels and types.

    What it created is deleted, relationships first, and what it changed is restored; a
    property that a later batch has written as well keeps that batch's value. The rest
    is that of `delete_nodes_by_batch`.
    """
    undone: RollbackCounts = alembic_op.invoke(UndoBatchOp(batch, detach=detach))
    return undone


# Files --------------------------------------------------------------------------


def read_json(path: FilePath) -> Any:
    """Return the data of a JSON file of the project, ``{}`` where it is not there.

    Paths are those below ``neo4j.files_root``, the directory of the configuration file
    without it. In a replay nothing is read, and ``{}`` is returned as well; see
    `is_replaying`. When a run is gone on with, a read gives what it gave in the first
    attempt, unless somebody else has changed the file. Raises FileError where the path
    leads out of the root or to what is no JSON in UTF-8.
    """
    return _read(path, FileFormat.JSON)


def write_json(path: FilePath, data: Any, *, backup: bool = True) -> None:
    """Write data to a JSON file of the project, and the directories it is in.

    It is indented by 2, in UTF-8, with keys in the order in which they are. `backup`
    keeps what the file had in one beside it, whose name ends in ``.bak``; a copy that
    is there already is replaced. Nothing is written where the file would not change.

    The file has the old bytes or the new ones, never a part of them, and keeps its
    mode. The ledger has both beforehand, so that every path gets them back when the
    revision fails or is downgraded. Raises FileError for a path that leads out of
    ``neo4j.files_root``, for data that JSON has no form for, and for a file of more
    than 16 MiB.
    """
    _write(path, FileFormat.JSON, data, backup)


def read_toml(path: FilePath) -> Any:
    """Return the data of a TOML file, with its comments; otherwise as `read_json`.

    It takes the extra ``files``.
    """
    return _read(path, FileFormat.TOML)


def write_toml(path: FilePath, data: Any, *, backup: bool = True) -> None:
    """Write data to a TOML file; otherwise as `write_json`.

    What `read_toml` gave keeps its comments and how it is written. It takes the extra
    ``files``.
    """
    _write(path, FileFormat.TOML, data, backup)


def read_yaml(path: FilePath) -> Any:
    """Return the data of a YAML file, with its comments; otherwise as `read_json`.

    The file has one document. It takes the extra ``files``.
    """
    return _read(path, FileFormat.YAML)


def write_yaml(path: FilePath, data: Any, *, backup: bool = True) -> None:
    """Write data to a YAML file; otherwise as `write_json`.

    What `read_yaml` gave keeps its comments, quotes and order, and is indented as the
    file is. It takes the extra ``files``.
    """
    _write(path, FileFormat.YAML, data, backup)


def backup_file(path: FilePath) -> None:
    """Copy a file of the project to one beside it whose name ends in ``.bak``.

    A copy that is there already is replaced, and is back after the downgrade. Raises
    FileError where there is no file.
    """
    alembic_op.invoke(FileOp(BackUpFile(shown(path))))


def move_file(source: FilePath, destination: FilePath, *, backup: bool = True) -> None:
    """Give a file of the project another path, and make the directories of that.

    `backup` keeps a file that was there in one beside it, as in `write_json`. Raises
    FileError where there is no file, or where a directory is in its place.
    """
    alembic_op.invoke(FileOp(MoveFile(shown(source), shown(destination), backup)))


def copy_file(source: FilePath, destination: FilePath, *, backup: bool = True) -> None:
    """Copy a file of the project with its mode; otherwise as `move_file`."""
    alembic_op.invoke(FileOp(CopyFile(shown(source), shown(destination), backup)))


def remove_file(path: FilePath, *, missing_ok: bool = False) -> None:
    """Remove a file of the project; the downgrade brings it back.

    Raises FileError where it is not there, unless that is `missing_ok`, and for a
    directory.
    """
    alembic_op.invoke(FileOp(RemoveFile(shown(path), missing_ok)))


def remove_directory(path: FilePath, *, missing_ok: bool = False) -> None:
    """Remove a directory of the project with all that is in it.

    The downgrade brings it back, with modes. Raises FileError where it is not there,
    unless that is `missing_ok`, for a file, and where a symbolic link or more than
    16 MiB are in it: the ledger keeps what is removed.
    """
    alembic_op.invoke(FileOp(RemoveDirectory(shown(path), missing_ok)))


def ensure_directory(path: FilePath) -> None:
    """Have a directory in the project, with those that it is in.

    The downgrade removes those that were made, where they are empty. Raises FileError
    where a file is in its place.
    """
    alembic_op.invoke(FileOp(EnsureDirectory(shown(path))))


# On relationships, as on nodes -------------------------------------------------
# Written by `python -m tests.relationship_operations`: edit those on nodes.


def add_relationship_property(
    relationship_type: str,
    name: str,
    type: str = "ANY",
    *,
    required: bool = False,
    default: Any = None,
    default_factory: str | None = None,
    choices: Sequence[str] | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
    crs: str | None = None,
    format: str | None = None,
    attribute: str = "",
    backfill: Backfill = None,
    allow_nan: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Declare a property, and give it to those that lack it.

    Where there is a `default`, every relationship that lacks it gets it, unless
    `backfill` is False. `backfill` may be a Cypher expression over ``r``. A default
    that no property can hold is an error; one that is infinite needs `allow_nan`.
    """
    declared = _property(locals())
    if backfill is None and default is not None:
        backfill = True
    elif backfill is False:
        backfill = None
    _invoke(
        _changes.AddProperty(
            EntityType.RELATIONSHIP,
            relationship_type,
            declared,
            backfill,
            allow_unknown=allow_unknown,
        )
    )


def restore_relationship_property(
    relationship_type: str,
    name: str,
    type: str = "ANY",
    *,
    required: bool = False,
    default: Any = None,
    default_factory: str | None = None,
    choices: Sequence[str] | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
    crs: str | None = None,
    format: str | None = None,
    attribute: str = "",
    allow_nan: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Declare a property again; the values that this revision archived come back."""
    declared = _property(locals())
    _invoke(
        _changes.AddProperty(
            EntityType.RELATIONSHIP,
            relationship_type,
            declared,
            restore=True,
            allow_unknown=allow_unknown,
        )
    )


def remove_relationship_property(
    relationship_type: str,
    name: str,
    archive: bool = True,
    *,
    keep: bool = False,
    undo: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Declare a property no longer.

    Its values are archived, deleted with ``archive=False``, left alone with `keep`.
    With `undo`, in the downgrade of a revision that adds the property, those go that
    the revision has filled in and nobody has changed since, and no others.
    """
    values = _removal(archive, keep, undo)
    _invoke(
        _changes.RemoveProperty(
            EntityType.RELATIONSHIP,
            relationship_type,
            name,
            values,
            allow_unknown=allow_unknown,
        )
    )


def alter_relationship_property(
    relationship_type: str,
    name: str,
    *,
    type: str = _UNSET,
    required: bool = _UNSET,
    default: Any = _UNSET,
    default_factory: str | None = _UNSET,
    choices: Sequence[str] | None = _UNSET,
    max_length: int | None = _UNSET,
    pattern: str | None = _UNSET,
    crs: str | None = _UNSET,
    format: str | None = _UNSET,
    using: str | Placeholder | None = None,
    undo: bool = False,
    allow_nan: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Change what is declared of a property; values that it forbids stop the upgrade.

    A new `default` fills nothing in. `using` is a Cypher expression over ``value`` that
    gives each stored value anew. With `undo`, in the downgrade of a revision that
    converts them, what has not changed since gets the very value back that it had, and
    `using` converts the others.
    """
    values = _property_values(locals())
    _invoke(
        _changes.AlterProperty(
            EntityType.RELATIONSHIP,
            relationship_type,
            name,
            values,
            using=using,
            undo=undo,
            allow_unknown=allow_unknown,
        )
    )


def rename_relationship_property(
    relationship_type: str,
    old: str,
    new: str,
    *,
    on_conflict: _changes.OnConflict = "fail",
    where: str | None = None,
    batch_size: int | None = None,
    attribute: str | None = None,
    undo: bool = False,
    allow_unknown: bool = False,
) -> None:
    """Rename a property, with its indexes and constraints.

    Where both names are present, `on_conflict` says what happens: fail before anything
    is written, overwrite the new one, or keep it; the other value is archived. `where`
    is a Cypher predicate over ``r`` that narrows it down. `attribute` is the model's
    name for it from then on, where that does not follow the property's. With `undo`, in
    the downgrade of a revision that renames `new` to `old`, what had `old` before it
    keeps that, and archived values come back.
    """
    _invoke(
        _changes.RenameProperty(
            *(
                EntityType.RELATIONSHIP,
                relationship_type,
                old,
                new,
                on_conflict,
                where,
                batch_size,
                attribute,
            ),
            undo=undo,
            allow_unknown=allow_unknown,
        )
    )


def copy_relationship_property(
    relationship_type: str,
    old: str,
    new: str,
    *,
    on_conflict: _changes.OnConflict = "fail",
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Write the values of a property to another one as well.

    Where the other one has a different value, `on_conflict` says what happens: fail
    before anything is written, overwrite it, or keep it. `where` is a Cypher predicate
    over ``r`` that narrows it down.

    As with all refactorings, a label or type that no model has had in the history is an
    error, unless `allow_unknown`; none is where there are no models at all. What the
    models declare stays as it is; the change runs in batches of `batch_size`, goes on
    where it was killed, and ``alembic-neo4j plan`` counts what it is about.
    """
    _invoke(
        _changes.CopyProperty(
            *(EntityType.RELATIONSHIP, relationship_type, old, new),
            on_conflict=on_conflict,
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def backfill_relationship_property(
    relationship_type: str,
    name: str,
    expression: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Set a property by a Cypher expression over ``r`` where it is missing."""
    _invoke(
        _changes.BackfillProperty(
            *(EntityType.RELATIONSHIP, relationship_type, name, expression),
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def convert_relationship_property(
    relationship_type: str,
    name: str,
    using: str,
    *,
    on_failure: _changes.OnFailure = "fail",
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Replace each value of a property by what an expression over ``value`` gives.

    Where `using` gives nothing, `on_failure` says what happens: fail before anything is
    written, keep the old value, remove it, or archive it, to be found by
    ``alembic-neo4j archive list``. What a model declares of the property is changed by
    `alter_relationship_property`, which converts as well.
    """
    _invoke(
        _changes.ConvertProperty(
            *(EntityType.RELATIONSHIP, relationship_type, name, using),
            on_failure=on_failure,
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def normalize_relationship_boolean(
    relationship_type: str,
    name: str,
    *,
    true_values: Sequence[Any] = (),
    false_values: Sequence[Any] = (),
    unmatched: _changes.Unmatched = "keep",
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
) -> None:
    """Turn the values that stand for true and for false into these.

    The text ``"1"`` and the number ``1`` are different values; None stands for no
    value. Values that are in neither list are kept, and the log tells of them;
    ``unmatched="remove"`` removes them. Raises SchemaError for a value in both lists.
    """
    check_parameters({"true_values": true_values, "false_values": false_values})
    _invoke(
        _changes.NormalizeBoolean(
            *(EntityType.RELATIONSHIP, relationship_type, name),
            true_values=tuple(true_values),
            false_values=tuple(false_values),
            unmatched=unmatched,
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
        )
    )


def split_relationship_property(
    relationship_type: str,
    name: str,
    separator: str,
    *,
    into: Sequence[str] = (),
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
    undo: bool = False,
) -> None:
    """Split a text at a separator: into a list, or `into` several properties.

    Of more parts than properties the last one gets the rest, of fewer some stay
    missing. Where one of these properties is there, nothing is written. What is no text
    stays as it is. With `undo`, in the downgrade of a revision that joins them, texts
    that were there before stay, and parts come back as they were where the text has not
    changed since.
    """
    _invoke(
        _changes.SplitProperty(
            *(EntityType.RELATIONSHIP, relationship_type, name, separator),
            into=tuple(into),
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
            undo=undo,
        )
    )


def join_relationship_properties(
    relationship_type: str,
    names: Names,
    into: str,
    separator: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
    allow_unknown: bool = False,
    undo: bool = False,
) -> None:
    """Join properties, or the items of a list, to one text, and remove them.

    Missing ones are left out. One name may be given, and be `into` as well: the list
    becomes a text. Where another property `into` is there, nothing is written. What the
    text would not give again is archived beside. With `undo`, in the downgrade of a
    revision that splits the text, parts that were there before stay.
    """
    _invoke(
        _changes.JoinProperties(
            *(
                EntityType.RELATIONSHIP,
                relationship_type,
                _labels(names),
                into,
                separator,
            ),
            where=where,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
            undo=undo,
        )
    )


def add_relationship_index(
    relationship_type: str,
    *properties: str,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a range index on a relationship type and wait until it is online."""
    _add_index(
        IndexKind.RANGE,
        EntityType.RELATIONSHIP,
        relationship_type,
        properties,
        name,
        allow_unknown=allow_unknown,
    )


def drop_relationship_index(relationship_type: str, *properties: str) -> None:
    """Drop the range index on these properties."""
    _drop_index(IndexKind.RANGE, EntityType.RELATIONSHIP, relationship_type, properties)


def add_relationship_text_index(
    relationship_type: str,
    property: str,
    *,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a text index on a relationship type and wait until it is online."""
    _add_index(
        IndexKind.TEXT,
        EntityType.RELATIONSHIP,
        relationship_type,
        (property,),
        name,
        allow_unknown=allow_unknown,
    )


def drop_relationship_text_index(relationship_type: str, property: str) -> None:
    """Drop the text index on these properties."""
    _drop_index(IndexKind.TEXT, EntityType.RELATIONSHIP, relationship_type, (property,))


def add_relationship_point_index(
    relationship_type: str,
    property: str,
    *,
    config: Mapping[str, Any] | None = None,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a point index on a relationship type and wait until it is online."""
    _add_index(
        IndexKind.POINT,
        EntityType.RELATIONSHIP,
        relationship_type,
        (property,),
        name,
        config,
        allow_unknown=allow_unknown,
    )


def drop_relationship_point_index(relationship_type: str, property: str) -> None:
    """Drop the point index on these properties."""
    _drop_index(
        IndexKind.POINT, EntityType.RELATIONSHIP, relationship_type, (property,)
    )


def add_relationship_fulltext_index(
    relationship_types: Labels,
    *properties: str,
    analyzer: str | None = None,
    eventually_consistent: bool | None = None,
    config: Mapping[str, Any] | None = None,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a fulltext index over one or several relationship types."""
    _add_index(
        IndexKind.FULLTEXT,
        EntityType.RELATIONSHIP,
        relationship_types,
        properties,
        name,
        config,
        allow_unknown=allow_unknown,
        analyzer=analyzer,
        eventually_consistent=eventually_consistent,
    )


def drop_relationship_fulltext_index(
    relationship_types: Labels, *properties: str
) -> None:
    """Drop the fulltext index on these properties."""
    _drop_index(
        IndexKind.FULLTEXT, EntityType.RELATIONSHIP, relationship_types, properties
    )


def add_relationship_vector_index(
    relationship_type: str,
    property: str,
    *,
    dimensions: int | None = None,
    similarity_function: str | None = None,
    config: Mapping[str, Any] | None = None,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a vector index; embeddings of other dimensions are left out silently."""
    _add_index(
        IndexKind.VECTOR,
        EntityType.RELATIONSHIP,
        relationship_type,
        (property,),
        name,
        config,
        allow_unknown=allow_unknown,
        dimensions=dimensions,
        similarity_function=similarity_function,
    )


def drop_relationship_vector_index(relationship_type: str, property: str) -> None:
    """Drop the vector index on this property."""
    _drop_index(
        IndexKind.VECTOR, EntityType.RELATIONSHIP, relationship_type, (property,)
    )


def add_relationship_unique_constraint(
    relationship_type: str,
    *properties: str,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a uniqueness constraint; duplicates stop the upgrade first."""
    _add_constraint(
        ConstraintKind.UNIQUE,
        EntityType.RELATIONSHIP,
        relationship_type,
        properties,
        name,
        allow_unknown=allow_unknown,
    )


def drop_relationship_unique_constraint(
    relationship_type: str, *properties: str
) -> None:
    """Drop the uniqueness constraint on these properties."""
    _drop_constraint(
        ConstraintKind.UNIQUE, EntityType.RELATIONSHIP, relationship_type, properties
    )


def add_relationship_key_constraint(
    relationship_type: str,
    *properties: str,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a key constraint (Enterprise Edition)."""
    _add_constraint(
        ConstraintKind.KEY,
        EntityType.RELATIONSHIP,
        relationship_type,
        properties,
        name,
        allow_unknown=allow_unknown,
    )


def drop_relationship_key_constraint(relationship_type: str, *properties: str) -> None:
    """Drop the key constraint on these properties."""
    _drop_constraint(
        ConstraintKind.KEY, EntityType.RELATIONSHIP, relationship_type, properties
    )


def add_relationship_property_existence_constraint(
    relationship_type: str,
    property: str,
    *,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a property existence constraint (Enterprise Edition)."""
    _add_constraint(
        ConstraintKind.EXISTENCE,
        EntityType.RELATIONSHIP,
        relationship_type,
        (property,),
        name,
        allow_unknown=allow_unknown,
    )


def drop_relationship_property_existence_constraint(
    relationship_type: str, property: str
) -> None:
    """Drop the property existence constraint on this property."""
    _drop_constraint(
        ConstraintKind.EXISTENCE,
        EntityType.RELATIONSHIP,
        relationship_type,
        (property,),
    )


def add_relationship_property_type_constraint(
    relationship_type: str,
    property: str,
    property_type: str,
    *,
    name: str | None = None,
    allow_unknown: bool = False,
) -> None:
    """Create a property type constraint (Enterprise Edition)."""
    _add_constraint(
        ConstraintKind.TYPE,
        EntityType.RELATIONSHIP,
        relationship_type,
        (property,),
        name,
        property_type,
        allow_unknown=allow_unknown,
    )


def drop_relationship_property_type_constraint(
    relationship_type: str, property: str
) -> None:
    """Drop the property type constraint on this property."""
    _drop_constraint(
        ConstraintKind.TYPE, EntityType.RELATIONSHIP, relationship_type, (property,)
    )


# ---------------------------------------------------------------------------------


def _read(path: FilePath, format: FileFormat) -> Any:
    return alembic_op.invoke(ReadFileOp(shown(path), format))


def _write(path: FilePath, format: FileFormat, data: Any, backup: bool) -> None:
    alembic_op.invoke(FileOp(WriteFile(shown(path), format, data, backup)))


def _load(
    target: LoadTarget,
    rows: Rows,
    batch_size: int | None,
    allow_unknown: bool,
    allow_nan: bool,
) -> LoadCounts:
    if isinstance(rows, (str, bytes, PathLike)):
        raise IngestError(
            f"Expected rows, found {rows!r}: the rows of a file are loaded by "
            "op.load_nodes and op.load_relationships."
        )
    loaded: LoadCounts = alembic_op.invoke(
        LoadOp(
            *(target, rows, batch_size),
            allow_unknown=allow_unknown,
            allow_nan=allow_nan,
        )
    )
    return loaded


def _load_file(
    target: LoadTarget, batch_size: int | None, allow_unknown: bool, **file: Any
) -> LoadCounts:
    # What reads files imports the driver, which a history does without.
    from alembic_neo4j.ingest.data_rows import file_source

    loaded: LoadCounts = alembic_op.invoke(
        LoadFileOp(target, file_source(**file), batch_size, allow_unknown)
    )
    return loaded


def _columns(which: str, given: Names | None, keys: Sequence[str]) -> tuple[str, ...]:
    from alembic_neo4j.ingest.data_rows import end_columns

    return end_columns(which, keys) if given is None else _labels(given)


def _invoke(change: Change) -> None:
    alembic_op.invoke(ChangeOp.of(change))


def _removal(archive: bool, keep: bool, undo: bool) -> _changes.Removal:
    if undo:
        return "undo"
    if keep:
        return "keep"
    return "archive" if archive else "delete"


def _property(arguments: Mapping[str, Any]) -> Property:
    keywords = {name: arguments[name] for name in _DECLARED}
    if keywords["choices"] is not None:
        keywords["choices"] = tuple(keywords["choices"])
    declared = Property(arguments["name"], arguments["type"], **keywords)
    check_defaults(declared, allow_nan=arguments["allow_nan"])
    return declared


def _property_values(arguments: Mapping[str, Any]) -> _changes.Values:
    names = ("type", *(name for name in _DECLARED if name != "attribute"))
    values = {name: arguments[name] for name in names}
    if (default := values["default"]) is not _UNSET:
        allow_nan = arguments["allow_nan"]
        check_default_of(arguments["name"], default, allow_nan=allow_nan)
    for name in ("choices", "default"):
        if isinstance(values[name], (list, tuple)):
            values[name] = tuple(values[name])
    return _values(**values)


_DECLARED = (
    "required",
    "default",
    "default_factory",
    "choices",
    "max_length",
    "pattern",
    "crs",
    "format",
    "attribute",
)


def _values(**values: Any) -> _changes.Values:
    given = {name: value for name, value in values.items() if value is not _UNSET}
    if not given:
        raise SchemaError(f"nothing to change: give one of {', '.join(sorted(values))}")
    return tuple(
        (name, tuple(value) if isinstance(value, list) else value)
        for name, value in sorted(given.items())
    )


def _labels(labels: Labels) -> tuple[str, ...]:
    return (labels,) if isinstance(labels, str) else tuple(labels)


def _add_index(
    kind: IndexKind,
    entity: EntityType,
    labels: Labels,
    properties: Sequence[str],
    name: str | None,
    config: Mapping[str, Any] | None = None,
    *,
    allow_unknown: bool,
    **named: Any,
) -> None:
    options = {**(config or {})}
    options |= {o.key: named[o.name] for o in kind.traits.options}
    given = {k: v for k, v in options.items() if v is not None}
    index = Index(
        kind,
        entity,
        _labels(labels),
        tuple(properties),
        tuple(sorted(given.items())),
        name or "",
    )
    _invoke(_changes.AddIndex(index, allow_unknown=allow_unknown))


def _drop_index(
    kind: IndexKind, entity: EntityType, labels: Labels, properties: Sequence[str]
) -> None:
    index = Index(kind, entity, _labels(labels), tuple(properties))
    _invoke(_changes.DropIndex(index))


def _add_constraint(
    kind: ConstraintKind,
    entity: EntityType,
    label: str,
    properties: Sequence[str],
    name: str | None,
    property_type: str | None = None,
    *,
    allow_unknown: bool,
) -> None:
    constraint = Constraint(
        kind, entity, label, tuple(properties), property_type, name or ""
    )
    _invoke(_changes.AddConstraint(constraint, allow_unknown=allow_unknown))


def _drop_constraint(
    kind: ConstraintKind, entity: EntityType, label: str, properties: Sequence[str]
) -> None:
    # The type is not part of what tells two constraints apart.
    property_type = "ANY" if kind.traits.typed else None
    constraint = Constraint(kind, entity, label, tuple(properties), property_type)
    _invoke(_changes.DropConstraint(constraint))


# Each operation above is called by a person: what is wrong is said by its name.
for _name, _function in list(globals().items()):
    if (
        inspect.isfunction(_function)
        and _function.__module__ == __name__
        and not _name.startswith("_")
        and inspect.signature(_function).parameters
    ):
        globals()[_name] = judged(_function)

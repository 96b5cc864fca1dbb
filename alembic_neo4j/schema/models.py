"""The graph schema that neomodel models declare, read without any connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from alembic_neo4j.errors import ModelError
from alembic_neo4j.schema import definitions
from alembic_neo4j.schema.definitions import (
    Constraint,
    EntityType,
    Index,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.loading import (
    ModelClass,
    described,
    identity,
    load_node_classes,
)
from alembic_neo4j.schema.model_classes import (
    Model,
    has_label,
    read_kgid,
    read_model,
    relation_models,
)
from alembic_neo4j.schema.model_indexes import (
    Attributes,
    Carrier,
    IndexRequest,
    installed_elements,
    merged_elements,
)
from alembic_neo4j.schema.model_warnings import model_warnings
from alembic_neo4j.schema.properties import read_properties


@dataclass(frozen=True)
class ModelSchema:
    """What was read from models.

    `warnings` are remarks for a person, each naming class and file. `models` counts
    the labels with a model, `relationships` the relationship types they declare.
    """

    schema: Schema
    warnings: tuple[str, ...]
    models: int
    relationships: int


def read_models(packages: Sequence[str], database: str | None = None) -> ModelSchema:
    """Return the schema of the neomodel classes in the packages and modules.

    Every module in them is imported; nothing is connected to and no file is written.
    A class is a node of the schema when neomodel gives it a label of its own, sync
    or async. A class below a label that lies outside of the packages has that label
    and its properties, but the label's own indexes belong to whoever owns it. An
    abstract class below one with a label only hands on what it declares. With a
    `database`, classes whose ``__target_databases__`` name others only are left out,
    and one warning says which.

    Raises ModelError where a module can't be imported, where there is no model in
    the packages and where declarations contradict each other.
    """
    if not packages:
        raise ModelError(
            "neo4j.models is empty; name the packages or modules with the models, "
            "such as neo4j.models = app.models"
        )
    found = [read_model(cls) for cls in load_node_classes(packages) if has_label(cls)]
    if not found:
        raise _no_models(packages)
    models, others = _of_database(found, database)
    if not models:
        raise ModelError(
            f"neo4j.models: no model is left. {_left_out(others, database)}"
        )
    carriers = [*_node_carriers(models), *_type_carriers(models)]
    known = _attributes_by_label(carriers)
    installed = {id(c): installed_elements(c, known) for c in carriers}
    nodes = _merged_nodes(models, installed)
    types = _relationship_types(models)
    _check_kgids(models, types)
    elements = merged_elements(i for group in installed.values() for i in group)
    schema = Schema.of(
        nodes=nodes,
        relationship_types=types,
        indexes=(i.element for i in elements if isinstance(i.element, Index)),
        constraints=(i.element for i in elements if isinstance(i.element, Constraint)),
    )
    return ModelSchema(
        schema,
        tuple(
            dict.fromkeys(
                (
                    *([_left_out(others, database)] if others else []),
                    *model_warnings(models, schema, packages, elsewhere=others),
                )
            )
        ),
        models=len(nodes),
        relationships=len({r.type for n in nodes for r in n.relationships}),
    )


def _of_database(
    models: Sequence[Model], database: str | None
) -> tuple[list[Model], list[Model]]:
    """Return the models of the database, which may be of several, and the others."""
    ours: list[Model] = []
    others: list[Model] = []
    for model in models:
        # The server does not tell upper from lower case here.
        names = {name.casefold() for name in model.node.databases}
        all_of_them = database is None or not names or database.casefold() in names
        (ours if all_of_them else others).append(model)
    return ours, others


def _left_out(models: Sequence[Model], database: str | None) -> str:
    shown = ", ".join(
        f"{described(m.cls)} ({', '.join(m.node.databases)})" for m in models
    )
    return (
        f"Left out, as __target_databases__ does not name {database!r}, the database "
        f"of this project: {shown}. neo4j.database says which one it is, "
        f"{database!r} now."
    )


def _no_models(packages: Sequence[str]) -> ModelError:
    return ModelError(
        f"neo4j.models = {', '.join(packages)}: no StructuredNode with a label found; "
        "name the packages in which the classes are defined (a class counts where it "
        "is defined, not where it is imported), and keep them at module level."
    )


def _node_carriers(models: Iterable[Model]) -> list[Carrier]:
    return [Carrier(EntityType.NODE, m.label, m.cls, m.attributes) for m in models]


def _type_carriers(models: Iterable[Model]) -> list[Carrier]:
    return [
        Carrier(EntityType.RELATIONSHIP, type_, cls, read_properties(cls))
        for type_, classes in relation_models(models).items()
        for cls in classes
    ]


def _attributes_by_label(
    carriers: Iterable[Carrier],
) -> dict[str, list[Attributes]]:
    found: dict[str, list[Attributes]] = {}
    for carrier in carriers:
        found.setdefault(carrier.label, []).append(carrier.attributes)
    return found


def _merged_nodes(
    models: Iterable[Model], installed: Mapping[int, Sequence[IndexRequest]]
) -> list[Node]:
    """Return the node of each label; its classes have to say the same."""
    by_class = {
        i.cls: {j.element for j in group}
        for group in installed.values()
        for i in group
        if i.element.entity is EntityType.NODE
    }
    merged: dict[str, Model] = {}
    for model in models:
        first = merged.setdefault(model.label, model)
        if first is model:
            continue
        differences = [
            *_node_differences(first.node, model.node),
            *_only_in(by_class.get(first.cls, set()), by_class.get(model.cls, set())),
        ]
        if differences:
            raise ModelError(
                f"label {model.label!r} is declared by {described(first.cls)} and by "
                f"{described(model.cls)}, and they differ: {'; '.join(differences)}. "
                "Make them agree, give one another __label__, or let both inherit "
                "from one abstract class."
            )
    return [model.node for model in merged.values()]


def _node_differences(first: Node, second: Node) -> Iterator[str]:
    for name in sorted({p.name for p in (*first.properties, *second.properties)}):
        yield from _property_differences(
            name, first.property(name), second.property(name)
        )
    yield from _only_in(set(first.relationships), set(second.relationships))
    for name in ("bases", "optional_labels", "open", "databases", "kgid"):
        ours, theirs = getattr(first, name), getattr(second, name)
        if ours != theirs:
            yield f"{name} {ours!r} against {theirs!r}"


def _property_differences(
    name: str, first: Property | None, second: Property | None
) -> Iterator[str]:
    if first is None or second is None:
        yield f"property {name!r} only in the {'second' if first is None else 'first'}"
        return
    for field in fields(Property):
        if field.name == "format" and first.type != second.type:
            # It says what values of the type are, and that is another one.
            continue
        ours, theirs = getattr(first, field.name), getattr(second, field.name)
        if field.compare and ours != theirs:
            yield f"property {name!r}: {field.name} {ours!r} against {theirs!r}"


def _only_in(first: set[Any], second: set[Any]) -> Iterator[str]:
    for where, items in (("first", first - second), ("second", second - first)):
        for text in sorted(map(_in_words, items)):
            yield f"{text} only in the {where}"


def _in_words(item: Index | Constraint | Relationship) -> str:
    if isinstance(item, Relationship):
        group = f", group {item.exclusion_group}" if item.exclusion_group else ""
        return (
            f"relationship {item.type} {item.direction.value} {item.target} "
            f"({item.cardinality}{group})"
        )
    return definitions.described(item, named=False)


def _relationship_types(models: Sequence[Model]) -> list[RelationshipType]:
    return [
        _relationship_type(type_, classes)
        for type_, classes in relation_models(models).items()
    ]


def _relationship_type(type_: str, classes: Sequence[ModelClass]) -> RelationshipType:
    properties: dict[str, tuple[Property, ModelClass]] = {}
    kgid: tuple[str, ModelClass] | None = None
    for cls in classes:
        for declared in read_properties(cls).values():
            known, owner = properties.setdefault(declared.name, (declared, cls))
            if known != declared:
                differences = _property_differences(declared.name, known, declared)
                raise _differing_types(type_, owner, cls, "; ".join(differences))
        if given := read_kgid(cls):
            kgid = kgid or (given, cls)
            if kgid[0] != given:
                text = f"__kgid__ {kgid[0]!r} against {given!r}"
                raise _differing_types(type_, kgid[1], cls, text)
    return RelationshipType(
        type_,
        tuple(declared for declared, _ in properties.values()),
        kgid=kgid[0] if kgid else None,
        source=", ".join(".".join(identity(cls)) for cls in classes),
    )


def _differing_types(
    type_: str, first: ModelClass, second: ModelClass, text: str
) -> ModelError:
    return ModelError(
        f"relationship type {type_!r} has the models {described(first)} and "
        f"{described(second)}, and they differ: {text}. Make them agree, or use "
        "another type for one of them."
    )


def _check_kgids(models: Sequence[Model], types: Iterable[RelationshipType]) -> None:
    """Refuse a __kgid__ of two labels or types, unless one class gives it to both."""
    carried: dict[str, dict[str, list[ModelClass]]] = {}
    for model in models:
        if model.node.kgid:
            label = f"label {model.label!r}"
            carried.setdefault(model.node.kgid, {}).setdefault(label, []).append(
                model.cls
            )
    classes_of = relation_models(models)
    for type_ in types:
        if type_.kgid:
            given = [c for c in classes_of[type_.type] if read_kgid(c) == type_.kgid]
            carried.setdefault(type_.kgid, {})[f"type {type_.type!r}"] = given
    for kgid, classes in carried.items():
        (first, ours), *others = classes.items()
        for other, theirs in others:
            if not set(ours) & set(theirs):
                raise ModelError(
                    f"__kgid__ {kgid!r} is given twice: to {first} by "
                    f"{described(ours[0])} and to {other} by {described(theirs[0])}. "
                    "Give the newer one another."
                )

"""What a person should know about models that can be read all the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from neomodel import AsyncRelationshipDefinition, AsyncStructuredNode

from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.loading import ModelClass, described, identity, lies_in
from alembic_neo4j.schema.misdeclared import unseen_declarations
from alembic_neo4j.schema.model_classes import (
    DeclaredRelationship,
    Model,
    relation_models,
)
from alembic_neo4j.schema.model_indexes import declared_labels
from alembic_neo4j.schema.properties import unknown_keywords


def model_warnings(
    models: Sequence[Model],
    schema: Schema,
    packages: Sequence[str],
    *,
    elsewhere: Sequence[Model] = (),
) -> Iterator[str]:
    """Yield the warnings, each naming class and file: nothing here stops a reading.

    They are of keywords that neomodel swallows, of properties and relationships that
    it does not see, of targets that it can't resolve, and of labels and types that no
    model of the schema has. `elsewhere` are the models of other databases.
    """
    for package in packages:
        defined = (m.cls.__module__ for m in (*models, *elsewhere))
        if not any(lies_in(module, [package]) for module in defined):
            yield (
                f"neo4j.models: no model with a label is defined in {package!r}; "
                "a class counts where it is defined."
            )
    types = relation_models(models)
    for model in models:
        yield from unseen_declarations(model.cls)
        yield from unknown_keywords(model.cls)
        yield from _relationship_warnings(model, schema)
        yield from _label_warnings(model, schema)
    for classes in types.values():
        for cls in classes:
            yield from unseen_declarations(cls)
            yield from unknown_keywords(cls)
            yield from _fulltext_warnings(cls, types)


def _relationship_warnings(model: Model, schema: Schema) -> Iterator[str]:
    is_async = issubclass(model.cls, AsyncStructuredNode)
    kept = {r.key: r for r in model.node.relationships}
    for declared in model.declared:
        relationship = declared.relationship
        if is_async != isinstance(declared.definition, AsyncRelationshipDefinition):
            ours, theirs = ("an async", "async") if is_async else ("a sync", "sync")
            yield (
                f"{_shown(declared)}, a {type(declared.definition).__name__}, is on "
                f"{ours} class, so neomodel does not see it; use the {theirs} "
                "definition."
            )
        if declared.problem:
            yield (
                f"{_shown(declared)}: its target {relationship.target[1:]!r} can't be "
                f"resolved ({declared.problem}); write the dotted name of the class."
            )
        elif declared.target and relationship.target not in schema.nodes:
            yield (
                f"{_shown(declared)}: its target {relationship.target!r} "
                f"({'.'.join(identity(declared.target))}) has no model in neo4j.models."
            )
        wider = kept[relationship.key]
        if relationship != wider:
            yield (
                f"{_shown(declared)} and {wider.attribute} are the same relationship "
                f"{relationship.type} with different rules; {wider.cardinality} is "
                "what is kept."
            )


def _shown(declared: DeclaredRelationship) -> str:
    return f"{described(declared.owner)}: {declared.attribute}"


def _label_warnings(model: Model, schema: Schema) -> Iterator[str]:
    for owner in model.cls.__mro__:
        label = vars(owner).get("__label__")
        if label in model.node.bases and label not in schema.nodes:
            yield (
                f"{described(owner)}: models inherit its label {label!r} and carry it, "
                "but it is not in neo4j.models, so its own indexes are not managed."
            )
        for label in vars(owner).get("__optional_labels__") or ():
            if label not in schema.nodes:
                yield (
                    f"{described(owner)}: the optional label {label!r} has no model "
                    "in neo4j.models."
                )
    yield from _fulltext_warnings(model.cls, schema.nodes)


def _fulltext_warnings(cls: ModelClass, known: Collection[str]) -> Iterator[str]:
    for label, owner in declared_labels(cls):
        if label not in known:
            yield (
                f"{described(owner)}: a full-text index names {label!r}, which has no "
                "model in neo4j.models."
            )

"""What a person should know about models that can be read all the same."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from neomodel import (
    AsyncRelationshipDefinition,
    AsyncStructuredNode,
    RelationshipDefinition,
)
from neomodel.properties import Property as NeomodelProperty

from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.loading import ModelClass, described, identity, lies_in
from alembic_neo4j.schema.model_classes import (
    DeclaredRelationship,
    Model,
    relation_models,
)
from alembic_neo4j.schema.model_indexes import declared_labels
from alembic_neo4j.schema.properties import unknown_keywords

# What looks like a property or a relationship of a class, and neomodel sees none ------


_DECLARATIONS = (NeomodelProperty, RelationshipDefinition, AsyncRelationshipDefinition)
_COLLECTIONS = (tuple, list, set, frozenset, Mapping)


def unseen_declarations(cls: ModelClass) -> list[str]:
    """Return a warning for each attribute that neomodel takes for something else.

    ``name = StringProperty(),`` is a tuple, ``name = StringProperty`` a class and
    ``name: StringProperty`` an annotation: nothing of them is stored.
    """
    return [
        f"{described(owner)}: {text}"
        for owner in cls.__mro__
        if owner.__module__.partition(".")[0] not in ("neomodel", "builtins")
        for text in (*_unseen_values(owner), *_unseen_annotations(cls, owner))
    ]


def _unseen_values(owner: ModelClass) -> Iterator[str]:
    for attribute, value in vars(owner).items():
        if _is_special(attribute):
            continue
        if isinstance(value, _COLLECTIONS):
            if found := _first_in(value):
                yield _in_a_collection(attribute, value, found)
        elif isinstance(value, functools.partial) and _is_class(value.func):
            yield (
                f"{attribute} is a partial of {value.func.__name__}, so neomodel does "
                f"not see it; call it: {attribute} = …()."
            )
        elif _is_class(value):
            yield (
                f"{attribute} = {value.__name__} is the class, so neomodel does not "
                f"see it; write {attribute} = {value.__name__}(…)."
            )


def _in_a_collection(attribute: str, value: Any, found: Any) -> str:
    name = found.__name__ if isinstance(found, type) else type(found).__name__
    kind = type(value).__name__
    if isinstance(value, tuple) and len(value) == 1:
        return (
            f"{attribute} = {name}(…), is a tuple, so neomodel does not see it; take "
            "the comma at its end away."
        )
    return (
        f"{attribute} is a {kind} that holds a {name}, so neomodel does not see it; "
        "give each an attribute of its own."
    )


def _unseen_annotations(cls: ModelClass, owner: ModelClass) -> Iterator[str]:
    for attribute, annotation in _annotations(owner).items():
        if _is_special(attribute) or _is_declared(cls, attribute):
            continue
        if meant := _meant(annotation, owner):
            yield (
                f"{attribute}: {meant} is an annotation alone, so neomodel does not "
                f"see it; write {attribute} = {meant}(…)."
            )


def _annotations(owner: ModelClass) -> Mapping[str, Any]:
    try:
        return inspect.get_annotations(owner)
    except NameError:  # An annotation that is read late may name what isn't there.
        return {}


def _is_declared(cls: ModelClass, attribute: str) -> bool:
    """Tell whether neomodel has the attribute, or it is warned about as a value."""
    values = [vars(c)[attribute] for c in cls.__mro__ if attribute in vars(c)]
    return any(
        isinstance(value, (*_DECLARATIONS, *_COLLECTIONS, functools.partial))
        or _is_class(value)
        for value in values
    )


def _meant(annotation: Any, owner: ModelClass) -> str | None:
    """Return the declaration's class that an annotation names."""
    if isinstance(annotation, str):
        module = getattr(sys.modules.get(owner.__module__), "__dict__", {})
        named = re.findall(r"[A-Za-z_][A-Za-z0-9_.]*", annotation)
        found = [_looked_up(name, module) for name in named]
    else:
        found = [annotation, type(annotation), get_origin(annotation)]
        found += get_args(annotation)
    return next((f.__name__ for f in found if _is_class(f)), None)


def _looked_up(name: str, module: Mapping[str, Any]) -> Any:
    first, *others = name.split(".")
    found = module.get(first)
    for other in others:
        found = getattr(found, other, None)
    return found


def _first_in(value: Any) -> Any:
    """Return the first declaration or declaration's class in a nested collection."""
    items = value.values() if isinstance(value, Mapping) else value
    for item in items:
        if isinstance(item, _DECLARATIONS) or _is_class(item):
            return item
        if isinstance(item, _COLLECTIONS) and (found := _first_in(item)):
            return found
    return None


def _is_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, _DECLARATIONS)


def _is_special(attribute: str) -> bool:
    return attribute.startswith("__") and attribute.endswith("__")


# What a person should know about models that can be read all the same -----------------


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

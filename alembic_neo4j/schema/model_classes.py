"""One neomodel class as a node of the schema, with the relationships it declares."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from neomodel import (
    AsyncRelationshipDefinition,
    AsyncStructuredNode,
    AsyncStructuredRel,
    RelationshipDefinition,
    StructuredNode,
    StructuredRel,
)
from neomodel.contrib import (  # type: ignore[attr-defined]
    AsyncSemiStructuredNode,
    SemiStructuredNode,
)

from alembic_neo4j.errors import ModelError
from alembic_neo4j.schema.definitions import Direction, Node, Relationship
from alembic_neo4j.schema.loading import (
    ModelClass,
    described,
    identity,
    lies_in,
    load_node_classes,
)
from alembic_neo4j.schema.model_indexes import Attributes
from alembic_neo4j.schema.properties import read_properties

Definition: TypeAlias = "RelationshipDefinition | AsyncRelationshipDefinition"

_NODES = (StructuredNode, AsyncStructuredNode)
_DEFINITIONS = (RelationshipDefinition, AsyncRelationshipDefinition)
_OPEN = (SemiStructuredNode, AsyncSemiStructuredNode)
_DIRECTIONS = {1: Direction.OUT, -1: Direction.IN, 0: Direction.ANY}
_WIDTHS = {
    "ZeroOrMore": (False, True),
    "ZeroOrOne": (False, False),
    "OneOrMore": (True, True),
    "One": (True, False),
}


@dataclass(frozen=True)
class DeclaredRelationship:
    """A relationship definition on a class, its target looked up."""

    attribute: str
    owner: ModelClass
    definition: Definition
    relationship: Relationship
    target: ModelClass | None
    problem: str = ""

    @property
    def model(self) -> ModelClass | None:
        """The StructuredRel, if there is one."""
        rules: dict[str, Any] = self.definition.definition
        model: ModelClass | None = rules["model"]
        return model


@dataclass(frozen=True)
class Model:
    """A class with a label and what is read from it alone."""

    cls: ModelClass
    node: Node
    attributes: Attributes
    declared: tuple[DeclaredRelationship, ...]

    @property
    def label(self) -> str:
        """The class's own label."""
        return self.node.label


def has_label(cls: ModelClass) -> bool:
    """Tell whether neomodel gives the class a label of its own."""
    return "__label__" in vars(cls)


def read_model(cls: ModelClass) -> Model:
    """Return the class as a node; every module of the models has to be imported.

    A target that can't be looked up stays as ``?`` and its text. Of two attributes
    that declare the same relationship with different rules, the wider one is taken.
    Raises ModelError where a name of the class, a property or its kgid is unusable.
    """
    label = vars(cls)["__label__"]
    if not isinstance(label, str) or not label:
        raise ModelError(f"{described(cls)}: __label__ is {label!r}; give it a name.")
    attributes = read_properties(cls)
    declared = tuple(_definitions(cls))
    node = Node(
        label,
        tuple(attributes.values()),
        _distinct(d.relationship for d in declared),
        bases=tuple(base for base in cls.inherited_labels() if base != label),
        optional_labels=_names(cls, "__optional_labels__"),
        open=issubclass(cls, _OPEN),
        databases=_names(cls, "__target_databases__"),
        kgid=read_kgid(cls),
        source=".".join(identity(cls)),
    )
    return Model(cls, node, attributes, declared)


def relation_models(models: Iterable[Model]) -> dict[str, list[ModelClass]]:
    """Return the StructuredRel classes of each relationship type."""
    found: dict[str, dict[int, ModelClass]] = {}
    for model in models:
        for declared in model.declared:
            if declared.model is not None:
                classes = found.setdefault(declared.relationship.type, {})
                classes[id(declared.model)] = declared.model
    return {
        type_: sorted(classes.values(), key=identity)
        for type_, classes in found.items()
    }


def read_kgid(cls: ModelClass) -> str | None:
    """Return the class's own ``__kgid__``, never a base's.

    Raises ModelError where it is not a text.
    """
    kgid = vars(cls).get("__kgid__")
    if kgid is not None and (not isinstance(kgid, str) or not kgid):
        raise ModelError(
            f"{described(cls)}: __kgid__ is {kgid!r}; give it a text that no other "
            "class has and that never changes, or leave it out."
        )
    return kgid


def _names(cls: ModelClass, attribute: str) -> tuple[str, ...]:
    """Return the names that the class and its bases list in the attribute."""
    found: list[str] = []
    for owner in cls.__mro__:
        names = vars(owner).get(attribute) or ()
        if isinstance(names, str) or not all(isinstance(n, str) for n in names):
            raise ModelError(
                f"{described(owner)}: {attribute} is {names!r}; "
                "make it a list of names."
            )
        found.extend(names)
        if names and attribute == "__target_databases__":
            break
    return tuple(found)


def _definitions(cls: ModelClass) -> Iterator[DeclaredRelationship]:
    """Yield the relationships of a class in either world, sync and async.

    neomodel's own `defined_properties` sees those of the class's world only.
    """
    found: dict[str, tuple[Definition, ModelClass]] = {}
    for owner in reversed(cls.__mro__):
        for attribute, value in vars(owner).items():
            if isinstance(value, _DEFINITIONS):
                found[attribute] = (value, owner)
    for attribute, (definition, owner) in found.items():
        rules: dict[str, Any] = definition.definition
        target, text, problem = _target(definition, owner)
        relationship = Relationship(
            rules["relation_type"],
            text,
            direction=_DIRECTIONS[int(rules["direction"])],
            cardinality=definition.manager.__name__.removeprefix("Async"),
            exclusion_group=rules.get("exclusion_group"),
            attribute=attribute,
        )
        yield DeclaredRelationship(
            attribute, owner, definition, relationship, target, problem
        )


def _target(
    definition: Definition, owner: ModelClass
) -> tuple[ModelClass | None, str, str]:
    """Return the class at the other end, its label, and why none is found."""
    raw: str | ModelClass = definition._raw_class
    text = raw if isinstance(raw, str) else raw.__qualname__
    try:
        target = _looked_up(definition, owner, raw)
    except Exception as error:
        return None, f"?{text}", f"{type(error).__name__}: {error}"
    label = getattr(target, "__label__", None)
    if not isinstance(label, str) or not label:
        # An abstract class: any node of a class below it may be there.
        return None, f"?{text}", ""
    return target, label, ""


def _looked_up(
    definition: Definition, owner: ModelClass, raw: str | ModelClass
) -> ModelClass:
    """Return the class that neomodel finds, whoever imported the models.

    For a name without dots neomodel takes the first module up the call stack of the
    import that has such a name, be it Alembic's ``Config`` or a ``Path``. The module
    that the relationship is written in is asked first.
    """
    if isinstance(raw, str):
        beside = getattr(sys.modules.get(owner.__module__), raw, None)
        if isinstance(beside, type) and issubclass(beside, _NODES):
            return beside
    definition.lookup_node_class()
    rules: dict[str, Any] = definition.definition
    target: ModelClass = rules["node_class"]
    return target


def _distinct(declared: Iterable[Relationship]) -> tuple[Relationship, ...]:
    """Return one declaration for each type, direction and target: the widest."""
    kept: dict[tuple[str, str, str], Relationship] = {}
    for relationship in sorted(declared, key=_widest_first):
        kept.setdefault(relationship.key, relationship)
    return tuple(kept.values())


def _widest_first(declared: Relationship) -> tuple[object, ...]:
    at_least_one, many = _WIDTHS.get(declared.cardinality, (True, False))
    group = declared.exclusion_group or ""
    return (at_least_one, not many, declared.cardinality, group, declared.attribute)


# What the models' modules declare by name: labels, classes and their identities -------


@dataclass(frozen=True)
class ModelDeclarations:
    """Classes by label, and a description of each by name and by ``__kgid__``.

    `is_async` says that there are nodes of neomodel's asynchronous kind alone.
    """

    nodes: dict[str, ModelClass] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    kgids: dict[str, str] = field(default_factory=dict)
    is_async: bool = False


def read_declared(packages: Sequence[str]) -> ModelDeclarations:
    """Import the packages and modules and return what they declare.

    Raises ModelError where a module can't be imported.
    """
    nodes = load_node_classes(packages)
    found = ModelDeclarations(
        is_async=bool(nodes)
        and not any(issubclass(cls, StructuredNode) for cls in nodes)
    )
    for cls in (*nodes, *_relationship_models(packages)):
        found.names[cls.__name__] = described(cls)
        if kgid := read_kgid(cls):
            found.kgids[kgid] = described(cls)
        if issubclass(cls, (StructuredNode, AsyncStructuredNode)) and has_label(cls):
            found.nodes[vars(cls)["__label__"]] = cls
    return found


def module_file(cls: ModelClass) -> str:
    """Return the file that a class is written in."""
    return str(sys.modules[cls.__module__].__file__)


def _relationship_models(packages: Sequence[str]) -> Iterator[ModelClass]:
    waiting: list[ModelClass] = [StructuredRel, AsyncStructuredRel]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        module = sys.modules.get(cls.__module__)
        # A deleted module leaves its classes in memory.
        if lies_in(cls.__module__, packages) and hasattr(module, cls.__name__):
            yield cls

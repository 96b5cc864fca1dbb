"""What the models' modules declare by name: labels, classes and their identities."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from neomodel import (
    AsyncStructuredNode,
    AsyncStructuredRel,
    StructuredNode,
    StructuredRel,
)

from alembic_neo4j.schema.loading import (
    ModelClass,
    described,
    lies_in,
    load_node_classes,
)
from alembic_neo4j.schema.model_classes import has_label, read_kgid


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

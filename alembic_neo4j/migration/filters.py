"""Alembic's ``include_name`` and ``include_object`` for the elements of a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from alembic.autogenerate.api import AutogenContext

from alembic_neo4j.schema.definitions import (
    Constraint,
    Index,
    Node,
    RelationshipType,
    Schema,
)

Owner = TypeVar("Owner", Node, RelationshipType)


def filtered(context: AutogenContext, before: Schema, after: Schema) -> Schema:
    """Return `after` with what the filters exclude as it is in `before`.

    The filters are called with the type ``node``, ``relationship``, ``property``,
    ``index`` or ``constraint``; the parent names of a property, an index and a
    constraint hold its ``label``.
    """
    if not context._name_filters and not context._object_filters:
        return after
    select = Selection(context)
    nodes = select.mapping("node", before.nodes, after.nodes)
    types = select.mapping(
        "relationship", before.relationship_types, after.relationship_types
    )
    return replace(
        after,
        nodes={k: select.owner(before.nodes.get(k), v) for k, v in nodes.items()},
        relationship_types={
            k: select.owner(before.relationship_types.get(k), v)
            for k, v in types.items()
        },
        indexes=select.mapping("index", before.indexes, after.indexes),
        constraints=select.mapping("constraint", before.constraints, after.constraints),
    )


@dataclass(frozen=True)
class Selection:
    """What the filters of env.py leave in."""

    context: AutogenContext

    def owner(self, before: Owner | None, after: Owner) -> Owner:
        """Return `after` with the properties that are excluded as they are before."""
        old = {} if before is None else {p.name: p for p in before.properties}
        new = {p.name: p for p in after.properties}
        kept = self.mapping("property", old, new, label=_name(after))
        return replace(after, properties=tuple(kept.values()))

    def mapping(
        self,
        type_: str,
        before: Mapping[Any, Any],
        after: Mapping[Any, Any],
        *,
        label: str | None = None,
    ) -> dict[Any, Any]:
        """Return `after` with the elements that are excluded as they are before."""
        result = {}
        for key in {**before, **after}:
            old, new = before.get(key), after.get(key)
            kept = new if self.includes(type_, old, new, label) else old
            if kept is not None:
                result[key] = kept
        return result

    def includes(
        self, type_: str, old: Any, new: Any, label: str | None = None
    ) -> bool:
        """Tell whether an element is in, as it is (None where it is not) and should be.

        `label` is the owner of a property.
        """
        element = old if new is None else new
        name, kind = _name(element), cast("Any", type_)
        parents = cast("Any", {"label": label or _label(element)})
        if old is not None and not self.context.run_name_filters(name, kind, parents):
            return False
        return self.context.run_object_filters(
            element, name, kind, new is None, None if new is None else old
        )


def _label(element: Any) -> str:
    if isinstance(element, (Index, Constraint)):
        return element.labels[0]
    return _name(element)


def _name(element: Any) -> str:
    if isinstance(element, Node):
        return element.label
    if isinstance(element, RelationshipType):
        return element.type
    return str(element.name)

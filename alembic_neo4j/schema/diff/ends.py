"""Which models declare the relationships between two labels, seen from either end."""

from __future__ import annotations

from collections.abc import Mapping

from alembic_neo4j.schema.definitions import Direction, Node, Relationship


class Ends:
    """The relationships that models declare, to be asked for by both of their ends."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._declared: dict[str, list[tuple[str, Relationship]]] = {}
        self._together: dict[str, set[str]] = {}
        for node in nodes.values():
            for label in node.labels:
                self._together.setdefault(label, set()).update(node.labels)
            for declared in node.relationships:
                owners = self._declared.setdefault(declared.type, [])
                owners.append((node.label, declared))

    def declare(self, label: str, wanted: Relationship) -> bool:
        """Tell whether a model declares what the label would declare by `wanted`.

        It may do so on nodes that carry the label or are the other end, and without
        a direction.
        """
        return any(
            self._from_here(label, wanted, owner, declared)
            or self._from_there(label, wanted, owner, declared)
            for owner, declared in self._declared.get(wanted.type, ())
        )

    def meet(self, first: str, second: str) -> bool:
        """Tell whether a node may carry both labels."""
        return first == second or second in self._together.get(first, ())

    def _from_here(
        self, label: str, wanted: Relationship, owner: str, declared: Relationship
    ) -> bool:
        return (
            declared.direction in (wanted.direction, Direction.ANY)
            and self.meet(label, owner)
            and self.meet(wanted.target, declared.target)
        )

    def _from_there(
        self, label: str, wanted: Relationship, owner: str, declared: Relationship
    ) -> bool:
        if declared.direction not in (wanted.direction.reversed, Direction.ANY):
            return False
        if self.meet(label, wanted.target):
            # Where both ends are of a kind, the one declaration is not the other's.
            other = (wanted.target, label)
            return label != wanted.target and (owner, declared.target) == other
        return self.meet(wanted.target, owner) and self.meet(label, declared.target)

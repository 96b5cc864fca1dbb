"""What a model declares under a key, changed so that every step can be undone.

A change on a label reaches the models below it, and so does its reverse: adding a
property to a base and taking it off again would take it off a subclass that had it
before. So whatever is below is first brought into line, by declarations alone, and
gets its own declaration back when its turn comes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Generic, TypeVar

from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.definitions import Node
from alembic_neo4j.schema.diff.intermediate import Working

K = TypeVar("K", bound=Hashable)
D = TypeVar("D")


class Declarations(ABC, Generic[K, D]):
    """One aspect of the models: properties by name, or relationships by key.

    `changes` are those made so far, and applied to `working`.
    """

    def __init__(self, working: Working) -> None:
        self.working = working
        self.changes: list[Change] = []
        self._aside: dict[str, dict[K, D | None]] = {}

    @abstractmethod
    def declared(self, node: Node, key: K) -> D | None:
        """Return what the model declares under the key."""

    @abstractmethod
    def added(self, label: str, declared: D) -> Change:
        """Return the change that adds a declaration and touches no data."""

    @abstractmethod
    def removed(self, label: str, declared: D) -> Change:
        """Return the change that removes a declaration and touches no data."""

    @abstractmethod
    def visit(self, label: str) -> None:
        """Bring a model from what it declares to what it shall declare."""

    def compare(self) -> list[Change]:
        """Return the changes of all models that stay, bases first."""
        for label in self.working.kept():
            self._restore(label)
            self.visit(label)
        return self.changes

    def find(self, label: str, key: K) -> D | None:
        """Return what is declared on a label so far."""
        return self.declared(self.working.nodes[label], key)

    def wanted(self, label: str, key: K) -> D | None:
        """Return what shall be declared on a label."""
        node = self.working.after.nodes.get(label)
        return None if node is None else self.declared(node, key)

    def emit(self, label: str, change: Change) -> None:
        """Add a change that reaches the label and everything below it."""
        self.working.apply_below(change, label)
        self.changes.append(change)

    def align(self, label: str, key: K, wanted: D | None) -> None:
        """Let every model below the label declare the same."""
        for other in self.working.below(label):
            found = self.find(other, key)
            if found == wanted:
                continue
            if found is not None:
                self.clear(other, key)
            if wanted is not None:
                self.put(other, key, wanted)

    def clear(self, label: str, key: K) -> None:
        """Remove a declaration from the label and all below it, for the time being."""
        self._remember(label, key)
        declared = self.find(label, key)
        if declared is not None:
            self.align(label, key, declared)
            self.emit(label, self.removed(label, declared))

    def put(self, label: str, key: K, declared: D) -> None:
        """Add a declaration to the label and all below it, for the time being."""
        self._remember(label, key)
        self.align(label, key, None)
        self.emit(label, self.added(label, declared))

    def remember(self, label: str, key: K) -> None:
        """Keep what a model declares in mind, to be declared again in its turn."""
        self._aside.setdefault(label, {}).setdefault(key, self.find(label, key))

    def remembered(self, label: str, key: K) -> D | None:
        """Return what a model will get back."""
        return self._aside.get(label, {}).get(key)

    def amend(self, label: str, key: K, declared: D) -> None:
        """Change what a model will get back."""
        self._aside[label][key] = declared

    def remember_wanted_below(self, label: str, key: K) -> None:
        """Keep in mind what is below the label and shall stay declared."""
        for other in self.working.below(label):
            declared = self.find(other, key)
            if declared is not None and self.wanted(other, key) is not None:
                self.remember(other, key)

    def _remember(self, label: str, key: K) -> None:
        for other in self.working.reached(label):
            self.remember(other, key)

    def _restore(self, label: str) -> None:
        """Give a model its own declarations back, where something of it stays."""
        for key, own in sorted(self._aside.pop(label, {}).items(), key=_text_of_key):
            found = self.find(label, key)
            if found == own or self.wanted(label, key) is None:
                continue
            if found is not None:
                self.clear(label, key)
            if own is not None:
                self.put(label, key, own)
        self._aside.pop(label, None)


def _text_of_key(item: tuple[Hashable, object]) -> str:
    return repr(item[0])

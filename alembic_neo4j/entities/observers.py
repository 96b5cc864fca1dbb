"""Observers of a store: functions that are called when a change is stored."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from alembic_neo4j.entities.entity import Entity

log = logging.getLogger(__name__)

OnEntity = TypeVar("OnEntity", bound=Callable[[Entity], Any])
OnUpdate = TypeVar("OnUpdate", bound=Callable[[Entity, Entity], Any])


class EntityObserver:
    """Collects functions by its decorators; a repository calls them.

    They are called in the order in which they were given, by whoever makes the change,
    once it is committed: what they raise is logged, and neither undoes the change nor
    keeps the others from being called.
    """

    def __init__(self) -> None:
        self._created: list[Callable[[Entity], Any]] = []
        self._updated: list[Callable[[Entity, Entity], Any]] = []
        self._deleted: list[Callable[[Entity], Any]] = []

    def on_create(self, function: OnEntity) -> OnEntity:
        """Call the function with each entity that is created, as it is stored."""
        self._created.append(function)
        return function

    def on_update(self, function: OnUpdate) -> OnUpdate:
        """Call the function with each entity that is updated: the old, and the new."""
        self._updated.append(function)
        return function

    def on_delete(self, function: OnEntity) -> OnEntity:
        """Call the function with each entity that is deleted, as it was before."""
        self._deleted.append(function)
        return function

    def created(self, entity: Entity) -> None:
        """Tell of an entity that was created."""
        _tell(self._created, entity)

    def updated(self, old: Entity, new: Entity) -> None:
        """Tell of an entity that was updated."""
        _tell(self._updated, old, new)

    def deleted(self, entity: Entity) -> None:
        """Tell of an entity that was deleted."""
        _tell(self._deleted, entity)


def _tell(functions: list[Callable[..., Any]], *arguments: Entity) -> None:
    for function in tuple(functions):
        try:
            function(*arguments)
        except Exception:
            name = getattr(function, "__qualname__", repr(function))
            log.exception(
                "The observer %s failed for %s; the change is stored",
                *(name, arguments[-1].id),
            )

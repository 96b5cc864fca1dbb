"""Conflicts between versions that did not know of each other, and what resolves them.

What a resolver makes of them is no version that anybody wrote: it is what a store
shows until somebody writes the next one. A resolver looks at nothing but the versions,
so each store that has the same ones shows the same, whatever came first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from alembic_neo4j.entities.entity import Entity
from alembic_neo4j.entities.json_values import json_text
from alembic_neo4j.entities.versioning import Version
from alembic_neo4j.errors import ValidationError
from alembic_neo4j.sentences import shortened

Ancestor = Callable[[Version, Version], Entity | None]
"""Returns what two versions were both made from, None where there is nothing known."""


@dataclass(frozen=True)
class Conflict:
    """Versions of an entity that did not know of each other.

    The latest one is the last of `versions`; a deletion is one. `ancestor` is what they
    were all made from, None where each was created.
    """

    id: str
    versions: tuple[Entity, ...]
    ancestor: Entity | None


class ConflictResolver(ABC):
    """Decides what is shown of an entity that was changed on two sites or more."""

    name: ClassVar[str]

    @abstractmethod
    def resolve(
        self, versions: Sequence[Version], ancestor: Ancestor, /
    ) -> Entity | None:
        """Return what is shown, or None where somebody has to decide.

        Of the versions, two or more, none was made from another one. They are in the
        order of `lateness`.
        """

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def lateness(entity: Entity) -> tuple[Any, ...]:
    """Return by what the later one of two versions is the greater one, on any site.

    It is the time, then the version; then what they say decides.
    """
    said = (entity.deleted, entity.type, entity.status, json_text(entity.data))
    return (entity.updated_at, entity.version, *said, entity.created_at)


class LastWriteWinsResolver(ConflictResolver):
    """Takes the version with the latest time, be it a deletion.

    Where the times are the same, the higher version is taken, then whichever says more
    in the order of texts: every site takes the same one. The times are those of the
    sites' clocks, so a site whose clock is ahead wins.
    """

    name = "last-write-wins"

    def resolve(self, versions: Sequence[Version], _ancestor: Ancestor, /) -> Entity:
        """Return the latest version."""
        return versions[-1].entity


class HigherVersionWinsResolver(ConflictResolver):
    """Takes the version that more others were made into, be it a deletion.

    Where two were, the latest of them is taken. It looks at no clock before that.
    """

    name = "higher-version"

    def resolve(self, versions: Sequence[Version], _ancestor: Ancestor, /) -> Entity:
        """Return the version with the highest number."""
        entities = [each.entity for each in versions]
        return max(entities, key=lambda each: (each.version, lateness(each)))


class MergeFieldsResolver(ConflictResolver):
    """Takes of each version the fields that it changed.

    The status is a field, and so is each key of the data, as a whole. A field that only
    one changed since what they have in common is that one's; one that several changed
    is the latest one's. Where one version is a deletion, what the others changed stays.
    """

    name = "merge-fields"

    def resolve(self, versions: Sequence[Version], ancestor: Ancestor, /) -> Entity:
        """Return the fields of all versions."""
        live = [each for each in versions if not each.entity.deleted]
        if not live:
            return versions[-1].entity
        latest = live[-1].entity
        names = {name: None for each in reversed(live) for name in each.entity.data}
        merged = {name: _merged(name, live, ancestor) for name in names}
        return latest.copy(
            status=_merged(None, live, ancestor),
            data={name: v for name, v in merged.items() if v is not _MISSING},
        )


_MISSING = object()


def _merged(name: str | None, versions: Sequence[Version], ancestor: Ancestor) -> Any:
    """Return the value of a field, of the status where it has no name."""
    changed = [
        each
        for each in versions
        if not any(
            _left(name, each.entity, other.entity, ancestor(each, other))
            for other in versions
            if other is not each
        )
    ]
    # Where each left to another one what that changed, none of them has more to say.
    return _value(name, (changed or versions)[-1].entity)


def _left(name: str | None, one: Entity, other: Entity, was: Entity | None) -> bool:
    """Tell whether the other one changed a field that this one left as it was."""
    before = _text(name, was)
    return _text(name, one) == before != _text(name, other)


def _value(name: str | None, entity: Entity) -> Any:
    return entity.status if name is None else entity.data.get(name, _MISSING)


def _text(name: str | None, entity: Entity | None) -> str | None:
    value = _MISSING if entity is None else _value(name, entity)
    # By their texts 1, 1.0 and True are not the same.
    return None if value is _MISSING else json_text(value)


class DeferResolver(ConflictResolver):
    """Leaves the decision to somebody, by `conflicts` and `resolve` of the repository.

    Until then the latest version is shown, as by `LastWriteWinsResolver`, and the
    entity can't be changed in this store in any other way.
    """

    name = "defer"

    def resolve(self, versions: Sequence[Version], _ancestor: Ancestor, /) -> None:
        """Return None: somebody has to decide."""


class CallbackResolver(ConflictResolver):
    """Takes what a function makes of two versions: the earlier one, and the later one.

    A deletion is given as the entity with `deleted`, and may be returned. Of more than
    two versions, the function is given what it has made of the earlier ones, and the
    next one. It has to return the same entity whenever it is given the same two, or
    sites may show different ones. What it raises ends the sync; so does, as a
    ValidationError, a value that is not this entity. Then nothing of it is stored in
    the store for which it was asked.
    """

    name = "callback"

    def __init__(self, function: Callable[[Entity, Entity], Entity]) -> None:
        if not callable(function):
            raise ValidationError(
                "expected a function of two entities for a CallbackResolver, found "
                f"{shortened(function)}; it returns the one that is to be shown"
            )
        self._function = function

    def resolve(self, versions: Sequence[Version], _ancestor: Ancestor, /) -> Entity:
        """Return what the function makes of the versions."""
        made = versions[0].entity
        for version in versions[1:]:
            made = self._checked(self._function(made, version.entity), made)
        return made

    def _checked(self, made: object, given: Entity) -> Entity:
        if isinstance(made, Entity) and made.id == given.id:
            return made
        name = getattr(self._function, "__qualname__", repr(self._function))
        raise ValidationError(
            f"expected {name} to return an entity with the id {given.id}, found "
            f"{shortened(made)}. Nothing has been changed. Return one of the two that "
            "it is given, or a copy of it"
        )

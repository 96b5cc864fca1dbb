"""Sync: stores that give each other the versions that the other one lacks."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any

from sqlalchemy import select

from alembic_neo4j.entities.conflict import (
    Conflict,
    ConflictResolver,
    LastWriteWinsResolver,
)
from alembic_neo4j.entities.entity import Entity
from alembic_neo4j.entities.forks import find_fork, part
from alembic_neo4j.entities.merging import (
    ancestry,
    heads,
    known,
    lacking,
    outdated,
    receive,
)
from alembic_neo4j.entities.opening import check_readable
from alembic_neo4j.entities.repository import (
    EntityRepository,
    check_entity,
    check_site,
)
from alembic_neo4j.entities.tables import conflicts
from alembic_neo4j.entities.versioning import current, write
from alembic_neo4j.errors import ValidationError, VersionConflict
from alembic_neo4j.sentences import shortened

_IN_MEMORY = 1_000_000
"""How many bytes of what observers are to be told are kept in memory."""


@dataclass(frozen=True)
class SyncResult:
    """How many versions a store received of another one, and how many it sent to it."""

    received: int = 0
    sent: int = 0


class SyncableRepository(EntityRepository):
    """A repository that is synced with others: SQLite files, PostgreSQL, any of them.

    It is the store of `repo` and does all that a repository does. What is written by it
    is the site's with this name, which no other store may have; without one it is the
    name that each store has of its own. `conflict_resolver` decides what is shown of an
    entity that was changed in two stores which did not know of each other; without one
    the last write wins.

    Where another store knows more of the site than this one, or has other writes of it
    (it was restored, or copied, or has the same name), no write is lost: a sync sees it
    and lets one of the two go on under the name with an ending, ``my-laptop~1f0c…``.

    Raises ValidationError where something is given that is none of these.
    """

    def __init__(
        self,
        repo: EntityRepository,
        site_id: str | None = None,
        conflict_resolver: ConflictResolver | None = None,
    ) -> None:
        check_repository(repo)
        if site_id is not None:
            check_site(site_id)
        resolver = conflict_resolver or LastWriteWinsResolver()
        if not isinstance(resolver, ConflictResolver):
            raise ValidationError(
                "expected a resolver of alembic_neo4j.entities.conflict for the "
                f"conflict_resolver, found {shortened(resolver)}; write "
                "LastWriteWinsResolver(), or CallbackResolver(function)"
            )
        self.store = repo.store
        self.observers = repo.observers
        self._site = site_id or repo.site_id
        self._resolver = resolver

    @property
    def conflict_resolver(self) -> ConflictResolver:
        """What decides on conflicts in this store."""
        return self._resolver

    def sync_with(self, other: EntityRepository) -> SyncResult:
        """Give both stores what the other one has; both have the same versions then.

        The other one's conflicts are decided by its own resolver where it has one, and
        by this one's otherwise. First this store receives, then the other one: each in
        one transaction, whole or not at all, and the next sync does what is missing.
        Observers of both are told. Raises StoreError where a store is damaged, a newer
        release's or can't be written to.
        """
        return SyncResult(self.pull_from(other).received, self.push_to(other).sent)

    def pull_from(self, other: EntityRepository) -> SyncResult:
        """Give this store what the other one has; the other one is only read.

        It is written to only where both wrote as the same site, of which one has to
        have another name.
        """
        check_repository(other)
        return SyncResult(received=_pull(self, other, self._resolver))

    def push_to(self, other: EntityRepository) -> SyncResult:
        """Give the other store what this one has: what `pull_from` does, from there."""
        check_repository(other)
        resolver = self._resolver
        if isinstance(other, SyncableRepository):
            resolver = other.conflict_resolver
        return SyncResult(sent=_pull(other, self, resolver))

    def conflicts(self) -> list[Conflict]:
        """Return the conflicts that wait for somebody's decision, by their ids."""
        query = select(conflicts.c.id).where(conflicts.c.waits)
        with self.store.reading() as connection:
            ids = connection.execute(query.order_by(conflicts.c.id)).scalars().all()
            ancestor = ancestry(connection, self._resolver)
            found = []
            for entity_id in ids:
                versions = heads(connection, entity_id)
                each = tuple(version.entity for version in versions)
                found.append(Conflict(entity_id, each, ancestor(*versions)))
            return found

    def resolve(self, conflict: Conflict | str, entity: Entity) -> Entity:
        """Decide a conflict: store the entity as the next version, and return it so.

        It may be one of the conflict's versions, or a copy with whatever is right; one
        that is `deleted` deletes the entity. `conflict` is the conflict or the entity's
        id. Raises VersionConflict where there is no such conflict, or given the
        conflict itself where it is another one by now: nothing is changed.
        """
        check_entity(entity)
        entity_id = conflict.id if isinstance(conflict, Conflict) else conflict
        if entity.id != entity_id:
            raise ValidationError(
                f"expected an entity with the id {shortened(entity_id)} to resolve its "
                f"conflict, found {shortened(entity.id)}"
            )
        with self.store.writing() as connection:
            before = current(connection, entity.id)
            if before is None or not before.conflicting:
                raise VersionConflict(
                    f"expected a conflict of {entity.id}, found none: it is decided. "
                    "Read the entity, and update it where that is needed",
                    *(
                        entity.id,
                        entity.version,
                        before.entity.version if before else 0,
                    ),
                )
            if isinstance(conflict, Conflict):
                found = tuple(each.entity for each in heads(connection, entity.id))
                if found != conflict.versions:
                    raise VersionConflict(
                        f"the conflict of {entity.id} is another one by now, between "
                        f"{len(found)} versions. Look at it by conflicts() again",
                        *(entity.id, entity.version, before.entity.version),
                    )
            stored = write(connection, self._site, entity, before)
        old = None if before.entity.deleted else before.entity
        _tell(self, old, stored)
        return stored

    def __repr__(self) -> str:
        return f"SyncableRepository({super().__repr__()}, {self._site!r})"


def check_repository(repo: object) -> None:
    """Raise ValidationError for what is no repository."""
    if not isinstance(repo, EntityRepository):
        raise ValidationError(
            f"expected a repository, found {type(repo).__name__} {shortened(repo)}; "
            "write EntityRepository(path or URL)"
        )


def _pull(
    target: EntityRepository, source: EntityRepository, resolver: ConflictResolver
) -> int:
    if target.store is source.store:
        return 0
    while True:
        part(target.store, source.store)
        if not _is_behind(target, source, resolver):
            return 0
        received = _received(target, source, resolver)
        if received is not None:
            return received


def _received(
    target: EntityRepository, source: EntityRepository, resolver: ConflictResolver
) -> int | None:
    """Return how many versions were received, None where the stores have to part."""
    with _Changes(target) as changes:
        with target.store.writing() as writing, source.store.reading() as reading:
            check_readable(reading)
            # Somebody may have written since they parted.
            if find_fork(writing, reading) or find_fork(reading, writing):
                return None
            received = receive(writing, reading, target.site_id, resolver, changes.add)
        changes.tell()
    return received


def _is_behind(
    target: EntityRepository, source: EntityRepository, resolver: ConflictResolver
) -> bool:
    """Tell whether there is something to write; a store that is only read is not."""
    with source.store.reading() as connection:
        check_readable(connection)
        theirs = known(connection)
    with target.store.reading() as connection:
        check_readable(connection)
        return bool(lacking(known(connection), theirs)) or outdated(
            connection, resolver
        )


class _Changes:
    """What observers are told once it is committed; much of it is kept on the disk."""

    def __init__(self, repo: EntityRepository) -> None:
        self._repo = repo
        self._file: Any = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115

    def __enter__(self) -> _Changes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, old: Entity | None, new: Entity) -> None:
        """Take down that an entity changed."""
        if self._repo.observers:
            pickle.dump((old, new), self._file)

    def tell(self) -> None:
        """Tell the observers, in the order of the changes."""
        end = self._file.tell()
        self._file.seek(0)
        while self._file.tell() < end:
            _tell(self._repo, *pickle.load(self._file))


def _tell(repo: EntityRepository, old: Entity | None, new: Entity) -> None:
    for observer in tuple(repo.observers):
        if old is None and not new.deleted:
            observer.created(new)
        elif old is not None and new.deleted:
            observer.deleted(old)
        elif old is not None:
            observer.updated(old, new)

"""The repository: entities in a SQLite file or in PostgreSQL, every version of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, select
from sqlalchemy.engine import URL

from alembic_neo4j.database import sqlite_path
from alembic_neo4j.entities import search as searching
from alembic_neo4j.entities.engine import shown, store_url
from alembic_neo4j.entities.entity import Entity, checked_count, checked_status
from alembic_neo4j.entities.filters import Filters, conditions
from alembic_neo4j.entities.json_values import storable_text
from alembic_neo4j.entities.observers import EntityObserver
from alembic_neo4j.entities.opening import Store, site_of
from alembic_neo4j.entities.search import USUAL_LIMIT, SearchResult
from alembic_neo4j.entities.tables import entities, versions
from alembic_neo4j.entities.versioning import (
    check_settled,
    conflict,
    current,
    entity_of,
    exists,
    write,
)
from alembic_neo4j.errors import ValidationError
from alembic_neo4j.sentences import shortened

Entities: TypeAlias = list[Entity]


class EntityRepository:
    """Creates, reads, updates and deletes entities; several processes may at once.

    `path_or_url` is a SQLite file, or a database URL of SQLite or PostgreSQL; without
    it the store is a file in the user's data directory. It is created when it is not
    there, unless `create` is false. A file with the tables of something else is refused
    unless `shared` says that the entities are to be kept beside them. `site_id` is the
    name by which other stores know who wrote a version; each store has one of its own,
    which this replaces for what is written here.

    A change is one transaction, and stored when the method returns. Threads may share a
    repository. Raises StoreError where the store can't be opened, is damaged or a newer
    release's, and ValidationError where the path or URL is none.
    """

    def __init__(
        self,
        path_or_url: str | os.PathLike[str] | URL | None = None,
        *,
        create: bool = True,
        shared: bool = False,
        site_id: str | None = None,
    ) -> None:
        if site_id is not None:
            check_site(site_id)
        self.store = Store(store_url(path_or_url), create=create, shared=shared)
        self.observers: list[EntityObserver] = []
        try:
            with self.store.reading() as connection:
                self._site = site_id or site_of(connection)
        except BaseException:
            self.close()
            raise

    @property
    def db_path(self) -> Path | None:
        """The file of the store, None where it is PostgreSQL or in memory."""
        return sqlite_path(self.store.url)

    @property
    def site_id(self) -> str:
        """The name by which other stores know who wrote a version here."""
        return self._site

    def create(self, entity: Entity) -> Entity:
        """Store an entity that is not there, and return it as stored: as version 1.

        One that was deleted may be created again: its versions are counted on, and its
        history has both lives. Raises EntityExists where it is there.
        """
        check_entity(entity)
        with self.store.writing() as connection:
            before = current(connection, entity.id)
            check_settled(before)
            if before is not None and not before.entity.deleted:
                raise exists(entity.id, before.entity.version)
            new = entity.copy(deleted=False)
            stored = write(connection, self._site, new, before)
        for observer in tuple(self.observers):
            observer.created(stored)
        return stored

    def read(self, entity_id: str, *, version: int | None = None) -> Entity | None:
        """Return an entity as it is now, None where it is not there or deleted.

        With `version` it is returned as it was then, None where there was no such
        version. The one by which it was deleted says so: `deleted`.
        """
        if not _is_text(entity_id):
            return None
        with self.store.reading() as connection:
            found = current(connection, entity_id)
            if version is None:
                return None if found is None or found.entity.deleted else found.entity
            checked_count(version, "version")
            if found is not None and found.entity.version == version:
                # After a conflict it may be none that anybody wrote.
                return found.entity
            query = _history(entity_id).where(versions.c.version == version)
            rows = connection.execute(query).all()
            return entity_of(rows[-1], connection) if rows else None

    def history(self, entity_id: str) -> Entities:
        """Return all versions of an entity, the first one first; deletions are some."""
        if not _is_text(entity_id):
            return []
        with self.store.reading() as connection:
            rows = connection.execute(_history(entity_id))
            return [entity_of(row, connection) for row in rows]

    def update(self, entity: Entity) -> Entity:
        """Store another version of an entity, and return it as stored.

        The entity is one that was read or returned, with changes made by `copy`. Raises
        VersionConflict where another version has been stored since: nothing is changed.
        """
        check_entity(entity)
        with self.store.writing() as connection:
            before = current(connection, entity.id)
            check_settled(before)
            if (
                before is None
                or before.entity.deleted
                or before.entity.version != entity.version
            ):
                raise conflict(entity.id, entity.version, before)
            old = before.entity
            if entity.type != old.type:
                raise ValidationError(
                    f"expected {entity.id} to stay of the type {old.type}, found "
                    f"{entity.type}; create another entity"
                )
            new = entity.copy(created_at=old.created_at, deleted=False)
            stored = write(connection, self._site, new, before)
        for observer in tuple(self.observers):
            observer.updated(old, stored)
        return stored

    def delete(self, entity_id: str, *, version: int | None = None) -> bool:
        """Delete an entity and return True, False where it is not there.

        Its history stays, and ends with a version that is the deletion. With `version`
        it is deleted only where it is still at that one: raises VersionConflict
        otherwise.
        """
        if version is not None:
            checked_count(version, "version")
        if not _is_text(entity_id):
            return False
        with self.store.writing() as connection:
            before = current(connection, entity_id)
            if before is None or before.entity.deleted:
                return False
            check_settled(before)
            old = before.entity
            if version is not None and version != old.version:
                raise conflict(entity_id, version, before)
            write(connection, self._site, old.copy(deleted=True), before)
        for observer in tuple(self.observers):
            observer.deleted(old)
        return True

    def list(
        self,
        entity_type: str | None = None,
        status: str | None = None,
        *,
        filters: Filters = {},  # noqa: B006 (nothing changes it)
        limit: int | None = None,
        offset: int = 0,
        after: str | Entity | None = None,
    ) -> Entities:
        """Return entities in the order in which they came to the store.

        `filters` are those of a search. The next page begins `after` the last entity of
        the one before, or after its id: nothing is passed over or seen twice, whatever
        is created or deleted meanwhile. `offset` passes over so many.

        Raises ValidationError where a filter, the limit or the offset is none, or the
        store never had what `after` names.
        """
        asked = dict(filters)
        if entity_type is not None:
            asked["type"] = entity_type
        if status is not None:
            asked["status"] = checked_status(status)
        if limit is not None:
            checked_count(limit, "limit")
        checked_count(offset, "offset")
        with self.store.reading() as connection:
            where = list(conditions(asked, connection.dialect.name))
            if after is not None:
                where.append(entities.c.number > _number(connection, after))
            query = select(entities).where(~entities.c.deleted, *where)
            query = query.order_by(entities.c.number)
            query = query.limit(limit).offset(offset or None)
            return [entity_of(row, connection) for row in connection.execute(query)]

    def search(
        self,
        query: str = "",
        filters: Filters = {},  # noqa: B006 (nothing changes it)
        facets: Sequence[str] = (),
        *,
        limit: int | None = USUAL_LIMIT,
        offset: int = 0,
    ) -> SearchResult:
        """Return the entities that have all words of the query; see `EntitySearch`."""
        with self.store.reading() as connection:
            return searching.search(
                connection, query, filters, facets, limit=limit, offset=offset
            )

    def add_observer(self, observer: EntityObserver) -> None:
        """Tell an observer of every change that is made by this repository."""
        if observer not in self.observers:
            self.observers.append(observer)

    def remove_observer(self, observer: EntityObserver) -> None:
        """Tell an observer of no further changes; it need not have been added."""
        if observer in self.observers:
            self.observers.remove(observer)

    def close(self) -> None:
        """Close the connections to the store."""
        self.store.close()

    def __enter__(self) -> EntityRepository:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"EntityRepository({shown(self.store.url)!r})"


def _history(entity_id: str) -> Select[Any]:
    order = (versions.c.version, versions.c.updated_at, versions.c.site)
    return select(versions).where(versions.c.id == entity_id).order_by(*order)


def _number(connection: Connection, after: str | Entity) -> int:
    entity_id = after.id if isinstance(after, Entity) else after
    found = None
    if _is_text(entity_id):
        query = select(entities.c.number).where(entities.c.id == entity_id)
        found = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise ValidationError(
            "expected the last entity of the page before, or its id, for after; found "
            f"{shortened(entity_id)}, which the store never had"
        )
    return int(found)


def _is_text(entity_id: object) -> bool:
    """Tell whether an entity may have such text as its id."""
    if not isinstance(entity_id, str):
        raise ValidationError(
            f"expected the id of an entity, found {type(entity_id).__name__} "
            f"{shortened(entity_id)}; write entity.id"
        )
    return storable_text(entity_id)


def check_entity(entity: object) -> None:
    """Raise ValidationError for what is no entity."""
    if not isinstance(entity, Entity):
        raise ValidationError(
            f"expected an Entity, found {type(entity).__name__} {shortened(entity)}"
        )


def check_site(site_id: object) -> None:
    """Raise ValidationError for what is no name of a site."""
    if (
        not isinstance(site_id, str)
        or not site_id.strip()
        or not storable_text(site_id)
    ):
        raise ValidationError(
            f"expected text for the name of a site, found {shortened(site_id)}; write "
            "one that no other store has, such as my-laptop"
        )

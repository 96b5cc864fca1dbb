"""Reading and writing versions of entities, in a transaction of the caller's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from alembic_neo4j.entities.engine import damaged
from alembic_neo4j.entities.entity import Entity, now
from alembic_neo4j.entities.json_values import json_text
from alembic_neo4j.entities.tables import conflicts, entities, sites, versions
from alembic_neo4j.entities.words import searched_words
from alembic_neo4j.errors import EntityExists, ValidationError, VersionConflict


@dataclass(frozen=True)
class Stored:
    """An entity as it is in the store, with the version vector of that version.

    `conflicting` tells whether it was made of versions that did not know of each other,
    and `waits` whether somebody has to decide between these.
    """

    entity: Entity
    vector: Mapping[str, int]
    conflicting: bool = False
    waits: bool = False


@dataclass(frozen=True)
class Version:
    """A version as somebody wrote it: its dot, and the vector of what it was made of.

    `version` of the entity is how many versions of it that are, itself included.
    """

    entity: Entity
    site: str
    counter: int
    vector: Mapping[str, int]


ENTITY_COLUMNS = (
    "id",
    "type",
    "status",
    "data",
    "version",
    "created_at",
    "updated_at",
    "deleted",
)


# Made once: SQLAlchemy takes longer to make them than SQLite to run them.
WITH_CONFLICT = select(entities, conflicts.c.waits).outerjoin_from(
    entities, conflicts, conflicts.c.id == entities.c.id
)
"""The entities as they are now; `waits` is None where there is no conflict."""

_CURRENT = WITH_CONFLICT.where(entities.c.id == bindparam("wanted"))
_COUNTER = select(sites.c.counter, sites.c.continued_as).where(
    sites.c.site == bindparam("mine")
)
_COUNT = update(sites).where(sites.c.site == bindparam("mine"))
_UPDATE = update(entities).where(
    entities.c.id == bindparam("wanted"), entities.c.version == bindparam("was")
)


def entity_of(row: Row[Any], connection: Connection) -> Entity:
    """Return the entity of a row; raises StoreError where it holds none."""
    try:
        return Entity(
            row.id,
            row.type,
            row.status,
            json.loads(row.data),
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
            deleted=bool(row.deleted),
        )
    except (ValidationError, ValueError, TypeError, RecursionError) as error:
        raise damaged(connection.engine.url, f"{row.id}: {error}") from error


def current(connection: Connection, entity_id: str) -> Stored | None:
    """Return an entity as it is now, also where it is deleted."""
    row = connection.execute(_CURRENT, {"wanted": entity_id}).one_or_none()
    if row is None:
        return None
    return stored_of(row, connection)


def stored_of(row: Row[Any], connection: Connection) -> Stored:
    """Return what a row of `WITH_CONFLICT` holds; raises StoreError as `entity_of`."""
    entity, vector = entity_of(row, connection), vector_of(row, connection)
    return Stored(entity, vector, row.waits is not None, bool(row.waits))


def version_of(row: Row[Any], connection: Connection) -> Version:
    """Return what a row of `versions` holds; raises StoreError as `entity_of`."""
    vector = vector_of(row, connection)
    if vector.get(row.site) != row.counter:
        what = f"{row.id}: {row.vector} is no vector of {row.site}'s {row.counter}"
        raise damaged(connection.engine.url, what)
    return Version(entity_of(row, connection), row.site, row.counter, vector)


def vector_of(row: Row[Any], connection: Connection) -> dict[str, int]:
    """Return the version vector of a row; raises StoreError where it has none."""
    try:
        return {str(s): int(n) for s, n in json.loads(row.vector).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise damaged(connection.engine.url, f"{row.id}: {error}") from error


def values_of(entity: Entity, vector: Mapping[str, int]) -> dict[str, Any]:
    """Return the columns of an entity, as both tables have them."""
    values = {name: getattr(entity, name) for name in ENTITY_COLUMNS}
    values["data"] = json_text(entity.data)
    values["vector"] = json_text(dict(sorted(vector.items())))
    return values


def write(
    connection: Connection, site: str, entity: Entity, before: Stored | None
) -> Entity:
    """Write the version of an entity that follows `before`, and return it as stored.

    It is a write of `site`, later than what was before whatever the clock says. Raises
    VersionConflict, or EntityExists, where the store is not at `before` any more.
    """
    site, counter = _next_dot(connection, site)
    moment = now()
    if before is not None:
        moment = max(moment, before.entity.updated_at + timedelta(microseconds=1))
    stored = entity.copy(
        version=1 if before is None else before.entity.version + 1,
        updated_at=max(moment, entity.created_at),
    )
    vector = {**(before.vector if before else {}), site: counter}
    values = values_of(stored, vector) | {"site": site, "counter": counter}
    _write_current(connection, stored, before, values)
    if before is not None and before.conflicting:
        connection.execute(delete(conflicts).where(conflicts.c.id == entity.id))
    connection.execute(insert(versions), values)
    return stored


def _next_dot(connection: Connection, site: str) -> tuple[str, int]:
    found = connection.execute(_COUNTER, {"mine": site}).one_or_none()
    if found is None:
        connection.execute(insert(sites), {"site": site, "counter": 1})
        return site, 1
    if found.continued_as is not None:
        return _next_dot(connection, found.continued_as)
    connection.execute(_COUNT, {"mine": site, "counter": found.counter + 1})
    return site, found.counter + 1


def written_as(connection: Connection, site: str) -> str:
    """Return the name under which the store writes what it writes as a site."""
    found = connection.execute(_COUNTER, {"mine": site}).one_or_none()
    if found is None or found.continued_as is None:
        return site
    return written_as(connection, found.continued_as)


def _write_current(
    connection: Connection,
    entity: Entity,
    before: Stored | None,
    values: Mapping[str, Any],
) -> None:
    values = {**values, "words": searched_words(entity)}
    if before is None:
        try:
            connection.execute(insert(entities), values)
        except IntegrityError as error:
            raise exists(entity.id, 1) from error
        return
    values |= {"wanted": entity.id, "was": before.entity.version}
    done = connection.execute(_UPDATE, values)
    if done.rowcount != 1:
        # Whoever wrote it did not ask for the lock.
        raise conflict(entity.id, before.entity.version, current(connection, entity.id))


def check_settled(found: Stored | None) -> None:
    """Raise VersionConflict for an entity whose conflict somebody has to decide."""
    if found is not None and found.waits:
        entity = found.entity
        raise VersionConflict(
            f"expected {entity.id} without a conflict, found one that waits to be "
            "decided: it was changed on two sites. Look at it by conflicts() of a "
            "SyncableRepository, and decide it by resolve()",
            *(entity.id, entity.version, entity.version),
        )


def exists(entity_id: str, version: int) -> EntityExists:
    """Return the error for an entity that is there already."""
    return EntityExists(
        f"expected no entity {entity_id} in the store, found version {version} of it; "
        "take another id, or read it and update what was read",
        *(entity_id, 0, version),
    )


def conflict(entity_id: str, given: int, found: Stored | None) -> VersionConflict:
    """Return the error for a change of a version that is not the newest."""
    if found is None:
        return VersionConflict(
            f"expected version {given} of {entity_id} in the store, found no such "
            "entity; create it first",
            *(entity_id, given, 0),
        )
    version = found.entity.version
    after = "read it again and make the change to what was read"
    if found.entity.deleted:
        after = "it was deleted by that: create it again where it is needed"
    elif given == 0:
        after = "this entity was never stored: " + after
    return VersionConflict(
        f"expected version {given} of {entity_id} in the store, found version "
        f"{version}; {after}",
        *(entity_id, given, version),
    )

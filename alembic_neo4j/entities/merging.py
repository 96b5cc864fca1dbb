"""Receiving versions of another store, in transactions of the caller's on both.

A store has all writes of a site up to some counter. So what another one lacks is told
by two vectors, and what a store has after it received that is the union of both, in
whatever order and however often stores receive of each other. What is shown of an
entity follows from its versions alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from alembic_neo4j.entities.conflict import ConflictResolver, lateness
from alembic_neo4j.entities.engine import damaged
from alembic_neo4j.entities.entity import Entity
from alembic_neo4j.entities.forks import continue_elsewhere, hand_on
from alembic_neo4j.entities.tables import conflicts, entities, sites, versions
from alembic_neo4j.entities.versioning import (
    WITH_CONFLICT,
    Stored,
    Version,
    stored_of,
    values_of,
    vector_of,
    version_of,
    written_as,
)
from alembic_neo4j.entities.words import searched_words

_BATCH = 200
"""How many rows are in memory at once."""

Tell = Callable[[Entity | None, Entity], None]
"""Is told of an entity that changed: as it was, None where it was not there, and is."""

_UPDATE = update(entities).where(entities.c.id == bindparam("wanted"))


def known(connection: Connection) -> dict[str, int]:
    """Return up to which write of each site the store has everything."""
    rows = connection.execute(select(sites.c.site, sites.c.counter))
    return {row.site: row.counter for row in rows}


def lacking(mine: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
    """Return the sites of which the other store has more, and what there is of each."""
    return {
        site: mine.get(site, 0)
        for site, counter in sorted(theirs.items())
        if counter > mine.get(site, 0)
    }


def outdated(connection: Connection, resolver: ConflictResolver) -> bool:
    """Tell whether the store shows conflicts as another resolver would."""
    return connection.execute(_by_another(resolver).limit(1)).first() is not None


def _by_another(resolver: ConflictResolver) -> Any:
    other = conflicts.c.resolver != resolver.name
    return select(conflicts.c.id).where(other, ~conflicts.c.waits)


def receive(
    target: Connection,
    source: Connection,
    site: str,
    resolver: ConflictResolver,
    tell: Tell,
) -> int:
    """Write what `target` lacks of `source`, and return how many versions that are.

    They have to have no fork. What is changed is told. Where `site`, as which the
    target writes, wrote more than it knows, it writes under another name from then on.
    Raises StoreError where the source is damaged.
    """
    offered = known(source)
    lacks = lacking(known(target), offered)
    mine = written_as(target, site)
    hand_on(target, source)
    received = 0
    for each, counter in lacks.items():
        received += _copy(target, source, each, counter, offered[each])
    if mine in lacks:
        continue_elsewhere(target, mine)
    groups = iter(lacks.items())
    while group := dict(islice(groups, _BATCH)):
        _show_all(target, _touched(target, group), resolver, tell)
    _show_all(target, _pages(target, _by_another(resolver)), resolver, tell)
    return received


def _copy(
    target: Connection, source: Connection, site: str, after: int, until: int
) -> int:
    """Copy the writes of a site, all that come after one until another one."""
    query = select(versions).where(
        versions.c.site == site, versions.c.counter > after, versions.c.counter <= until
    )
    expected = after
    query = query.order_by(versions.c.counter)
    with source.execute(query, execution_options={"yield_per": _BATCH}) as rows:
        for page in rows.partitions():
            for row in page:
                expected += 1
                if version_of(row, source).counter != expected:
                    raise _hole(source, site, expected)
            copied = [dict(zip(versions.c.keys(), row, strict=True)) for row in page]
            target.execute(insert(versions), copied)
    if expected != until:
        raise _hole(source, site, expected + 1)
    there = {"site": site, "counter": until}
    if not target.execute(update(sites).where(sites.c.site == site), there).rowcount:
        target.execute(insert(sites), there)
    return until - after


def _hole(source: Connection, site: str, counter: int) -> Exception:
    return damaged(source.engine.url, f"the write {counter} of {site} is missing")


# What is shown ------------------------------------------------------------------------


def _touched(
    target: Connection, had: Mapping[str, int]
) -> Generator[list[str], None, None]:
    """Yield the ids of what came, in the order in which it was written."""
    new = (and_(versions.c.site == s, versions.c.counter > n) for s, n in had.items())
    query = select(versions.c.id).where(or_(*new)).group_by(versions.c.id)
    return _pages(
        target, query.order_by(func.min(versions.c.updated_at), versions.c.id)
    )


def _pages(connection: Connection, query: Any) -> Generator[list[str], None, None]:
    with connection.execute(query, execution_options={"yield_per": _BATCH}) as rows:
        for page in rows.partitions():
            yield [row.id for row in page]


def _show_all(
    target: Connection,
    pages: Generator[list[str], None, None],
    resolver: ConflictResolver,
    tell: Tell,
) -> None:
    with closing(pages):
        for ids in pages:
            _show(target, ids, resolver, tell)


def _show(
    target: Connection, ids: list[str], resolver: ConflictResolver, tell: Tell
) -> None:
    """Let the store show what follows from the versions of each id."""
    query = WITH_CONFLICT.where(entities.c.id.in_(ids))
    before = {row.id: stored_of(row, target) for row in target.execute(query)}
    found = list(_shown(target, ids, before, resolver))
    target.execute(delete(conflicts).where(conflicts.c.id.in_(ids)))
    marked = [
        {"id": now.entity.id, "resolver": resolver.name, "waits": now.waits}
        for now, _ in found
        if now.conflicting
    ]
    _many(target, insert(conflicts), marked)
    rows = [_row(now, latest) for now, latest in found]
    _many(target, insert(entities), [row for row in rows if row["id"] not in before])
    known_rows = [row | {"wanted": row["id"]} for row in rows if row["id"] in before]
    _many(target, _UPDATE, known_rows)
    for now, _ in found:
        was = before.get(now.entity.id)
        old = None if was is None or was.entity.deleted else was.entity
        if (was and was.entity) != now.entity:
            tell(old, now.entity)


def _many(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def _row(now: Stored, latest: Version) -> dict[str, Any]:
    values = values_of(now.entity, now.vector)
    dot = {"site": latest.site, "counter": latest.counter}
    return values | dot | {"words": searched_words(now.entity)}


def _shown(
    target: Connection,
    ids: Sequence[str],
    before: Mapping[str, Stored],
    resolver: ConflictResolver,
) -> Iterator[tuple[Stored, Version]]:
    """Yield what is shown of each id, with the latest version of what that follows."""
    query = select(versions.c.id, func.count(), func.max(versions.c.version))
    query = query.where(versions.c.id.in_(ids)).group_by(versions.c.id)
    counts = {row[0]: (row[1], row[2]) for row in target.execute(query)}
    # A version counts what it was made of: the one that counts all covers all.
    alone = {
        each.entity.id: each
        for each in _versions(
            target,
            tuple_(versions.c.id, versions.c.version).in_(
                [(id_, most) for id_, (count, most) in counts.items() if count == most]
            ),
        )
    }
    for entity_id in ids:
        if entity_id in alone:
            one = alone[entity_id]
            yield Stored(one.entity, one.vector), one
        else:
            was = before.get(entity_id)
            waits = was is not None and was.waits
            count = counts[entity_id][0]
            yield _resolved(target, entity_id, count, resolver, waits=waits)


def _versions(connection: Connection, *where: ColumnElement[bool]) -> Iterator[Version]:
    for row in connection.execute(select(versions).where(*where)):
        yield version_of(row, connection)


def _resolved(
    target: Connection,
    entity_id: str,
    count: int,
    resolver: ConflictResolver,
    *,
    waits: bool,
) -> tuple[Stored, Version]:
    found = heads(target, entity_id)
    latest = found[-1]
    decided = None if waits else resolver.resolve(found, ancestry(target, resolver))
    shown = decided or latest.entity
    entity = shown.copy(
        version=count, updated_at=max(each.entity.updated_at for each in found)
    )
    stored = Stored(entity, joined(found), conflicting=True, waits=decided is None)
    return stored, latest


def joined(found: Iterable[Version]) -> dict[str, int]:
    """Return the vector of what covers all of these versions."""
    vector: dict[str, int] = {}
    for each in found:
        for site, counter in each.vector.items():
            vector[site] = max(counter, vector.get(site, 0))
    return vector


def heads(connection: Connection, entity_id: str) -> list[Version]:
    """Return the versions of an entity that no other covers, in order of lateness."""
    dots = select(*(versions.c[name] for name in ("id", "site", "counter", "vector")))
    dots = dots.where(versions.c.id == entity_id)
    found: list[tuple[str, int]] = []
    covering: list[dict[str, int]] = []
    # Whatever covers a version has a higher number.
    for row in connection.execute(dots.order_by(versions.c.version.desc())):
        if all(each.get(row.site, 0) < row.counter for each in covering):
            found.append((row.site, row.counter))
            covering.append(vector_of(row, connection))
    dot = tuple_(versions.c.site, versions.c.counter)
    return _ordered(_versions(connection, dot.in_(found)))


def _ordered(found: Iterable[Version]) -> list[Version]:
    # Two that are equally late say the same, and differ in who wrote them.
    return sorted(found, key=lambda v: (lateness(v.entity), v.site, v.counter))


# What versions have in common ---------------------------------------------------------


def ancestry(
    connection: Connection, resolver: ConflictResolver
) -> Callable[..., Entity | None]:
    """Return what tells of versions what all of them were made from.

    Where that are several versions which did not know of each other, it is what the
    resolver makes of these.
    """
    found: dict[frozenset[tuple[str, int]], Entity | None] = {}

    def ancestor(*given: Version) -> Entity | None:
        key = frozenset((each.site, each.counter) for each in given)
        if key not in found:
            latest = _latest_common(connection, given)
            if len(latest) > 1:
                found[key] = resolver.resolve(latest, ancestor) or latest[-1].entity
            else:
                found[key] = latest[0].entity if latest else None
        return found[key]

    return ancestor


def _latest_common(connection: Connection, given: Sequence[Version]) -> list[Version]:
    """Return what all versions cover, without what another one of that covers."""
    until = {
        site: min(each.vector.get(site, 0) for each in given)
        for site in given[0].vector
    }
    found: list[Version] = []
    while True:
        covered = joined(found)
        between = [
            and_(
                versions.c.site == site,
                versions.c.counter > covered.get(site, 0),
                versions.c.counter <= counter,
            )
            for site, counter in until.items()
            if counter > covered.get(site, 0)
        ]
        if not between:
            break
        query = select(versions).where(
            versions.c.id == given[0].entity.id, or_(*between)
        )
        query = query.order_by(versions.c.version.desc()).limit(1)
        row = connection.execute(query).first()
        if row is None:
            break
        found.append(version_of(row, connection))
    return _ordered(found)

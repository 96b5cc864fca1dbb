"""Forks: stores that wrote different things as the same site, and how they part.

It happens where a store is restored from a backup, or copied, and written to, and where
two stores are given the same name. They have the same writes of the site up to some
counter, and different ones from there on. One of the two lines goes on under another
name, which follows from its first write: in whatever order stores meet, each gives it
the same one. What is known of that is kept and handed on, for stores that have the line
under its old name.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    insert,
    select,
    update,
)

from alembic_neo4j.entities.engine import damaged
from alembic_neo4j.entities.json_values import json_text
from alembic_neo4j.entities.opening import Store
from alembic_neo4j.entities.tables import entities, forks, sites, versions
from alembic_neo4j.entities.versioning import ENTITY_COLUMNS, vector_of

log = logging.getLogger(__name__)

_BATCH = 200
"""How many rows are in memory at once."""


@dataclass(frozen=True)
class Fork:
    """A line of writes of a site that goes on under another name, from `counter` on.

    `digest` is of the write that it begins with.
    """

    site: str
    counter: int
    digest: str

    @property
    def name(self) -> str:
        """The name under which it goes on: that of the first site, and the digest."""
        return f"{_root(self.site)}~{self.digest[:12]}"


def part(one: Store, other: Store) -> None:
    """Let every line of writes have its own name in both stores."""
    while True:
        with one.reading() as first, other.reading() as second:
            here, there = find_fork(first, second), find_fork(second, first)
        if here is not None:
            _part(one, here)
        if there is not None:
            _part(other, there)
        if here is None and there is None:
            return


def _part(store: Store, fork: Fork) -> None:
    with store.writing() as connection:
        # Another process may have been faster.
        if _digest(connection, fork.site, fork.counter) != fork.digest:
            return
        _rename(connection, fork)
    log.warning(
        "What was written as the site %s, from its write %d on, was written otherwise "
        "in another store: a backup was restored, a store was copied, or two have the "
        "same site_id. Nothing is lost; here it goes on as %s",
        *(fork.site, fork.counter, fork.name),
    )


def find_fork(mine: Connection, theirs: Connection) -> Fork | None:
    """Return a line that has to have another name in the first of two stores."""
    for fork in _known(theirs):
        if _digest(mine, fork.site, fork.counter) == fork.digest:
            return fork
    here, there = _counters(mine), _counters(theirs)
    for site in sorted(here.keys() & there.keys()):
        last = min(here[site], there[site])
        if last and _differ(mine, theirs, site, last):
            counter = _first_difference(mine, theirs, site, last)
            digest = _digest(mine, site, counter) or ""
            if digest > (_digest(theirs, site, counter) or ""):
                return Fork(site, counter, digest)
    return None


def _first_difference(
    mine: Connection, theirs: Connection, site: str, last: int
) -> int:
    """Return where two lines of a site part; up to there they are the same."""
    same, different = 0, last
    while different - same > 1:
        middle = (same + different) // 2
        if _differ(mine, theirs, site, middle):
            different = middle
        else:
            same = middle
    return different


def _differ(mine: Connection, theirs: Connection, site: str, counter: int) -> bool:
    found = _digest(mine, site, counter), _digest(theirs, site, counter)
    for digest, connection in zip(found, (mine, theirs), strict=True):
        if digest is None:
            what = f"the write {counter} of {site} is missing"
            raise damaged(connection.engine.url, what)
    return found[0] != found[1]


def _digest(connection: Connection, site: str, counter: int) -> str | None:
    """Return the digest of what a site wrote, whatever sites are called."""
    query = select(*(versions.c[name] for name in ENTITY_COLUMNS)).where(
        versions.c.site == site, versions.c.counter == counter
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    times = {"created_at": str(row.created_at), "updated_at": str(row.updated_at)}
    said = {name: getattr(row, name) for name in ENTITY_COLUMNS}
    text = json_text(said | times | {"deleted": bool(row.deleted)})
    return hashlib.sha256(text.encode()).hexdigest()


def _root(site: str) -> str:
    return site.split("~")[0]


def _counters(connection: Connection) -> dict[str, int]:
    rows = connection.execute(select(sites.c.site, sites.c.counter))
    return {row.site: row.counter for row in rows}


def _known(connection: Connection) -> list[Fork]:
    query = select(forks.c.site, forks.c.counter, forks.c.digest)
    return [Fork(*row) for row in connection.execute(query.order_by(*forks.c))]


def hand_on(target: Connection, source: Connection) -> None:
    """Let a store know the forks that another one knows."""
    _remember(target, _known(source))


def _remember(connection: Connection, found: list[Fork]) -> None:
    new = sorted(set(found) - set(_known(connection)), key=lambda fork: fork.name)
    for fork in new:
        values = {"site": fork.site, "counter": fork.counter, "digest": fork.digest}
        connection.execute(insert(forks), values)


# Another name -------------------------------------------------------------------------


def continue_elsewhere(connection: Connection, site: str) -> None:
    """Let the store write under a new name what it would write as this site."""
    name = f"{_root(site)}~{uuid.uuid4().hex[:12]}"
    line = sites.c.site == site
    connection.execute(update(sites).where(line).values(continued_as=name))
    log.warning(
        "Another store knows more writes of the site %s than this one, which writes as "
        "that: it was restored from a backup, or both have the same site_id. Nothing "
        "is lost; it goes on as %s",
        *(site, name),
    )


def _rename(connection: Connection, fork: Fork) -> None:
    site, before = fork.site, fork.counter - 1
    counters = _counters(connection)
    if fork.name in counters:
        what = f"it has both {site} from {fork.counter} on and {fork.name}"
        raise damaged(connection.engine.url, what)
    for table in (versions, entities):
        _rename_vectors(connection, table, fork)
        moved = update(table).where(
            table.c.site == site, table.c.counter >= fork.counter
        )
        connection.execute(
            moved.values(site=fork.name, counter=table.c.counter - before)
        )
    name = {"site": fork.name, "counter": counters[site] - before}
    # Who wrote under the new name already, as the site, goes on with that.
    query = select(sites.c.continued_as).where(sites.c.site == site)
    name["continued_as"] = connection.execute(query).scalar()
    connection.execute(insert(sites), name)
    connection.execute(
        update(sites)
        .where(sites.c.site == site)
        .values(counter=before, continued_as=fork.name)
    )
    # Lines that part further on are counted from here on, where this is known as well.
    further = [
        Fork(fork.name, known.counter - before, known.digest)
        for known in _known(connection)
        if known.site == site and known.counter > fork.counter
    ]
    _remember(connection, [fork, *further])


def _rename_vectors(connection: Connection, table: Table, fork: Fork) -> None:
    """Name the line anew in the vectors of all that was made of it."""
    key = [table.c.site, table.c.counter]
    quoted = f"{json_text(fork.site)}:"
    query: Select[Any] = select(table.c.id, *key, table.c.vector)
    query = query.where(table.c.vector.contains(quoted, autoescape=True))
    changed = (
        update(table)
        .where(and_(*(column == bindparam(f"old_{column.name}") for column in key)))
        .values(vector=bindparam("renamed"))
    )
    with connection.execute(query, execution_options={"yield_per": _BATCH}) as rows:
        for page in rows.partitions():
            values = [
                {
                    "old_site": row.site,
                    "old_counter": row.counter,
                    "renamed": json_text(dict(sorted(vector.items()))),
                }
                for row in page
                if (vector := _renamed(vector_of(row, connection), fork))
            ]
            if values:
                connection.execute(changed, values)


def _renamed(vector: Mapping[str, int], fork: Fork) -> dict[str, Any]:
    """Return the vector with the new name, empty where it needs none."""
    counter = vector.get(fork.site, 0)
    before = fork.counter - 1
    if counter <= before:
        return {}
    renamed = {**vector, fork.name: counter - before, fork.site: before}
    return {site: number for site, number in renamed.items() if number}

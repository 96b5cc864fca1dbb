"""Stores of several sites, by what is written to them and who receives of whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from sqlalchemy import Table, delete, insert, select

from alembic_neo4j.entities import Entity, EntityRepository, SyncableRepository
from alembic_neo4j.entities.conflict import (
    CallbackResolver,
    ConflictResolver,
    DeferResolver,
    HigherVersionWinsResolver,
    LastWriteWinsResolver,
    MergeFieldsResolver,
)
from alembic_neo4j.entities.tables import conflicts, entities, metadata, sites, versions
from alembic_neo4j.entities.versioning import ENTITY_COLUMNS

EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)


def longer(earlier: Entity, later: Entity) -> Entity:
    """Return the entity with more data, and the status of the later one."""
    more = max(earlier, later, key=lambda each: len(each.data))
    return more.copy(status=later.status, deleted=earlier.deleted and later.deleted)


RESOLVERS: tuple[ConflictResolver, ...] = (
    LastWriteWinsResolver(),
    HigherVersionWinsResolver(),
    MergeFieldsResolver(),
    DeferResolver(),
    CallbackResolver(longer),
)


@dataclass(frozen=True)
class Write:
    """A site sets a field of an entity, or deletes it, when its clock says so late."""

    site: int
    entity: int
    field: str | None
    value: int
    clock: int


@dataclass(frozen=True)
class Pull:
    """A site receives of another one."""

    site: int
    of: int


def steps(number: int) -> st.SearchStrategy[list[Write | Pull]]:
    """Draw what so many sites write, and how they receive in between.

    Clocks stand still, and go backwards.
    """
    site = st.integers(0, number - 1)
    fields = st.sampled_from(["status", "a", "b", None])
    values = st.integers(0, 2)
    writes = st.builds(
        Write, site, st.integers(0, 2), fields, values, st.integers(0, 4)
    )
    return st.lists(writes | writes | st.builds(Pull, site, site), max_size=24)


@contextmanager
def opened(
    number: int, resolver: ConflictResolver, where: Sequence[Any] = ()
) -> Iterator[list[SyncableRepository]]:
    """Yield the stores of so many sites, in memory unless it is said where."""
    with ExitStack() as stack:
        yield [
            SyncableRepository(
                stack.enter_context(
                    EntityRepository(where[n] if where else ":memory:")
                ),
                f"site-{n}",
                resolver,
            )
            for n in range(number)
        ]


def do(step: Write | Pull, repos: Sequence[SyncableRepository], tick: int = 0) -> None:
    """Let the sites do a step; by the tick no two of them are at the same time."""
    if isinstance(step, Pull):
        repos[step.site].pull_from(repos[step.of])
        return
    repo, moment = repos[step.site], EPOCH + timedelta(seconds=step.clock)
    moment += timedelta(microseconds=tick)
    entity_id = f"task-{step.entity}"
    if any(each.id == entity_id for each in repo.conflicts()):
        return
    with patch("alembic_neo4j.entities.versioning.now", lambda: moment):
        found = repo.read(entity_id)
        if step.field is None:
            repo.delete(entity_id)
        elif found is None:
            data = {step.field: step.value}
            repo.create(Entity(entity_id, "task", "open", data, created_at=EPOCH))
        elif step.field == "status":
            status = ("open", "paused", "blocked")[step.value]
            repo.update(found.copy(status=status))
        else:
            data = {**found.data, step.field: step.value}
            repo.update(found.copy(data=data))


def saved(repo: EntityRepository) -> dict[Table, list[dict[str, Any]]]:
    """Return all that a store has, as a copy of its file would."""
    with repo.store.reading() as connection:
        return {
            table: [
                dict(zip(table.c.keys(), row, strict=True))
                for row in connection.execute(select(table))
            ]
            for table in metadata.sorted_tables
        }


def restore(repo: EntityRepository, tables: dict[Table, list[dict[str, Any]]]) -> None:
    """Let a store be as it was."""
    with repo.store.writing() as connection:
        for table, rows in tables.items():
            connection.execute(delete(table))
            if rows:
                connection.execute(insert(table), rows)


def contents(repo: EntityRepository) -> list[tuple[Any, ...]]:
    """Return what was written, by whatever site."""
    columns = [versions.c[name] for name in ENTITY_COLUMNS]
    with repo.store.reading() as connection:
        return sorted(tuple(row) for row in connection.execute(select(*columns)))


def exchange(repos: Sequence[SyncableRepository]) -> None:
    """Let all sites receive of each other, until nobody lacks anything."""
    for _ in count():
        pairs = [(one, other) for one in repos for other in repos if one is not other]
        if not sum(one.pull_from(other).received for one, other in pairs):
            return


def written(repo: EntityRepository) -> set[tuple[Any, ...]]:
    """Return all that was written to a store, and up to which write it has all."""
    with repo.store.reading() as connection:
        rows = {tuple(row) for row in connection.execute(select(versions))}
        counters = select(sites.c.site, sites.c.counter).where(sites.c.counter > 0)
        return rows | {tuple(row) for row in connection.execute(counters)}


def shown(repo: EntityRepository) -> dict[str, tuple[Any, ...]]:
    """Return what a store shows, with its conflicts."""
    columns = [each for each in entities.c if each is not entities.c.number]
    query = select(*columns, conflicts.c.resolver, conflicts.c.waits).outerjoin_from(
        entities, conflicts, entities.c.id == conflicts.c.id
    )
    with repo.store.reading() as connection:
        return {row.id: tuple(row) for row in connection.execute(query)}


def assert_same(repos: Sequence[EntityRepository]) -> None:
    """All stores have the same versions, and show the same."""
    assert all(written(repo) == written(repos[0]) for repo in repos)
    assert all(shown(repo) == shown(repos[0]) for repo in repos)
    for repo in repos:
        found = shown(repo)
        assert len(found) == len({each[0] for each in found.values()})

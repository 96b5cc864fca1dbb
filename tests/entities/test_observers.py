"""Observers are told of what is stored, and can't lose it."""

from __future__ import annotations

import logging

import pytest

from alembic_neo4j.entities import Entity, EntityObserver, EntityRepository
from alembic_neo4j.errors import VersionConflict
from tests.entities.values import Make


def test_an_observer_is_told_of_what_is_stored(
    repo: EntityRepository, task: Make
) -> None:
    told: list[object] = []
    observer = EntityObserver()
    observer.on_create(lambda entity: told.append(("created", entity)))
    observer.on_update(lambda old, new: told.append(("updated", old, new)))
    observer.on_delete(lambda entity: told.append(("deleted", entity)))
    repo.add_observer(observer)
    repo.add_observer(observer)

    first = repo.create(task("a"))
    second = repo.update(first.copy(status="paused"))
    repo.delete("task-a")

    assert told == [("created", first), ("updated", first, second), ("deleted", second)]


def test_what_is_not_stored_is_not_told(repo: EntityRepository, task: Make) -> None:
    told: list[object] = []
    observer = EntityObserver()
    first = repo.create(task("a"))
    repo.update(first)
    observer.on_create(told.append)
    observer.on_update(lambda old, new: told.append(new))
    observer.on_delete(told.append)
    repo.add_observer(observer)

    with pytest.raises(VersionConflict):
        repo.create(task("a"))
    with pytest.raises(VersionConflict):
        repo.update(first)
    repo.delete("task-b")
    assert told == []
    repo.remove_observer(observer)
    repo.remove_observer(observer)
    repo.delete("task-a")
    assert told == []


def test_it_is_stored_before_an_observer_is_told(
    repo: EntityRepository, store: object, task: Make
) -> None:
    seen: list[Entity | None] = []
    observer = EntityObserver()

    @observer.on_create
    def look(entity: Entity) -> None:
        with EntityRepository(store) as other:  # type: ignore[arg-type]
            seen.append(other.read(entity.id))

    @observer.on_create
    def go_on(entity: Entity) -> None:
        if entity.type == "task":
            repo.create(Entity("note-a", "note", "open", {"of": entity.id}))

    repo.add_observer(observer)
    created = repo.create(task("a"))

    assert seen == [created, repo.read("note-a")]


def test_an_observer_that_fails_loses_nothing(
    repo: EntityRepository, task: Make, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def fail(*_: Entity) -> None:
        raise ZeroDivisionError("an observer's own fault")

    for _ in range(2):
        observer = EntityObserver()
        for decorator in (observer.on_create, observer.on_delete):
            decorator(fail)
            decorator(lambda entity: told.append(entity.id))
        observer.on_update(fail)
        observer.on_update(lambda old, new: told.append(new.id))
        repo.add_observer(observer)

    with caplog.at_level(logging.ERROR):
        created = repo.create(task("a"))
        updated = repo.update(created)
        assert repo.delete("task-a") is True

    assert told == ["task-a"] * 6
    assert [each.version for each in repo.history("task-a")] == [1, 2, 3]
    assert updated.version == 2
    assert len(caplog.records) == 6
    assert "fail failed for task-a; the change is stored" in caplog.text
    assert "an observer's own fault" in caplog.text

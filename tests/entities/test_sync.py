"""Sync of two stores: what each receives, what resolvers decide, who is told."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.entities import (
    Entity,
    EntityObserver,
    EntityRepository,
    SyncableRepository,
)
from alembic_neo4j.entities.conflict import (
    CallbackResolver,
    DeferResolver,
    HigherVersionWinsResolver,
    MergeFieldsResolver,
)
from alembic_neo4j.errors import StoreError, ValidationError, VersionConflict
from tests.entities.sites import assert_same, opened, shown, written
from tests.entities.test_opening import set_version
from tests.entities.values import Make

Two = tuple[SyncableRepository, SyncableRepository]


@pytest.fixture
def two(store: Any, tmp_path: Path) -> Iterator[Two]:
    """Two stores, one of them on each database."""
    with EntityRepository(store) as here, EntityRepository(tmp_path / "b.db") as there:
        yield SyncableRepository(here, "here"), SyncableRepository(there, "there")


def changed_twice(
    two: Two, here: dict[str, Any], there: dict[str, Any], **data: Any
) -> tuple[Entity, Entity]:
    """Create an entity that both have, and let each change it by itself."""
    entity = two[0].create(Entity("task-a", "task", "open", data))
    two[0].sync_with(two[1])
    changes = (here, there)
    one, other = (
        repo.update(
            entity.copy(
                status=change.pop("status", "open"), data={**entity.data, **change}
            )
        )
        for repo, change in zip(two, changes, strict=True)
    )
    return one, other


def test_each_gets_what_the_other_one_has(two: Two, task: Make) -> None:
    here, there = two
    first = here.create(task("a", text="ünï", n=[1, 2.5, None]))
    here.update(first.copy(status="paused"))
    there.create(task("b"))
    there.delete("task-b")
    done = here.sync_with(there)

    assert (done.received, done.sent) == (2, 2)
    assert_same(two)
    assert there.read("task-a") == here.read("task-a")
    assert there.history("task-a") == here.history("task-a")
    assert here.read("task-b") is None
    assert here.read("task-b", version=2) == task("b").copy(version=2, deleted=True)
    assert [each.id for each in there.search("uni")] == ["task-a"]
    assert there.list(status="paused") == here.list()


def test_only_what_is_missing_is_sent_and_one_way_is_one_way(
    two: Two, task: Make
) -> None:
    here, there = two
    here.create(task("a"))
    there.create(task("b"))
    assert here.pull_from(there).received == 1
    assert there.list() == [task("b").copy(version=1)]
    assert here.push_to(there).sent == 1
    here.create(task("c"))
    done = there.sync_with(here)
    assert (done.received, done.sent) == (1, 0)
    assert_same(two)


def test_the_last_write_wins_and_both_versions_stay(two: Two) -> None:
    one, other = changed_twice(two, {"n": 1}, {"n": 2})
    two[0].sync_with(two[1])

    assert_same(two)
    found = two[0].read("task-a")
    assert found == other.copy(version=3)
    assert two[0].history("task-a")[1:] == [one, other]
    assert two[0].read("task-a", version=3) == found


def test_an_update_of_what_a_sync_replaced_is_refused(two: Two) -> None:
    one, other = changed_twice(two, {"n": 1}, {"n": 2})
    two[0].sync_with(two[1])

    for repo, stale in zip(two, (one, other), strict=True):
        with pytest.raises(VersionConflict, match="found version 3"):
            repo.update(stale.copy(status="paused"))
    found = two[1].read("task-a")
    assert found is not None
    assert two[1].update(found.copy(status="paused")).version == 4
    two[0].sync_with(two[1])
    assert_same(two)
    assert two[0].list(status="paused") == [found.copy(status="paused", version=4)]


def test_a_deletion_that_is_later_wins_and_an_update_that_is_later_does(
    two: Two,
) -> None:
    here, there = two
    changed_twice(two, {"n": 1}, {"n": 2})
    here.delete("task-a")
    here.sync_with(there)
    assert there.read("task-a") is None
    again = there.create(Entity("task-a", "task", "open"))
    here.sync_with(there)
    here.delete("task-a")
    found = there.update(again.copy(status="paused"))
    here.sync_with(there)
    assert here.read("task-a") == found.copy(version=found.version + 1)
    assert_same(two)


def test_the_higher_version_wins_whatever_the_clocks_say() -> None:
    with opened(2, HigherVersionWinsResolver()) as (here, there):
        one, _ = changed_twice((here, there), {"n": 1}, {"n": 2})
        one = here.update(one.copy(data={"n": 3}))
        later = there.read("task-a")
        assert later is not None
        here.sync_with(there)
        assert there.read("task-a") == one.copy(version=4)
        assert_same((here, there))


def test_of_each_version_the_fields_are_taken_that_it_changed() -> None:
    with opened(2, MergeFieldsResolver()) as (here, there):
        one = {"status": "paused", "a": 1, "both": "one"}
        changed_twice((here, there), one, {"b": [2], "both": "two"}, a=0, b=0, c=0)
        here.sync_with(there)
        found = there.read("task-a")
        assert found is not None
        assert found.data == {"a": 1, "b": [2], "c": 0, "both": "two"}
        assert found.status == "paused"
        assert_same((here, there))


def test_a_field_that_one_removed_is_removed() -> None:
    with opened(2, MergeFieldsResolver()) as (here, there):
        one, _ = changed_twice((here, there), {"a": 1}, {"b": 1}, a=0, b=0, c=0)
        here.update(one.copy(data={"a": 1, "b": 0}))
        here.sync_with(there)
        found = there.read("task-a")
        assert found is not None
        assert found.data == {"a": 1, "b": 1}


def test_fields_of_what_was_created_twice_are_put_together() -> None:
    with opened(2, MergeFieldsResolver()) as (here, there):
        here.create(Entity("task-a", "task", "open", {"a": 1, "n": 1}))
        there.create(Entity("task-a", "task", "paused", {"b": 1, "n": 2}))
        here.sync_with(there)
        found = here.read("task-a")
        assert found is not None
        assert found.data == {"a": 1, "b": 1, "n": 2}
        assert found.status == "paused"


def test_what_was_changed_outlives_a_deletion_when_fields_are_merged() -> None:
    with opened(2, MergeFieldsResolver()) as (here, there):
        _, other = changed_twice((here, there), {"n": 1}, {"n": 2})
        here.delete("task-a")
        here.sync_with(there)
        found = here.read("task-a")
        assert found is not None
        assert found.data == other.data


def test_a_field_that_was_set_back_is_not_taken_for_unchanged() -> None:
    """Though it is what the three have in common: of two of them that is later."""
    with opened(3, MergeFieldsResolver()) as (a, b, c):
        first = a.create(Entity("task-a", "task", "open", {"f": 0}))
        b.pull_from(a)
        second = b.update(first.copy(data={"f": 1}))
        c.pull_from(b)
        a.update(first.copy(data={"f": 0, "g": 1}))
        c.update(second.copy(data={"f": 1, "h": 1}))
        b.update(second.copy(data={"f": 0}))
        for one, other in ((a, b), (a, c), (b, a)):
            one.sync_with(other)
        found = b.read("task-a")
        assert found is not None
        assert found.data == {"f": 0, "g": 1, "h": 1}
        assert_same((a, b, c))


def test_a_deferred_conflict_waits_until_it_is_resolved() -> None:
    with opened(2, DeferResolver()) as (here, there):
        one, other = changed_twice((here, there), {"n": 1}, {"n": 2}, n=0)
        here.sync_with(there)
        for repo in (here, there):
            (conflict,) = repo.conflicts()
            assert conflict.id == "task-a"
            assert conflict.versions == (one, other)
            assert conflict.ancestor == one.copy(version=1, data={"n": 0})
        found = here.read("task-a")
        assert found == other.copy(version=3)
        for change in (
            lambda: here.update(found.copy(status="paused")),
            lambda: here.delete("task-a"),
            lambda: here.create(Entity("task-a", "task", "open")),
        ):
            with pytest.raises(VersionConflict, match="waits to be decided"):
                change()
        decided = here.resolve("task-a", one.copy(data={"n": 12}))
        assert decided.version == 4
        assert here.conflicts() == []
        here.sync_with(there)
        assert there.conflicts() == []
        assert there.read("task-a") == decided
        assert_same((here, there))


def test_a_conflict_may_be_resolved_by_a_deletion() -> None:
    with opened(2, DeferResolver()) as (here, there):
        _, other = changed_twice((here, there), {"n": 1}, {"n": 2})
        here.sync_with(there)
        here.resolve(here.conflicts()[0], other.copy(deleted=True))
        here.sync_with(there)
        assert there.read("task-a") is None
        assert_same((here, there))


def test_a_conflict_that_is_another_one_by_now_is_not_resolved() -> None:
    with opened(3, DeferResolver()) as (here, there, third):
        changed_twice((here, there), {"n": 1}, {"n": 2})
        third.create(Entity("task-a", "task", "open", {"n": 3}))
        here.sync_with(there)
        (conflict,) = here.conflicts()
        here.sync_with(third)
        before = shown(here)
        with pytest.raises(VersionConflict, match="between 3 versions"):
            here.resolve(conflict, conflict.versions[0])
        with pytest.raises(ValidationError, match="with the id 'task-b'"):
            here.resolve("task-b", conflict.versions[0])
        assert shown(here) == before
        here.resolve("task-a", conflict.versions[0])
        with pytest.raises(VersionConflict, match="found none: it is decided"):
            here.resolve("task-a", conflict.versions[0])


def test_what_waits_is_not_decided_by_another_resolver(two: Two) -> None:
    here = SyncableRepository(two[0], "here", DeferResolver())
    changed_twice((here, two[1]), {"n": 1}, {"n": 2})
    here.sync_with(two[1])
    assert len(here.conflicts()) == 1
    # The other store has a resolver of its own.
    assert two[1].conflicts() == []
    two[0].sync_with(two[1])
    assert len(here.conflicts()) == 1
    there = two[1].read("task-a")
    assert there is not None
    two[1].update(there)
    two[0].sync_with(two[1])
    assert here.conflicts() == []
    assert_same(two)


def test_each_site_shows_what_its_own_resolver_takes(two: Two) -> None:
    merging = SyncableRepository(two[1], "there", MergeFieldsResolver())
    changed_twice((two[0], merging), {"a": 1}, {"b": 1}, a=0, b=0)
    two[0].sync_with(merging)

    assert written(two[0]) == written(merging)
    (here,), (there,) = two[0].list(), merging.list()
    assert (here.data, there.data) == ({"a": 0, "b": 1}, {"a": 1, "b": 1})
    # A resolver that is new to a store decides anew.
    SyncableRepository(two[0], "here", MergeFieldsResolver()).sync_with(merging)
    assert_same(two)


def test_a_function_is_given_the_earlier_and_the_later_one() -> None:
    given = []

    def both(earlier: Entity, later: Entity) -> Entity:
        given.append((earlier, later))
        return later.copy(data={"n": earlier.data["n"] + later.data["n"]})

    with opened(2, CallbackResolver(both)) as (here, there):
        one, other = changed_twice((here, there), {"n": 1}, {"n": 2})
        here.sync_with(there)
        found = here.read("task-a")
        assert found is not None
        assert (found.data, found.version) == ({"n": 3}, 3)
        assert given == [(one, other)] * 2
        assert_same((here, there))


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (None, "found None. Nothing has been changed"),
        (Entity("task-b", "task", "open"), "with the id task-a, found Entity"),
        (ZeroDivisionError("no"), "no"),
    ],
)
def test_a_function_that_fails_leaves_everything_as_it_was(
    two: Two, task: Make, made: Any, says: str
) -> None:
    def fail(_earlier: Entity, _later: Entity) -> Any:
        if isinstance(made, Exception):
            raise made
        return made

    here = SyncableRepository(two[0], "here", CallbackResolver(fail))
    changed_twice((here, two[1]), {"n": 1}, {"n": 2})
    for number in range(3):
        two[1].create(task(str(number)))
    before = [(written(repo), shown(repo)) for repo in two]
    kind = ZeroDivisionError if isinstance(made, Exception) else ValidationError
    with pytest.raises(kind, match=says):
        here.sync_with(two[1])
    assert [(written(repo), shown(repo)) for repo in two] == before
    two[0].sync_with(two[1])
    assert_same(two)


def test_observers_are_told_of_what_a_sync_changed_here(two: Two, task: Make) -> None:
    here, there = two
    changed_twice(two, {"n": 1}, {"n": 2})
    gone = there.create(task("gone"))
    here.sync_with(there)
    there.delete("task-gone")
    new = there.create(task("new"))
    there.create(task("never"))
    there.delete("task-never")
    found = there.read("task-a")
    assert found is not None
    updated = there.update(found.copy(status="paused"))
    told: list[object] = []
    observer = EntityObserver()
    observer.on_create(lambda entity: told.append(("created", entity)))
    observer.on_update(lambda old, new: told.append(("updated", old, new)))

    @observer.on_delete
    def fail(entity: Entity) -> None:
        # It is committed: another one sees it.
        assert here.read(entity.id) is None
        told.append(("deleted", entity))
        raise RuntimeError

    here.add_observer(observer)
    here.sync_with(there)

    assert told == [
        ("deleted", gone),
        ("created", new),
        ("updated", found, updated),
    ]
    here.sync_with(there)
    assert len(told) == 3


def test_a_store_is_not_synced_with_itself(two: Two, task: Make) -> None:
    here = two[0]
    here.create(task("a"))
    before = written(here)
    for same in (here, SyncableRepository(here, "another")):
        done = here.sync_with(same)
        assert (done.received, done.sent) == (0, 0)
    with EntityRepository(here.store.url) as again:
        here.sync_with(again)
    assert written(here) == before
    with opened(1, DeferResolver()) as (memory,):
        memory.sync_with(memory)


def test_a_plain_repository_is_synced_by_the_other_ones_resolver(
    two: Two, store: Any
) -> None:
    changed_twice(two, {"n": 1}, {"n": 2})
    with EntityRepository(store) as plain:
        SyncableRepository(two[1], "there", DeferResolver()).sync_with(plain)
        assert len(two[0].conflicts()) == 1


def test_a_store_of_a_newer_release_is_left_as_it_is(
    two: Two, tmp_path: Path, task: Make
) -> None:
    here, there = two
    here.create(task("a"))
    there.create(task("b"))
    before = [written(repo) for repo in two]
    set_version(tmp_path / "b.db", "99")
    for repo, other in (two, (there, here)):
        with pytest.raises(StoreError, match="is a newer release's"):
            repo.sync_with(other)
    assert [written(repo) for repo in two] == before


def test_what_is_no_repository_or_resolver_is_refused(two: Two) -> None:
    for given in ("./b.db", None):
        with pytest.raises(ValidationError, match="expected a repository, found"):
            two[0].sync_with(given)  # type: ignore[arg-type]
        with pytest.raises(ValidationError, match="expected a repository, found"):
            SyncableRepository(given)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="such as my-laptop"):
        SyncableRepository(two[0], "")
    with pytest.raises(ValidationError, match="for the conflict_resolver, found"):
        SyncableRepository(two[0], conflict_resolver=max)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="a function of two entities"):
        CallbackResolver(3)  # type: ignore[arg-type]


def test_memory_does_not_grow_with_what_is_received(tmp_path: Path) -> None:
    peaks = {}
    for number in (300, 1200):
        with (
            EntityRepository(tmp_path / f"{number}.db") as one,
            EntityRepository(tmp_path / f"other-{number}.db") as other,
        ):
            entity = Entity("task-0", "task", "open", {"text": "word " * 400})
            for each in range(number):
                one.create(entity.copy(id=f"task-{each}"))
            observer, told = EntityObserver(), Counter[str]()
            observer.on_create(lambda entity, told=told: told.update([entity.type]))
            other.add_observer(observer)
            tracemalloc.start()
            assert SyncableRepository(one).push_to(other).sent == number
            peaks[number] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert told == {"task": number}
            assert len(other.list()) == number
    assert peaks[1200] < 1.5 * peaks[300], peaks


def test_a_store_of_an_older_release_is_synced(tmp_path: Path, task: Make) -> None:
    """One whose tables are those of before there was sync."""
    path = tmp_path / "old.db"
    with EntityRepository(path) as repo:
        created = repo.create(task("a"))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            DROP TABLE alembic_neo4j_entity_conflict;
            DROP TABLE alembic_neo4j_entity_fork;
            ALTER TABLE alembic_neo4j_entity_site DROP COLUMN continued_as;
            UPDATE alembic_neo4j_entity_store SET value = '1' WHERE key = 'version';
            """
        )
    with opened(1, DeferResolver()) as (new,), EntityRepository(path) as old:
        assert new.pull_from(old).received == 1
        assert new.list() == [created]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("DELETE FROM {} WHERE counter = 2", "the write 2 of .* is missing"),
        ("DELETE FROM {} WHERE counter = 3", "the write 3 of .* is missing"),
        ("UPDATE {} SET vector = '{{}}' WHERE counter = 3", "is no vector of"),
        ("UPDATE {} SET data = '[]' WHERE counter = 3", "expected a dict"),
    ],
)
def test_what_is_damaged_is_received_by_nobody(
    tmp_path: Path, task: Make, broken: str, says: str
) -> None:
    path = tmp_path / "a.db"
    with EntityRepository(path) as repo, opened(1, DeferResolver()) as (other,):
        for number in range(3):
            repo.create(task(str(number)))
        other.create(task("mine"))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute(broken.format("alembic_neo4j_entity_version"))
            connection.commit()
        before = written(other), shown(other)
        with pytest.raises(StoreError, match=says):
            other.sync_with(repo)
        assert (written(other), shown(other)) == before


def test_stores_are_written_to_and_synced_by_several_at_once(
    two: Two, tmp_path: Path, task: Make
) -> None:
    with EntityRepository(tmp_path / "c.db") as last:
        repos = [*two, SyncableRepository(last, "last")]

        def work(number: int) -> None:
            repo = repos[number % 3]
            for each in range(12):
                repo.create(task(f"{number}-{each}"))
                with suppress(VersionConflict):
                    found = repo.read("task-both") or repo.create(task("both"))
                    repo.update(found.copy(data={"by": number}))
                repo.sync_with(repos[(number + each) % 3])

        with ThreadPool(6) as threads:
            threads.map(work, range(6))
        for one, other in ((0, 1), (1, 2), (0, 1)):
            repos[one].sync_with(repos[other])
        assert_same(repos)
        assert len(last.list()) == 6 * 12 + 1

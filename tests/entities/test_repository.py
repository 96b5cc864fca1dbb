"""What a repository keeps: every version, and no change that was lost."""

from __future__ import annotations

import pickle
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from alembic_neo4j.entities import Entity, EntityRepository
from alembic_neo4j.entities.tables import metadata
from alembic_neo4j.errors import EntityExists, ValidationError, VersionConflict
from tests.entities.values import DATA, Make


def test_what_is_created_is_read(repo: EntityRepository, task: Make) -> None:
    made = task("a", name="Ä", nested={"list": [1, 2.5, None, True]})
    created = repo.create(made)

    assert created.version == 1
    assert repo.read("task-a") == created == made.copy(version=1)
    assert created.created_at == made.created_at
    read = repo.read("task-a")
    assert read is not None
    assert (read.created_at, read.updated_at) == (
        created.created_at,
        created.updated_at,
    )
    assert read.updated_at.utcoffset() == timedelta(0)
    assert repo.read("task-b") is None


def test_a_duplicate_is_refused(repo: EntityRepository, task: Make) -> None:
    repo.create(task("a", n=1))

    with pytest.raises(EntityExists, match="found version 1 of it; take another id"):
        repo.create(task("a", n=2))
    assert repo.history("task-a") == [task("a", n=1).copy(version=1)]


def test_an_update_is_another_version(repo: EntityRepository, task: Make) -> None:
    first = repo.create(task("a"))
    second = repo.update(first.copy(status="in_progress", data={"n": 1}))
    third = repo.update(second.copy(status="completed"))

    assert [each.version for each in (first, second, third)] == [1, 2, 3]
    assert repo.read("task-a") == third
    assert repo.history("task-a") == [first, second, third]
    assert [repo.read("task-a", version=n) for n in range(5)] == [
        None,
        *(first, second, third),
        None,
    ]
    assert first.created_at == second.created_at == third.created_at
    assert first.updated_at < second.updated_at < third.updated_at


def test_a_stale_update_is_refused_with_both_versions(
    repo: EntityRepository, task: Make
) -> None:
    first = repo.create(task("a"))
    second = repo.update(first.copy(status="paused"))

    with pytest.raises(
        VersionConflict,
        match="expected version 1 of task-a in the store, found version",
    ) as caught:
        repo.update(first.copy(status="blocked"))
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.entity_id, error.given, error.found) == ("task-a", 1, 2)
    assert repo.history("task-a") == [first, second]


def test_what_was_never_stored_is_not_updated(
    repo: EntityRepository, task: Make
) -> None:
    with pytest.raises(VersionConflict, match="no such entity; create it first"):
        repo.update(task("a"))
    repo.create(task("a"))
    with pytest.raises(VersionConflict, match="this entity was never stored"):
        repo.update(task("a", n=1))


def test_an_entity_keeps_its_type(repo: EntityRepository) -> None:
    made = repo.create(Entity("user-story-a", "user", "open"))

    with pytest.raises(ValidationError, match="to stay of the type user"):
        repo.update(made.copy(type="user-story"))


def test_what_is_deleted_is_gone_and_its_history_stays(
    repo: EntityRepository, task: Make
) -> None:
    first = repo.create(task("a", n=1))

    assert repo.delete("task-a") is True
    assert repo.delete("task-a") is False
    assert repo.delete("task-b") is False
    assert repo.read("task-a") is None
    assert repo.list() == []
    assert repo.search("a").total == 0
    assert repo.history("task-a") == [first, first.copy(version=2, deleted=True)]
    with pytest.raises(VersionConflict, match="found version 2; it was deleted"):
        repo.update(first)


def test_what_was_deleted_may_be_created_again(
    repo: EntityRepository, task: Make
) -> None:
    repo.create(task("a", n=1))
    repo.create(task("b"))
    repo.delete("task-a")
    again = repo.create(task("a", n=2))

    assert again == task("a", n=2).copy(version=3)
    assert [each.deleted for each in repo.history("task-a")] == [False, True, False]
    assert [each.id for each in repo.list()] == ["task-a", "task-b"]
    assert repo.search("2").entities == [again]


def test_a_deletion_may_ask_for_a_version(repo: EntityRepository, task: Make) -> None:
    first = repo.create(task("a"))
    second = repo.update(first.copy(status="paused"))

    with pytest.raises(VersionConflict):
        repo.delete("task-a", version=1)
    assert repo.read("task-a") == second
    assert repo.delete("task-a", version=2) is True


def test_a_version_is_later_than_the_one_before_whatever_the_clock_says(
    repo: EntityRepository, task: Make
) -> None:
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    first = repo.create(task("a").copy(created_at=tomorrow))
    second = repo.update(first.copy(status="paused"))

    assert first.updated_at == tomorrow
    assert second.updated_at == tomorrow + timedelta(microseconds=1)


def test_a_list_is_filtered(repo: EntityRepository, task: Make) -> None:
    for made in (
        task("a", owner="ann", tags=["x", "y"], points=3),
        task("b", "planned", owner="bob", tags="x"),
        Entity("feature-c", "feature", "planned", {"author": {"name": "ann"}}),
    ):
        repo.create(made)

    def ids(*arguments: Any, **options: Any) -> list[str]:
        return [each.id for each in repo.list(*arguments, **options)]

    assert ids() == ["task-a", "task-b", "feature-c"]
    assert ids("task") == ids(entity_type="task") == ["task-a", "task-b"]
    assert ids(status="planned") == ["task-b", "feature-c"]
    assert ids("feature", "planned") == ["feature-c"]
    assert ids("feature", "open") == ids("nothing") == []
    assert ids(filters={"data.tags": "x"}) == ["task-a", "task-b"]
    assert ids(filters={"data.author.name": "ann"}) == ["feature-c"]
    assert ids(filters={"data.owner": ["bob", "eve"]}) == ["task-b"]
    assert ids("task", filters={"data.points": 3.0}) == ["task-a"]
    assert ids(filters={"data.owner": None}) == ["feature-c"]
    assert ids(filters={"data.author": "ann"}) == []
    assert ids(filters={"status": ["open", "planned"], "type": []}) == []


@pytest.mark.parametrize(
    ("value", "others"),
    [
        (True, [1, "true", False]),
        (1, [True, "1", 10]),
        (0, [False, None, ""]),
        ("1", [1, 1.0]),
        ('it\'s "so" 100%', ["its so 100"]),
        ("Straße", ["strasse"]),
        (10**30, [10**30 + 10**20, 1]),
        (10**4000, [0]),
        (-0.5, [0.5, "-0.5"]),
        (None, [False, 0, ""]),
    ],
)
def test_a_filter_finds_the_value_and_no_other(
    repo: EntityRepository, task: Make, value: Any, others: list[Any]
) -> None:
    repo.create(task("it", key=value))
    for number, other in enumerate(others):
        repo.create(task(str(number), key=other))

    found = repo.list(filters={"data.key": value})
    assert [each.id for each in found] == ["task-it"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"status": "opne"}, "did you mean open"),
        ({"filters": {"owner": "ann"}}, r"expected type, status or data\.<key>"),
        ({"filters": {"data": "ann"}}, r"expected type, status or data\.<key>"),
        ({"filters": {"data..a": 1}}, r"expected type, status or data\.<key>"),
        ({"filters": {'data.a"b': 1}}, r"expected type, status or data\.<key>"),
        ({"filters": {"data.a": {"b": 1}}}, "expected text, a number"),
        ({"filters": {"data.a": "\0"}}, "without NUL"),
        ({"filters": {"type": 1}}, "expected text for the filter type"),
        ({"limit": -1}, "from 0 to 2,147,483,647 for limit"),
        ({"offset": "1"}, "from 0 to 2,147,483,647 for offset"),
        ({"after": "task-a"}, "which the store never had"),
        ({"after": "\0"}, "which the store never had"),
        ({"after": 3}, "expected the id of an entity"),
    ],
)
def test_what_a_list_can_not_be_asked(
    repo: EntityRepository, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        repo.list(**options)


def test_pages_by_offset(repo: EntityRepository, task: Make) -> None:
    made = [repo.create(task(str(number))) for number in range(5)]

    assert repo.list(limit=2, offset=0) == made[:2]
    assert repo.list(limit=2, offset=4) == made[4:]
    assert repo.list(offset=3) == made[3:]
    assert repo.list(limit=0) == repo.list(offset=5) == []


def test_pages_after_an_entity_pass_nothing_over(
    repo: EntityRepository, task: Make
) -> None:
    made = [repo.create(task(str(number))) for number in range(4)]
    first = repo.list(limit=2)
    # What is written between the pages, also to the last one of the page before.
    repo.delete("task-0")
    repo.delete("task-1")
    repo.update(made[2].copy(status="paused"))
    late = repo.create(task("late"))

    second = repo.list(limit=2, after=first[-1])
    assert [each.id for each in second] == ["task-2", "task-3"]
    assert repo.list(limit=2, after="task-3") == [late]
    assert repo.list(after=late) == []


def test_ids_that_no_entity_can_have_are_not_there(repo: EntityRepository) -> None:
    assert repo.read("\0") is None
    assert repo.read("'; DROP TABLE alembic_neo4j_entity; --") is None
    assert repo.history("task-\ud800") == []
    assert repo.delete("") is False
    with pytest.raises(ValidationError, match=r"write entity\.id"):
        repo.read(Entity("task-a", "task", "open"))  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="expected an Entity, found dict"):
        repo.create({"id": "task-a"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "broken",
    [
        "status = 'finished'",
        "id = 'a'",
        "type = 'feature'",
        "type = ''",
        "id = 'task-'",
        "data = '[]'",
        "data = 'nothing'",
        "version = 0",
    ],
)
@pytest.mark.parametrize("table", ["entity", "entity_version"])
def test_no_other_writer_stores_what_is_no_entity(
    repo: EntityRepository, store: Any, task: Make, table: str, broken: str
) -> None:
    created = repo.create(task("a"))
    url = f"sqlite:///{store}" if isinstance(store, Path) else store
    engine = create_engine(url)

    with engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text(f"UPDATE alembic_neo4j_{table} SET {broken}"))
    engine.dispose()
    assert repo.read("task-a") == created


def test_the_tables_are_those_that_are_written_to(
    repo: EntityRepository, store: Any
) -> None:
    url = f"sqlite:///{store}" if isinstance(store, Path) else store
    engine = create_engine(url)
    with engine.connect() as connection:
        for name, table in metadata.tables.items():
            rows = connection.execute(text(f"SELECT * FROM {name}"))
            assert set(rows.keys()) - {"lexemes"} == set(table.columns.keys())
    engine.dispose()


def test_each_write_has_a_place_of_its_own_among_those_of_its_site(
    store: Any, task: Make
) -> None:
    with (
        EntityRepository(store) as repo,
        EntityRepository(store, site_id="my-laptop") as other,
    ):
        first = repo.create(task("a"))
        repo.create(task("b"))
        other.update(first.copy(status="paused"))
        repo.delete("task-a")
        site = repo.site_id
    url = f"sqlite:///{store}" if isinstance(store, Path) else store
    engine = create_engine(url)
    with engine.connect() as connection:
        query = "SELECT site, counter, id, version, vector "
        query += "FROM alembic_neo4j_entity_version ORDER BY id, version"
        rows = [tuple(row) for row in connection.execute(text(query))]
        known = connection.execute(text("SELECT * FROM alembic_neo4j_entity_site"))
        assert {row[0]: row[1] for row in known} == {site: 3, "my-laptop": 1}
    engine.dispose()
    both = sorted([f'"{site}":1', '"my-laptop":1'])
    last = sorted([f'"{site}":3', '"my-laptop":1'])
    assert rows == [
        (site, 1, "task-a", 1, f'{{"{site}":1}}'),
        ("my-laptop", 1, "task-a", 2, f"{{{','.join(both)}}}"),
        (site, 3, "task-a", 3, f"{{{','.join(last)}}}"),
        (site, 2, "task-b", 1, f'{{"{site}":2}}'),
    ]


def test_threads_share_a_repository(repo: EntityRepository, task: Make) -> None:
    repo.create(task("count", n=0))

    def count() -> None:
        for _ in range(20):
            while True:
                read = repo.read("task-count")
                assert read is not None
                try:
                    repo.update(read.copy(data={"n": read.data["n"] + 1}))
                    break
                except VersionConflict:
                    continue

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = repo.read("task-count")
    assert last is not None
    assert (last.version, last.data) == (81, {"n": 80})


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "update", "delete", "stale"]),
        st.sampled_from("abc"),
        DATA,
    ),
    max_size=20,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_any_changes_leave_what_a_dictionary_would_have(
    steps: list[tuple[str, str, dict[str, Any]]],
) -> None:
    expected: dict[str, list[Entity]] = {}
    with EntityRepository(":memory:") as repo:
        for verb, slug, data in steps:
            versions = expected.setdefault(f"task-{slug}", [])
            there = bool(versions) and not versions[-1].deleted
            made = Entity(f"task-{slug}", "task", "open", data)
            if verb == "create" and not there:
                versions.append(repo.create(made))
            elif verb == "update" and there:
                versions.append(repo.update(versions[-1].copy(data=data)))
            elif verb == "delete":
                assert repo.delete(made.id) is there
                if there:
                    gone = versions[-1].copy(deleted=True)
                    versions.append(gone.copy(version=gone.version + 1))
            else:
                with pytest.raises(VersionConflict):
                    (repo.create if there and verb == "create" else repo.update)(made)
        for entity_id, versions in expected.items():
            assert repo.history(entity_id) == versions
            numbers = [each.version for each in versions]
            assert numbers == [*range(1, len(versions) + 1)]
        now = [v[-1] for v in expected.values() if v and not v[-1].deleted]
        assert sorted(repo.list(), key=lambda e: e.id) == sorted(
            now, key=lambda e: e.id
        )

"""Stores that were restored, and stores of the same name, lose nothing in a sync."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from alembic_neo4j.entities import EntityRepository, SyncableRepository
from alembic_neo4j.entities.conflict import MergeFieldsResolver
from tests.entities.sites import (
    Pull,
    Write,
    assert_same,
    contents,
    do,
    exchange,
    opened,
    restore,
    saved,
    steps,
    written,
)
from tests.entities.values import Make


def as_laptop(path: Any) -> SyncableRepository:
    return SyncableRepository(EntityRepository(path), "laptop")


def restored(tmp_path: Path, task: Make) -> tuple[SyncableRepository, ...]:
    """A store that was restored as of its first write, and one that knows three."""
    path = tmp_path / "a.db"
    with as_laptop(path) as repo:
        repo.create(task("a"))
    shutil.copy(path, tmp_path / "backup.db")
    other = SyncableRepository(EntityRepository(tmp_path / "b.db"), "desk")
    with as_laptop(path) as repo:
        repo.create(task("b"))
        repo.create(task("c"))
        repo.sync_with(other)
    for left in tmp_path.glob("a.db-*"):
        left.unlink()
    shutil.copy(tmp_path / "backup.db", path)
    return as_laptop(path), other


def sites_of(repo: EntityRepository) -> list[str]:
    query = text("SELECT DISTINCT site FROM alembic_neo4j_entity_version ORDER BY 1")
    with repo.store.reading() as connection:
        return [row[0] for row in connection.execute(query)]


def test_a_restored_store_gets_back_what_it_wrote_and_goes_on_under_a_new_name(
    tmp_path: Path, task: Make, caplog: pytest.LogCaptureFixture
) -> None:
    repo, other = restored(tmp_path, task)
    assert repo.pull_from(other).received == 2
    assert [each.id for each in repo.list()] == ["task-a", "task-b", "task-c"]
    assert "Another store knows more writes of the site laptop" in caplog.text
    repo.create(task("d"))
    repo.sync_with(other)
    assert_same([repo, other])
    laptop, another = sites_of(other)
    assert laptop == "laptop"
    assert another.startswith("laptop~")


def test_what_a_restored_store_wrote_before_it_was_synced_is_not_lost(
    tmp_path: Path, task: Make, caplog: pytest.LogCaptureFixture
) -> None:
    repo, other = restored(tmp_path, task)
    repo.create(task("d"))
    new = repo.create(task("b", name="another one"))
    repo.sync_with(other)

    assert_same([repo, other])
    assert {each.id for each in other.list()} == {
        *("task-a", "task-b", "task-c", "task-d")
    }
    assert new in other.history("task-b")
    assert len(other.history("task-b")) == 2
    assert "a backup was restored, a store was copied" in caplog.text


def test_two_stores_of_the_same_name_part_once(
    store: Any, tmp_path: Path, task: Make, caplog: pytest.LogCaptureFixture
) -> None:
    repos = [as_laptop(where) for where in (store, tmp_path / "b.db")]
    for number in range(3):
        for name, repo in zip("ab", repos, strict=True):
            made = repo.create(task(f"{number}-{name}"))
            repo.update(made.copy(status="paused"))
        repos[0].sync_with(repos[1])
        assert_same(repos)
    assert len(repos[0].list()) == 6
    assert len(sites_of(repos[0])) == 2
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 1


def test_a_line_gets_its_name_on_each_database(
    store: Any, tmp_path: Path, task: Make
) -> None:
    """Whichever of the two it is that gets one."""
    names = set()
    # Which of the two it is follows from what they wrote, and when.
    for number in range(60):
        if len(names) == 2:
            break
        site = f"site-{number}"
        one = SyncableRepository(EntityRepository(store), site)
        with EntityRepository(tmp_path / f"{number}.db") as other:
            for repo in (one, two := SyncableRepository(other, site)):
                made = repo.create(task(f"{number}", n=id(repo)))
                repo.update(made.copy(status="paused"))
            two.push_to(one)
            assert contents(two) != contents(one)
            two.pull_from(one)
            assert_same([one, two])
            before = written(one)
            one.create(task(f"more-{number}"))
            new = {row[0] for row in written(one) - before if len(row) > 2}
            names |= {name == site for name in new}
    assert names == {True, False}


def test_stores_that_met_the_lines_in_another_order_name_them_alike(
    task: Make,
) -> None:
    with opened(4, MergeFieldsResolver()) as repos:
        a = repos[0]
        a.create(task("a"))
        backup = saved(a)
        for number in range(1, 4):
            restore(a, backup)
            a.create(task(f"b-{number}"))
            a.create(task("both", n=number))
            repos[number].pull_from(a)
        restore(a, backup)
        repos[2].sync_with(repos[3])
        repos[1].sync_with(repos[2])
        exchange(repos)
        assert_same(repos)
        assert len(a.list()) == 5
        assert len(a.history("task-both")) == 3


@settings(max_examples=40, deadline=None)
@given(steps(4), st.data())
def test_whatever_is_restored_nothing_is_lost_or_there_twice(
    done: list[Write | Pull], data: st.DataObject
) -> None:
    with opened(4, MergeFieldsResolver()) as repos:
        backups = [[saved(repo)] for repo in repos]
        for tick, step in enumerate(done):
            site = step.site
            what = data.draw(st.sampled_from(["save", "restore", None, None]))
            if what == "save":
                backups[site].append(saved(repos[site]))
            elif what == "restore":
                restore(repos[site], data.draw(st.sampled_from(backups[site])))
            do(step, repos, tick)
        there = {each for repo in repos for each in contents(repo)}
        exchange(repos)
        assert_same(repos)
        assert contents(repos[0]) == sorted(there)


def test_a_site_that_is_renamed_only_here_is_known_elsewhere(
    tmp_path: Path, task: Make
) -> None:
    """A store that has the line under its old name gets no write of it twice."""
    with opened(4, MergeFieldsResolver()) as (a, other, late, new):
        a.create(task("a"))
        backup = saved(a)
        a.create(task("b"))
        other.pull_from(a)
        restore(a, backup)
        a.create(task("c"))
        late.pull_from(a)
        other.pull_from(a)
        # It has no more of the other line than that it is there.
        new.pull_from(a)
        new.sync_with(late)
        assert len(contents(new)) == 2
        exchange([a, other, late, new])
        assert_same([a, other, late, new])
        assert len(written(new)) - len(sites_of(new)) == 3

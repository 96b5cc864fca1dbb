"""Several processes at once, and processes that are killed, leave whole versions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from alembic_neo4j.entities import EntityRepository
from tests.entities.sites import assert_same

CHANGES = Path(__file__).with_name("changes.py")


def changed(what: str, store: Any, *arguments: object) -> list[dict[str, Any]]:
    where = store
    if isinstance(store, URL):
        where = store.render_as_string(hide_password=False)
    command = [sys.executable, str(CHANGES), what, str(where), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_whole(store: Any) -> None:
    """Every row of every table fits all the others."""
    engine = create_engine(f"sqlite:///{store}" if isinstance(store, Path) else store)
    with engine.begin() as connection:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in connection.execute(text(query))]

        both = "id, type, status, data, version, created_at, updated_at, deleted, "
        both += "vector, site, counter"
        last = (
            "SELECT {} FROM alembic_neo4j_entity_version v WHERE version = (SELECT "
            "max(version) FROM alembic_neo4j_entity_version w WHERE w.id = v.id)"
        )
        now = rows(f"SELECT {both} FROM alembic_neo4j_entity ORDER BY id")
        assert now == rows(f"{last.format(both)} ORDER BY id")
        counted = (
            "SELECT site, count(*) FROM alembic_neo4j_entity_version GROUP BY site"
        )
        assert rows("SELECT site, counter FROM alembic_neo4j_entity_site") == rows(
            counted
        )
        per_entity = "SELECT id, count(*), max(version), min(version) "
        per_entity += "FROM alembic_neo4j_entity_version GROUP BY id"
        assert all(n == most and least == 1 for _, n, most, least in rows(per_entity))
        if engine.dialect.name == "sqlite":
            assert rows("PRAGMA integrity_check") == [("ok",)]
            index = "alembic_neo4j_entity_words"
            # Raises where the index is not that of the words.
            check = f"INSERT INTO {index}({index}, rank) VALUES ('integrity-check', 1)"
            connection.execute(text(check))
    engine.dispose()


def test_eight_processes_lose_no_update(
    store: Any, request: pytest.FixtureRequest
) -> None:
    # On PostgreSQL each waits for the seven others, and is refused most of the time.
    updates = 20 if isinstance(store, URL) else 100
    if request.config.getoption("--all"):
        updates = 1000

    changed("count", store, updates)

    with EntityRepository(store) as repo:
        last = repo.read("task-count")
        assert last is not None
        assert last.data == {"n": 8 * updates}
        assert last.version == 8 * updates + 1
        counts = [version.data["n"] for version in repo.history("task-count")]
        assert counts == [*range(8 * updates + 1)]
    assert_whole(store)


def test_a_kill_at_any_call_leaves_a_whole_version_or_none(store: Any) -> None:
    told = changed("points", store)

    assert sum(each["killed"] for each in told) > 30
    outcomes: dict[str, set[str]] = {"create": set(), "update": set(), "delete": set()}
    for each in told:
        outcomes[each["verb"]].add(json.dumps([each["names"], each["deleted"]]))
    # Nothing in between, and both of them were seen.
    none = json.dumps([[["before"], []], False])
    assert outcomes == {
        "create": {none, json.dumps([[["before"], ["before"]], False])},
        "update": {none, json.dumps([[["before", "after"], []], False])},
        "delete": {none, json.dumps([[["before", "before"], []], True])},
    }
    assert_whole(store)


def test_a_kill_at_any_time_leaves_whole_versions(store: Any) -> None:
    told = changed("times", store, 20)

    assert len(told) == 20
    assert_whole(store)
    with EntityRepository(store) as repo:
        assert sum(len(repo.history(f"task-{number}")) for number in range(5)) >= 20


def test_a_sync_that_is_killed_is_whole_for_each_store_and_finished_by_the_next_one(
    store: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    step = 1 if request.config.getoption("--all") else 7
    told = changed("sync", store, tmp_path / "b.db", step)

    assert sum(each["killed"] for each in told) > 100 // step
    # Of two versions that each lacks, both came or none; the next sync brings the rest.
    none, all_of_it = [False, 1], [True, 2]
    outcomes = {json.dumps([each["had"], each["received"]]) for each in told}
    assert outcomes == {
        json.dumps([[none, none], [2, 2]]),
        json.dumps([[all_of_it, none], [0, 2]]),
        json.dumps([[all_of_it, all_of_it], [0, 0]]),
    }
    with EntityRepository(store) as one, EntityRepository(tmp_path / "b.db") as two:
        assert_same([one, two])

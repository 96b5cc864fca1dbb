"""Opening a store: what is created, what is refused, and what is told of it."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL

from alembic_neo4j.entities import Entity, EntityRepository
from alembic_neo4j.entities.tables import MIGRATIONS
from alembic_neo4j.errors import LockError, StoreError, ValidationError
from tests.entities.values import Make

# The superuser may write anywhere, until the capability for it is given up:
# CAP_DAC_OVERRIDE, by PR_CAPBSET_DROP (capabilities(7)).
PLAIN_USER = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""


@contextmanager
def without_fts5() -> Iterator[None]:
    """Let SQLite refuse FTS5 to whoever connects meanwhile."""

    def refuse(action: int, first: str | None, second: str | None, *_: Any) -> int:
        names = {(sqlite3.SQLITE_FUNCTION, "fts5_source_id")}
        names |= {(sqlite3.SQLITE_CREATE_VTABLE, "fts5")}
        is_fts5 = (action, second) in names
        return sqlite3.SQLITE_DENY if is_fts5 else sqlite3.SQLITE_OK

    def connected(connection: Any, _record: Any) -> None:
        connection.set_authorizer(refuse)

    event.listen(Engine, "connect", connected)
    try:
        yield
    finally:
        event.remove(Engine, "connect", connected)


def bytes_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*")}


def test_a_store_is_there_for_whoever_opens_it_next(store: Any, task: Make) -> None:
    with EntityRepository(store) as repo:
        created = repo.create(task("a"))
        site = repo.site_id
    with EntityRepository(store, create=False) as repo:
        assert repo.read("task-a") == created
        assert repo.site_id == site


def test_paths_and_urls_name_the_same_store(tmp_path: Path, task: Make) -> None:
    path = tmp_path / "it's a store #1?.db"
    names = (path, str(path), URL.create("sqlite", database=str(path)))
    with EntityRepository(path) as repo:
        created = repo.create(task("a"))
    for name in names:
        with EntityRepository(name, create=False) as repo:
            assert repo.db_path == path
            assert repo.list() == [created]
    url = f"sqlite:///{tmp_path / 'b.db'}"
    with EntityRepository(url) as repo:
        assert repo.db_path == tmp_path / "b.db"


def test_a_new_file_is_its_users_alone(tmp_path: Path) -> None:
    EntityRepository(tmp_path / "a.db").close()

    assert (tmp_path / "a.db").stat().st_mode & 0o777 == 0o600


def test_a_store_in_memory_is_shared_by_threads(task: Make) -> None:
    with EntityRepository(":memory:") as repo:
        created = repo.create(task("a"))
        with ThreadPool(4) as threads:
            assert threads.map(repo.read, ["task-a"] * 20) == [created] * 20
        assert repo.db_path is None
    with EntityRepository(":memory:") as repo:
        assert repo.list() == []


def test_postgresql_needs_no_driver_in_its_url(postgresql_url: URL) -> None:
    url = postgresql_url.set(drivername="postgresql")
    with EntityRepository(url.render_as_string(hide_password=False)) as repo:
        assert repo.list() == []
        assert repo.db_path is None


def test_a_store_is_created_only_where_that_is_wanted(store: Any) -> None:
    with pytest.raises(StoreError, match="there is no entity store in"):
        EntityRepository(store, create=False)
    if isinstance(store, Path):
        assert not store.exists()
    with pytest.raises(StoreError):
        EntityRepository(store, create=False)


def test_what_is_no_address_of_a_store(tmp_path: Path) -> None:
    for given, says in (
        ("", "expected a path or a database URL"),
        (3, "found int 3"),
        ("mysql://me:secret@host/db", "expected SQLite, or PostgreSQL"),
        ("sqlite+aiosqlite:///a.db", "needs no event loop"),
        ("nothing://me:secret@host:port/", "found one that can't be read"),
        ("a\0b", "with a NUL in it"),
        ("sqlite:///a\0b", "with a NUL in it"),
    ):
        with pytest.raises(ValidationError, match=says) as caught:
            EntityRepository(given)  # type: ignore[arg-type]
        assert "secret" not in str(caught.value)
    with pytest.raises(ValidationError, match="such as my-laptop"):
        EntityRepository(tmp_path / "a.db", site_id=" ")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(StoreError, match="Start the server, or correct") as caught:
        EntityRepository("postgresql://me:secret@127.0.0.1:1/db")
    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(caught.value.__cause__)


def test_a_directory_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Expected a file, found a directory"):
        EntityRepository(tmp_path)
    with pytest.raises(StoreError, match=r"Expected the directory .*no: create it"):
        EntityRepository(tmp_path / "no" / "a.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [b"Dear diary, " * 100, b"SQLite", random.Random(1).randbytes(9999)],
    ids=["text", "short", "noise"],
)
def test_a_file_of_something_else_is_left_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a.db").write_bytes(content)

    with pytest.raises(StoreError, match=r"a\.db is damaged, or no entity store"):
        EntityRepository(tmp_path / "a.db")
    assert bytes_of(tmp_path) == {"a.db": content}


def test_the_database_of_something_else_is_left_as_it_is(
    tmp_path: Path, task: Make
) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        for name in ("films", "people", "songs", "towns"):
            connection.execute(f"CREATE TABLE {name} (name TEXT)")
        connection.commit()
    before = bytes_of(tmp_path)

    with pytest.raises(StoreError, match="with the tables films, people, songs, …"):
        EntityRepository(path)
    assert bytes_of(tmp_path) == before
    with EntityRepository(path, shared=True) as repo:
        created = repo.create(task("a"))
    with EntityRepository(path) as repo:
        assert repo.list() == [created]


def test_postgresql_may_have_other_tables(postgresql_url: URL) -> None:
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE films (name TEXT)"))
    engine.dispose()
    with EntityRepository(postgresql_url) as repo:
        assert repo.list() == []


@pytest.mark.parametrize(
    ("version", "says"),
    [
        (str(len(MIGRATIONS) + 1), "is a newer release's: .* or older, found"),
        ("0", "damaged"),
        ("one", "damaged"),
        ("", "damaged"),
    ],
)
def test_a_store_of_another_version_is_left_as_it_is(
    store: Any, task: Make, version: str, says: str
) -> None:
    with EntityRepository(store) as repo:
        created = repo.create(task("a"))
        set_version(store, version)
        # Also by whoever has opened it before.
        with pytest.raises(StoreError, match=says):
            repo.update(created)
    if isinstance(store, Path):
        before = bytes_of(store.parent)
    with pytest.raises(StoreError, match=says):
        EntityRepository(store)
    if isinstance(store, Path):
        assert bytes_of(store.parent) == before
    set_version(store, str(len(MIGRATIONS)))
    with EntityRepository(store) as repo:
        assert repo.history("task-a") == [created]


def set_version(store: Any, version: str) -> None:
    engine = create_engine(f"sqlite:///{store}" if isinstance(store, Path) else store)
    with engine.begin() as connection:
        query = "UPDATE alembic_neo4j_entity_store SET value = :v WHERE key = 'version'"
        connection.execute(text(query), {"v": version})
    engine.dispose()


def test_a_store_that_does_not_say_which_site_it_is_is_told(store: Any) -> None:
    EntityRepository(store).close()
    engine = create_engine(f"sqlite:///{store}" if isinstance(store, Path) else store)
    with engine.begin() as connection:
        query = "DELETE FROM alembic_neo4j_entity_store WHERE key = 'site'"
        connection.execute(text(query))
    engine.dispose()

    with pytest.raises(StoreError, match="it does not say which site it is"):
        EntityRepository(store)


def test_a_table_that_is_missing_is_told(store: Any) -> None:
    EntityRepository(store).close()
    engine = create_engine(f"sqlite:///{store}" if isinstance(store, Path) else store)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_neo4j_entity_site"))
    engine.dispose()

    with pytest.raises(StoreError, match="it has no table alembic_neo4j_entity_site"):
        EntityRepository(store)


@pytest.mark.parametrize(
    "broken", ["data = '{\"a\": 1e999}'", "created_at = 'never'", "vector = '[]'"]
)
def test_a_row_that_no_release_wrote_is_told(
    tmp_path: Path, task: Make, broken: str
) -> None:
    path = tmp_path / "a.db"
    with EntityRepository(path) as repo:
        created = repo.create(task("a"))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"UPDATE alembic_neo4j_entity SET {broken}")
            connection.commit()
        with pytest.raises(StoreError, match="is damaged"):
            repo.update(created)


def test_a_file_that_was_damaged_is_told(tmp_path: Path, task: Make) -> None:
    path = tmp_path / "a.db"
    with EntityRepository(path) as repo:
        for number in range(300):
            repo.create(task(str(number), text=f"some words {number} " * 20))
    content = path.read_bytes()
    half = len(content) // 2 // 4096 * 4096
    path.write_bytes(content[:4096] + b"\xff" * half + content[4096 + half :])

    with pytest.raises(StoreError, match="is damaged"):
        EntityRepository(path).list()


def test_a_file_that_may_only_be_read_is_read(tmp_path: Path, task: Make) -> None:
    path = tmp_path / "a.db"
    with EntityRepository(path) as repo:
        repo.create(task("a"))
    path.chmod(0o400)

    done = as_plain_user(
        f"""
from alembic_neo4j.entities import EntityRepository, Entity
repo = EntityRepository({str(path)!r})
print(repo.list()[0].id, repo.search("a").total)
repo.create(Entity("task-b", "task", "open"))
"""
    )
    assert done.stdout == "task-a 1\n", done.stderr
    assert "a.db can't be used so: attempt to write a readonly" in done.stderr
    with EntityRepository(path) as repo:
        assert len(repo.list()) == 1


def test_a_file_that_can_not_be_created_is_told(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)

    done = as_plain_user(
        "from alembic_neo4j.entities import EntityRepository\n"
        f"EntityRepository({str(closed / 'a.db')!r})"
    )
    assert "a.db can't be opened: unable to open database file" in done.stderr
    assert "Expected a file that this user may read and write to" in done.stderr


def as_plain_user(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PLAIN_USER, program],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_users_directory_that_can_not_be_created_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))

    with pytest.raises(StoreError, match=r"entities\.db can't be opened"):
        EntityRepository()


def test_a_file_that_is_opened_for_reading_is_not_created(tmp_path: Path) -> None:
    url = f"sqlite:///file:{tmp_path}/a.db?mode=ro&uri=true"

    with pytest.raises(StoreError, match="can't be opened: unable to open"):
        EntityRepository(url)
    assert list(tmp_path.iterdir()) == []
    EntityRepository(tmp_path / "a.db").close()
    with EntityRepository(url) as repo:
        assert repo.list() == []
        with pytest.raises(StoreError, match="can't be used so: attempt to write"):
            repo.create(Entity("task-a", "task", "open"))


def test_who_may_not_create_tables_is_told(postgresql_url: URL) -> None:
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("REVOKE ALL ON SCHEMA public FROM PUBLIC"))
        connection.execute(text("DROP ROLE IF EXISTS guest"))
        connection.execute(text("CREATE ROLE guest LOGIN"))
        connection.execute(text("GRANT USAGE ON SCHEMA public TO guest"))
    with pytest.raises(StoreError, match="permission denied for schema public"):
        EntityRepository(postgresql_url.set(username="guest"))
    with EntityRepository(postgresql_url) as repo:
        created = repo.create(Entity("task-a", "task", "open"))
    with engine.begin() as connection:
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest"))
    with EntityRepository(postgresql_url.set(username="guest")) as repo:
        assert repo.search("task", facets=["data.a"]).entities == [created]
        with pytest.raises(StoreError, match="permission denied for table"):
            repo.update(created)
    engine.dispose()


def test_whoever_does_not_end_his_writing_is_named_as_the_reason(
    tmp_path: Path, task: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"
    monkeypatch.setattr("alembic_neo4j.entities.engine._BUSY_SECONDS", 0.1)
    with (
        EntityRepository(path) as repo,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        assert repo.list() == []
        with pytest.raises(LockError, match=r"a\.db is being written to by a process"):
            repo.create(task("a"))
        other.execute("ROLLBACK")
        assert repo.create(task("a")).version == 1


def test_a_fork_has_connections_of_its_own(store: Any, task: Make) -> None:
    with EntityRepository(store) as repo:
        created = repo.create(task("a"))
        child = os.fork()
        if child == 0:
            try:
                updated = repo.update(created.copy(status="paused"))
                repo.close()
                os._exit(updated.version)
            finally:
                os._exit(9)
        assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 2
        read = repo.read("task-a")
        assert read is not None
        assert repo.update(read).version == 3


def test_a_sqlite_without_fts5_searches_and_writes(tmp_path: Path, task: Make) -> None:
    path = tmp_path / "a.db"
    with without_fts5(), EntityRepository(path) as repo:
        first = repo.create(task("a", name="written without"))
        assert repo.search("without").entities == [first]
    with EntityRepository(path) as repo:
        # The index is made of what is there.
        assert repo.search("with*").entities == [first]
        second = repo.create(task("b", name="written with"))
    with without_fts5(), EntityRepository(path) as repo:
        third = repo.create(task("c", name="written without again"))
        repo.update(first.copy(data={"name": "another"}))
        assert {each.id for each in repo.search("written")} == {"task-b", "task-c"}
    with EntityRepository(path) as repo:
        found = repo.search("written")
        assert {each.id for each in found} == {second.id, third.id}
        assert [each.id for each in repo.search("another")] == ["task-a"]


def test_a_repository_names_its_store_and_no_password(tmp_path: Path) -> None:
    with EntityRepository(tmp_path / "a.db") as repo:
        assert repr(repo) == f"EntityRepository({str(tmp_path / 'a.db')!r})"


def test_the_room_is_used_without_neo4j() -> None:
    program = (
        "import sys\n"
        "from alembic_neo4j.entities import EntityRepository\n"
        "EntityRepository(':memory:').list()\n"
        "print({'neo4j', 'neomodel', 'click', 'psycopg'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
    assert Entity.__module__ == "alembic_neo4j.entities.entity"

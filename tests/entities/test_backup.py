"""A backup is whole or is told not to be, and is put back whole or not at all."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.entities import Entity, EntityRepository, backup
from alembic_neo4j.errors import LockError, StoreError, ValidationError

BACKUPS = Path(__file__).with_name("backups.py")


def fill(path: Path, tasks: int) -> None:
    with EntityRepository(path) as repo:
        for number in range(tasks):
            repo.create(Entity(f"task-{number}", "task", "open", {"n": number}))


def count(path: Path) -> int:
    with EntityRepository(path, create=False) as repo:
        return len(repo.list())


def names(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A store with three entities."""
    path = tmp_path / "entities.db"
    fill(path, 3)
    return path


@pytest.fixture
def made(database: Path, tmp_path: Path) -> Path:
    """A backup of that store."""
    return backup.create_backup(database, tmp_path / "backups")


# Making one ---------------------------------------------------------------------------


def test_a_backup_is_a_sqlite_file_that_any_tool_opens(made: Path) -> None:
    made.chmod(0o400)
    with closing(sqlite3.connect(made)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
        query = "SELECT id FROM alembic_neo4j_entity ORDER BY number"
        found = [row[0] for row in connection.execute(query)]
    assert found == ["task-0", "task-1", "task-2"]
    with EntityRepository(shutil.copy(made, made.with_name("copy.db"))) as repo:
        assert [each.id for each in repo.list()] == found
        assert repo.search("task").total == 3


def test_backups_are_listed_the_oldest_first(database: Path, tmp_path: Path) -> None:
    directory = tmp_path / "of" / "all"
    before = datetime.now(timezone.utc)
    assert backup.list_backups(directory) == []

    made = [backup.create_backup(database, directory) for _ in range(3)]

    found = backup.list_backups(directory)
    assert [each.path for each in found] == made
    moments = [each.timestamp for each in found]
    assert before <= moments[0] < moments[1] < moments[2]
    assert moments[2] - before < timedelta(minutes=1)
    assert [each.size for each in found] == [each.stat().st_size for each in made]


def test_what_is_no_backup_is_not_listed(made: Path) -> None:
    (made.parent / "notes.txt").write_text("mine")
    (made.parent / "entities.db").write_bytes(made.read_bytes())
    (made.parent / f"{made.name}.partial").write_text("")

    assert [each.path for each in backup.list_backups(made.parent)] == [made]


def test_only_its_user_may_read_a_backup(made: Path) -> None:
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.parent.stat().st_mode & 0o777 == 0o700


def test_a_store_that_is_no_file_is_told_which_tool_to_use(tmp_path: Path) -> None:
    for path in (None, "postgresql://u:secret@host/db", ":memory:"):
        with pytest.raises(ValidationError, match="pg_dump") as told:
            backup.create_backup(path, tmp_path)
        assert "secret" not in str(told.value)
    assert names(tmp_path) == []


def test_no_backup_is_made_of_what_is_no_whole_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no file"):
        backup.create_backup(tmp_path / "missing.db", tmp_path / "backups")
    assert names(tmp_path) == []

    text = tmp_path / "text.db"
    text.write_text("no database, and longer than a header of one would be" * 10)
    with pytest.raises(StoreError, match="not a database"):
        backup.create_backup(text, tmp_path / "backups")

    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="nothing in"):
        backup.create_backup(tmp_path / "empty.db", tmp_path / "backups")

    fill(damaged := tmp_path / "damaged.db", 300)
    with damaged.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xff" * 4096 * 3)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        backup.create_backup(damaged, tmp_path / "backups")
    assert names(tmp_path / "backups") == [".alembic_neo4j.lock"]


def test_whoever_keeps_the_database_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "_WAIT_SECONDS", 0.1)
    path = tmp_path / "kept.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE one (two)")
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LockError, match="in use"):
            backup.create_backup(path, tmp_path / "backups")
    assert names(tmp_path / "backups") == [".alembic_neo4j.lock"]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Path]:
    """A store that another process writes to all the time."""
    path = tmp_path / "busy.db"
    command = [sys.executable, str(BACKUPS), "write", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(5) == b"....."
        yield path
        assert process.poll() is None
        process.kill()


def test_a_backup_is_one_moment_of_a_store_that_is_written_to(
    writer: Path, tmp_path: Path
) -> None:
    counts = []
    for _ in range(20):
        made = backup.create_backup(writer, tmp_path / "backups")
        backup.verify_backup(made)
        copy = backup.restore_backup(made, tmp_path / f"{made.stem}-copy.db").path
        with EntityRepository(copy, create=False) as repo:
            last = repo.read("task-count")
            assert last is not None
            versions = [each.data["n"] for each in repo.history("task-count")]
            assert versions == [*range(last.version)]
            counts.append(last.data["n"])

    # The writer was not held up by it.
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


def test_several_processes_may_make_backups_in_one_directory(
    database: Path, tmp_path: Path
) -> None:
    code = (
        "import sys\n"
        "from alembic_neo4j.entities import backup\n"
        "for _ in range(5):\n"
        "    print(backup.create_backup(*sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, str(database), str(tmp_path / "backups")]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    said = [process.communicate()[0].split() for process in running]

    assert [process.returncode for process in running] == [0] * 4
    made = sorted(path for paths in said for path in paths)
    assert len({*made}) == 20
    found = backup.list_backups(tmp_path / "backups")
    assert sorted(str(each.path) for each in found) == made
    for each in found:
        backup.verify_backup(each.path)


# Whether it is whole ------------------------------------------------------------------


def test_a_thousand_bit_flips_are_all_found(made: Path) -> None:
    whole = made.read_bytes()
    flips = random.Random(4)
    seen = set()
    # In the database, and in the checksum after it.
    ranges = [range(len(whole) * 8)] * 900 + [
        range((len(whole) - 140) * 8, len(whole) * 8)
    ] * 100
    for places in ranges:
        place = flips.choice(places)
        seen.add(place)
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        made.write_bytes(damaged)
        with pytest.raises(StoreError, match="is no backup, or a damaged one"):
            backup.verify_backup(made)

    assert len(seen) > 900
    made.write_bytes(whole)
    backup.verify_backup(made)


def test_a_backup_that_was_cut_off_or_added_to_is_found(made: Path) -> None:
    whole = made.read_bytes()
    lengths = {0, 1, 63, 64, 65, 150, 4096, len(whole) // 2, len(whole) - 4096}
    for length in sorted(lengths | {len(whole) - 1}):
        made.write_bytes(whole[:length])
        with pytest.raises(StoreError, match="does not end with a checksum"):
            backup.verify_backup(made)
    for added in (b"\n", b"\0" * 4096, whole[-200:]):
        made.write_bytes(whole + added)
        with pytest.raises(StoreError, match="is no backup, or a damaged one"):
            backup.verify_backup(made)
    made.unlink()
    with pytest.raises(StoreError, match="can't be read"):
        backup.verify_backup(made)


# Putting it back ----------------------------------------------------------------------


def test_a_backup_is_put_back_bit_by_bit(made: Path, tmp_path: Path) -> None:
    target = tmp_path / "restored.db"

    restored = backup.restore_backup(made, target)

    assert restored == backup.Restored(target, None)
    assert made.read_bytes().startswith(target.read_bytes())
    assert count(target) == 3
    assert [each for each in names(tmp_path) if "restor" in each] == ["restored.db"]


def test_what_is_there_is_replaced_by_force_only_and_kept(
    made: Path, database: Path
) -> None:
    with EntityRepository(database) as repo:
        repo.delete("task-0")
    database.chmod(0o640)
    before = database.read_bytes()
    with pytest.raises(StoreError, match=r"expected no file .* by force"):
        backup.restore_backup(made, database)
    assert database.read_bytes() == before

    restored = backup.restore_backup(made, database, force=True)

    assert restored.kept is not None
    assert restored.kept.parent == database.parent
    assert (count(database), count(restored.kept)) == (3, 2)
    assert database.stat().st_mode & 0o777 == 0o640


def test_a_damaged_backup_changes_nothing(made: Path, database: Path) -> None:
    damaged = bytearray(made.read_bytes())
    damaged[5000] ^= 8
    made.write_bytes(damaged)
    directory = database.parent
    before = {name: (directory / name).stat() for name in names(directory)}

    for target in (database, directory / "new.db"):
        with pytest.raises(StoreError, match="its bytes are not those"):
            backup.restore_backup(made, target, force=True)

    stays = {name: (directory / name).stat() for name in names(directory)}
    assert {
        n: (s.st_ino, s.st_mtime_ns) for n, s in stays.items() if n != "backups"
    } == {n: (s.st_ino, s.st_mtime_ns) for n, s in before.items() if n != "backups"}


def test_a_database_that_somebody_has_open_is_not_replaced(
    made: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EntityRepository(database) as repo:
        repo.delete("task-0")
        with pytest.raises(LockError, match="in use"):
            backup.restore_backup(made, database, force=True)
        assert len(repo.list()) == 2
    assert [each for each in names(database.parent) if "re" in each] == []


def killed_writer(path: Path) -> None:
    """Leave what SQLite has beside a database that was not closed."""
    code = (
        "import os, sqlite3, sys\n"
        "one = sqlite3.connect(sys.argv[1])\n"
        "one.execute('PRAGMA journal_mode=WAL')\n"
        "one.execute(\"DELETE FROM alembic_neo4j_entity WHERE id <> 'task-0'\")\n"
        "one.commit()\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert Path(f"{path}-wal").stat().st_size > 0


def test_what_is_only_in_the_log_of_the_old_one_is_kept(
    made: Path, database: Path
) -> None:
    killed_writer(database)

    restored = backup.restore_backup(made, database, force=True)

    assert restored.kept is not None
    assert not Path(f"{database}-wal").exists()
    assert (count(database), count(restored.kept)) == (3, 1)


def test_a_damaged_database_is_kept_as_it_is(made: Path, database: Path) -> None:
    broken = b"no database" * 1000
    database.write_bytes(broken)

    restored = backup.restore_backup(made, database, force=True)

    assert restored.kept is not None
    assert restored.kept.read_bytes() == broken
    assert count(database) == 3


def test_a_log_without_its_database_is_not_taken_for_one_of_the_new_one(
    made: Path, database: Path
) -> None:
    killed_writer(database)
    database.unlink()

    restored = backup.restore_backup(made, database)

    assert restored.kept is None
    assert count(database) == 3
    assert [each for each in names(database.parent) if each.endswith("Z-wal")]


def test_a_link_is_followed(made: Path, database: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(database)

    restored = backup.restore_backup(made, link, force=True)

    assert restored.path == database
    assert link.is_symlink()
    assert names(link.parent) == ["link.db"]


def test_where_no_database_can_be_nothing_is_restored(
    made: Path, tmp_path: Path
) -> None:
    for target, what in (
        (tmp_path, "a directory"),
        (tmp_path / "no" / "a.db", "no di"),
    ):
        with pytest.raises(StoreError, match=what):
            backup.restore_backup(made, target, force=True)
    with pytest.raises(ValidationError, match="the backup itself"):
        backup.restore_backup(made, made, force=True)
    backup.verify_backup(made)


# Kills --------------------------------------------------------------------------------


def told(what: str, *paths: Path) -> list[dict[str, Any]]:
    command = [sys.executable, str(BACKUPS), what, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_kill_at_any_call_leaves_a_whole_backup_or_none(
    database: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "backups"

    rounds = told("create", database, directory)

    assert sum(each["killed"] for each in rounds) > 50
    assert {each["made"] for each in rounds} == {0, 1}
    assert {each["database"] for each in rounds} == {3}
    assert all(set(each["backups"]) <= {"3"} for each in rounds)
    # What the killed ones have left is gone with the next.
    left = {*names(directory)} - {
        each.path.name for each in backup.list_backups(directory)
    }
    assert left == {".alembic_neo4j.lock"}


def test_a_kill_at_any_call_leaves_the_old_database_or_the_new_one(
    made: Path, database: Path
) -> None:
    with EntityRepository(database) as repo:
        repo.delete("task-0")
        repo.create(Entity("task-3", "task", "open"))
        repo.create(Entity("task-4", "task", "open"))

    rounds = told("restore", made, database)

    assert sum(each["killed"] for each in rounds) > 50
    assert {each["target"] for each in rounds} == {5, 3}
    # Where it is the new one, the old one is kept.
    assert all(each["kept"] == [5] for each in rounds if each["target"] == 3)
    assert rounds[-1] == {"killed": False, "target": 3, "kept": [5]}

"""Make or restore a backup, in a process that is killed in the midst of it.

``python backups.py create DATABASE DIRECTORY`` and ``python backups.py restore BACKUP
TARGET`` do it again and again, and kill the process with SIGKILL at each call of a
function written in C that the module makes, one after the other, as well as at each
file that Python opens, renames, links or removes. A line of JSON tells of each kill
what was there after it. ``python backups.py write STORE`` writes for ever.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

from alembic_neo4j.entities import Entity, EntityRepository, backup

MODULE = backup.__file__
AUDITED = ("open", "os.", "sqlite3.", "shutil.")


def kill_at(point: int) -> None:
    """Kill this process at the call with this number, of those that follow."""
    passed = count(1)

    def reached() -> None:
        if next(passed) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        if event.startswith("c_") and frame.f_code.co_filename == MODULE:
            reached()

    def audit(event: str, _arguments: Any) -> None:
        if event.startswith(AUDITED):
            reached()

    sys.addaudithook(audit)
    sys.setprofile(profile)


def was_killed(work: Callable[[], object], point: int) -> bool:
    """Do the work in a process of its own that is killed at a point."""
    process = os.fork()
    if not process:
        try:
            kill_at(point)
            work()
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)
    status = os.waitpid(process, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0, status
    return os.WIFSIGNALED(status)


def tasks(path: Path) -> int | None:
    """How many entities a file has, None where it is none or not whole."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchall()
        assert whole == [("ok",)], whole
        query = "SELECT count(*) FROM alembic_neo4j_entity"
        return int(connection.execute(query).fetchone()[0])


def killed_in_create(database: Path, directory: Path) -> Iterator[dict[str, Any]]:
    """Kill it at each point; each backup that is there has to be whole."""
    for point in count(1):
        before = backup.list_backups(directory)
        killed = was_killed(lambda: backup.create_backup(database, directory), point)
        after = backup.list_backups(directory)
        for found in after:
            backup.verify_backup(found.path)
        yield {
            "killed": killed,
            "made": len(after) - len(before),
            "database": tasks(database),
            "backups": sorted({str(tasks(found.path)) for found in after}),
        }
        if not killed:
            return


def killed_in_restore(source: Path, target: Path) -> Iterator[dict[str, Any]]:
    """Kill it at each point; the file is the old one or the new one."""
    old = target.with_name("old.db")
    shutil.copy(target, old)
    for point in count(1):
        for left in target.parent.glob(f"{target.name}*"):
            left.unlink()
        shutil.copy(old, target)
        killed = was_killed(
            lambda: backup.restore_backup(source, target, force=True), point
        )
        kept = [*target.parent.glob(f"{target.name}.replaced-*")]
        yield {
            "killed": killed,
            "target": tasks(target),
            "kept": [tasks(path) for path in kept if path.suffix[-1] == "Z"],
        }
        if not killed:
            return


def write_for_ever(store: Path) -> None:
    """Count in an entity, and tell of each version."""
    repo = EntityRepository(store)
    one = repo.create(Entity("task-count", "task", "open", {"n": 0}))
    for number in count(1):
        one = repo.update(one.copy(data={"n": number, "more": ["x"] * 200}))
        os.write(1, b".")


if __name__ == "__main__":
    what, *paths = sys.argv[1:]
    if what == "write":
        write_for_ever(Path(paths[0]))
    work = {"create": killed_in_create, "restore": killed_in_restore}[what]
    for told in work(Path(paths[0]), Path(paths[1])):
        print(json.dumps(told), flush=True)

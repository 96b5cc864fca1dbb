"""Export, import and sync by a bundle, in a process that is killed in the midst of it.

``python bundles.py DIRECTORY STEP`` kills it with SIGKILL before and after each call
that reaches a database or a file, or each STEP of these. A line of JSON tells of each
kill how many versions the store and the bundle had after it, and after the next try.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pyrage
from sqlalchemy.engine.default import DefaultDialect

from alembic_neo4j.entities import Entity, EntityRepository, SyncClient
from alembic_neo4j.entities.bundle import opened_bundle
from alembic_neo4j.entities.encryption import BundleKeys
from alembic_neo4j.entities.merging import known
from alembic_neo4j.entities.transport import LocalFile

CALLS: list[tuple[Any, str]] = [
    (DefaultDialect, "do_execute"),
    (DefaultDialect, "do_executemany"),
    (DefaultDialect, "do_commit"),
    (os, "fsync"),
    (os, "replace"),
    (os, "fdopen"),
    (Path, "unlink"),
]


def kill_at(point: int) -> None:
    """Kill this process at the call with this number, of those that follow."""
    passed = count(1)

    def reached() -> None:
        if next(passed) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def wrapper(*arguments: Any, **options: Any) -> Any:
            reached()
            result = call(*arguments, **options)
            reached()
            return result

        return wrapper

    for owner, name in CALLS:
        setattr(owner, name, wrapped(getattr(owner, name)))


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


def versions(repo: EntityRepository) -> int:
    with repo.store.reading() as connection:
        return sum(known(connection).values())


def main(directory: Path, step: int) -> None:
    keys = BundleKeys(identities=[str(pyrage.x25519.Identity.generate())])
    full = Path(f"{directory}-full.age")
    with EntityRepository(":memory:") as other:
        # A bundle that has what the store has not.
        for name in "bc":
            other.create(Entity(f"task-{name}", "task", "open"))
        SyncClient(LocalFile(full), keys).send(other)
    for verb in ("send", "receive", "sync"):
        for point in count(1, step):
            place = directory / f"{verb}-{point}"
            place.mkdir()
            bundle, store = place / "b.age", directory / f"{verb}-{point}.db"
            with EntityRepository(store) as repo:
                repo.create(Entity("task-a", "task", "open"))
            if verb != "send":
                shutil.copy(full, bundle)
            client = SyncClient(LocalFile(bundle), keys)

            def work(
                client: SyncClient = client, store: Path = store, verb: str = verb
            ) -> None:
                with EntityRepository(store) as repo:
                    getattr(client, verb)(repo)

            killed = was_killed(work, point)
            told = {"verb": verb, "killed": killed, "had": look(store, bundle, keys)}
            with EntityRepository(store) as repo:
                client.sync(repo)
                repo.create(Entity("task-later", "task", "open"))
                client.sync(repo)
                repo.delete("task-later")
            told["next"] = look(store, bundle, keys)
            told["left"] = sorted(
                each.name for each in place.iterdir() if each.suffix != ".lock"
            )
            print(json.dumps(told), flush=True)
            if not killed:
                break


def look(store: Path, bundle: Path, keys: BundleKeys) -> list[int]:
    """Return how many versions the store and the bundle have."""
    with EntityRepository(store) as repo:
        there = versions(repo)
    if not bundle.exists():
        return [there, 0]
    with opened_bundle(bundle.read_bytes(), keys, bundle.name) as opened:
        return [there, versions(opened)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

"""Change a store in several processes, or in one that is killed in the midst of it.

``python changes.py count STORE UPDATES`` lets eight processes open the store at once
and add 1 so many times each, to one entity. ``python changes.py points STORE`` kills a
process with SIGKILL before and after each call that reaches the database, in each kind
of change. ``python changes.py times STORE ROUNDS`` kills one that makes many changes
after a random time. ``python changes.py sync STORE OTHER STEP`` kills one that syncs
two stores before and after each call, or each STEP of these. The last three print a
line of JSON for each kill.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from alembic_neo4j.entities import Entity, EntityRepository, SyncableRepository
from alembic_neo4j.errors import EntityExists, VersionConflict

PROCESSES = 8


def forked(work: Callable[[], object]) -> int:
    """Do the work in a process of its own and return its id."""
    process = os.fork()
    if process:
        return process
    try:
        work()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def add(store: str, updates: int) -> None:
    """Add 1 to the counter, again where another process was faster."""
    repo = EntityRepository(store)
    with suppress(EntityExists):
        repo.create(Entity("task-count", "task", "open", {"n": 0}))
    for _ in range(updates):
        while True:
            found = repo.read("task-count")
            assert found is not None
            try:
                repo.update(found.copy(data={"n": found.data["n"] + 1}))
                break
            except VersionConflict:
                continue


def count_up(store: str, updates: int) -> None:
    """Let several processes count at once."""
    children = [forked(lambda: add(store, updates)) for _ in range(PROCESSES)]
    ended = [os.waitpid(child, 0)[1] for child in children]
    sys.exit(0 if ended == [0] * PROCESSES else f"they ended with {ended}")


CHANGES: dict[str, Callable[[EntityRepository, Entity], object]] = {
    "create": lambda repo, one: repo.create(one.copy(id=f"{one.id}-new")),
    "update": lambda repo, one: repo.update(one.copy(data={"name": "after"})),
    "delete": lambda repo, one: repo.delete(one.id),
}


def kill_at(point: int) -> None:
    """Kill this process at the call with this number, of those that follow."""
    passed = count(1)

    def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            if next(passed) == point:
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*arguments, **options)
            if next(passed) == point:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapper

    for name in ("do_execute", "do_executemany", "do_commit"):
        setattr(DefaultDialect, name, wrapped(getattr(DefaultDialect, name)))


def kill_at_points(store: str) -> None:
    """Kill at each point of each change, and tell what there is then."""
    for verb, change in CHANGES.items():
        for point in count(1):
            with EntityRepository(store) as repo:
                slug = f"task-{verb}-{point}"
                one = repo.create(Entity(slug, "task", "open", {"name": "before"}))

            def work(point: int = point, one: Entity = one) -> None:
                repo = EntityRepository(store)
                kill_at(point)
                change(repo, one)  # noqa: B023 (it is done in this round)

            killed = os.WIFSIGNALED(os.waitpid(forked(work), 0)[1])
            with EntityRepository(store) as repo:
                there = {
                    each: [e.data["name"] for e in repo.history(each)]
                    for each in (one.id, f"{one.id}-new")
                }
                deleted = repo.read(one.id) is None
            said = {"verb": verb, "point": point, "killed": killed}
            print(json.dumps(said | {"names": [*there.values()], "deleted": deleted}))
            if not killed:
                break


def kill_syncs_at_points(store: str, other: str, step: int) -> None:
    """Kill a sync at each of its points, and tell what each store has received."""
    for point in count(1, step):
        with EntityRepository(store) as one, EntityRepository(other) as two:
            both = Entity(f"task-both-{point}", "task", "open")
            for repo, name in ((one, "one"), (two, "two")):
                repo.create(both.copy(data={"by": name}))
                repo.create(Entity(f"task-{name}-{point}", "task", "open"))

        def work(point: int = point) -> None:
            one = SyncableRepository(EntityRepository(store))
            two = EntityRepository(other)
            kill_at(point)
            one.sync_with(two)

        killed = os.WIFSIGNALED(os.waitpid(forked(work), 0)[1])
        with EntityRepository(store) as one, EntityRepository(other) as two:
            had = [
                [
                    repo.read(f"task-{name}-{point}") is not None,
                    len(repo.history(both.id)),
                ]
                for repo, name in ((one, "two"), (two, "one"))
            ]
            done = SyncableRepository(one).sync_with(two)
        received = [done.received, done.sent]
        print(json.dumps({"killed": killed, "had": had, "received": received}))
        if not killed:
            break


def change_for_ever(store: str, begun: int) -> None:
    """Make changes of all kinds, for as long as it lives; `begun` is told of each."""
    repo = EntityRepository(store)
    while True:
        one = Entity(f"task-{random.randrange(5)}", "task", "open", {"name": "one two"})
        try:
            one = repo.create(one)
        except EntityExists:
            repo.delete(one.id)
        else:
            repo.update(one.copy(data={"name": "three", "more": ["x"] * 500}))
        os.write(begun, b".")


def kill_at_times(store: str, rounds: int) -> None:
    """Kill a process that makes changes, so many times."""
    for number in range(rounds):
        told, begun = os.pipe()
        process = forked(lambda begun=begun: change_for_ever(store, begun))
        os.close(begun)
        os.read(told, 1)
        time.sleep(random.uniform(0, 0.05))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(told)
        print(json.dumps({"round": number}))


if __name__ == "__main__":
    what, where, *number = sys.argv[1:]
    if what == "count":
        count_up(where, int(number[0]))
    elif what == "points":
        kill_at_points(where)
    elif what == "sync":
        kill_syncs_at_points(where, number[0], int(number[1]))
    else:
        kill_at_times(where, int(number[0]))

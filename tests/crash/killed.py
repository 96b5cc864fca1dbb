"""Run a program in this process and signal it, or its server, at a named point.

A point is a kind of call, before or after it, and the how manieth of them it is, as
``graph.commit.before#3`` is one.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alembic.config import main
from neo4j import ManagedTransaction, Session, Transaction
from sqlalchemy.engine.default import DefaultDialect

from alembic_neo4j.cli import main as verbs

CALLS: dict[str, tuple[Any, str]] = {
    "graph.commit": (Transaction, "commit"),
    "graph.run": (Transaction, "run"),
    "graph.read": (ManagedTransaction, "run"),
    "graph.autocommit": (Session, "run"),
    "ledger.commit": (DefaultDialect, "do_commit"),
    "ledger.execute": (DefaultDialect, "do_execute"),
    "file.sync": (os, "fsync"),
    "file.replace": (os, "replace"),
    "file.remove": (Path, "unlink"),
    "file.mode": (os, "chmod"),
    "directory.make": (Path, "mkdir"),
    "directory.remove": (Path, "rmdir"),
}
"""Where a program may die: the calls that reach the graph, the ledger or a file."""


def wrap_calls(passed: Callable[[str], None]) -> None:
    """Call `passed` with the point's name before and after each of the calls."""
    for kind, (owner, name) in CALLS.items():
        setattr(owner, name, _wrapped(kind, getattr(owner, name), passed))


def _wrapped(
    kind: str, call: Callable[..., Any], passed: Callable[[str], None]
) -> Callable[..., Any]:
    @functools.wraps(call)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        passed(f"{kind}.before")
        result = call(*arguments, **options)
        passed(f"{kind}.after")
        return result

    return wrapper


def _numbered(act: Callable[[str], None]) -> Callable[[str], None]:
    counts: Counter[str] = Counter()

    def passed(name: str) -> None:
        counts[name] += 1
        act(f"{name}#{counts[name]}")

    return passed


def _signal_at(
    point: str, number: signal.Signals, pid: int, milliseconds: float, passed: str
) -> None:
    if passed != point:
        return
    if milliseconds:
        # The call goes on meanwhile, and is cut off somewhere in its midst.
        send = functools.partial(os.kill, pid, number)
        threading.Timer(milliseconds / 1000, send).start()
    else:
        os.kill(pid, number)


def _write_to(file: Path, passed: str) -> None:
    with file.open("a") as stream:
        stream.write(f"{passed}\n")


def run(
    when: tuple[str, str, int, float],
    command: Sequence[str],
    directory: str,
    environment: Mapping[str, str],
    outputs: tuple[str, str],
) -> None:
    """Run ``alembic``, or ``alembic-neo4j`` where that is the first word of a command.

    It runs in a directory and an environment, and writes to two files. `when` is the
    point, the signal's name, the process that gets it, this one where that is 0, and so
    many milliseconds later. ``count=FILE`` instead of a point writes the names of all
    points that are passed to FILE, ``never`` just runs it.
    """
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY), number)
    what, name, victim, delay = when
    if what.startswith("count="):
        counted = Path(what.removeprefix("count="))
        wrap_calls(_numbered(functools.partial(_write_to, counted)))
    elif what != "never":
        number, pid = signal.Signals[name], victim or os.getpid()
        wrap_calls(_numbered(functools.partial(_signal_at, what, number, pid, delay)))
    sys.argv = [command[0], *command[1:]]
    if command[0] == "alembic-neo4j":
        verbs(command[1:], prog_name="alembic-neo4j")
    main(command, prog="alembic")

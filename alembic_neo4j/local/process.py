"""A server process that outlives the command that started it."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from alembic_neo4j.errors import MissingExtra

try:
    import psutil
except ImportError as error:
    raise MissingExtra(
        "Expected psutil, which finds the local Neo4j server, found it not installed. "
        'Run: pip install "alembic-neo4j[local]"'
    ) from error

# The inner shell writes its id and then becomes the server, so that no moment exists in
# which a server runs whose id is not on record. The outer one ends at once: the server
# belongs to no command's session or job.
_LAUNCH = """
/bin/sh -c 'echo $$ >"$0" && exec >"$1" 2>&1 && shift && exec "$@"' "$0" "$@" &
"""

_CLOCK_SECONDS = 2.0
"""How far apart a process's start and a file's time may be that are the same moment."""


def mark_of(home: Path) -> str:
    """An argument in plain ASCII that tells a home's server from other processes."""
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:24]
    return f"-Dalembic_neo4j.home={digest}"


def launch(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    pid_file: Path,
    log: Path,
) -> None:
    """Start a command in a session of its own.

    Its id is in `pid_file` from its first moment on, its output goes to `log`.
    """
    # The pipe is closed when the id is written; what goes wrong until then is in it.
    done = subprocess.run(
        ["/bin/sh", "-c", _LAUNCH, str(pid_file), str(log), *command],
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        start_new_session=True,
    )
    if done.stdout:
        raise OSError(os.fsdecode(done.stdout).strip())


def find(pid_file: Path, *, mark: str) -> psutil.Process | None:
    """The process on record, where it carries the mark; another may have its id by now.

    One that is about to be gone is waited for: its files and its port are free then.
    """
    try:
        process = psutil.Process(int(pid_file.read_text("ascii")))
        recycled = process.create_time() > pid_file.stat().st_mtime + _CLOCK_SECONDS
        until = time.monotonic() + (0 if recycled else 10)
        while not (words := _command_line(process)) and time.monotonic() < until:
            if has_ended(process):
                return None
            time.sleep(0.01)
    except (OSError, ValueError, psutil.Error):
        return None
    return process if mark in words else None


def has_ended(process: psutil.Process) -> bool:
    """Whether a process is gone, or a zombie that waits for nothing but its parent."""
    try:
        # A zombie has its files until its last thread is gone.
        return not process.is_running() or (
            process.status() == psutil.STATUS_ZOMBIE and process.num_threads() == 1
        )
    except psutil.NoSuchProcess:
        return True


def terminate(process: psutil.Process, *, patience: float) -> bool:
    """End a process; killed when it takes longer than `patience` seconds.

    Returns whether it ended by itself.
    """
    with suppress(psutil.NoSuchProcess):
        process.terminate()
    if _ended(process, within=patience):
        return True
    with suppress(psutil.NoSuchProcess):
        process.kill()
    _ended(process, within=10)
    return False


def is_free(port: int) -> bool:
    """Whether a server could listen at a port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return not answers(port)


def answers(port: int) -> bool:
    """Whether something listens at a port of the loopback address."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def _command_line(process: psutil.Process) -> list[str]:
    # Linux takes it from a process that ends before it closes its files.
    try:
        return process.cmdline()
    except psutil.ZombieProcess:
        return []


def _ended(process: psutil.Process, *, within: float) -> bool:
    until = time.monotonic() + within
    while not has_ended(process):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True

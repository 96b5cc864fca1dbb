"""A server process that outlives the command that started it."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# The inner shell writes its id and then becomes the server, so that no moment exists in
# which a server runs whose id is not on record. The outer one ends at once: the server
# belongs to no command's session or job.
_LAUNCH = """
pid_file=$1 log=$2
shift 2
/bin/sh -c 'echo $$ >"$0.new" && mv "$0.new" "$0" && exec "$@"' \
    "$pid_file" "$@" >"$log" 2>&1 </dev/null &
"""

_PF_EXITING = 0x4


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
) -> int:
    """Start a command in a session of its own and return its process id.

    Its id is in `pid_file` from its first moment on, its output goes to `log`.
    """
    pid_file.unlink(missing_ok=True)
    subprocess.run(
        ["/bin/sh", "-c", _LAUNCH, "sh", str(pid_file), str(log), *command],
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        check=True,
        start_new_session=True,
    )
    pid = recorded_pid(pid_file)
    until = time.monotonic() + 10
    while pid is None and time.monotonic() < until:
        time.sleep(0.01)
        pid = recorded_pid(pid_file)
    if pid is None:
        raise OSError(f"no process id appeared in {pid_file}")
    return pid


def recorded_pid(pid_file: Path) -> int | None:
    """The process id in a file; None without one."""
    try:
        return int(pid_file.read_text("ascii"))
    except (OSError, ValueError):
        return None


def is_alive(pid: int, *, mark: str) -> bool:
    """Whether a process runs that carries the mark, not another one with its id.

    One that is about to be gone is waited for: its files and its port are free then.
    """
    command_line = _command_line(pid)
    until = time.monotonic() + 10
    while not command_line and _is_exiting(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return mark in command_line


def terminate(pid: int, *, mark: str, patience: float) -> bool:
    """End a process; killed when it takes longer than `patience` seconds.

    Returns whether it ended by itself.
    """
    _signal(pid, signal.SIGTERM)
    if _gone(pid, mark=mark, within=patience):
        return True
    _signal(pid, signal.SIGKILL)
    _gone(pid, mark=mark, within=10)
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


def _command_line(pid: int) -> str:
    proc = Path("/proc")
    if (proc / "self" / "cmdline").exists():
        try:
            return os.fsdecode((proc / str(pid) / "cmdline").read_bytes())
        except OSError:
            return ""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return os.fsdecode(listed.stdout)


def _is_exiting(pid: int) -> bool:
    # Linux takes the command line from a process that ends before it closes its files.
    try:
        values = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
        threads = len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return False
    state, *others = values.rpartition(")")[2].split()
    ends = bool(int(others[5]) & _PF_EXITING)
    return ends and not (state == "Z" and threads == 1)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _gone(pid: int, *, mark: str, within: float) -> bool:
    until = time.monotonic() + within
    while is_alive(pid, mark=mark):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True

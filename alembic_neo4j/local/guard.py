"""Stopping servers together with the process that they were started for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic_neo4j.local.server import stop


@contextmanager
def guarded(project: Path) -> Iterator[None]:
    """Stop a project's disposable servers if this process ends within the block.

    A server runs on when the command that started it has ended, which is not what a
    test run wants, whatever kills that. Another process waits for the end of this one;
    it is gone after the block, and the servers are as the block has left them.
    """
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(project)],
        # The system closes this end of the pipe when this process is gone.
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Ctrl-C is for this process alone.
        start_new_session=True,
    ) as guard:
        try:
            yield
        finally:
            guard.kill()


def main() -> None:
    """Wait until standard input ends, then stop the servers."""
    sys.stdin.buffer.read()
    stop(Path(sys.argv[1]), disposable=True)


if __name__ == "__main__":
    main()

"""The lock on the directory of a local server: one command at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from alembic_neo4j.local.home import Home

VERSION = "5.26.30"
HOLD = f"""
import os, sys, time
from pathlib import Path
from alembic_neo4j.local.home import Home
with Home(Path(sys.argv[1]), {VERSION!r}).locked(print):
    if sys.argv[2] == "forked" and os.fork() == 0:
        time.sleep(5)
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""
WAITS = f"Neo4j {VERSION}: another command is at it; waiting…"


@pytest.mark.parametrize("child", ["none", "forked"])
def test_it_is_free_when_its_holder_is_killed(tmp_path: Path, child: str) -> None:
    home = Home(tmp_path, VERSION)
    reported: list[str] = []
    command = [sys.executable, "-c", HOLD, str(tmp_path), child]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        threading.Timer(0.5, holder.kill).start()
        began = time.monotonic()
        with home.locked(reported.append):
            assert 0.3 < time.monotonic() - began < 2
            assert holder.wait() == -9
    assert reported == [WAITS]


def test_threads_of_one_process_wait_for_each_other(tmp_path: Path) -> None:
    home = Home(tmp_path, VERSION)
    inside: list[int] = []
    most: list[int] = []
    reported: list[str] = []

    def enter() -> None:
        with home.locked(reported.append):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.2)
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [1] * 4
    assert set(reported) == {WAITS}

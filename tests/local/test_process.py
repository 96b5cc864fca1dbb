"""The process of a local server: recorded, told from others, waited for and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from alembic_neo4j.local import process

PATIENT = "import sys, time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PATIENT}"
# The first thread ends, which takes the command line away, and another one goes on.
ENDS_SLOWLY = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=[2]).start()
print('up', flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    mark = process.mark_of(tmp_path)
    yield mark
    for other in _with_mark(mark):
        other.kill()


def _with_mark(mark: str) -> list[psutil.Process]:
    found = psutil.process_iter(["cmdline"])
    return [each for each in found if mark in (each.info["cmdline"] or ())]


def _launched(directory: Path, mark: str, source: str) -> Path:
    pid_file, log = directory / "pid", directory / "log"
    process.launch(
        [sys.executable, "-c", source, mark],
        environment=os.environ,
        directory=directory,
        pid_file=pid_file,
        log=log,
    )
    until = time.monotonic() + 30
    while log.read_text() != "up\n" and time.monotonic() < until:
        time.sleep(0.01)
    assert log.read_text() == "up\n"
    return pid_file


@pytest.mark.parametrize(("source", "by_itself"), [(PATIENT, True), (STUBBORN, False)])
def test_it_is_found_and_ended(
    tmp_path: Path, mark: str, source: str, by_itself: bool
) -> None:
    pid_file = _launched(tmp_path, mark, source)
    found = process.find(pid_file, mark=mark)
    assert found is not None
    assert pid_file.read_text() == f"{found.pid}\n"
    assert found == _with_mark(mark)[0]

    assert process.terminate(found, patience=10 if by_itself else 0.2) == by_itself

    assert process.has_ended(found)
    assert process.find(pid_file, mark=mark) is None


@pytest.mark.parametrize("recorded", ["", "-1\n", f"{10**30}\n", "a server\n"])
def test_what_is_no_id_is_no_process(tmp_path: Path, recorded: str) -> None:
    pid_file = tmp_path / "pid"
    assert process.find(pid_file, mark="") is None
    pid_file.write_text(recorded)
    assert process.find(pid_file, mark="") is None


def test_another_process_with_its_id_is_not_taken_for_it(
    tmp_path: Path, mark: str
) -> None:
    pid_file = tmp_path / "pid"
    pid_file.write_text(f"{os.getpid()}\n")
    assert process.find(pid_file, mark=mark) is None


def test_another_process_with_its_id_is_not_ended(
    tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = process.find(_launched(tmp_path, mark, PATIENT), mark=mark)
    assert found is not None
    # No process gets an id again soon; one that was found here began a day before.
    before = psutil.Process(found.pid)
    monkeypatch.setattr(before, "_ident", (found.pid, found.create_time() - 86400))

    assert process.has_ended(before)
    assert process.terminate(before, patience=0)

    assert not process.has_ended(found)


@pytest.mark.parametrize("recycled", [False, True])
def test_one_that_ends_is_waited_for(tmp_path: Path, mark: str, recycled: bool) -> None:
    pid_file = _launched(tmp_path, mark, ENDS_SLOWLY)
    ending = psutil.Process(int(pid_file.read_text()))
    if recycled:
        day_before = time.time() - 86400
        os.utime(pid_file, (day_before, day_before))
    while ending.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)

    assert process.find(pid_file, mark=mark) is None

    assert process.has_ended(ending) != recycled


def test_a_zombie_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", PATIENT]) as child:
        running = psutil.Process(child.pid)
        assert not process.has_ended(running)
        os.kill(child.pid, signal.SIGKILL)
        # Its parent, this process, has not asked for its status.
        assert process.terminate(running, patience=10)
        assert running.status() == psutil.STATUS_ZOMBIE


def test_without_a_record_nothing_is_started(tmp_path: Path, mark: str) -> None:
    with pytest.raises(OSError, match="missing"):
        process.launch(
            [sys.executable, "-c", PATIENT, mark],
            environment=os.environ,
            directory=tmp_path,
            pid_file=tmp_path / "missing" / "pid",
            log=tmp_path / "log",
        )

    assert _with_mark(mark) == []


def test_without_psutil_the_extra_to_install_is_named() -> None:
    source = "import sys; sys.modules['psutil'] = None; import alembic_neo4j.local"
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False
    )

    assert "MissingExtra: Expected psutil" in done.stderr
    assert 'pip install "alembic-neo4j[local]"' in done.stderr

"""What the Makefile leaves behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from alembic_neo4j import local
from alembic_neo4j.local import process

pytestmark = pytest.mark.server

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"


def test_clean_stops_a_server_before_it_removes_its_files(tmp_path: Path) -> None:
    shutil.copy(MAKEFILE, tmp_path)
    program = tmp_path / ".venv" / "bin" / "alembic-neo4j"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m alembic_neo4j.cli "$@"\n')
    program.chmod(0o755)
    server = local.ensure_started(tmp_path, disposable=True)
    running = psutil.Process(server.pid)

    # Once with a server and once with nothing at all.
    for _ in range(2):
        done = subprocess.run(
            ["make", "clean"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    assert process.has_ended(running)
    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]

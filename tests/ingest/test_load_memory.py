"""A load takes the memory of a few portions of rows, however many rows there are."""

from __future__ import annotations

import os
import subprocess
import sys

from alembic_neo4j.graph.connection import Graph
from tests.migration.conftest import live, project
from tests.migration.project import Project

__all__ = ["live", "project"]

ROWS = 100_000
MOST = 16 * 1024
"""In kilobytes: the rows themselves would be three times as much."""


def test_many_rows(live: Project, neo4j_graph: Graph) -> None:
    for number, rows in enumerate((ROWS // 10, ROWS)):
        live.revision(
            f"r{number}",
            f"""
            op.create_nodes(
                "Item{number}",
                ({{"number": i, "text": f"text {{i}}" * 9}} for i in range({rows})),
            )
            """,
            down=f"r{number - 1}" if number else None,
        )

    peaks = [peak(live, revision) for revision in ("r0", "r1")]

    found = neo4j_graph.read("MATCH (n:Item1) RETURN count(n) AS n")
    assert found == [{"n": ROWS}]
    assert peaks[1] - peaks[0] < MOST


def peak(project: Project, revision: str) -> int:
    """Upgrade in a process of its own and return its peak memory in kilobytes."""
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "alembic.config"),
            *("-c", "neo4j.ini", "upgrade", revision),
        ],
        cwd=project.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss

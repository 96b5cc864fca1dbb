"""Killing a client again and again, until its command has succeeded."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.migration.project import Outcome, Project

KILLED = -signal.SIGKILL
NEVER = "never"
RERUNS = 3
"""How many plain reruns a killed command may need; more would be no recovery."""

_SCRIPT = Path(__file__).with_name("killed.py")


@dataclass(frozen=True)
class Kill:
    """When a client is killed: at a named point, or after some seconds."""

    point: str = NEVER
    seconds: float | None = None

    def __str__(self) -> str:
        """Return it as a report names it."""
        return self.point if self.seconds is None else f"after {self.seconds:.3f} s"


def copied(template: Path, path: Path) -> Project:
    """Return a fresh copy of a project that has no ledger yet."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(template, path)
    return Project(path)


def client(project: Project, command: Sequence[str], kill: Kill) -> Outcome:
    """Run a verb in a process of its own; the status is KILLED when it was killed."""
    arguments = [sys.executable, str(_SCRIPT), kill.point, "-c", "neo4j.ini", *command]
    with subprocess.Popen(
        arguments,
        cwd=project.path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=kill.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
    return Outcome(process.returncode, out, err)


def points(project: Project, command: Sequence[str]) -> list[str]:
    """Run a verb to its end and return the points that it passes, in their order."""
    counted = project.path / "points"
    counted.unlink(missing_ok=True)
    outcome = client(project, command, Kill(f"count={counted}"))
    assert outcome.status == 0, outcome.text
    return counted.read_text().splitlines()


def recovered(
    project: Project, command: Sequence[str], kills: Sequence[Kill]
) -> list[str]:
    """Kill a command each time that it is run, then rerun it until it succeeds.

    Return what went wrong: a run that neither succeeded nor was killed, or reruns
    without an end. A run that ends before its kill is a success as well.
    """
    wrong = []
    for kill in kills:
        outcome = client(project, command, kill)
        if outcome.status not in {0, KILLED}:
            wrong.append(f"run to be killed at {kill}: {_end(outcome)}")
    for _ in range(RERUNS):
        outcome = client(project, command, Kill())
        if outcome.status == 0:
            return wrong
        wrong.append(f"plain rerun: {_end(outcome)}")
    return wrong


def _end(outcome: Outcome) -> str:
    # The message of a refusal, or the last lines of a traceback.
    refusal = outcome.out.partition("FAILED: ")[2].strip()
    return refusal or f"status {outcome.status}: {outcome.err.strip()[-600:]}"

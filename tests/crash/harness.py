"""Starting clients and killing them or their server, until a command has succeeded."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil

from tests.crash.killed import run
from tests.crash.server import OwnServer
from tests.migration.project import Outcome, Project

KILLED = -signal.SIGKILL
REFUSED = 255
"""The status of a client that stopped with a message."""

HUNG = 124
"""The status of a client that took longer than PATIENCE."""

NEVER = "never"
RERUNS = 3
"""How many plain reruns a killed command may need; more would be no recovery."""

PATIENCE = 180.0
"""How many seconds a command may take before it counts as hanging."""

# A process for each client that begins with what all of them import: half a second.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["alembic.config", "alembic_neo4j.migration.environment", "neo4j", "neomodel"]
)


@dataclass(frozen=True)
class Kill:
    """When a client or its server is killed: at a named point, or after some seconds.

    `later` is how many milliseconds after the point it is. With another signal `sent`
    the client is only paused or interrupted there.
    """

    point: str = NEVER
    seconds: float | None = None
    later: float = 0.0
    sent: signal.Signals = signal.SIGKILL

    def __str__(self) -> str:
        """Return it as a report names it."""
        if self.seconds is not None:
            return f"after {self.seconds:.3f} s"
        return f"{self.point} + {self.later:.1f} ms" if self.later else self.point


@dataclass(frozen=True)
class Recovery:
    """How often a command was killed, and what went wrong until it succeeded."""

    kills: int
    wrong: list[str]


@dataclass
class Client:
    """A verb in a process of its own, and what it has written so far."""

    process: ForkServerProcess
    directory: Path

    @property
    def text(self) -> str:
        """What it has written by now."""
        return self._written("out") + self._written("err")

    def ended(self, within: float = PATIENCE) -> Outcome:
        """Wait for its end, and return what it left; HUNG when it takes longer."""
        self.process.join(within)
        status = HUNG if self.process.exitcode is None else self.process.exitcode
        return Outcome(status, self._written("out"), self._written("err"))

    def runs_for(self, seconds: float) -> bool:
        """Wait so long, and tell whether it still runs; less long where it ends."""
        self.process.join(seconds)
        return self.process.is_alive()

    def pauses(self) -> None:
        """Wait until it has paused itself at its point."""
        while psutil.Process(self.process.pid).status() != psutil.STATUS_STOPPED:
            assert self.runs_for(0.01), f"it ended before its point: {self.text}"

    def goes_on(self) -> None:
        """Wake it after its pause."""
        self.gets(signal.SIGCONT)

    def gets(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def says(self, text: str, within: float = PATIENCE) -> None:
        """Wait until it has written the text."""
        until = time.monotonic() + within
        while text not in self.text:
            assert self.runs_for(0.01), f"it ended without {text!r}: {self.text}"
            assert time.monotonic() < until, f"it does not say {text!r}: {self.text}"

    def _written(self, name: str) -> str:
        return (self.directory / name).read_text()


def unlock(project: Project) -> Outcome:
    """Take the lock from its holder, as a person does."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic_neo4j.cli", "unlock", "--yes"],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def copied(template: Path, path: Path) -> Project:
    """Return a fresh copy of a project that has no ledger yet."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(template, path)
    return Project(path)


@contextmanager
def started(
    project: Project, command: Sequence[str], kill: Kill, *, victim: int = 0
) -> Iterator[Client]:
    """Start a verb; its signal at the point of `kill` goes to itself or to a `victim`.

    It is one of ``alembic``, unless the command begins with ``alembic-neo4j``. It is
    ended with the block.
    """
    if command[0] != "alembic-neo4j":
        command = ["-c", "neo4j.ini", *command]
    when = (kill.point, kill.sent.name, victim, kill.later)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    # A project that was copied anew may have been where this process is.
    os.chdir(project.path)
    with tempfile.TemporaryDirectory() as directory:
        outputs = tuple(str(Path(directory, name)) for name in ("out", "err"))
        for path in outputs:
            Path(path).touch()
        process = _PROCESSES.Process(
            target=run, args=(when, command, str(project.path), environment, outputs)
        )
        process.start()
        try:
            yield Client(process, Path(directory))
        finally:
            process.kill()
            process.join()


def client(project: Project, command: Sequence[str], kill: Kill) -> Outcome:
    """Run a verb in a process of its own; the status is KILLED when it was killed."""
    with started(project, command, kill) as running:
        if kill.seconds is not None and running.runs_for(kill.seconds):
            running.process.kill()
        return running.ended()


def client_of_a_killed_server(
    project: Project, command: Sequence[str], kill: Kill, server: OwnServer
) -> tuple[Outcome, bool]:
    """Run a verb whose server is killed, and started again at once.

    The verb may go on with the server that is back. Return whether there was a kill:
    the verb may have ended before it.
    """
    with started(project, command, kill, victim=server.pid) as running:
        if kill.seconds is not None and running.runs_for(kill.seconds):
            server.kill()
        while server.runs and running.runs_for(0.02):
            continue
        died = not server.runs
        server.start()
        return running.ended(), died


def points(project: Project, command: Sequence[str]) -> list[str]:
    """Run a verb to its end and return the points that it passes, in their order."""
    counted = project.path / "points"
    counted.unlink(missing_ok=True)
    outcome = client(project, command, Kill(f"count={counted}"))
    assert outcome.status == 0, outcome.text
    return counted.read_text().splitlines()


def recovered(
    project: Project,
    command: Sequence[str],
    kills: Sequence[Kill],
    server: OwnServer | None = None,
) -> Recovery:
    """Kill a command each time that it is run, then rerun it until it succeeds.

    With a `server` that is killed instead, and back for the next run. Wrong is a run
    that neither succeeded nor was killed, and reruns without an end. A run that ends
    before its kill is a success as well.
    """
    wrong, killed = [], 0
    for kill in kills:
        if server is None:
            outcome = client(project, command, kill)
            died = outcome.status == KILLED
            expected = died or outcome.status == 0
        else:
            outcome, died = client_of_a_killed_server(project, command, kill, server)
            expected = outcome.status == 0 or (died and _is_refusal(outcome))
        killed += died
        if not expected:
            wrong.append(f"run to be killed at {kill}: {_end(outcome)}")
    for _ in range(RERUNS):
        outcome = client(project, command, Kill())
        if outcome.status == 0:
            break
        wrong.append(f"plain rerun: {_end(outcome)}")
    return Recovery(killed, wrong)


def overtaken(project: Project, command: Sequence[str], point: str) -> list[str]:
    """Pause a command, give its lock to another run of it, and wake it afterwards.

    Return what went wrong: each of them ends with success or a message, and a plain
    rerun succeeds.
    """
    with started(project, command, Kill(point, sent=signal.SIGSTOP)) as holder:
        holder.pauses()
        outcomes = [unlock(project), client(project, command, Kill())]
        holder.goes_on()
        outcomes.append(holder.ended())
    names = ("unlock", "the second one", "the paused one")
    wrong = [
        f"{name}: {_end(outcome)}"
        for name, outcome in zip(names, outcomes, strict=True)
        if outcome.status and not _is_refusal(outcome)
    ]
    rerun = client(project, command, Kill())
    return wrong + ([f"plain rerun: {_end(rerun)}"] if rerun.status else [])


def _is_refusal(outcome: Outcome) -> bool:
    # Of `alembic` or of `alembic-neo4j`.
    return outcome.status in {REFUSED, 2} and "Traceback" not in outcome.text


def _end(outcome: Outcome) -> str:
    # The message of a refusal, or the last lines of a traceback.
    refusal = outcome.out.partition("FAILED: ")[2].strip()
    return refusal or f"status {outcome.status}: {outcome.err.strip()[-600:]}"

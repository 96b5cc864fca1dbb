"""A server of its own, which is killed and started again."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

from alembic_neo4j import local
from alembic_neo4j.graph.connection import Credentials, Graph, GraphSettings
from alembic_neo4j.local.guard import guarded


class OwnServer:
    """A local server under `directory`, and `graph`, its disposable graph.

    It runs from the beginning; `stop` has to end it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._guard = ExitStack()
        self._guard.enter_context(guarded(directory))
        self._server = self._started()
        credentials = Credentials("basic", self._server.username, self._server.password)
        self.graph = Graph(
            GraphSettings(self._server.url, directory, credentials, database="neo4j")
        )

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which clients find the server, and get in."""
        return {
            "ALEMBIC_NEO4J_URI": self._server.url,
            "ALEMBIC_NEO4J_USERNAME": self._server.username,
            "ALEMBIC_NEO4J_PASSWORD": self._server.password,
            "ALEMBIC_NEO4J_PASSWORD_FILE": "",
            "ALEMBIC_NEO4J_DATABASE": "neo4j",
        }

    @property
    def pid(self) -> int:
        """The process of the last start."""
        return self._server.pid

    @property
    def runs(self) -> bool:
        """Whether that process runs; one that is about to be gone does not."""
        # What was killed has its command line for some milliseconds more.
        time.sleep(0.01)
        return bool(local.running(self._directory))

    def kill(self) -> None:
        """End it with SIGKILL, as a machine that is lost does."""
        os.kill(self.pid, signal.SIGKILL)

    def start(self) -> None:
        """Start it again at the same address, where it does not run."""
        if self.runs:
            return
        url = self._server.url
        self._server = self._started()
        assert self._server.url == url, "another program has taken the port"
        # Its connections are to the process that is gone.
        self.graph.close()

    def stop(self) -> None:
        """End it in order; its data go with their directory."""
        self.graph.close()
        with self._guard:
            local.stop(self._directory, disposable=True)

    def _started(self) -> local.LocalServer:
        version = os.environ.get("ALEMBIC_NEO4J_TEST_VERSION") or None
        return local.ensure_started(self._directory, version=version, disposable=True)

"""What keeps a graph safe, for programs: its health."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.config import Config

from alembic_neo4j.command.health import check_health
from alembic_neo4j.graph.connection import Graph, GraphSettings

if TYPE_CHECKING:
    from alembic_neo4j.graph.connection import Driver

PROJECT = "neo4j.ini"
"""The project that is looked at where none is given."""


class HealthChecker:
    """Looks at the graph that a driver reaches, as ``alembic-neo4j health`` does.

    `config` says which project the graph is to be that of: Alembic's configuration or
    the path of its file, by default ``neo4j.ini`` in the current directory.
    """

    def __init__(self, driver: Driver, config: Config | str | Path = PROJECT) -> None:
        self._driver = driver
        self._config = config if isinstance(config, Config) else Config(str(config))

    def perform_all_checks(self, detailed: bool = False) -> dict[str, Any]:
        """Return the ``status``, the ``timestamp`` in UTC, and the ``checks``.

        These are ``connectivity``, ``schema_consistency`` and ``orphan_detection``,
        each with its ``status``, which is ``pass``, ``fail`` or ``skipped``, and
        ``duration_ms``. With `detailed` each has ``problems`` as well, and there are
        ``metrics``. Raises ConfigurationError where there is no project.
        """
        reached = GraphSettings("the address of the driver", Path())
        graph = Graph(reached, driver=self._driver)
        return check_health(self._config, detailed=detailed, graph=graph).as_json()

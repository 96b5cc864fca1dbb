"""What keeps a graph safe, for programs: its health, and backups of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.config import Config

from alembic_neo4j.backups.create import BackupOrigin, create_backup
from alembic_neo4j.command.backup import KnownBackup, known_backups
from alembic_neo4j.command.health import check_health
from alembic_neo4j.errors import Neo4jMigrationError
from alembic_neo4j.graph.connection import Graph, GraphSettings
from alembic_neo4j.ledger.store import user_name

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
        self._graph = _reached(driver)
        self._config = config if isinstance(config, Config) else Config(str(config))

    def perform_all_checks(self, detailed: bool = False) -> dict[str, Any]:
        """Return the ``status``, the ``timestamp`` in UTC, and the ``checks``.

        These are ``connectivity``, ``schema_consistency`` and ``orphan_detection``,
        each with its ``status``, which is ``pass``, ``fail`` or ``skipped``, and
        ``duration_ms``. With `detailed` each has ``problems`` as well, and there are
        ``metrics``. Raises ConfigurationError where there is no project.
        """
        report = check_health(self._config, detailed=detailed, graph=self._graph)
        return report.as_json()


class BackupManager:
    """Makes backups of the graph that a driver reaches, in a directory.

    It knows no ledger: `alembic-neo4j backup create` takes that as well.
    """

    def __init__(self, driver: Driver, directory: str | Path) -> None:
        self._graph = _reached(driver)
        self._directory = Path(directory)

    def create_backup(self) -> tuple[bool, str, dict[str, Any]]:
        """Make a backup; return whether it is a good one, a message, and what it is.

        It is good where nothing was written to the graph meanwhile. Where none could be
        made there is a message, and nothing else.
        """
        origin = BackupOrigin("the address of a driver", user_name())
        try:
            manifest = create_backup(self._graph, self._directory, origin)
        except Neo4jMigrationError as error:
            return False, str(error), {}
        made = _described(KnownBackup(self._directory / manifest.id, manifest))
        if not manifest.consistent:
            return False, "the graph was written to while it was read", made
        return True, f"backup {manifest.id} was made", made

    def list_backups(self) -> list[dict[str, Any]]:
        """Return the backups, the oldest first: ``id``, ``status``, ``size_bytes``.

        The status is ``restored`` where one was restored and was the same, else
        ``consistent`` or ``inconsistent``, or ``unreadable``.
        """
        return [_described(known) for known in known_backups(self._directory)]


def _described(known: KnownBackup) -> dict[str, Any]:
    manifest = known.manifest
    if manifest is None:
        return {"id": known.path.name, "status": "unreadable", "size_bytes": 0}
    status = "consistent" if manifest.consistent else "inconsistent"
    return {
        "id": manifest.id,
        "status": "restored" if known.restored_at else status,
        "size_bytes": manifest.bytes,
        "created_at": manifest.created_at.isoformat(),
        "nodes": manifest.nodes,
        "relationships": manifest.relationships,
        "path": str(known.path),
    }


def _reached(driver: Driver) -> Graph:
    return Graph(GraphSettings("the address of the driver", Path()), driver=driver)

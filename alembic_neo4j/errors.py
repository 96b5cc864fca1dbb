"""The errors of this package, all of them a CommandError that Alembic prints bare."""

from __future__ import annotations

from alembic.util.exc import CommandError


class Neo4jMigrationError(CommandError):
    """The root of our errors; `alembic` prints the message and exits with 255."""


class ConfigurationError(Neo4jMigrationError):
    """A key, a URL, a credential or a file of the configuration is wrong."""


class ModelError(Neo4jMigrationError):
    """The neomodel models can't be imported or contradict themselves."""


class SchemaError(Neo4jMigrationError):
    """A change does not fit the schema that it is applied to."""


class ConnectionFailed(Neo4jMigrationError):
    """The graph can't be reached or refused the credentials."""


class CapabilityError(Neo4jMigrationError):
    """The server's edition or version can't do what a revision asks for."""


class StatementError(Neo4jMigrationError):
    """The server refused a statement, or its effect is not what was asked for."""


class CheckFailed(Neo4jMigrationError):
    """The data in the graph stand in the way of a change."""


class RevisionError(Neo4jMigrationError):
    """A revision's file is no revision, or does what no revision may do."""


class ReplayError(Neo4jMigrationError):
    """A revision can't be replayed in memory."""


class LedgerError(Neo4jMigrationError):
    """Ledger and graph, or ledger and revision files, do not belong together."""


class LockError(Neo4jMigrationError):
    """The lock of a graph or a ledger is not free, or was lost."""


class IrreversibleError(Neo4jMigrationError, NotImplementedError):
    """A downgrade would pass a revision that says ``rollback_safe = False``."""


class OfflineError(Neo4jMigrationError):
    """An operation can't be written to a script with ``--sql``."""


class LocalServerError(Neo4jMigrationError):
    """The local Neo4j can't be started, stopped or found."""


class IngestError(Neo4jMigrationError):
    """A source of data can't be had or read, or its rows break a rule."""


class BackupError(Neo4jMigrationError):
    """A backup of a graph can't be made, is not whole, or can't be restored."""


class FileError(Neo4jMigrationError):
    """A file of the project can't be read or written, or is not what it was left as."""


class MissingExtra(Neo4jMigrationError):
    """A command needs an optional dependency that is not installed."""


class ValidationError(Neo4jMigrationError, ValueError):
    """An entity, or what is asked of an entity store, breaks a rule."""


class VersionConflict(Neo4jMigrationError):
    """An entity is not at the version that a change was made of.

    `given` is the version that the change was made of, and `found` the one that the
    store has: 0 where it has none.
    """

    def __init__(
        self, message: str, entity_id: str = "", given: int = 0, found: int = 0
    ) -> None:
        super().__init__(message)
        self.entity_id = entity_id
        self.given = given
        self.found = found


class EntityExists(VersionConflict):
    """An entity is to be created with an id that the store has already."""


class StoreError(Neo4jMigrationError):
    """An entity store can't be opened, read or written to, or is a newer release's."""

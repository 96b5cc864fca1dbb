"""Revisions as classes: what is changed, and how, with methods for files and Cypher.

A revision's file binds its class, ``upgrade = MyMigration.as_upgrade()`` and
``downgrade = MyMigration.as_downgrade()``. Whatever a class does by these methods is
an operation of `op`: done once, put back where the revision fails, and taken back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from alembic_neo4j import op
from alembic_neo4j.errors import ConfigurationError, OfflineError, RevisionError
from alembic_neo4j.migration.declarations import BOUND, BoundClass
from alembic_neo4j.migration_types import (
    DEFAULT_PRIORITY,
    MigrationResult,
    MigrationType,
)

__all__ = [
    "CleanupMigration",
    "ConfigMigration",
    "HooksMigration",
    "Migration",
    "MigrationResult",
    "MigrationType",
    "SchemaMigration",
]

_Result = TypeVar("_Result")


class Migration(ABC):
    """What one revision does, as a class: take one of those below, by its type.

    `from_version` and `to_version` are the versions of the application that it is for,
    the first one and the first that is none any more; of independent revisions the one
    with the lower `priority` runs first. The file of the revision may say the same.

    A class that `uses_only_operations` changes nothing but by the methods here: it is
    replayed, `plan` shows what it does, and the downgrade gives its files back. Of
    another one ``migrate()`` is called in the run alone, and its downgrade is refused.
    """

    name: ClassVar[str] = ""
    from_version: ClassVar[str | None] = None
    to_version: ClassVar[str | None] = "999.0.0"
    priority: ClassVar[int] = DEFAULT_PRIORITY
    migration_type: ClassVar[MigrationType | None] = None
    uses_only_operations: ClassVar[bool] = True

    rolled_back = False
    """Whether `rollback` was called."""

    # What a migration says and does --------------------------------------------------

    def description(self) -> str:
        """Return what the history shows where the result has no message."""
        return self.name

    @abstractmethod
    def migrate(self) -> MigrationResult:
        """Do it, and return what has become of it; without success all is put back."""

    def check_applicable(self) -> bool:
        """Return whether there is anything to do, of which it may only look.

        The revision is passed over and recorded as skipped where there is not. It is
        asked in its turn, when what comes before it has run.
        """
        return True

    def rollback(self) -> None:
        """Have the revision fail: every file is put back when ``migrate()`` returns.

        That happens with each result without success, and with each error, whether this
        is called or not. A result with success is refused after it.
        """
        self.rolled_back = True

    # Binding it to a revision --------------------------------------------------------

    @classmethod
    def as_upgrade(cls) -> Callable[[], MigrationResult]:
        """Return the ``upgrade`` of a revision that does this migration.

        With it the revision has the type, the versions and the priority of the class,
        and asks its ``check_applicable()`` where there is one.
        """

        def upgrade() -> MigrationResult:
            return cls._carried_out()

        return cls._bound(upgrade)

    @classmethod
    def as_downgrade(cls) -> Callable[[], None]:
        """Return the ``downgrade`` of a revision that does this migration.

        The ledger has what files had before, and gives that back. What can't be taken
        back raises NotImplementedError, and a downgrade is refused before it begins.
        """
        reason = cls._irreversible()

        def downgrade() -> None:
            if reason:
                raise NotImplementedError(reason)

        return cls._bound(downgrade)

    @classmethod
    def _bound(cls, function: Callable[[], _Result]) -> Callable[[], _Result]:
        asks = cls.check_applicable is not Migration.check_applicable
        question = (lambda: cls().check_applicable()) if asks else None
        setattr(function, BOUND, BoundClass(cls, question))
        return function

    @classmethod
    def _irreversible(cls) -> str:
        if cls.uses_only_operations:
            return ""
        return (
            f"{cls.__name__} does more than operations, which nothing takes back: "
            "write a downgrade() of your own; where it uses the methods of its class "
            "alone, say uses_only_operations = True"
        )

    @classmethod
    def _carried_out(cls) -> MigrationResult:
        if not cls.uses_only_operations:
            if op.get_context().as_sql:
                raise OfflineError(
                    f"{cls.__name__} does more than operations, which can't be written "
                    "to a script: run it with `alembic -c neo4j.ini upgrade`"
                )
            if op.is_replaying():
                return MigrationResult(True)
        migration = cls()
        result = migration.migrate()
        if not isinstance(result, MigrationResult):
            raise RevisionError(
                f"{cls.__name__}.migrate() returned {type(result).__name__}: return "
                "MigrationResult(success=True)"
            )
        if migration.rolled_back and result.success:
            raise RevisionError(
                f"{cls.__name__}.migrate() called rollback() and returned a result "
                "with success: return MigrationResult(success=False, message=…)"
            )
        if result.message:
            return result
        return MigrationResult(
            result.success, migration.description(), result.changes, result.warnings
        )

    # Files ---------------------------------------------------------------------------

    @property
    def project_root(self) -> Path:
        """The directory of the project's files, ``neo4j.files_root``."""
        return op.get_context().project_root

    def read_json(self, path: op.FilePath) -> Any:
        """Return the data of a JSON file, ``{}`` where it is not there (`op`)."""
        return op.read_json(self._inside(path))

    def write_json(self, path: op.FilePath, data: Any, backup: bool = True) -> None:
        """Write data to a JSON file, and the directories it is in (`op`)."""
        op.write_json(self._inside(path), data, backup=backup)

    def backup_file(self, path: op.FilePath) -> None:
        """Copy a file to one beside it whose name ends in ``.bak`` (`op`)."""
        op.backup_file(self._inside(path))

    def move_file(
        self, src: op.FilePath, dst: op.FilePath, backup: bool = True
    ) -> None:
        """Give a file another path; what was there is kept in a ``.bak`` (`op`)."""
        op.move_file(self._inside(src), self._inside(dst), backup=backup)

    def remove_file(self, path: op.FilePath, missing_ok: bool = False) -> None:
        """Remove a file (`op`)."""
        op.remove_file(self._inside(path), missing_ok=missing_ok)

    def remove_directory(self, path: op.FilePath, missing_ok: bool = False) -> None:
        """Remove a directory with all that is in it (`op`)."""
        op.remove_directory(self._inside(path), missing_ok=missing_ok)

    def ensure_directory(self, path: op.FilePath) -> None:
        """Have a directory, with those that it is in (`op`)."""
        op.ensure_directory(self._inside(path))

    def _inside(self, path: op.FilePath) -> Path:
        """Return a path from the root on: the same one wherever the project is."""
        given, root = Path(path), self.project_root
        is_inside = given.is_absolute() and given.is_relative_to(root)
        return given.relative_to(root) if is_inside else given


class ConfigMigration(Migration):
    """A change of a configuration file, `config_file`, below the project's root."""

    migration_type = MigrationType.CONFIG
    priority = 50
    config_file: ClassVar[str] = ""

    def get_config_path(self) -> Path:
        """Return the path of the configuration file.

        Raises RevisionError where the class does not say which that is.
        """
        if not self.config_file:
            raise RevisionError(
                f"{type(self).__name__}.config_file is empty: expected the path of the "
                "configuration file, from neo4j.files_root on"
            )
        return self.project_root / self.config_file


class SchemaMigration(Migration):
    """A change of the graph by Cypher. What `op` has for it is better known to it."""

    migration_type = MigrationType.SCHEMA

    def execute_cypher(
        self, query: str, parameters: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Run Cypher, and return its rows; there are none in a replay (`op`)."""
        return op.run_cypher(query, parameters)

    @classmethod
    def _irreversible(cls) -> str:
        return (
            f"{cls.__name__} runs Cypher, which nothing takes back by itself: write a "
            "downgrade() of your own"
        )


class HooksMigration(Migration):
    """A change of the files that hooks are configured in."""

    migration_type = MigrationType.HOOKS
    priority = 100

    def get_hooks_config_paths(self) -> list[Path]:
        """Return the paths that ``neo4j.hooks_paths`` names, there or not.

        Raises ConfigurationError where it names none; a replay has none then.
        """
        paths = op.get_context().hooks_paths
        if not paths and not op.is_replaying():
            raise ConfigurationError(
                f"{type(self).__name__} asks for the files that hooks are configured "
                "in: give them in neo4j.hooks_paths, comma separated, such as "
                ".claude/settings.json, or write a get_hooks_config_paths() of its own"
            )
        return [self.project_root / path for path in paths]


class CleanupMigration(Migration):
    """The removal of what is not needed any more.

    It may do so by Python itself, so that it is not replayed, and can't be taken back,
    unless it says `uses_only_operations`.
    """

    migration_type = MigrationType.CLEANUP
    priority = 900
    uses_only_operations = False

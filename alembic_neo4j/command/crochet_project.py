"""A project of crochet: its configuration, migrations and ledger, only read."""

from __future__ import annotations

import ast
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic_neo4j.errors import ConfigurationError

CONFIG = "crochet.toml"


@dataclass(frozen=True)
class CrochetMigration:
    """One file of crochet's, and whether its ledger has it as applied."""

    id: str
    parent: str | None
    path: Path
    source: str
    tree: ast.Module
    schema_hash: str
    rollback_safe: bool
    applied: bool = False

    @property
    def message(self) -> str:
        """What it is about, from its docstring."""
        text = (ast.get_docstring(self.tree) or self.id).split("\nRevision:")[0]
        return text.strip() or self.id

    @property
    def created(self) -> str:
        """When it was written, as its docstring has it."""
        lines = (ast.get_docstring(self.tree) or "").splitlines()
        return next(
            (
                line.partition(":")[2].strip()
                for line in lines
                if line[:8] == "Created:"
            ),
            "unknown",
        )


@dataclass(frozen=True)
class CrochetBatch:
    """A batch that crochet's ledger knows."""

    id: str
    migration: str | None
    source: str
    sha256: str
    loader_version: str


@dataclass(frozen=True)
class CrochetProject:
    """What there is to import: migrations in the order in which they are to run."""

    directory: Path
    models: str
    uri: str
    migrations: tuple[CrochetMigration, ...]
    batches: tuple[CrochetBatch, ...]


def read_crochet(directory: Path) -> CrochetProject:
    """Read a project, without running any of its files.

    The order is that of the parents; where that leaves a choice, what is applied comes
    first, as it was applied, and then the files by name. Raises ConfigurationError with
    all that is wrong with the migrations: ids that are there twice, parents that are
    not there, circles, applied ones without a file or upon one that is not applied.
    """
    said = _configuration(directory / CONFIG)
    project, ledger = said.get("project", {}), said.get("ledger", {})
    applied, batches = _ledger(directory / ledger.get("path", ".crochet/ledger.db"))
    folder = directory / project.get("migrations_path", "migrations")
    found = [
        _migration(path, applied)
        for path in sorted(folder.glob("*.py"))
        if not path.name.startswith("_")
    ]
    migrations = _ordered([one for one in found if one is not None], applied)
    return CrochetProject(
        directory,
        project.get("models_path", "models"),
        said.get("neo4j", {}).get("uri", ""),
        tuple(migrations),
        tuple(batches),
    )


def _configuration(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        said: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"expected a project of crochet, found no {path} ({error.strerror})"
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is no TOML: {error}") from error
    return said


def _ledger(path: Path) -> tuple[list[tuple[str, bool]], list[CrochetBatch]]:
    """Return what is applied, in its order and whether it is safe, and the batches."""
    if not path.is_file():
        return [], []
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            applied = connection.execute(
                "SELECT revision_id, rollback_safe FROM applied_migrations "
                "ORDER BY applied_at, rowid"
            ).fetchall()
            batches = connection.execute(
                "SELECT batch_id, migration_id, source_file, file_checksum, "
                "loader_version FROM dataset_batches ORDER BY created_at, batch_id"
            ).fetchall()
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"{path} is no ledger of crochet's: {error}"
        ) from error
    return (
        [(row[0], bool(row[1])) for row in applied],
        [CrochetBatch(row[0], row[1], *(v or "" for v in row[2:])) for row in batches],
    )


def _migration(
    path: Path, applied: Iterable[tuple[str, bool]]
) -> CrochetMigration | None:
    try:
        source = path.read_text("utf-8")
        tree = ast.parse(source)
    except (OSError, ValueError, SyntaxError) as error:
        raise ConfigurationError(f"{path} can't be read: {error}") from error
    said: dict[str, Any] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(
            statement.value, ast.Constant
        ):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    said[target.id] = statement.value.value
    if "revision_id" not in said:
        return None
    safe = dict(applied)
    id_ = str(said["revision_id"])
    return CrochetMigration(
        id_,
        said.get("parent_id"),
        path,
        source,
        tree,
        str(said.get("schema_hash") or ""),
        # What was said when it was applied goes before what was written since.
        bool(said.get("rollback_safe", True)) and safe.get(id_, True),
        id_ in safe,
    )


def _ordered(
    migrations: list[CrochetMigration], applied: list[tuple[str, bool]]
) -> list[CrochetMigration]:
    by_id = {migration.id: migration for migration in migrations}
    place = {id_: number for number, (id_, _) in enumerate(applied)}
    problems = [
        f"{id_} is applied and has no file" for id_ in place if id_ not in by_id
    ]
    for migration in migrations:
        if by_id[migration.id] is not migration:
            problems.append(f"{migration.id} is in two files")
        parent = migration.parent
        if parent is not None and parent not in by_id:
            problems.append(f"{migration.id} builds on {parent}, which has no file")
        elif parent is not None and migration.applied and not by_id[parent].applied:
            problems.append(f"{migration.id} is applied, {parent} below it is not")
    waiting = sorted(
        by_id.values(), key=lambda m: (place.get(m.id, len(place)), m.path.name)
    )
    done: dict[str, CrochetMigration] = {}
    while waiting and not problems:
        ready = [m for m in waiting if m.parent is None or m.parent in done]
        if not ready:
            names = ", ".join(sorted(m.id for m in waiting))
            problems.append(f"{names} build on each other in a circle")
            break
        done[ready[0].id] = ready[0]
        waiting.remove(ready[0])
    if problems:
        raise ConfigurationError(
            "the migrations of crochet have no order that can be imported: "
            f"{'; '.join(problems)}. Nothing was written."
        )
    return list(done.values())

"""Taking over a project of crochet: revisions, what is applied, and its batches."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from alembic_neo4j.command.crochet_calls import converted
from alembic_neo4j.command.crochet_project import (
    CrochetBatch,
    CrochetMigration,
    CrochetProject,
    read_crochet,
)
from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.configuration.project import read_configuration
from alembic_neo4j.errors import ConfigurationError, Neo4jMigrationError
from alembic_neo4j.ledger.batches import BatchCounts, Loader, Source
from alembic_neo4j.migration.audit import audited
from alembic_neo4j.migration.replay import History
from alembic_neo4j.migration.session import Session
from alembic_neo4j.sentences import ended

TAG = "_crochet_batch"
"""The property by which crochet's batches are known in the graph."""

_DROPPED = {"revision_id", "parent_id", "schema_hash", "rollback_safe"}


@dataclass(frozen=True)
class ImportedMigration:
    """A migration of crochet's and the revision that it has become."""

    migration: str
    revision: str
    file: Path
    applied: bool


@dataclass(frozen=True)
class ImportOutcome:
    """What was imported; `remarks` are for a person."""

    migrations: tuple[ImportedMigration, ...]
    batches: tuple[str, ...]
    head: str | None
    remarks: tuple[str, ...] = field(default=())


def import_crochet(config: Config, directory: Path) -> ImportOutcome:
    """Make revisions of crochet's migrations, and stamp what it has applied.

    Every file is converted, and replayed in memory, before the first is written. A
    command that was killed does the rest when it is called again. Raises
    ConfigurationError where something can't be converted or is in the way.
    """
    project = read_crochet(directory)
    script = ScriptDirectory.from_config(config)
    files = _files(project)
    _check_free(script, files)
    arguments = list(getattr(config.cmd_opts, "x", None) or ())
    configuration = read_configuration(config, arguments)
    if project.batches and configuration.options.batch_property != TAG:
        raise ConfigurationError(
            f"crochet has loaded {len(project.batches):,} batches, whose nodes have "
            f"the property {TAG}: set neo4j.batch_property = {TAG}, so that they can "
            "be rolled back. Nothing was written."
        )
    _check_replay(script, files)
    applied = [m for m in project.migrations if m.applied]
    head = revision_of(applied[-1].id) if applied else None
    in_session(config, lambda session: _check_heads(session, head))
    written = list(_written(script, files))
    try:
        if head is not None:
            command.stamp(config, head)
        if project.batches:
            in_session(config, lambda s: _record_batches(s, project.batches))
    except BaseException:
        if not _is_stamped(config, head):
            for path in written:
                path.unlink()
        raise
    imported = tuple(
        ImportedMigration(m.id, revision_of(m.id), _path(script, name), m.applied)
        for m, name in zip(project.migrations, files, strict=True)
    )
    remarks = tuple(_remarks(project, configuration.models, configuration.graph.url))
    return ImportOutcome(imported, tuple(b.id for b in project.batches), head, remarks)


def revision_of(migration: str) -> str:
    """Return the revision's id: the same on every machine that imports the project."""
    return hashlib.sha256(f"crochet {migration}".encode()).hexdigest()[:12]


# Files -------------------------------------------------------------------------------


def _files(project: CrochetProject) -> dict[str, str]:
    """Return the text of each revision's file by its name."""
    files, problems, below = {}, [], None
    for migration in project.migrations:
        text = converted(migration.source, migration.tree, dropped=_DROPPED)
        problems += [f"{migration.path.name}, {what}" for what in text.problems]
        files[f"{revision_of(migration.id)}_{migration.path.stem}.py"] = _text(
            migration, below, text.text
        )
        below = revision_of(migration.id)
    if problems:
        raise ConfigurationError(
            "migrations of crochet that can't be converted: "
            f"{'; '.join(problems)}. Nothing was written; write these lines with "
            "crochet's own calls, or with run_cypher."
        )
    return files


def _text(migration: CrochetMigration, below: str | None, body: str) -> str:
    message = migration.message.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'''"""{message}

Revision ID: {revision_of(migration.id)}
Revises: {below or ""}
Create Date: {migration.created}

Migration of crochet: {migration.id}
Its schema hash: {migration.schema_hash or "none"}
"""
from collections.abc import Sequence

from alembic_neo4j import op

# Used by Alembic.
revision: str = "{revision_of(migration.id)}"
down_revision: str | Sequence[str] | None = {f'"{below}"' if below else None}
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Used by alembic_neo4j.
schema_hash: str | None = None
rollback_safe: bool = {migration.rollback_safe}
migration_type: str = "schema"


{body}'''


def _path(script: ScriptDirectory, name: str) -> Path:
    return Path(script.versions) / name


def _check_free(script: ScriptDirectory, files: dict[str, str]) -> None:
    there = sorted(Path(script.versions).glob("*.py"))
    others = [
        path.name
        for path in there
        if path.name != "__init__.py"
        and files.get(path.name) != path.read_text("utf-8", errors="replace")
    ]
    if others:
        raise ConfigurationError(
            f"{script.versions} has revisions already: {', '.join(others[:5])}. "
            "Nothing was written: crochet's migrations can only be the first. Import "
            "them into a new project (`alembic-neo4j init graph`)."
        )


def _check_replay(script: ScriptDirectory, files: dict[str, str]) -> None:
    """Replay the revisions from a directory of their own."""
    with tempfile.TemporaryDirectory() as directory:
        shutil.copy(Path(script.dir) / "env.py", directory)
        versions = Path(directory, "versions")
        versions.mkdir()
        for name, text in files.items():
            (versions / name).write_text(text, "utf-8")
        trial = ScriptDirectory(directory, version_locations=[str(versions)])
        try:
            History(trial).at_heads()
        except Neo4jMigrationError as error:
            raise ConfigurationError(f"{ended(error)} Nothing was written.") from error


def _written(script: ScriptDirectory, files: dict[str, str]) -> Iterator[Path]:
    """Write the files that are not there, each whole or not at all."""
    for name, text in files.items():
        path = _path(script, name)
        if path.exists():
            continue
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False
        ) as file:
            file.write(text)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
        yield path


# Ledger and graph --------------------------------------------------------------------


def _check_heads(session: Session, head: str | None) -> None:
    heads = session.heads()
    if heads not in ((), (head,)):
        raise ConfigurationError(
            f"this project's ledger is at {', '.join(heads)} already. Nothing was "
            "written: crochet's migrations can only be the first."
        )


def _is_stamped(config: Config, head: str | None) -> bool:
    if head is None:
        return False
    return in_session(config, lambda session: session.heads()) == (head,)


def _record_batches(session: Session, batches: tuple[CrochetBatch, ...]) -> None:
    session.materialise()
    with audited(session, "import-crochet", [batch.id for batch in batches]):
        _record(session, batches)


def _record(session: Session, batches: tuple[CrochetBatch, ...]) -> None:
    ledger = session.journal.batches
    for batch in batches:
        labels, nodes = _carrying(session, batch.id, "(x)", "labels(x)")
        types, relationships = _carrying(session, batch.id, "()-[x]->()", "[type(x)]")
        revision = revision_of(batch.migration) if batch.migration else None
        loader = Loader("crochet", batch.loader_version)
        ledger.begin(batch.id, revision=revision, run="crochet", loader=loader)
        source = Source(batch.source, batch.sha256) if batch.source else None
        ledger.begin_rows(batch.id, labels=labels, types=types, source=source)
        counts = BatchCounts(created_nodes=nodes, created_relationships=relationships)
        ledger.finish_rows(batch.id, counts)
    session.commit()


def _carrying(
    session: Session, batch: str, pattern: str, names: str
) -> tuple[tuple[str, ...], int]:
    """Return the labels or types of what carries a batch's tag, and how many."""
    rows = session.graph.read(
        f"MATCH {pattern} WHERE x.{TAG} = $batch "
        f"RETURN {names} AS names, count(*) AS count",
        {"batch": batch},
    )
    found = sorted({name for row in rows for name in row["names"]})
    return tuple(found), sum(row["count"] for row in rows)


def _remarks(
    project: CrochetProject, models: tuple[str, ...], url: str
) -> Iterator[str]:
    wanted = project.models.strip("/").replace("/", ".")
    if wanted not in models:
        yield (
            f"crochet's models are in {project.models}: set neo4j.models = {wanted} "
            f"(it is {', '.join(models) or 'empty'})"
        )
    if project.uri and project.uri != url:
        yield f"crochet's graph is at {project.uri}, this project's at {url}"
    if project.batches:
        yield (
            "crochet's upsert tags what it finds as well as what it creates: "
            "`alembic-neo4j ingest rollback` of a batch of crochet would delete both. "
            "Look at what has the tag before you roll one back"
        )

"""Making a backup of a graph, over Bolt, while it is in use."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from alembic_neo4j import __version__
from alembic_neo4j.backups.checksums import Adding, Checksums
from alembic_neo4j.backups.contents import (
    counts,
    node_properties,
    read_nodes,
    read_relationships,
)
from alembic_neo4j.backups.format import (
    MANIFEST,
    SCHEMA,
    BackupFile,
    Manifest,
    RowWriter,
    described,
    write_durably,
    write_manifest,
)
from alembic_neo4j.cypher.ddl import create_text
from alembic_neo4j.entities.backup import create_backup as back_up_ledger
from alembic_neo4j.entities.backup import sync_directory
from alembic_neo4j.errors import BackupError, LockError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.schema_commands import live_catalogue
from alembic_neo4j.sentences import ended
from alembic_neo4j.waiting import waiting_for

log = logging.getLogger(__name__)

_MOMENT = "%Y%m%dT%H%M%S.%fZ"
_PARTIAL = ".partial"
_WAIT_SECONDS = 30.0

_BYTES_EACH = 100
"""How much room a node or a relationship is thought to take, at the most usual."""

_SPARE_BYTES = 64 << 20

Progress = Callable[[str, int, int], None]
"""Is told of what is read, how many of them there are by now, and how many in all."""


@dataclass(frozen=True)
class BackupOrigin:
    """Of what a backup is made, and by whom; `ledger` is the file of the ledger."""

    graph: str
    by: str
    heads: tuple[str, ...] = ()
    ledger: Path | None = None


def create_backup(
    graph: Graph,
    directory: Path,
    origin: BackupOrigin,
    *,
    attempts: int = 3,
    progress: Progress = lambda *_: None,
) -> Manifest:
    """Make a backup of a graph in a directory, and return its manifest.

    It is consistent where nothing was written to the graph while it was read: one of
    which that is not so is thrown away and made again, up to `attempts` times, and the
    last one kept as it is. It gets its name when it is whole and on the disk: a process
    that is killed leaves what the next one removes.

    Raises BackupError where it can't be written, LockError where another process makes
    one in this directory, and what reading the graph raises: nothing is left then.
    """
    with _told(directory), _alone_in(directory):
        _check_room(graph, directory, origin)
        attempt = 1
        while True:
            with _partial(directory) as partial:
                manifest = _made(graph, partial, origin, progress)
                if manifest.consistent or attempt >= attempts:
                    sync_directory(partial)
                    partial.replace(directory / manifest.id)
                    sync_directory(directory)
                    return manifest
            attempt += 1
            log.warning(
                "The graph was written to while it was read: once more (%d of %d)",
                *(attempt, attempts),
            )


@contextmanager
def _partial(directory: Path) -> Iterator[Path]:
    """Yield a new directory for a backup, which is gone in the end under this name."""
    name = datetime.now(timezone.utc).strftime(_MOMENT)
    partial = directory / f"{name}{_PARTIAL}"
    partial.mkdir(mode=0o700)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _made(
    graph: Graph, partial: Path, origin: BackupOrigin, progress: Progress
) -> Manifest:
    name = partial.name.removesuffix(_PARTIAL)
    before = graph.last_write()
    checksums, files = _written(graph, partial, origin, progress)
    manifest = Manifest(
        id=name,
        created_at=datetime.strptime(name, _MOMENT).replace(tzinfo=timezone.utc),
        created_by=origin.by,
        product=__version__,
        server=str(graph.server),
        graph=origin.graph,
        consistent=graph.last_write() == before,
        heads=origin.heads,
        ledger=next((f.name for f in files if f.name.endswith(".db")), ""),
        files=tuple(files),
        checksums=checksums,
    )
    write_manifest(manifest, partial)
    return manifest


def _written(
    graph: Graph, directory: Path, origin: BackupOrigin, progress: Progress
) -> tuple[Checksums, list[BackupFile]]:
    nodes = RowWriter(directory, "nodes")
    relationships = RowWriter(directory, "relationships")
    try:
        checksums = checksums_of(graph, nodes, relationships, progress)
        nodes.close()
        relationships.close()
    finally:
        nodes.leave()
        relationships.leave()
    commands = schema_commands(graph)
    text = "".join(f"{command};\n" for command in commands)
    write_durably(directory / SCHEMA, text.encode())
    files = [*nodes.files, *relationships.files, described(directory / SCHEMA)]
    if origin.ledger is not None and origin.ledger.exists():
        files.append(described(back_up_ledger(origin.ledger, directory)))
        # Its lock, which is nobody's any more.
        for left in directory.glob(".*.lock"):
            left.unlink()
    return checksums, files


def schema_commands(graph: Graph) -> list[str]:
    """Return the commands that make the indexes and constraints of a graph, sorted.

    Raises BackupError for one of a kind that is not known here.
    """
    catalogue = live_catalogue(graph)
    for name, reason in catalogue.unreadable.items():
        raise BackupError(
            f"expected indexes and constraints of known kinds, found {name}: "
            f"{ended(reason)} A later release of alembic-neo4j may know it"
        )
    return sorted(create_text(each) for each in catalogue.schema.elements.values())


def checksums_of(
    graph: Graph,
    nodes: RowWriter | None = None,
    relationships: RowWriter | None = None,
    progress: Progress = lambda *_: None,
) -> Checksums:
    """Return the checksums of a graph as it is, all of which is written where asked."""
    of_nodes, of_relationships = counts(graph)
    adding = Adding()
    for number, node in enumerate(read_nodes(graph), 1):
        if nodes is not None:
            nodes.add([node.id, node.labels, node.properties])
        adding.node(node.id, node.labels, node_properties(node))
        progress("nodes", number, of_nodes)
    for number, row in enumerate(read_relationships(graph), 1):
        if relationships is not None:
            relationships.add([row.id, row.type, row.start, row.end, row.properties])
        adding.relationship(row.type, row.start, row.end, row.properties)
        progress("relationships", number, of_relationships)
    return adding.checksums


def list_backups(directory: Path) -> list[Path]:
    """Return the backups of a directory, the oldest first; none where it is not there.

    What is no backup is passed over.
    """
    if not directory.is_dir():
        return []
    found = (p for p in directory.iterdir() if (p / MANIFEST).is_file())
    return sorted(p for p in found if not p.name.endswith(_PARTIAL))


def remove_backup(path: Path) -> None:
    """Remove a backup; it is none any more as soon as that begins."""
    left = path.with_name(f"{path.name}{_PARTIAL}")
    with _told(path.parent):
        path.replace(left)
        shutil.rmtree(left)


def _check_room(graph: Graph, directory: Path, origin: BackupOrigin) -> None:
    needed = sum(counts(graph)) * _BYTES_EACH + _SPARE_BYTES
    if origin.ledger is not None and origin.ledger.exists():
        needed += origin.ledger.stat().st_size
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise BackupError(
            f"expected about {needed >> 20:,} MiB of room in {directory}, found "
            f"{free >> 20:,}. Nothing was made; make room, or take another directory"
        )


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Keep others from making a backup there; remove what killed ones have left."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(directory / ".lock", thread_local=False)
    try:
        with waiting_for(f"another backup in {directory}", limit=_WAIT_SECONDS):
            lock.acquire(timeout=_WAIT_SECONDS)
    except Timeout:
        raise LockError(
            f"another process makes a backup in {directory}; nothing was made. Wait "
            "for it, or take another directory"
        ) from None
    try:
        for left in directory.glob(f"*{_PARTIAL}"):
            shutil.rmtree(left)
        yield
    finally:
        lock.release()


@contextmanager
def _told(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(
            f"the backups in {directory} can't be written: "
            f"{ended(error.strerror or error)} Mend what the message names, then run "
            "the same command again"
        ) from error

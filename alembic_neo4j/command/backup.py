"""Backups of a project's graph, and restoring one to a server of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from alembic.config import Config

from alembic_neo4j.backups.create import (
    Progress,
    create_backup,
    list_backups,
    remove_backup,
)
from alembic_neo4j.backups.format import (
    RESTORED,
    Manifest,
    read_manifest,
    verify,
    write_durably,
)
from alembic_neo4j.backups.restore import Restored, restore_backup
from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.configuration.key_values import first_line
from alembic_neo4j.configuration.project import read_configuration
from alembic_neo4j.configuration.sources import Origin, project_directory
from alembic_neo4j.errors import BackupError
from alembic_neo4j.graph.connection import Credentials, Graph, GraphSettings
from alembic_neo4j.graph.wipe import wipe
from alembic_neo4j.migration.audit import audited_if_there_is_a_trail
from alembic_neo4j.migration.backup import origin_of
from alembic_neo4j.migration.session import Session

_SCRATCH = Path(".neo4j", "restored")
"""Below it a local server has what is restored to be looked at."""


@dataclass(frozen=True)
class KnownBackup:
    """A backup of a directory; `restored_at` is when it was restored and was the same.

    It has no manifest where that can't be read, and `problem` says why.
    """

    path: Path
    manifest: Manifest | None
    problem: str = ""
    restored_at: datetime | None = None


@dataclass(frozen=True)
class VerifiedBackup:
    """A backup, and what is not as it was when it was made."""

    path: Path
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """Where to restore to: ``local``, or an address with a user and a password's file.

    A local one is a server that is there for restores alone; `replace` says that what
    an earlier one has left there may go, and `keep` that it goes on running.
    """

    url: str
    username: str = "neo4j"
    password_file: Path | None = None
    replace: bool = False
    keep: bool = False


def create(
    config: Config,
    directory: Path | None,
    *,
    attempts: int,
    progress: Progress = lambda *_: None,
) -> tuple[Path, Manifest]:
    """Make a backup of graph and ledger; return its directory and its manifest.

    Raises BackupError where it can't be made, ConnectionFailed where the graph does not
    answer, and LockError where another one is being made: none is left then.
    """

    def act(session: Session) -> tuple[Path, Manifest]:
        # A local server has its address once it answers.
        _ = session.graph.server
        place = directory or usual_directory(config)
        manifest = create_backup(
            session.graph,
            place,
            origin_of(session),
            attempts=attempts,
            progress=progress,
        )
        return place / manifest.id, manifest

    return in_session(config, act)


def listed(config: Config, directory: Path | None) -> list[KnownBackup]:
    """Return the backups of a directory, the oldest first; their files are not read."""
    return known_backups(directory or usual_directory(config))


def known_backups(directory: Path) -> list[KnownBackup]:
    """Return the backups of a directory, the oldest first; their files are not read."""
    return [_known(path) for path in list_backups(directory)]


def verified(
    config: Config, directory: Path | None, names: Sequence[str]
) -> list[VerifiedBackup]:
    """Read backups to the last byte, all of the directory where none is named.

    Raises BackupError where a named one is not there.
    """
    place = directory or usual_directory(config)
    paths = [found(place, name) for name in names] or list_backups(place)
    return [VerifiedBackup(path, _problems(path)) for path in paths]


def shown(config: Config, directory: Path | None, name: str) -> KnownBackup:
    """Return what a backup says of itself; raises BackupError where it is not there."""
    return _known(found(directory or usual_directory(config), name))


def restore(
    config: Config,
    directory: Path | None,
    name: str,
    target: Target,
    *,
    progress: Progress = lambda *_: None,
) -> Restored:
    """Restore a backup to an empty graph that is not the project's, and compare them.

    Where they are the same the backup says so from then on. Raises BackupError where
    the backup is not whole or the graph is not empty: nothing is written then.
    """
    path = found(directory or usual_directory(config), name)

    def act(session: Session) -> Restored:
        with (
            audited_if_there_is_a_trail(session, "backup restore", [path.name]),
            _reached(config, session, target) as graph,
        ):
            return restore_backup(
                path,
                graph,
                timeout=session.options.schema_timeout,
                progress=progress,
            )

    restored = in_session(config, act)
    (path / RESTORED).unlink(missing_ok=True)
    if not restored.differences:
        now = datetime.now(timezone.utc)
        content = json.dumps({"restored_at": now.isoformat(), "to": target.url})
        write_durably(path / RESTORED, content.encode())
    return restored


def prune(
    config: Config, directory: Path | None, *, days: float, keep: int
) -> list[Path]:
    """Remove the backups that are older than so many days; return what was removed.

    The latest `keep` stay, and the latest that was restored and was the same. What is
    no backup, or can't be read, is left alone. One that is killed in the middle leaves
    what the next backup removes.
    """
    known = [each for each in listed(config, directory) if each.manifest is not None]
    restored = [each.path for each in known if each.restored_at is not None]
    staying = {*(each.path for each in known[-keep:]), *restored[-1:]}
    oldest = datetime.now(timezone.utc) - timedelta(days=days)
    removed = []
    for each in known:
        is_old = each.manifest is not None and each.manifest.created_at < oldest
        if is_old and each.path not in staying:
            remove_backup(each.path)
            removed.append(each.path)
    return removed


def usual_directory(config: Config) -> Path:
    """Return where the backups of a project are, where nobody names a directory."""
    arguments = list(getattr(config.cmd_opts, "x", None) or ())
    return read_configuration(config, arguments).options.backup_directory


def found(directory: Path, name: str) -> Path:
    """Return the backup that a beginning of its name tells.

    Raises BackupError where that is none, or more than one.
    """
    known = list_backups(directory)
    exact = [path for path in known if path.name == name]
    chosen = exact or [path for path in known if name and path.name.startswith(name)]
    if len(chosen) != 1:
        there = ", ".join(path.name for path in (chosen or known)) or "none"
        raise BackupError(
            f"expected one backup {name} in {directory}, found {len(chosen)}; there is "
            f"{there}"
        )
    return chosen[0]


def _known(path: Path) -> KnownBackup:
    try:
        manifest = read_manifest(path)
    except BackupError as error:
        return KnownBackup(path, None, str(error))
    return KnownBackup(path, manifest, restored_at=_restored_at(path))


def _restored_at(path: Path) -> datetime | None:
    try:
        said: Any = json.loads((path / RESTORED).read_bytes())
        return datetime.fromisoformat(said["restored_at"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _problems(path: Path) -> tuple[str, ...]:
    try:
        return verify(path)
    except BackupError as error:
        return (str(error),)


# The server that is restored to -------------------------------------------------------


@contextmanager
def _reached(config: Config, session: Session, target: Target) -> Iterator[Graph]:
    if target.url == "local":
        with _scratch(config, target) as graph:
            yield graph
        return
    if target.url == session.graph.url or target.url == session.graph.settings.url:
        raise BackupError(
            f"expected another graph than the project's to restore to, found "
            f"{target.url}. Nothing was restored: say --to local, or another address"
        )
    place, credentials = project_directory(config), Credentials()
    if target.password_file is not None:
        file = str(target.password_file.absolute())
        secret = first_line(file, place, Origin("--password-file"), "password")
        credentials = Credentials("basic", target.username, secret)
    origins = {"url": "--to", "password": "--password-file"}
    graph = Graph(GraphSettings(target.url, place, credentials, origins=origins))
    try:
        yield graph
    finally:
        graph.close()


@contextmanager
def _scratch(config: Config, target: Target) -> Iterator[Graph]:
    """Yield the graph of a local server that is there for restores alone."""
    from alembic_neo4j import local

    place = project_directory(config) / _SCRATCH
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = local.ensure_started(place)
    login = Credentials("basic", server.username, server.password)
    graph = Graph(GraphSettings(server.url, place, login))
    try:
        if target.replace:
            wipe(graph)
        yield graph
    finally:
        graph.close()
        if not target.keep:
            local.stop(place)

"""Backups of a SQLite database: made while it is in use, checked, put back whole."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, TypeAlias

from filelock import FileLock, Timeout

from alembic_neo4j.entities.engine import reading_uri
from alembic_neo4j.errors import LockError, StoreError, ValidationError
from alembic_neo4j.sentences import ended
from alembic_neo4j.waiting import waiting_for

AnyPath: TypeAlias = str | os.PathLike[str]

POSTGRESQL_TOOL = "pg_dump, and pg_restore for the way back"
"""What makes backups of a database that is no file."""

_SEAL = b"\n-- alembic_neo4j: the SHA-256 of all before the next word is "
_END_BYTES = len(_SEAL) + 64 + 1
"""What follows the database in a backup: SQLite reads none of it."""

_CHUNK = 1 << 20
_WAIT_SECONDS = 30.0
"""How long others are waited for: who write to the database, or make a backup."""

_USE_SECONDS = 2.0
"""How long whoever has a database open, that is to be replaced, is waited for."""

_OK, _DONE = 0, 101
"""What SQLite returns for a step of a backup; else somebody is in the way."""

_MOMENT = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(r".+-(\d{8}T\d{6}\.\d{6}Z)\.db")
_BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database while that is in use, or was left so."""


@dataclass(frozen=True)
class Backup:
    """A backup of a directory: its file, when it was made (in UTC), and its size."""

    path: Path
    timestamp: datetime
    size: int


@dataclass(frozen=True)
class Restored:
    """A database that was put back; `kept` is the one before it, None without one.

    What SQLite had beside that, and could not bring into it, is beside `kept`.
    """

    path: Path
    kept: Path | None


# Making a backup ----------------------------------------------------------------------


def create_backup(db_path: AnyPath | None, directory: AnyPath) -> Path:
    """Make a backup of a SQLite database in a directory, and return its file.

    It is the database at one moment, whoever writes to it meanwhile, and a SQLite file
    that every tool opens; its last line is a checksum. The directory is created where
    it is not there. The backup appears under its name when it is whole, checked and on
    the disk: a process that is killed before leaves none.

    Raises ValidationError where the database is no file, StoreError where it is not
    there, is damaged, or the backup can't be written, and LockError where somebody
    does not let it be read.
    """
    source = _database(db_path)
    directory = Path(directory)
    with _told(f"no backup was made of {source} in {directory}"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone_in(directory):
            for left in directory.glob("*-*Z.db.partial*"):
                left.unlink()
            path = _unused(directory, source.stem)
            partial = directory / f"{path.name}.partial"
            try:
                os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                _copy(source, partial)
                _check_database(partial, source)
                _seal(partial)
                partial.replace(path)
                sync_directory(directory)
            finally:
                for suffix in ("", *_BESIDE):
                    Path(f"{partial}{suffix}").unlink(missing_ok=True)
    return path


def _database(db_path: AnyPath | None) -> Path:
    if db_path is None or "://" in str(db_path) or str(db_path) in ("", ":memory:"):
        raise ValidationError(
            "expected the file of a SQLite database to make a backup of, found "
            f"{'none' if db_path is None else 'a database that is no file'}; for "
            f"PostgreSQL use {POSTGRESQL_TOOL}"
        )
    path = Path(db_path)
    if not path.is_file():
        raise StoreError(
            f"expected a SQLite database to make a backup of, found no file {path}; "
            "correct its name"
        )
    return path


def _unused(directory: Path, stem: str) -> Path:
    moment = datetime.now(timezone.utc)
    while True:
        path = directory / f"{stem}-{moment.strftime(_MOMENT)}.db"
        if not path.exists():
            return path
        moment += timedelta(microseconds=1)


def _copy(source: Path, partial: Path) -> None:
    """Copy a database in one step, so that writers can't make it begin again."""
    until = time.monotonic() + _WAIT_SECONDS

    def progress(status: int, _remaining: int, _total: int) -> None:
        if status not in (_OK, _DONE) and time.monotonic() > until:
            raise _in_use(source)

    with (
        waiting_for(f"the database {source}", limit=_WAIT_SECONDS),
        closing(_opened(source, reading_uri(source))) as old,
        closing(_opened(partial)) as new,
    ):
        new.execute("PRAGMA synchronous=OFF")
        old.backup(new, progress=progress)
    with closing(_opened(partial)) as new:
        # One file, which also opens where nothing may be written beside it.
        new.execute("PRAGMA journal_mode=DELETE")


def _opened(path: Path, uri: str | None = None) -> sqlite3.Connection:
    uri = uri or f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=1, isolation_level=None)


def _check_database(path: Path, source: Path) -> None:
    """Raise StoreError where the copy of a database in `source` is not whole."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        things = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if found != "ok":
        raise StoreError(f"{source} is damaged: {ended(found)} Nothing was kept of it")
    if not things:
        raise StoreError(f"expected a SQLite database, found nothing in {source}")


def _seal(partial: Path) -> None:
    """Add the checksum to a backup, and see to it that all of it is on the disk."""
    digest = hashlib.sha256()
    with partial.open("r+b") as file:
        while part := file.read(_CHUNK):
            digest.update(part)
        digest.update(_SEAL)
        file.write(_SEAL + digest.hexdigest().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


# What backups there are, and whether they are whole -----------------------------------


def list_backups(directory: AnyPath) -> list[Backup]:
    """Return the backups of a directory, the oldest first; none where it is not there.

    They are known by their names, and not read: `verify_backup` tells which are whole.
    Raises StoreError where the directory can't be read.
    """
    directory = Path(directory)
    found = []
    with _told(f"the backups in {directory} can't be listed"):
        if not directory.exists():
            return []
        for path in directory.iterdir():
            named = _NAME.fullmatch(path.name)
            if named is None or not path.is_file():
                continue
            moment = datetime.strptime(named[1], _MOMENT).replace(tzinfo=timezone.utc)
            found.append(Backup(path, moment, path.stat().st_size))
    return sorted(found, key=lambda backup: (backup.timestamp, backup.path))


def verify_backup(path: AnyPath) -> None:
    """Raise StoreError where a file is not, to the last bit, a backup as made."""
    with _told(f"the backup {path} can't be read"):
        _unseal(Path(path))


def is_backup(path: AnyPath) -> bool:
    """Tell whether a file ends as a backup does; whether it is whole is not looked at.

    Raises StoreError where it can't be read.
    """
    with _told(f"the file {path} can't be read"), Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - _END_BYTES))
        return file.read().startswith(_SEAL)


def _unseal(path: Path, into: IO[bytes] | None = None) -> None:
    """Check a backup's checksum; what is copied is the database that was checked."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size - _END_BYTES
        while left > 0 and (part := file.read(min(_CHUNK, left))):
            digest.update(part)
            left -= len(part)
            if into is not None:
                into.write(part)
        end = file.read()
    digest.update(_SEAL)
    if end == _SEAL + digest.hexdigest().encode() + b"\n":
        return
    what = "its bytes are not those that its checksum is of"
    if not end.startswith(_SEAL):
        what = "it does not end with a checksum, as one that is whole does"
    raise StoreError(
        f"{path} is no backup, or a damaged one: {what}. Nothing has been changed. "
        "Take another backup, or another copy of this one"
    )


# Putting one back ---------------------------------------------------------------------


def restore_backup(
    path: AnyPath,
    target: AnyPath,
    *,
    force: bool = False,
    prepare: Callable[[Path], None] | None = None,
) -> Restored:
    """Make a file be the database of a backup, which is checked before that.

    A file that is there is replaced only with `force`, and kept beside under another
    name, which the result has. A process that is killed leaves the old database or the
    new one, never a part of one. Nobody may have the old one open. `prepare` is called
    with the file that is going to be the database, and may write to it till it returns.

    Raises StoreError where the backup is damaged, the file is there, or it can't be
    written, LockError where the old database is in use, and ValidationError where
    the backup is to replace itself.
    """
    source, target = Path(path), Path(os.path.realpath(target))
    if source.exists() and target.exists() and source.samefile(target):
        raise ValidationError(
            f"expected another file than the backup itself, found {target}; name the "
            "database that it is to become"
        )
    _check_free(target, force=force)
    with _told(f"{target} was not restored from {source}"):
        # Of a restore that was killed.
        for left in target.parent.glob(f"{target.name}.restoring-*"):
            left.unlink()
        prefix = f"{target.name}.restoring-"
        handle, name = tempfile.mkstemp(prefix=prefix, dir=target.parent)
        new = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                _unseal(source, file)
                file.flush()
                os.fsync(file.fileno())
            _check_database(new, source)
            if prepare is not None:
                prepare(new)
                _unite(new)
                _sync(new)
            _check_free(target, force=force)
            kept = _replace(target, new)
        finally:
            new.unlink(missing_ok=True)
    return Restored(target, kept)


def _check_free(target: Path, *, force: bool) -> None:
    if target.is_dir() or not target.parent.is_dir():
        found = "a directory" if target.is_dir() else f"no directory {target.parent}"
        raise StoreError(
            f"expected the file of a database to restore, found {found}; nothing has "
            "been changed. Name a file in a directory that is there"
        )
    if target.exists() and not force:
        raise StoreError(
            f"expected no file {target}, found one; nothing has been changed. Name "
            "another file, or have it replaced by force: it is kept under another name"
        )


def _replace(target: Path, new: Path) -> Path | None:
    """Give a new database its name; return where the one before it is kept."""
    kept = None
    if target.exists():
        _unite(target)
        shutil.copymode(target, new)
    beside = [suffix for suffix in _BESIDE if Path(f"{target}{suffix}").exists()]
    moment = datetime.now(timezone.utc).strftime(_MOMENT)
    aside = Path(f"{target}.replaced-{moment}")
    if target.exists():
        kept = aside
        _keep(target, kept)
    # SQLite would take the new database for the one that these belong to.
    for suffix in beside:
        Path(f"{target}{suffix}").replace(f"{aside}{suffix}")
    if kept or beside:
        sync_directory(target.parent)
    new.replace(target)
    sync_directory(target.parent)
    return kept


def _unite(target: Path) -> None:
    """Bring what is beside a database into its file; nobody may have it open.

    One that is damaged is left as it is, with all that is beside it.
    """
    until = time.monotonic() + _USE_SECONDS
    while True:
        try:
            with closing(_opened(target)) as connection:
                connection.execute("PRAGMA journal_mode=DELETE").fetchall()
                connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if "locked" in str(error):
                if time.monotonic() > until:
                    raise _in_use(target) from error
                time.sleep(0.05)
                continue
        return


def _keep(target: Path, kept: Path) -> None:
    """Give a file a second name; the first one never lacks its file."""
    try:
        os.link(target, kept)
    except OSError:
        # Not every file system has that.
        shutil.copy2(target, kept)
        _sync(kept)


# What both do -------------------------------------------------------------------------


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Tell of what the system or SQLite can't do as a StoreError."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"{what}: {ended(error)} What was there is as it was. Mend what the "
            "message names, then try again"
        ) from error


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Keep others from making a backup in the same directory."""
    lock = FileLock(
        directory / ".alembic_neo4j.lock", timeout=_WAIT_SECONDS, thread_local=False
    )
    try:
        with waiting_for(f"another backup in {directory}", limit=_WAIT_SECONDS):
            lock.acquire()
    except Timeout:
        raise LockError(
            f"another process makes a backup in {directory}, and has not ended that "
            f"in {_WAIT_SECONDS:g} seconds; nothing has been written. Try again when "
            "it has"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _in_use(path: Path) -> LockError:
    return LockError(
        f"the database {path} is in use: another connection or process has it open, "
        "and does not let go of it. Nothing has been changed. Close it there, then "
        "try again"
    )


def _sync(path: Path) -> None:
    """Have what a file has on the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Have the names in a directory on the disk, where the system can do that."""
    with suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

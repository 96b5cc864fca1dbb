"""The files that were fetched, kept by the SHA-256 of their content.

The cache is one directory of the user, shared by projects and checkouts, because a
content is the same everywhere: ``$ALEMBIC_NEO4J_CACHE``, else ``alembic-neo4j`` in the
user's cache directory, which is ``$XDG_CACHE_HOME`` or ``~/.cache`` on Linux. In it::

    sha256/<2 digits>/<64 digits>/content       the bytes
    sha256/<2 digits>/<64 digits>/source.json   where they came from, and when
    unfinished/<random>/                        what is being fetched now

Nothing of a URI is ever a part of a path. A directory is filled under ``unfinished``
and gets its place by one rename: a kill, a full disk or a second process leaves a whole
file or none. Content is hashed again whenever it is used.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from filelock import FileLock
from platformdirs import user_cache_path

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.files import DataFile, local_file
from alembic_neo4j.sentences import ended

log = logging.getLogger(__name__)

_CONTENT, _SOURCE, _LOCK = "content", "source.json", "lock"
_DIGITS = re.compile(r"[0-9a-f]{64}")
_YOUNG_SECONDS = 60.0
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)


@dataclass(frozen=True)
class CachedFile:
    """One file of the cache; `uri` and `name` are where it was fetched first."""

    sha256: str
    size: int
    path: Path
    uri: str = ""
    name: str = ""
    fetched: datetime | None = None


@dataclass(frozen=True)
class Cache:
    """The directory that holds the fetched files."""

    root: Path

    def find(self, sha256: str) -> DataFile | None:
        """Return the file with this content, or None.

        One whose content is no longer that is taken out, with a warning.
        """
        place = self._place(sha256)
        if not place.exists():
            return None
        entry = _entry(place)
        try:
            return local_file(
                place / _CONTENT, uri=entry.uri, name=entry.name, sha256=sha256
            )
        except IngestError as error:
            log.warning("A damaged file is taken out of the cache: %s", error)
            self._discard(place)
            return None

    @contextmanager
    def unfinished(self) -> Iterator[Path]:
        """Give the path to write a new content to; it is gone when the block ends.

        `keep` moves it to its place before. Raises IngestError where the cache can't
        be written.
        """
        self._remove_abandoned()
        try:
            parent = self.root / "unfinished"
            parent.mkdir(parents=True, exist_ok=True)
            directory = Path(tempfile.mkdtemp(dir=parent))
        except OSError as error:
            raise unwritable(self.root, error) from error
        with FileLock(directory / _LOCK, thread_local=False):
            try:
                yield directory / _CONTENT
            finally:
                shutil.rmtree(directory, ignore_errors=True)

    def keep(self, file: DataFile) -> DataFile:
        """Give an unfinished file its place for good and return it there.

        Where another process was faster, its file is the one. Raises IngestError where
        the cache can't be written.
        """
        place = self._place(file.sha256)
        source = {
            "uri": file.uri,
            "name": file.name,
            "size": file.size,
            "fetched": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        try:
            (file.path.parent / _SOURCE).write_text(json.dumps(source, indent=2) + "\n")
            _synchronise(file.path)
            place.parent.mkdir(parents=True, exist_ok=True)
            # The lock's file goes along and means nothing there.
            file.path.parent.rename(place)
        except OSError as error:
            if error.errno in _TAKEN and (other := self.find(file.sha256)):
                return other
            raise unwritable(self.root, error) from error
        return replace(file, path=place / _CONTENT)

    def entries(self) -> list[CachedFile]:
        """Return the files of the cache, those fetched first in front."""
        places = self.root.glob("sha256/*/*/")
        found = [_entry(place) for place in places if _DIGITS.fullmatch(place.name)]
        return sorted(found, key=lambda f: (str(f.fetched or ""), f.sha256))

    def verify(self) -> list[tuple[CachedFile, str | None]]:
        """Hash every file again; return each with what is wrong with it, or None."""
        return [(entry, _problem(entry)) for entry in self.entries()]

    def clear(self, sha256: Sequence[str] = ()) -> list[CachedFile]:
        """Remove the files, or those whose SHA-256 starts so, and return them.

        What was left unfinished goes too; what is being fetched now stays. Raises
        IngestError when a beginning fits no file or several: nothing is removed then.
        """
        entries = self.entries()
        wanted = [_only(entries, start) for start in sha256] if sha256 else entries
        for entry in wanted:
            self._discard(entry.path.parent)
        self._remove_abandoned(young=1)
        return wanted

    def _place(self, sha256: str) -> Path:
        return self.root / "sha256" / sha256[:2] / sha256

    def _discard(self, place: Path) -> None:
        """Remove a file at one stroke: a reader finds it whole or not at all."""
        try:
            (self.root / "unfinished").mkdir(exist_ok=True)
            away = tempfile.mkdtemp(dir=self.root / "unfinished")
            with suppress(FileNotFoundError):
                place.rename(away)
        except OSError as error:
            raise unwritable(self.root, error) from error
        shutil.rmtree(away, ignore_errors=True)

    def _remove_abandoned(self, young: float = _YOUNG_SECONDS) -> None:
        """Remove what processes left that were killed while they fetched."""
        for directory in self.root.glob("unfinished/*/"):
            with suppress(OSError):
                # One that was just made may not have its lock yet.
                if time.time() - directory.stat().st_mtime < young:
                    continue
                with FileLock(directory / _LOCK, timeout=0):
                    shutil.rmtree(directory, ignore_errors=True)


def default_cache() -> Cache:
    """Return the cache of this user."""
    if chosen := os.environ.get("ALEMBIC_NEO4J_CACHE"):
        return Cache(Path(chosen).expanduser())
    return Cache(user_cache_path("alembic-neo4j", appauthor=False))


def unwritable(root: Path, error: OSError) -> IngestError:
    """Return the error for a cache that takes no more files."""
    return IngestError(
        f"The cache {root} can't be written: {ended(error.strerror or error)} "
        "Nothing of the "
        "file was kept. Make room (alembic-neo4j ingest cache clear), or name another "
        "directory in ALEMBIC_NEO4J_CACHE."
    )


def _entry(place: Path) -> CachedFile:
    content = place / _CONTENT
    try:
        source: Any = json.loads((place / _SOURCE).read_text())
        fetched = datetime.fromisoformat(source["fetched"])
        uri, name = str(source["uri"]), str(source["name"])
    except (OSError, ValueError, KeyError, TypeError):
        uri, name, fetched = "", place.name, None
    size = content.stat().st_size if content.is_file() else 0
    return CachedFile(place.name, size, content, uri, name, fetched)


def _problem(entry: CachedFile) -> str | None:
    try:
        local_file(
            entry.path, uri=entry.uri, name=entry.name or "file", sha256=entry.sha256
        )
    except IngestError as error:
        return str(error)
    return None


def _only(entries: Sequence[CachedFile], start: str) -> CachedFile:
    found = [e for e in entries if start and e.sha256.startswith(start.lower())]
    if len(found) != 1:
        raise IngestError(
            f"Expected the beginning of one SHA-256 in the cache, found {start!r}, "
            f"which fits {len(found)}. List them: alembic-neo4j ingest cache list"
        )
    return found[0]


def _synchronise(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())

"""The files below the project's root: no path leads out, none is half written."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from alembic_neo4j.errors import FileError
from alembic_neo4j.ledger.files import DIRECTORY, PathState
from alembic_neo4j.sentences import ended

LARGEST = 16 * 1024 * 1024
"""How many bytes a file may have: the ledger keeps those that it had before."""

log = logging.getLogger(__name__)


class View(Protocol):
    """What is at the paths of a project, as somebody sees it."""

    def locate(self, path: str | os.PathLike[str]) -> str:
        """Return where a path leads, from the root on; FileError where that is out."""
        ...

    def state(self, path: str) -> PathState:
        """Return what is at a located path."""
        ...

    def children(self, path: str) -> list[str]:
        """Return the paths right below a located directory, in their order."""
        ...


class ProjectFiles:
    """The files below a root, which the configuration calls ``neo4j.files_root``.

    Files that are `reserved` can't be changed: the tool's own. Paths are located first;
    a link is followed as long as it stays below the root.
    """

    def __init__(self, root: Path, reserved: tuple[Path, ...] = ()) -> None:
        self._given = root
        self._root = Path(os.path.realpath(root))
        self._reserved = {os.path.realpath(path) for path in reserved}

    def locate(self, path: str | os.PathLike[str]) -> str:
        """Return where a path leads, from the root on, with slashes.

        Raises FileError where that is not below the root: by ``..``, as an absolute
        path, or by a symbolic link anywhere in it.
        """
        text = os.fspath(path)
        if not text.strip() or "\0" in text:
            raise FileError(
                f"expected the path of a file below {self._given}, found {text!r}"
            )
        if not self._root.is_dir():
            raise FileError(
                f"expected the directory {self._given} (neo4j.files_root), found "
                "none: create it, or correct the key"
            )
        real = Path(os.path.realpath(self._root / text))
        if self._root not in real.parents:
            raise FileError(
                f"{text}: expected a path below {self._given} (neo4j.files_root), "
                f"found one that leads to {real}. Nothing was read or written there; "
                "give a path below the root, or another root"
            )
        if str(real) in self._reserved:
            raise FileError(
                f"{text}: expected a file of the project, found one that the tool "
                "itself keeps: no revision may read or change it"
            )
        return real.relative_to(self._root).as_posix()

    def state(self, path: str) -> PathState:
        """Return what is at a located path, the bytes of a file included.

        Raises FileError for what is neither file nor directory, for a file of more
        than `LARGEST` bytes, and where it can't be read.
        """
        place = self._place(path)
        with _told(path, "read"):
            try:
                found = place.lstat()
            except (FileNotFoundError, NotADirectoryError):
                return PathState()
            if stat.S_ISDIR(found.st_mode):
                return PathState(DIRECTORY, mode=stat.S_IMODE(found.st_mode))
            if not stat.S_ISREG(found.st_mode):
                raise FileError(
                    f"{path}: expected a file, found what is neither file nor "
                    "directory: nothing was done with it"
                )
            if found.st_size > LARGEST:
                raise FileError(
                    f"{path}: expected at most {LARGEST:,} bytes, since the ledger "
                    f"keeps what a file had before; found {found.st_size:,}. Change "
                    "it by other means than an operation of a revision"
                )
            return PathState.of_file(place.read_bytes(), stat.S_IMODE(found.st_mode))

    def children(self, path: str) -> list[str]:
        """Return the paths right below a located directory, in their order."""
        place = self._place(path)
        with _told(path, "read"):
            names = sorted(os.listdir(place)) if place.is_dir() else []
        return [f"{path}/{name}" for name in names]

    def put(self, path: str, state: PathState) -> None:
        """Have a located path hold what a state says, whole or not at all.

        A directory that is to go and is not empty is left where it is. Raises FileError
        where it can't be done; the path is as it was then. Only where a file takes the
        place of a directory, or the other way round, is there nothing for a moment.
        """
        place = self._place(path)
        with _told(path, "written"):
            if state.is_file:
                assert state.content is not None
                if place.is_dir():
                    place.rmdir()
                self._write(place, state.content, state.mode)
            elif state.kind == DIRECTORY:
                if place.is_file():
                    place.unlink()
                self._make_directory(place, state.mode)
            elif place.is_dir():
                self._remove_directory(place)
            else:
                place.unlink(missing_ok=True)
            _synchronise(place.parent)

    def clear(self, path: str) -> None:
        """Remove what a killed write has left beside a located path."""
        place = self._place(path)
        with _told(path, "written"):
            temporary = place.with_name(temporary_name(place.name))
            if temporary.is_dir():
                temporary.rmdir()
            elif place.parent.is_dir():
                temporary.unlink(missing_ok=True)

    def _place(self, path: str) -> Path:
        # A link may have come since the path was located.
        if self.locate(path) != path:
            raise FileError(
                f"{path}: expected the path that it was a moment ago, found a symbolic "
                "link in it now. Nothing was read or written"
            )
        return self._root / path

    def _write(self, place: Path, content: bytes, mode: int | None) -> None:
        temporary = place.with_name(temporary_name(place.name))
        temporary.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            # Nobody sees more of it than of the file whose place it takes.
            opened = os.open(temporary, flags, 0o666 if mode is None else 0o600)
            with open(opened, "wb") as stream:
                stream.write(content)
                stream.flush()
                _keep_owner(place, temporary)
                if mode is not None:
                    os.chmod(temporary, mode)
                os.fsync(stream.fileno())
            os.replace(temporary, place)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise

    def _make_directory(self, place: Path, mode: int | None) -> None:
        if mode is None:
            place.mkdir(exist_ok=True)
        elif place.is_dir():
            os.chmod(place, mode)
        else:
            # It has its mode when it is there: one that is private is so at once.
            temporary = place.with_name(temporary_name(place.name))
            temporary.mkdir(0o700, exist_ok=True)
            os.chmod(temporary, mode)
            os.replace(temporary, place)

    def _remove_directory(self, place: Path) -> None:
        try:
            place.rmdir()
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            log.warning("%s is left where it is: it is not empty", place)


class Overlay:
    """What is at paths where some of them are taken to be otherwise.

    Nothing of it reaches the files that are below it.
    """

    def __init__(self, below: View, known: Mapping[str, PathState]) -> None:
        self._below = below
        self.known = dict(known)

    def locate(self, path: str | os.PathLike[str]) -> str:
        """Return where a path leads, from the root on."""
        return self._below.locate(path)

    def state(self, path: str) -> PathState:
        """Return what is at a located path."""
        found = self.known.get(path)
        return self._below.state(path) if found is None else found

    def children(self, path: str) -> list[str]:
        """Return the paths right below a located directory, in their order."""
        there = set(self._below.children(path)).difference(self.known)
        for name, state in self.known.items():
            if name.rpartition("/")[0] == path and not state.is_nothing:
                there.add(name)
        return sorted(there)


def temporary_name(name: str) -> str:
    """Return what the file is called that is going to take the place of another one.

    It is the same in each attempt: what a killed one has left is overwritten.
    """
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()
    return f".alembic-neo4j-{digest[:16]}.tmp"


def _keep_owner(place: Path, temporary: Path) -> None:
    """Give the new file the owner of the old one, where this process may."""
    if not hasattr(os, "chown"):
        return
    with suppress(OSError):
        old, new = place.stat(), temporary.stat()
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.chown(temporary, old.st_uid, old.st_gid)


def _synchronise(directory: Path) -> None:
    """Have the names in a directory on the disk, where a system can do that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _told(path: str, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = ended(error.strerror or type(error).__name__)
        raise FileError(
            f"{path} can't be {what}: {reason} Mend that and run the same command again"
        ) from error

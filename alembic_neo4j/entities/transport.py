"""Where a bundle lies: a file, a URL of fsspec's, or a server that speaks HTTP.

Each is read whole, and written whole or not at all, and only where it is still what was
read: so two who write at once do not lose each other's.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from filelock import FileLock, Timeout

from alembic_neo4j.entities.backup import sync_directory
from alembic_neo4j.entities.bundle import LARGEST
from alembic_neo4j.errors import LockError, MissingExtra, StoreError, ValidationError
from alembic_neo4j.sentences import ended, shortened
from alembic_neo4j.waiting import waiting_for

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_WAIT_SECONDS = 30.0
"""How long others are waited for who write to the same file."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_WEB = ("http", "https")
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}


@dataclass(frozen=True)
class Held:
    """What was read, and the tag by which the place knows that it is still that.

    The tag is None where the place has none that a write could name.
    """

    content: bytes
    tag: str | None = None


class ChangedMeanwhile(Exception):
    """Another one has written since what was read; nothing has been written."""


class Transport(Protocol):
    """A place for one bundle; `name` is what messages call it, without secrets."""

    name: str

    def read(self) -> Held | None:
        """Return what is there, None where nothing is.

        Raises StoreError where it can't be read.
        """

    def write(self, content: bytes, before: Held | None) -> None:
        """Write it whole where there still is what was read before, or nothing.

        Raises ChangedMeanwhile where there is something else, and StoreError where it
        can't be written.
        """


def scheme_of(location: str | os.PathLike[str]) -> str:
    """Return the scheme of a URL in small letters, ``file`` for a path."""
    match = _SCHEME.match(os.fspath(location))
    return match[1].lower() if match else "file"


def shown_location(location: str | os.PathLike[str]) -> str:
    """Return a path, or a URL without what may be secret, as messages show it."""
    text = os.fspath(location)
    if _SCHEME.match(text) is None:
        return text
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def transport_of(
    location: str | os.PathLike[str], storage_options: Mapping[str, Any] | None = None
) -> Transport:
    """Return the place that a path or a URL of fsspec's names; HTTP is not among them.

    `storage_options` are those of fsspec's file system. Raises ValidationError where
    it is neither, MissingExtra where what reads such URLs is not installed.
    """
    text = os.fspath(location)
    if not text or "\0" in text:
        raise ValidationError(
            f"expected the path or URL of a bundle, found {shortened(text)}"
        )
    scheme = scheme_of(text)
    if scheme == "file":
        path = text
        if _SCHEME.match(text):
            parts = urlsplit(text)
            if parts.netloc not in ("", "localhost"):
                raise ValidationError(
                    f"expected the URL of a file on this machine, found one on "
                    f"{shortened(parts.netloc)}; write file:///path/to/bundle.age"
                )
            path = unquote(parts.path)
        return LocalFile(Path(path).expanduser())
    return RemoteFile(text, scheme, storage_options or {})


# A file on this machine ---------------------------------------------------------------


class LocalFile:
    """A bundle that is a file; those who write to it wait for each other."""

    def __init__(self, path: Path) -> None:
        # A link stays one.
        self.path = Path(os.path.realpath(path))
        self.name = str(path)

    def read(self) -> Held | None:
        """Return the file's content."""
        try:
            with self.path.open("rb") as file:
                content = file.read(LARGEST + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self.name, error.strerror or error) from error
        check_size(self.name, len(content))
        return Held(content, _digest(content))

    def write(self, content: bytes, before: Held | None) -> None:
        """Replace the file by one rename; a process that is killed leaves the old one.

        A new file is its user's alone, one that is replaced is as open as it was.
        """
        directory, prefix = self.path.parent, f".{self.path.name}."
        if not directory.is_dir():
            raise StoreError(
                f"the bundle {self.name} can't be written: expected the directory "
                f"{directory}, found none. Create that directory"
            )
        lock = FileLock(directory / f"{prefix}lock", thread_local=False)
        try:
            with waiting_for(
                f"another one who writes {self.name}", limit=_WAIT_SECONDS
            ):
                lock.acquire(timeout=_WAIT_SECONDS)
            try:
                self._replace(content, before, prefix)
            finally:
                lock.release()
        except Timeout:
            raise LockError(
                f"another process writes the bundle {self.name}, and has not ended "
                f"that in {_WAIT_SECONDS:g} seconds; nothing has been written. Try "
                "again when it has"
            ) from None
        except OSError as error:
            raise StoreError(
                f"the bundle {self.name} can't be written: "
                f"{ended(error.strerror or error)} What was there is as it was. Mend "
                "what the message names, then try again"
            ) from error

    def _replace(self, content: bytes, before: Held | None, prefix: str) -> None:
        directory = self.path.parent
        # Of processes that were killed; what is in them is encrypted.
        for left in directory.glob(f"{glob_escape(prefix)}*.partial"):
            left.unlink(missing_ok=True)
        there = self.read()
        if (there and there.tag) != (before and before.tag):
            raise ChangedMeanwhile
        handle, name = tempfile.mkstemp(".partial", prefix, directory)
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if there is not None:
                partial.chmod(self.path.stat().st_mode & 0o777)
            partial.replace(self.path)
            sync_directory(directory)
        finally:
            partial.unlink(missing_ok=True)


def glob_escape(text: str) -> str:
    """Return a text that stands for itself in a pattern of names."""
    return re.sub(r"([*?[])", r"[\1]", text)


# What fsspec reads --------------------------------------------------------------------


class RemoteFile:
    """A bundle in one of the file systems that fsspec knows, such as ``s3://``.

    S3 writes only where the object is still the one that was read. The others have no
    such write: it is looked just before, and of two who write in the same moment the
    later one stays. Each of them still has its own, and gives it with the next sync.
    """

    def __init__(
        self, url: str, scheme: str, storage_options: Mapping[str, Any]
    ) -> None:
        self._url = url
        self._is_s3 = scheme in ("s3", "s3a")
        self.name = shown_location(url)
        self._system, self._path = _file_system(self.name, url, scheme, storage_options)

    def read(self) -> Held | None:
        """Return what is there, and on S3 its ETag."""
        try:
            with waiting_for(self.name):
                return self._read()
        except FileNotFoundError:
            return None
        except StoreError:
            raise
        except Exception as error:
            raise _unreadable(self.name, self._reason(error)) from None

    def _read(self) -> Held:
        while True:
            about = self._about()
            check_size(self.name, int(about.get("size") or 0))
            content = bytes(self._system.cat_file(self._path))
            if not self._is_s3:
                return Held(content, _digest(content))
            if self._about().get("ETag") == about.get("ETag"):
                return Held(content, about.get("ETag"))

    def write(self, content: bytes, before: Held | None) -> None:
        """Write it; on S3 with If-Match or If-None-Match."""
        condition: dict[str, Any] = {}
        if self._is_s3:
            # In one request: several would each be refused a condition.
            condition = {"chunksize": len(content) + 1}
            condition |= {"mode": "create"} if before is None else {}
            condition |= {"IfMatch": before.tag} if before is not None else {}
        else:
            there = self.read()
            if (there and there.tag) != (before and before.tag):
                raise ChangedMeanwhile
        try:
            with waiting_for(self.name):
                self._system.pipe_file(self._path, content, **condition)
        except Exception as error:
            if isinstance(error, FileExistsError) or _code(error) in _CHANGED:
                raise ChangedMeanwhile from None
            raise StoreError(
                f"the bundle {self.name} can't be written: "
                f"{ended(self._reason(error))} Whether it was is not known. Mend what "
                "the message names, then sync again"
            ) from None

    def _about(self) -> Mapping[str, Any]:
        self._system.invalidate_cache()
        about: Mapping[str, Any] = self._system.info(self._path)
        return about

    @staticmethod
    def _reason(error: Exception) -> str:
        # Messages of libraries hold addresses, and these may hold secrets.
        if _code(error):
            return f"the store answered {_code(error)}"
        if isinstance(error, OSError) and error.errno and error.errno > 0:
            return os.strerror(error.errno)
        return f"its library says {type(error).__name__}"


_CHANGED = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


def _code(error: BaseException) -> str:
    """Return what an object store has answered, nothing where it has not."""
    answer = getattr(error.__cause__, "response", None)
    if not isinstance(answer, Mapping):
        return ""
    code = answer.get("Error", {}).get("Code", "")
    return code if isinstance(code, str) and code.isalnum() else ""


def _file_system(
    name: str, url: str, scheme: str, storage_options: Mapping[str, Any]
) -> tuple[AbstractFileSystem, str]:
    extra = _EXTRAS.get(scheme, "cloud")
    try:
        from fsspec.core import url_to_fs

        options = {"skip_instance_cache": True, **storage_options}
        system, path = url_to_fs(url, **options)
        return system, str(path)
    except ImportError as error:
        raise MissingExtra(
            f"A bundle at {scheme}:// needs what is not installed: pip install "
            f'"alembic-neo4j[sync,{extra}]"'
        ) from error
    except (TypeError, ValueError) as error:
        known = ", ".join(sorted(storage_options)) or "none"
        raise ValidationError(
            f"expected a path, or a URL that fsspec opens, for a bundle, found {name} "
            f"(storage options: {known}): {type(error).__name__}. Write file://, s3://,"
            " gs://, https://, or a path"
        ) from None


# What all of them say -----------------------------------------------------------------


def check_size(name: str, size: int) -> None:
    """Raise StoreError where there is more than a bundle may have."""
    if size > LARGEST:
        raise StoreError(
            f"the bundle {name} can't be read: expected at most {LARGEST:,} bytes, "
            "found more. Nothing has been changed. Correct its name"
        )


def _unreadable(name: str, why: object) -> StoreError:
    return StoreError(
        f"the bundle {name} can't be read: {ended(why)} Nothing has been changed. Mend "
        "what the message names, then try again"
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

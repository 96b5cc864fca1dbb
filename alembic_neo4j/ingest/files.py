"""A file with the data to read: where it lies and what its content is."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from alembic_neo4j.errors import IngestError
from alembic_neo4j.sentences import ended

BytesReport: TypeAlias = Callable[[int, "int | None"], None]
"""Told of bytes that are done and of how many there are, None where unknown."""

_BLOCK = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class DataFile:
    """A file whose content is known by its SHA-256 and is watched for changes.

    `uri` says where it comes from, without secrets; `path` where it is read.
    """

    uri: str
    name: str
    path: Path
    sha256: str
    size: int
    version: tuple[int, ...] = ()

    def open(self) -> BinaryIO:
        """Open it; raises IngestError when it is gone or no longer the same."""
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise unreadable(self.name, error) from error
        try:
            self.check_unchanged(file)
        except BaseException:
            file.close()
            raise
        return file

    def check_unchanged(self, file: BinaryIO) -> None:
        """Raise IngestError when the open file is not the one that was hashed."""
        if _version(os.fstat(file.fileno())) != self.version:
            raise IngestError(
                f"{self.name}: expected the file that was checked before, found it "
                "changed since. Write to another file and rename it in one go; then "
                "run this again."
            )


def beside_or_above(
    revision_file: str | Path,
    path: str | Path,
    *,
    is_there: Callable[[Path], bool] = Path.is_file,
) -> Path | None:
    """Return a path beside a revision's file, or in the nearest directory above it."""
    directories = Path(revision_file).resolve().parents if revision_file else ()
    found = (directory / path for directory in directories)
    return next(filter(is_there, found), None)


def local_file(
    path: Path,
    *,
    uri: str,
    name: str,
    sha256: str | None = None,
    report: BytesReport | None = None,
) -> DataFile:
    """Return a file of this machine, hashed, after comparing it with `sha256`.

    Raises IngestError when it can't be read, is no regular file, changes meanwhile,
    or has another content than expected.
    """
    expected = checksum(sha256)
    try:
        # To open a pipe would be to wait for its writer.
        _check_regular(path.stat(), name)
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            found = hash_of(file, total=before.st_size, report=report)
            version = _version(os.fstat(file.fileno()))
    except OSError as error:
        raise unreadable(name, error) from error
    if version != _version(before):
        raise IngestError(f"{name}: the file changed while it was read. Run it again.")
    if expected is not None and found != expected:
        raise mismatch(name, expected, found)
    return DataFile(uri, name, path, found, before.st_size, version)


def hash_of(
    file: BinaryIO, *, total: int | None = None, report: BytesReport | None = None
) -> str:
    """Return the SHA-256 of what is left to read of a file, in hexadecimal digits."""
    digest, done = hashlib.sha256(), 0
    while block := file.read(_BLOCK):
        digest.update(block)
        done += len(block)
        if report is not None:
            report(done, total)
    return digest.hexdigest()


def checksum(text: str | None) -> str | None:
    """Return an expected SHA-256 in small letters; ``sha256:`` may precede it.

    Raises IngestError for anything else than 64 hexadecimal digits.
    """
    if text is None:
        return None
    digits = text.strip().lower().removeprefix("sha256:").strip()
    if not _SHA256.fullmatch(digits):
        raise IngestError(
            f"Expected a SHA-256 of 64 hexadecimal digits, found {text[:80]!r}. "
            "Print it with: sha256sum FILE"
        )
    return digits


def mismatch(name: str, expected: str, found: str) -> IngestError:
    """Return the error for a content that is not the expected one."""
    return IngestError(
        f"{name}: expected the SHA-256 {expected}, found {found}. The data are other "
        "ones, or were damaged on their way; nothing was loaded. Ask who gave the "
        "checksum, or give the new one."
    )


def unreadable(name: str, error: OSError) -> IngestError:
    """Return the error for a file that the system can't open or read."""
    reason = error.strerror or type(error).__name__
    return IngestError(f"{name}: can't be read: {ended(reason)} Nothing was loaded.")


def _check_regular(status: os.stat_result, name: str) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a device or a pipe"
    raise IngestError(
        f"{name}: expected a file, found {kind}. Data are read more than once: write "
        "them to a file first."
    )


def _version(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

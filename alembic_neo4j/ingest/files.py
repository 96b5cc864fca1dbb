"""Where data are, and a file with the data to read: how it is shown, what it holds."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from alembic_neo4j.errors import IngestError
from alembic_neo4j.sentences import ended

# Where data are: a path or a URI, and how much of it may be shown ---------------------


REMOTE: dict[str, tuple[str, str | None]] = {
    "http": ("http", None),
    "https": ("https", None),
    "s3": ("s3", "s3"),
    "gs": ("gcs", "gcs"),
    "gcs": ("gcs", "gcs"),
    "memory": ("memory", None),
}
"""The schemes that are fetched: fsspec's protocol, and the extra that has it."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SECRET = re.compile(
    r"(?i)signature|token|secret|passw|pwd|credential|(api|access|account).?key"
    r"|accessid|auth(?!or)|^(sig|key|code|pass)$"
)
_HIDDEN = "***"
_NAME_LIMIT = 80


@dataclass(frozen=True)
class Address:
    """A place that data come from.

    `shown` is what messages, the ledger and the cache may say of it: without user,
    password, signature or token. `name` is for messages and for the format that its
    ending tells, and never a part of a path that is written.
    """

    scheme: str
    uri: str
    shown: str
    name: str

    @property
    def is_local(self) -> bool:
        """Whether the data lie on this machine."""
        return self.scheme == "file"

    @property
    def path(self) -> Path:
        """The file of a local address."""
        return Path(self.uri)


def address_of(
    uri: str | os.PathLike[str], *, directory: Path | None = None
) -> Address:
    """Return the address that a path or a URI means.

    A relative path is taken from `directory`, the current one by default. Raises
    IngestError for a scheme that can't be read and for what can be no path.
    """
    text = os.fspath(uri)
    if "\0" in text:
        raise IngestError(
            f"Expected a path or a URI, found {_cut(text)!r} with a NUL character in "
            "it. Nothing was read."
        )
    match = _SCHEME.match(text)
    if match is None:
        path = Path.home() / text[2:] if text.startswith("~/") else Path(text)
        return _local((directory or Path()) / path)
    scheme = match[1].lower()
    if scheme == "file":
        return _local(_file_path(text))
    if scheme not in REMOTE:
        raise IngestError(
            f"Expected a path or a URI that starts with file://, "
            f"{', '.join(f'{known}://' for known in REMOTE if known != 'memory')}; "
            f"found {_cut(scheme)}://. Fetch the file by other means and give its path."
        )
    return _remote(scheme, text)


def _local(path: Path) -> Address:
    return Address("file", str(path), _cut(str(path.absolute()), 400), _cut(path.name))


def _file_path(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise IngestError(
            f"Expected a file on this machine, found the host {_cut(parts.netloc)!r} "
            "in it. A path has three slashes: file:///data/people.csv"
        )
    # A # is a part of a file's name here, a ? too.
    path = unquote(uri.split("://", 1)[1].removeprefix(parts.netloc))
    if "\0" in path:
        raise IngestError("Expected a path, found a NUL character in it.")
    return Path(path)


def _remote(scheme: str, uri: str) -> Address:
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        # What is wrong may be a part of a password.
        raise IngestError(
            f"Expected {scheme}:// with a host and perhaps a port, found neither. A "
            "password with / or @ in it has them as %2F and %40."
        ) from None
    if not host:
        raise IngestError(f"Expected a host or a bucket after {scheme}://, found none.")
    # A bucket keeps its case, which hostname loses.
    kept = parts.netloc.rpartition("@")[2]
    query = urlencode(
        [
            (name, _HIDDEN if _SECRET.search(name) else value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ],
        safe="*/:",
    )
    shown = urlunsplit((scheme, kept, parts.path, query, ""))
    # What is shown and logged stays in one line.
    shown = _cut(quote(shown, safe="/:?&=%*+@,;~!$'()[]#"), 400)
    return Address(scheme, uri, shown, _cut(unquote(parts.path).rpartition("/")[2]))


def _cut(text: str, limit: int = _NAME_LIMIT) -> str:
    """Return the text for a message; a long one keeps its end, which tells most."""
    printable = "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return printable if len(printable) <= limit else "…" + printable[-limit + 1 :]


# A file with the data to read: where it lies and what its content is ------------------


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

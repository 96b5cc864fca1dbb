"""What a backup is on the disk: a directory with a manifest, and files in chunks.

``manifest.json`` names every file with its SHA-256, size and number of rows, and has a
SHA-256 of itself, so that whatever is changed, cut off, missing, added or swapped is
found. ``nodes-….jsonl.zst`` and ``relationships-….jsonl.zst`` are JSON Lines in the
zstd format, with values as typed JSON; ``schema.cypher`` has the commands that make
indexes and constraints.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from alembic_neo4j.backups.checksums import Checksum, Checksums
from alembic_neo4j.errors import BackupError, MissingExtra
from alembic_neo4j.sentences import ended, shortened

MANIFEST = "manifest.json"
SCHEMA = "schema.cypher"
RESTORED = "restored.json"
"""Says that it was restored and compared; it is no part of what was backed up."""

FORMAT = 1
_KIND = "a graph of alembic_neo4j"
_ROWS = 100_000
"""How many rows are in one file."""

_LEVEL = 3
_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 30


@dataclass(frozen=True)
class BackupFile:
    """A file of a backup; `rows` are its lines before it was packed, 0 for others."""

    name: str
    sha256: str
    bytes: int
    rows: int = 0


@dataclass(frozen=True)
class Manifest:
    """What a backup is of: when it was made, of which graph, and what it has.

    `consistent` says that nothing was written to the graph while it was read. `heads`
    are the ledger's, `ledger` the file of its backup, empty without one.
    """

    id: str
    created_at: datetime
    created_by: str
    product: str
    server: str
    graph: str
    consistent: bool
    heads: tuple[str, ...]
    ledger: str
    files: tuple[BackupFile, ...]
    checksums: Checksums = field(repr=False)

    @property
    def nodes(self) -> int:
        """How many nodes it has."""
        return sum(each.count for each in self.checksums.nodes.values())

    @property
    def relationships(self) -> int:
        """How many relationships it has."""
        return sum(each.count for each in self.checksums.relationships.values())

    @property
    def bytes(self) -> int:
        """The size of its files."""
        return sum(file.bytes for file in self.files)

    def of(self, beginning: str) -> list[str]:
        """Return the names of its files that begin so, in their order."""
        return sorted(f.name for f in self.files if f.name.startswith(beginning))


# The manifest -------------------------------------------------------------------------


def write_manifest(manifest: Manifest, directory: Path) -> None:
    """Write the manifest, which makes a directory a backup."""
    values = _values(manifest)
    values["sha256"] = _digest_of(values)
    write_durably(directory / MANIFEST, json.dumps(values, indent=1).encode() + b"\n")


def read_manifest(directory: Path) -> Manifest:
    """Return what a backup says of itself.

    Raises BackupError where it is none, a newer release's, or not as it was written.
    """
    path = directory / MANIFEST
    try:
        values = json.loads(path.read_bytes())
        if values["backup"] != _KIND:
            raise ValueError("it is of something else")
        if values["format"] != FORMAT:
            raise BackupError(
                f"{path} is a newer release's: expected the format {FORMAT}, found "
                f"{shortened(values['format'])}. Install that release of alembic-neo4j"
            )
        if values.pop("sha256") != _digest_of(values):
            raise ValueError("it is not as it was written")
        return _manifest(values)
    except FileNotFoundError:
        raise BackupError(
            f"expected a backup in {directory}, found no {MANIFEST}; correct its name, "
            "or see `alembic-neo4j backup list`"
        ) from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise BackupError(
            f"the manifest of a backup can't be read: {path}: {ended(error)} Take "
            "another backup"
        ) from None


def _values(manifest: Manifest) -> dict[str, Any]:
    sums = manifest.checksums
    return {
        "backup": _KIND,
        "format": FORMAT,
        "id": manifest.id,
        "created_at": manifest.created_at.isoformat(),
        "created_by": manifest.created_by,
        "product": manifest.product,
        "server": manifest.server,
        "graph": manifest.graph,
        "consistent": manifest.consistent,
        "heads": list(manifest.heads),
        "ledger": manifest.ledger,
        "nodes": [
            {"labels": list(labels), **asdict(sum_)}
            for labels, sum_ in sums.nodes.items()
        ],
        "relationships": [
            {"type": name, **asdict(sum_)} for name, sum_ in sums.relationships.items()
        ],
        "files": [asdict(file) for file in manifest.files],
    }


def _manifest(values: Mapping[str, Any]) -> Manifest:
    return Manifest(
        id=values["id"],
        created_at=datetime.fromisoformat(values["created_at"]),
        created_by=values["created_by"],
        product=values["product"],
        server=values["server"],
        graph=values["graph"],
        consistent=values["consistent"],
        heads=tuple(values["heads"]),
        ledger=values["ledger"],
        files=tuple(BackupFile(**each) for each in values["files"]),
        checksums=Checksums(
            {
                tuple(each["labels"]): Checksum(each["count"], each["digest"])
                for each in values["nodes"]
            },
            {
                each["type"]: Checksum(each["count"], each["digest"])
                for each in values["relationships"]
            },
        ),
    )


def _digest_of(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# Files --------------------------------------------------------------------------------


class RowWriter:
    """Writes rows as JSON Lines into packed files, one after the other."""

    def __init__(self, directory: Path, beginning: str) -> None:
        self._directory, self._beginning = directory, beginning
        self._open: _PackedFile | None = None
        self.files: list[BackupFile] = []

    def add(self, row: list[Any]) -> None:
        """Write a row."""
        if self._open is None:
            name = f"{self._beginning}-{len(self.files) + 1:05}.jsonl.zst"
            self._open = _PackedFile(self._directory / name)
        self._open.add(row)
        if self._open.rows == _ROWS:
            self.close()

    def close(self) -> None:
        """Finish the file that is open."""
        if self._open is not None:
            self.files.append(self._open.finished())
            self._open = None

    def leave(self) -> None:
        """Close the file that is open, whatever is in it."""
        if self._open is not None:
            self._open.leave()


class _PackedFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _Hashed(path)
        packer = _zstandard().ZstdCompressor(level=_LEVEL)
        self._packed = packer.stream_writer(self._file, closefd=False)
        self.rows = 0

    def add(self, row: list[Any]) -> None:
        text = json.dumps(row, separators=(",", ":"))
        self._packed.write(text.encode("utf-8", "surrogatepass") + b"\n")
        self.rows += 1

    def finished(self) -> BackupFile:
        self._packed.close()
        self._file.close()
        return BackupFile(
            self._path.name, self._file.digest, self._file.size, self.rows
        )

    def leave(self) -> None:
        self._file.leave()


class _Hashed(io.RawIOBase):
    """A file that is hashed as it is written, and on the disk when it is closed."""

    def __init__(self, path: Path) -> None:
        self._file = _new_file(path)
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        super().close()

    def leave(self) -> None:
        self._file.close()
        super().close()


def read_rows(directory: Path, names: list[str]) -> Iterator[list[Any]]:
    """Yield the rows of packed files; they have been verified before."""
    unpacker = _zstandard().ZstdDecompressor()
    for name in names:
        with (
            (directory / name).open("rb") as packed,
            unpacker.stream_reader(packed) as file,
        ):
            for line in io.TextIOWrapper(file, "utf-8", "surrogatepass", newline="\n"):
                yield json.loads(line)


def described(path: Path) -> BackupFile:
    """Return a file that is written, for a manifest."""
    digest, size = _digest_of_file(path)
    return BackupFile(path.name, digest, size)


def _new_file(path: Path) -> IO[bytes]:
    """Open a new file that is its user's alone."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    return os.fdopen(handle, "wb")


def write_durably(path: Path, content: bytes) -> None:
    """Write a file, so that it is on the disk."""
    with _new_file(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def verify(directory: Path) -> tuple[str, ...]:
    """Return what is not as it was when the backup was made; every byte is read.

    Raises BackupError where it is no backup.
    """
    manifest = read_manifest(directory)
    return tuple(_problems(directory, manifest))


def _problems(directory: Path, manifest: Manifest) -> Iterator[str]:
    known = {file.name for file in manifest.files}
    for file in manifest.files:
        path = directory / file.name
        try:
            digest, size = _digest_of_file(path)
        except OSError as error:
            yield f"{file.name}: expected a file, found {error.strerror}"
            continue
        if size != file.bytes:
            yield f"{file.name}: expected {file.bytes:,} bytes, found {size:,}"
        elif digest != file.sha256:
            yield f"{file.name}: not as it was written"
    for path in sorted(directory.iterdir()):
        if path.name not in known | {MANIFEST, RESTORED}:
            yield f"{path.name}: expected nothing else, found this"


def _digest_of_file(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            digest.update(data)
            size += len(data)
    return digest.hexdigest(), size


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtra(
            "Backups of a graph need zstandard, which is not installed: "
            'pip install "alembic-neo4j[backup]"'
        ) from error
    return zstandard

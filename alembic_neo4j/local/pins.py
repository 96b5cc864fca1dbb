"""The jars of one Neo4j release, pinned by SHA-256: reading, writing, verifying."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from platformdirs import user_cache_path

from alembic_neo4j.errors import LocalServerError


@dataclass(frozen=True)
class Jar:
    """One jar by its Maven coordinates."""

    group: str
    artifact: str
    version: str
    classifier: str = ""

    @property
    def coordinates(self) -> str:
        """``group:artifact:version`` and, where there is one, ``:classifier``."""
        parts = [self.group, self.artifact, self.version, self.classifier]
        return ":".join(part for part in parts if part)

    @property
    def path(self) -> PurePosixPath:
        """Where a Maven repository keeps the jar."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        return PurePosixPath(
            *self.group.split("."),
            self.artifact,
            self.version,
            f"{self.artifact}-{self.version}{suffix}.jar",
        )


@dataclass(frozen=True)
class JarLock:
    """The jars of a release with the SHA-256 of each, and their size in all."""

    version: str
    size: int
    sha256: dict[Jar, str]

    def paths(self, repository: Path) -> dict[Jar, Path]:
        """Where each jar lies in a Maven repository on this machine."""
        return {jar: repository / jar.path for jar in self.sha256}


def shipped(version: str) -> Path:
    """The lock file of a release inside this package; it need not exist."""
    return Path(__file__).parent / f"neo4j-{version}.json"


def remembered(version: str) -> Path:
    """The lock file of a release that was resolved on this machine before."""
    cache = user_cache_path("alembic-neo4j", appauthor=False)
    return cache / f"neo4j-{version}.json"


def read(path: Path) -> JarLock:
    """The lock in a file.

    Raises LocalServerError where the file is not a lock.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        return JarLock(
            version=content["neo4j"],
            size=content["bytes"],
            sha256={_jar(name): digest for name, digest in content["jars"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LocalServerError(
            f"Expected a list of Neo4j's jars with their SHA-256 in {path}, found "
            f"a file that can't be read as one ({error!r}). Delete it if it is in "
            "your cache directory, or install alembic-neo4j again."
        ) from error


def write(lock: JarLock, path: Path) -> None:
    """Write a lock, whole or not at all."""
    jars = {jar.coordinates: digest for jar, digest in lock.sha256.items()}
    content = {
        "neo4j": lock.version,
        "bytes": lock.size,
        "jars": dict(sorted(jars.items())),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    unfinished.replace(path)


def lock_of(version: str, jars: Iterable[Jar], *, repository: Path) -> JarLock:
    """The lock of jars that lie in a repository on this machine.

    Raises LocalServerError for a jar that is not a whole archive.
    """
    digests: dict[Jar, str] = {}
    size = 0
    for jar in jars:
        path = repository / jar.path
        if not zipfile.is_zipfile(path):
            raise LocalServerError(
                f"Expected the jar {jar.coordinates}, found a damaged archive: "
                f"{path}. Delete that file and start again; it is fetched anew."
            )
        digests[jar] = _sha256(path)
        size += path.stat().st_size
    return JarLock(version=version, size=size, sha256=digests)


def verify(lock: JarLock, *, repository: Path) -> list[Path]:
    """The class path of a release, after comparing every jar with its pin.

    Raises LocalServerError at the first jar whose content differs.
    """
    paths = lock.paths(repository)
    for jar, path in paths.items():
        found = _sha256(path)
        if found != lock.sha256[jar]:
            raise LocalServerError(
                f"Neo4j {lock.version} is not started: the jar {jar.coordinates} "
                f"is not the one that is pinned.\n  expected SHA-256 "
                f"{lock.sha256[jar]}\n  found    SHA-256 {found}\n  in {path}\n"
                "Delete that file and start again; it is fetched anew. If the new "
                "one differs too, the repository that it comes from is not to be "
                "trusted."
            )
    return sorted(paths.values())


def _jar(coordinates: str) -> Jar:
    return Jar(*coordinates.split(":"))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

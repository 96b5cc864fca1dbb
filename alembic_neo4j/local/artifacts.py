"""Which Neo4j releases there are, their pinned jars, and how these come here."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_path

from alembic_neo4j.errors import LocalServerError, MissingExtra
from alembic_neo4j.sentences import ended
from alembic_neo4j.waiting import each_waited_for, waiting_for

if TYPE_CHECKING:
    from jgo.maven import MavenContext


# The jars of one Neo4j release, pinned by SHA-256: reading, writing, verifying --------


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


# Which Neo4j releases there are, and how their jars come to this machine --------------


DEFAULT_VERSION = "5.26.30"

_ARTIFACTS = (
    ("org.neo4j", "neo4j"),
    ("org.neo4j.app", "neo4j-server"),
    ("org.neo4j", "neo4j-slf4j-provider"),
)
_STAGING = ".alembic-neo4j-"

Report = Callable[[str], None]


def quiet(_line: str) -> None:
    """Take a line of progress and do nothing with it."""


def exact_version(
    wanted: str | None, *, known: Sequence[str] = (), published: bool = True
) -> str:
    """The release that a configuration means by ``5.26``, ``2026`` or ``2026.08.1``.

    A full version is taken as it is. A part of one means the newest of `known` (the
    releases whose data the project has), else the default release where that fits,
    else the newest published one. None means the series of the default release.

    Raises LocalServerError for what is no version, or fits no release.
    """
    if wanted is None:
        wanted = DEFAULT_VERSION.rpartition(".")[0]
    if not re.fullmatch(r"\d+(\.\d+){0,2}", wanted):
        raise LocalServerError(
            f"Expected a Neo4j version such as {DEFAULT_VERSION}, 5.26 or 2026.08.1, "
            f"found {wanted!r}. Write neo4j.url = local, or local:<version>."
        )
    if int(wanted.split(".")[0]) < 5:
        raise LocalServerError(
            f"Expected Neo4j 5 or newer for a local server, found {wanted}. Use "
            f"neo4j.url = local (Neo4j {DEFAULT_VERSION}), or the URL of a server "
            "of your own."
        )
    if wanted.count(".") == 2:
        return wanted
    for choices in (known, [DEFAULT_VERSION]):
        if found := newest(choices, series=wanted):
            return found
    if published and (found := newest(_published(), series=wanted)):
        return found
    raise LocalServerError(
        f"Expected a release of Neo4j {wanted}, found none. Write a whole version, "
        f"such as local:{DEFAULT_VERSION} or local:2026.08.1."
    )


def newest(versions: Sequence[str], *, series: str) -> str | None:
    """The newest of the versions that are in a series (``5.26``, ``2026``)."""
    fitting = [
        version
        for version in versions
        if re.fullmatch(r"\d+\.\d+\.\d+", version)
        and (version + ".").startswith(series + ".")
    ]
    return max(fitting, key=_numbers, default=None)


def class_path(
    version: str, *, repository_hint: Path | None = None, report: Report = quiet
) -> tuple[Path, list[Path]]:
    """The Maven repository and the verified jars of a release, fetched when missing.

    `repository_hint` is where the jars were the last time; with all of them there,
    neither jgo nor the network is needed.

    Raises LocalServerError when a jar can't be had or is not the pinned one,
    MissingExtra when jars are missing and jgo is not installed.
    """
    lock = _known_lock(version)
    if lock and repository_hint and _complete(lock, repository_hint):
        return repository_hint, verify(lock, repository=repository_hint)
    where = repository()
    if lock is None:
        report(f"Neo4j {version}: finding out which jars it needs (about a minute)…")
        jars = resolve(version, repository=where)
        fetch(version, jars, repository=where, report=report)
        lock = lock_of(version, jars, repository=where)
        write(lock, remembered(version))
    elif not _complete(lock, where):
        fetch(
            version,
            list(lock.sha256),
            repository=where,
            size=lock.size,
            report=report,
        )
    return where, verify(lock, repository=where)


def repository() -> Path:
    """The Maven repository of this user, where jgo and Maven keep their jars.

    Raises MissingExtra when jgo is not installed.
    """
    return Path(_settings().repo_cache).expanduser()


def resolve(version: str, *, repository: Path) -> list[Jar]:
    """The jars that a release consists of.

    Raises LocalServerError when the release does not exist or can't be reached.
    """
    with _maven(repository) as context:
        from jgo.parse import Coordinate

        wanted = [
            context.create_dependency(
                Coordinate(group, artifact, version, scope="compile")
            )
            for group, artifact in _ARTIFACTS
        ]
        try:
            with waiting_for("the Maven repository"):
                given, found = context.resolver.resolve(wanted)
        except (OSError, RuntimeError) as error:
            raise _unreachable(version, error) from error
        _keep(Path(context.repo_cache), repository)
    needed = [d for d in found if d.scope in ("compile", "runtime")]
    return [
        Jar(a.groupId, a.artifactId, a.version, a.classifier)
        for a in (dependency.artifact for dependency in [*given, *needed])
    ]


def fetch(
    version: str,
    jars: Sequence[Jar],
    *,
    repository: Path,
    size: int | None = None,
    report: Report = quiet,
) -> None:
    """Bring the jars that are missing into the repository; a jar comes whole or not.

    Raises LocalServerError when one can't be had.
    """
    missing = [jar for jar in jars if not (repository / jar.path).exists()]
    if not missing:
        return
    amount = f"about {size / 1e6:.0f} MB" if size else "about 130 MB"
    report(f"Neo4j {version}: fetching the server ({amount}, once)…")
    with _maven(repository) as context, ThreadPoolExecutor(6) as pool:
        started = [pool.submit(_fetch_one, context, jar, repository) for jar in missing]
        try:
            arrivals = enumerate(each_waited_for(as_completed(started), "a jar"), 1)
            for count, future in arrivals:
                future.result()
                if count % 40 == 0 or count == len(missing):
                    report(f"Neo4j {version}: {count} of {len(missing)} jars")
        except (OSError, RuntimeError) as error:
            pool.shutdown(wait=False, cancel_futures=True)
            raise _unreachable(version, error) from error


def _known_lock(version: str) -> JarLock | None:
    for path in (shipped(version), remembered(version)):
        if path.exists():
            return read(path)
    return None


def _complete(lock: JarLock, where: Path) -> bool:
    return all(path.exists() for path in lock.paths(where).values())


def _fetch_one(context: MavenContext, jar: Jar, where: Path) -> None:
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    for pause in (0.5, 2.0, None):
        try:
            staged = component.artifact(jar.classifier).resolve()
            break
        except OSError:
            (Path(context.repo_cache) / jar.path).unlink(missing_ok=True)
            if pause is None:
                raise
            time.sleep(pause)
    if staged.is_relative_to(Path(context.repo_cache)):
        _move(staged, where / jar.path)


def _keep(staging: Path, where: Path) -> None:
    for kind in ("*.jar", "*.pom"):
        for path in staging.rglob(kind):
            _move(path, where / path.relative_to(staging))


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)


@contextmanager
def _maven(where: Path) -> Iterator[MavenContext]:
    # jgo writes straight to a file's final place, so that an interrupted download
    # would look finished. It gets a directory of its own; whole files move over.
    settings = _settings()
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    repositories = {"central": mirror_of_central() or MAVEN_CENTRAL_URL}
    repositories.update(settings.repositories)
    try:
        where.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(where)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=where))
    except OSError as error:
        raise LocalServerError(
            f"Expected a Maven repository that can be written at {where}, found "
            f"{ended(error)} Mend its permissions, or name another one in M2_REPO."
        ) from error
    try:
        yield MavenContext(
            repo_cache=staging, local_repos=[where], remote_repos=repositories
        )
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _remove_abandoned(where: Path) -> None:
    yesterday = time.time() - 24 * 3600
    for path in where.glob(f"{_STAGING}*"):
        if path.stat().st_mtime < yesterday:
            shutil.rmtree(path, ignore_errors=True)


def mirror_of_central() -> str | None:
    """The mirror of Maven Central in the user's settings.xml, which jgo ignores."""
    try:
        root = ElementTree.parse(Path.home() / ".m2" / "settings.xml").getroot()
    except (OSError, ElementTree.ParseError):
        return None
    for mirror in root.iterfind("{*}mirrors/{*}mirror"):
        mirrored = (mirror.findtext("{*}mirrorOf") or "").split(",")
        url = (mirror.findtext("{*}url") or "").strip()
        if url and {"*", "central", "external:*"} & {m.strip() for m in mirrored}:
            return url.rstrip("/")
    return None


def _published() -> list[str]:
    with _maven(repository()) as context:
        project = context.project(*_ARTIFACTS[0])
        try:
            with waiting_for("the Maven repository"):
                project.update()
            return list(project.metadata.versions)
        except (OSError, RuntimeError, AttributeError):
            return []


def _unreachable(version: str, error: Exception) -> LocalServerError:
    # jgo's "not found" names the repositories by URL, which may hold credentials.
    reason = str(error).split(" in remote repositories", 1)[0]
    return LocalServerError(
        f"Expected the jars of Neo4j {version} on this machine or in a Maven "
        f"repository, found neither: {ended(reason)} Check that the release exists and "
        "that the network (or the proxy in HTTPS_PROXY) works; a mirror is named in "
        "jgo's configuration file, section [repositories]. Or set neo4j.url to a "
        "server of your own."
    )


def _settings() -> Any:
    try:
        from jgo.config import GlobalSettings
    except ImportError as error:
        raise MissingExtra(
            "Expected jgo, which fetches the local Neo4j server, found it not "
            'installed. Run: pip install "alembic-neo4j[local]"'
        ) from error
    return GlobalSettings.load()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))

"""The directory of one local server under a project's ``.neo4j/``."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from alembic_neo4j.errors import LocalServerError
from alembic_neo4j.local.artifacts import Report
from alembic_neo4j.sentences import ended
from alembic_neo4j.waiting import waiting_for

USERNAME = "neo4j"

_DIRECTORY = ".neo4j"
_TEST_PREFIX = "test-"
_MADE_FOR_TESTS = "made-for-tests"
_WIPED_PREFIX = ".wiped-"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class LocalServer:
    """A local Neo4j that runs; it speaks Bolt and has no HTTP connector."""

    version: str
    url: str
    username: str
    password: str = field(repr=False)
    home: Path
    pid: int
    disposable: bool = False


@dataclass(frozen=True)
class Home:
    """Where one server keeps its data, its settings, its password and its logs."""

    project: Path
    version: str
    disposable: bool = False

    @property
    def name(self) -> str:
        """The version; with a prefix where the server was made for tests."""
        return f"{_TEST_PREFIX}{self.version}" if self.disposable else self.version

    @property
    def path(self) -> Path:
        """The directory itself."""
        return self.project / _DIRECTORY / self.name

    @property
    def exists(self) -> bool:
        """Whether anything was ever set up here."""
        return self.path.is_dir()

    @property
    def has_started_before(self) -> bool:
        """Whether a server ran here, from when on it knows its password itself."""
        return (self.path / "data" / "databases" / "system").exists()

    @property
    def pid_file(self) -> Path:
        """The process id of the server that was started last."""
        return self.path / "pid"

    @property
    def log(self) -> Path:
        """What the server reports of itself."""
        return self.path / "logs" / "neo4j.log"

    @property
    def console(self) -> Path:
        """What the process of the last start wrote to its terminal."""
        return self.path / "logs" / "console.log"

    @property
    def configuration(self) -> Path:
        """The directory of neo4j.conf."""
        return self.path / "conf"

    def port(self) -> int | None:
        """The Bolt port of the last start."""
        port = self._state().get("port")
        return port if isinstance(port, int) else None

    def repository(self) -> Path | None:
        """The Maven repository that had the jars at the last start."""
        where = self._state().get("repository")
        return Path(where) if isinstance(where, str) else None

    def remember(self, *, port: int, repository: Path) -> None:
        """Keep what makes the next start quick and its URL the same."""
        state = {"port": port, "repository": str(repository)}
        _write_whole(self.path / "server.json", json.dumps(state) + "\n")

    def password(self) -> str:
        """The password, as it stands in a file that only the user can read.

        Raises LocalServerError when the file is gone.
        """
        path = self._password_file()
        try:
            return path.read_text("ascii").strip()
        except (OSError, ValueError) as error:
            raise LocalServerError(
                f"Expected the password of the local Neo4j {self.version} in {path}, "
                f"found {ended(error)} Put the file back, or remove the server and its "
                "data: alembic-neo4j local wipe"
            ) from error

    def prepare(self) -> None:
        """Make the directory, with a password; what is there stays."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("conf", "data", "import", "logs", "plugins", "run"):
            (self.path / name).mkdir(exist_ok=True)
        if self.disposable:
            (self.path / _MADE_FOR_TESTS).touch()
        if not self._password_file().exists() and not self.has_started_before:
            _write_whole(self._password_file(), secrets.token_hex(24) + "\n")

    def remove(self) -> None:
        """Remove the directory; it is out of the way at once, even if cut short."""
        if self.exists:
            aside = self.path.with_name(f"{_WIPED_PREFIX}{secrets.token_hex(4)}")
            self.path.rename(aside)
        for abandoned in self.path.parent.glob(f"{_WIPED_PREFIX}*"):
            shutil.rmtree(abandoned, ignore_errors=True)

    @contextmanager
    def locked(self, report: Report) -> Iterator[None]:
        """Let one command at a time start, stop or wipe this server."""
        _make_root(self.project)
        if self.exists:
            _shut(self.path, self.project)
        lock = FileLock(self.path.with_name(f"{self.name}.lock"), thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            report(f"Neo4j {self.version}: another command is at it; waiting…")
            with waiting_for(f"the command that is at Neo4j {self.version}"):
                lock.acquire()
        except OSError as error:
            raise _not_writable(self.project, error) from error
        try:
            yield
        finally:
            lock.release()

    def size(self) -> int:
        """How many bytes the directory takes."""
        total = 0
        for directory, _, names in os.walk(self.path):
            for name in names:
                try:
                    total += (Path(directory) / name).lstat().st_size
                except OSError:
                    continue
        return total

    def _state(self) -> dict[str, object]:
        try:
            state = json.loads((self.path / "server.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _password_file(self) -> Path:
        return self.path / "password"


def homes(project: Path) -> list[Home]:
    """The servers that a project has data of, the development ones first."""
    try:
        entries = sorted((project.resolve() / _DIRECTORY).iterdir())
    except OSError:
        return []
    found = [_home(project.resolve(), entry) for entry in entries if entry.is_dir()]
    return sorted(
        (home for home in found if home is not None),
        key=lambda home: (home.disposable, [int(n) for n in home.version.split(".")]),
    )


def last_lines(path: Path, *, lines: int, since: float = 0.0) -> list[str]:
    """The last lines of a log that was written to after a moment."""
    try:
        if path.stat().st_mtime < since:
            return []
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 400 * max(lines, 1)))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return []
    return text.splitlines()[-lines:] if lines > 0 else []


def _home(project: Path, directory: Path) -> Home | None:
    name = directory.name
    version = name.removeprefix(_TEST_PREFIX)
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        return None
    return Home(project, version, disposable=name != version)


def _make_root(project: Path) -> None:
    root = project / _DIRECTORY
    if not project.is_dir():
        raise LocalServerError(
            f"Expected a project directory at {project}, found none. Start the "
            "command in your project, or name its neo4j.ini with -c."
        )
    try:
        root.mkdir(mode=0o700, exist_ok=True)
        _shut(root, project)
        ignore = root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", "ascii")
    except OSError as error:
        raise _not_writable(project, error) from error


def _shut(directory: Path, project: Path) -> None:
    """Let nobody but the user into a directory of ours, whatever the umask was.

    The server writes the graph and its logs to files that anybody may read, and runs
    the jars that it finds. Raises LocalServerError where another user owns the
    directory, or could write to it and owns a file in it. The project's owner is no
    such user: we run what is in the project.
    """
    trusted = {0, os.geteuid(), _owner(project.resolve())}
    mode = stat.S_IMODE(directory.stat().st_mode)
    _refuse_others(directory, trusted)
    if mode & _OTHERS_WRITE:
        for path in directory.rglob("*"):
            _refuse_others(path, trusted)
    if mode & _OTHERS:
        directory.chmod(mode & ~_OTHERS)


def _refuse_others(path: Path, trusted: set[int]) -> None:
    owner = _owner(path)
    if owner not in trusted:
        raise LocalServerError(
            f"Expected {path} to be yours (user id {os.geteuid()}), found that it "
            f"belongs to user id {owner}, who may have put it there: a local Neo4j "
            "would run what it finds. Look at it, then remove it or make it yours"
        )


def _owner(path: Path) -> int:
    return path.lstat().st_uid


def _not_writable(project: Path, error: OSError) -> LocalServerError:
    return LocalServerError(
        f"Expected to write the local server's data to {project / _DIRECTORY}, "
        f"found {ended(error)} Mend its permissions, or set neo4j.url to a server of "
        "your own."
    )


def _write_whole(path: Path, text: str) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with open(os.open(unfinished, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)

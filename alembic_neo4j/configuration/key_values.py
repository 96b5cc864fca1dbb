"""What the value of a key may be; a wrong one is told in one line, a secret never."""

from __future__ import annotations

import math
import re
from pathlib import Path
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version

from alembic_neo4j.configuration.sources import Origin
from alembic_neo4j.errors import ConfigurationError

_SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
_ADDRESS = (
    "expected local, local:<version> or an address such as bolt://host:7687 or "
    "neo4j+s://host"
)
_LOCAL = re.compile(r"local(:[\w.]*)?")
_LONGEST_NAME = 255


def address(text: str, origin: Origin) -> str:
    """Return the address of a graph; raises ConfigurationError where it is none.

    Whatever may hold a secret is not shown.
    """
    url = text.strip()
    if _LOCAL.fullmatch(url):
        return url
    if "@" in url:
        raise ConfigurationError(
            f"{origin.name} has credentials in it, where logs would show them"
            f"{origin.place}: give the address alone, and ALEMBIC_NEO4J_USERNAME and "
            "ALEMBIC_NEO4J_PASSWORD"
        )
    if "?" in url or "#" in url:
        raise ConfigurationError(
            f"{origin} has a query string or a fragment, where logs would show it: "
            "give the address alone"
        )
    try:
        parts = urlsplit(url)
        _ = parts.port
        problem = ""
    except ValueError as error:
        raise ConfigurationError(
            f"{origin.says(_shown(url))}: {_line(error)}; {_ADDRESS}"
        ) from None
    if not url.isprintable() or " " in url:
        problem = "it has white space or control characters; "
    elif parts.scheme not in _SCHEMES:
        problem = f"URI scheme {parts.scheme!r} is not supported; "
    elif not parts.hostname:
        problem = "it has no host; "
    elif parts.port == 0:
        problem = "the port is 0; "
    elif parts.path not in ("", "/"):
        problem = "it has a path; the database belongs in neo4j.database; "
    if problem:
        # Whoever takes a path for a place of secrets finds none of it in a log.
        shown = url.removesuffix(parts.path) if parts.netloc else url
        raise ConfigurationError(f"{origin.says(_shown(shown))}: {problem}{_ADDRESS}")
    return url


def boolean(text: str, origin: Origin) -> bool:
    """Return what is said by true, yes, on and 1, and their opposites."""
    word = text.strip().lower()
    if word in {"true", "yes", "on", "1"}:
        return True
    if word in {"false", "no", "off", "0", ""}:
        return False
    raise ConfigurationError(f"{origin.says(_shown(text))}: expected true or false")


def seconds(text: str, origin: Origin, *, least: float, most: float) -> float:
    """Return a number of seconds within bounds, `least` itself only where it is 0.0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    # The one bound that is not to be reached is what makes a wait no wait.
    if not math.isfinite(number) or not least <= number <= most:
        raise ConfigurationError(
            f"{origin.says(_shown(text))}: expected a number of seconds, from "
            f"{least:g} to {most:g}"
        )
    return number


def whole_number(text: str, origin: Origin, *, most: int) -> int:
    """Return a whole number from 1 up to `most`."""
    word = text.strip()
    is_number = re.fullmatch(r"[0-9]{1,18}", word) is not None
    if not is_number or not 1 <= int(word) <= most:
        raise ConfigurationError(
            f"{origin.says(_shown(text))}: expected a whole number, from 1 to {most}"
        )
    return int(word)


def choice(text: str, origin: Origin, choices: tuple[str, ...]) -> str:
    """Return one of the choices."""
    word = text.strip()
    if word not in choices:
        raise ConfigurationError(
            f"{origin.says(_shown(text))}: expected one of {', '.join(choices)}"
        )
    return word


def version(text: str, origin: Origin) -> Version:
    """Return a version as PEP 440 has it."""
    try:
        return Version(text)
    except InvalidVersion:
        raise ConfigurationError(
            f"{origin.says(_shown(text))}: expected a version such as 1.7.0 (PEP 440)"
        ) from None


def name(text: str, origin: Origin) -> str:
    """Return the name of a property or a database."""
    word = text.strip()
    if not word.isprintable() or len(word) > _LONGEST_NAME:
        raise ConfigurationError(
            f"{origin.says(_shown(text))}: expected a name without control characters, "
            f"{_LONGEST_NAME} characters at most"
        )
    return word


def paths(text: str, origin: Origin) -> tuple[Path, ...]:
    """Return paths that begin at a root, which commas part."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for path in found:
        if (
            not path.isprintable()
            or Path(path).is_absolute()
            or ".." in Path(path).parts
        ):
            raise ConfigurationError(
                f"{origin.says(_shown(path))}: expected paths below neo4j.files_root, "
                "comma separated, such as .claude/settings.json"
            )
    return tuple(map(Path, found))


def modules(text: str, origin: Origin) -> tuple[str, ...]:
    """Return names of packages and modules, which commas part."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for dotted in names:
        if not all(part.isidentifier() for part in dotted.split(".")):
            raise ConfigurationError(
                f"{origin.says(_shown(dotted))}: expected names of packages or modules "
                "such as app.models, comma separated"
            )
    return names


def table_name(
    text: str, origin: Origin, *, most: int, reserved: frozenset[str]
) -> str:
    """Return the name of a table that is not one of the `reserved` ones."""
    word = text.strip()
    if len(word) > most or not word.isidentifier():
        raise ConfigurationError(
            f"{origin.says(_shown(word))}: expected a table's name, of letters, digits "
            f"and underscores, {most} at most"
        )
    if word.lower() in reserved:
        raise ConfigurationError(
            f"{origin.says(word)}: the ledger has a table of that name; expected "
            "another one, such as graph_version"
        )
    return word


def first_line(text: str, project: Path, origin: Origin, what: str) -> str:
    """Return the first line of a file that has a secret; `what` says which."""
    try:
        path = file_path(text, project, origin)
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"the {what} file {path} ({origin}) is not UTF-8 text"
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"the {what} file {path} ({origin}) can't be read: {error.strerror}"
        ) from error
    if not lines or not lines[0]:
        raise ConfigurationError(f"the {what} file {path} ({origin}) is empty")
    return lines[0]


def file_path(text: str, project: Path, origin: Origin) -> Path:
    """Return the path of a file, which is relative to the project's directory."""
    if not text.isprintable():
        raise ConfigurationError(f"{origin}: expected a path, found control characters")
    try:
        return project / Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"{origin.says(text)}: {_line(error)}") from None


def _shown(text: str) -> str:
    word = text.strip().encode("unicode_escape").decode("ascii")
    return word if len(word) <= 80 else f"{word[:77]}..."


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")

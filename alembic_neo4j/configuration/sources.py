"""The places that give our keys: ``-x``, the environment, the ini file, pyproject.toml.

Each key keeps the name of its place, so that a message names what was really read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from configparser import InterpolationError
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.config import Config

from alembic_neo4j.errors import ConfigurationError

PREFIX = "neo4j."
OURS, GENERAL = "ALEMBIC_NEO4J_", "NEO4J_"

_VARIABLES = {
    "URI": "url",
    "USERNAME": "username",
    "PASSWORD": "password",
    "PASSWORD_FILE": "password_file",
    "DATABASE": "database",
}
_CREDENTIALS = frozenset({"username", "password", "password_file"})
_LOGIN = "NEO4J_AUTH"
"""User and password in one, as Neo4j's container image takes them."""

_OURS_ALONE = {
    "ACTOR": "actor",
    "APP_VERSION": "app_version",
    "ENVIRONMENT": "environment",
}
_PLAIN = frozenset({"actor"})
"""The keys that ``-x`` also takes without their prefix."""

_LISTS = frozenset({"models", "hooks_paths"})
_BOOLEANS = frozenset({"enterprise", "compare_names"})
_NUMBERS = frozenset(
    {
        "schema_timeout",
        "lock_timeout",
        "batch_size",
        "throttle",
        "health_connectivity_timeout",
        "health_schema_timeout",
        "health_orphan_timeout",
    }
)


@dataclass(frozen=True)
class Origin:
    """What a key is called where it was read: an option, a variable, a file's key."""

    name: str
    file: str = ""

    @property
    def place(self) -> str:
        """The file in a message, nothing where there is none."""
        return f" in {self.file}" if self.file else ""

    def __str__(self) -> str:
        """Return it as messages name it."""
        return f"{self.name}{self.place}"

    def says(self, value: object) -> str:
        """Return a value that may be shown, as messages name it."""
        return f"{self.name} = {value}{self.place}"


@dataclass(frozen=True)
class Source:
    """The keys that one place gives, without their prefix, and where each stands."""

    keys: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)


def project_directory(config: Config) -> Path:
    """Return the directory of the configuration file, else the current one."""
    for name in (config.config_file_name, config.toml_file_name):
        if name and Path(name).exists():
            return Path(name).resolve().parent
    return Path.cwd()


def sources(
    config: Config, arguments: Sequence[str], known: Mapping[str, str]
) -> list[Source]:
    """Return what each place gives, the one that wins first.

    Raises ConfigurationError for a key that is not among the `known` ones.
    """
    found = [
        _command_line(arguments),
        _environment(OURS),
        _environment(GENERAL),
        _files(config),
    ]
    for source in found:
        for name in sorted(set(source.keys) - set(known)):
            where = source.origins[name].file or "-x"
            raise ConfigurationError(
                f"{where} has the unknown key neo4j.{name}; the keys are "
                + ", ".join(PREFIX + key for key in known)
            )
    return found


def alembic_option(
    config: Config, arguments: Sequence[str], key: str
) -> tuple[str, Origin]:
    """Return a key beside our own, of ``-x`` or the files, and where it is."""
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name == key:
            return value, Origin(f"-x {key}")
    with _interpolating(key):
        found: Any = config.get_alembic_option(key)
    origin = Origin(key, _file_of(config, key))
    if found is not None and not isinstance(found, str):
        raise ConfigurationError(f"{origin} has to be a text, not {_kind(found)}")
    return found or "", origin


def variable(name: str) -> tuple[str, Origin] | None:
    """Return a variable of ours, None where it is not set or empty."""
    value = os.environ.get(OURS + name)
    return (value, Origin(OURS + name)) if value else None


def _command_line(arguments: Sequence[str]) -> Source:
    pairs = (argument.partition("=") for argument in arguments)
    keys = {
        name.removeprefix(PREFIX): value
        for name, _, value in pairs
        if name.startswith(PREFIX) or name in _PLAIN
    }
    return Source(keys, {name: Origin(f"-x {PREFIX}{name}") for name in keys})


def _environment(prefix: str) -> Source:
    known = _VARIABLES if prefix == GENERAL else {**_VARIABLES, **_OURS_ALONE}
    given = {n: k for n, k in known.items() if os.environ.get(prefix + n)}
    keys = {key: os.environ[prefix + name] for name, key in given.items()}
    origins = {key: Origin(prefix + name) for name, key in given.items()}
    if prefix == GENERAL and "url" in keys and not _CREDENTIALS & set(keys):
        login = _login(os.environ.get(_LOGIN, ""))
        keys |= login
        origins |= dict.fromkeys(login, Origin(_LOGIN))
    return Source(keys, origins)


def _login(text: str) -> dict[str, str]:
    """Return what the variable of Neo4j's own container image says."""
    if not text:
        return {}
    if text == "none":
        return {"auth": "none"}
    user, slash, password = text.partition("/")
    if not user or not slash or not password:
        raise ConfigurationError(
            f"{_LOGIN}: expected none, or user and password with a slash between them, "
            "found neither. Give NEO4J_USERNAME and NEO4J_PASSWORD instead"
        )
    return {"username": user, "password": password}


def _files(config: Config) -> Source:
    ini = _ini_keys(config)
    keys = {**_toml_keys(config), **ini}
    names = {name: _name(config.config_file_name, "the ini file") for name in ini}
    toml = _name(config.toml_file_name, "pyproject.toml")
    return Source(
        keys, {key: Origin(PREFIX + key, names.get(key, toml)) for key in keys}
    )


def _file_of(config: Config, key: str) -> str:
    parser, section = config.file_config, config.config_ini_section
    if parser.has_option(section, key):
        return _name(config.config_file_name, "the ini file")
    if key in config.toml_alembic_config:
        return _name(config.toml_file_name, "pyproject.toml")
    return ""


def _name(file: str | os.PathLike[str] | None, otherwise: str) -> str:
    return Path(file).name if file else otherwise


def _ini_keys(config: Config) -> dict[str, str]:
    parser, section = config.file_config, config.config_ini_section
    keys = {}
    for name in parser.options(section) if parser.has_section(section) else ():
        if name.startswith(PREFIX):
            with _interpolating(name):
                keys[name.removeprefix(PREFIX)] = parser.get(section, name)
    return keys


@contextmanager
def _interpolating(name: str) -> Iterator[None]:
    try:
        yield
    except InterpolationError:
        # The parser's own message shows the value, which may be a password.
        raise ConfigurationError(
            f"{name} in the configuration file can't be read: write % as %%, except in "
            "%(here)s"
        ) from None


def _toml_keys(config: Config) -> dict[str, str]:
    table = config.toml_alembic_config
    ours: Any = table.get("neo4j", {})
    if not isinstance(ours, Mapping):
        raise ConfigurationError(
            "[tool.alembic] neo4j has to be a table: [tool.alembic.neo4j] with the "
            "keys url, models and so on"
        )
    keys = dict(ours)
    for name, value in table.items():
        if name.startswith(PREFIX):
            keys[name.removeprefix(PREFIX)] = value
    file = _name(config.toml_file_name, "pyproject.toml")
    here = str(project_directory(config))
    return {
        name: _toml_text(Origin(PREFIX + name, file), name, value, here)
        for name, value in keys.items()
    }


def _toml_text(origin: Origin, name: str, value: Any, here: str) -> str:
    if isinstance(value, str):
        return value.replace("%(here)s", here)
    if name in _LISTS and isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return ",".join(value)
        raise ConfigurationError(f"{origin} has to be a list of texts")
    if name in _BOOLEANS and isinstance(value, bool):
        return str(value).lower()
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name in _NUMBERS and is_number:
        return str(value)
    # The value is left out: it may be a password.
    expected = "a text"
    if name in _BOOLEANS:
        expected = "true or false"
    elif name in _NUMBERS:
        expected = "a number"
    elif name in _LISTS:
        expected = "a text or a list of texts"
    raise ConfigurationError(f"{origin}: expected {expected}, found {_kind(value)}")


def _kind(value: Any) -> str:
    words = {bool: "true or false", int: "a number", float: "a number", list: "a list"}
    if isinstance(value, Mapping):
        return "a table"
    return words.get(type(value), f"a {type(value).__name__}")

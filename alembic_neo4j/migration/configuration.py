"""Reading our keys: from ``-x``, the environment, the ini file and pyproject.toml."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from configparser import InterpolationError
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from alembic.config import Config

from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.graph.connection import Credentials, GraphSettings
from alembic_neo4j.graph.load_targets import BATCH_PROPERTY
from alembic_neo4j.ledger.tables import RESERVED

PREFIX = "neo4j."
LEDGER_URL = "sqlalchemy.url"
VERSION_TABLE = "version_table"
_DEFAULT_LEDGER = "neo4j_ledger.db"
_LONGEST_NAME = 63
"""How long a table's name may be in PostgreSQL."""

KEYS: Mapping[str, str] = {
    "url": "local, local:<version>, or an address such as neo4j+s://host",
    "database": "the database's name; the user's home database without it",
    "models": "the packages or modules of the neomodel models, comma separated",
    "auth": "basic (the default), none, bearer or kerberos",
    "username": "the user's name",
    "password": "the password or token; better in the environment or a file",
    "password_file": "a file whose first line is the password or token",
    "trusted_certificates": "a PEM file of the authorities to trust",
    "enterprise": "true: autogenerate writes what only Enterprise Edition can do",
    "compare_names": "true: a name that alone differs is a difference",
    "schema_timeout": "seconds to wait for an index to come online, and for a "
    "transaction of an application that is in the way of a schema command",
    "lock_timeout": "seconds to wait for another command that writes (300)",
    "batch_size": "how many nodes or relationships one transaction changes",
    "throttle": "seconds to pause before each transaction of a data change or a load, "
    "for the sake of those who use the graph (0)",
    "batch_property": "the property that tells which batch has created something "
    "(_alembic_batch)",
}
"""Every key of ours and what it means."""

Keys: TypeAlias = "Mapping[str, str]"

_SECRETS = {"password", "password_file"}
_CREDENTIALS = {"auth", "username", *_SECRETS}
_AUTH = ("none", "basic", "bearer", "kerberos")


@dataclass(frozen=True)
class Options:
    """How to compare and to run."""

    enterprise: bool = False
    compare_names: bool = False
    schema_timeout: float = 3600.0
    lock_timeout: float = 300.0
    batch_size: int | None = None
    throttle: float = 0.0
    batch_property: str = BATCH_PROPERTY


@dataclass(frozen=True)
class Configuration:
    """All that this project's files, environment and command line say."""

    ledger_url: str
    graph: GraphSettings
    version_table: str = "alembic_version"
    models: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)


def read_configuration(config: Config, arguments: Sequence[str] = ()) -> Configuration:
    """Return the configuration; `arguments` are the values of ``-x``.

    Raises ConfigurationError for a key or a value that is not known; no password is
    ever part of a message.
    """
    project = project_directory(config)
    sources = _sources(config, arguments)
    merged: dict[str, str] = {}
    for source in reversed(sources):
        merged.update(source)
    return Configuration(
        ledger_url=_ledger_url(config, arguments, project),
        graph=_graph_settings(sources, merged, project),
        version_table=_version_table(config, arguments),
        models=_names(merged.get("models", "")),
        options=_options(merged),
    )


def project_directory(config: Config) -> Path:
    """Return the directory of the configuration file, else the current one."""
    files = (config.config_file_name, config.toml_file_name)
    for name in files:
        if name and Path(name).exists():
            return Path(name).resolve().parent
    return Path.cwd()


def local_release(config: Config, arguments: Sequence[str] = ()) -> str | None:
    """Return the release of the local server that the project asks for, if any.

    It is that of the first source whose address is a local server. Raises
    ConfigurationError for a key that is not known.
    """
    for source in _sources(config, arguments):
        scheme, _, release = source.get("url", "").strip().partition(":")
        if scheme == "local":
            return release.strip() or None
    return None


def _sources(config: Config, arguments: Sequence[str]) -> list[dict[str, str]]:
    """The keys that each place gives, the one that wins first."""
    return [
        _x_keys(arguments),
        _environment_keys("ALEMBIC_NEO4J_"),
        _environment_keys("NEO4J_"),
        _file_keys(config),
    ]


def _graph_settings(
    sources: Sequence[Keys], merged: Keys, project: Path
) -> GraphSettings:
    source = next((s for s in sources if "url" in s), None)
    if source is None:
        raise ConfigurationError(
            "neo4j.url is not set: give `neo4j.url = local` for a server of our own, "
            "or an address such as neo4j+s://host, in the ini file or in "
            "ALEMBIC_NEO4J_URI"
        )
    command_line, *_, file = sources
    for given in (command_line, file):
        _check_scheme(given)
    certificates = {**source, **command_line}.get("trusted_certificates")
    return GraphSettings(
        url=_address(source["url"]),
        project=project,
        credentials=_credentials(_credential_keys(sources, source), project),
        database=merged.get("database") or None,
        trusted_certificates=_path(certificates, project) if certificates else None,
    )


def _address(url: str) -> str:
    if "@" in urlsplit(url).netloc:
        raise ConfigurationError(
            "neo4j.url has credentials in it, where logs would show them: give the "
            "address alone, and ALEMBIC_NEO4J_USERNAME and ALEMBIC_NEO4J_PASSWORD"
        )
    return url.strip()


def _credential_keys(sources: Sequence[Keys], source: Keys) -> dict[str, str]:
    # An address takes its credentials from where it stands, never another server's;
    # -x and our variables without an address are meant for whatever the address is.
    command_line, variables, *_ = sources
    keys = _given_credentials(source)
    if "url" not in variables:
        keys = _overlaid(keys, _given_credentials(variables))
    return _overlaid(keys, _given_credentials(command_line))


def _check_scheme(source: Keys) -> None:
    scheme = source.get("auth")
    if scheme and scheme not in _AUTH:
        raise ConfigurationError(
            f"neo4j.auth = {scheme}: expected one of {', '.join(_AUTH)}"
        )


def _given_credentials(source: Keys) -> dict[str, str]:
    return {k: v for k, v in source.items() if k in _CREDENTIALS}


def _overlaid(lower: Keys, upper: Keys) -> dict[str, str]:
    if _SECRETS & set(upper):
        lower = {k: v for k, v in lower.items() if k not in _SECRETS}
    return {**lower, **upper}


def _credentials(keys: Keys, project: Path) -> Credentials:
    secret = keys.get("password")
    if secret is None and "password_file" in keys:
        secret = _first_line(_path(keys["password_file"], project))
    scheme = keys.get("auth") or ("none" if secret is None else "basic")
    return Credentials(scheme, keys.get("username") or "neo4j", secret or "")


def _path(text: str, project: Path) -> Path:
    return project / Path(text).expanduser()


def _first_line(path: Path) -> str:
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise ConfigurationError(
            f"the password file {path} can't be read: {error.strerror}"
        ) from error
    if not lines:
        raise ConfigurationError(f"the password file {path} is empty")
    return lines[0]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _options(keys: Keys) -> Options:
    default = Options()
    return Options(
        enterprise=_boolean(keys, "enterprise"),
        compare_names=_boolean(keys, "compare_names"),
        schema_timeout=_number(keys, "schema_timeout") or default.schema_timeout,
        lock_timeout=_number(keys, "lock_timeout") or default.lock_timeout,
        batch_size=int(_number(keys, "batch_size") or 0) or None,
        throttle=_number(keys, "throttle") or default.throttle,
        batch_property=str(keys.get("batch_property", "")).strip()
        or default.batch_property,
    )


def _boolean(keys: Keys, name: str) -> bool:
    text = str(keys.get(name, "false")).strip().lower()
    if text in {"true", "yes", "on", "1"}:
        return True
    if text in {"false", "no", "off", "0", ""}:
        return False
    raise ConfigurationError(f"neo4j.{name} = {text}: expected true or false")


def _number(keys: Keys, name: str) -> float | None:
    text = str(keys.get(name, "")).strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number <= 0:
        raise ConfigurationError(f"neo4j.{name} = {text}: expected a number above 0")
    return number


def _ledger_url(config: Config, arguments: Sequence[str], project: Path) -> str:
    configured = _alembic_option(config, arguments, LEDGER_URL)
    return configured or f"sqlite:///{project / _DEFAULT_LEDGER}"


def _version_table(config: Config, arguments: Sequence[str]) -> str:
    name = _alembic_option(config, arguments, VERSION_TABLE).strip()
    if name and (len(name) > _LONGEST_NAME or not name.isidentifier()):
        raise ConfigurationError(
            f"{VERSION_TABLE} = {name}: expected a table's name, of letters, digits "
            f"and underscores, {_LONGEST_NAME} at most"
        )
    if name.lower() in RESERVED:
        raise ConfigurationError(
            f"{VERSION_TABLE} = {name}: the ledger has a table of that name; expected "
            "another one, such as graph_version"
        )
    return name or Configuration.version_table


def _alembic_option(config: Config, arguments: Sequence[str], key: str) -> str:
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name == key:
            return value
    with _interpolating(key):
        found: Any = config.get_alembic_option(key)
    return "" if found is None else str(found)


def _file_keys(config: Config) -> dict[str, str]:
    keys = {**_toml_keys(config), **_ini_keys(config)}
    return _known(keys, "the configuration file")


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
    here = str(project_directory(config))
    return {name: _toml_text(value, here) for name, value in keys.items()}


def _toml_text(value: Any, here: str) -> str:
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("%(here)s", here)


def _x_keys(arguments: Sequence[str]) -> dict[str, str]:
    pairs = (argument.partition("=") for argument in arguments)
    keys = {
        name.removeprefix(PREFIX): value
        for name, _, value in pairs
        if name.startswith(PREFIX)
    }
    return _known(keys, "-x")


def _environment_keys(prefix: str) -> dict[str, str]:
    names = {
        "URI": "url",
        "USERNAME": "username",
        "PASSWORD": "password",
        "PASSWORD_FILE": "password_file",
        "DATABASE": "database",
    }
    return {
        key: os.environ[prefix + name]
        for name, key in names.items()
        if os.environ.get(prefix + name)
    }


def _known(keys: Keys, where: str) -> dict[str, str]:
    unknown = sorted(set(keys) - set(KEYS))
    if unknown:
        raise ConfigurationError(
            f"{where} has the unknown key neo4j.{unknown[0]}; the keys are "
            + ", ".join(f"neo4j.{name}" for name in KEYS)
        )
    return dict(keys)

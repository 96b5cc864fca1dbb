"""What a project's configuration says, from the places that give its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.config import Config
from packaging.version import Version

from alembic_neo4j.configuration import key_values as values
from alembic_neo4j.configuration.sources import (
    PREFIX,
    Origin,
    Source,
    alembic_option,
    project_directory,
    sources,
    variable,
)
from alembic_neo4j.cypher.load_targets import BATCH_PROPERTY
from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.graph.connection import Credentials, GraphSettings
from alembic_neo4j.ledger.tables import RESERVED

LEDGER_URL = "sqlalchemy.url"
VERSION_TABLE = "version_table"
PRODUCTION = "production"
"""The ``neo4j.environment`` in which what was done is not forgotten."""

_DEFAULT_LEDGER = "neo4j_ledger.db"
_LONGEST_TABLE = 63
"""How long a table's name may be in PostgreSQL."""

_LONGEST_WAIT = 30 * 24 * 3600
_LONGEST_PAUSE = 3600
_LARGEST_BATCH = 1_000_000

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
    "model_rules": "check (the default): an upgrade is refused where the data break a "
    "rule that only the models have (required, choices, cardinality, patterns); "
    "report: they are told. A downgrade only tells",
    "throttle": "seconds to pause before each transaction of a data change or a load, "
    "for the sake of those who use the graph (0)",
    "files_root": "the directory of the files that revisions read and write; that of "
    "the configuration file without it",
    "app_version": "the version of the application, such as 1.7.0, which the ranges of "
    "revisions (from_version, to_version) are for; without it no range is asked",
    "hooks_paths": "the files that hooks are configured in, comma separated, from "
    "files_root on: what a HooksMigration changes",
    "batch_property": "the property that tells which batch has created something "
    "(_alembic_batch)",
    "environment": "what the graph is for: development (the default), test, staging or "
    "production, where `alembic-neo4j reset` is refused",
    "backup_before_upgrade": "never (the default); unsafe: a backup of the graph is "
    "made before a run with a revision that says rollback_safe = False; always: before "
    "each run",
    "backup_directory": "where backups of the graph are; neo4j_backups beside the "
    "configuration file without it",
    "health_connectivity_timeout": "seconds in which the graph has to answer, for "
    "`health` (5)",
    "health_schema_timeout": "seconds in which its indexes and constraints have to be "
    "compared (10)",
    "health_orphan_timeout": "seconds in which it has to be searched for nodes and "
    "relationships that no model accounts for (30)",
    "actor": "who acts, for the audit trail; -x actor=… is the same (the user of the "
    "system)",
}
"""Every key of ours and what it means."""

_SECRETS = {"password", "password_file"}
_CREDENTIALS = {"auth", "username", *_SECRETS}
_RULES = ("check", "report")
_BACKUPS = ("never", "unsafe", "always")
_BACKUP_DIRECTORY = "neo4j_backups"
_ENVIRONMENTS = ("development", "test", "staging", PRODUCTION)
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
    model_rules: str = "check"
    files_root: Path = Path()
    app_version: Version | None = None
    hooks_paths: tuple[Path, ...] = ()
    backup_before_upgrade: str = "never"
    backup_directory: Path = Path()
    health_connectivity_timeout: float = 5.0
    health_schema_timeout: float = 10.0
    health_orphan_timeout: float = 30.0
    actor: str = ""
    """Who acts, as the audit trail is told; empty for the user of the system."""
    environment: str = "development"

    @property
    def checks_rules(self) -> bool:
        """Whether data that break a rule of the models stand in an upgrade's way."""
        return self.model_rules == "check"


@dataclass(frozen=True)
class Configuration:
    """All that this project's files, environment and command line say.

    `ledger_origin` is where the ledger's URL was read, as messages name it.
    """

    ledger_url: str
    graph: GraphSettings
    version_table: str = "alembic_version"
    models: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    ledger_origin: str = LEDGER_URL


@dataclass(frozen=True)
class _Merged:
    """The keys of all places; the one that wins has its origin beside it."""

    source: Source

    def get(self, name: str) -> str:
        """Return a key's text, empty where it is not given."""
        return self.source.keys.get(name, "")

    def origin(self, name: str) -> Origin:
        """Return where a key was read."""
        return self.source.origins.get(name) or Origin(PREFIX + name)


def read_configuration(config: Config, arguments: Sequence[str] = ()) -> Configuration:
    """Return the configuration; `arguments` are the values of ``-x``.

    Raises ConfigurationError for a key or a value that is not known; no password is
    ever part of a message.
    """
    project = project_directory(config)
    places = sources(config, arguments, KEYS)
    merged = _merged(places)
    url, origin = _ledger_url(config, arguments, project)
    return Configuration(
        ledger_url=url,
        ledger_origin=origin.name,
        graph=_graph_settings(places, merged, project),
        version_table=_version_table(config, arguments),
        models=values.modules(merged.get("models"), merged.origin("models")),
        options=_options(merged, project),
    )


def read_options(config: Config, arguments: Sequence[str] = ()) -> Options:
    """Return the options alone, of a project whose graph need not be known."""
    merged = _merged(sources(config, arguments, KEYS))
    return _options(merged, project_directory(config))


def local_release(config: Config, arguments: Sequence[str] = ()) -> str | None:
    """Return the release of the local server that the project asks for, if any.

    It is that of the first source whose address is a local server. Raises
    ConfigurationError for a key that is not known.
    """
    for source in sources(config, arguments, KEYS):
        scheme, _, release = source.keys.get("url", "").strip().partition(":")
        if scheme == "local":
            return release.strip() or None
    return None


def _merged(places: Sequence[Source]) -> _Merged:
    keys: dict[str, str] = {}
    origins: dict[str, Origin] = {}
    for place in reversed(places):
        keys.update(place.keys)
        origins.update(place.origins)
    return _Merged(Source(keys, origins))


def _graph_settings(
    places: Sequence[Source], merged: _Merged, project: Path
) -> GraphSettings:
    source = next((place for place in places if "url" in place.keys), None)
    if source is None:
        raise ConfigurationError(
            "neo4j.url is not set: give `neo4j.url = local` for a server of our own, "
            "or an address such as neo4j+s://host, in the ini file or in "
            "ALEMBIC_NEO4J_URI"
        )
    for place in places:
        _check_credentials(place)
    credentials = _Merged(_credentials_source(places, source))
    certificates = _merged([places[0], source])
    path = certificates.get("trusted_certificates")
    origin = certificates.origin("trusted_certificates")
    url = values.address(source.keys["url"], source.origins["url"])
    named = {
        **{k: v for k, v in merged.source.origins.items() if k not in _CREDENTIALS},
        **{k: credentials.source.origins[k] for k in credentials.source.keys},
        "url": source.origins["url"],
    }
    return GraphSettings(
        url=url,
        project=project,
        credentials=_credentials(credentials, project),
        database=values.name(merged.get("database"), merged.origin("database")) or None,
        trusted_certificates=values.file_path(path, project, origin) if path else None,
        origins={key: str(found) for key, found in named.items()},
    )


def _check_credentials(place: Source) -> None:
    if place.keys.get("auth"):
        values.choice(place.keys["auth"], place.origins["auth"], _AUTH)
    if place.keys.keys() >= _SECRETS:
        raise ConfigurationError(
            f"{place.origins['password']} and {place.origins['password_file'].name} "
            "are both given: leave out one of them"
        )


def _credentials_source(places: Sequence[Source], source: Source) -> Source:
    # An address takes its credentials from where it stands, never another server's;
    # -x and our variables without an address are meant for whatever the address is.
    command_line, variables, *_ = places
    found = _overlaid(Source(), source)
    if "url" not in variables.keys:
        found = _overlaid(found, variables)
    return _overlaid(found, command_line)


def _overlaid(lower: Source, upper: Source) -> Source:
    given = {k: v for k, v in upper.keys.items() if k in _CREDENTIALS}
    kept = dict(lower.keys)
    if _SECRETS & set(given):
        kept = {k: v for k, v in kept.items() if k not in _SECRETS}
    keys = {**kept, **given}
    origins = {k: upper.origins[k] if k in given else lower.origins[k] for k in keys}
    return Source(keys, origins)


def _credentials(found: _Merged, project: Path) -> Credentials:
    keys = found.source.keys
    secret = keys.get("password")
    if secret is None and "password_file" in keys:
        origin = found.origin("password_file")
        secret = values.first_line(keys["password_file"], project, origin, "password")
    scheme = keys.get("auth") or ("none" if secret is None else "basic")
    return Credentials(scheme, keys.get("username") or "neo4j", secret or "")


def _options(found: _Merged, project: Path) -> Options:
    default = Options()

    root = found.get("files_root").strip()
    origin = found.origin("files_root")

    def read(
        name: str, parse: Callable[..., Any], otherwise: Any, **bounds: Any
    ) -> Any:
        text = found.get(name)
        if not text.strip():
            return otherwise
        return parse(text, found.origin(name), **bounds)

    return Options(
        enterprise=read("enterprise", values.boolean, default.enterprise),
        compare_names=read("compare_names", values.boolean, default.compare_names),
        schema_timeout=read(
            "schema_timeout",
            *(values.seconds, default.schema_timeout),
            least=0.001,
            most=_LONGEST_WAIT,
        ),
        lock_timeout=read(
            "lock_timeout",
            *(values.seconds, default.lock_timeout),
            least=0,
            most=_LONGEST_WAIT,
        ),
        batch_size=read(
            "batch_size",
            values.whole_number,
            default.batch_size,
            most=_LARGEST_BATCH,
        ),
        throttle=read(
            "throttle",
            *(values.seconds, default.throttle),
            least=0,
            most=_LONGEST_PAUSE,
        ),
        **{
            name: read(
                name,
                values.seconds,
                getattr(default, name),
                least=0.001,
                most=_LONGEST_WAIT,
            )
            for name in (
                "health_connectivity_timeout",
                "health_schema_timeout",
                "health_orphan_timeout",
            )
        },
        batch_property=read("batch_property", values.name, default.batch_property),
        model_rules=read(
            "model_rules", values.choice, default.model_rules, choices=_RULES
        ),
        backup_before_upgrade=read(
            "backup_before_upgrade",
            values.choice,
            default.backup_before_upgrade,
            choices=_BACKUPS,
        ),
        backup_directory=values.file_path(
            found.get("backup_directory").strip() or _BACKUP_DIRECTORY,
            project,
            found.origin("backup_directory"),
        ),
        files_root=values.file_path(root, project, origin) if root else project,
        hooks_paths=read("hooks_paths", values.paths, default.hooks_paths),
        app_version=read("app_version", values.version, default.app_version),
        actor=read("actor", values.name, default.actor),
        environment=read(
            "environment", values.choice, default.environment, choices=_ENVIRONMENTS
        ),
    )


def _ledger_url(
    config: Config, arguments: Sequence[str], project: Path
) -> tuple[str, Origin]:
    configured, origin = alembic_option(config, arguments, LEDGER_URL)
    if origin.name.startswith("-x"):
        return configured, origin
    given, file = variable("LEDGER_URL"), variable("LEDGER_URL_FILE")
    if given and file:
        raise ConfigurationError(
            f"{given[1]} and {file[1]} are both given: leave out one of them"
        )
    if given:
        return given
    if file:
        return values.first_line(file[0], project, file[1], "ledger URL"), file[1]
    return configured or f"sqlite:///{project / _DEFAULT_LEDGER}", origin


def _version_table(config: Config, arguments: Sequence[str]) -> str:
    given, origin = alembic_option(config, arguments, VERSION_TABLE)
    if not given.strip():
        return Configuration.version_table
    return values.table_name(given, origin, most=_LONGEST_TABLE, reserved=RESERVED)

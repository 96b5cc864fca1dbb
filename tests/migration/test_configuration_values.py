"""Wrong values of each key, wherever it stands: one line, and nothing secret in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.configuration.project import (
    KEYS,
    Configuration,
    Options,
    read_configuration,
)
from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.ledger.engine import connect, open_engine
from tests.migration.project import NOWHERE, Project

NO_NUMBERS = ["nan", "inf", "-inf", "Infinity", "-1", "1e999", "text", "true", "0x10"]
WRONG: dict[str, list[str]] = {
    "url": [
        "",
        "nonsense",
        "http://host",
        "bolt://",
        "bolt://[::1",
        "bolt://host:99999",
        "bolt://host:port",
        "bolt://host:0",
        "bolt://host:-1",
        "bolt://host?password=s3cret",
        "bolt://host#s3cret",
        "bolt://neo4j:s3cret@host",
        "bolt://s3cret@host",
        "bolt://ho st",
        "bolt://host/s3cret",
        "local:../x",
    ],
    "database": ["x" * 256, "a\x1bb"],
    "models": ["a-b", "a..b", "1st", "a/b.py", "models; import os"],
    "auth": ["oauth", "BASIC", "5"],
    "password_file": ["no/such/file", "."],
    "enterprise": ["perhaps", "2", "nan"],
    "compare_names": ["perhaps", "-1", "inf"],
    "schema_timeout": [*NO_NUMBERS, "0", "2592001", "1e300"],
    "lock_timeout": [*NO_NUMBERS, "2592001", "1e300"],
    "throttle": [*NO_NUMBERS, "3601", "1e300"],
    "batch_size": [*NO_NUMBERS, "0", "2.5", "1e3", "1_000", "1000001", "9" * 400],
    "backup_before_upgrade": ["sometimes", "ALWAYS", "true"],
    "backup_directory": ["a\x1bb", "a\x00b"],
    "health_connectivity_timeout": [*NO_NUMBERS, "0", "2592001"],
    "health_schema_timeout": [*NO_NUMBERS, "0", "2592001"],
    "health_orphan_timeout": [*NO_NUMBERS, "0", "2592001"],
    "model_rules": ["off", "CHECK", "true", "0"],
    "files_root": ["a\x1bb", "a\x00b"],
    "batch_property": ["x" * 256, "a\x1bb"],
    "hooks_paths": ["/etc/hooks.json", "a.json, ../b.json", "a\x1bb"],
    "app_version": ["one", "1.x", "v", "1.7.0 beta two"],
    "environment": ["prod", "Production", "true"],
    "actor": ["x" * 256, "a\x1bb"],
}
NEVER_WRONG = {"username", "password", "trusted_certificates"}
"""Any text may be one; a file that is not there is told when it is needed."""

CASES = [(key, value) for key, values in WRONG.items() for value in values]
IDS = [f"{key}={value[:20]!a}" for key, value in CASES]


def _wrong(project: Project, *arguments: str, **config: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(project.config(**config), arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert "s3cret" not in message
    assert message.isprintable()
    assert len(message) < 600
    return message


def _toml(project: Project, line: str) -> dict[str, str]:
    path = project.path / "pyproject.toml"
    path.write_text(f"[tool.alembic]\n[tool.alembic.neo4j]\n{line}\n")
    return {"toml_file": str(path)}


def test_every_key_has_its_wrong_values() -> None:
    assert {*WRONG, *NEVER_WRONG} == set(KEYS)


@pytest.mark.parametrize(("key", "value"), CASES, ids=IDS)
def test_in_the_ini_file(project: Project, key: str, value: str) -> None:
    project.set(f"neo4j.{key}", value)
    message = _wrong(project)
    assert f"neo4j.{key}" in message
    assert "neo4j.ini" in message


@pytest.mark.parametrize(("key", "value"), CASES, ids=IDS)
def test_on_the_command_line(project: Project, key: str, value: str) -> None:
    assert f"-x neo4j.{key}" in _wrong(project, f"neo4j.{key}={value}")


@pytest.mark.parametrize(
    "line",
    [
        "schema_timeout = nan",
        "schema_timeout = inf",
        "lock_timeout = -inf",
        "lock_timeout = -1",
        "throttle = nan",
        "throttle = true",
        "throttle = [1]",
        "batch_size = 0",
        "batch_size = 2.5",
        "batch_size = true",
        "batch_size = 10000000000000000000000",
        "batch_size = {a = 1}",
        "batch_property = 5",
        "batch_property = ['s3cret']",
        "enterprise = 1.5",
        "enterprise = ['s3cret']",
        "compare_names = 'perhaps'",
        "compare_names = 1979-05-27",
        "url = ['bolt://s3cret']",
        "url = 5",
        "url = true",
        "url = {s3cret = 1}",
        "url = 'bolt://[::1'",
        "database = 5",
        "database = ['s3cret']",
        "models = 5",
        "models = [5]",
        "models = {a = 1}",
        "auth = true",
        "auth = 'oauth'",
        "username = 5",
        "password = 5",
        "password = ['s3cret']",
        "password_file = true",
        "trusted_certificates = ['a.pem']",
    ],
)
def test_in_toml(project: Project, line: str) -> None:
    key = line.partition(" ")[0]
    if key == "url":
        project.set("neo4j.url", None)
    config = _toml(project, line)
    message = _wrong(project, **config)
    assert f"neo4j.{key}" in message
    assert "pyproject.toml" in message


@pytest.mark.parametrize("url", WRONG["url"][1:])
@pytest.mark.parametrize("name", ["ALEMBIC_NEO4J_URI", "NEO4J_URI"])
def test_in_the_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch, url: str, name: str
) -> None:
    monkeypatch.setenv(name, url)
    message = _wrong(project)
    assert message.startswith(name)


@pytest.mark.parametrize("key", [key for key in KEYS if key != "url"])
def test_an_empty_value_is_the_default(project: Project, key: str) -> None:
    default = read_configuration(project.config())
    project.set(f"neo4j.{key}", "")
    if key == "models":
        assert read_configuration(project.config()).models == ()
    elif key == "password_file":
        assert "password file" in _wrong(project)
    elif key != "password":
        assert read_configuration(project.config()) == default


def test_the_ends_of_the_ranges(project: Project) -> None:
    def options(*arguments: str) -> Options:
        return read_configuration(project.config(), arguments).options

    assert options("neo4j.lock_timeout=0").lock_timeout == 0
    assert options("neo4j.throttle=0").throttle == 0
    assert options("neo4j.throttle=3600").throttle == 3600
    assert options("neo4j.schema_timeout=0.001").schema_timeout == 0.001
    assert options("neo4j.batch_size=1").batch_size == 1
    assert options("neo4j.batch_size=1000000").batch_size == 1_000_000


@pytest.mark.parametrize(
    "url",
    ["bolt://[::1]:7687", "neo4j+s://a.b", "bolt://h:1/", "local:5.26.30", " local "],
)
def test_addresses_that_are_right(project: Project, url: str) -> None:
    assert read_configuration(project.config(), [f"neo4j.url={url}"]).graph.url == (
        url.strip()
    )


# Files of secrets ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"s3cret\xff\n", "is not UTF-8 text"),
        (b"\xff\xfes\x003\x00", "is not UTF-8 text"),
        (b"", "is empty"),
        (b"\ns3cret", "is empty"),
        (None, "No such file"),
    ],
)
@pytest.mark.parametrize("name", ["PASSWORD_FILE", "LEDGER_URL_FILE"])
def test_a_file_of_a_secret_that_has_none(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
    told: str,
    name: str,
) -> None:
    path = project.path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(f"ALEMBIC_NEO4J_{name}", "secret")
    message = _wrong(project)
    assert str(path) in message
    assert f"ALEMBIC_NEO4J_{name}" in message
    assert told in message


def test_a_directory_is_no_file_of_a_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALEMBIC_NEO4J_PASSWORD_FILE", str(project.path))
    assert "Is a directory" in _wrong(project)


def test_a_byte_order_mark_is_no_part_of_a_password(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.path / "secret").write_text("s3cret\n", "utf-8-sig")
    monkeypatch.setenv("ALEMBIC_NEO4J_PASSWORD_FILE", "secret")
    found = read_configuration(project.config()).graph.credentials
    assert found.secret == "s3cret"


@pytest.mark.parametrize("name", ["PASSWORD", "LEDGER_URL"])
def test_a_variable_and_its_file_are_one_too_many(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (project.path / "secret").write_text("s3cret\n")
    monkeypatch.setenv(f"ALEMBIC_NEO4J_{name}", "s3cret")
    monkeypatch.setenv(f"ALEMBIC_NEO4J_{name}_FILE", "secret")
    message = _wrong(project)
    assert f"ALEMBIC_NEO4J_{name} and ALEMBIC_NEO4J_{name}_FILE are both given" in (
        message
    )


@pytest.mark.parametrize("where", ["ini", "x"])
def test_a_password_and_its_file_are_one_too_many(project: Project, where: str) -> None:
    (project.path / "secret").write_text("s3cret\n")
    pairs = ("neo4j.password", "s3cret"), ("neo4j.password_file", "secret")
    arguments = []
    for key, value in pairs:
        if where == "ini":
            project.set(key, value)
        else:
            arguments.append(f"{key}={value}")
    assert "are both given" in _wrong(project, *arguments)


# The ledger ---------------------------------------------------------------------------


def test_the_ledgers_url_from_the_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(*arguments: str) -> Configuration:
        return read_configuration(project.config(), arguments)

    assert found().ledger_origin == "sqlalchemy.url"
    (project.path / "address").write_text("sqlite:///of_file.db\n")
    monkeypatch.setenv("ALEMBIC_NEO4J_LEDGER_URL_FILE", "address")
    assert found().ledger_url == "sqlite:///of_file.db"
    assert found().ledger_origin == "ALEMBIC_NEO4J_LEDGER_URL_FILE"
    monkeypatch.delenv("ALEMBIC_NEO4J_LEDGER_URL_FILE")
    monkeypatch.setenv("ALEMBIC_NEO4J_LEDGER_URL", "sqlite:///of_variable.db")
    assert found().ledger_url == "sqlite:///of_variable.db"
    assert found().ledger_origin == "ALEMBIC_NEO4J_LEDGER_URL"
    of_x = found("sqlalchemy.url=sqlite:///of_x.db")
    assert of_x.ledger_url == "sqlite:///of_x.db"
    assert of_x.ledger_origin == "-x sqlalchemy.url"


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "://",
        "postgresql://me:s3cret@h:port/db",
        "postgresql://me:s3cret@h:99999/db",
        "nothing://me:s3cret@h/db",
        "postgresql+nothing://me:s3cret@h/db",
        "mysql+nothing://h/db?password=s3cret",
        "postgresql+psycopg://127.0.0.1:1/db?password=s3cret",
        "postgresql+psycopg://me:s3cret@127.0.0.1:1/db",
        "postgresql+psycopg://me:p@127.0.0.1:1/db?nonsense=s3cret",
        "neo4j+s://me:s3cret@host",
    ],
)
@pytest.mark.parametrize("where", ["ini", "x", "variable"])
def test_a_ledgers_url_that_is_rubbish(
    project: Project, monkeypatch: pytest.MonkeyPatch, url: str, where: str
) -> None:
    arguments, name = [], "sqlalchemy.url"
    if where == "ini":
        project.set("sqlalchemy.url", url)
    elif where == "x":
        arguments, name = ["-x", f"sqlalchemy.url={url}"], "-x sqlalchemy.url"
    else:
        name = "ALEMBIC_NEO4J_LEDGER_URL"
        monkeypatch.setenv(name, url)
    outcome = project.run(*arguments, "current")
    assert outcome.status == 255, outcome.text
    assert "Traceback" not in outcome.text
    assert "s3cret" not in outcome.text
    message = outcome.out.partition("FAILED: ")[2].strip()
    assert name in message
    assert "\n" not in message
    status = project.verb("status", *arguments)
    assert status.status == 2
    assert "s3cret" not in status.text


def test_an_engine_says_where_its_url_was_read(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}", "HERE")
    with pytest.raises(ConfigurationError, match="Correct HERE"):
        connect(engine, "HERE")


# What messages name -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("ini", "neo4j.url in neo4j.ini"),
        ("x", "-x neo4j.url"),
        ("ALEMBIC_NEO4J_URI", "ALEMBIC_NEO4J_URI"),
        ("NEO4J_URI", "NEO4J_URI"),
    ],
)
def test_an_address_where_nothing_answers_is_named_by_its_place(
    project: Project, monkeypatch: pytest.MonkeyPatch, where: str, name: str
) -> None:
    project.revision("r1", "op.run_cypher('CREATE ()')")
    arguments = []
    if where == "x":
        arguments = ["-x", f"neo4j.url={NOWHERE}"]
    elif where == "ini":
        project.set("neo4j.url", NOWHERE)
    else:
        monkeypatch.setenv(where, NOWHERE)
    message = project.failed(*arguments, "upgrade", "head")
    assert message.endswith(f"or correct its address, {name}")


def test_a_ledger_and_a_graph_that_do_not_fit_are_named_by_their_places(
    chain: Project, neo4j_graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.done("upgrade", "r1")
    other = f"sqlite:///{chain.path}/other.db"
    monkeypatch.setenv("ALEMBIC_NEO4J_LEDGER_URL", other)
    message = chain.failed("upgrade", "head")
    assert "Correct ALEMBIC_NEO4J_LEDGER_URL or ALEMBIC_NEO4J_URI" in message


# Files of the configuration -----------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff[alembic]\nscript_location = migrations\nneo4j.password = s3cret\n",
        "[alembic]\nneo4j.password = s3cret\nneo4j.password = s3cret\n",
        "neo4j.password = s3cret\n",
        "[other]\nneo4j.password = s3cret\n",
        "",
    ],
    ids=["mark", "twice", "no section", "another section", "empty"],
)
def test_a_file_that_is_no_ini_file(project: Project, text: str) -> None:
    project.ini.write_text(text, "utf-8")
    for verb in ("status", "verify", "plan"):
        outcome = project.verb(verb)
        assert outcome.status == 2, outcome.text
        assert "s3cret" not in outcome.text
        assert "Traceback" not in outcome.text
        assert len(outcome.err.strip().splitlines()) == 1, outcome.err

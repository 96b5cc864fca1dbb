"""Where each key may stand, which place wins, and that no secret is ever shown."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import neo4j
import pytest

from alembic_neo4j.configuration.project import Configuration, read_configuration
from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.graph.connection import Credentials, Graph
from alembic_neo4j.pytest_plugin import Neo4jServer
from tests.migration.project import NOWHERE, Project, indexes

TOML = """
[tool.alembic]
script_location = "%(here)s/migrations"
prepend_sys_path = ["."]
"sqlalchemy.url" = "sqlite:///%(here)s/ledger_of_toml.db"

[tool.alembic.neo4j]
"""


def _read(project: Project, *arguments: str) -> Configuration:
    return read_configuration(project.config(), arguments)


def _toml(project: Project, text: str, head: str = TOML) -> None:
    (project.path / "pyproject.toml").write_text(head + text)


def test_the_file_alone(project: Project) -> None:
    project.set("neo4j.url", "bolt://file:7687")
    project.set("neo4j.database", "movies")
    project.set("neo4j.models", "app.models, app.more,")
    project.set("neo4j.enterprise", "true")
    project.set("neo4j.batch_size", "500")
    project.set("neo4j.schema_timeout", "1.5")
    project.set("neo4j.throttle", "0.25")
    found = _read(project)
    assert found.ledger_url == f"sqlite:///{project.ledger}"
    assert found.graph.url == "bolt://file:7687"
    assert found.graph.credentials == Credentials()
    assert found.graph.database == "movies"
    assert found.models == ("app.models", "app.more")
    assert found.options.enterprise
    assert found.options.batch_size == 500
    assert found.options.schema_timeout == 1.5
    assert found.options.throttle == 0.25


def test_each_place_wins_over_the_next(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.set("neo4j.url", "bolt://file")
    project.set("neo4j.database", "of_file")
    assert _read(project).graph.url == "bolt://file"
    monkeypatch.setenv("NEO4J_URI", "bolt://general")
    monkeypatch.setenv("NEO4J_DATABASE", "of_general")
    assert _read(project).graph.url == "bolt://general"
    monkeypatch.setenv("ALEMBIC_NEO4J_URI", "bolt://ours")
    assert _read(project).graph.url == "bolt://ours"
    assert _read(project).graph.database == "of_general"
    monkeypatch.setenv("ALEMBIC_NEO4J_DATABASE", "of_ours")
    assert _read(project).graph.database == "of_ours"
    found = _read(project, "neo4j.url=bolt://x", "neo4j.database=of_x", "other=1")
    assert (found.graph.url, found.graph.database) == ("bolt://x", "of_x")


def test_an_address_takes_its_own_credentials(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.set("neo4j.url", "bolt://file")
    project.set("neo4j.username", "file_user")
    project.set("neo4j.password", "file_secret")
    of_file = Credentials("basic", "file_user", "file_secret")
    monkeypatch.setenv("NEO4J_USERNAME", "general_user")
    monkeypatch.setenv("NEO4J_PASSWORD", "general_secret")
    assert _read(project).graph.credentials == of_file
    monkeypatch.setenv("NEO4J_URI", "bolt://general")
    found = _read(project).graph.credentials
    assert found == Credentials("basic", "general_user", "general_secret")
    monkeypatch.setenv("ALEMBIC_NEO4J_URI", "bolt://ours")
    assert _read(project).graph.credentials == Credentials()
    monkeypatch.setenv("ALEMBIC_NEO4J_PASSWORD", "our_secret")
    ours = Credentials("basic", "neo4j", "our_secret")
    assert _read(project).graph.credentials == ours
    other = _read(project, "neo4j.url=bolt://other").graph
    assert (other.url, other.credentials) == ("bolt://other", Credentials())


def test_the_variable_of_the_container_image(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.set("neo4j.url", "bolt://file")
    monkeypatch.setenv("NEO4J_AUTH", "neo4j/with/slashes")
    assert _read(project).graph.credentials == Credentials()
    monkeypatch.setenv("NEO4J_URI", "bolt://general")
    found = _read(project).graph
    assert found.credentials == Credentials("basic", "neo4j", "with/slashes")
    assert found.origin("password") == "NEO4J_AUTH"
    monkeypatch.setenv("NEO4J_AUTH", "none")
    assert _read(project).graph.credentials.scheme == "none"
    monkeypatch.setenv("NEO4J_PASSWORD", "of its own")
    found = _read(project).graph
    assert found.credentials == Credentials("basic", "neo4j", "of its own")
    monkeypatch.delenv("NEO4J_PASSWORD")
    for wrong in ("s3cret", "/s3cret", "neo4j/"):
        monkeypatch.setenv("NEO4J_AUTH", wrong)
        with pytest.raises(ConfigurationError, match="NEO4J_AUTH: expected") as caught:
            _read(project)
        assert "s3cret" not in str(caught.value)


def test_the_password_of_an_example_is_warned_of(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_URI", NOWHERE)
    monkeypatch.setenv("NEO4J_AUTH", "neo4j/changeme")
    outcome = project.run("current")
    assert "everybody knows" in outcome.err
    assert "NEO4J_AUTH" in outcome.err
    assert "changeme" not in outcome.text
    monkeypatch.setenv("NEO4J_AUTH", "neo4j/another")
    assert "everybody knows" not in project.run("current").err


def test_our_variables_without_an_address_are_for_the_files(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.set("neo4j.url", "bolt://file")
    project.set("neo4j.username", "file_user")
    project.set("neo4j.password_file", "secret")
    (project.path / "secret").write_text("of file\nmore\n")
    found = _read(project).graph.credentials
    assert found == Credentials("basic", "file_user", "of file")
    monkeypatch.setenv("ALEMBIC_NEO4J_PASSWORD", "ours")
    found = _read(project).graph.credentials
    assert found == Credentials("basic", "file_user", "ours")
    (project.path / "other").write_text("of x\n")
    found = _read(project, "neo4j.password_file=other").graph.credentials
    assert found == Credentials("basic", "file_user", "of x")


def test_a_password_file_of_the_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("s3cret\r\n")
    monkeypatch.setenv("ALEMBIC_NEO4J_URI", "bolt://ours")
    monkeypatch.setenv("ALEMBIC_NEO4J_PASSWORD_FILE", str(tmp_path / "secret"))
    assert _read(project).graph.credentials == Credentials("basic", "neo4j", "s3cret")


@pytest.mark.parametrize("content", [None, ""])
def test_a_password_file_that_has_none(project: Project, content: str | None) -> None:
    project.set("neo4j.password_file", "secret")
    if content is not None:
        (project.path / "secret").write_text(content)
    message = project.failed("upgrade", "head")
    assert str(project.path / "secret") in message


@pytest.mark.parametrize("scheme", ["none", "basic", "bearer", "kerberos"])
def test_each_way_to_authenticate(project: Project, scheme: str) -> None:
    project.set("neo4j.auth", scheme)
    project.set("neo4j.password", "token")
    assert _read(project).graph.credentials == Credentials(scheme, "neo4j", "token")


@pytest.mark.parametrize("where", ["ours", "general", "x"])
def test_the_files_way_to_authenticate_is_for_the_files_address(
    project: Project, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    project.set("neo4j.url", "bolt://file")
    project.set("neo4j.auth", "bearer")
    project.set("neo4j.trusted_certificates", "ca.pem")
    prefix = "NEO4J_" if where == "general" else "ALEMBIC_NEO4J_"
    monkeypatch.setenv(f"{prefix}PASSWORD", "s3cret")
    of_file = _read(project).graph
    assert of_file.trusted_certificates == project.path / "ca.pem"
    assert of_file.credentials.scheme == "bearer"
    arguments = ["neo4j.url=bolt://other"] if where == "x" else []
    if where != "x":
        monkeypatch.setenv(f"{prefix}URI", "bolt://other")
    found = _read(project, *arguments).graph
    assert found.url == "bolt://other"
    assert found.credentials == Credentials("basic", "neo4j", "s3cret")
    assert found.trusted_certificates is None
    arguments += ["neo4j.auth=kerberos", "neo4j.trusted_certificates=of_x.pem"]
    found = _read(project, *arguments).graph
    assert found.credentials == Credentials("kerberos", "neo4j", "s3cret")
    assert found.trusted_certificates == project.path / "of_x.pem"


def test_the_files_way_to_authenticate_holds_for_the_environments_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.set("neo4j.auth", "bearer")
    monkeypatch.setenv("ALEMBIC_NEO4J_PASSWORD", "token")
    assert _read(project).graph.credentials == Credentials("bearer", "neo4j", "token")


def test_credentials_show_no_secret() -> None:
    assert "s3cret" not in repr(Credentials("basic", "neo4j", "s3cret"))


@pytest.mark.parametrize("where", ["ini", "toml", "x"])
def test_an_unknown_key_is_an_error(project: Project, where: str) -> None:
    arguments = []
    if where == "ini":
        project.set("neo4j.databse", "movies")
    elif where == "toml":
        _toml(project, 'databse = "movies"')
    else:
        arguments = ["-x", "neo4j.databse=movies"]
    for verb in ("upgrade head", "current", "check"):
        message = project.failed(
            *arguments, *verb.split(), config=["neo4j.ini", "pyproject.toml"]
        )
        assert "unknown key neo4j.databse" in message
        assert "neo4j.database" in message
    assert not project.ledger.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("neo4j.enterprise", "perhaps"),
        ("neo4j.batch_size", "many"),
        ("neo4j.batch_size", "-1"),
        ("neo4j.schema_timeout", "0"),
        ("neo4j.throttle", "slowly"),
        ("neo4j.auth", "oauth"),
        ("sqlalchemy.url", "nonsense"),
        ("sqlalchemy.url", "neo4j+s://host"),
        ("sqlalchemy.url", "sqlite://ledger.db"),
        ("sqlalchemy.url", "sqlite:///no/such/directory/ledger.db"),
        ("sqlalchemy.url", "sqlite:///%(here)s"),
    ],
)
def test_a_value_that_makes_no_sense(
    live: Project, neo4j_graph: Graph, key: str, value: str
) -> None:
    live.revision("r1")
    live.set(key, value)
    message = live.failed("upgrade", "head")
    assert key in message
    assert neo4j_graph.read("MATCH (n) RETURN n") == []


def test_a_file_that_is_no_database(live: Project) -> None:
    live.revision("r1")
    live.ledger.write_text("not a database, but a text that is long enough " * 100)
    for verb in (["upgrade", "head"], ["current"]):
        assert "the ledger sqlite:///" in live.failed(*verb)


def test_no_address_at_all(project: Project) -> None:
    project.set("neo4j.url", None)
    assert "neo4j.url is not set" in project.failed("upgrade", "head")


@pytest.mark.parametrize("key", ["neo4j.password", "sqlalchemy.url"])
def test_a_percent_sign_is_explained_without_the_value(
    project: Project, key: str
) -> None:
    project.set(key, "postgresql://u:s3%cret@host/db")
    message = project.failed("current")
    assert f"{key} in the configuration file can't be read: write % as %%" in message
    assert "cret" not in project.run("current").text


def test_credentials_in_the_address_are_refused(project: Project) -> None:
    project.set("neo4j.url", "bolt://neo4j:s3cret@127.0.0.1:1")
    outcome = project.run("upgrade", "head")
    assert outcome.status == 255
    assert "neo4j.url has credentials in it" in outcome.text
    assert "s3cret" not in outcome.text


def test_x_wins_for_the_installed_program(chain: Project, neo4j_graph: Graph) -> None:
    other = chain.path / "other.db"
    done = chain.program(
        *("-c", "neo4j.ini", "-x", f"sqlalchemy.url=sqlite:///{other}"),
        *("-x", "neo4j.database=neo4j", "upgrade", "r1"),
    )
    assert done.status == 0, done.text
    assert other.exists()
    assert not chain.ledger.exists()
    assert indexes(neo4j_graph) == {"i1"}
    done = chain.program(
        "-c", "neo4j.ini", "-x", "neo4j.url=bolt://127.0.0.1:1", "upgrade", "head"
    )
    assert done.status == 255
    assert "no Neo4j answers at bolt://127.0.0.1:1" in done.out


def test_the_password_may_come_from_a_file(
    chain: Project, neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (chain.path / "secret").write_text(neo4j_server.password + "\n")
    for name in ("URI", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"ALEMBIC_NEO4J_{name}")
    chain.set("neo4j.url", neo4j_server.url)
    chain.set("neo4j.password_file", "%(here)s/secret")
    chain.done("upgrade", "r1")
    chain.set("neo4j.password_file", None)
    monkeypatch.setenv("ALEMBIC_NEO4J_PASSWORD_FILE", "secret")
    chain.done("upgrade", "r2")
    monkeypatch.delenv("ALEMBIC_NEO4J_PASSWORD_FILE")
    monkeypatch.setenv("NEO4J_URI", neo4j_server.url)
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    chain.done("upgrade", "r3")
    files = [p for p in chain.path.rglob("*") if p.is_file() and p.name != "secret"]
    for path in files:
        assert neo4j_server.password.encode() not in path.read_bytes(), path


def test_pyproject_alone(chain: Project, neo4j_graph: Graph) -> None:
    _toml(chain, 'url = "local"\nmodels = ["models"]\nenterprise = false\n')
    chain.ini.unlink()
    done = chain.program("upgrade", "head")
    assert done.status == 0, done.text
    assert (chain.path / "ledger_of_toml.db").exists()
    assert indexes(neo4j_graph) == {"i1", "i2", "i3"}
    assert chain.program("current").out.strip() == "r3 (head)"


def test_the_ini_file_wins_over_pyproject(project: Project) -> None:
    from alembic.config import Config

    _toml(
        project,
        'url = "bolt://toml"\ndatabase = "toml"\nbatch_size = 7\n'
        'trusted_certificates = "%(here)s/ca.pem"\n',
    )
    config = Config(str(project.ini), toml_file=str(project.path / "pyproject.toml"))
    project.set("neo4j.url", "bolt://ini")
    found = read_configuration(config)
    assert found.graph.url == "bolt://ini"
    assert found.graph.database == "toml"
    assert found.options.batch_size == 7
    assert found.graph.trusted_certificates == project.path / "ca.pem"
    assert found.ledger_url == f"sqlite:///{project.ledger}"
    project.set("sqlalchemy.url", None)
    config = Config(str(project.ini), toml_file=str(project.path / "pyproject.toml"))
    url = read_configuration(config).ledger_url
    assert url == f"sqlite:///{project.path}/ledger_of_toml.db"


def test_pyproject_with_quoted_keys(project: Project) -> None:
    from alembic.config import Config

    head = TOML.replace("[tool.alembic.neo4j]", "")
    _toml(project, '"neo4j.url" = "bolt://quoted"\n', head)
    config = Config(toml_file=str(project.path / "pyproject.toml"))
    assert read_configuration(config).graph.url == "bolt://quoted"
    _toml(project, 'neo4j = "bolt://no-table"\n', head)
    config = Config(toml_file=str(project.path / "pyproject.toml"))
    with pytest.raises(ConfigurationError, match=r"\[tool.alembic.neo4j\]"):
        read_configuration(config)


def test_the_ledger_is_beside_the_file_without_a_url(project: Project) -> None:
    project.set("sqlalchemy.url", None)
    assert _read(project).ledger_url == f"sqlite:///{project.path / 'neo4j_ledger.db'}"


def test_several_graphs_by_sections(chain: Project, neo4j_graph: Graph) -> None:
    text = chain.ini.read_text()
    section = (
        "\n[staging]\nscript_location = %(here)s/migrations\npath_separator = os\n"
        "sqlalchemy.url = sqlite:///%(here)s/staging.db\nneo4j.url = bolt://staging\n"
        "neo4j.batch_size = 3\n"
    )
    chain.ini.write_text(text + section)
    config = chain.config(ini_section="staging")
    found = read_configuration(config)
    assert found.options.batch_size == 3
    assert found.ledger_url == f"sqlite:///{chain.path}/staging.db"
    chain.done("-n", "staging", "upgrade", "head")
    assert (chain.path / "staging.db").exists()
    assert not chain.ledger.exists()
    assert chain.done("-n", "staging", "current").strip() == "r3 (head)"
    assert chain.done("current") == ""


def test_the_applications_loggers_go_on(chain: Project) -> None:
    log = logging.getLogger("my.application")
    chain.done("upgrade", "r1")
    assert not log.disabled


def test_works_from_another_directory(
    chain: Project, neo4j_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.models("class P(StructuredNode):\n    name = StringProperty()\n")
    elsewhere = chain.path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    chain.done("upgrade", "head", config=["../neo4j.ini"])
    assert "New upgrade operations" in chain.failed("check", config=["../neo4j.ini"])
    assert list(elsewhere.iterdir()) == []


# What is handed to the driver --------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("basic", neo4j.basic_auth("who", "s3cret")),
        ("bearer", neo4j.bearer_auth("s3cret")),
        ("kerberos", neo4j.kerberos_auth("s3cret")),
        ("none", None),
    ],
)
def test_the_drivers_token(scheme: str, expected: Any) -> None:
    from alembic_neo4j.graph.connection import _auth

    assert _auth(Credentials(scheme, "who", "s3cret")) == expected


@pytest.mark.parametrize("scheme", ["bearer", "kerberos"])
def test_a_server_that_knows_no_tokens_refuses_them(
    chain: Project,
    neo4j_graph: Graph,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
) -> None:
    monkeypatch.setenv("ALEMBIC_NEO4J_PASSWORD", "s3cret-token")
    outcome = chain.run("-x", f"neo4j.auth={scheme}", "upgrade", "head")
    assert outcome.status == 255
    assert "refuses the credentials" in outcome.out
    assert "s3cret-token" not in outcome.text
    assert not chain.ledger.exists()


def test_certificates_that_are_not_there(chain: Project) -> None:
    message = chain.failed("-x", "neo4j.trusted_certificates=ca.pem", "upgrade", "head")
    assert f"neo4j.trusted_certificates = {chain.path / 'ca.pem'}" in message
    assert "No such file" in message


def test_certificates_that_are_none(chain: Project) -> None:
    (chain.path / "ca.pem").write_text("nonsense")
    message = chain.failed("-x", "neo4j.trusted_certificates=ca.pem", "upgrade", "head")
    assert "ca.pem" in message
    assert "Expected a PEM file" in message


@pytest.mark.parametrize("plus", ["", "+s"])
def test_with_certificates_the_connection_is_encrypted(
    chain: Project, neo4j_server: Neo4jServer, plus: str
) -> None:
    import ssl

    # The server has no certificate: a driver that speaks TLS gets no answer.
    found = ssl.create_default_context().get_ca_certs(binary_form=True)[0]
    (chain.path / "ca.pem").write_text(ssl.DER_cert_to_PEM_cert(found))
    certificates = "neo4j.trusted_certificates=ca.pem"
    url = neo4j_server.url.replace("bolt://", f"bolt{plus}://")
    message = chain.failed(
        *("-x", f"neo4j.url={url}", "-x", certificates, "upgrade", "head")
    )
    assert f"no Neo4j answers at {url}" in message

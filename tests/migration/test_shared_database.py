"""One database for an SQL project that Alembic migrates and for a graph's ledger."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import neo4j
import pytest
from sqlalchemy import Engine, MetaData, create_engine, text
from sqlalchemy.engine import URL, make_url

from alembic_neo4j.errors import LedgerError
from alembic_neo4j.graph.connection import Graph
from tests.migration.project import Project, graph_state, indexes, stamped

APP = """
import os
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
{imports}

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["SHARED"]
db = SQLAlchemy(app)
Migrate(app, db{options})


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(50), index=True)
"""
MARKED = {
    "imports": "from alembic_neo4j.plugin import include_object",
    "options": ", include_object=include_object",
}
OURS = "alembic_neo4j_"

ALEMBIC = (
    "upgrade head",
    "upgrade r1",
    "downgrade base",
    "stamp r1",
    "stamp --purge r1",
    "stamp base",
    "current",
    "check",
    "history -i",
    "revision --autogenerate --rev-id more",
    "ensure_version",
)
VERBS = (
    "status",
    "status --format json",
    "verify",
    "plan",
    "repair",
    "repair --yes",
    "repair --adopt-graph --yes",
    "repair --abandon-run --yes",
    "unlock --yes",
    "run more.cypher",
    "ingest load rows.csv --label Person",
    "ingest list",
    "ingest rollback rows",
    "transfer --rollback graph",
)


@dataclass(frozen=True)
class Flask:
    """A Flask-Migrate project in the same directory, and its database."""

    path: Path
    url: URL

    def write(self, **names: str) -> None:
        (self.path / "app.py").write_text(
            APP.format(**{"imports": "", "options": "", **names})
        )

    def run(self, *arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flask", "db", *arguments, "-d", "sql"],
            cwd=self.path,
            env={
                **os.environ,
                "SHARED": self.url.render_as_string(hide_password=False),
                "FLASK_APP": "app.py",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        return said

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every table of the database with its rows."""
        engine = create_engine(self.url)
        metadata = MetaData()
        with engine.connect() as connection:
            metadata.reflect(connection)
            found = {
                name: sorted(map(tuple, connection.execute(table.select())))
                for name, table in metadata.tables.items()
            }
        engine.dispose()
        return found

    def engine(self) -> Engine:
        return create_engine(self.url)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The database of both."""
    if request.param == "sqlite":
        return make_url(f"sqlite:///{tmp_path / 'shared.db'}")
    found: URL = request.getfixturevalue("postgresql_url")
    return found


@pytest.fixture
def flask(live: Project, url: URL) -> Flask:
    """An SQL project with a table that has a row; a graph's project beside it."""
    made = Flask(live.path, url)
    made.write()
    made.run("init")
    made.run("migrate", "-m", "users", "--rev-id", "s1")
    made.run("upgrade")
    engine = made.engine()
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO \"user\" (id, name) VALUES (1, 'Ann')"))
    engine.dispose()
    shown = url.render_as_string(hide_password=False).replace("%", "%%")
    live.set("sqlalchemy.url", shown)
    live.models("class Person(StructuredNode):\n    name = StringProperty(index=True)")
    live.revision("r1", "op.add_index('P', 'p', name='i1')", "op.drop_index('P', 'p')")
    (live.path / "more.cypher").write_text("CREATE (:More);\n")
    (live.path / "rows.csv").write_text("name\nAnn\n")
    return made


def test_every_verb_leaves_another_projects_version_table_alone(
    live: Project, flask: Flask, neo4j_graph: Graph, driver: neo4j.Driver
) -> None:
    driver.execute_query("CREATE (:Before {there: true})")
    rows, graph = flask.rows(), graph_state(neo4j_graph)
    files = sorted(live.versions.iterdir())
    for verb in (*ALEMBIC, *VERBS):
        said = refused(live, verb)
        assert "the version table alembic_version of" in said, verb
        assert "is not this graph's: it is at s1" in said, verb
        assert "version_table = graph_version" in said, verb
        assert "purge" not in said, verb
        assert "Can't locate revision" not in said, verb
        assert flask.rows() == rows, verb
        assert graph_state(neo4j_graph) == graph, verb
        assert sorted(live.versions.iterdir()) == files, verb


def refused(project: Project, verb: str) -> str:
    """Return what a verb says that has to be refused."""
    if verb in ALEMBIC:
        return project.failed(*verb.split())
    outcome = project.verb(*verb.split())
    assert outcome.status == 2, (verb, outcome.text)
    return outcome.text


def test_each_has_a_version_table_of_its_own(
    live: Project, flask: Flask, neo4j_graph: Graph
) -> None:
    live.set("version_table", "graph_version")
    live.done("upgrade", "head")
    assert live.done("current").strip() == "r1 (head)"
    assert live.verb("status").status == 0
    assert indexes(neo4j_graph) == {"i1"}
    rows = flask.rows()
    assert (rows["alembic_version"], rows["graph_version"]) == ([("s1",)], [("r1",)])
    assert rows["user"] == [(1, "Ann")]
    # Without the function, the SQL project would drop what it does not know.
    assert "Detected removed table 'alembic_neo4j_ledger'" in flask.run(
        "check", status=1
    )
    flask.write(**MARKED)
    assert "No new upgrade operations detected" in flask.run("check")
    flask.run("downgrade")
    assert flask.rows()["alembic_version"] == []
    assert stamped(neo4j_graph) == ["r1"]
    live.done("downgrade", "base")
    flask.run("upgrade")
    live.done("upgrade", "head")
    rows = flask.rows()
    assert (rows["alembic_version"], rows["graph_version"]) == ([("s1",)], [("r1",)])


def test_the_sql_project_still_finds_what_is_its_own(
    live: Project, flask: Flask, neo4j_graph: Graph
) -> None:
    live.set("version_table", "graph_version")
    live.done("upgrade", "head")
    flask.write(**MARKED)
    app = flask.path / "app.py"
    source = app.read_text()
    app.write_text(source + "    born = db.Column(db.Integer)\n")
    said = flask.run("check", status=1)
    assert "Detected added column 'user.born'" in said
    assert "Detected removed" not in said
    app.write_text(source.partition("class User")[0])
    said = flask.run("check", status=1)
    assert "Detected removed table 'user'" in said
    assert "graph_version" not in said
    assert OURS not in said


def test_where_the_graph_was_first_the_sql_project_is_not_let_in_unseen(
    live: Project, flask: Flask, neo4j_graph: Graph
) -> None:
    """The SQL project's version table is emptied, taken, and written to by it again."""
    flask.run("stamp", "base")
    live.done("upgrade", "head")
    live.done("downgrade", "base")
    flask.run("stamp", "s1")
    before = flask.rows()
    for verb in ("upgrade head", "downgrade base", "stamp r1", "current"):
        said = live.failed(*verb.split())
        assert "is at s1, which was never recorded as applied" in said
        assert "version_table = graph_version" in said
    said = live.verb("status").text
    assert "another program wrote to the version table" in said
    assert "purge" not in said
    assert "is at s1, which was never" in live.verb("plan").text
    assert flask.rows() == before


def test_a_connection_that_is_handed_over_is_looked_at_as_well(
    live: Project, flask: Flask, neo4j_graph: Graph
) -> None:
    engine = flask.engine()
    rows = flask.rows()
    config = live.config(attributes={"connection": engine})
    with pytest.raises(LedgerError, match="is not this graph's: it is at s1"):
        live.command("upgrade", config, "head")
    with engine.connect() as connection:
        config = live.config(attributes={"connection": connection})
        with pytest.raises(LedgerError, match="is not this graph's: it is at s1"):
            live.command("stamp", config, "head", purge=True)
    engine.dispose()
    assert flask.rows() == rows


def test_two_graphs_have_a_version_table_each(
    live: Project, flask: Flask, neo4j_graph: Graph
) -> None:
    live.done("-x", "version_table=graph_version", "upgrade", "head")
    said = live.failed("upgrade", "head")
    assert "the version table alembic_version of" in said
    assert "is not this graph's" in said
    rows = flask.rows()
    assert (rows["alembic_version"], rows["graph_version"]) == ([("s1",)], [("r1",)])


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "a;b",
        "public.graph_version",
        "1st",
        "x" * 64,
        "alembic_neo4j_ledger",
        "alembic_neo4j_version",
        "ALEMBIC_NEO4J_RUN",
        '"quoted"',
    ],
)
@pytest.mark.parametrize("where", ["ini", "x", "toml"])
def test_a_name_that_no_version_table_can_have(
    project: Project, name: str, where: str
) -> None:
    arguments = []
    if where == "ini":
        project.set("version_table", name)
    elif where == "x":
        arguments = ["-x", f"version_table={name}"]
    else:
        (project.path / "pyproject.toml").write_text(
            f"[tool.alembic]\nversion_table = '{name}'\n"
        )
    said = project.failed(
        *arguments, "upgrade", "head", config=["neo4j.ini", "pyproject.toml"]
    )
    given = {
        "ini": f"version_table = {name} in neo4j.ini: ",
        "x": f"-x version_table = {name}: ",
        "toml": f"version_table = {name} in pyproject.toml: ",
    }
    assert said.startswith(given[where])
    assert "\n" not in said


def test_no_name_is_the_default(chain: Project, neo4j_graph: Graph) -> None:
    chain.set("version_table", "")
    chain.done("upgrade", "r1")
    assert chain.heads() == ["r1"]


def test_env_py_has_the_last_word(chain: Project, neo4j_graph: Graph) -> None:
    env = chain.path / "migrations" / "env.py"
    given = "target_metadata=target_metadata"
    env.write_text(env.read_text().replace(given, f"{given}, version_table='third'"))
    chain.set("version_table", "second")
    chain.done("upgrade", "r1")
    tables = chain.remembered() or {}
    assert tables["third"] == [("r1",)]
    assert "second" not in tables

"""Beside others: SQL projects, first imports, formatters and type checkers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.migration.project import PROGRAM, Project

SQL_ENV = """
from logging.config import fileConfig
from alembic import context
from sqlalchemy import *
fileConfig(context.config.config_file_name)
metadata = MetaData()
Table("person", metadata, Column("id", Integer, primary_key=True),
      Column("name", String(20), index=True))
engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
FIRST_IMPORTS = [
    "alembic",
    "alembic.autogenerate",
    "alembic.command",
    "alembic.config",
    "alembic.context",
    "alembic.ddl",
    "alembic.environment",
    "alembic.migration",
    "alembic.op",
    "alembic.operations",
    "alembic.runtime.environment",
    "alembic.runtime.plugins",
    "alembic.script",
    "alembic.util",
    "alembic_neo4j",
    "alembic_neo4j.errors",
    "alembic_neo4j.graph.connection",
    "alembic_neo4j.ledger.store",
    "alembic_neo4j.migration.compare",
    "alembic_neo4j.migration.context",
    "alembic_neo4j.migration.environment",
    "alembic_neo4j.migration.operations",
    "alembic_neo4j.migration.render",
    "alembic_neo4j.migration.replay",
    "alembic_neo4j.op",
    "alembic_neo4j.plugin",
    "alembic_neo4j.pytest_plugin",
    "alembic_neo4j.schema.models",
]


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    """A stock SQL project."""
    _alembic(tmp_path, "init", "migrations")
    (tmp_path / "migrations" / "env.py").write_text(SQL_ENV)
    ini = tmp_path / "alembic.ini"
    lines = [
        "sqlalchemy.url = sqlite:///sql.db" if "sqlalchemy.url" in line else line
        for line in ini.read_text().splitlines()
    ]
    ini.write_text("\n".join(lines))
    return tmp_path


def test_an_sql_project_behaves_as_before(sql: Path) -> None:
    _alembic(sql, "revision", "--autogenerate", "-m", "people", "--rev-id", "s1")
    text = (sql / "migrations" / "versions" / "s1_people.py").read_text()
    assert "op.create_table('person'," in text
    assert "op.create_index(op.f('ix_person_name')" in text
    assert "op.drop_index(op.f('ix_person_name')" in text
    assert "schema_hash" not in text
    out = _alembic(sql, "upgrade", "head")
    assert "Context impl SQLiteImpl." in out
    assert "Neo4j" not in out
    assert "No new upgrade operations" in _alembic(sql, "check")
    assert "CREATE TABLE person" in _alembic(sql, "upgrade", "head", "--sql")
    _alembic(sql, "downgrade", "base")


def test_an_sql_project_writes_the_empty_revision_that_it_always_wrote(
    sql: Path,
) -> None:
    _alembic(sql, "revision", "--autogenerate", "--rev-id", "s1")
    _alembic(sql, "upgrade", "head")
    _alembic(sql, "revision", "--autogenerate", "--rev-id", "s2")
    assert len(list((sql / "migrations" / "versions").glob("s2*.py"))) == 1


def test_an_sql_project_loads_nothing_of_a_graph(sql: Path) -> None:
    _alembic(sql, "revision", "--autogenerate", "-m", "people", "--rev-id", "s1")
    code = (
        "import sys\nfrom alembic.config import main\nmain(['upgrade', 'head'])\n"
        "ours = [m for m in sys.modules if m.split('.')[0] in"
        " ('neo4j', 'neomodel', 'alembic_neo4j')]\n"
        "assert set(ours) <= {'alembic_neo4j', 'alembic_neo4j.plugin'}, ours\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_sql_operations_are_alembics_own_with_ours_loaded(sql: Path) -> None:
    env = sql / "migrations" / "env.py"
    env.write_text("import alembic_neo4j.op\n" + SQL_ENV)
    _alembic(sql, "revision", "--autogenerate", "--rev-id", "s1")
    _alembic(sql, "upgrade", "head")
    _alembic(sql, "downgrade", "base")


@pytest.mark.parametrize("module", FIRST_IMPORTS)
def test_every_first_import_works(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import {module}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_graph_and_an_sql_database_from_one_revision(live: Project) -> None:
    live.revision(
        "r1",
        """
        op.add_index("P", "p")
        alembic_op.create_table("mine", sa.Column("id", sa.Integer))
        """,
        header="import sqlalchemy as sa\nfrom alembic import op as alembic_op",
    )
    live.done("upgrade", "head")
    assert "mine" in (live.remembered() or {})


def test_a_revision_file_passes_strict_mypy(project: Project) -> None:
    project.models(
        """
        class Person(StructuredNode):
            name = StringProperty(unique_index=True, required=True)
            born = IntegerProperty(index=True, default=1970)
            friends = RelationshipTo("Person", "KNOWS")
        """
    )
    project.done("revision", "--autogenerate", "-m", "people", "--rev-id", "r1")
    project.done("revision", "-m", "by hand", "--rev-id", "r2")
    path = project.versions / "r2_by_hand.py"
    body = (
        '    """Upgrade the graph."""\n'
        '    rows = op.run_cypher("RETURN 1 AS one", {"x": 1})\n'
        '    if not op.is_replaying():\n        print(rows[0]["one"])\n'
        '    op.get_bind().run("RETURN 1")\n'
        "    with op.get_context().autocommit_block():\n"
        '        op.execute("RETURN 1")\n'
        '    settings = op.read_json("settings.json")\n'
        '    settings["queue"] = op.read_toml("a.toml").get("queue", {})\n'
        '    op.write_json("settings.json", settings, backup=False)\n'
        '    op.move_file(Path("a.toml"), Path("b") / "a.toml")\n'
    )
    path.write_text(
        path.read_text()
        .replace('    """Upgrade the graph."""\n    pass\n', body)
        .replace("from alembic_neo4j", "from pathlib import Path\n\nfrom alembic_neo4j")
    )
    cache = Path(__file__).parents[2] / ".mypy_cache"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache)),
            *("migrations/env.py", *map(str, sorted(project.versions.glob("*.py")))),
        ],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_env_py_has_thirty_lines_at_most(project: Project) -> None:
    text = (project.path / "migrations" / "env.py").read_text()
    assert len(text.splitlines()) <= 30
    assert text.rstrip().endswith("context.run_migrations()")
    assert "disable_existing_loggers=False" in text


def _alembic(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(PROGRAM), *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    # One that was killed has said nothing.
    assert done.returncode == 0, f"exit status {done.returncode}: {said}"
    return said

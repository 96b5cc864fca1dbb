"""The wheel, built from the source distribution and installed where nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

CHECKOUT = Path(__file__).resolve().parents[2]
TEMPLATES = CHECKOUT / "templates"

FIRST_IMPORTS = (
    "alembic",
    "alembic.autogenerate",
    "alembic.autogenerate.render",
    "alembic.command",
    "alembic.config",
    "alembic.context",
    "alembic.ddl",
    "alembic.ddl.impl",
    "alembic.environment",
    "alembic.migration",
    "alembic.op",
    "alembic.operations",
    "alembic.operations.ops",
    "alembic.runtime.environment",
    "alembic.runtime.migration",
    "alembic.runtime.plugins",
    "alembic.script",
    "alembic.testing",
    "alembic.util",
    "alembic_neo4j",
    "alembic_neo4j.cli",
    "alembic_neo4j.errors",
    "alembic_neo4j.migration.environment",
    "alembic_neo4j.op",
    "alembic_neo4j.plugin",
)

LOADED = """
    from alembic.runtime import plugins
    assert "alembic_neo4j" in plugins._all_plugins
    assert not {"neo4j", "neomodel"} & set(sys.modules)
"""

VERB = """
    import sys
    from alembic.config import main
    main(argv=sys.argv[1:])
    assert not {"neo4j", "neomodel"} & set(sys.modules)
"""

SQL_MODELS = """
    from sqlalchemy import Column, Integer, MetaData, String, Table

    metadata = MetaData()
    person = Table(
        "person",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("name", String(50), nullable=False, index=True),
    )
"""

SQL_TESTS = """
    def test_the_engine_is_that_of_pytest_alembic(alembic_engine, alembic_runner):
        alembic_runner.migrate_up_to("heads")
        assert str(alembic_engine.url) == "sqlite:///"
        alembic_runner.insert_into("person", {"id": 1, "name": "Ada"})
"""


@dataclass(frozen=True)
class Installation:
    """A virtualenv and the commands in it."""

    programs: Path
    environment: dict[str, str]

    def run(
        self, *command: str | Path, cwd: Path, status: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the virtualenv, as typed in a shell where it is active."""
        done = subprocess.run(
            [self.programs / command[0], *command[1:]],
            cwd=cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{command}\n{done.stdout}{done.stderr}"
        return done

    def python(self, source: str, *arguments: str, cwd: Path) -> str:
        """Run a script in an interpreter of its own and return what it wrote."""
        script = textwrap.dedent(source)
        return self.run("python", "-c", script, *arguments, cwd=cwd).stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is made of the source distribution, as on a release."""
    directory = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", directory, CHECKOUT]
    subprocess.run(command, check=True)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A virtualenv with the wheel, its `local` extra and pytest-alembic."""
    directory = tmp_path_factory.mktemp("virtualenv")
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    made = Installation(directory / "bin", _environment(directory))
    requirements = (f"{wheel}[local]", "pytest-alembic>=0.12", "pytest>=8.4,<9.2")
    made.run("pip", "install", "--quiet", *requirements, cwd=directory)
    return made


@pytest.fixture
def graph_project(installation: Installation, tmp_path: Path) -> Iterator[Path]:
    """An empty directory, whose local server is stopped in the end."""
    yield tmp_path
    installation.run("alembic-neo4j", "local", "stop", cwd=tmp_path)


@pytest.fixture
def sql_project(installation: Installation, tmp_path: Path) -> Path:
    """A project on SQLite, made by ``alembic init``, with one table in its models."""
    installation.run("alembic", "init", "migrations", cwd=tmp_path)
    (tmp_path / "models.py").write_text(textwrap.dedent(SQL_MODELS))
    _replace(
        tmp_path / "migrations" / "env.py",
        "target_metadata = None",
        "from models import metadata as target_metadata",
    )
    _replace(
        tmp_path / "migrations" / "env.py",
        "connectable = engine_from_config(",
        'connectable = config.attributes.get("connection") or engine_from_config(',
    )
    _replace(
        tmp_path / "alembic.ini",
        "sqlalchemy.url = driver://user:pass@localhost/dbname",
        "sqlalchemy.url = sqlite:///%(here)s/people.db",
    )
    return tmp_path


def test_the_wheel_has_the_templates_and_the_license(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    templates = [path for path in TEMPLATES.rglob("*") if path.is_file()]
    assert templates
    assert {
        f"alembic_neo4j/templates/{path.relative_to(TEMPLATES)}"
        for path in templates
        if "__pycache__" not in path.parts
    } == {name for name in names if name.startswith("alembic_neo4j/templates/")}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "alembic_neo4j/py.typed" in names


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    names = {
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if not name.startswith("alembic_neo4j/templates/")
    }

    package = CHECKOUT / "alembic_neo4j"
    assert {name for name in names if ".dist-info/" not in name} == {
        str(path.relative_to(CHECKOUT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_what_is_installed_fits_together(
    installation: Installation, tmp_path: Path
) -> None:
    done = installation.run("pip", "check", cwd=tmp_path)

    assert "No broken requirements" in done.stdout


@pytest.mark.sample(8)
@pytest.mark.parametrize("module", FIRST_IMPORTS)
def test_any_module_may_be_imported_first(
    installation: Installation, tmp_path: Path, module: str
) -> None:
    installation.run(
        "python",
        "-W",
        "error",
        "-c",
        f"import sys, {module}\nimport alembic\n{textwrap.dedent(LOADED)}",
        cwd=tmp_path,
    )


def test_the_public_names_are_there(installation: Installation, tmp_path: Path) -> None:
    source = """
        import alembic_neo4j
        from alembic_neo4j import op, environment, declare
        assert callable(op.add_index)
        assert callable(environment.configure)
        print(alembic_neo4j.__file__)
    """

    where = installation.python(source, cwd=tmp_path)

    assert Path(where.strip()).is_relative_to(installation.programs.parent)


def test_verbs_about_files_load_no_driver_and_no_models(
    installation: Installation, tmp_path: Path
) -> None:
    def alembic(*arguments: str) -> str:
        return installation.python(VERB, "-c", "neo4j.ini", *arguments, cwd=tmp_path)

    installation.run("alembic-neo4j", "init", cwd=tmp_path)
    (tmp_path / "models.py").write_text("raise AssertionError('imported')")

    alembic("revision", "-m", "one", "--rev-id", "one")
    alembic("revision", "-m", "two", "--rev-id", "two", "--head", "base", "--splice")
    assert set(alembic("heads").split()) == {"one", "two", "(head)"}
    alembic("merge", "heads", "-m", "both", "--rev-id", "both")
    assert alembic("heads").split() == ["both", "(head)"]
    assert "one, two -> both" in alembic("history")
    assert "both" in alembic("show", "both")
    alembic("branches")
    alembic("revision", "-m", "three", "--rev-id", "three")

    assert not list(tmp_path.glob("neo4j_ledger.db*"))
    assert not (tmp_path / ".neo4j").exists()


def test_the_first_five_minutes(
    installation: Installation, graph_project: Path
) -> None:
    def alembic(*arguments: str) -> str:
        command = ("alembic", "-c", "neo4j.ini", *arguments)
        done = installation.run(*command, cwd=graph_project)
        return done.stdout + done.stderr

    installation.run("alembic-neo4j", "init", cwd=graph_project)
    assert {path.name for path in graph_project.iterdir()} == {
        ".gitignore",
        "migrations",
        "models.py",
        "neo4j.ini",
    }
    assert "neo4j.url = local" in (graph_project / "neo4j.ini").read_text()

    alembic("revision", "--autogenerate", "-m", "people")
    # Autogenerate needs no server.
    assert not (graph_project / ".neo4j").exists()
    (revision,) = (graph_project / "migrations" / "versions").glob("*_people.py")
    assert 'op.add_unique_constraint("Person", "name")' in revision.read_text()

    assert "people" in alembic("upgrade", "head")
    assert "(head)" in alembic("current")
    assert "No new upgrade operations detected" in alembic("check")
    status = installation.run("alembic-neo4j", "local", "status", cwd=graph_project)
    assert "bolt://127.0.0.1:" in status.stdout


def test_an_sql_project_behaves_as_before(
    installation: Installation, sql_project: Path
) -> None:
    def alembic(*arguments: str, status: int = 0) -> str:
        done = installation.run("alembic", *arguments, cwd=sql_project, status=status)
        return done.stdout + done.stderr

    said = [
        alembic("check", status=255),
        alembic("revision", "--autogenerate", "-m", "people"),
        alembic("upgrade", "head"),
        alembic("check"),
        alembic("upgrade", "base:head", "--sql"),
        alembic("downgrade", "base"),
        alembic("heads"),
        alembic("history"),
    ]

    assert "Target database is not up to date" not in said[0]
    assert "Detected added table 'person'" in said[1]
    assert "No new upgrade operations detected" in said[3]
    assert "CREATE TABLE person" in said[4]
    (revision,) = (sql_project / "migrations" / "versions").glob("*_people.py")
    assert "neo4j" not in revision.read_text()
    lines = "".join(said).splitlines()
    assert [line for line in lines if "neo4j" in line.lower()] == []
    assert [line for line in lines if "autogenerate plugin" in line]


def test_an_sql_project_keeps_the_engine_of_pytest_alembic(
    installation: Installation, sql_project: Path
) -> None:
    installation.run(
        "alembic", "revision", "--autogenerate", "-m", "people", cwd=sql_project
    )
    (sql_project / "tests").mkdir()
    (sql_project / "tests" / "conftest.py").touch()
    (sql_project / "tests" / "test_engine.py").write_text(textwrap.dedent(SQL_TESTS))

    done = installation.run("pytest", "--test-alembic", "-q", cwd=sql_project)

    assert "5 passed" in done.stdout
    assert not (sql_project / ".neo4j").exists()


def _environment(virtualenv: Path) -> dict[str, str]:
    """The environment of a shell in which the virtualenv is active and nothing set."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if "NEO4J_" not in name and not name.startswith(("PYTHON", "PYTEST_"))
    }
    path = f"{virtualenv / 'bin'}{os.pathsep}{kept['PATH']}"
    return {**kept, "PATH": path, "VIRTUAL_ENV": str(virtualenv)}


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))

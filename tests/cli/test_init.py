"""``alembic-neo4j init``: the files of a project, none of them overwritten."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from click.testing import CliRunner

from alembic_neo4j.cli import main
from tests.migration.project import undone


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory to be in."""
    monkeypatch.chdir(tmp_path)
    with undone(tmp_path):
        yield tmp_path


def _run(*arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(main, ["init", *arguments])
    assert done.exit_code == status, done.output
    return done.output


def _files(directory: Path) -> set[str]:
    return {str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file()}


def test_all_files_of_a_project(here: Path) -> None:
    output = _run()
    assert _files(here) == {
        ".gitignore",
        "neo4j.ini",
        "models.py",
        "migrations/README",
        "migrations/env.py",
        "migrations/script.py.mako",
    }
    assert (here / "migrations" / "versions").is_dir()
    assert "alembic -c neo4j.ini revision --autogenerate" in output
    compile((here / "models.py").read_text(), "models.py", "exec")


def test_names_of_ones_own(here: Path) -> None:
    _run("graph", "--config", "graph.ini", "--package")
    assert "%(here)s/graph" in (here / "graph.ini").read_text()
    assert (here / "graph" / "__init__.py").exists()
    assert (here / "graph" / "versions" / "__init__.py").exists()


def test_nothing_is_overwritten(here: Path) -> None:
    kept = {"neo4j.ini": "[alembic]\n", "models.py": "# mine\n", ".gitignore": "*.log"}
    for name, text in kept.items():
        (here / name).write_text(text)
    output = _run()
    assert "kept" in output
    assert (here / "neo4j.ini").read_text() == "[alembic]\n"
    assert (here / "models.py").read_text() == "# mine\n"
    ignored = (here / ".gitignore").read_text().splitlines()
    assert ignored == ["*.log", ".neo4j/", "neo4j_ledger.db*", "neo4j_backups/"]


def test_a_package_of_models_is_kept(here: Path) -> None:
    (here / "models").mkdir()
    (here / "models" / "__init__.py").touch()
    _run()
    assert not (here / "models.py").exists()


def test_a_second_time_is_refused(here: Path) -> None:
    _run()
    before = _files(here)
    (here / "migrations" / "env.py").write_text("# mine\n")
    assert "already exists" in _run(status=2)
    assert _files(here) == before
    assert (here / "migrations" / "env.py").read_text() == "# mine\n"


def test_the_template_path_is_all_it_prints(here: Path) -> None:
    path = Path(_run("--template-path").strip())
    assert (path / "script.py.mako").exists()
    assert _files(here) == set()


# Where there is something already ----------------------------------------------------


def _write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


NODE = "from neomodel import StructuredNode\nclass A(StructuredNode): ...\n"


@pytest.mark.parametrize(
    ("files", "models"),
    [
        ({"shop/__init__.py": "", "shop/models.py": NODE}, "shop.models"),
        ({"src/shop/__init__.py": "", "src/shop/models.py": NODE}, "shop.models"),
        ({"shop/__init__.py": "", "shop/graph.py": NODE}, "shop.graph"),
        (
            {
                "shop/__init__.py": "",
                "shop/models/__init__.py": "",
                "shop/models/a.py": NODE,
            },
            "shop.models",
        ),
        (
            {"shop/__init__.py": "", "shop/models.py": "import sqlalchemy\n"},
            "shop.models",
        ),
        ({"graph.py": NODE, "b/__init__.py": NODE}, "b, graph"),
    ],
)
def test_no_models_beside_those_that_are_there(
    here: Path, files: dict[str, str], models: str
) -> None:
    for name, text in files.items():
        _write(here / name, text)
    _run()
    assert not (here / "models.py").exists()
    config = (here / "neo4j.ini").read_text()
    assert f"neo4j.models = {models}\n" in config
    assert ("%(here)s/src\n" in config) is ("src/shop/models.py" in files)


def test_tests_and_scripts_are_no_models(here: Path) -> None:
    _write(here / "tests" / "__init__.py")
    _write(here / "tests" / "models.py", NODE)
    _write(here / ".venv" / "models.py", NODE)
    _run()
    assert "neo4j.models = models\n" in (here / "neo4j.ini").read_text()
    assert (here / "models.py").exists()


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ("from flask import current_app\n", "is Flask-Migrate's"),
        ("from alembic import context\n", "of another project"),
    ],
)
def test_another_project_s_migrations_are_left_alone(
    here: Path, env: str, expected: str
) -> None:
    _write(here / "migrations" / "env.py", env)
    message = _run(status=2)
    assert expected in message
    assert "`alembic-neo4j init graph`" in message
    assert not (here / "neo4j.ini").exists()
    _run("graph")
    assert "%(here)s/graph" in (here / "neo4j.ini").read_text()
    assert (here / "migrations" / "env.py").read_text() == env


def test_a_pyproject_has_the_configuration_where_that_is_asked_for(here: Path) -> None:
    _write(here / "pyproject.toml", '[project]\nname = "shop"\n')
    output = _run("-c", "pyproject.toml")
    assert not (here / "neo4j.ini").exists()
    config = Config(toml_file=str(here / "pyproject.toml"))
    assert config.toml_alembic_config["neo4j"] == {"url": "local", "models": ["models"]}
    assert ScriptDirectory.from_config(config).dir == str(here / "migrations")
    assert "  alembic revision --autogenerate" in output
    assert (here / "pyproject.toml").read_text().startswith("[project]\n")
    # A fresh clone lacks what git ignores, and what was never written.
    shutil.rmtree(here / "migrations")
    before = (here / "pyproject.toml").read_text()
    assert "kept     pyproject.toml" in _run()
    assert (here / "pyproject.toml").read_text() == before
    assert not (here / "neo4j.ini").exists()


def test_a_pyproject_of_an_sql_project_is_left_alone(here: Path) -> None:
    text = '[tool.alembic]\nscript_location = "%(here)s/alembic"\n'
    _write(here / "pyproject.toml", text)
    assert "Leave out -c" in _run("-c", "pyproject.toml", status=2)
    _run()
    assert (here / "neo4j.ini").exists()
    assert (here / "pyproject.toml").read_text() == text


def test_as_json_and_with_a_section(here: Path) -> None:
    _write(here / ".gitignore", ".neo4j/\n")
    report = json.loads(_run("-n", "people", "--format", "json"))
    assert report == {
        "created": ["neo4j.ini", "migrations/", "models.py"],
        "kept": [],
        "ignored": ["neo4j_ledger.db*", "neo4j_backups/"],
    }
    assert "\n[people]\n" in (here / "neo4j.ini").read_text()

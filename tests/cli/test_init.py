"""``alembic-neo4j init``: the files of a project, none of them overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from alembic_neo4j.cli import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


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
    assert ignored == ["*.log", ".neo4j/", "neo4j_ledger.db*"]


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

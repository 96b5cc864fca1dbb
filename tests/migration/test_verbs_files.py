"""The verbs that need files alone: a graph and a ledger are never touched."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from tests.migration.project import NOWHERE, Project


@pytest.fixture
def files(project: Project) -> Project:
    """A history with a branch: a1, a2, and b1 upon a1 with the label ``side``."""
    project.revision("a1")
    project.revision("a2", down="a1")
    project.revision("b1", down="a1", branch_labels=("side",))
    return project


def _script(project: Project, revision: str) -> str:
    script = ScriptDirectory.from_config(project.config()).get_revision(revision)
    return Path(script.path).read_text()


def test_init_takes_the_template_by_its_path(tmp_path: Path) -> None:
    project = Project(tmp_path)
    path = _program(project, "alembic-neo4j", "init", "--template-path").strip()
    done = project.program("-c", "neo4j.ini", "init", "-t", path, "migrations")
    assert done.status == 0, done.text
    written = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert written == {
        "neo4j.ini",
        "migrations/README",
        "migrations/env.py",
        "migrations/script.py.mako",
    }
    assert (tmp_path / "migrations" / "versions").is_dir()
    assert "neo4j.url = local" in project.ini.read_text()
    assert "script_location = %(here)s/migrations" in project.ini.read_text()


def test_init_writes_packages(project: Project) -> None:
    path = str(_template())
    project.done("init", "--package", "-t", path, "other", config=["other.ini"])
    assert (project.path / "other" / "versions" / "__init__.py").exists()


def test_a_plain_revision_is_stock_with_our_names(project: Project) -> None:
    out = project.done("revision", "-m", "people", "--rev-id", "abc")
    path = project.versions / "abc_people.py"
    assert str(path) in out
    text = path.read_text()
    for line in (
        'revision: str = "abc"',
        "down_revision: str | Sequence[str] | None = None",
        "branch_labels: str | Sequence[str] | None = None",
        "depends_on: str | Sequence[str] | None = None",
        "schema_hash: str | None = None",
        "rollback_safe: bool = True",
        'migration_type: str = "schema"',
        "from alembic_neo4j import op",
    ):
        assert line in text.replace("'", '"').splitlines()
    compile(text, str(path), "exec")


def test_every_option_of_revision(files: Project) -> None:
    other = files.path / "other"
    other.mkdir()
    files.set("version_locations", f"{files.versions}{os.pathsep}{other}")
    files.done(
        "revision",
        *("-m", "an import", "--rev-id", "c1", "--head", "base"),
        *("--branch-label", "imports", "--version-path", str(other)),
        *("--depends-on", "a2", "--depends-on", "side"),
    )
    text = (other / "c1_an_import.py").read_text()
    assert "branch_labels: str | Sequence[str] | None = ('imports',)" in text
    assert "depends_on: str | Sequence[str] | None = ['a2', 'side']" in text
    files.done("revision", "--rev-id", "c2", "--head", "imports@head")
    assert "down_revision: str | Sequence[str] | None = 'c1'" in _script(files, "c2")
    assert "splice" in files.failed("revision", "--rev-id", "d", "--head", "c1")
    files.done("revision", "--rev-id", "d", "--head", "c1", "--splice")
    assert "= 'c1'" in _script(files, "d")


def test_two_heads_are_refused_by_revision(files: Project) -> None:
    assert "Multiple heads are present" in files.failed("revision", "-m", "x")


def test_revision_with_sql_is_refused_as_by_alembic(files: Project) -> None:
    files.set("revision_environment", "true")
    message = files.failed("revision", "--autogenerate", "--sql", "--head", "a2")
    assert "does not make any sense" in message


def test_a_plain_revision_may_run_the_environment(project: Project) -> None:
    project.set("revision_environment", "true")
    project.done("revision", "-m", "people", "--rev-id", "abc")
    text = (project.versions / "abc_people.py").read_text()
    assert "schema_hash: str | None = None" in text
    assert not project.ledger.exists()


def test_merge_with_every_option(files: Project) -> None:
    files.done(
        "merge", "-m", "both", "--rev-id", "m1", "--branch-label", "joined", "heads"
    )
    text = (files.versions / "m1_both.py").read_text()
    assert "down_revision: str | Sequence[str] | None = ('a2', 'b1')" in text
    assert "rollback_safe: bool = True" in text
    assert "m1 (" in files.done("heads")
    assert "Rev: m1" in files.done("show", "joined@head")
    files.done("merge", "--rev-id", "m2", "--splice", "a2", "b1")
    assert "m2" in files.done("heads")


def test_a_merge_may_run_the_environment(files: Project) -> None:
    files.set("revision_environment", "true")
    files.done("merge", "--rev-id", "m1", "heads")
    assert not files.ledger.exists()


def test_heads_and_branches(files: Project) -> None:
    assert files.done("heads").split() == ["a2", "(head)", "b1", "(side)", "(head)"]
    verbose = files.done("heads", "--verbose", "--resolve-dependencies")
    assert "the message of b1" in verbose
    assert f"Path: {files.versions / 'b1_.py'}" in verbose
    branches = files.done("branches", "-v")
    assert "a1 (branchpoint)" in branches
    assert "-> b1 (side) (head), the message of b1" in branches


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["a1", "a2", "b1"]),
        (("-r", "a1:a2"), ["a1", "a2"]),
        (("-r", "a2:"), ["a2"]),
        (("-r", ":a2"), ["a1", "a2"]),
        (("-r-1:a2",), ["a1", "a2"]),
        (("-r", "side@head:"), ["b1"]),
        (("-i",), ["a1", "a2", "b1"]),
        (("-r", "base:current"), ["a1", "a2", "b1"]),
    ],
)
def test_history_ranges(
    files: Project, arguments: tuple[str, ...], expected: list[str]
) -> None:
    lines = files.done("history", *arguments).splitlines()
    assert sorted(line[-2:] for line in lines) == expected


def test_history_in_words(files: Project) -> None:
    out = files.done("history", "--verbose")
    assert "Revision ID" not in out
    assert "Parent: a1" in out
    assert "Branch names: side" in out


def test_show(files: Project) -> None:
    assert "the message of b1" in files.done("show", "side@head")
    assert files.done("show", "current") == ""
    assert "Can't locate revision" in files.failed("show", "nope")


def test_edit_opens_the_file(
    files: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "# edited" >> "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.delenv("VISUAL", raising=False)
    files.done("edit", "a2")
    assert _script(files, "a2").endswith("# edited\n")
    assert "No current revisions" in files.failed("edit", "current")
    assert not files.ledger.exists()


def test_list_templates_is_alembics(project: Project) -> None:
    assert "generic" in project.done("list_templates")


def test_file_template_and_hooks(project: Project) -> None:
    project.set("file_template", "%%(year)d/%%(rev)s_%%(slug)s")
    project.set("recursive_version_locations", "true")
    project.ini.write_text(
        project.ini.read_text()
        + "\n[post_write_hooks]\nhooks = format\nformat.type = module\n"
        "format.module = ruff\nformat.options = format REVISION_SCRIPT_FILENAME\n"
    )
    project.done("revision", "-m", "people", "--rev-id", "abc")
    (path,) = project.versions.glob("*/abc_people.py")
    assert 'revision: str = "abc"' in path.read_text()
    assert "abc" in project.done("heads")


def test_files_alone_import_neither_the_driver_nor_neomodel(files: Project) -> None:
    verbs = [
        ["heads"],
        ["history", "-v"],
        ["branches"],
        ["show", "a2"],
        ["revision", "-m", "x", "--head", "a2"],
        ["merge", "heads"],
    ]
    code = (
        "import sys\nfrom alembic.config import main\n"
        f"for verb in {verbs!r}:\n"
        "    main(['-c', 'neo4j.ini', *verb])\n"
        "assert not {'neo4j', 'neomodel'} & set(sys.modules)\n"
    )
    files.models("raise RuntimeError('models are imported')")
    assert f"neo4j.url = {NOWHERE}" in files.ini.read_text()
    done = _python(files, "-c", code)
    assert done == 0
    assert not files.ledger.exists()


def _template() -> Path:
    from alembic_neo4j.cli.init import template_directory

    return template_directory()


def _program(project: Project, name: str, *arguments: str) -> str:
    import subprocess

    program = Path(sys.executable).parent / name
    return subprocess.run(
        [str(program), *arguments],
        cwd=project.path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def _python(project: Project, *arguments: str) -> int:
    import subprocess

    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project.path,
        check=False,
        stdout=subprocess.DEVNULL,
    ).returncode

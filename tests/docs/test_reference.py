"""The reference is made from the code, and nothing public is missing from it."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alembic_neo4j import awaitable, declare, entities, op, revisions
from alembic_neo4j.checks.findings import CODES
from alembic_neo4j.cli import main
from alembic_neo4j.configuration.project import KEYS

from .documents import ROOT

DOCS = ROOT / "docs"


def load_extension() -> ModuleType:
    spec = spec_from_file_location("reference", DOCS / "_ext" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load_extension()


def public(module: ModuleType) -> list[Callable[..., Any]]:
    return [
        value
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation, built without a warning."""
    directory = tmp_path_factory.mktemp("html")
    # Options of Python's own would reach Sphinx's warnings; it is a program of its own.
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-E", str(DOCS), str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return directory


def anchors(page: Path) -> set[str]:
    return set(re.findall(r'id="([\w.-]+)"', page.read_text()))


def test_every_operation_is_in_the_reference(html: Path) -> None:
    found = anchors(html / "reference" / "operations.html")
    assert {f"op.{function.__name__}" for function in public(op)} <= found
    assert {"op.Property", "op.Relationship"} <= found


def test_every_declaration_is_in_the_reference(html: Path) -> None:
    found = anchors(html / "reference" / "declarations.html")
    assert {f"declare.{function.__name__}" for function in public(declare)} <= found


def test_every_awaitable_is_in_the_reference(html: Path) -> None:
    found = anchors(html / "reference" / "awaitable.html")
    assert {f"awaitable.{function.__name__}" for function in public(awaitable)} <= found


def test_the_entity_store_is_in_the_reference(html: Path) -> None:
    found = anchors(html / "reference" / "entities.html")
    classes = {f"entities.{cls.__name__}" for cls in reference.classes_of(entities)}
    assert len(classes) > 3
    assert classes <= found
    assert {"conflict.Conflict", "conflict.MergeFieldsResolver"} <= found
    assert {"backup.create_backup", "backup.restore_backup"} <= found
    methods = ("copy", "history"), ("Entity", "EntityRepository")
    assert {f"entities.{cls}.{m}" for m, cls in zip(*methods, strict=True)} <= found


def test_the_classes_of_revisions_are_in_the_reference(html: Path) -> None:
    found = anchors(html / "reference" / "revisions.html")
    own = set(revisions.__all__) - {"MigrationResult", "MigrationType"}
    assert len(own) > 3
    assert {f"revisions.{name}" for name in own} <= found
    methods = {"as_upgrade", "as_downgrade", "read_json", "project_root"}
    assert {f"revisions.Migration.{name}" for name in methods} <= found
    assert "revisions.SchemaMigration.execute_cypher" in found


def test_every_verb_is_in_the_reference(html: Path) -> None:
    found = anchors(html / "reference" / "commands.html")
    verbs = [path for path, _ in reference.all_commands(main, "alembic-neo4j")]
    assert verbs
    assert {verb.replace(" ", "-") for verb in verbs} <= found


def test_every_key_is_in_the_reference(html: Path) -> None:
    text = (html / "reference" / "configuration.html").read_text()
    assert [name for name in KEYS if f"neo4j.{name}" not in text] == []


def test_every_finding_is_in_the_reference(html: Path) -> None:
    text = (html / "reference" / "findings.html").read_text()
    assert [code for code in CODES if f">{code}<" not in text] == []


def test_nothing_is_left_to_fill_in(html: Path) -> None:
    for page in (html / "reference").glob("*.html"):
        assert "<!-- reference:" not in page.read_text()


def test_the_pages_ask_no_other_site(html: Path) -> None:
    for page in html.rglob("*.html"):
        assert list(fetched(page.read_text())) == []


def fetched(text: str) -> Iterator[str]:
    for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", text):
        yield from re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', tag)


@pytest.mark.parametrize("function", public(op), ids=lambda f: f.__name__)
def test_every_operation_is_described(function: Callable[..., Any]) -> None:
    assert inspect.getdoc(function)


def test_every_verb_is_described() -> None:
    for path, command in reference.all_commands(main, "alembic-neo4j"):
        assert command.help, path


def test_every_operation_has_a_section() -> None:
    listed = {function for section, function in reference.operations_by_section()}
    assert listed == set(public(op))
    assert all(section for section, _ in reference.operations_by_section())

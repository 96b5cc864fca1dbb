"""What the rooms may do: the contracts of imports, names, privacy and size."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "alembic_neo4j"
MODULES = sorted(PACKAGE.rglob("*.py"))

ROOMS = {
    "checks",
    "cli",
    "durability",
    "graph",
    "ingest",
    "ledger",
    "migration",
    "schema",
}
VAGUE = re.compile(r"utils?|common|helpers?|core|base|misc|shared|tools?")

LONGEST = 400
LONG = {
    "cli/reports.py": "a table: what each verb prints as JSON",
    "op.py": "the public operations: one typed function each, with its documentation",
    "schema/elements.py": "the values that a schema is made of, read side by side",
    "graph/cypher.py": "one function for each change: the table of our Cypher",
    "graph/refactorings.py": "one function for each refactoring, as above",
    "schema/changes/refactorings.py": "one class for each refactoring, as above",
    "graph/lexer.py": "one automaton; its states are read together",
    "graph/local/server.py": "start, find, stop and wipe share the life of one server",
}
"""The modules that may have more than `LONGEST` lines, and why."""

PRIVATE = {
    "ledger/store.py": {"_upgrade_revs"},
    "migration/context.py": {"_ensure_version_table"},
    "migration/directives.py": {"_to_script"},
    "migration/environment.py": {"_migration_context"},
    "migration/filters.py": {"_name_filters", "_object_filters"},
    "migration/impl.py": {"_exec"},
    "migration/preview.py": {"_downgrade_revs", "_upgrade_revs"},
    "schema/model_classes.py": {"_raw_class"},
}
"""The private names of Alembic and neomodel that we rely on, and where.

A release of either that renames one of them breaks that module and no other.
"""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(nodes: Iterator[ast.AST]) -> Iterator[tuple[str, str | None]]:
    """Every module that is imported, with the name that is taken from it."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import in line {node.lineno}"
            for alias in node.names:
                yield node.module or "", alias.name


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def is_our_own(node: ast.Attribute) -> bool:
    """Whether the attribute is one of the object or class that the code belongs to."""
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


each_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


def test_imports_go_down_only() -> None:
    program = Path(sys.executable).parent / "lint-imports"

    done = subprocess.run(
        [program, "--no-cache"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_room_is_one_of_the_design() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert rooms <= ROOMS
    assert {path.name for path in PACKAGE.glob("*.py")} == {
        "__init__.py",
        "awaitable.py",
        "errors.py",
        "op.py",
        "plugin.py",
        "pytest_plugin.py",
        "sentences.py",
        "waiting.py",
    }


@each_module
def test_a_name_says_what_is_inside(path: Path) -> None:
    parts = path.relative_to(PACKAGE).with_suffix("").parts

    assert [part for part in parts if VAGUE.fullmatch(part)] == []


@each_module
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    docstring = ast.get_docstring(tree(path))

    assert docstring, "no docstring"
    first = docstring.split("\n\n")[0].replace("\n", " ")
    assert first.endswith(".")
    assert re.search(r"[.!?] [A-Z]", first) is None, "more than one sentence"


@each_module
def test_the_driver_and_neomodel_have_one_room_each(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]

    loaded = {module.partition(".")[0] for module, _ in imports(ast.walk(tree(path)))}

    assert "neo4j" not in loaded or room == "graph"
    assert "neomodel" not in loaded or room == "schema"


@pytest.mark.parametrize("name", ["__init__.py", "plugin.py"])
def test_what_alembic_imports_half_way_imports_nothing(name: str) -> None:
    # TYPE_CHECKING and function bodies are not run by an import.
    statements = iter(tree(PACKAGE / name).body)

    loaded = {module for module, _ in imports(statements)}

    assert loaded <= {"__future__", "importlib", "typing"}


@each_module
def test_no_module_takes_a_private_name_of_another(path: Path) -> None:
    taken = [
        f"{module}.{name}"
        for module, name in imports(ast.walk(tree(path)))
        if is_private(name or "") or any(map(is_private, module.split(".")))
    ]

    assert [name for name in taken if not name.startswith("__future__")] == []


@each_module
def test_private_names_of_alembic_and_neomodel_are_listed(path: Path) -> None:
    used = {
        node.attr
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and is_private(node.attr)
        and not is_our_own(node)
    }

    assert used == PRIVATE.get(name_of(path), set())


@each_module
def test_the_library_prints_nothing(path: Path) -> None:
    if path.relative_to(PACKAGE).parts[0] == "cli":
        return
    called = {
        ast.unparse(node.func)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
    }

    assert called & {"print", "click.echo", "click.secho", "Console"} == set()


@each_module
def test_a_module_is_short_or_says_why_not(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())

    assert lines <= LONGEST or name_of(path) in LONG


def test_what_is_listed_exists() -> None:
    names = {name_of(path) for path in MODULES}

    assert set(LONG) | set(PRIVATE) <= names


QUOTED = {"error", "reason", "server_message", "strerror", "orig", "message", "cause"}
"""What holds the words of a server, a driver, a library or the system."""


def quoted(shown: ast.expr) -> bool:
    """Tell whether an expression is such words as they are."""
    if isinstance(shown, ast.BoolOp):
        return any(map(quoted, shown.values))
    if isinstance(shown, ast.Call):
        return ast.unparse(shown.func) == "str" and any(map(quoted, shown.args))
    name = shown.id if isinstance(shown, ast.Name) else getattr(shown, "attr", "")
    return name in QUOTED


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_quoted_sentence_ends_once(path: Path) -> None:
    texts = [node for node in ast.walk(tree(path)) if isinstance(node, ast.JoinedStr)]
    for text in texts:
        for part, following in pairwise(text.values):
            goes_on = isinstance(following, ast.Constant) and str(
                following.value
            ).startswith((".", ";", " ("))
            if goes_on and isinstance(part, ast.FormattedValue):
                # `ended` and `unended` of alembic_neo4j.sentences make it one.
                assert not quoted(part.value), f"line {part.lineno}"

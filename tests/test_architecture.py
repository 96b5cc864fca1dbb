"""What the rooms may do: the contracts of imports, names and privacy."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "alembic_neo4j"
MODULES = sorted(PACKAGE.rglob("*.py"))

ROOMS = {
    "backups",
    "checks",
    "cli",
    "command",
    "configuration",
    "cypher",
    "entities",
    "files",
    "graph",
    "ingest",
    "ledger",
    "local",
    "migration",
    "schema",
}
VAGUE = re.compile(r"utils?|common|helpers?|core|base|misc|shared|tools?")

PRIVATE = {
    "command/plan.py": {"_downgrade_revs", "_upgrade_revs"},
    "ledger/store.py": {"_upgrade_revs"},
    "migration/compare.py": {"_name_filters", "_object_filters"},
    "migration/context.py": {"_ensure_version_table", "_exec"},
    "migration/environment.py": {"_migration_context", "_to_script"},
    "migration/session.py": {"_ensure_version_table"},
    "schema/model_classes.py": {"_raw_class"},
}
"""The private names of Alembic and neomodel that we rely on, and where.

A release of either that renames one of them breaks that module and no other.
"""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a module; each module is read and walked once."""
    return tuple(ast.walk(tree(path)))


def imports(of: Iterable[ast.AST]) -> Iterator[tuple[str, str | None]]:
    """Every module that is imported, with the name that is taken from it."""
    for node in of:
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import in line {node.lineno}"
            for alias in node.names:
                yield node.module or "", alias.name


def is_private(name: str) -> bool:
    # `__init__` and the `_value_` of an Enum are Python's.
    return name.startswith("_") and not name.endswith("_")


def is_our_own(node: ast.Attribute) -> bool:
    """Whether the attribute is one of the object or class that the code belongs to."""
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


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


def test_no_imports_go_in_a_circle() -> None:
    # Those for types and in functions, too; a CycleError names the modules.
    needs = {dotted(path): set(ours(path)) for path in MODULES}

    order = list(TopologicalSorter(needs).static_order())

    assert sorted(order) == sorted(KNOWN)


def dotted(path: Path) -> str:
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


KNOWN = {dotted(path) for path in MODULES}


def ours(path: Path) -> Iterator[str]:
    for module, name in imports(nodes(path)):
        taken = {f"{module}.{name}", module} & KNOWN
        yield from {max(taken, key=len)} - {dotted(path)} if taken else ()


def test_every_room_is_one_of_the_design() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert rooms <= ROOMS
    assert {path.name for path in PACKAGE.glob("*.py")} == {
        "__init__.py",
        "awaitable.py",
        "database.py",
        "durability.py",
        "errors.py",
        "identity.py",
        "migration_types.py",
        "op.py",
        "plugin.py",
        "pytest_plugin.py",
        "revisions.py",
        "sentences.py",
        "waiting.py",
    }


def test_a_name_says_what_is_inside() -> None:
    vague = [
        name_of(path)
        for path in MODULES
        for part in path.relative_to(PACKAGE).with_suffix("").parts
        if VAGUE.fullmatch(part)
    ]

    assert vague == []


def test_a_module_opens_with_one_sentence() -> None:
    opened = {
        name_of(path): (ast.get_docstring(tree(path)) or "").split("\n\n")[0]
        for path in MODULES
    }

    wrong = [
        name
        for name, text in opened.items()
        if not text.endswith(".")
        or re.search(r"[.!?] [A-Z]", text.replace("\n", " ")) is not None
    ]
    assert wrong == []


def test_the_driver_and_neomodel_have_one_room_each() -> None:
    homes = {"neo4j": ("graph", "local"), "neomodel": ("schema",)}
    strays = [
        (name_of(path), library)
        for path in MODULES
        for module, _ in imports(nodes(path))
        if (library := module.partition(".")[0]) in homes
        and path.relative_to(PACKAGE).parts[0] not in homes[library]
    ]

    assert strays == []


def test_nothing_is_made_for_one_system_only() -> None:
    # Locks are filelock's, processes psutil's and directories platformdirs'.
    systems = {"fcntl", "grp", "msvcrt", "posix", "pwd", "resource", "winreg"}
    taken = [
        (name_of(path), module)
        for path in MODULES
        for module, _ in imports(nodes(path))
        if module in systems
    ]

    assert taken == []


@pytest.mark.parametrize("name", ["__init__.py", "plugin.py"])
def test_what_alembic_imports_half_way_imports_nothing(name: str) -> None:
    # TYPE_CHECKING and function bodies are not run by an import.
    loaded = {module for module, _ in imports(tree(PACKAGE / name).body)}

    assert loaded <= {"__future__", "importlib", "typing"}


def test_no_module_takes_a_private_name_of_another() -> None:
    taken = [
        (name_of(path), f"{module}.{name}")
        for path in MODULES
        for module, name in imports(nodes(path))
        if is_private(name or "") or any(map(is_private, module.split(".")))
    ]

    assert taken == []


def test_private_names_of_alembic_and_neomodel_are_listed() -> None:
    used = {name_of(path): private_attributes(path) for path in MODULES}

    assert {name: names for name, names in used.items() if names} == PRIVATE


def private_attributes(path: Path) -> set[str]:
    """The private names of other objects that a module reaches for."""
    return {
        node.attr
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and is_private(node.attr)
        and not is_our_own(node)
    }


def test_the_library_prints_nothing() -> None:
    printing = {"print", "click.echo", "click.secho", "Console"}
    loud = [
        name_of(path)
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] != "cli"
        for node in nodes(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in printing
    ]

    assert loud == []


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


def test_a_quoted_sentence_ends_once() -> None:
    # `ended` and `unended` of alembic_neo4j.sentences make it one.
    twice = [
        f"{name_of(path)}, line {part.lineno}"
        for path in MODULES
        for text in nodes(path)
        if isinstance(text, ast.JoinedStr)
        for part, following in pairwise(text.values)
        if isinstance(part, ast.FormattedValue)
        and isinstance(following, ast.Constant)
        and str(following.value).startswith((".", ";", " ("))
        and quoted(part.value)
    ]

    assert twice == []

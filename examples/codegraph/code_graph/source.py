"""Reads the source of a Python package by `ast`: what is in it, and what names what."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

DEFINING = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
Definition: TypeAlias = "ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef"

REEXPORTS = 8
"""How often a name may be handed on from one module to the next."""


@dataclass(frozen=True)
class CodeNode:
    """A file, a class or a function; its key is a path, or a fully qualified name."""

    key: str
    type: str
    name: str
    lines: tuple[int, int]
    docstring: str | None


@dataclass(frozen=True)
class CodeEdge:
    """What one node has to do with another, and the line that says so."""

    source: str
    target: str
    type: str
    line: int


@dataclass(frozen=True)
class Defined:
    """A class or a function of a module; `owner` is the class whose method it is."""

    fqn: str
    definition: Definition
    owner: str | None


@dataclass
class Module:
    """A file: what it defines, and what the names at its top level mean."""

    name: str
    path: str
    tree: ast.Module
    lines: int
    defined: dict[str, Defined] = field(default_factory=dict)
    meanings: dict[str, str] = field(default_factory=dict)


def read_package(name: str) -> tuple[list[CodeNode], list[CodeEdge]]:
    """Return what is in an installed package, and what there names what in it.

    An edge that several lines say is there once, with the first of them.
    """
    modules = {module.name: module for module in _modules(name)}
    known = {fqn: it for m in modules.values() for fqn, it in m.defined.items()}
    edges: dict[tuple[str, str, str], CodeEdge] = {}
    for module in modules.values():
        for edge in _edges(module, modules, known):
            edges.setdefault((edge.source, edge.target, edge.type), edge)
    return [node for m in modules.values() for node in _nodes(m)], [*edges.values()]


def _modules(package: str) -> Iterator[Module]:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"There is no package {package} here.")
    root = Path(next(iter(spec.submodule_search_locations)))
    for path in sorted(root.rglob("*.py")):
        # Templates of files are no modules, though their names end like one.
        if all(part.isidentifier() for part in path.relative_to(root).parts[:-1]):
            yield _module(path, path.relative_to(root.parent))


def _module(path: Path, inside: Path) -> Module:
    text = path.read_text("utf-8")
    parts = list(inside.with_suffix("").parts)
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    module = Module(name, inside.as_posix(), ast.parse(text), text.count("\n"))
    for found in _defined(module.tree, name, None):
        module.defined.setdefault(found.fqn, found)
    package = name if is_package else name.rpartition(".")[0]
    for imported in _imports(module.tree, package):
        module.meanings[imported.name] = imported.meaning
    for statement in ast.iter_child_nodes(module.tree):
        if isinstance(statement, DEFINING):
            module.meanings[statement.name] = f"{name}.{statement.name}"
    return module


def _nodes(module: Module) -> Iterator[CodeNode]:
    lines = (1, max(module.lines, 1))
    docstring = ast.get_docstring(module.tree)
    yield CodeNode(module.path, "file", Path(module.path).name, lines, docstring)
    for fqn, found in module.defined.items():
        it = found.definition
        kind = "class" if isinstance(it, ast.ClassDef) else "function"
        lines = (it.lineno, it.end_lineno or it.lineno)
        yield CodeNode(fqn, kind, it.name, lines, ast.get_docstring(it))


def _defined(tree: ast.AST, prefix: str, owner: str | None) -> Iterator[Defined]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, DEFINING):
            yield from _defined(node, prefix, owner)
            continue
        fqn = f"{prefix}.{node.name}"
        yield Defined(fqn, node, owner)
        yield from _defined(node, fqn, fqn if isinstance(node, ast.ClassDef) else None)


# Imports -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Import:
    """A name that an import gives to what has a full name, and the line of it."""

    name: str
    meaning: str
    line: int


def _imports(tree: ast.Module, package: str) -> Iterator[_Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                # `import a.b` gives the name a, `import a.b as c` the name c to a.b.
                name = alias.asname or alias.name.partition(".")[0]
                yield _Import(name, alias.name if alias.asname else name, node.lineno)
                yield _Import(alias.name, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            source = _from(node, package)
            for alias in node.names:
                meaning = f"{source}.{alias.name}"
                yield _Import(alias.asname or alias.name, meaning, node.lineno)


def _from(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


# Edges -------------------------------------------------------------------------------


def _edges(
    module: Module, modules: Mapping[str, Module], known: Mapping[str, Defined]
) -> Iterator[CodeEdge]:
    is_package = module.path.endswith("/__init__.py")
    package = module.name if is_package else module.name.rpartition(".")[0]
    for imported in _imports(module.tree, package):
        target = _module_of(imported.meaning, modules)
        if target and target is not module:
            yield CodeEdge(module.path, target.path, "IMPORTS", imported.line)
    for found in module.defined.values():
        line = found.definition.lineno
        if found.owner and not isinstance(found.definition, ast.ClassDef):
            yield CodeEdge(found.owner, found.fqn, "HAS_METHOD", line)
        else:
            yield CodeEdge(module.path, found.fqn, "CONTAINS", line)
        yield from _references(found, module, modules, known)


def _references(
    found: Defined,
    module: Module,
    modules: Mapping[str, Module],
    known: Mapping[str, Defined],
) -> Iterator[CodeEdge]:
    definition = found.definition
    named: list[ast.expr]
    if isinstance(definition, ast.ClassDef):
        named, type_, wanted = definition.bases, "EXTENDS", (ast.ClassDef,)
    else:
        named, type_ = [call.func for call in _calls(definition)], "CALLS"
        wanted = DEFINING[1:]
    for expression in named:
        target = _meant(expression, found.owner, module, modules, known)
        if type_ == "CALLS" and target and isinstance(target.definition, ast.ClassDef):
            target = known.get(f"{target.fqn}.__init__")
        if target and isinstance(target.definition, wanted):
            yield CodeEdge(found.fqn, target.fqn, type_, expression.lineno)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call):
            yield node
        # What is defined inside calls for itself.
        if not isinstance(node, DEFINING):
            yield from _calls(node)


def _meant(
    expression: ast.expr,
    owner: str | None,
    module: Module,
    modules: Mapping[str, Module],
    known: Mapping[str, Defined],
) -> Defined | None:
    first, *rest = _dotted(expression) or [""]
    if first in ("self", "cls") and owner and len(rest) == 1:
        return known.get(f"{owner}.{rest[0]}")
    fqn = ".".join([module.meanings.get(first, ""), *rest])
    for _ in range(REEXPORTS):
        if fqn in known:
            return known[fqn]
        holder = _module_of(fqn, modules)
        if holder is None or holder.name == fqn:
            return None
        name, *rest = fqn.removeprefix(f"{holder.name}.").split(".")
        fqn = ".".join([holder.meanings.get(name, ""), *rest])
    return None


def _dotted(expression: ast.expr) -> list[str] | None:
    if isinstance(expression, ast.Name):
        return [expression.id]
    if isinstance(expression, ast.Subscript):
        return _dotted(expression.value)
    if isinstance(expression, ast.Attribute):
        above = _dotted(expression.value)
        return above and [*above, expression.attr]
    return None


def _module_of(fqn: str, modules: Mapping[str, Module]) -> Module | None:
    """Return the module with the longest name that the full name begins with."""
    while fqn and fqn not in modules:
        fqn = fqn.rpartition(".")[0]
    return modules.get(fqn)

"""The text of modules with models: classes and attributes are written into it."""

from __future__ import annotations

import ast
import io
import keyword
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alembic_neo4j.errors import ModelError
from alembic_neo4j.sentences import ended

_OURS = "__AlembicNeo4j"
_KGID = re.compile(r"[\w.:-]{1,128}")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def check_class_name(name: str) -> None:
    """Raise ModelError for what can't be the name of a class, nor so of a label."""
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
        raise ModelError(
            f"expected the name of a class, such as Person (letters, digits and _, no "
            f"word of Python's, not two _ in front), found {name!r}. Nothing was "
            "written."
        )


def check_type(name: str) -> None:
    """Raise ModelError for what can't be a relationship type of a model."""
    # neomodel puts names in backticks and does not double one in them.
    if not name.strip() or not name.isprintable() or "`" in name:
        raise ModelError(
            f"expected a relationship type, such as WORKS_IN, found {name!r}. Nothing "
            "was written."
        )
    if name.startswith(_OURS):
        raise ModelError(
            f"{name}: names that start with {_OURS} belong to alembic_neo4j. Nothing "
            "was written."
        )


def check_kgid(kgid: str) -> None:
    """Raise ModelError for what is no text to know a class by."""
    if not _KGID.fullmatch(kgid):
        raise ModelError(
            "expected a __kgid__ of letters, digits and _ . : - such as "
            f"person_1f3a5c7e, found {kgid!r}. Nothing was written."
        )


def new_kgid(name: str) -> str:
    """Return a ``__kgid__`` for a class: its name and eight digits at random."""
    return f"{name.lower()}_{secrets.token_hex(4)}"


def snake_case(name: str) -> str:
    """Return the name of a class as modules and attributes are called."""
    snake = _WORDS.sub("_", name).lower().strip("_") or name.lower()
    return f"{snake}_" if keyword.iskeyword(snake) else snake


def node_class(name: str, kgid: str, *, asynchronous: bool = False) -> NewClass:
    """Return the class of a node with a name, to be completed by a person."""
    base = "AsyncStructuredNode" if asynchronous else "StructuredNode"
    text = (
        f"class {name}({base}):\n"
        f'    __kgid__ = "{kgid}"\n'
        "\n"
        "    name = StringProperty()\n"
    )
    return NewClass(name, text, ("StringProperty", base))


def relationship_class(name: str, kgid: str, *, asynchronous: bool = False) -> NewClass:
    """Return the class of what relationships of a type carry."""
    base = "AsyncStructuredRel" if asynchronous else "StructuredRel"
    text = f'class {name}({base}):\n    __kgid__ = "{kgid}"\n'
    return NewClass(name, text, (base,))


@dataclass(frozen=True)
class NewClass:
    """The text of a class, and the names of neomodel's that it needs."""

    name: str
    text: str
    imports: tuple[str, ...]


@dataclass(frozen=True)
class Attribute:
    """An assignment in the body of a class, and what it needs of neomodel's."""

    owner: str
    name: str
    value: str
    imports: tuple[str, ...]

    @property
    def line(self) -> str:
        """The assignment."""
        return f"{self.name} = {self.value}"


def new_module(added: NewClass) -> str:
    """Return a module that has this class alone."""
    names = ", ".join(sorted(added.imports))
    return f"from neomodel import {names}\n\n\n{added.text}"


def with_class(source: str, added: NewClass, place: str) -> str:
    """Return a module with a class at its end.

    `place` is the module's file, for messages. Raises ModelError where the module has
    the name already, or is no Python.
    """
    tree = _parsed(source, place)
    _check_free(tree, added.name, place)
    body = source.rstrip()
    end = f"{body}\n\n\n{added.text}" if body else added.text
    return _checked(_with_imports(end, tree, added.imports), place)


def with_relationship(
    source: str, added: NewClass, attribute: Attribute, place: str
) -> str:
    """Return a module in which a class of nodes has a relationship with this model.

    The model stands above the class. Raises ModelError where the module has the name
    already, or the class is written so that nothing can be added to it.
    """
    tree = _parsed(source, place)
    _check_free(tree, added.name, place)
    owner = next((c for c in _classes(tree) if c.name == attribute.owner), None)
    if owner is None or owner.body[0].lineno == owner.lineno:
        raise ModelError(
            f"{place}: expected `class {attribute.owner}` at the module's level, with "
            "a body of lines of its own. Nothing was written; leave out --source-label "
            f"and write into the class yourself: {attribute.line}"
        )
    lines = _lines(source)
    last = owner.body[-1]
    assert last.end_lineno is not None
    first = lines[owner.body[0].lineno - 1]
    indent = first[: len(first) - len(first.lstrip())]
    gap = "" if isinstance(last, (ast.Assign, ast.AnnAssign)) else "\n"
    if not lines[last.end_lineno - 1].endswith("\n"):
        lines[last.end_lineno - 1] += "\n"
    lines.insert(last.end_lineno, f"{gap}{indent}{attribute.line}\n")
    start = min([owner.lineno, *(d.lineno for d in owner.decorator_list)])
    lines.insert(start - 1, f"{added.text}\n\n")
    needed = (*added.imports, *attribute.imports)
    return _checked(_with_imports("".join(lines), tree, needed), place)


def _with_imports(text: str, tree: ast.Module, names: Iterable[str]) -> str:
    """Return the text with the names of neomodel's that the module lacked."""
    bound = set(_bound(tree))
    missing = sorted({name for name in names if name not in bound})
    if not missing or "*" in bound:
        return text
    lines = _lines(text)
    place, follows = _import_place(tree)
    line = f"from neomodel import {', '.join(missing)}\n"
    lines.insert(place, line if follows else f"{line}\n\n")
    return "".join(lines)


def _lines(text: str) -> list[str]:
    """Return the lines with their ends, as Python counts them."""
    return io.StringIO(text, newline="").readlines()


def _import_place(tree: ast.Module) -> tuple[int, bool]:
    """Return behind which line imports go, and whether others are above."""
    place, follows = 0, False
    for number, statement in enumerate(tree.body):
        is_import = isinstance(statement, (ast.Import, ast.ImportFrom))
        is_docstring = number == 0 and _is_text(statement)
        if not is_import and not is_docstring:
            break
        assert statement.end_lineno is not None
        place, follows = statement.end_lineno, is_import
    return place, follows


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _bound(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module binds; ``*`` where it takes all of neomodel's."""
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                if alias.name != "*" or statement.module == "neomodel":
                    yield alias.asname or alias.name
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                yield alias.asname or alias.name.partition(".")[0]
        elif isinstance(
            statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        ):
            yield statement.name
        elif isinstance(statement, ast.Assign):
            yield from (t.id for t in statement.targets if isinstance(t, ast.Name))


def _classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    return (s for s in tree.body if isinstance(s, ast.ClassDef))


def _check_free(tree: ast.Module, name: str, place: str) -> None:
    if name in set(_bound(tree)):
        raise ModelError(
            f"{place} has the name {name} already. Nothing was written; take another "
            "name, or edit what is there."
        )


def _parsed(source: str, place: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise ModelError(
            f"{place}: expected a module of Python, found: {ended(error)} Nothing was "
            "written; mend it first."
        ) from error


def _checked(text: str, place: str) -> str:
    _parsed(text, place)
    return text

"""The classes of nodes that the packages of ``neo4j.models`` define."""

from __future__ import annotations

import importlib
import linecache
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType, TracebackType
from typing import Any, TypeAlias

from neomodel import AsyncStructuredNode, StructuredNode

from alembic_neo4j.errors import ModelError

ModelClass: TypeAlias = type[Any]

_ROOTS: tuple[ModelClass, ...] = (StructuredNode, AsyncStructuredNode)


def load_node_classes(packages: Sequence[str]) -> list[ModelClass]:
    """Import the packages and modules whole and return the node classes in them.

    A class counts when its ``__module__`` lies in one of the packages and one of
    their modules holds it: under a name, inside another class, or in a list, tuple,
    set or dict. So a class that a function returns counts once a module keeps it,
    whatever a redefinition or a deleted module left in memory does not, and what a
    module merely imports from elsewhere doesn't either. Sorted by module and name.

    Raises ModelError where a package is not found or a module can't be imported.
    """
    modules: dict[str, ModuleType] = {}
    for package in packages:
        for module in _import_whole(package, packages):
            modules.setdefault(module.__name__, module)
    found: dict[int, ModelClass] = {}
    seen: set[int] = set()
    for module in modules.values():
        for value in list(vars(module).values()):
            for cls in _classes_in(value, packages, seen):
                found[id(cls)] = cls
    return sorted(_without_leftovers(found.values()), key=identity)


def lies_in(module: str, packages: Iterable[str]) -> bool:
    """Tell whether the module is one of the packages or inside one of them."""
    return any(module == p or module.startswith(p + ".") for p in packages)


def identity(cls: ModelClass) -> tuple[str, str]:
    """Return the module and the qualified name of the class."""
    return (cls.__module__, cls.__qualname__)


def described(cls: ModelClass) -> str:
    """Return the class for a message: its dotted name, its file and its line."""
    name = f"{cls.__module__}.{cls.__qualname__}"
    path = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if path is None:
        return name
    line = _line(cls, path)
    return f"{name} ({_short(path)}:{line})" if line else f"{name} ({_short(path)})"


def _line(cls: ModelClass, path: str) -> int | None:
    """Return the line of the last class of this name; `inspect` parses the file."""
    statement = re.compile(rf"\s*class\s+{re.escape(cls.__name__)}\b")
    linecache.checkcache(path)
    lines = enumerate(linecache.getlines(path), start=1)
    return max((n for n, text in lines if statement.match(text)), default=None)


def _import_whole(package: str, packages: Sequence[str]) -> Iterator[ModuleType]:
    module = _import(package, packages)
    yield module
    for found in _submodules(module):
        # Importing __main__ would run the program.
        if not found.endswith(".__main__"):
            yield from _import_whole(found, packages)


def _submodules(module: ModuleType) -> list[str]:
    path = getattr(module, "__path__", ())
    return sorted(f"{module.__name__}.{m.name}" for m in pkgutil.iter_modules(path))


def _import(name: str, packages: Sequence[str]) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and lies_in(name, [error.name]):
            raise _not_found(name, error) from error
        raise _not_imported(name, error, packages) from error
    except (Exception, SystemExit) as error:
        if not name or name.startswith("."):
            raise _not_found(name, error) from error
        raise _not_imported(name, error, packages) from error


def _not_found(name: str, error: BaseException) -> ModelError:
    return ModelError(
        f"neo4j.models: there is no module or package {name!r} ({error}). "
        "Check its spelling (dots, no slashes, no .py) and that its directory is "
        "installed or in prepend_sys_path."
    )


def _not_imported(
    name: str, error: BaseException, packages: Sequence[str]
) -> ModelError:
    # Some errors of neomodel list every class of the process.
    lines = str(error).strip().splitlines()
    text = "\n".join([*lines[:8], *(["…"] if len(lines) > 8 else [])])
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return ModelError(
        f"neo4j.models: module {name!r} can't be imported. {what} "
        f"({_raised_at(error, packages)}). Mend the module, or give what it needs "
        "in the environment of this command; nothing was read."
    )


def _raised_at(error: BaseException, packages: Sequence[str]) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(error.filename)}:{error.lineno}"
    raised, ours = "at an unknown line", ""
    for frame, line in _frames(error.__traceback__):
        path = frame.f_code.co_filename
        if path.startswith("<frozen importlib") or path == importlib.__file__:
            continue
        raised = f"{_short(path)}:{line}"
        if lies_in(frame.f_globals.get("__name__", ""), packages):
            ours = raised
    return raised if ours in ("", raised) else f"{ours}, raised at {raised}"


def _frames(trace: TracebackType | None) -> Iterable[tuple[Any, int]]:
    # The first frame is the import in this module.
    return list(traceback.walk_tb(trace))[1:]


def _short(path: str) -> str:
    """Return the path from here where the file lies below, else as it is."""
    here = os.getcwd() + os.sep
    return path[len(here) :] if path.startswith(here) else path


def _classes_in(
    value: object, packages: Sequence[str], seen: set[int]
) -> Iterator[ModelClass]:
    if isinstance(value, dict):
        yield from _members(value.values(), packages, seen)
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from _members(value, packages, seen)
    elif isinstance(value, type) and id(value) not in seen:
        seen.add(id(value))
        if lies_in(value.__module__, packages):
            if issubclass(value, _ROOTS):
                yield value
            for inner in list(vars(value).values()):
                if isinstance(inner, type):
                    yield from _classes_in(inner, packages, seen)


def _members(
    values: Iterable[object], packages: Sequence[str], seen: set[int]
) -> Iterator[ModelClass]:
    for value in list(values):
        if isinstance(value, type):
            yield from _classes_in(value, packages, seen)


def _without_leftovers(classes: Iterable[ModelClass]) -> list[ModelClass]:
    """Drop a class that stays under an alias after its name was defined again."""
    grouped: dict[tuple[str, str], list[ModelClass]] = {}
    for cls in classes:
        grouped.setdefault(identity(cls), []).append(cls)
    kept = []
    for group in grouped.values():
        named = [cls for cls in group if _by_name(cls) is cls]
        kept.extend(named or group)
    return kept


def _by_name(cls: ModelClass) -> object:
    held: object = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        held = getattr(held, name, None)
    return held

"""Finding the modules of a directory that have models, without importing any."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

_MODELS = re.compile(r"^\s*(from|import)\s+neomodel\b", re.MULTILINE)
_NOT_THEIRS = {"migrations", "tests", "test", "docs", "build", "dist", "node_modules"}
_MOST_FILES = 2_000
"""How many files are looked at, at most."""


def found_models(project: Path, *, leave_out: Path) -> list[str]:
    """Return the names of the modules that import neomodel, sorted.

    Where there is none, those that are called ``models`` in a package are returned. A
    package whose modules have models is named in their place when all are in its
    ``models``.
    """
    importing: list[str] = []
    called: list[str] = []
    for number, (name, path) in enumerate(_modules(project, leave_out)):
        if number == _MOST_FILES:
            break
        if _MODELS.search(path.read_text("utf-8", "replace")):
            importing.append(name)
        elif "." in name and "models" in name.split("."):
            called.append(name)
    return sorted({_package(name) for name in importing or called})


def _package(name: str) -> str:
    """Return ``shop.models`` for ``shop.models.people``."""
    parts = name.split(".")
    return ".".join(parts[: parts.index("models") + 1]) if "models" in parts else name


def _modules(project: Path, leave_out: Path) -> Iterator[tuple[str, Path]]:
    roots = [project, project / "src"] if (project / "src").is_dir() else [project]
    for root in roots:
        for directory, names, files in os.walk(root):
            here = Path(directory)
            names[:] = [
                name
                for name in names
                if name not in _NOT_THEIRS
                and (here / name).resolve() != leave_out.resolve()
                and (here / name / "__init__.py").exists()
            ]
            for file in files:
                if file.endswith(".py") and file not in ("setup.py", "conftest.py"):
                    parts = (here / file).relative_to(root).with_suffix("").parts
                    parts = parts[:-1] if parts[-1] == "__init__" else parts
                    if parts:
                        yield ".".join(parts), here / file

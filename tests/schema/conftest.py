"""Fixtures of the tests that read models: modules that can be imported."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alembic_neo4j.schema.models import ModelSchema, read_models

HEADER = "from neomodel import *\nfrom alembic_neo4j import declare\n"
KEPT = ("neomodel", "alembic_neo4j", "shop", "shop_async")
MODELS = Path(__file__).parent / "models"

Write = Callable[..., None]
Read = Callable[..., ModelSchema]


@pytest.fixture
def forget_modules() -> Iterator[None]:
    """Drop the modules that a test imports, so that the next may use their names.

    Not the shop's: neomodel keeps the model of a relationship type for the whole
    process and refuses the same one imported again.
    """
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] not in (
            "neomodel",
            "alembic_neo4j",
            "shop",
            "shop_async",
        ):
            del sys.modules[name]


@pytest.fixture
def shop(forget_modules: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packages of tests/schema/models can be imported."""
    monkeypatch.syspath_prepend(str(MODELS))


@pytest.fixture
def write(
    forget_modules: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Write:
    """Write a module, by its path, below an importable directory."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    # Two versions of a file in one second would share their bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write_module(path: str, source: str, *, header: str = HEADER) -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(header + textwrap.dedent(source))
        sys.modules.pop(path.removesuffix(".py").replace("/", "."), None)
        importlib.invalidate_caches()

    return write_module


@pytest.fixture
def read(write: Write) -> Read:
    """Write one module with the source and read it as models."""

    def read_source(source: str) -> ModelSchema:
        write("app.py", source)
        return read_models(["app"])

    return read_source

"""A ledger's URL of a driver for an event loop: what is said, by whatever asks."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from alembic_neo4j import awaitable
from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.ledger.engine import database_url
from tests.ingest.transfers import make_source
from tests.migration.project import Project

STOCK = [
    ("upgrade", "head"),
    ("upgrade", "head", "--sql"),
    ("downgrade", "base"),
    ("downgrade", "r1:base", "--sql"),
    ("current",),
    ("check",),
    ("stamp", "head"),
    ("stamp", "head", "--sql"),
    ("revision", "--autogenerate", "-m", "new"),
]
OURS = [
    ("status",),
    ("plan",),
    ("verify",),
    ("history",),
    ("repair",),
    ("unlock", "--yes"),
    ("run", "a.cypher"),
    ("archive", "list"),
    ("archive", "purge", "r1", "--yes"),
    ("archive", "restore", "r1", "--yes"),
    ("ingest", "list"),
    ("ingest", "show", "b"),
    ("ingest", "load", "a.csv", "--label", "Person"),
    ("ingest", "rollback", "b", "--yes"),
    ("transfer", "g", "--source", "source.db"),
]
ASKED = "expected a driver that works without an event loop, found aiosqlite"


@pytest.fixture
def asynchronous(project: Project) -> Project:
    project.revision("r1", "op.add_node('Person')", "op.remove_node('Person')")
    (project.path / "a.csv").write_text("name\nAnn\n")
    (project.path / "a.cypher").write_text("CREATE (:Person);\n")
    make_source(project.path / "source.db", "g")
    project.set("sqlalchemy.url", "sqlite+aiosqlite:///%(here)s/neo4j_ledger.db")
    return project


def written(project: Project) -> set[Path]:
    found = project.path.rglob("*")
    return {path for path in found if "__pycache__" not in path.parts}


@pytest.mark.parametrize("verb", STOCK, ids=" ".join)
def test_stock_alembic_says_which_url_to_write(
    asynchronous: Project, verb: tuple[str, ...]
) -> None:
    before = written(asynchronous)

    message = asynchronous.failed(*verb)

    assert message.startswith("sqlalchemy.url")
    assert ASKED in message
    assert f"Write sqlite:///{asynchronous.ledger}" in message
    assert "Greenlet" not in message
    assert written(asynchronous) == before


@pytest.mark.parametrize("verb", OURS, ids=" ".join)
def test_every_verb_says_which_url_to_write(
    asynchronous: Project, verb: tuple[str, ...]
) -> None:
    before = written(asynchronous)

    outcome = asynchronous.verb(*verb)

    assert outcome.status != 0
    assert ASKED in outcome.text
    assert f"Write sqlite:///{asynchronous.ledger}" in outcome.text
    assert "Traceback" not in outcome.text
    assert written(asynchronous) == before


def test_the_installed_program_says_it_too(asynchronous: Project) -> None:
    outcome = asynchronous.program("-c", "neo4j.ini", "upgrade", "head")

    assert outcome.status == 255
    assert ASKED in outcome.text
    assert "Traceback" not in outcome.text


def test_so_it_is_in_an_event_loop(asynchronous: Project) -> None:
    with pytest.raises(ConfigurationError, match=ASKED):
        asyncio.run(awaitable.upgrade(asynchronous.config(), "head"))


@pytest.mark.parametrize(
    ("url", "found", "instead"),
    [
        (
            "postgresql+asyncpg://ann:secret@host/ledger?ssl=require",
            "asyncpg",
            "postgresql+psycopg://ann:***@host/ledger",
        ),
        (
            "postgresql+psycopg_async://host/ledger",
            "psycopg_async",
            "postgresql+psycopg://host/ledger",
        ),
        ("mysql+aiomysql://host/ledger", "aiomysql", "mysql+pymysql://host/ledger"),
        ("mysql+asyncmy://host/ledger", "asyncmy", "mysql+pymysql://host/ledger"),
        ("mssql+aioodbc://host/ledger", "aioodbc", "mssql+pyodbc://host/ledger"),
    ],
)
def test_each_database_has_a_driver_to_take(url: str, found: str, instead: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        database_url(url, "neo4j.ini: sqlalchemy.url")

    message = str(caught.value)
    assert message.startswith("neo4j.ini: sqlalchemy.url = ")
    assert f"found {found}, which needs one. Write {instead};" in message
    assert "secret" not in message
    assert "require" not in message


@pytest.mark.parametrize(
    "url", ["sqlite:///ledger.db", "postgresql+psycopg://host/ledger"]
)
def test_what_works_without_a_loop_is_taken(url: str) -> None:
    assert database_url(url).render_as_string() == url


def test_an_engine_of_such_a_driver_is_told_of(project: Project) -> None:
    config = project.config()
    config.attributes["connection"] = create_engine(
        "postgresql+psycopg_async://127.0.0.1:1/ledger"
    )

    with pytest.raises(ConfigurationError, match=r"config\.attributes.*psycopg_async"):
        command.upgrade(config, "head")
    # No connection was begun, which nobody would await.
    gc.collect()

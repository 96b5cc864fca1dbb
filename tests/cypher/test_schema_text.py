"""What a schema command is read as."""

from __future__ import annotations

import pytest

from alembic_neo4j.cypher.ddl import SchemaCommand, read_schema_command
from alembic_neo4j.schema.definitions import Constraint, EntityType, Index
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP


@pytest.mark.parametrize(
    ("text", "name", "lenient", "element"),
    [
        (
            "CREATE INDEX FOR (n:P) ON (n.a, n.`b c`)",
            *(None, False, Index(IndexKind.RANGE, NODE, ("P",), ("a", "b c"))),
        ),
        (
            "create text index for for (n:P) on (n.on);",
            *("for", False, Index(IndexKind.TEXT, NODE, ("P",), ("on",))),
        ),
        (
            "CYPHER 25 CREATE INDEX IF NOT EXISTS FOR ()-[r:`A:B`]-() ON (r.a)",
            *(None, True, Index(IndexKind.RANGE, RELATIONSHIP, ("A:B",), ("a",))),
        ),
        (
            "CREATE FULLTEXT INDEX t FOR (n:A|B) ON EACH [n.x, n.y] "
            "OPTIONS {indexConfig: {`fulltext.analyzer`: 'cjk'}}",
            "t",
            False,
            Index(IndexKind.FULLTEXT, NODE, ("A", "B"), ("x", "y")),
        ),
        (
            "CREATE INDEX $name FOR (n:P) ON (n.a) // done",
            *("it's", False, Index(IndexKind.RANGE, NODE, ("P",), ("a",))),
        ),
        (
            "CREATE CONSTRAINT `if` IF NOT EXISTS FOR (n:P) REQUIRE (n.a, n.is) "
            "IS NODE KEY",
            *("if", True, Constraint(ConstraintKind.KEY, NODE, "P", ("a", "is"))),
        ),
        (
            "CREATE CONSTRAINT FOR ()-[r:R]->() REQUIRE r.a IS RELATIONSHIP UNIQUE",
            *(
                None,
                False,
                Constraint(ConstraintKind.UNIQUE, RELATIONSHIP, "R", ("a",)),
            ),
        ),
        (
            "CREATE CONSTRAINT c FOR (n:P) REQUIRE n.a IS NOT NULL",
            *("c", False, Constraint(ConstraintKind.EXISTENCE, NODE, "P", ("a",))),
        ),
        (
            "CREATE CONSTRAINT c FOR (n:P) REQUIRE n.a IS :: list<string not null>",
            "c",
            False,
            Constraint(ConstraintKind.TYPE, NODE, "P", ("a",), "LIST<STRING>"),
        ),
    ],
)
def test_a_creation(
    text: str, name: str | None, lenient: bool, element: Index | Constraint
) -> None:
    of_index = isinstance(element, Index)
    read = read_schema_command(text, {"name": "it's"})
    assert read is not None
    assert read == SchemaCommand(True, of_index, name, lenient, read.element)
    assert read.element is not None
    assert read.element.key == element.key
    assert type(read.element) is type(element)


@pytest.mark.parametrize(
    ("text", "of_index", "name", "lenient"),
    [
        ("DROP INDEX i", True, "i", False),
        ("drop constraint `a ``b` if exists;", False, "a `b", True),
        ("DROP INDEX $name IF EXISTS", True, "x", True),
    ],
)
def test_a_drop(text: str, of_index: bool, name: str, lenient: bool) -> None:
    read = read_schema_command(text, {"name": "x"})
    assert read == SchemaCommand(False, of_index, name, lenient)


def test_a_lookup_index_is_known_by_its_entity() -> None:
    text = "CREATE LOOKUP INDEX l IF NOT EXISTS FOR ()-[r]-() ON EACH type(r)"
    assert read_schema_command(text, {}) == SchemaCommand(
        True, True, "l", True, lookup=RELATIONSHIP
    )


@pytest.mark.parametrize(
    "text",
    [
        "CREATE INDEX ON :P(a)",
        "DROP INDEX ON :P(a)",
        "CREATE CONSTRAINT ON (n:P) ASSERT n.a IS UNIQUE",
        "CREATE INDEX $missing FOR (n:P) ON (n.a)",
        "EXPLAIN CREATE INDEX FOR (n:P) ON (n.a)",
        "ALTER CURRENT GRAPH TYPE SET {}",
        "CREATE INDEX",
    ],
)
def test_what_is_not_read(text: str) -> None:
    assert read_schema_command(text, {}) is None

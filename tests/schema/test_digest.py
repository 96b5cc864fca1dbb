"""The JSON form of a schema and its hash."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.definitions import (
    Constraint,
    Direction,
    EntityType,
    Index,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.digest import (
    schema_digest,
    value_to_json,
)
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind
from alembic_neo4j.schema.models import ModelSchema, read_models

Read = Callable[[str], ModelSchema]
Write = Callable[..., None]
MODELS = Path(__file__).parent / "models"

SCHEMA = Schema.of(
    nodes=[
        Node(
            "Person",
            (
                Property("name", "STRING", required=True, attribute="called"),
                Property("born", "ANY", default=date(2020, 1, 2)),
                Property("tags", "LIST<STRING>", default=("a", ("b",))),
                Property("code", "STRING", choices=("b", "a"), max_length=3),
                Property("at", "POINT", crs="wgs-84", default_factory="now"),
                Property("mail", "STRING", pattern="@", format="%Y"),
            ),
            (
                Relationship(
                    "KNOWS",
                    "Person",
                    direction=Direction.IN,
                    cardinality="One",
                    exclusion_group="g",
                    attribute="known",
                ),
            ),
            bases=("Being",),
            optional_labels=("Vip",),
            open=True,
            databases=("neo4j",),
            kgid="person",
            source="app.Person",
        ),
        Node("Ünïcode \N{SNOWMAN}"),
    ],
    relationship_types=[
        RelationshipType("KNOWS", (Property("since", "STRING"),), kgid="knows")
    ],
    indexes=[
        Index(
            IndexKind.POINT,
            EntityType.RELATIONSHIP,
            ("KNOWS",),
            ("at",),
            (("spatial.cartesian.min", (0.0, 1.0)),),
            name="mine",
        ),
        Index(IndexKind.RANGE, EntityType.NODE, ("Person",), ("name", "born")),
    ],
    constraints=[
        Constraint(ConstraintKind.TYPE, EntityType.NODE, "Person", ("name",), "STRING"),
        Constraint(ConstraintKind.UNIQUE, EntityType.NODE, "Person", ("code", "name")),
    ],
)


STORED = [
    None,
    True,
    0,
    1.0,
    float("inf"),
    "text",
    b"\x00\xff",
    (),
    (1, ("a", None)),
    date(2020, 1, 2),
    datetime(2020, 1, 2, 3, 4, 5, 6),
    datetime(2020, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    time(1, 2, 3),
    time(1, tzinfo=ZoneInfo("Europe/Berlin")),
    timedelta(days=-1, seconds=3, microseconds=5),
]


def test_values_that_differ_are_written_differently() -> None:
    written = {json.dumps(value_to_json(value)) for value in STORED}
    assert len(written) == len(STORED)


def test_what_no_graph_holds_has_no_json() -> None:
    with pytest.raises(SchemaError, match=r"a stored value was expected, found \{\}"):
        value_to_json({})


def test_a_digest_says_its_format_and_is_one_for_ever() -> None:
    assert re.fullmatch(r"1:[0-9a-f]{64}", schema_digest(SCHEMA))
    # A change of this constant is a change of every revision's schema_hash: a new
    # field of an element must have a default, any other change is a new FORMAT.
    assert schema_digest(Schema()) == (
        "1:d8c17e914580337e050e8430d5896a74f45ec218d54048688120efabfff45b19"
    )
    assert schema_digest(SCHEMA) == (
        "1:8f9f322c92f20919175591794df5d49c0040574056c103ac06d9fdce7b9dc4c2"
    )


def test_names_attributes_sources_and_order_are_not_in_the_digest() -> None:
    person = SCHEMA.nodes["Person"]
    moved = replace(
        person,
        properties=tuple(
            replace(p, attribute="x" + p.name) for p in reversed(person.properties)
        ),
        relationships=tuple(replace(r, attribute="y") for r in person.relationships),
        source="other.module.Person",
    )
    other = Schema.of(
        nodes=[SCHEMA.nodes["Ünïcode \N{SNOWMAN}"], moved],
        relationship_types=[
            replace(t, source="other") for t in SCHEMA.relationship_types.values()
        ],
        indexes=[
            replace(i, name=i.name + "2") for i in reversed([*SCHEMA.indexes.values()])
        ],
        constraints=[
            replace(c, name=c.name + "2") for c in SCHEMA.constraints.values()
        ],
    )
    assert other == SCHEMA
    assert schema_digest(other) == schema_digest(SCHEMA)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "other"},
        {"type": "INTEGER"},
        {"required": True},
        {"default": "x"},
        {"default": 1},
        {"default": True},
        {"default": ("x",)},
        {"default_factory": "now"},
        {"choices": ("a",)},
        {"max_length": 1},
        {"pattern": "x"},
        {"crs": "wgs-84"},
        {"format": "%Y"},
    ],
)
def test_every_compared_field_of_a_property_is_in_the_digest(
    changed: dict[str, Any],
) -> None:
    plain = Property("name", "STRING")
    digests = {
        schema_digest(Schema.of(nodes=[Node("A", (declared,))]))
        for declared in (plain, replace(plain, **changed))
    }
    assert len(digests) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"label": "B"},
        {"bases": ("B",)},
        {"optional_labels": ("B",)},
        {"open": True},
        {"databases": ("b",)},
        {"kgid": "b"},
        {"relationships": (Relationship("X", "Y"),)},
        {"relationships": (Relationship("X", "Y", cardinality="One"),)},
        {"relationships": (Relationship("X", "Y", direction=Direction.ANY),)},
        {"relationships": (Relationship("X", "Y", exclusion_group="g"),)},
    ],
)
def test_every_compared_field_of_a_node_is_in_the_digest(
    changed: dict[str, Any],
) -> None:
    plain = Node("A", (), (Relationship("X", "Z"),))
    digests = {
        schema_digest(Schema.of(nodes=[node]))
        for node in (plain, replace(plain, **changed))
    }
    assert len(digests) == 2


def test_the_order_of_composite_properties_and_options_are_in_the_digest() -> None:
    plain = Index(IndexKind.RANGE, EntityType.NODE, ("A",), ("a", "b"))
    digests = {
        schema_digest(Schema.of(indexes=[index]))
        for index in (
            plain,
            replace(plain, properties=("b", "a")),
            replace(plain, entity=EntityType.RELATIONSHIP),
            replace(plain, kind=IndexKind.FULLTEXT),
            replace(
                plain,
                kind=IndexKind.FULLTEXT,
                options=(("fulltext.analyzer", "english"),),
            ),
        )
    }
    assert len(digests) == 5


@pytest.mark.parametrize("package", ["shop", "shop_async"])
def test_the_digest_of_models_is_the_same_in_every_process(package: str) -> None:
    program = (
        "from alembic_neo4j.schema.models import read_models; "
        "from alembic_neo4j.schema.digest import schema_digest; "
        f"print(schema_digest(read_models(['{package}']).schema))"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(MODELS)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2", "3")
    }
    assert digests == {
        "1:b79f0e5c07d6f7637688076cf01a1a4456536b98ef55d1f3304d4148a158e78a"
    }


def test_moving_a_class_to_another_file_leaves_the_digest(write: Write) -> None:
    body = (
        "def code():\n    return ''\n"
        "class Person(StructuredNode):\n"
        "    code = StringProperty(default=code)\n"
        "    next = RelationshipTo('Person', 'NEXT')\n"
    )
    write("one/__init__.py", "")
    write("one/people.py", body)
    write("two/__init__.py", "")
    write("two/deeper/__init__.py", body)
    digests = {schema_digest(read_models([p]).schema) for p in ("one", "two")}
    assert len(digests) == 1


def test_a_default_made_at_import_leaves_the_digest(read: Read) -> None:
    source = """
        class A(StructuredNode):
            day = DateTimeFormatProperty(default_now=True, format="%c")
            at = DateTimeNeo4jFormatProperty(default_now=True)
    """
    assert schema_digest(read(source).schema) == schema_digest(read(source).schema)

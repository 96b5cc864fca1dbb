"""Rules as values, as files and as what the models ask."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.rules import (
    PropertyRules,
    Rules,
    rules_from_file,
    rules_from_mapping,
    rules_of_label,
    rules_of_properties,
    rules_of_type,
)
from alembic_neo4j.schema.definitions import (
    Constraint,
    EntityType,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.kinds import ConstraintKind

TOML = """
unknown = "refuse"
unique = ["email", ["first", "last"]]

[rows]
min = 1
max = 1000

[properties.age]
type = "INTEGER"
column = "Age in years"
required = true
min = 0
max = 150

[properties.born]
type = "DATE"
min = 1900-01-01
format = "%d.%m.%Y"

[properties."full name"]
min_length = 2
max_length = 80
pattern = "[A-Z]"
allowed = ["Ann", "Bob"]
unique = true
"""
JSON = '{"properties": {"age": {"type": "INTEGER", "min": 0}}, "rows": {"min": 2}}'


def test_a_toml_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(TOML)

    assert rules_from_file(path) == Rules(
        (
            PropertyRules(
                "age", "INTEGER", "Age in years", True, minimum=0, maximum=150
            ),
            PropertyRules("born", "DATE", minimum=date(1900, 1, 1), format="%d.%m.%Y"),
            PropertyRules(
                "full name",
                min_length=2,
                max_length=80,
                pattern="[A-Z]",
                allowed=("Ann", "Bob"),
                unique=True,
            ),
        ),
        unique=(("full name",), ("email",), ("first", "last")),
        min_rows=1,
        max_rows=1000,
        unknown="refuse",
    )


def test_a_json_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(JSON)

    assert rules_from_file(path) == Rules(
        (PropertyRules("age", "INTEGER", minimum=0),), min_rows=2
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"propertys": {}}, "Did you mean 'properties'?"),
        ({"properties": {"a": {"requird": True}}}, "Did you mean 'required'?"),
        ({"properties": {"a": {"required": "yes"}}}, "expected a bool for 'required'"),
        ({"properties": {"a": {"max_length": True}}}, "expected a int"),
        ({"properties": {"a": {"pattern": "("}}}, "expected a regular expression"),
        ({"properties": {"a": 1}}, "properties.a: expected a table"),
        ({"properties": []}, "expected a table"),
        ({"rows": {"min": -1}}, "rows: expected a number for 'min'"),
        ({"rows": {"max": "1"}}, "expected a number for 'max'"),
        ({"unique": [[1]]}, "expected a list of properties"),
        ({"unique": [[]]}, "expected a list of properties"),
        ({"unknown": "drop"}, "keep, ignore, refuse"),
    ],
)
def test_what_says_no_rules(said: dict[str, Any], expected: str) -> None:
    with pytest.raises(IngestError) as raised:
        rules_from_mapping(said)
    assert expected in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.toml", "x = "), ("a.json", "{"), ("a.json", "[" * 99_999), ("a.json", "[]")],
)
def test_what_is_no_file_of_rules(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(IngestError, match=rf"{name}: expected"):
        rules_from_file(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="can't be read: No such file"):
        rules_from_file(tmp_path / "rules.toml")


SCHEMA = Schema.of(
    nodes=[
        Node(
            "Person",
            (
                Property("name", "STRING", required=True, max_length=80),
                Property("uid", "STRING", required=True, default_factory="uuid4.hex"),
                Property("kind", "STRING", required=True, default="a", choices=("a",)),
                Property("mail", "STRING", pattern=".+@"),
                Property("born_on", "DATE", attribute="born"),
                Property("home", "POINT", crs="wgs-84"),
            ),
            (Relationship("KNOWS", "Person"), Relationship("LIKES", "Thing")),
            bases=("Being",),
        ),
        Node("Thing", open=True),
    ],
    relationship_types=[RelationshipType("KNOWS", (Property("since", "INTEGER"),))],
    constraints=[
        Constraint(ConstraintKind.UNIQUE, EntityType.NODE, "Being", ("uid",)),
        Constraint(ConstraintKind.KEY, EntityType.NODE, "Person", ("name", "mail")),
        Constraint(ConstraintKind.UNIQUE, EntityType.NODE, "Thing", ("id",)),
        Constraint(ConstraintKind.UNIQUE, EntityType.RELATIONSHIP, "KNOWS", ("id",)),
    ],
)


def test_a_default_that_only_python_makes_is_none() -> None:
    made = Property("uid", "STRING", required=True, default_factory="uuid4.hex")
    odd = Property("odd", "STRING", required=True, default_factory="app.models.odd")

    rules = rules_of_properties([made, odd])

    assert [rule.required for rule in rules.properties] == [False, True]


def test_what_the_model_of_a_label_asks() -> None:
    rules = rules_of_label(SCHEMA, "Person")

    asked = {rule.name: rule for rule in rules.properties}
    assert {name for name, rule in asked.items() if rule.required} == {"name"}
    assert asked["name"].max_length == 80
    assert asked["kind"].allowed == ("a",)
    assert asked["mail"].pattern == ".+@"
    assert asked["born_on"] == PropertyRules("born_on", "DATE", attribute="born")
    assert asked["home"].crs == "wgs-84"
    assert rules.unique == (("uid",), ("name", "mail"))
    assert rules.unknown == "refuse"
    assert rules_of_label(SCHEMA, "Thing").unknown == "keep"


def test_what_the_model_of_a_relationship_type_asks() -> None:
    knows = rules_of_type(SCHEMA, "KNOWS")

    assert [rule.name for rule in knows.properties] == ["since"]
    assert knows.unique == (("id",),)
    assert rules_of_type(SCHEMA, "LIKES").properties == ()


def test_names_that_no_model_has() -> None:
    with pytest.raises(IngestError, match=r"found 'Persons'. Did you mean 'Person'?"):
        rules_of_label(SCHEMA, "Persons")
    with pytest.raises(IngestError, match=r"type of the models, found 'KNOW'"):
        rules_of_type(SCHEMA, "KNOW")


def test_rules_over_those_of_a_model() -> None:
    own = rules_from_mapping(
        {
            "properties": {
                "name": {"min_length": 2, "column": "Name"},
                "age": {"type": "INTEGER"},
            },
            "unknown": "ignore",
            "rows": {"max": 5},
            "unique": ["age"],
        }
    )

    rules = own.over(rules_of_label(SCHEMA, "Person"))

    asked = {rule.name: rule for rule in rules.properties}
    assert asked["name"] == PropertyRules(
        "name", "STRING", "Name", True, min_length=2, max_length=80, attribute="name"
    )
    assert asked["age"].type == "INTEGER"
    assert asked["born_on"].type == "DATE"
    assert (rules.unknown, rules.max_rows, rules.min_rows) == ("ignore", 5, None)
    assert rules.unique == (("uid",), ("name", "mail"), ("age",))
    assert Rules().over(own) == own
    assert own.over(Rules()) == own

"""Each change has its effect on a schema, and its reverse takes it back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    AddLabel,
    AddNode,
    AddProperty,
    AddRelationship,
    AddRelationshipType,
    AlterNode,
    AlterProperty,
    AlterRelationship,
    AlterRelationshipType,
    Change,
    DropConstraint,
    DropIndex,
    Irreversible,
    RemoveLabel,
    RemoveNode,
    RemoveProperty,
    RemoveRelationship,
    RemoveRelationshipType,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
    ReverseRelationships,
)
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
    distinct_name,
)

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP
NAME = Property("name", "STRING")
AGE = Property("age", "INTEGER")
LIVES = Relationship("LIVES", "City")
HOME = Relationship("LIVES", "Person", direction=Direction.IN)
ON_NAME = Index("RANGE", NODE, ("Person",), ("name",))
ON_SINCE = Index("RANGE", RELATIONSHIP, ("LIVES",), ("since",))
UNIQUE = Constraint("UNIQUE", NODE, "Person", ("name", "age"))

SCHEMA = Schema.of(
    nodes=[
        Node("Person", (NAME,), (LIVES,)),
        Node("Boss", (NAME,), (LIVES,), bases=("Person",)),
        Node("City", (), (HOME,)),
    ],
    relationship_types=[RelationshipType("LIVES", (Property("since"),))],
    indexes=[ON_NAME, ON_SINCE],
    constraints=[UNIQUE],
)
PERSON = SCHEMA.nodes["Person"]

REVERSIBLE: list[Change] = [
    AddNode(Node("Dog")),
    RemoveNode("City", SCHEMA.nodes["City"]),
    AlterNode("Person", (("open", True),), (("open", False),)),
    AddLabel("Person", "Being"),
    RemoveLabel("Boss", "Person"),
    RenameLabel("Person", "Human"),
    AddProperty(NODE, "Person", AGE),
    AddProperty(RELATIONSHIP, "LIVES", AGE),
    RemoveProperty(NODE, "Person", "name", "archive", NAME),
    AlterProperty(
        NODE, "Person", "name", (("required", True),), (("required", False),)
    ),
    RenameProperty(NODE, "Person", "name", "title"),
    RenameProperty(RELATIONSHIP, "LIVES", "since", "start"),
    AddRelationship("Person", Relationship("KNOWS", "Person")),
    RemoveRelationship("Person", LIVES),
    AlterRelationship("Person", LIVES, (("target", "Town"),)),
    ReverseRelationships("Person", "LIVES", "City"),
    AddRelationshipType(RelationshipType("KNOWS")),
    RemoveRelationshipType("LIVES", SCHEMA.relationship_types["LIVES"]),
    AlterRelationshipType("LIVES", (("kgid", "k"),), (("kgid", None),)),
    RenameRelationshipType("LIVES", "DWELLS"),
    AddIndex(Index("TEXT", NODE, ("Person",), ("name",))),
    DropIndex(ON_NAME),
    AddConstraint(Constraint("UNIQUE", NODE, "City", ("name",))),
    DropConstraint(UNIQUE),
]


@pytest.mark.parametrize("change", REVERSIBLE, ids=lambda c: type(c).__name__)
def test_the_reverse_takes_a_change_back(change: Change) -> None:
    changed = change.apply(SCHEMA)
    assert changed != SCHEMA
    assert change.reverse().apply(changed) == SCHEMA


@pytest.mark.parametrize("change", REVERSIBLE, ids=lambda c: type(c).__name__)
def test_the_reverse_of_the_reverse_has_the_same_effect(change: Change) -> None:
    again = change.reverse().reverse()
    assert type(again) is type(change)
    assert again.apply(SCHEMA) == change.apply(SCHEMA)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (AddNode(PERSON), "'Person' is declared already"),
        (RemoveNode("Dog"), "'Dog' is not declared"),
        (AlterNode("Dog", ()), "'Dog' is not declared"),
        (AddRelationshipType(RelationshipType("LIVES")), "'LIVES' is declared already"),
        (RemoveRelationshipType("KNOWS"), "'KNOWS' is not declared"),
        (AlterRelationshipType("KNOWS", ()), "'KNOWS' is not declared"),
        (AddIndex(ON_NAME), "exists already"),
        (AddIndex(Index("TEXT", NODE, ("X",), ("y",), name=ON_NAME.name)), "is taken"),
        (DropIndex(Index("TEXT", NODE, ("Person",), ("name",))), "the history has no"),
        (AddConstraint(UNIQUE), "exists already"),
        (
            AddConstraint(replace(UNIQUE, label="City", name=ON_NAME.name)),
            "give one of them another name",
        ),
        (DropConstraint(replace(UNIQUE, label="City", name="")), "the history has no"),
    ],
)
def test_a_change_that_does_not_fit_is_refused(change: Change, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        change.apply(SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        RemoveNode("Person"),
        AlterNode("Person", ()),
        RemoveProperty(NODE, "Person", "name"),
        RemoveProperty(NODE, "Person", "name", "delete", NAME),
        AlterProperty(NODE, "Person", "name", ()),
        RemoveRelationshipType("LIVES"),
        AlterRelationshipType("LIVES", ()),
    ],
    ids=lambda c: type(c).__name__,
)
def test_what_is_not_known_can_not_be_brought_back(change: Change) -> None:
    with pytest.raises(Irreversible):
        change.reverse()


def test_a_change_of_a_property_reaches_the_subclasses() -> None:
    added = AddProperty(NODE, "Person", AGE).apply(SCHEMA)
    assert added.nodes["Boss"].property("age") == AGE
    change = AlterProperty(NODE, "Person", "name", (("required", True),))
    assert change.apply(SCHEMA).nodes["Boss"].property("name") == replace(
        NAME, required=True
    )


def test_an_added_property_leaves_a_subclass_its_own() -> None:
    own = replace(AGE, required=True)
    boss = SCHEMA.nodes["Boss"].with_property(own)
    schema = replace(SCHEMA, nodes={**SCHEMA.nodes, "Boss": boss})
    added = AddProperty(NODE, "Person", AGE).apply(schema)
    assert added.nodes["Boss"].property("age") == own


def test_a_change_of_a_relationship_reaches_the_subclasses() -> None:
    altered = AlterRelationship("Person", LIVES, (("cardinality", "One"),))
    (found,) = altered.apply(SCHEMA).nodes["Boss"].relationships
    assert found.cardinality == "One"


def test_a_change_on_a_label_that_no_model_declares_is_none_of_the_schema() -> None:
    for change in (
        AddProperty(NODE, "Nobody", AGE),
        AddProperty(RELATIONSHIP, "NOTHING", AGE),
        AddLabel("Nobody", "Being"),
        RenameLabel("Nobody", "Somebody"),
    ):
        assert change.apply(SCHEMA) == SCHEMA


def test_both_ends_turn_round_and_so_do_subclasses() -> None:
    turned = ReverseRelationships("Person", "LIVES", "City").apply(SCHEMA)
    directions = {
        label: [r.direction for r in node.relationships]
        for label, node in turned.nodes.items()
    }
    assert directions == {
        "Person": [Direction.IN],
        "Boss": [Direction.IN],
        "City": [Direction.OUT],
    }


class TestMovingElements:
    def test_a_renamed_label_takes_them_along(self) -> None:
        renamed = RenameLabel("Person", "Human").apply(SCHEMA)
        assert [i.name for i in renamed.indexes.values()] == [
            "index_Human_name",
            "index_LIVES_since",
        ]
        (constraint,) = renamed.constraints.values()
        assert constraint.label == "Human"

    def test_a_renamed_property_takes_them_along(self) -> None:
        renamed = RenameProperty(NODE, "Person", "name", "title").apply(SCHEMA)
        assert Index("RANGE", NODE, ("Person",), ("title",)).key in renamed.indexes
        (constraint,) = renamed.constraints.values()
        assert constraint.properties == ("title", "age")

    def test_an_index_that_covers_another_label_stays(self) -> None:
        both = Index("FULLTEXT", NODE, ("Person", "City"), ("name",))
        schema = replace(SCHEMA, indexes={both.key: both})
        renamed = RenameProperty(NODE, "Person", "name", "title").apply(schema)
        assert list(renamed.indexes) == [both.key]

    def test_a_name_that_a_person_chose_stays(self) -> None:
        mine = replace(ON_NAME, name="mine")
        schema = replace(SCHEMA, indexes={mine.key: mine})
        (moved,) = RenameLabel("Person", "Human").apply(schema).indexes.values()
        assert moved.name == "mine"

    def test_a_name_that_is_taken_gets_a_suffix(self) -> None:
        there = replace(ON_SINCE, name="index_Human_name")
        schema = replace(SCHEMA, indexes={e.key: e for e in (ON_NAME, there)})
        renamed = RenameLabel("Person", "Human").apply(schema)
        moved = renamed.indexes[Index("RANGE", NODE, ("Human",), ("name",)).key]
        assert moved.name == distinct_name("index_Human_name", moved.key)

    def test_a_suffix_stays_so_that_a_dropped_namesake_can_come_back(self) -> None:
        plain = Index("RANGE", NODE, ("A_b",), ("c",))
        suffixed = Index("RANGE", NODE, ("A",), ("b_c",))
        suffixed = replace(suffixed, name=distinct_name(suffixed.name, suffixed.key))
        schema = Schema.of(nodes=[Node("A")], indexes=[plain, suffixed])
        changes: list[Change] = [DropIndex(plain), RenameLabel("A", "B")]
        for change in changes:
            schema = change.apply(schema)
        for change in reversed(changes):
            schema = change.reverse().apply(schema)
        assert [i.name for i in schema.indexes.values()] == [suffixed.name, plain.name]


def test_a_declaration_is_kept_once_whatever_the_order() -> None:
    twins = (LIVES, replace(LIVES, cardinality="One"))
    first, second = Node("A", (), twins), Node("A", (), twins[::-1])
    assert first == second
    assert len(first.relationships) == 1


def test_an_attribute_follows_a_renamed_property_unless_it_had_a_name_of_its_own() -> (
    None
):
    plain, own = Property("a"), Property("b", attribute="mine")
    schema = Schema.of(nodes=[Node("L", (plain, own))])
    renamed = RenameProperty(EntityType.NODE, "L", "a", "x").apply(schema)
    renamed = RenameProperty(EntityType.NODE, "L", "b", "y").apply(renamed)
    told = RenameProperty(EntityType.NODE, "L", "x", "z", attribute="told").apply(
        renamed
    )
    found = {p.name: p.attribute for p in told.nodes["L"].properties}
    assert found == {"y": "mine", "z": "told"}


def test_what_moves_onto_an_element_of_the_same_schema_leaves_that_one() -> None:
    standing = Constraint("UNIQUE", EntityType.NODE, "New", ("p",), name="standing")
    moving = Constraint("UNIQUE", EntityType.NODE, "Old", ("p",))
    for constraints in ([standing, moving], [moving, standing]):
        schema = Schema.of(constraints=constraints)
        found = RenameLabel("Old", "New").apply(schema).constraints
        assert [c.name for c in found.values()] == ["standing"]

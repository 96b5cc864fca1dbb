"""A change on a base reaches its subclasses: nothing is emitted twice or lost."""

from __future__ import annotations

import functools
from dataclasses import replace

from alembic_neo4j.schema.changes import (
    AddNode,
    AddProperty,
    AddRelationship,
    AlterProperty,
    AlterRelationship,
    Change,
    RemoveNode,
    RemoveProperty,
    RemoveRelationship,
)
from alembic_neo4j.schema.definitions import (
    EntityType,
    Node,
    Property,
    Relationship,
    Schema,
)
from alembic_neo4j.schema.diff import diff

NODE = EntityType.NODE
NAME = Property("name", "STRING")
AGE = Property("age", "INTEGER")
KNOWS = Relationship("KNOWS", "Animal")


def animals(base: tuple[Property, ...], dog: tuple[Property, ...]) -> Schema:
    return Schema.of(nodes=[Node("Animal", base), Node("Dog", dog, bases=("Animal",))])


def related(base: tuple[Relationship, ...], dog: tuple[Relationship, ...]) -> Schema:
    return Schema.of(
        nodes=[Node("Animal", (), base), Node("Dog", (), dog, bases=("Animal",))]
    )


def changes(before: Schema, after: Schema) -> list[Change]:
    """The changes, having led there and back."""
    found = diff(before, after).changes
    reached = functools.reduce(lambda s, change: change.apply(s), found, before)
    assert reached == after
    undone = [change.reverse() for change in reversed(found)]
    assert functools.reduce(lambda s, change: change.apply(s), undone, after) == before
    return list(found)


def test_a_property_of_the_base_is_added_once() -> None:
    assert changes(animals((), ()), animals((AGE,), (AGE,))) == [
        AddProperty(NODE, "Animal", AGE)
    ]


def test_a_property_of_the_base_is_altered_once() -> None:
    required = replace(AGE, required=True)
    assert changes(animals((AGE,), (AGE,)), animals((required,), (required,))) == [
        AlterProperty(
            NODE, "Animal", "age", (("required", True),), (("required", False),)
        )
    ]


def test_a_property_of_the_base_is_removed_once() -> None:
    assert changes(animals((AGE,), (AGE,)), animals((), ())) == [
        RemoveProperty(NODE, "Animal", "age", "archive", AGE)
    ]


def test_a_property_moves_down_and_its_values_are_kept() -> None:
    before, after = animals((AGE,), (AGE,)), animals((), (AGE,))
    assert changes(before, after) == [
        RemoveProperty(NODE, "Animal", "age", "keep", AGE),
        AddProperty(NODE, "Dog", AGE),
    ]
    (note,) = diff(before, after).notes
    assert note.text == "the values of Animal.age are kept: Dog still declares it"


def test_a_property_moves_up_and_the_subclass_keeps_its_values() -> None:
    assert changes(animals((), (AGE,)), animals((AGE,), (AGE,))) == [
        RemoveProperty(NODE, "Dog", "age", "keep", AGE),
        AddProperty(NODE, "Animal", AGE),
    ]


def test_a_default_that_moves_up_is_filled_in_where_it_is_missing() -> None:
    old = replace(AGE, default=1)
    before, after = animals((), (old,)), animals((old,), (old,))
    found = diff(before, after)
    assert list(found.changes) == [
        RemoveProperty(NODE, "Dog", "age", "keep", old),
        AddProperty(NODE, "Animal", old, True),
    ]
    assert list(found.notes) == []


def test_a_subclass_that_declares_more_gets_its_own_change() -> None:
    long, short = replace(NAME, max_length=20), replace(NAME, max_length=10)
    assert changes(animals((), ()), animals((long,), (short,))) == [
        AddProperty(NODE, "Animal", long),
        AlterProperty(
            NODE, "Dog", "name", (("max_length", 10),), (("max_length", 20),)
        ),
    ]


def test_a_subclass_keeps_what_it_declares_in_its_own_way() -> None:
    required = replace(NAME, required=True)
    assert changes(
        animals((NAME,), (required,)), animals((required,), (required,))
    ) == [
        RemoveProperty(NODE, "Dog", "name", "keep", required),
        AlterProperty(
            NODE, "Animal", "name", (("required", True),), (("required", False),)
        ),
        AddProperty(NODE, "Dog", required),
    ]


def test_values_below_are_converted_before_those_of_the_base() -> None:
    text, number = replace(AGE, type="STRING"), AGE
    found = changes(animals((text,), (number,)), animals((number,), (number,)))
    assert [(c.owner, c.using, c.reverse_using) for c in found] == [
        ("Dog", "toString(value)", "toInteger(value)"),
        ("Animal", "toInteger(value)", "toString(value)"),
    ]


def test_an_undeclaring_subclass_gives_up_what_reaches_it() -> None:
    assert changes(animals((), ()), animals((AGE,), ())) == [
        AddProperty(NODE, "Animal", AGE),
        RemoveProperty(NODE, "Dog", "age", "keep", AGE),
    ]


def test_a_new_subclass_waits_for_its_base() -> None:
    dog = Node("Dog", (AGE,), bases=("Animal",))
    after = Schema.of(nodes=[Node("Animal", (AGE,)), dog])
    assert changes(Schema.of(nodes=[Node("Animal")]), after) == [
        AddProperty(NODE, "Animal", AGE),
        AddNode(dog),
    ]


def test_a_property_shared_by_a_diamond_is_added_once() -> None:
    def diamond(*properties: Property) -> Schema:
        return Schema.of(
            nodes=[
                Node("A", properties),
                Node("B", properties, bases=("A",)),
                Node("C", properties, bases=("A",)),
                Node("D", properties, bases=("A", "B", "C")),
            ]
        )

    assert changes(diamond(), diamond(AGE)) == [AddProperty(NODE, "A", AGE)]
    assert changes(diamond(AGE), diamond()) == [
        RemoveProperty(NODE, "A", "age", "archive", AGE)
    ]


def test_a_relationship_of_the_base_is_added_and_removed_once() -> None:
    assert changes(related((), ()), related((KNOWS,), (KNOWS,))) == [
        AddRelationship("Animal", KNOWS)
    ]
    assert changes(related((KNOWS,), (KNOWS,)), related((), ())) == [
        RemoveRelationship("Animal", KNOWS)
    ]


def test_a_relationship_of_the_base_gets_another_target_once() -> None:
    dog = replace(KNOWS, target="Dog")
    assert changes(related((KNOWS,), (KNOWS,)), related((dog,), (dog,))) == [
        AlterRelationship("Animal", KNOWS, (("target", "Dog"),))
    ]


def test_a_subclass_keeps_its_own_cardinality() -> None:
    one = replace(KNOWS, cardinality="One")
    many = replace(KNOWS, cardinality="OneOrMore")
    assert changes(related((KNOWS,), (one,)), related((many,), (one,))) == [
        RemoveRelationship("Dog", one),
        AlterRelationship("Animal", KNOWS, (("cardinality", "OneOrMore"),)),
        AddRelationship("Dog", one),
    ]


def test_a_history_that_lacks_a_base_of_a_base_is_completed() -> None:
    # A person added the label Being to animals, and Being was below Thing.
    being, dog = Node("Being", bases=("Thing",)), Node("Dog", bases=("Being",))
    whole = replace(dog, bases=("Being", "Thing"))
    before = Schema.of(nodes=[Node("Thing"), being, dog])
    after = Schema.of(nodes=[Node("Thing"), being, whole])
    assert changes(before, after) == [RemoveNode("Dog", dog), AddNode(whole)]
    assert changes(before, before) == []

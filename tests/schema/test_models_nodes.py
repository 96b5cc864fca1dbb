"""Labels, inheritance and what else a node's class says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alembic_neo4j.errors import ModelError
from alembic_neo4j.schema.models import ModelSchema, read_models

Read = Callable[[str], ModelSchema]


def test_the_label_is_the_class_or_what_it_says(read: Read) -> None:
    schema = read(
        """
        class Person(StructuredNode):
            pass

        class Firm(StructuredNode):
            __label__ = "Company"

        class Shop(Firm):
            pass
        """
    ).schema
    assert {n.label: n.bases for n in schema.nodes.values()} == {
        "Person": (),
        "Company": (),
        "Shop": ("Company",),
    }
    assert schema.nodes["Company"].source == "app.Firm"


def test_an_abstract_class_has_a_label_only_where_it_gives_one(read: Read) -> None:
    result = read(
        """
        class Plain(StructuredNode):
            __abstract_node__ = True
            code = StringProperty(unique_index=True)

        class Labelled(StructuredNode):
            __abstract_node__ = True
            __label__ = "Entry"
            title = StringProperty(index=True)

        class Book(Plain, Labelled):
            pass
        """
    )
    schema = result.schema
    assert sorted(schema.nodes) == ["Book", "Entry"]
    assert schema.nodes["Book"].bases == ("Entry",)
    assert sorted(p.name for p in schema.nodes["Book"].properties) == ["code", "title"]
    assert [p.name for p in schema.nodes["Entry"].properties] == ["title"]
    assert sorted(i.labels for i in schema.indexes.values()) == [("Book",), ("Entry",)]
    assert [c.label for c in schema.constraints.values()] == ["Book"]
    assert result.models == 2


def test_an_abstract_class_below_a_label_hands_on_what_it_declares(read: Read) -> None:
    schema = read(
        """
        class Animal(StructuredNode):
            name = StringProperty(index=True)

        class Tame(Animal):
            __abstract_node__ = True
            owner = StringProperty(index=True)

        class Dog(Tame):
            pass
        """
    ).schema
    assert schema.nodes["Dog"].bases == ("Animal",)
    assert sorted(i.name for i in schema.indexes.values()) == [
        "index_Animal_name",
        "index_Dog_name",
        "index_Dog_owner",
    ]


def test_mixins_and_several_bases_are_joined(read: Read) -> None:
    schema = read(
        """
        class Dated:
            since = DateProperty(index=True)
            next = RelationshipTo("Left", "NEXT")

        class Left(StructuredNode):
            a = StringProperty()

        class Right(StructuredNode):
            b = StringProperty()

        class Both(Dated, Left, Right):
            pass
        """
    ).schema
    both = schema.nodes["Both"]
    assert both.labels == ("Both", "Left", "Right")
    assert [p.name for p in both.properties] == ["a", "b", "since"]
    assert [p.attribute for p in both.properties] == ["a", "b", "since"]
    assert [r.type for r in both.relationships] == ["NEXT"]
    assert [i.name for i in schema.indexes.values()] == ["index_Both_since"]


def test_a_property_declared_again_changes_the_label_of_the_subclass_only(
    read: Read,
) -> None:
    schema = read(
        """
        class Base(StructuredNode):
            name = StringProperty(index=True)

        class Child(Base):
            name = StringProperty(unique_index=True, max_length=5)

        class GrandChild(Child):
            name = None
        """
    ).schema
    assert schema.nodes["Base"].properties[0].max_length is None
    assert schema.nodes["Child"].properties[0].max_length == 5
    assert schema.nodes["GrandChild"].properties == schema.nodes["Child"].properties
    assert [i.name for i in schema.indexes.values()] == ["index_Base_name"]
    assert sorted(c.label for c in schema.constraints.values()) == [
        "Child",
        "GrandChild",
    ]


def test_optional_labels_databases_and_openness_are_read(read: Read) -> None:
    schema = read(
        """
        from neomodel.contrib import AsyncSemiStructuredNode, SemiStructuredNode

        class Base(StructuredNode):
            __optional_labels__ = ["B"]
            __target_databases__ = ["one", "two"]

        class Child(Base):
            __optional_labels__ = ["A", "B"]

        class Free(SemiStructuredNode):
            pass

        class AsyncFree(AsyncSemiStructuredNode):
            pass
        """
    ).schema
    assert schema.nodes["Base"].optional_labels == ("B",)
    assert schema.nodes["Child"].optional_labels == ("A", "B")
    assert schema.nodes["Child"].databases == ("one", "two")
    assert not schema.nodes["Base"].open
    assert schema.nodes["Free"].open
    assert schema.nodes["AsyncFree"].open


def test_a_kgid_is_the_class_s_own(read: Read) -> None:
    schema = read(
        """
        class Base(StructuredNode):
            __kgid__ = "base"

        class Child(Base):
            pass
        """
    ).schema
    assert schema.nodes["Base"].kgid == "base"
    assert schema.nodes["Child"].kgid is None


def test_sync_and_async_classes_are_read_side_by_side(read: Read) -> None:
    result = read(
        """
        class Person(StructuredNode):
            name = StringProperty(index=True)

        class Company(AsyncStructuredNode):
            name = StringProperty(index=True)
            boss = AsyncRelationshipTo("Company", "OWNS", cardinality=AsyncZeroOrOne)
        """
    )
    assert sorted(result.schema.nodes) == ["Company", "Person"]
    (boss,) = result.schema.nodes["Company"].relationships
    assert boss.cardinality == "ZeroOrOne"
    assert result.warnings == ()


@pytest.mark.usefixtures("shop")
def test_sync_and_async_twins_are_equal_and_can_be_read_together() -> None:
    sync = read_models(["shop"]).schema
    twin = read_models(["shop_async"]).schema
    assert sync == twin
    assert read_models(["shop", "shop_async"]).schema == sync


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('__kgid__ = ""', "__kgid__ is ''"),
        ("__kgid__ = 5", "__kgid__ is 5"),
        ('__optional_labels__ = "Vip"', "__optional_labels__ is 'Vip'"),
        ('__target_databases__ = "neo4j"', "__target_databases__ is 'neo4j'"),
        ('__label__ = ""', "__label__ is ''"),
    ],
)
def test_an_unusable_name_is_an_error(read: Read, line: str, found: str) -> None:
    with pytest.raises(ModelError) as raised:
        read(f"\nclass Person(StructuredNode):\n    {line}\n")
    assert str(raised.value).startswith("app.Person (app.py:4): ")
    assert found in str(raised.value)

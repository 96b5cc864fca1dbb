"""Relationships, their models and the types those give properties to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alembic_neo4j.errors import ModelError
from alembic_neo4j.schema.definitions import Direction, EntityType, Relationship
from alembic_neo4j.schema.models import ModelSchema, read_models

Read = Callable[[str], ModelSchema]
Write = Callable[..., None]


def test_direction_target_cardinality_and_group_are_read(read: Read) -> None:
    result = read(
        """
        class Target(StructuredNode):
            __label__ = "The Target"

        class Model(StructuredNode):
            out = RelationshipTo("Target", "OUT", cardinality=One)
            into = RelationshipFrom(Target, "IN", exclusion_group="g")
            both = Relationship("app.Target", "BOTH", exclusion_group="g")
            own = RelationshipTo("Model", "OUT", cardinality=OneOrMore)
        """
    )
    assert result.schema.nodes["Model"].relationships == (
        Relationship(
            "BOTH", "The Target", direction=Direction.ANY, exclusion_group="g"
        ),
        Relationship("IN", "The Target", direction=Direction.IN, exclusion_group="g"),
        Relationship("OUT", "Model", cardinality="OneOrMore"),
        Relationship("OUT", "The Target", cardinality="One"),
    )
    assert [r.attribute for r in result.schema.nodes["Model"].relationships] == [
        "both",
        "into",
        "own",
        "out",
    ]
    assert result.relationships == 3
    assert result.warnings == ()


def test_relationships_are_inherited_and_a_subclass_may_declare_them_again(
    read: Read,
) -> None:
    schema = read(
        """
        class Base(StructuredNode):
            friend = RelationshipTo("Base", "FRIEND")

        class Child(Base):
            friend = RelationshipTo("Base", "FRIEND", cardinality=ZeroOrOne)

        class Other(Base):
            pass
        """
    ).schema
    cardinality = {
        n.label: n.relationships[0].cardinality for n in schema.nodes.values()
    }
    assert cardinality == {
        "Base": "ZeroOrMore",
        "Child": "ZeroOrOne",
        "Other": "ZeroOrMore",
    }


def test_targets_in_other_modules_are_found_once_all_are_imported(
    write: Write,
) -> None:
    write("pkg/__init__.py", "")
    write(
        "pkg/a.py",
        """
        class A(StructuredNode):
            b = RelationshipTo(".b.B", "RELATIVE")
            c = RelationshipTo("pkg.c.deep.C", "DOTTED")
        """,
    )
    write(
        "pkg/b.py",
        """
        from pkg.a import A

        class B(StructuredNode):
            a = RelationshipTo("A", "BACK")
        """,
    )
    write("pkg/c/__init__.py", "")
    write("pkg/c/deep.py", "class C(StructuredNode):\n    pass\n")
    result = read_models(["pkg"])
    assert {
        r.target for n in result.schema.nodes.values() for r in n.relationships
    } == {
        "A",
        "B",
        "C",
    }
    assert result.warnings == ()


def test_a_target_is_not_taken_from_whoever_imports_the_models(read: Read) -> None:
    schema = read(
        """
        class ModelError(StructuredNode):
            next = RelationshipTo("ModelError", "NEXT")

        class ModelSchema(StructuredNode):
            next = RelationshipTo("ModelSchema", "NEXT")
        """
    ).schema
    assert [n.relationships[0].target for n in schema.nodes.values()] == [
        "ModelError",
        "ModelSchema",
    ]


@pytest.mark.parametrize("target", ["Abstract", "'Abstract'", "'app.Abstract'"])
def test_an_abstract_target_is_kept_and_needs_no_word(read: Read, target: str) -> None:
    result = read(
        f"""
        class Abstract(StructuredNode):
            __abstract_node__ = True

        class Model(StructuredNode):
            other = RelationshipTo({target}, "OTHER")
        """
    )
    (declared,) = result.schema.nodes["Model"].relationships
    assert declared.target == "?" + target.strip("'")
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("target", "text", "why"),
    [
        ("'Nobody'", "?Nobody", "AttributeError"),
        ("'no.such.Module'", "?no.such.Module", "ModuleNotFoundError"),
    ],
)
def test_a_target_that_is_not_found_is_kept_and_warned_about(
    read: Read, target: str, text: str, why: str
) -> None:
    result = read(
        f"""
        class Abstract(StructuredNode):
            __abstract_node__ = True

        class Model(StructuredNode):
            other = RelationshipTo({target}, "OTHER")
        """
    )
    assert result.schema.nodes["Model"].relationships[0].target == text
    (warning,) = result.warnings
    assert warning.startswith("app.Model (app.py:7): other: its target ")
    assert text[1:] in warning
    assert why in warning


def test_definitions_of_the_other_world_are_read_and_warned_about(read: Read) -> None:
    result = read(
        """
        class Model(StructuredNode):
            hidden = AsyncRelationshipTo("Model", "A")

        class Other(AsyncStructuredNode):
            hidden = RelationshipFrom("Other", "B", cardinality=ZeroOrOne)
            seen = AsyncRelationshipTo("Other", "C", cardinality=AsyncOne)
        """
    )
    nodes = result.schema.nodes
    assert [r.type for r in nodes["Model"].relationships] == ["A"]
    assert [r.type for r in nodes["Other"].relationships] == ["B", "C"]
    assert [r.cardinality for r in nodes["Other"].relationships] == ["ZeroOrOne", "One"]
    assert result.warnings == (
        "app.Model (app.py:4): hidden, a AsyncRelationshipTo, is on a sync class, so "
        "neomodel does not see it; use the sync definition.",
        "app.Other (app.py:7): hidden, a RelationshipFrom, is on an async class, so "
        "neomodel does not see it; use the async definition.",
    )


def test_the_wider_of_two_rules_for_one_relationship_is_kept(read: Read) -> None:
    result = read(
        """
        class Model(StructuredNode):
            all = RelationshipTo("Model", "KNOWS")
            best = RelationshipTo("Model", "KNOWS", cardinality=One)
            same = RelationshipTo("Model", "KNOWS")
        """
    )
    (kept,) = result.schema.nodes["Model"].relationships
    assert (kept.cardinality, kept.attribute) == ("ZeroOrMore", "all")
    (warning,) = result.warnings
    assert "best and all are the same relationship KNOWS" in warning


def test_a_model_gives_its_properties_and_indexes_to_each_type(read: Read) -> None:
    schema = read(
        """
        class Since(StructuredRel):
            __kgid__ = "since"
            since = DateProperty(db_property="from", index=True)
            key = StringProperty(unique_index=True)
            text = StringProperty(fulltext_index=FulltextIndex("english", True))
            vector = ArrayProperty(
                FloatProperty(), vector_index=VectorIndex(3, "euclidean")
            )

        class Model(StructuredNode):
            a = RelationshipTo("Model", "RT1_A", model=Since)
            b = RelationshipTo("Model", "RT1_B", model=Since)
            c = RelationshipTo("Model", "RT1_C")
        """
    ).schema
    assert sorted(schema.relationship_types) == ["RT1_A", "RT1_B"]
    type_ = schema.relationship_types["RT1_A"]
    assert [p.name for p in type_.properties] == ["from", "key", "text", "vector"]
    assert type_.source == "app.Since"
    assert {t.kgid for t in schema.relationship_types.values()} == {"since"}
    assert {i.entity for i in schema.indexes.values()} == {EntityType.RELATIONSHIP}
    assert sorted((i.name, i.options) for i in schema.indexes.values()) == [
        (
            "fulltext_index_RT1_A_text",
            (
                ("fulltext.analyzer", "english"),
                ("fulltext.eventually_consistent", True),
            ),
        ),
        (
            "fulltext_index_RT1_B_text",
            (
                ("fulltext.analyzer", "english"),
                ("fulltext.eventually_consistent", True),
            ),
        ),
        ("index_RT1_A_from", ()),
        ("index_RT1_B_from", ()),
        (
            "vector_index_RT1_A_vector",
            (("vector.dimensions", 3), ("vector.similarity_function", "EUCLIDEAN")),
        ),
        (
            "vector_index_RT1_B_vector",
            (("vector.dimensions", 3), ("vector.similarity_function", "EUCLIDEAN")),
        ),
    ]
    assert sorted(c.name for c in schema.constraints.values()) == [
        "constraint_unique_RT1_A_key",
        "constraint_unique_RT1_B_key",
    ]


def test_the_models_of_one_type_are_joined(read: Read) -> None:
    schema = read(
        """
        class Since(StructuredRel):
            since = DateProperty(index=True)

        class SinceAndUntil(Since):
            until = DateProperty()

        class AsyncSince(AsyncStructuredRel):
            since = DateProperty(index=True)
            source_name = StringProperty()

        class Model(StructuredNode):
            a = RelationshipTo("Model", "RT2", model=Since)
            b = RelationshipFrom("Model", "RT2", model=SinceAndUntil)

        class AsyncModel(AsyncStructuredNode):
            c = AsyncRelationshipTo("AsyncModel", "RT2", model=AsyncSince)
        """
    ).schema
    type_ = schema.relationship_types["RT2"]
    assert [p.name for p in type_.properties] == ["since", "source_name", "until"]
    assert [i.name for i in schema.indexes.values()] == ["index_RT2_since"]


def test_a_model_that_no_class_uses_is_nothing(read: Read) -> None:
    schema = read(
        """
        class Unused(StructuredRel):
            since = DateProperty(index=True)

        class Model(StructuredNode):
            pass
        """
    ).schema
    assert not schema.relationship_types
    assert not schema.indexes


def test_models_of_one_type_that_differ_are_an_error(read: Read) -> None:
    with pytest.raises(ModelError) as raised:
        read(
            """
            class Since(StructuredRel):
                since = DateProperty()

            class Later(Since):
                since = IntegerProperty()

            class Model(StructuredNode):
                a = RelationshipTo("Model", "RT3", model=Since)
                b = RelationshipFrom("Model", "RT3", model=Later)
            """
        )
    assert str(raised.value) == (
        "relationship type 'RT3' has the models app.Later (app.py:7) and "
        "app.Since (app.py:4), and they differ: property 'since': type 'INTEGER' "
        "against 'STRING'. Make them agree, or use another type for one of them."
    )


def test_indexes_of_one_type_that_differ_are_an_error(read: Read) -> None:
    with pytest.raises(ModelError, match="the same index or constraint with two"):
        read(
            """
            class Text(StructuredRel):
                text = StringProperty(fulltext_index=FulltextIndex("english"))

            class Other(Text):
                text = StringProperty(fulltext_index=FulltextIndex("german"))

            class Model(StructuredNode):
                a = RelationshipTo("Model", "RT4", model=Text)
                b = RelationshipFrom("Model", "RT4", model=Other)
            """
        )

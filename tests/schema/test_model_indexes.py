"""The indexes and constraints of the schema: flags, declarations, names, conflicts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alembic_neo4j.errors import ModelError
from alembic_neo4j.schema.definitions import Constraint, EntityType, Index, Schema
from alembic_neo4j.schema.models import ModelSchema

Read = Callable[[str], ModelSchema]


def names(schema: Schema) -> list[str]:
    elements: list[Index | Constraint] = [
        *schema.indexes.values(),
        *schema.constraints.values(),
    ]
    return sorted(e.name for e in elements)


def test_the_flags_of_a_property_are_the_elements_neomodel_installs(
    read: Read,
) -> None:
    schema = read(
        """
        class A(StructuredNode):
            plain = StringProperty()
            ranged = StringProperty(index=True, db_property="stored")
            single = StringProperty(unique_index=True)
            uid = UniqueIdProperty()
            text = StringProperty(index=True, fulltext_index=FulltextIndex())
            vector = ArrayProperty(FloatProperty(), vector_index=VectorIndex())
        """
    ).schema
    assert names(schema) == [
        "constraint_unique_A_single",
        "constraint_unique_A_uid",
        "fulltext_index_A_text",
        "index_A_stored",
        "index_A_text",
        "vector_index_A_vector",
    ]
    options = {i.name: dict(i.options) for i in schema.indexes.values() if i.options}
    assert options == {
        "vector_index_A_vector": {
            "vector.dimensions": 1536,
            "vector.similarity_function": "COSINE",
        }
    }


def test_every_kind_of_declaration_becomes_an_element(read: Read) -> None:
    schema = read(
        """
        class A(StructuredNode):
            a = StringProperty(db_property="stored a")
            b = StringProperty()
            v = ArrayProperty(FloatProperty())

            __neo4j_schema__ = [
                declare.index("b", "a"),
                declare.text_index("a"),
                declare.point_index("b", config={"cartesian.min": [-1.0, -1.0]}),
                declare.fulltext_index("b", "a", analyzer="english"),
                declare.vector_index("v", dimensions=3, config={"hnsw.m": 8}),
                declare.unique("a", "b", name="chosen"),
                declare.key("a"),
                declare.existence("b"),
                declare.property_type("b", "string | integer"),
            ]
        """
    ).schema
    assert sorted(
        (i.kind.value, i.properties, i.options, i.name) for i in schema.indexes.values()
    ) == [
        (
            "FULLTEXT",
            ("b", "stored a"),
            (("fulltext.analyzer", "english"),),
            "fulltext_index_A_b_stored a",
        ),
        (
            "POINT",
            ("b",),
            (("spatial.cartesian.min", (-1.0, -1.0)),),
            "point_index_A_b",
        ),
        ("RANGE", ("b", "stored a"), (), "index_A_b_stored a"),
        ("TEXT", ("stored a",), (), "text_index_A_stored a"),
        (
            "VECTOR",
            ("v",),
            (
                ("vector.dimensions", 3),
                ("vector.hnsw.m", 8),
                ("vector.similarity_function", "COSINE"),
            ),
            "vector_index_A_v",
        ),
    ]
    assert sorted(
        (c.kind.value, c.properties, c.property_type, c.name)
        for c in schema.constraints.values()
    ) == [
        ("EXISTENCE", ("b",), None, "constraint_existence_A_b"),
        ("KEY", ("stored a",), None, "constraint_key_A_stored a"),
        ("TYPE", ("b",), "INTEGER | STRING", "constraint_type_A_b"),
        ("UNIQUE", ("stored a", "b"), None, "chosen"),
    ]


def test_declarations_work_on_async_classes_and_relationship_models(
    read: Read,
) -> None:
    schema = read(
        """
        class Rel(AsyncStructuredRel):
            a = StringProperty(db_property="z")
            __neo4j_schema__ = (declare.index("a"), declare.existence("a"))

        class A(AsyncStructuredNode):
            a = StringProperty()
            x = AsyncRelationshipTo("A", "EL1_X", model=Rel)
            y = AsyncRelationshipTo("A", "EL1_Y", model=Rel)
            __neo4j_schema__ = [declare.text_index("a")]
        """
    ).schema
    assert names(schema) == [
        "constraint_existence_EL1_X_z",
        "constraint_existence_EL1_Y_z",
        "index_EL1_X_z",
        "index_EL1_Y_z",
        "text_index_A_a",
    ]
    entities = {i.name: i.entity for i in schema.indexes.values()}
    assert entities["index_EL1_X_z"] is EntityType.RELATIONSHIP
    assert entities["text_index_A_a"] is EntityType.NODE


def test_a_declaration_is_installed_on_the_labels_of_subclasses_too(
    read: Read,
) -> None:
    schema = read(
        """
        class Mixin:
            m = StringProperty()
            __neo4j_schema__ = [declare.text_index("m", name="of the mixin")]

        class Abstract(StructuredNode):
            __abstract_node__ = True
            a = StringProperty()
            __neo4j_schema__ = [declare.existence("a", name="of the abstract")]

        class Base(Mixin, Abstract):
            b = StringProperty()
            __neo4j_schema__ = [declare.index("a", "b", name="of the base")]

        class Child(Base):
            b = StringProperty(db_property="other b")
            __neo4j_schema__ = [declare.index("m")]
        """
    ).schema
    assert names(schema) == [
        "constraint_existence_Child_a",
        "index_Child_a_other b",
        "index_Child_m",
        "of the abstract",
        "of the base",
        "of the mixin",
        "text_index_Child_m",
    ]


def test_a_full_text_index_over_several_labels_is_one_index(read: Read) -> None:
    result = read(
        """
        class Person(StructuredNode):
            name = StringProperty()
            title = StringProperty(db_property="title_of_person")
            __neo4j_schema__ = [
                declare.fulltext_index("name", "title", "motto", labels=["Company"])
            ]

        class Child(Person):
            pass

        class Company(StructuredNode):
            title = StringProperty()
            motto = StringProperty(db_property="claim")
            __neo4j_schema__ = [
                declare.fulltext_index("name", "title", "motto", labels=["Person"])
            ]
        """
    )
    (index,) = result.schema.indexes.values()
    assert index.labels == ("Company", "Person")
    assert index.properties == ("claim", "name", "title", "title_of_person")
    assert result.warnings == ()


def test_what_is_declared_twice_alike_is_one_element(read: Read) -> None:
    schema = read(
        """
        class A(StructuredNode):
            a = StringProperty(index=True)
            b = StringProperty(unique_index=True)
            __neo4j_schema__ = [declare.index("a", name="mine"), declare.unique("b")]
        """
    ).schema
    assert names(schema) == ["constraint_unique_A_b", "mine"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '[declare.index("first")]',
            "app.A (app.py:4): __neo4j_schema__ names the attribute 'first', which the "
            "class does not have. Its properties are: a, b. Use the attribute's name, "
            "not the db_property.",
        ),
        (
            'declare.index("a")',
            "app.A (app.py:4): __neo4j_schema__ is a IndexDeclaration; make it a list "
            "of alembic_neo4j.declare.…(…) values.",
        ),
        (
            '["a"]',
            "app.A (app.py:4): __neo4j_schema__ holds 'a'; it takes values of "
            'alembic_neo4j.declare only, such as declare.index("name").',
        ),
        (
            '[declare.index("a"), declare.unique("a")]',
            "app.A (app.py:4) declares RANGE index on A(stored) and app.A (app.py:4) "
            "declares UNIQUE constraint on A(stored): Neo4j allows only one of a "
            "range index, a unique and a key constraint on the same properties. Keep "
            "the one that is meant; a constraint also indexes.",
        ),
        (
            '[declare.vector_index("a", dimensions=1), '
            'declare.vector_index("a", dimensions=2)]',
            "app.A (app.py:4) declares VECTOR index on A(stored) "
            "{'vector.dimensions': 1, 'vector.similarity_function': 'COSINE'}, "
            "app.A (app.py:4) declares VECTOR index on A(stored) "
            "{'vector.dimensions': 2, 'vector.similarity_function': 'COSINE'}: the "
            "same index or constraint with two settings. Keep one of them.",
        ),
        (
            '[declare.index("a", name="x"), declare.index("b", name="x")]',
            "app.A (app.py:4) and app.A (app.py:4) give the name 'x' to the RANGE "
            "index on A(b) and to the RANGE index on A(stored). Indexes and "
            "constraints share one set of names: change one, or leave the name out.",
        ),
        (
            '[declare.index("a", name="x"), declare.index("a", name="y")]',
            "app.A (app.py:4) and app.A (app.py:4) name the RANGE index on A(stored) "
            "'x' and 'y'. Keep one name.",
        ),
    ],
)
def test_a_declaration_that_can_t_be_is_an_error(
    read: Read, line: str, message: str
) -> None:
    source = f"""
class A(StructuredNode):
    a = StringProperty(db_property="stored")
    b = StringProperty()
    __neo4j_schema__ = {line}
"""
    with pytest.raises(ModelError) as raised:
        read(source)
    assert str(raised.value) == message


def test_a_mistake_in_declaring_is_an_error_at_its_line(read: Read) -> None:
    with pytest.raises(ModelError, match=r"at least one attribute.*\(app\.py:5,"):
        read(
            """
            class A(StructuredNode):
                __neo4j_schema__ = [declare.index()]
            """
        )


def test_a_flag_of_the_wrong_kind_is_an_error(read: Read) -> None:
    with pytest.raises(ModelError, match="'a' has fulltext_index=True; give a"):
        read(
            """
            class A(StructuredNode):
                a = StringProperty(fulltext_index=True)
            """
        )


def test_an_explicit_name_of_a_mixin_can_serve_one_label_only(read: Read) -> None:
    with pytest.raises(ModelError, match="give the name 'mine' to the"):
        read(
            """
            class Mixin:
                m = StringProperty()
                __neo4j_schema__ = [declare.index("m", name="mine")]

            class A(Mixin, StructuredNode):
                pass

            class B(Mixin, StructuredNode):
                pass
            """
        )


def test_names_that_collide_get_a_suffix_that_does_not_depend_on_order(
    read: Read,
) -> None:
    first = """
        class First(StructuredNode):
            __label__ = "A_b"
            c = StringProperty(index=True)
    """
    second = """
        class Second(StructuredNode):
            __label__ = "A"
            b_c = StringProperty(index=True)
    """
    one = read(first + second).schema
    other = read(second + first).schema
    by_label = {i.labels[0]: i.name for i in one.indexes.values()}
    assert by_label == {i.labels[0]: i.name for i in other.indexes.values()}
    assert by_label["A"] == "index_A_b_c"
    assert by_label["A_b"].startswith("index_A_b_c_")


def test_a_label_and_a_type_of_one_name_have_different_names(read: Read) -> None:
    schema = read(
        """
        class Rel(StructuredRel):
            a = StringProperty(index=True, fulltext_index=FulltextIndex())
            u = StringProperty(unique_index=True)

        class EL2(StructuredNode):
            a = StringProperty(index=True, fulltext_index=FulltextIndex())
            u = StringProperty(unique_index=True)
            x = RelationshipTo("EL2", "EL2", model=Rel)
        """
    ).schema
    assert len(set(names(schema))) == len(names(schema)) == 6


def test_a_generated_name_gives_way_to_an_explicit_one(read: Read) -> None:
    schema = read(
        """
        class A(StructuredNode):
            a = StringProperty(index=True)
            z = StringProperty()
            __neo4j_schema__ = [declare.index("z", name="index_A_a")]
        """
    ).schema
    by_property = {i.properties[0]: i.name for i in schema.indexes.values()}
    assert by_property["z"] == "index_A_a"
    assert by_property["a"].startswith("index_A_a_")

"""Declarations that contradict each other, and those a person should know about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alembic_neo4j.errors import ModelError
from alembic_neo4j.schema.models import ModelSchema, read_models

Read = Callable[[str], ModelSchema]
Write = Callable[..., None]


def test_two_classes_that_say_the_same_of_a_label_are_one_model(read: Read) -> None:
    result = read(
        """
        class Person(StructuredNode):
            name = StringProperty(index=True)
            next = RelationshipTo("Person", "NEXT")

        class AsyncPerson(AsyncStructuredNode):
            __label__ = "Person"
            called = StringProperty(db_property="name", index=True)
            following = AsyncRelationshipTo("AsyncPerson", "NEXT")
        """
    )
    assert (result.models, result.warnings) == (1, ())


@pytest.mark.parametrize(
    ("line", "difference"),
    [
        (
            "name = IntegerProperty()",
            "property 'name': type 'STRING' against 'INTEGER'",
        ),
        (
            "name = StringProperty(required=True)",
            "property 'name': required False against True",
        ),
        ("other = StringProperty()", "property 'other' only in the second"),
        ("name = StringProperty(index=True)", "RANGE index on Person(name) only in"),
        (
            "next = RelationshipTo('Person', 'NEXT')",
            "relationship NEXT OUT Person (ZeroOrMore) only in the second",
        ),
        ("__kgid__ = 'x'", "kgid None against 'x'"),
        ("__optional_labels__ = ['Vip']", "optional_labels () against ('Vip',)"),
    ],
)
def test_two_classes_that_differ_about_a_label_are_an_error(
    write: Write, line: str, difference: str
) -> None:
    write("a.py", "class Person(StructuredNode):\n    name = StringProperty()\n")
    kept = "" if line.startswith("name") else "    name = StringProperty()\n"
    write("b.py", f"class Person(StructuredNode):\n    {line}\n{kept}")
    with pytest.raises(ModelError) as raised:
        read_models(["b", "a"])
    message = str(raised.value)
    assert message.startswith(
        "label 'Person' is declared by a.Person (a.py:3) and by b.Person (b.py:3), "
        f"and they differ: {difference}"
    )
    assert "inherit from one abstract class" in message


def test_a_kgid_of_two_labels_is_an_error(read: Read) -> None:
    with pytest.raises(ModelError) as raised:
        read(
            """
            class A(StructuredNode):
                __kgid__ = "same"

            class B(StructuredNode):
                __kgid__ = "same"
            """
        )
    assert str(raised.value) == (
        "__kgid__ 'same' is given twice: to label 'A' by app.A (app.py:4) and to "
        "label 'B' by app.B (app.py:7). Give the newer one another."
    )


def test_a_kgid_of_a_label_and_a_type_is_an_error(read: Read) -> None:
    with pytest.raises(ModelError, match=r"to label 'A' by .* and to type 'CO1' by"):
        read(
            """
            class Rel(StructuredRel):
                __kgid__ = "same"

            class A(StructuredNode):
                __kgid__ = "same"
                next = RelationshipTo("A", "CO1", model=Rel)
            """
        )


def test_two_kgids_of_one_type_are_an_error(read: Read) -> None:
    with pytest.raises(ModelError, match="__kgid__ 'two' against 'one'"):
        read(
            """
            class Rel(StructuredRel):
                __kgid__ = "one"

            class Further(Rel):
                __kgid__ = "two"

            class A(StructuredNode):
                next = RelationshipTo("A", "CO2", model=Rel)
                last = RelationshipFrom("A", "CO2", model=Further)
            """
        )


def test_keywords_that_neomodel_swallows_are_warned_about(read: Read) -> None:
    result = read(
        """
        class Mixin:
            tags = ArrayProperty(StringProperty(max_lenght=3))

        class Rel(StructuredRel):
            since = DateProperty(indexed=True)

        class A(Mixin, StructuredNode):
            a = StringProperty(unique=True)
            b = StringProperty(require=True, help_text="known", label="known")
            c = EmailProperty(max_length=3)
            d = IntegerProperty(choices={1: "one"}, index=True)
            e = JSONProperty(ensure_ascii=False)
            next = RelationshipTo("A", "CO3", model=Rel)

        class Child(A):
            pass
        """
    )
    assert result.warnings == (
        "app.Mixin (app.py:4): tags = StringProperty(… max_lenght=…): neomodel ignores "
        "the keyword 'max_lenght'; did you mean 'max_length'?",
        "app.A (app.py:10): a = StringProperty(… unique=…): neomodel ignores the "
        "keyword 'unique'; did you mean 'unique_index'?",
        "app.A (app.py:10): b = StringProperty(… require=…): neomodel ignores the "
        "keyword 'require'; did you mean 'required'?",
        "app.A (app.py:10): c = EmailProperty(… max_length=…): neomodel ignores the "
        "keyword 'max_length'.",
        "app.Rel (app.py:7): since = DateProperty(… indexed=…): neomodel ignores the "
        "keyword 'indexed'; did you mean 'index'?",
    )


def test_what_neomodel_does_not_see_is_warned_about(read: Read) -> None:
    result = read(
        """
        import functools

        class Mixin:
            code = StringProperty(index=True),

        class Rel(StructuredRel):
            since = IntegerProperty

        class Base(StructuredNode):
            __abstract_node__ = True
            born: IntegerProperty
            tags = ("a", "b")

        class A(Mixin, Base):
            name = StringProperty(unique_index=True),
            old = StringProperty
            both = [StringProperty(), IntegerProperty()]
            named = {"x": {"y": FloatProperty()}}
            made = functools.partial(StringProperty, index=True)
            friends = RelationshipTo("A", "FRIEND"),
            boss = RelationshipTo
            text: "StringProperty(index=True)"
            size: IntegerProperty() = None
            seen: str = StringProperty()
            limit: int = 3
            next = RelationshipTo("A", "CO5", model=Rel)

        class Child(A):
            seen: StringProperty
        """
    )
    unseen = "so neomodel does not see it"
    assert set(result.warnings) == {
        f"app.Mixin (app.py:6): code = StringProperty(…), is a tuple, {unseen}; take "
        "the comma at its end away.",
        f"app.Rel (app.py:9): since = IntegerProperty is the class, {unseen}; write "
        "since = IntegerProperty(…).",
        f"app.Base (app.py:12): born: IntegerProperty is an annotation alone, {unseen};"
        " write born = IntegerProperty(…).",
        f"app.A (app.py:17): name = StringProperty(…), is a tuple, {unseen}; take the "
        "comma at its end away.",
        f"app.A (app.py:17): old = StringProperty is the class, {unseen}; write old = "
        "StringProperty(…).",
        f"app.A (app.py:17): both is a list that holds a StringProperty, {unseen}; "
        "give each an attribute of its own.",
        f"app.A (app.py:17): named is a dict that holds a FloatProperty, {unseen}; "
        "give each an attribute of its own.",
        f"app.A (app.py:17): made is a partial of StringProperty, {unseen}; call it: "
        "made = …().",
        f"app.A (app.py:17): friends = RelationshipTo(…), is a tuple, {unseen}; take "
        "the comma at its end away.",
        f"app.A (app.py:17): boss = RelationshipTo is the class, {unseen}; write boss "
        "= RelationshipTo(…).",
        f"app.A (app.py:17): text: StringProperty is an annotation alone, {unseen}; "
        "write text = StringProperty(…).",
        f"app.A (app.py:17): size: IntegerProperty is an annotation alone, {unseen}; "
        "write size = IntegerProperty(…).",
    }


def test_keywords_of_a_property_class_of_one_s_own_are_known(read: Read) -> None:
    result = read(
        """
        class Bounded(IntegerProperty):
            unit = None

            def __init__(self, low=None, **kwargs):
                super().__init__(**kwargs)
                self.low = low

            def inflate(self, value, *args, **kwargs):
                return max(int(value), self.low, self.high)

        class A(StructuredNode):
            a = Bounded(low=1, high=2, unit="m", hihg=3)
        """
    )
    (warning,) = result.warnings
    assert "the keyword 'hihg'" in warning


def test_labels_without_a_model_are_warned_about(read: Read) -> None:
    result = read(
        """
        class Rel(StructuredRel):
            a = StringProperty()
            __neo4j_schema__ = [declare.fulltext_index("a", labels=["NO_TYPE"])]

        class A(StructuredNode):
            __optional_labels__ = ["Known", "Vip"]
            a = StringProperty()
            next = RelationshipTo("A", "CO4", model=Rel)
            __neo4j_schema__ = [declare.fulltext_index("a", labels=["B", "Known"])]

        class Known(A):
            pass
        """
    )
    assert result.warnings == (
        "app.A (app.py:8): the optional label 'Vip' has no model in neo4j.models.",
        "app.A (app.py:8): a full-text index names 'B', which has no model in "
        "neo4j.models.",
        "app.Rel (app.py:4): a full-text index names 'NO_TYPE', which has no model in "
        "neo4j.models.",
    )


TWO_DATABASES = """
class Base(StructuredNode):
    __abstract_node__ = True
    __target_databases__ = ["Db_One"]

class One(Base):
    __label__ = "Patient"
    name = StringProperty(unique_index=True)

class Two(StructuredNode):
    __label__ = "Patient"
    __target_databases__ = ["db_two", "db_three"]
    code = StringProperty(index=True)

class Everywhere(StructuredNode):
    pass
"""


@pytest.mark.parametrize(
    ("database", "properties", "left_out"),
    [
        ("db_one", ["name"], "app.Two (app.py:12) (db_three, db_two)"),
        ("DB_TWO", ["code"], "app.One (app.py:8) (Db_One)"),
        ("db_three", ["code"], "app.One (app.py:8) (Db_One)"),
        ("neo4j", None, "app.One (app.py:8) (Db_One), app.Two (app.py:12) (db_three, "),
    ],
)
def test_models_of_another_database_are_left_out_and_told_of_once(
    write: Write, database: str, properties: list[str] | None, left_out: str
) -> None:
    write("app.py", TWO_DATABASES)
    result = read_models(["app"], database)
    (warning,) = result.warnings
    assert f"does not name {database!r}" in warning
    assert left_out in warning
    expected = {"Everywhere"} | ({"Patient"} if properties else set())
    assert set(result.schema.nodes) == expected
    if properties:
        patient = result.schema.nodes["Patient"]
        assert [p.name for p in patient.properties] == properties
    names = {e.labels for e in result.schema.by_name.values()}
    assert names == ({("Patient",)} if properties else set())


def test_models_of_other_databases_alone_are_an_error(write: Write) -> None:
    text = TWO_DATABASES.replace("class Everywhere(StructuredNode)", "class E(Two)")
    write("app.py", text)
    with pytest.raises(ModelError, match=r"no model is left.*neo4j\.database says"):
        read_models(["app"], "neo4j")

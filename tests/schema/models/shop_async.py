"""The model set of `shop` in the async world, in one file and another order."""

from typing import ClassVar

from neomodel import (
    ArrayProperty,
    AsyncOne,
    AsyncRelationship,
    AsyncRelationshipFrom,
    AsyncRelationshipTo,
    AsyncStructuredNode,
    AsyncStructuredRel,
    AsyncZeroOrOne,
    BooleanProperty,
    DateProperty,
    DateTimeProperty,
    EmailProperty,
    FloatProperty,
    FulltextIndex,
    IntegerProperty,
    JSONProperty,
    StringProperty,
    UniqueIdProperty,
    VectorIndex,
)
from neomodel.contrib import AsyncSemiStructuredNode


class Note(AsyncSemiStructuredNode):
    text = StringProperty(db_property="body text", index=True)


class Abstract(AsyncStructuredNode):
    __abstract_node__ = True

    created = DateTimeProperty(default_now=True)
    uid = UniqueIdProperty()


class Entry(AsyncStructuredNode):
    __abstract_node__ = True
    __label__ = "Catalogue Entry"

    identifier = StringProperty(unique_index=True, db_property="Code")


class Goods(Abstract, Entry):
    __label__ = "Product`s"

    extra = JSONProperty(default={"b": 1, "a": [1]})
    price = FloatProperty(index=True, default=1.0)
    title = StringProperty(
        fulltext_index=FulltextIndex(analyzer="standard"), index=True, required=True
    )
    alike = AsyncRelationship("Goods", "SIMILAR")


class City(Abstract):
    name = StringProperty(index=True, max_length=80)
    mayor = AsyncRelationshipFrom(
        "Person", "GOVERNS", cardinality=AsyncZeroOrOne, exclusion_group="power"
    )
    council = AsyncRelationshipFrom("Person", "RULES", exclusion_group="power")


class Person(Abstract):
    __kgid__ = "person"
    __optional_labels__: ClassVar[list[str]] = ["Vip"]

    likeness = ArrayProperty(
        FloatProperty(),
        vector_index=VectorIndex(dimensions=4, similarity_function="EUCLIDEAN"),
    )
    city = AsyncRelationshipTo(City, "LIVES IN", cardinality=AsyncOne)
    tags = ArrayProperty(StringProperty(), default=["new"])
    name = StringProperty(max_length=80, index=True)
    bio = StringProperty(index=True, fulltext_index=FulltextIndex())
    age = IntegerProperty(index=True)
    email = EmailProperty(unique_index=True)


class Purchase(AsyncStructuredRel):
    __kgid__ = "purchase"

    embedding = ArrayProperty(FloatProperty(), vector_index=VectorIndex(dimensions=3))
    remark = StringProperty(
        fulltext_index=FulltextIndex(analyzer="english", eventually_consistent=True)
    )
    on = DateProperty(index=True)
    number = StringProperty(unique_index=True)


class Customer(Person):
    age = IntegerProperty(unique_index=True)
    active = BooleanProperty(default=True)
    level = StringProperty(choices=[("b", "B"), ("a", "A")], default="a")
    returned = AsyncRelationshipTo(Goods, "RETURNED", model=Purchase)
    bought = AsyncRelationshipTo(Goods, "BOUGHT", model=Purchase)

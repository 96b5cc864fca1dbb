from typing import ClassVar

from neomodel import (
    ArrayProperty,
    BooleanProperty,
    EmailProperty,
    FulltextIndex,
    IntegerProperty,
    One,
    RelationshipFrom,
    RelationshipTo,
    StringProperty,
    StructuredRel,
    VectorIndex,
    ZeroOrOne,
)
from neomodel.properties import DateProperty, FloatProperty

from shop.bases import EntityType, Named


class Purchase(StructuredRel):
    __kgid__ = "purchase"

    number = StringProperty(unique_index=True)
    on = DateProperty(index=True)
    note = StringProperty(
        db_property="remark",
        fulltext_index=FulltextIndex(analyzer="english", eventually_consistent=True),
    )
    embedding = ArrayProperty(FloatProperty(), vector_index=VectorIndex(dimensions=3))


class Person(Named, EntityType):
    __kgid__ = "person"
    __optional_labels__: ClassVar[list[str]] = ["Vip"]

    email = EmailProperty(unique_index=True)
    age = IntegerProperty(index=True)
    bio = StringProperty(index=True, fulltext_index=FulltextIndex())
    tags = ArrayProperty(StringProperty(), default=["new"])
    likeness = ArrayProperty(
        FloatProperty(),
        vector_index=VectorIndex(dimensions=4, similarity_function="euclidean"),
    )
    city = RelationshipTo("City", "LIVES IN", cardinality=One)


class Customer(Person):
    level = StringProperty(choices={"a": "A", "b": "B"}, default="a")
    active = BooleanProperty(default=True)
    # Also on the label Person, as an index there.
    age = IntegerProperty(unique_index=True)
    bought = RelationshipTo("shop.things.Product", "BOUGHT", model=Purchase)
    returned = RelationshipTo(".things.Product", "RETURNED", model=Purchase)


class City(Named, EntityType):
    mayor = RelationshipFrom(
        Person, "GOVERNS", cardinality=ZeroOrOne, exclusion_group="power"
    )
    council = RelationshipFrom(Person, "RULES", exclusion_group="power")

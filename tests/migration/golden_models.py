"""Models as they change from revision to revision, for autogenerate's golden file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEADER = """
from alembic_neo4j import declare
from neomodel.contrib import SemiStructuredNode
"""


@dataclass(frozen=True)
class Stage:
    """What has changed, the models as they are then, and the hints of renames."""

    title: str
    models: str
    hints: Sequence[str] = ()


STAGES = [
    Stage(
        "everything is new",
        """
class Knows(StructuredRel):
    __kgid__ = "knows"
    since = IntegerProperty(index=True)
    number = StringProperty(unique_index=True)
    note = StringProperty(fulltext_index=FulltextIndex(analyzer="english"))
    vector = ArrayProperty(FloatProperty(), vector_index=VectorIndex(dimensions=3))
    gone = StringProperty()
    __neo4j_schema__ = [declare.text_index("note"), declare.unique("since", "note")]

class Being(StructuredNode):
    __abstract_node__ = True

class Animal(StructuredNode):
    __optional_labels__ = ["Tame"]
    kind = StringProperty()

class Person(Being):
    __kgid__ = "person"
    name = StringProperty(unique_index=True)
    born = IntegerProperty(index=True)
    bio = StringProperty(index=True, fulltext_index=FulltextIndex())
    size = IntegerProperty(default=3)
    level = StringProperty(choices={"a": "A", "b": "B"})
    short = StringProperty(max_length=9)
    day = DateTimeFormatProperty(format="%Y")
    vector = ArrayProperty(FloatProperty(), vector_index=VectorIndex(dimensions=4))
    key = StringProperty()
    at = DateTimeProperty(default_now=True)
    friends = RelationshipTo("Person", "KNOWS", model=Knows)
    home = RelationshipTo("City", "LIVES_IN")
    __neo4j_schema__ = [
        declare.index("name", "born"),
        declare.key("key"),
        declare.existence("name"),
        declare.property_type("born", "INTEGER"),
    ]

class City(StructuredNode):
    title = StringProperty()
    place = IntegerProperty()
    ruler = RelationshipFrom("Person", "RULES")
    __neo4j_schema__ = [
        declare.point_index("place", config={"cartesian.min": [-9.0, -9.0]}),
        declare.fulltext_index("title", labels=["Animal"], name="titles"),
        declare.vector_index("title", dimensions=4, config={"hnsw.m": 8}),
    ]

class Old(StructuredNode):
    name = StringProperty(index=True)
""",
    ),
    Stage(
        "elements and rules differ, much is gone",
        """
class Knows(StructuredRel):
    __kgid__ = "knows"
    since = IntegerProperty(unique_index=True)
    number = StringProperty(index=True, default="none")
    note = StringProperty(fulltext_index=FulltextIndex(analyzer="standard"))
    vector = ArrayProperty(FloatProperty(), vector_index=VectorIndex(dimensions=5))
    more = IntegerProperty(default=7)
    __neo4j_schema__ = [declare.point_index("note"), declare.unique("note", "since")]

class Being(StructuredNode):
    pass

class Animal(SemiStructuredNode):
    __optional_labels__ = ["Wild"]
    kind = StringProperty(required=True)

class Person(Being):
    __kgid__ = "person"
    name = StringProperty(index=True)
    born = StringProperty(unique_index=True)
    bio = StringProperty(fulltext_index=FulltextIndex(analyzer="english"))
    size = IntegerProperty(default=4)
    level = StringProperty(choices={"a": "A"})
    short = StringProperty(max_length=5)
    day = DateTimeFormatProperty(format="%d.%m.%Y")
    vector = ArrayProperty(FloatProperty(), vector_index=VectorIndex(dimensions=8))
    uid = UniqueIdProperty()
    must = IntegerProperty(required=True)
    full = StringProperty(default="it's", db_property="full name")
    at = DateTimeProperty()
    friends = RelationshipTo("Person", "KNOWS", model=Knows, cardinality=One)
    home = RelationshipFrom("City", "LIVES_IN")
    __neo4j_schema__ = [declare.index("born", "name")]

class City(StructuredNode):
    title = StringProperty()
    place = IntegerProperty()
    ruler = RelationshipFrom("Being", "RULES", exclusion_group="power")
    council = RelationshipFrom("Person", "ADVISES", exclusion_group="power")
    __neo4j_schema__ = [
        declare.text_index("place"),
        declare.fulltext_index("title", name="titles"),
        declare.vector_index("title", dimensions=4, config={"hnsw.m": 16}),
    ]
""",
    ),
    Stage(
        "renamed by identity and by hints",
        """
class Likes(StructuredRel):
    __kgid__ = "knows"
    start = IntegerProperty(unique_index=True)
    number = StringProperty(index=True, default="none")
    note = StringProperty(fulltext_index=FulltextIndex(analyzer="standard"))
    vector = ArrayProperty(FloatProperty(), vector_index=VectorIndex(dimensions=5))
    more = IntegerProperty(default=7)
    __neo4j_schema__ = [declare.point_index("note"), declare.unique("note", "start")]

class Being(StructuredNode):
    pass

class Beast(SemiStructuredNode):
    __optional_labels__ = ["Wild"]
    kind = StringProperty(required=True)

class Human(Being):
    __kgid__ = "person"
    name = StringProperty(index=True)
    born_in = StringProperty(unique_index=True)
    bio = StringProperty(fulltext_index=FulltextIndex(analyzer="english"))
    size = IntegerProperty(default=4)
    level = StringProperty(choices={"a": "A"})
    short = StringProperty(max_length=5)
    day = DateTimeFormatProperty(format="%d.%m.%Y")
    vector = ArrayProperty(FloatProperty(), vector_index=VectorIndex(dimensions=8))
    uid = UniqueIdProperty()
    must = IntegerProperty(required=True)
    full = StringProperty(default="it's", db_property="full name")
    at = DateTimeProperty()
    friends = RelationshipTo("Human", "LIKES", model=Likes, cardinality=One)
    home = RelationshipFrom("City", "LIVES_IN")
    __neo4j_schema__ = [declare.index("born_in", "name")]

class City(StructuredNode):
    title = StringProperty()
    place = IntegerProperty()
    ruler = RelationshipFrom("Being", "GOVERNS", exclusion_group="power")
    council = RelationshipFrom("Human", "ADVISES", exclusion_group="power")
    __neo4j_schema__ = [
        declare.text_index("place"),
        declare.fulltext_index("title", name="titles"),
        declare.vector_index("title", dimensions=4, config={"hnsw.m": 16}),
    ]
""",
        (
            "Animal:Beast",
            "Person.born:born_in",
            "KNOWS.since:start",
            "City.RULES:GOVERNS",
        ),
    ),
    Stage(
        "all but one is gone",
        """
class Being(StructuredNode):
    pass
""",
    ),
]

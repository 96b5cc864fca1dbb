"""What the graph holds: the Python packages of a machine, as neomodel classes."""

from neomodel import (
    ArrayProperty,
    BooleanProperty,
    FloatProperty,
    RelationshipTo,
    StringProperty,
    StructuredNode,
    StructuredRel,
    VectorIndex,
)

from alembic_neo4j import declare


class Person(StructuredNode):
    """Somebody whom a package's metadata names."""

    name = StringProperty(unique_index=True, required=True)
    email = StringProperty(index=True)


class Release(StructuredNode):
    """The version that is installed."""

    version = StringProperty(index=True, required=True)
    requires_python = StringProperty()


class Credit(StructuredRel):
    """In which role somebody is named."""

    __kgid__ = "credit"

    role = StringProperty(choices={"author": "author", "maintainer": "maintainer"})


class Requirement(StructuredRel):
    """One line of what a package requires."""

    text = StringProperty(required=True)
    specifier = StringProperty()
    extra = StringProperty(index=True)
    marker = StringProperty()


class License(StructuredNode):
    """A license, by its SPDX identifier where the metadata give one."""

    name = StringProperty(unique_index=True, required=True)


class Topic(StructuredNode):
    """A trove classifier that begins with Topic, such as Topic :: Database."""

    name = StringProperty(unique_index=True, required=True)

    within = RelationshipTo("Topic", "WITHIN")


class Package(StructuredNode):
    """What pip installs under one name."""

    __kgid__ = "package"

    name = StringProperty(unique_index=True, required=True)
    normalized_name = StringProperty(unique_index=True, required=True)
    summary = StringProperty()
    embedding = ArrayProperty(
        FloatProperty(),
        vector_index=VectorIndex(dimensions=16, similarity_function="cosine"),
    )
    typed = BooleanProperty(default=False)
    home_page = StringProperty(db_property="homepage")

    people = RelationshipTo("Person", "MAINTAINED_BY", model=Credit)
    releases = RelationshipTo("Release", "RELEASED_AS")
    licenses = RelationshipTo("License", "LICENSED_UNDER")
    topics = RelationshipTo("Topic", "CLASSIFIED_AS")
    dependencies = RelationshipTo("Package", "DEPENDS_ON", model=Requirement)

    __neo4j_schema__ = (declare.fulltext_index("name", "summary", analyzer="english"),)

from neomodel import DateTimeProperty, StringProperty, StructuredNode, UniqueIdProperty


class Named:
    """A plain mixin."""

    name = StringProperty(index=True, max_length=80)


class EntityType(StructuredNode):
    """Abstract, without a label."""

    __abstract_node__ = True

    uid = UniqueIdProperty()
    created = DateTimeProperty(default_now=True)


class Entry(StructuredNode):
    """Abstract, with a label all the same."""

    __abstract_node__ = True
    __label__ = "Catalogue Entry"

    code = StringProperty(unique_index=True, db_property="Code")

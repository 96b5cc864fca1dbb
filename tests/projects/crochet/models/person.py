"""Node model: Person"""

from neomodel import StructuredNode, StringProperty


class Person(StructuredNode):
    """Graph node representing a Person.

    The __kgid__ is an immutable identifier for this model's schema identity.
    It must never change, even if the class or file is renamed.
    """

    __kgid__ = "person_1"

    # -- Properties --
    name = StringProperty(required=True, unique_index=True)

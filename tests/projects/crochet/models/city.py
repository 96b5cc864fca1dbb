"""Node model: City"""

from neomodel import StructuredNode, StringProperty


class City(StructuredNode):
    """Graph node representing a City.

    The __kgid__ is an immutable identifier for this model's schema identity.
    It must never change, even if the class or file is renamed.
    """

    __kgid__ = "city_1"

    # -- Properties --
    name = StringProperty(required=True, unique_index=True)

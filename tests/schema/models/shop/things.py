from neomodel import (
    FloatProperty,
    FulltextIndex,
    JSONProperty,
    Relationship,
    StringProperty,
)
from neomodel.contrib import SemiStructuredNode

from shop.bases import EntityType, Entry


class Product(EntityType, Entry):
    __label__ = "Product`s"

    title = StringProperty(
        required=True,
        index=True,
        fulltext_index=FulltextIndex(analyzer="standard"),
    )
    price = FloatProperty(index=True, default=1)
    extra = JSONProperty(default={"b": 1, "a": [1]})
    similar = Relationship("Product", "SIMILAR")


class Note(SemiStructuredNode):
    text = StringProperty(db_property="body text", index=True)


MODELS = [Product, Note]

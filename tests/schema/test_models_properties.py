"""The stored type, default and rules of each property class."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest
from neomodel.properties import Property as NeomodelProperty

from alembic_neo4j.errors import ModelError
from alembic_neo4j.schema.definitions import Property
from alembic_neo4j.schema.models import ModelSchema

Read = Callable[[str], ModelSchema]


def read_property(read: Read, expression: str, before: str = "") -> Property:
    source = f"{before}\nclass Model(StructuredNode):\n    value = {expression}\n"
    (found,) = read(source).schema.nodes["Model"].properties
    return found


@pytest.mark.parametrize(
    ("expression", "type_"),
    [
        ("StringProperty()", "STRING"),
        ("RegexProperty(expression='x')", "STRING"),
        ("EmailProperty()", "STRING"),
        ("UniqueIdProperty()", "STRING"),
        ("IntegerProperty()", "INTEGER"),
        ("FloatProperty()", "FLOAT"),
        ("BooleanProperty()", "BOOLEAN"),
        ("DateProperty()", "STRING"),
        ("DateTimeProperty()", "FLOAT"),
        ("DateTimeFormatProperty()", "STRING"),
        ("DateTimeNeo4jFormatProperty()", "LOCAL DATETIME | ZONED DATETIME"),
        ("JSONProperty()", "STRING"),
        ("ArrayProperty()", "LIST<ANY>"),
        ("ArrayProperty(IntegerProperty())", "LIST<INTEGER>"),
        ("ArrayProperty(DateTimeProperty())", "LIST<FLOAT>"),
    ],
)
def test_the_type_is_what_neomodel_stores(
    read: Read, expression: str, type_: str
) -> None:
    assert read_property(read, expression).type == type_


OWN = """
class Slug(StringProperty):
    def normalize(self, value):
        return super().normalize(value).lower()

class Zoned(DateTimeProperty):
    def deflate(self, value, obj=None, rethrow=True):
        return value

class Deeper(Zoned):
    pass
"""


@pytest.mark.parametrize(
    ("expression", "type_"),
    [
        ("Slug()", "STRING"),
        ("Zoned()", "ANY"),
        ("Deeper()", "ANY"),
        ("ArrayProperty(Zoned())", "LIST<ANY>"),
    ],
)
def test_a_subclass_with_its_own_deflate_may_store_anything(
    read: Read, expression: str, type_: str
) -> None:
    assert read_property(read, expression, OWN).type == type_


def test_a_point_property_is_known_without_shapely(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deflate(self: object, value: object) -> object:
        return value

    name = "neomodel.contrib.spatial_properties"
    body = {"__module__": name, "deflate": deflate, "inflate": deflate, "_crs": None}
    spatial: Any = ModuleType(name)
    spatial.PointProperty = type("PointProperty", (NeomodelProperty,), body)
    monkeypatch.setitem(sys.modules, name, spatial)
    point = read_property(
        read,
        "PointProperty(_crs='wgs-84')",
        f"from {name} import PointProperty",
    )
    assert (point.type, point.crs) == ("POINT", "wgs-84")


def test_the_rules_of_a_property_are_read(read: Read) -> None:
    assert read_property(
        read, "StringProperty(required=True, max_length=3, db_property='stored name')"
    ) == Property("stored name", "STRING", required=True, max_length=3)
    assert read_property(read, "StringProperty(choices={'b': 1, 'a': 2})").choices == (
        "a",
        "b",
    )
    assert read_property(read, "RegexProperty(expression='[a-z]+')").pattern == "[a-z]+"
    assert "@" in (read_property(read, "EmailProperty()").pattern or "")
    assert read_property(read, "DateTimeFormatProperty(format='%Y')").format == "%Y"
    assert read_property(read, "DateTimeNeo4jFormatProperty()").format is None


def test_the_attribute_is_kept_beside_the_stored_name(read: Read) -> None:
    found = read_property(read, "StringProperty(db_property='id')")
    assert (found.name, found.attribute) == ("id", "value")


def test_aliases_are_no_properties(read: Read) -> None:
    source = """
        class Model(StructuredNode):
            name = StringProperty(index=True)
            full_name = AliasProperty(to="name")
    """
    schema = read(source).schema
    assert [p.name for p in schema.nodes["Model"].properties] == ["name"]
    assert len(schema.indexes) == 1


@pytest.mark.parametrize(
    ("expression", "stored"),
    [
        ("StringProperty(default='x')", "x"),
        ("IntegerProperty(default='7')", 7),
        ("FloatProperty(default=1)", 1.0),
        ("BooleanProperty(default=False)", False),
        ("DateProperty(default=date(2020, 1, 2))", "2020-01-02"),
        ("DateTimeProperty(default=datetime(1970, 1, 2))", 86400.0),
        (
            "DateTimeFormatProperty(default=datetime(2020, 1, 2), format='%d.%m.')",
            "02.01.",
        ),
        (
            "DateTimeNeo4jFormatProperty(default=datetime(2020, 1, 2, 3))",
            datetime(2020, 1, 2, 3),
        ),
        ("JSONProperty(default={'a': []})", '{"a": []}'),
        ("ArrayProperty(IntegerProperty(), default=[1, '2'])", (1, 2)),
    ],
)
def test_a_static_default_is_the_stored_value(
    read: Read, expression: str, stored: object
) -> None:
    found = read_property(read, expression, "from datetime import date, datetime")
    assert (found.default, found.default_factory) == (stored, None)
    assert type(found.default) is type(stored)


FACTORIES = """
import functools, uuid
from datetime import date, datetime

def make(prefix="p"):
    return prefix

class Maker:
    def __call__(self):
        return ""
    @staticmethod
    def make():
        return ""
"""


@pytest.mark.parametrize(
    ("expression", "factory"),
    [
        ("DateTimeProperty(default_now=True)", "now"),
        ("DateTimeFormatProperty(default_now=True)", "now"),
        ("DateTimeNeo4jFormatProperty(default_now=True)", "now"),
        ("DateTimeProperty(default=datetime.now())", "now"),
        ("DateTimeProperty(default=datetime.now)", "now"),
        ("DateProperty(default=date.today)", "datetime.date.today"),
        ("UniqueIdProperty()", "uuid4.hex"),
        ("StringProperty(default=uuid.uuid4)", "uuid.uuid4"),
        ("StringProperty(default=lambda: 'x')", "<lambda>"),
        ("ArrayProperty(default=list)", "builtins.list"),
        ("StringProperty(default=make)", "make"),
        ("StringProperty(default=Maker.make)", "Maker.make"),
        ("StringProperty(default=Maker())", "Maker"),
        ("StringProperty(default=functools.partial(make, 'a'))", "partial(make)"),
    ],
)
def test_a_callable_default_is_its_name(
    read: Read, expression: str, factory: str
) -> None:
    found = read_property(read, expression, FACTORIES)
    assert (found.default, found.default_factory) == (None, factory)


def test_no_callable_default_is_called(read: Read) -> None:
    before = "def fail():\n    raise AssertionError\n"
    assert read_property(read, "StringProperty(default=fail)", before).default is None


def test_a_default_that_the_property_refuses_is_an_error(read: Read) -> None:
    with pytest.raises(ModelError, match=r"the default of 'value', 'c', can't be"):
        read_property(read, "StringProperty(choices={'a': 'A'}, default='c')")


def test_a_default_that_no_graph_can_hold_is_an_error(read: Read) -> None:
    before = (
        "class Anything(JSONProperty):\n"
        "    def deflate(self, value, *args, **kwargs):\n"
        "        return value\n"
    )
    with pytest.raises(ModelError, match="stored as a dict, which Neo4j can't hold"):
        read_property(read, "Anything(default={})", before)


def test_two_attributes_with_one_stored_name_are_an_error(read: Read) -> None:
    with pytest.raises(ModelError) as raised:
        read(
            """
            class Model(StructuredNode):
                name = StringProperty()
                title = StringProperty(db_property="name")
            """
        )
    assert str(raised.value) == (
        "app.Model (app.py:4): attributes 'name' and 'title' are both stored as "
        "'name'. Give one of them another db_property."
    )

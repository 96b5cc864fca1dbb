"""One property of a neomodel class as the property that is stored in the graph."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from types import FunctionType
from typing import Any

from neomodel import AliasProperty, RegexProperty, StringProperty
from neomodel.properties import Property as NeomodelProperty

from alembic_neo4j.errors import ModelError
from alembic_neo4j.schema.definitions import Property, Value
from alembic_neo4j.schema.loading import ModelClass, described
from alembic_neo4j.schema.property_classes import ROWS, PropertyClass
from alembic_neo4j.schema.storable import check_default
from alembic_neo4j.sentences import ended

NOW = "now"
"""The `default_factory` that gives the current time."""

UNIQUE_ID = "uuid4.hex"
"""The `default_factory` of a UniqueIdProperty: 32 hexadecimal digits."""

_NEOMODEL_MODULES = {"neomodel.properties", "neomodel.contrib.spatial_properties"}


def declared_properties(
    cls: ModelClass,
) -> dict[str, tuple[NeomodelProperty[Any], ModelClass]]:
    """Return the properties of a class by attribute, each with the class it is from.

    As neomodel does: mixins and abstract bases included, the nearest wins, and an
    attribute that is something else further down hides nothing. Aliases are left out.
    """
    found: dict[str, tuple[NeomodelProperty[Any], ModelClass]] = {}
    for owner in reversed(cls.__mro__):
        for attribute, value in vars(owner).items():
            if not isinstance(value, NeomodelProperty):
                continue
            if not isinstance(value, AliasProperty):
                found[attribute] = (value, owner)
    return found


def read_properties(cls: ModelClass) -> dict[str, Property]:
    """Return the stored properties of a node's or a relationship's class by attribute.

    Raises ModelError where two attributes are stored under one name and where a
    default can't be stored.
    """
    read: dict[str, Property] = {}
    by_name: dict[str, str] = {}
    for attribute, (declared, owner) in declared_properties(cls).items():
        stored = _read(attribute, declared, owner)
        if stored.name in by_name:
            raise ModelError(
                f"{described(cls)}: attributes {by_name[stored.name]!r} and "
                f"{attribute!r} are both stored as {stored.name!r}. "
                "Give one of them another db_property."
            )
        by_name[stored.name] = attribute
        read[attribute] = stored
    return read


def unknown_keywords(cls: ModelClass) -> list[str]:
    """Return a warning for each keyword of a property that nothing reads.

    neomodel takes any keyword and sets it as an attribute, so that ``unique=True``
    or ``max_lenght=10`` has no effect. What the code of a property's own class
    mentions is known.
    """
    return [
        f"{described(owner)}: {attribute} = {type(declared).__name__}(… {keyword}=…): "
        f"neomodel ignores the keyword {keyword!r}{_meant(keyword, declared)}"
        for attribute, (outer, owner) in declared_properties(cls).items()
        for declared in _with_item(outer)
        for keyword in vars(declared)
        if keyword not in _known_attributes(type(declared))
    ]


def _read(
    attribute: str, declared: NeomodelProperty[Any], owner: ModelClass
) -> Property:
    default, factory = _default(attribute, declared, owner)
    type_, format = _stored_as(declared)
    return Property(
        declared.get_db_property_name(attribute),
        type_,
        required=bool(declared.required),
        default=default,
        default_factory=factory,
        choices=_choices(declared),
        max_length=getattr(declared, "max_length", None)
        if isinstance(declared, StringProperty)
        else None,
        pattern=declared.expression if isinstance(declared, RegexProperty) else None,
        crs=_crs(declared),
        format=format,
        attribute=attribute,
    )


def _stored_as(declared: NeomodelProperty[Any] | None) -> tuple[str, str | None]:
    """Return the stored type and the format, ANY where a subclass has its own."""
    row = None if declared is None else _row(type(declared))
    if row is None:
        return "ANY", None
    if row.name == "ArrayProperty":
        type_, format = _stored_as(getattr(declared, "base_property", None))
        return f"LIST<{type_}>", format
    format = row.format
    if row.name == "DateTimeFormatProperty":
        format = getattr(declared, "format", None)
    return row.type, format if _reads_as_neomodel(type(declared)) else None


@functools.cache
def _row(property_class: type) -> PropertyClass | None:
    """Return the nearest class of the table, None where another one writes."""
    for cls in property_class.__mro__:
        if cls.__module__ in _NEOMODEL_MODULES and cls.__name__ in ROWS:
            return ROWS[cls.__name__]
        if "deflate" in vars(cls):
            return None
    return None


def _reads_as_neomodel(property_class: type) -> bool:
    """Tell whether neomodel's own code reads the values."""
    reader = next(c for c in property_class.__mro__ if "inflate" in vars(c))
    return reader.__module__ in _NEOMODEL_MODULES


def _crs(declared: NeomodelProperty[Any]) -> str | None:
    item = getattr(declared, "base_property", None) or declared
    return getattr(item, "_crs", None) if _stored_as(item)[0] == "POINT" else None


def _choices(declared: NeomodelProperty[Any]) -> tuple[str, ...] | None:
    if not isinstance(declared, StringProperty) or declared.choices is None:
        return None
    return tuple(str(choice) for choice in declared.choices)


def _default(
    attribute: str, declared: NeomodelProperty[Any], owner: ModelClass
) -> tuple[Value, str | None]:
    if not declared.has_default:
        return None, None
    default = declared.default
    if callable(default):
        return None, _factory(default, owner)
    if isinstance(default, datetime) and _made_at_import(default):
        return None, NOW
    try:
        stored = declared.deflate(declared.default_value())
    except Exception as error:
        raise ModelError(
            f"{described(owner)}: the default of {attribute!r}, {default!r}, can't be "
            f"stored: {ended(error)} Give a default that the property accepts."
        ) from error
    native = _native(stored, attribute, owner)
    try:
        check_default(native, allow_nan=True)
    except ValueError as error:
        raise ModelError(
            f"{described(owner)}: the default of {attribute!r}, {default!r}, can't be "
            f"stored: {ended(error)} Give another default, or none."
        ) from None
    return native, None


def _made_at_import(value: datetime) -> bool:
    """Tell a ``datetime.now()`` of the import from a date that somebody wrote.

    neomodel's `default_now` evaluates it there for two of its properties, and a
    constant that is another one in every process would be a difference in each run.
    """
    return value.microsecond != 0 and value <= datetime.now(value.tzinfo)


def _factory(default: Any, owner: ModelClass) -> str:
    """Return the name of a callable default.

    One that stands in the module of its class is named without the module: moving
    both to another file is no difference.
    """
    if isinstance(default, functools.partial):
        return f"partial({_factory(default.func, owner)})"
    if default in (datetime.now, datetime.utcnow):
        return NOW
    named = default if hasattr(default, "__qualname__") else type(default)
    # A method of a built-in class has no module of its own.
    module = named.__module__ or getattr(named.__self__, "__module__", "builtins")
    name: str = named.__qualname__
    if name.endswith("<lambda>"):
        return _lambda(module, name)
    return name if module == owner.__module__ else f"{module}.{name}"


def _lambda(module: str, name: str) -> str:
    if module == "neomodel.properties":
        if name.startswith("UniqueIdProperty."):
            return UNIQUE_ID
        if name.startswith("DateTimeProperty."):
            return NOW
    return "<lambda>"


def _native(stored: Any, attribute: str, owner: ModelClass) -> Value:
    """Return a stored value in Python's own types."""
    if hasattr(stored, "to_native"):
        return stored.to_native()
    if isinstance(stored, (list, tuple)):
        return tuple(_native(item, attribute, owner) for item in stored)
    scalar = (bool, int, float, str, bytes, date, time, timedelta)
    if stored is None or isinstance(stored, scalar):
        return stored
    raise ModelError(
        f"{described(owner)}: the default of {attribute!r} is stored as a "
        f"{type(stored).__name__}, which Neo4j can't hold. Let the property's deflate "
        "return a number, string, boolean, temporal value or a list of them."
    )


def _with_item(declared: NeomodelProperty[Any]) -> Iterator[NeomodelProperty[Any]]:
    yield declared
    item = getattr(declared, "base_property", None)
    if isinstance(item, NeomodelProperty):
        yield item


def _meant(keyword: str, declared: NeomodelProperty[Any]) -> str:
    known = [
        name
        for cls in type(declared).__mro__
        if isinstance(init := vars(cls).get("__init__"), FunctionType)
        for name in inspect.signature(init).parameters
        if name not in ("self", "args", "kwargs", "name", "owner")
    ]
    close = difflib.get_close_matches(keyword, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else "."


@functools.cache
def _known_attributes(property_class: type) -> frozenset[str]:
    # neomodel shows choices of any property by get_<name>_display().
    known = {"choices"}
    for cls in property_class.__mro__:
        known.update(name for name in vars(cls) if not name.startswith("__"))
        for value in vars(cls).values():
            if isinstance(value, FunctionType):
                known.update(inspect.unwrap(value).__code__.co_names)
    return frozenset(known)

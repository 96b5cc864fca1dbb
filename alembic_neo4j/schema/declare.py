"""What neomodel can't say about a model, declared on the class itself.

A class, of a node or of a relationship, lists it in ``__neo4j_schema__``::

    class Person(StructuredNode):
        first = StringProperty()
        last = StringProperty()
        bio = StringProperty()

        __neo4j_schema__ = [
            declare.key("first", "last"),
            declare.text_index("bio"),
            declare.fulltext_index("bio", labels=["Company"], analyzer="english"),
        ]

Properties are given by the names of the class's attributes, as in SQLAlchemy's
``__table_args__``; a ``db_property`` is looked up.

Inheritance is that of neomodel's own ``index=True``: what a base with a label
declares is installed on its label and again on the label of every subclass, and a
base without a label (abstract, or a plain mixin) hands it to its subclasses. An
explicit ``name`` belongs to the first class with a label, further down the
generated names are used. A full-text index with ``labels`` says all its labels,
so it is not repeated further down.

Nothing but values is made here, and neither neomodel nor Alembic is imported, so
that models can be imported where no migration runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic_neo4j.schema.kinds import IndexKind


@dataclass(frozen=True)
class IndexDeclaration:
    """An index as a class declares it; `properties` are names of attributes."""

    kind: str
    properties: tuple[str, ...]
    labels: tuple[str, ...] = field(default=(), kw_only=True)
    options: tuple[tuple[str, Any], ...] = field(default=(), kw_only=True)
    name: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class ConstraintDeclaration:
    """A constraint as a class declares it; `properties` are names of attributes."""

    kind: str
    properties: tuple[str, ...]
    property_type: str | None = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)


def index(*properties: str, name: str | None = None) -> IndexDeclaration:
    """Declare a range index on one property, or a composite one in this order."""
    return _index(IndexKind.RANGE, properties, name)


def text_index(property_: str, *, name: str | None = None) -> IndexDeclaration:
    """Declare a text index, for ``CONTAINS`` and ``ENDS WITH`` on a string."""
    return _index(IndexKind.TEXT, (property_,), name)


def point_index(
    property_: str,
    *,
    config: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> IndexDeclaration:
    """Declare a point index; `config` takes keys such as ``cartesian.min``."""
    return _index(IndexKind.POINT, (property_,), name, config)


def fulltext_index(
    *properties: str,
    labels: Iterable[str] = (),
    analyzer: str | None = None,
    eventually_consistent: bool | None = None,
    name: str | None = None,
) -> IndexDeclaration:
    """Declare a full-text index over the properties.

    `labels` are further labels (types, on a relationship's class) that the index
    covers beside the class's own. An attribute may be one of their models' then.
    """
    declared = {"analyzer": analyzer, "eventually_consistent": eventually_consistent}
    given = {key: value for key, value in declared.items() if value is not None}
    return _index(IndexKind.FULLTEXT, properties, name, given, labels)


def vector_index(
    property_: str,
    *,
    dimensions: int | None = None,
    similarity_function: str = "cosine",
    config: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> IndexDeclaration:
    """Declare a vector index; `config` takes keys such as ``hnsw.m``."""
    given = {"similarity_function": similarity_function, **(config or {})}
    if dimensions is not None:
        given["dimensions"] = dimensions
    return _index(IndexKind.VECTOR, (property_,), name, given)


def unique(*properties: str, name: str | None = None) -> ConstraintDeclaration:
    """Declare that the properties together are unique."""
    names = _properties("unique", properties)
    return ConstraintDeclaration("UNIQUE", names, name=name)


def key(*properties: str, name: str | None = None) -> ConstraintDeclaration:
    """Declare that the properties exist and are unique together (Enterprise)."""
    return ConstraintDeclaration("KEY", _properties("key", properties), name=name)


def existence(property_: str, *, name: str | None = None) -> ConstraintDeclaration:
    """Declare that the property exists (Enterprise)."""
    names = _properties("existence", (property_,))
    return ConstraintDeclaration("EXISTENCE", names, name=name)


def property_type(
    property_: str, type_: str, *, name: str | None = None
) -> ConstraintDeclaration:
    """Declare the property's type, such as ``INTEGER | FLOAT`` (Enterprise)."""
    if not isinstance(type_, str) or not type_.strip():
        raise TypeError(
            f"declare.property_type: a type such as 'INTEGER' is needed, not {type_!r}"
        )
    return ConstraintDeclaration(
        "TYPE",
        _properties("property_type", (property_,)),
        property_type=type_,
        name=name,
    )


def _index(
    kind: IndexKind,
    properties: Iterable[str],
    name: str | None,
    config: Mapping[str, Any] | None = None,
    labels: Iterable[str] = (),
) -> IndexDeclaration:
    function = kind.traits.noun
    return IndexDeclaration(
        kind.value,
        _properties(function, properties),
        labels=_strings(function, "labels", labels),
        options=_options(kind.traits.prefix, config),
        name=name,
    )


def _properties(function: str, properties: Iterable[str]) -> tuple[str, ...]:
    names = _strings(function, "the properties", properties)
    if not names:
        raise TypeError(f"declare.{function}: name at least one attribute of the class")
    if len(set(names)) != len(names):
        raise TypeError(f"declare.{function}: an attribute is named twice in {names}")
    return names


def _strings(function: str, what: str, values: Iterable[str]) -> tuple[str, ...]:
    names = (values,) if isinstance(values, str) else tuple(values)
    for name in names:
        if not isinstance(name, str) or not name:
            raise TypeError(f"declare.{function}: {what} are names, not {name!r}")
    return names


def _options(
    prefix: str, config: Mapping[str, Any] | None
) -> tuple[tuple[str, Any], ...]:
    prefixed = {
        key if key.startswith(prefix) else prefix + key: _hashable(value)
        for key, value in (config or {}).items()
    }
    return tuple(sorted(prefixed.items()))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value

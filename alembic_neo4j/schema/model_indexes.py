"""The indexes and constraints that neomodel classes install on a label or a type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from neomodel import FulltextIndex, VectorIndex
from neomodel.properties import Property as NeomodelProperty

from alembic_neo4j.errors import ModelError, SchemaError
from alembic_neo4j.schema import definitions
from alembic_neo4j.schema.declare import ConstraintDeclaration, IndexDeclaration
from alembic_neo4j.schema.definitions import (
    Constraint,
    Element,
    EntityType,
    Index,
    Property,
    distinct_name,
)
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind
from alembic_neo4j.schema.loading import ModelClass, described
from alembic_neo4j.schema.properties import declared_properties

DECLARATIONS = "__neo4j_schema__"

Attributes: TypeAlias = Mapping[str, Property]


@dataclass(frozen=True)
class Carrier:
    """A label or a type with the class that declares it.

    `attributes` are the class's properties by attribute.
    """

    entity: EntityType
    label: str
    cls: ModelClass
    attributes: Attributes


@dataclass(frozen=True)
class IndexRequest:
    """An index or constraint with the class that asks for it.

    `named` tells a name that somebody wrote from a generated one.
    """

    element: Element
    cls: ModelClass
    named: bool = False

    @property
    def shown(self) -> str:
        """The element in words; a generated name would mean nothing to the reader."""
        return definitions.described(self.element, named=False)


def installed_elements(
    carrier: Carrier, others: Mapping[str, Sequence[Attributes]]
) -> list[IndexRequest]:
    """Return what the class of the carrier installs on its label or type.

    These are the flags of its properties, read as neomodel's `install_labels` does,
    and the declarations of its ``__neo4j_schema__`` and of its bases'. `others` has
    the attributes of every model by label, for full-text indexes over several.

    Raises ModelError where a flag or a declaration is misused.
    """
    flagged = [
        IndexRequest(element, carrier.cls)
        for attribute, (declared, _) in declared_properties(carrier.cls).items()
        for element in _flagged(carrier, attribute, declared)
    ]
    return [*flagged, *_declared(carrier, others)]


def merged_elements(installed: Iterable[IndexRequest]) -> list[IndexRequest]:
    """Return each element once, as the classes that ask for it agree on it.

    Raises ModelError where they do not agree, where two elements exclude each
    other and where two have the same explicit name.
    """
    merged: dict[Any, IndexRequest] = {}
    for item in installed:
        known = merged.get(item.element.key)
        merged[item.element.key] = _agreed(known, item) if known else item
    _check_exclusive(merged.values())
    return _with_distinct_names(merged.values())


def declared_labels(cls: ModelClass) -> list[tuple[str, ModelClass]]:
    """Return the labels besides its own that full-text declarations of a class name.

    Each comes with the class, itself or a base, that names it. Raises ModelError
    where ``__neo4j_schema__`` is misused.
    """
    return [
        (label, owner)
        for declaration, owner in _declarations(cls)
        if isinstance(declaration, IndexDeclaration)
        for label in declaration.labels
    ]


def _flagged(
    carrier: Carrier, attribute: str, declared: NeomodelProperty[Any]
) -> Iterator[Element]:
    name = (declared.get_db_property_name(attribute),)
    label, entity = carrier.label, carrier.entity
    if declared.index:
        yield Index(IndexKind.RANGE, entity, (label,), name)
    elif declared.unique_index:
        yield Constraint(ConstraintKind.UNIQUE, entity, label, name)
    for kind, flag in _FLAGS:
        if setting := _setting(carrier, attribute, declared, kind, flag):
            named = kind.traits.options
            options = tuple((o.key, getattr(setting, o.name)) for o in named)
            yield Index(kind, entity, (label,), name, options)


_FLAGS = ((IndexKind.FULLTEXT, FulltextIndex), (IndexKind.VECTOR, VectorIndex))


def _setting(
    carrier: Carrier,
    attribute: str,
    declared: NeomodelProperty[Any],
    kind: IndexKind,
    flag: type[FulltextIndex | VectorIndex],
) -> Any:
    keyword = kind.traits.noun
    value = getattr(declared, keyword)
    if value and not isinstance(value, flag):
        raise ModelError(
            f"{described(carrier.cls)}: {attribute!r} has {keyword}={value!r}; "
            f"give a neomodel {flag.__name__}(…) there."
        )
    return value


def _declared(
    carrier: Carrier, others: Mapping[str, Sequence[Attributes]]
) -> Iterator[IndexRequest]:
    for declaration, owner in _declarations(carrier.cls):
        inherited = _has_label_between(carrier.cls, owner)
        if isinstance(declaration, ConstraintDeclaration):
            named = declaration.name if not inherited else None
            element: Element = _constraint(carrier, declaration, named)
        elif inherited and declaration.labels:
            continue
        else:
            named = declaration.name if not inherited else None
            element = _index(carrier, declaration, named, others)
        yield IndexRequest(element, carrier.cls, named is not None)


def _declarations(
    cls: ModelClass,
) -> list[tuple[IndexDeclaration | ConstraintDeclaration, ModelClass]]:
    """Return the declarations of the class and its bases, each with its owner."""
    found = []
    for owner in reversed(cls.__mro__):
        declared = vars(owner).get(DECLARATIONS, ())
        if not isinstance(declared, (list, tuple)):
            raise ModelError(
                f"{described(owner)}: {DECLARATIONS} is a {type(declared).__name__}; "
                "make it a list of alembic_neo4j.declare.…(…) values."
            )
        for item in declared:
            if not isinstance(item, (IndexDeclaration, ConstraintDeclaration)):
                raise ModelError(
                    f"{described(owner)}: {DECLARATIONS} holds {item!r}; "
                    "it takes values of alembic_neo4j.declare only, such as "
                    'declare.index("name").'
                )
            found.append((item, owner))
    return found


def _has_label_between(cls: ModelClass, owner: ModelClass) -> bool:
    """Tell whether a base of the class installs the owner's declarations already."""
    return any(
        base is not cls and "__label__" in vars(base) and issubclass(base, owner)
        for base in cls.__mro__
    )


def _index(
    carrier: Carrier,
    declaration: IndexDeclaration,
    name: str | None,
    others: Mapping[str, Sequence[Attributes]],
) -> Index:
    attributes = [carrier.attributes]
    for label in declaration.labels:
        attributes.extend(others.get(label, ()))
    try:
        return Index(
            IndexKind(declaration.kind),
            carrier.entity,
            (carrier.label, *declaration.labels),
            _stored_names(carrier, declaration.properties, attributes),
            declaration.options,
            name=name or "",
        )
    except SchemaError as error:
        raise _misused(carrier.cls, error) from error


def _constraint(
    carrier: Carrier, declaration: ConstraintDeclaration, name: str | None
) -> Constraint:
    try:
        return Constraint(
            ConstraintKind(declaration.kind),
            carrier.entity,
            carrier.label,
            _stored_names(carrier, declaration.properties, [carrier.attributes]),
            declaration.property_type,
            name=name or "",
        )
    except SchemaError as error:
        raise _misused(carrier.cls, error) from error


def _misused(cls: ModelClass, error: SchemaError) -> ModelError:
    return ModelError(f"{described(cls)}: {DECLARATIONS}: {error}")


def _stored_names(
    carrier: Carrier, names: Sequence[str], attributes: Sequence[Attributes]
) -> tuple[str, ...]:
    stored: dict[str, None] = {}
    for name in names:
        found = [known[name].name for known in attributes if name in known]
        if not found:
            raise _unknown_attribute(carrier, name, attributes)
        stored.update(dict.fromkeys(found))
    return tuple(stored)


def _unknown_attribute(
    carrier: Carrier, name: str, attributes: Sequence[Attributes]
) -> ModelError:
    known = sorted({attribute for each in attributes for attribute in each})
    return ModelError(
        f"{described(carrier.cls)}: {DECLARATIONS} names the attribute {name!r}, which "
        f"the class does not have. Its properties are: {', '.join(known) or 'none'}. "
        "Use the attribute's name, not the db_property."
    )


def _agreed(known: IndexRequest, other: IndexRequest) -> IndexRequest:
    if known.element != other.element:
        raise ModelError(
            f"{described(known.cls)} declares {known.shown}, "
            f"{described(other.cls)} declares {other.shown}: the same index "
            "or constraint with two settings. Keep one of them."
        )
    if known.named and other.named and known.element.name != other.element.name:
        raise ModelError(
            f"{described(known.cls)} and {described(other.cls)} name the "
            f"{known.shown} {known.element.name!r} and "
            f"{other.element.name!r}. Keep one name."
        )
    return other if other.named and not known.named else known


def _check_exclusive(merged: Iterable[IndexRequest]) -> None:
    """Refuse what the server refuses: two elements with an index of the same schema."""
    backed: dict[object, IndexRequest] = {}
    for item in merged:
        if not item.element.kind.traits.exclusive:
            continue
        element = item.element
        where = (element.entity, element.labels, element.properties)
        other = backed.setdefault(where, item)
        if other is not item:
            raise ModelError(
                f"{described(other.cls)} declares {other.shown} and "
                f"{described(item.cls)} declares {item.shown}: Neo4j allows only "
                "one of a range index, a unique and a key constraint on the same "
                "properties. Keep the one that is meant; a constraint also indexes."
            )


def _with_distinct_names(merged: Iterable[IndexRequest]) -> list[IndexRequest]:
    """Give each element a name of its own; the first in the order of keys keeps it."""
    ordered = sorted(merged, key=lambda item: item.element.key)
    taken: dict[str, IndexRequest] = {}
    for item in ordered:
        if not item.named:
            continue
        other = taken.setdefault(item.element.name, item)
        if other is not item:
            raise ModelError(
                f"{described(other.cls)} and {described(item.cls)} give the name "
                f"{item.element.name!r} to the {other.shown} and to the "
                f"{item.shown}. Indexes and constraints share one set of "
                "names: change one, or leave the name out."
            )
    settled = []
    for item in ordered:
        element = item.element
        if not item.named and element.name in taken:
            element = replace(element, name=distinct_name(element.name, element.key))
            item = replace(item, element=element)
        taken.setdefault(element.name, item)
        settled.append(item)
    return settled

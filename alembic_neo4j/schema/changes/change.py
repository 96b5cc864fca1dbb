"""What every change is: a value that can be applied, reversed and called."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from enum import Enum
from typing import Any, ClassVar, TypeAlias

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.changes.call import Call
from alembic_neo4j.schema.changes.touched import EVERYTHING, NOTHING, TouchedNames
from alembic_neo4j.schema.definitions import EntityType, Property, Schema
from alembic_neo4j.schema.known_names import Name
from alembic_neo4j.schema.storable import is_finite

Values: TypeAlias = "tuple[tuple[str, Any], ...]"
"""Fields of an element and what they are to be, as sorted pairs."""

UNWRITTEN = {"unwritten": True}
"""The metadata of a field that no call gives: only the reverse needs it."""

_APART = {"entity", "values"}
"""What the operation's name says, and what is given by the names of its items."""


class Placeholder(Enum):
    """Stands where a person has to write something before the revision can run."""

    FILL_IN = "FILL_IN"

    def __repr__(self) -> str:
        return f"op.{self.name}"


class Irreversible(SchemaError):
    """A change that has no reverse; the message says why."""


@dataclass(frozen=True)
class OfProperties:
    """Properties of what has any of some labels, or is of one of some types."""

    entity: EntityType
    owners: tuple[str, ...]
    names: tuple[str, ...]


class Change(ABC):
    """One difference between two schemas, or of data that nothing declares.

    It is a frozen dataclass: the fields that need a value are given to its function of
    `op` by position, the others by name where they differ from their default. `words`
    is how that function is called; where it has a twin for relationships, with ``{}``
    for which of them it is, as `entity` tells.

    One that finds something by name may say `allow_unknown`: that no model has it.
    """

    words: ClassVar[str]
    allow_unknown: bool = False

    @abstractmethod
    def apply(self, schema: Schema) -> Schema:
        """Return the schema after this change.

        Raises SchemaError when the change does not fit the schema.
        """

    @abstractmethod
    def reverse(self) -> Change:
        """Return the change that undoes this one; raises Irreversible."""

    # Its call ------------------------------------------------------------------------

    @property
    def call(self) -> Call:
        """The call of `op` that makes it."""
        arguments, keywords = self.arguments, self.keywords
        defaults = [a.default for a in arguments if isinstance(a, Property)]
        if not is_finite([*defaults, keywords.get("default")]):
            keywords["allow_nan"] = True
        return Call(self.operation, arguments, keywords)

    @property
    def operation(self) -> str:
        """The function of `op` that makes it."""
        entity: EntityType = getattr(self, "entity", EntityType.NODE)
        return self.words.format(entity.value.lower())

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What is given to that function by position."""
        needed = (f.name for f in _fields(self) if f.default is MISSING)
        return tuple(getattr(self, name) for name in needed if name not in _APART)

    @property
    def keywords(self) -> dict[str, Any]:
        """What is given to that function by name, defaults left out."""
        return {
            f.name: getattr(self, f.name)
            for f in _fields(self)
            if not (f.default is MISSING or f.metadata == UNWRITTEN)
            and getattr(self, f.name) != f.default
        }

    @property
    def meant(self) -> dict[str, Any]:
        """The keyword that says that it may name what no model has, if it may."""
        return {"allow_unknown": True} if self.allow_unknown else {}

    # What it names -------------------------------------------------------------------

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types that have to be there for an effect."""
        return ()

    @property
    def made(self) -> tuple[Name, ...]:
        """The labels and types of what it makes; what it only declares is not here."""
        return ()

    @property
    def sought_properties(self) -> tuple[OfProperties, ...]:
        """The properties that have to be there for an effect."""
        return ()

    @property
    def made_properties(self) -> tuple[str, ...]:
        """The names of other properties, which it makes."""
        return ()

    # What of the data it touches ----------------------------------------------------

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what of the data decides on its way, its checks included.

        `before` is the schema just before it. What `expressions` read comes on top.
        """
        return EVERYTHING

    def finds(self, before: Schema) -> TouchedNames:
        """Return what of it decides on how much there is to change."""
        return self.reads(before)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what of the data it changes; marks count as what they are about."""
        return EVERYTHING

    def takes_away(self) -> str | None:
        """Return the label of nodes that go, whatever else is on them and at them.

        What is *any* of a part in `writes` is what they have of it then.
        """
        return None

    def expressions(self) -> tuple[str, ...]:
        """Return what a person wrote in Cypher, and what it is carried out by."""
        return ()

    # What it takes back --------------------------------------------------------------

    def reverses(self, _done: Change) -> bool:
        """Tell whether this, in a downgrade, takes back what an upgrade has done."""
        return False

    def undoing(self, done: Iterable[Change]) -> Change:
        """Return it, of a downgrade, as the undoing of what the upgrade has `done`.

        It stays as it is where it reverses none of that, or undoes already. So a
        downgrade that a person has written takes back no more than one that was
        generated.
        """
        return self.as_undoing() if any(map(self.reverses, done)) else self

    def as_undoing(self) -> Change:
        """Return it as one that takes back what the same revision did, and no more."""
        change: Any = self
        return replace(change, undo=True)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class DataChange(Change):
    """A change of data that is carried out in batches.

    `where` is a predicate over ``n``, or ``r`` for relationships, that narrows down
    what it is about.
    """

    where: str | None = field(default=None, kw_only=True)
    batch_size: int | None = field(default=None, kw_only=True)
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    def expressions(self) -> tuple[str, ...]:
        """Return what a person wrote in Cypher."""
        return given(self.where)


class Alteration(Change):
    """A change of what is declared, whose `values` are given by name."""

    values: Values
    existing: Values | None
    """No fields here: they have other places in the subclasses."""

    @property
    def keywords(self) -> dict[str, Any]:
        """The values, and then the options."""
        return {**dict(self.values), **super().keywords}


def label_names(*names: str) -> tuple[Name, ...]:
    """Return labels as what a change names."""
    return tuple((EntityType.NODE, name) for name in names)


def type_names(*names: str) -> tuple[Name, ...]:
    """Return relationship types as what a change names."""
    return tuple((EntityType.RELATIONSHIP, name) for name in names)


def properties_of(
    entity: EntityType, owner: str, *names: str
) -> tuple[OfProperties, ...]:
    """Return properties of a label or type as what a change names."""
    return (OfProperties(entity, (owner,), names),)


class Declaration(Change):
    """A change of what is declared, or of the catalogue: it touches no data."""

    def reads(self, _before: Schema) -> TouchedNames:
        """Return nothing."""
        return NOTHING

    def writes(self, _before: Schema) -> TouchedNames:
        """Return nothing."""
        return NOTHING


def given(*expressions: object) -> tuple[str, ...]:
    """Return those that a person has written."""
    return tuple(text for text in expressions if isinstance(text, str))


def known(existing: Values | None) -> Values:
    """Return what was declared before; raises Irreversible where it is unknown."""
    if existing is None:
        raise Irreversible("what was declared before is not known")
    return existing


def refuse_partial(where: str | None) -> None:
    """Raise Irreversible for a change of some: which these were is not known."""
    if where is not None:
        raise Irreversible(f"which of them were changed, where {where}, is not known")


def _fields(change: Any) -> tuple[Field[Any], ...]:
    return fields(change)

"""What every change of a schema is: a value that can be applied and reversed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import Any, TypeAlias

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.elements import Schema

Values: TypeAlias = "tuple[tuple[str, Any], ...]"
"""Fields of an element and what they are to be, as sorted pairs."""


class Placeholder(Enum):
    """Stands where a person has to write something before the revision can run."""

    FILL_IN = "FILL_IN"

    def __repr__(self) -> str:
        return f"op.{self.name}"


class Irreversible(SchemaError):
    """A change that has no reverse; the message says why."""


class Change(ABC):
    """One difference between two schemas.

    One that finds something by name may say `allow_unknown`: that no model has it.
    """

    allow_unknown: bool = False

    @abstractmethod
    def apply(self, schema: Schema) -> Schema:
        """Return the schema after this change.

        Raises SchemaError when the change does not fit the schema.
        """

    @abstractmethod
    def reverse(self) -> Change:
        """Return the change that undoes this one; raises Irreversible."""


def known(existing: Values | None) -> Values:
    """Return what was declared before; raises Irreversible where it is unknown."""
    if existing is None:
        raise Irreversible("what was declared before is not known")
    return existing


def refuse_partial(where: str | None) -> None:
    """Raise Irreversible for a change of some: which these were is not known."""
    if where is not None:
        raise Irreversible(f"which of them were changed, where {where}, is not known")

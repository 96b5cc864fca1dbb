"""What a change asks of the server, as values to be run or written to a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from alembic_neo4j.graph.statements import Kind
from alembic_neo4j.schema.elements import Constraint, Index

DEFAULT_BATCH_SIZE = 10_000


@dataclass(frozen=True)
class Create:
    """An index or constraint is created; the server must not know its like."""

    element: Index | Constraint


@dataclass(frozen=True)
class Drop:
    """An index or constraint is dropped by the name that the history gave it."""

    element: Index | Constraint


@dataclass(frozen=True)
class Batched:
    """A data change over many entities, run in transactions of bounded size.

    `select` returns one column ``id`` with the element ids of what is left to do;
    `write` changes those of ``$ids`` and may be run twice on the same ids. `offline`
    is the same as one auto-commit statement for a script.
    """

    title: str
    select: str
    write: str
    offline: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = DEFAULT_BATCH_SIZE


@dataclass(frozen=True)
class Check:
    """A query whose rows stand in the way of what follows.

    It returns the columns ``value``, ``count`` and ``ids`` (up to five element ids),
    at most twenty rows. `expected` says what the change needs, `advice` what to do.
    """

    query: str
    expected: str
    advice: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A statement that a person wrote; its rows go back to the revision.

    `repeatable` says that running it twice does no harm.
    """

    text: str
    kind: Kind
    parameters: Mapping[str, Any] = field(default_factory=dict)
    repeatable: bool = False


@dataclass(frozen=True)
class Stop:
    """A placeholder that a person has to fill in before the revision can run."""

    message: str


Step: TypeAlias = "Create | Drop | Batched | Check | Run | Stop"

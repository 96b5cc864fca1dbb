"""What a change asks of the server, as values to be run or written to a script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from alembic_neo4j.cypher.load_defaults import Defaults
from alembic_neo4j.cypher.load_targets import LoadTarget
from alembic_neo4j.cypher.statements import Kind
from alembic_neo4j.schema.elements import Constraint, Index

DEFAULT_BATCH_SIZE = 10_000

LOAD_BATCH_SIZE = 5_000
"""How many rows one transaction loads."""


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

    Its entities go by their internal ids, in ascending order. `select` returns one row
    with the list ``ids`` of what is left to do above ``$after``, at most ``$limit`` of
    them. `write` changes those of ``$ids`` that are left to do, may be run twice on the
    same ids, and returns how many it has ``changed``. What was changed, or created by
    it, is not left to do any more. `offline` is the same as one auto-commit statement
    for a script.

    With a `walk` ids that lie close together are not sent at all: it changes what is
    left to do from ``$first`` to ``$last``, the lowest ``$size`` of them at most, and
    returns how many it has ``changed`` and the ``last`` of them. `extent` returns in
    three rows, as ``value``, how many entities there are to look at, whether they are
    left to do or not, their first id and their last. Where it `walks_others`, these ids
    are those of other entities, by which the ones to change are found. `count` returns
    one row with how many are left to do, as ``count``. `batch_size` is the usual one,
    `chosen_size` a person's for this change; `done` is the word for what becomes of an
    entity. Where it `only_marks`, it writes marks that nothing reads but a downgrade.
    """

    title: str
    select: str
    write: str
    offline: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = DEFAULT_BATCH_SIZE
    extent: str = ""
    walk: str = ""
    walks_others: bool = False
    count: str = ""
    chosen_size: int | None = None
    done: str = "changed"
    only_marks: bool = False


@dataclass(frozen=True)
class Merge:
    """Nodes that belong together become one, which keeps all their relationships.

    `groups` returns in each row, as ``ids``, the internal ids of some that are to be
    one, the node that stays first, and ``$limit`` rows at most; `count` one row with
    how many nodes are to go, as ``count``. Of different values of a property the first,
    the last or a list of all stays, as `policies` says of it, and `policy` of all
    others; "fail" is as "first", since a check has found none. A list of all is written
    to the property that `gathered` gives for the name, so that what tells who belongs
    together finds the name as it was. One transaction handles `batch_size` nodes or
    relationships.
    """

    title: str
    groups: str
    count: str
    policies: tuple[tuple[str, str], ...] = ()
    policy: str = "first"
    gathered: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int | None = None


@dataclass(frozen=True)
class Report:
    """A query whose rows the log tells of; nothing stands in the way.

    It returns the columns of a `Check`. `text` says what they are, `advice` what may
    be done about them.
    """

    query: str
    text: str
    advice: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """A query whose rows stand in the way of what follows.

    It returns the columns ``value``, ``count`` and ``ids`` (up to five element ids),
    at most twenty rows. `expected` says what the change needs, `advice` what to do.
    A `rule` is one that only the models have: the graph takes the data all the same.
    """

    query: str
    expected: str
    advice: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    rule: bool = False

    @property
    def report(self) -> Report:
        """What tells of the rows, and lets what follows go on."""
        text = f"The data break a rule of the models: {self.expected}. Found"
        return Report(self.query, text, self.advice, self.parameters)


@dataclass(frozen=True)
class Run:
    """A statement that a person wrote; its rows go back to the revision.

    `repeatable` says that running it twice does no harm, `place` where it is written
    when that is a file of its own.
    """

    text: str
    kind: Kind
    parameters: Mapping[str, Any] = field(default_factory=dict)
    repeatable: bool = False
    place: str = ""


@dataclass(frozen=True)
class Load:
    """Rows become nodes or relationships of a batch, each exactly once.

    What a batch creates gets its name as the property `tag`. The rows are gone through
    once; when a run goes on, once more, past those that are loaded. `source` is what
    tells beforehand that they are the same, such as the SHA-256 of their file. What is
    created gets the `defaults` of properties of which its row has no value. Values that
    are `judged` were found to be storable as they were read; of all others
    `allow_nan` says whether they may be NaN or infinite.
    """

    target: LoadTarget
    rows: Iterable[Any]
    batch: str
    tag: str
    source: str = ""
    batch_size: int | None = None
    defaults: Defaults = field(default_factory=Defaults)
    allow_nan: bool = False
    judged: bool = False

    @property
    def title(self) -> str:
        """What it is, in messages."""
        return f"load of {self.target}"


@dataclass(frozen=True)
class Known:
    """What batches are known to have created: under what names, and how much."""

    labels: tuple[str, ...]
    types: tuple[str, ...]
    nodes: int
    relationships: int


@dataclass(frozen=True)
class Undo:
    """What batches have done is undone, the newest of them first.

    What they created is deleted and what they changed gets back what it had, as far as
    it has one of the `labels`, or is of one of the `types`; None is all that there are.
    What is `known` tells where to look first. With `detach` the relationships of others
    are deleted with the nodes that they lead to or from.
    """

    batches: tuple[str, ...]
    tag: str
    labels: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    detach: bool = False
    known: Known | None = None

    @property
    def title(self) -> str:
        """What it is, in messages."""
        return f"rollback of {', '.join(self.batches)}"


@dataclass(frozen=True)
class Stop:
    """A placeholder that a person has to fill in before the revision can run."""

    message: str


Step: TypeAlias = (
    "Create | Drop | Batched | Merge | Check | Report | Run | Load | Undo | Stop"
)

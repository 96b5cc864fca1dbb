"""What the data of a graph hold, as values: labels, properties, types, batches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from alembic_neo4j.schema.definitions import EntityType, Property

SAMPLE = 1000
"""How many nodes of each label, and relationships of each type, a sample has."""


OWN_PROPERTY_PREFIX = "_alembic_"
"""How the name of every property begins that this package gives to users' nodes."""


Declared: TypeAlias = "Mapping[str, Mapping[str, Sequence[str]]]"
"""The properties by label or type, with the types that ``valueType`` may show.

No type at all means that any will do.
"""


@dataclass(frozen=True)
class Shape:
    """What some nodes or relationships have alike: labels, a property and its type.

    `labels` of a relationship is its type alone; `type` is as ``valueType`` shows it.
    At least `count` are so, the one of the element id `example` among them.
    """

    entity: EntityType
    labels: tuple[str, ...]
    property: str
    type: str
    count: int
    example: str


@dataclass(frozen=True)
class Contents:
    """What was found; `labels` and `types` are all in use, each with its count.

    `nodes` of `of_nodes` and `relationships` of `of_relationships` are how many were
    read for their properties, our own not counted. When all of them were meant to be
    (`full`), only what is not as declared is among the shapes.
    """

    labels: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    shapes: tuple[Shape, ...] = ()
    nodes: int = 0
    of_nodes: int = 0
    relationships: int = 0
    of_relationships: int = 0
    full: bool = False
    truncated: bool = False


@dataclass(frozen=True)
class Declarations:
    """What is declared of nodes and of relationships; `open` may have other ones."""

    nodes: Declared = field(default_factory=dict)
    relationships: Declared = field(default_factory=dict)
    open: Collection[str] = ()


@dataclass(frozen=True)
class LoadRecord:
    """What a batch created and changed, by labels and types that it was loaded as."""

    batch: str
    labels: tuple[str, ...]
    types: tuple[str, ...]
    nodes: int
    relationships: int
    touched: int


@dataclass(frozen=True)
class BatchHoldings:
    """What the graph has of a batch: what it created, and images of what it changed."""

    created_nodes: int
    touched_nodes: int
    created_relationships: int
    touched_relationships: int


@dataclass(frozen=True)
class Tally:
    """How many entities a batch created and changed, and how many of them are there."""

    batch: str
    created: int
    touched: int
    tagged: int
    imaged: int

    @property
    def is_missing(self) -> bool:
        """Whether it did something, and nothing of that is there."""
        return self.created + self.touched > 0 and self.tagged + self.imaged == 0

    @property
    def is_incomplete(self) -> bool:
        """Whether some of what it did is not there."""
        return self.tagged < self.created or self.imaged < self.touched

    def __str__(self) -> str:
        found = f"{self.tagged:,} of the {self.created:,} that it created"
        if self.touched:
            found += f", {self.imaged:,} of the {self.touched:,} that it changed"
        return found


@dataclass(frozen=True)
class LackingLabels:
    """Nodes of a model's label that lack some of its bases' labels.

    There are at least `count` of them, exactly so many where all nodes were looked at
    (`full`); `example` is the element id of one.
    """

    label: str
    bases: tuple[str, ...]
    count: int
    example: str
    full: bool = False


_NAMED = 3
"""How many element ids are kept of those that have such a value."""


@dataclass
class Unreadable:
    """The values of one property that can't be read: how many, and some of them."""

    entity: EntityType
    owner: str
    property: Property
    count: int = 0
    ids: list[str] = field(default_factory=list)
    value: Any = None
    reason: str = ""

    def add(self, id: str, value: Any, reason: str) -> None:
        """Count one more."""
        if not self.count:
            self.value, self.reason = value, reason
        self.count += 1
        if len(self.ids) < _NAMED:
            self.ids.append(id)

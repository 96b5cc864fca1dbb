"""What of a SQLite database becomes which nodes and relationships, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from alembic_neo4j.cypher.load_targets import (
    Endpoint,
    LoadTarget,
    NodeTarget,
    OnUnmatched,
    RelationshipTarget,
)
from alembic_neo4j.ingest.typed_values import ValueOptions

WHOLE = "SELECT * FROM {}"

Others: TypeAlias = 'Literal["keep"] | Literal["ignore"] | tuple[str, ...]'
"""What becomes of columns that nobody names; those of a tuple are ignored."""


@dataclass(frozen=True)
class PropertyMapping:
    """Where a property has its value from: a column, or one value for all."""

    name: str
    column: str | None = None
    value: Any = None
    type: str = "ANY"
    format: str | None = None
    crs: str | None = None


@dataclass(frozen=True)
class EndMapping:
    """The node at one end of a relationship: its label, and where its keys are."""

    label: str
    keys: tuple[PropertyMapping, ...]

    @property
    def endpoint(self) -> Endpoint:
        """The node as a load finds it."""
        return Endpoint(self.label, tuple(key.name for key in self.keys))


@dataclass(frozen=True)
class NodeMapping:
    """The rows of a query that become nodes, found again by their key."""

    labels: tuple[str, ...]
    query: str
    key: tuple[str, ...]
    properties: tuple[PropertyMapping, ...] = ()
    other_columns: Others = "keep"

    @property
    def target(self) -> LoadTarget:
        """What the rows become."""
        return NodeTarget(self.labels, self.key)

    def __str__(self) -> str:
        return f"nodes :{self.labels[0]}"


@dataclass(frozen=True)
class RelationshipMapping:
    """The rows of a query that become relationships between nodes that are there.

    Without a `key` there is one of the type between two nodes, however many rows say
    so.
    """

    type: str
    query: str
    source: EndMapping
    target_end: EndMapping
    key: tuple[str, ...] = ()
    properties: tuple[PropertyMapping, ...] = ()
    other_columns: Others = "keep"
    unmatched: OnUnmatched = "report"

    @property
    def target(self) -> LoadTarget:
        """What the rows become."""
        return RelationshipTarget(
            self.type,
            self.source.endpoint,
            self.target_end.endpoint,
            self.key,
            self.unmatched,
        )

    def __str__(self) -> str:
        ends = f"{self.source.label} to {self.target_end.label}"
        return f"relationships :{self.type} from {ends}"


Part: TypeAlias = "NodeMapping | RelationshipMapping"


@dataclass(frozen=True)
class GraphsMapping:
    """The graphs of a source: a query, and the column with a graph's id.

    All nodes of a graph have in `scope_property` what its row has in `scope_column`.
    """

    query: str
    id: str = "id"
    scope_property: str | None = None
    scope_column: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A query that counts what a mapping leaves out of a graph, or of any graph.

    It gives one number, or rows with a name and a number.
    """

    what: str
    query: str
    of: Literal["graph", "source"] = "graph"


@dataclass(frozen=True)
class LeftOutCount:
    """How many of `what` a mapping leaves out; with the `name` they share, if any."""

    what: str
    name: str | None
    count: int

    @property
    def title(self) -> str:
        """What is left out, without how many."""
        return self.what if self.name is None else f"{self.what} {self.name!r}"

    def __str__(self) -> str:
        return f"{self.count:,} {self.title}"


@dataclass(frozen=True)
class TransferCounts:
    """What became of a graph's rows.

    `nodes` and `relationships` are rows, of which some were created and the others
    found; `unmatched` rows were no relationship for want of an end. `left_out` is what
    the mapping takes nothing of.
    """

    nodes: int = 0
    relationships: int = 0
    created_nodes: int = 0
    created_relationships: int = 0
    unmatched: int = 0
    left_out: tuple[LeftOutCount, ...] = ()

    def __add__(self, other: TransferCounts) -> TransferCounts:
        """Return what became of the rows of both."""
        names = [field.name for field in fields(self)]
        return TransferCounts(
            *(getattr(self, name) + getattr(other, name) for name in names)
        )


@dataclass(frozen=True)
class TransferMapping:
    """The whole: its parts in the order in which they are transferred.

    `requires` has the columns by table by which a source for it is known. Without
    `graphs` the source is one graph.
    """

    name: str
    digest: str
    nodes: tuple[NodeMapping, ...]
    relationships: tuple[RelationshipMapping, ...] = ()
    graphs: GraphsMapping | None = None
    requires: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: ValueOptions = field(default_factory=ValueOptions)
    left_out: tuple[LeftOut, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The nodes, then the relationships between them."""
        return (*self.nodes, *self.relationships)

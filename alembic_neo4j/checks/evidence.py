"""What was found of a project, its ledger and its graph, before it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic_neo4j.cypher.capabilities import Server
from alembic_neo4j.cypher.catalogue import Catalogue
from alembic_neo4j.cypher.data_survey import Contents, LackingLabels, Tally, Unreadable
from alembic_neo4j.cypher.stamp import Stamp
from alembic_neo4j.ledger.journal import OpenRun, Unit
from alembic_neo4j.ledger.store import AppliedRevision
from alembic_neo4j.schema.definitions import Constraint, Schema


@dataclass(frozen=True)
class RevisionFile:
    """A revision's file: `code_hash` leaves out comments and whitespace.

    `down` are the revisions that it builds on directly. `schema_hash` is what the file
    says, `replayed_hash` what a replay gave, each None where there is none. `runs` has
    the files of Cypher that it runs, which are part of it.
    """

    revision: str
    path: str
    file_hash: str
    code_hash: str
    down: tuple[str, ...] = ()
    schema_hash: str | None = None
    replayed_hash: str | None = None
    runs: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The file, and those of Cypher that it runs, as messages name them."""
        return ", or ".join([self.path, *self.runs])


@dataclass(frozen=True)
class HistoryEvidence:
    """The revision files of a project.

    `below` are the revisions that the ledger's heads build on, themselves included;
    `pending` those that are not applied, in the order in which they would be. Where it
    can't be loaded or replayed, `failure` says why; `problems` are what Alembic warned
    of. `schema` is the replayed one at the ledger's heads.
    """

    files: Mapping[str, RevisionFile] = field(default_factory=dict)
    heads: tuple[str, ...] = ()
    labelled: bool = False
    below: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    failure: str = ""
    schema: Schema | None = None
    directory: str = ""


@dataclass(frozen=True)
class LedgerEvidence:
    """What the ledger says; `units` are those of the open run.

    The stamp of its graph names one of the `data_runs`. The origins are where the
    addresses of graph and ledger were read.
    `readable` names the file of a SQLite ledger that other users of the machine
    may read.
    """

    heads: tuple[str, ...] = ()
    identity: str | None = None
    stamped: tuple[str, ...] | None = None
    applied: Mapping[str, AppliedRevision] = field(default_factory=dict)
    open_run: OpenRun | None = None
    units: tuple[Unit, ...] = ()
    data_runs: tuple[str | None, ...] = (None,)
    graph_origin: str = "neo4j.url"
    ledger_origin: str = "sqlalchemy.url"
    readable: str = ""


@dataclass(frozen=True)
class ModelEvidence:
    """The models against the history: a difference in words each, or a failure."""

    differences: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True)
class GraphEvidence:
    """The graph beside what the history has; what env.py's filters exclude is in none.

    `declared` has the indexes and constraints of the history at the ledger's heads, and
    is None where these are not known; `under_way` has the keys of those that the open
    run adds or drops. `markers` are runs; `holder` is who holds the lock.
    """

    server: Server
    catalogue: Catalogue
    declared: Schema | None = None
    stamp: Stamp | None = None
    markers: tuple[str, ...] = ()
    holder: str | None = None
    under_way: frozenset[Any] = frozenset()


@dataclass(frozen=True)
class Violation:
    """Data that a constraint would refuse; the rows have value, count and ids."""

    constraint: Constraint
    expected: str
    advice: str
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class DataEvidence:
    """What the data hold, and the history's schema at the ledger's heads.

    What env.py's filters exclude is in neither. `lacking` are nodes without all labels
    of their model. `unreadable` values, and the loaded `batches`, were looked for only
    where all data were read.
    """

    contents: Contents
    schema: Schema
    violations: tuple[Violation, ...] = ()
    lacking: tuple[LackingLabels, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    batches: tuple[Tally, ...] = ()


@dataclass(frozen=True)
class UncheckedArea:
    """A part that could not be looked at, and why."""

    area: str
    reason: str


@dataclass(frozen=True)
class Evidence:
    """All that was found; None is what could not be looked at."""

    history: HistoryEvidence
    ledger: LedgerEvidence | None = None
    models: ModelEvidence | None = None
    graph: GraphEvidence | None = None
    data: DataEvidence | None = None
    unchecked: tuple[UncheckedArea, ...] = ()

    @property
    def open_run(self) -> OpenRun | None:
        """The run that has not ended."""
        return self.ledger.open_run if self.ledger else None

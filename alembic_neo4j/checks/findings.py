"""What a check found, as a value: a stable code, how bad it is, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from alembic_neo4j.schema.definitions import Element


class Severity(str, Enum):
    """How bad a finding is; a remark alone is no reason to fail."""

    ERROR = "error"
    WARNING = "warning"
    REMARK = "remark"


_ERROR, _WARNING, _REMARK = Severity.ERROR, Severity.WARNING, Severity.REMARK

CODES: Mapping[str, tuple[Severity, str]] = {
    "history-broken": (_ERROR, "the revision files can't be loaded or replayed"),
    "file-missing": (_ERROR, "an applied revision has no file"),
    "file-edited": (_ERROR, "a file was changed after it was applied"),
    "file-reformatted": (_WARNING, "only comments or whitespace of a file changed"),
    "revision-inserted": (_ERROR, "a revision below the ledger's heads never ran"),
    "head-unknown": (_ERROR, "the ledger is at a revision that is not here"),
    "ledger-inconsistent": (_ERROR, "version table and applied revisions differ"),
    "several-heads": (_WARNING, "the history has more than one head"),
    "pending": (_WARNING, "revisions that have not been applied"),
    "schema-hash-stale": (_REMARK, "a file's schema_hash is not what it replays to"),
    "models-unreadable": (_ERROR, "the models can't be imported"),
    "models-differ": (_WARNING, "the models have changes without a revision"),
    "stamp-missing": (_ERROR, "the graph has no stamp, the ledger has heads"),
    "stamp-foreign": (_ERROR, "another ledger manages the graph"),
    "stamp-stale": (_ERROR, "the graph's stamp has other heads than the ledger"),
    "data-stale": (_ERROR, "the graph does not know the ledger's latest data"),
    "stamp-late": (_REMARK, "the graph is still to be stamped"),
    "ledger-lost": (_ERROR, "the ledger is empty, the graph is stamped"),
    "ledger-readable": (_REMARK, "other users of the machine may read the ledger"),
    "ledgers-file": (_ERROR, "two ledgers have the same revision of another file"),
    "ledgers-graph": (_ERROR, "two ledgers were used on the same graph"),
    "ledgers-applied": (_ERROR, "one of two ledgers of a graph lacks a revision"),
    "ledgers-heads": (_ERROR, "two ledgers of a graph are at different heads"),
    "run-open": (_WARNING, "a run was begun and has not ended"),
    "run-active": (_REMARK, "another command writes at this moment"),
    "unit-unknown": (_WARNING, "nobody knows how far an auto-commit statement got"),
    "marker-left": (_REMARK, "the graph has markers of runs that have ended"),
    "element-missing": (_ERROR, "an index or constraint of the history is not there"),
    "element-changed": (_ERROR, "an index or constraint has another definition"),
    "element-foreign": (_WARNING, "an index or constraint is not in the history"),
    "element-renamed": (_REMARK, "an index or constraint has another name"),
    "element-unreadable": (_WARNING, "an index or constraint is of an unknown kind"),
    "index-orphan": (_ERROR, "a constraint's index was left behind without it"),
    "index-failed": (_ERROR, "an index could not be populated"),
    "index-populating": (_WARNING, "an index is being populated"),
    "constraint-violated": (_ERROR, "data violate what only Enterprise can enforce"),
    "label-missing": (_ERROR, "nodes lack a label that their model gives them"),
    "batch-missing": (_ERROR, "nothing of a loaded batch is there (--full)"),
    "batch-incomplete": (_REMARK, "a part of a loaded batch is not there (--full)"),
    "label-undeclared": (_WARNING, "a label that the history does not know"),
    "type-undeclared": (_WARNING, "a relationship type that the history does not know"),
    "property-undeclared": (_WARNING, "a property that the history does not know"),
    "property-type": (_WARNING, "values of another type than declared"),
    "value-unreadable": (_WARNING, "values that the model can't read (--full)"),
    "label-unused": (_REMARK, "a declared label without a node (--full)"),
    "type-unused": (_REMARK, "a declared type without a relationship (--full)"),
}
"""Every code of a finding, how bad it is, and what it means."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    `repair` says what ``alembic-neo4j repair`` would do about it, empty where it can
    do nothing; `decision` that it does so only when it is told to by name. `revision`,
    `element` (the history's), `live` (the graph's) and `labels` (a model's, then
    those of its bases) are what it would do it to.
    """

    code: str
    subject: str
    expected: str
    found: str
    advice: str
    repair: str = ""
    decision: bool = False
    revision: str = field(default="", kw_only=True)
    element: Element | None = field(default=None, kw_only=True, repr=False)
    live: Element | None = field(default=None, kw_only=True, repr=False)
    labels: tuple[str, ...] = field(default=(), kw_only=True, repr=False)

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return CODES[self.code][0]


def fails(findings: Iterable[Finding]) -> bool:
    """Tell whether there is anything but remarks."""
    return any(finding.severity is not Severity.REMARK for finding in findings)

"""Where a project, its ledger and its graph are, and what of that wants attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alembic_neo4j.checks.evidence import Evidence, HistoryEvidence
from alembic_neo4j.checks.findings import Finding, Severity
from alembic_neo4j.checks.verify import judge
from alembic_neo4j.cypher.catalogue import IndexState
from alembic_neo4j.ledger.batches import BatchRecord
from alembic_neo4j.ledger.journal import OpenRun, RecordedRun
from alembic_neo4j.ledger.store import AppliedRevision


@dataclass(frozen=True)
class Status:
    """What a look at a project shows, without a replay and without its data.

    `database` is empty where the graph did not answer. `messages` are those of all
    revisions that have a file; `batches` are those of the ledger, the first in front.
    """

    evidence: Evidence
    ledger_url: str
    ledger_exists: bool
    graph_url: str
    database: str = ""
    messages: Mapping[str, str] = field(default_factory=dict)
    batches: Sequence[BatchRecord] = ()

    @property
    def applied(self) -> list[AppliedRevision]:
        """The applied revisions, the last one in front."""
        ledger = self.evidence.ledger
        order = {name: n for n, name in enumerate(self.evidence.history.below)}
        return sorted(
            ledger.applied.values() if ledger else (),
            key=lambda one: (one.applied_at, order.get(one.revision, -1)),
            reverse=True,
        )

    @property
    def open_run(self) -> OpenRun | None:
        """The run that has not ended, and has something to do."""
        run = self.evidence.open_run
        return run if run and run.steps else None

    @property
    def holder(self) -> str | None:
        """Who holds the lock, as far as that can be seen."""
        return self.evidence.graph.holder if self.evidence.graph else None

    @property
    def offline_indexes(self) -> dict[str, IndexState]:
        """The indexes that queries can't use, by their names."""
        graph = self.evidence.graph
        states = graph.catalogue.states if graph else {}
        return {name: state for name, state in states.items() if not state.online}


def judge_status(status: Status) -> tuple[Finding, ...]:
    """Return what is not as it should be; all of it is a finding of verify, too.

    While another command writes, ledger and graph may seem not to fit: that is left
    for when it has ended.
    """
    found = judge(status.evidence)
    if status.holder is not None:
        found = tuple(f for f in found if not f.code.startswith("stamp-"))
    return (*found, *_indexes(status))


def _indexes(status: Status) -> Iterator[Finding]:
    for name, state in status.offline_indexes.items():
        failed = state.state == "FAILED"
        yield Finding(
            "index-failed" if failed else "index-populating",
            f"index {name}",
            "it is ONLINE",
            shown_state(state),
            "Mend the data that the message names, then `alembic-neo4j repair`."
            if failed
            else "Wait; queries don't use it before that.",
        )


def shown_state(state: IndexState) -> str:
    """Return how far an index is, in words."""
    if state.state == "FAILED":
        return f"FAILED: {' '.join(state.failure_message.split())}"
    return f"{state.state}, {state.population:.0f} % populated"


def file_state(record: AppliedRevision, history: HistoryEvidence) -> str:
    """Return what became of the file of an applied revision.

    It is ``as applied``, ``reformatted`` (other comments or whitespace), ``edited``,
    ``missing``, or ``unknown`` where the files can't be loaded.
    """
    file = history.files.get(record.revision)
    if file is None:
        return "unknown" if history.failure and not history.files else "missing"
    if file.file_hash == record.file_hash:
        return "as applied"
    return "reformatted" if file.code_hash == record.code_hash else "edited"


def may_upgrade(status: Status, findings: Sequence[Finding]) -> bool:
    """Tell whether nothing is known by which ``upgrade head`` would be refused."""
    return (
        status.open_run is None
        and not status.evidence.unchecked
        and len(status.evidence.history.heads) < 2
        and all(found.severity is not Severity.ERROR for found in findings)
    )


# Everything that was done ------------------------------------------------------------


@dataclass(frozen=True)
class HistoryEntry:
    """One step of a run, or a revision that was recorded without one.

    `state` is ``done``, ``skipped`` (it was not applicable), ``failed`` (its run was
    ended before it was done) or ``open``;
    `at` is when the run was begun, or the revision recorded. `applied` is what the
    ledger has of the revision, where it stands by this entry. Of what is not done
    `error` is what went wrong, as far as the audit trail knows.
    """

    action: str
    subject: str
    state: str
    at: datetime
    by: str
    revision: str | None = None
    applied: AppliedRevision | None = None
    error: str | None = None


def history_entries(
    runs: Sequence[RecordedRun],
    applied: Mapping[str, AppliedRevision],
    errors: Mapping[str, str],
) -> list[HistoryEntry]:
    """Return all that was done, what was begun last in front.

    `errors` are what went wrong, by the runs.
    """
    entries: list[HistoryEntry] = []
    standing = dict(applied)
    for run in reversed(runs):
        shown = run.steps[: run.finished + (run.state != "done")]
        for number, step in reversed(list(enumerate(shown))):
            done = number < run.finished
            state = "done" if done else ("open" if run.state == "open" else "failed")
            record = None
            if done and step.action == "upgrade":
                record = standing.pop(step.subject, None)
                state = "skipped" if record and record.skipped else state
            entries.append(
                HistoryEntry(
                    *(step.action, step.subject, state, run.begun_at, run.begun_by),
                    revision=step.revision,
                    applied=record,
                    error=None if done else errors.get(run.run),
                )
            )
    entries += [
        HistoryEntry(
            *("stamp", one.revision, "done", one.applied_at, one.applied_by),
            revision=one.revision,
            applied=one,
        )
        for one in standing.values()
    ]
    return sorted(entries, key=lambda entry: entry.at.timestamp(), reverse=True)

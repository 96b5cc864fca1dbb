"""Mending what `verify` finds, as far as that can be mended, item by item."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from alembic.config import Config
from alembic.runtime.migration import StampStep
from alembic.script import Script

from alembic_neo4j.checks.evidence import Evidence, RevisionFile
from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.checks.history import shown_heads
from alembic_neo4j.checks.runs import shown_unit, unsettled
from alembic_neo4j.checks.verify import judge
from alembic_neo4j.command.evidence import gather_mendable
from alembic_neo4j.command.inspection import inspect_project
from alembic_neo4j.cypher.change_steps import steps
from alembic_neo4j.cypher.data_checks import constraint_checks
from alembic_neo4j.cypher.stamp import Stamp
from alembic_neo4j.cypher.steps import Create, Drop, Step
from alembic_neo4j.errors import (
    ConnectionFailed,
    LedgerError,
    LockError,
    Neo4jMigrationError,
)
from alembic_neo4j.graph.execute import Attempt
from alembic_neo4j.graph.marker import clear_markers
from alembic_neo4j.graph.stamp import read_stamp, write_stamp
from alembic_neo4j.ledger.audit import FAILED, PARTIAL, SUCCESS
from alembic_neo4j.ledger.journal import Journal
from alembic_neo4j.ledger.store import Ledger
from alembic_neo4j.migration.audit import (
    AuditedAction,
    begin_action,
    close_untold,
    told_when_it_fails,
)
from alembic_neo4j.migration.batch_states import accept_data, end_run
from alembic_neo4j.migration.context import Neo4jMigrationContext
from alembic_neo4j.migration.declarations import migration_type
from alembic_neo4j.migration.revision_files import (
    code_digest,
    file_digest,
    write_schema_hash,
)
from alembic_neo4j.migration.session import Session, locked
from alembic_neo4j.schema.changes import AddLabel
from alembic_neo4j.schema.definitions import Constraint, Element
from alembic_neo4j.schema.digest import schema_digest
from alembic_neo4j.sentences import unended

LABELS = "label-missing"
"""The code of what only a look at all nodes of some labels finds."""

LOST = "ledger-lost"
"""The code of an empty ledger whose graph is stamped."""

Key: TypeAlias = "tuple[str, str]"
"""What tells an item from others: its code and its subject."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """What is to be mended; `units_done` is what is said of an unsettled unit."""

    keys: Collection[Key]
    units_done: bool = False


@dataclass(frozen=True)
class RepairOutcome:
    """An item that was chosen, and why it could not be mended, if it could not."""

    finding: Finding
    failure: str = ""


def propose(config: Config, *, labels: bool) -> tuple[list[Finding], Evidence]:
    """Return what can be mended, in the order in which it is; nothing is written.

    With `labels` all nodes of models with bases are looked at, for those that lack one.
    """
    return inspect_project(config, lambda context: _proposals(context, labels=labels))


def _proposals(
    context: Neo4jMigrationContext, *, labels: bool
) -> tuple[list[Finding], Evidence]:
    evidence = gather_mendable(context, labels=labels)
    found = [finding for finding in judge(evidence) if finding.repair]
    order = list(_MENDERS)
    return sorted(found, key=lambda finding: order.index(finding.code)), evidence


def key_of(finding: Finding) -> Key:
    """Return what tells an item from others."""
    return finding.code, finding.subject


def mend(config: Config, choice: Choice) -> list[RepairOutcome]:
    """Mend what was chosen and is still found; return what became of each.

    All of it is done under the lock. An item that can't be mended leaves the others
    alone. Each may be done twice: after a kill the same command does what is left.
    Raises LockError and ConnectionFailed; what was mended before stays so.
    """
    return inspect_project(config, lambda context: _mended(context, choice))


def _mended(context: Neo4jMigrationContext, choice: Choice) -> list[RepairOutcome]:
    session = context.session
    with locked(session), session.limits.interrupts.deferred():
        labels = any(code == LABELS for code, _ in choice.keys)
        found, evidence = _proposals(context, labels=labels)
        work = _Work(session, evidence, choice)
        chosen = [finding for finding in found if key_of(finding) in choice.keys]
        lost = any(finding.code == LOST for finding in chosen)
        if not chosen or (session.database.is_missing and not lost):
            # What is mended in the files alone makes no ledger.
            return _attempts(work, chosen)
        return _audited(work, chosen, lost=lost)


def _audited(
    work: _Work, chosen: Sequence[Finding], *, lost: bool
) -> list[RepairOutcome]:
    """Mend what was chosen, and tell the audit trail before and after."""
    session = work.session
    stamp = read_stamp(session.graph) if lost else None
    work.ledger.exists()
    action = work.action = begin_action(
        session,
        "repair",
        [f"{finding.code}: {finding.subject}" for finding in chosen],
        identity=stamp.ledger if stamp else None,
    )
    session.commit()
    with told_when_it_fails(session, action):
        mended = _attempts(work, chosen)
        failures = [outcome.failure for outcome in mended if outcome.failure]
        result = SUCCESS
        if failures:
            result = FAILED if len(failures) == len(mended) else PARTIAL
        action.end(result, error="; ".join(failures) or None)
        # A run may have ended by this.
        close_untold(session)
        session.commit()
    return mended


def _attempts(work: _Work, chosen: Sequence[Finding]) -> list[RepairOutcome]:
    mended = []
    for finding in chosen:
        work.session.limits.interrupts.check()
        mended.append(_attempted(work, finding))
    return mended


@dataclass
class _Work:
    """What the items of one command need."""

    session: Session
    evidence: Evidence
    choice: Choice
    action: AuditedAction | None = None

    @property
    def anchor(self) -> tuple[int, str] | None:
        """The event of the audit trail by which this began."""
        return self.action.anchor if self.action else None

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, made real when something is written to it."""
        return self.session.materialise()

    @property
    def journal(self) -> Journal:
        """The runs, in a ledger that has been made real."""
        self.ledger.exists()
        return self.session.journal

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads of the ledger."""
        return self.session.heads()

    def file(self, finding: Finding) -> RevisionFile:
        """The file that a finding is about."""
        return self.evidence.history.files[finding.revision]

    def script(self, finding: Finding) -> Script:
        """The revision that a finding is about."""
        script = self.session.script.get_revision(finding.revision)
        assert script is not None
        return script

    def replayed_hash(self, finding: Finding) -> str:
        """The digest of the schema that a replay of the revision ends with."""
        known = self.file(finding).replayed_hash
        return known or schema_digest(self.session.history.at([finding.revision]))

    def run(self, *steps: Step) -> None:
        """Run steps on the graph one after the other, as if they were begun before."""
        for step in steps:
            Attempt(self.session.graph, [step], self.session.limits, resumed=True).run()


def _attempted(work: _Work, finding: Finding) -> RepairOutcome:
    try:
        if finding.element or finding.live:
            _refuse_another_graph(work)
        _MENDERS[finding.code](work, finding)
    except (LockError, ConnectionFailed):
        raise
    except (Neo4jMigrationError, NotImplementedError, OSError, ValueError) as error:
        work.session.connection.rollback()
        return RepairOutcome(finding, str(error))
    log.info("Mended %s: %s", finding.code, finding.subject)
    return RepairOutcome(finding)


def _refuse_another_graph(work: _Work) -> None:
    recorded, stamp = work.session.recorded(), read_stamp(work.session.graph)
    if stamp is None or recorded.identity is None or stamp.ledger != recorded.identity:
        raise LedgerError(
            "the graph is not known to be this ledger's, so that its indexes and "
            "constraints are left alone. Settle the stamp first, see "
            "`alembic-neo4j verify`"
        )
    if set(stamp.heads) != set(work.heads):
        raise LedgerError(
            f"the graph is stamped {shown_heads(stamp.heads)} and the ledger is at "
            f"{shown_heads(work.heads)}, so that its indexes and constraints are left "
            "alone. Settle the stamp first, see `alembic-neo4j verify`"
        )


# --- ledger and stamp ------------------------------------------------------------


def _adopt(work: _Work, _: Finding) -> None:
    """Rebuild the ledger from the stamp, in one transaction of the ledger."""
    session, ledger = work.session, work.ledger
    stamp = read_stamp(session.graph)
    if stamp is None:
        raise LedgerError("the graph has no stamp any more: `alembic-neo4j verify`")
    if stamp.ledger is None:
        identity = ledger.create_identity()
    else:
        identity = stamp.ledger
        ledger.take_identity(identity)
    maintainer = session.maintainer(())
    for head in sorted(stamp.heads):
        step = StampStep(None, head, True, True, session.script.revision_map)
        maintainer.update_to_step(step)
    for script, recording in session.history.walk(stamp.heads):
        ledger.record_applied(
            script.revision,
            schema_hash=schema_digest(recording.after),
            file_hash=file_digest(script),
            code_hash=code_digest(script),
            migration_type=migration_type(script),
        )
    ledger.remember_stamp(stamp.heads)
    accept_data(session, ledger)
    session.commit()
    if stamp.ledger is None:
        write_stamp(session.graph, Stamp(identity, stamp.heads, audit=work.anchor))


def _stamp(work: _Work, _: Finding) -> None:
    session, ledger = work.session, work.ledger
    identity = ledger.ensure_identity()
    session.commit()
    write_stamp(session.graph, Stamp(identity, work.heads, audit=work.anchor))
    ledger.remember_stamp(work.heads)
    ledger.remember_audit_anchor(work.anchor)
    accept_data(session, ledger)
    session.commit()


def _accept_data(work: _Work, _: Finding) -> None:
    accept_data(work.session, work.ledger)
    work.session.commit()


def _abandon(work: _Work, finding: Finding) -> None:
    session, ledger = work.session, work.ledger
    end_run(session)
    session.commit()
    stamp = read_stamp(session.graph)
    if stamp is not None and stamp.ledger == ledger.identity:
        clear_markers(session.graph)
        _stamp(work, finding)


def _settle_unit(work: _Work, finding: Finding) -> None:
    journal, run = work.journal, work.evidence.open_run
    if run is None:
        raise LedgerError("the run has ended: `alembic-neo4j verify`")
    for unit in unsettled(journal.units(run.run), run):
        if shown_unit(unit, run) == finding.subject and work.choice.units_done:
            journal.finish_unit(run.run, unit, "[]")
        elif shown_unit(unit, run) == finding.subject:
            journal.forget_unit(run.run, unit)
    work.session.commit()


# --- files -----------------------------------------------------------------------


def _write_hash(work: _Work, finding: Finding) -> None:
    file, run = work.file(finding), work.evidence.open_run
    steps = run.steps if run else ()
    if any(step.revision == file.revision for step in steps):
        raise LedgerError(
            f"a run of revision {file.revision} is open, which goes on with its file "
            "as it is; write the hash when that has ended"
        )
    ledger = work.evidence.ledger
    record = ledger.applied.get(file.revision) if ledger else None
    try:
        write_schema_hash(Path(file.path), work.replayed_hash(finding))
    except ValueError as error:
        raise LedgerError(f"{file.path}: {unended(error)}; write it by hand") from error
    if record is not None and record.file_hash == file.file_hash:
        # It was as it was applied, and still is but for this.
        _accept(work, finding)


def _accept(work: _Work, finding: Finding) -> None:
    script = work.script(finding)
    work.ledger.accept_file(
        script.revision,
        schema_hash=work.replayed_hash(finding),
        file_hash=file_digest(script),
        code_hash=code_digest(script),
    )
    work.session.commit()


# --- indexes and constraints -----------------------------------------------------


def _replace(work: _Work, finding: Finding) -> None:
    """Drop what there is, and create what is declared, as far as either is known."""
    work.run(*_replacing(finding.live, finding.element))


def _create(work: _Work, finding: Finding) -> None:
    """Create what is declared; what a killed server left of it goes with that."""
    work.run(*_replacing(None, finding.element))


def _replacing(live: Element | None, declared: Element | None) -> Iterator[Step]:
    # The data are looked at while what is there still protects them.
    if isinstance(declared, Constraint):
        yield from constraint_checks(declared)
    if live is not None:
        yield Drop(live)
    if declared is not None:
        yield Create(declared)


# --- nodes -----------------------------------------------------------------------


def _add_labels(work: _Work, finding: Finding) -> None:
    """Add labels in batches; after a kill the same command adds what is missing."""
    _refuse_another_graph(work)
    schema = work.evidence.history.schema
    assert schema is not None
    label, *bases = finding.labels
    for base in bases:
        # The constraints of the base are checked before the first node gets it.
        work.run(*steps(AddLabel(label, base), schema, revision=""))


def _clear(work: _Work, _: Finding) -> None:
    _refuse_another_graph(work)
    open_run = work.session.journal.open_run()
    clear_markers(work.session.graph, kept=open_run.run if open_run else "")


_MENDERS: Mapping[str, Callable[[_Work, Finding], None]] = {
    LOST: _adopt,
    "unit-unknown": _settle_unit,
    "run-open": _abandon,
    "stamp-missing": _stamp,
    "stamp-stale": _stamp,
    "stamp-late": _stamp,
    "data-stale": _accept_data,
    "schema-hash-stale": _write_hash,
    "file-reformatted": _accept,
    "file-edited": _accept,
    "element-foreign": _replace,
    "index-orphan": _create,
    "element-changed": _replace,
    "index-failed": _replace,
    "element-missing": _replace,
    LABELS: _add_labels,
    "marker-left": _clear,
}
"""What mends each code, in the order in which it is done."""

MENDABLE = tuple(_MENDERS)
"""The codes of what can be mended."""

"""What a run is going to do, known in full before its first write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from alembic.runtime.migration import RevisionStep, StampStep
from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError
from packaging.version import Version

from alembic_neo4j.checks.history import shown_heads as shown_heads
from alembic_neo4j.checks.runs import of_another_release, way_back
from alembic_neo4j.checks.stamp import ADOPT, knows_latest_data
from alembic_neo4j.cypher.batch_rollback import rollback_command
from alembic_neo4j.cypher.capabilities import Server, missing
from alembic_neo4j.cypher.events import Recording
from alembic_neo4j.cypher.stamp import Stamp
from alembic_neo4j.cypher.steps import Stop
from alembic_neo4j.errors import (
    CapabilityError,
    CheckFailed,
    IrreversibleError,
    LedgerError,
    RevisionError,
)
from alembic_neo4j.ledger.journal import LOADING, TAKING_BACK, OpenRun, RunStep
from alembic_neo4j.ledger.store import AppliedRevision
from alembic_neo4j.migration.declarations import (
    CHECK,
    named,
    question_of,
    version_range,
)
from alembic_neo4j.migration.replay import History
from alembic_neo4j.migration.revision_files import code_digest, file_digest, named_files
from alembic_neo4j.schema.changes import AddConstraint, AddIndex
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.digest import schema_digest
from alembic_neo4j.sentences import ended


@dataclass(frozen=True)
class LedgerState:
    """What the ledger says of itself, before a run.

    `stamped` are the heads that it knows to be in the graph's stamp, unless its latest
    ones are there; `data_runs` the runs of which the stamp names one. The origins are
    where the addresses of graph and ledger were read.
    """

    identity: str | None = None
    stamped: tuple[str, ...] | None = None
    applied: Mapping[str, AppliedRevision] = field(default_factory=dict)
    open_run: OpenRun | None = None
    data_runs: tuple[str | None, ...] = (None,)
    graph_origin: str = "neo4j.url"
    ledger_origin: str = "sqlalchemy.url"


@dataclass(frozen=True)
class PassedOver:
    """Which revisions of a run do nothing, as far as that is known beforehand.

    `version` is that of the application, None where it is not known; `skipped` are the
    revisions that the ledger knows to have been passed over, `begun` those that an open
    run has begun, which are not asked again.
    """

    version: Version | None = None
    skipped: frozenset[str] = frozenset()
    begun: frozenset[str] = frozenset()

    def reason(self, step: RevisionStep) -> str:
        """Return why a step does nothing; empty where it is not known to."""
        script = step.revision
        if step.is_downgrade:
            is_skipped = script.revision in self.skipped
            return "its upgrade was passed over" if is_skipped else ""
        if script.revision in self.begun:
            return ""
        return version_range(script).excludes(self.version)


@dataclass(frozen=True)
class PlannedStep:
    """One revision of a run, with what its replay recorded.

    `passed_over` is why it does nothing, and then nothing is recorded. One that an open
    run has `begun` is not asked whether it applies.
    """

    step: RevisionStep
    before: Schema
    recording: Recording
    passed_over: str = ""
    begun: bool = False

    @property
    def script(self) -> Script:
        """The revision's file."""
        return self.step.revision

    @property
    def direction(self) -> str:
        """The function of the revision that it calls."""
        return "upgrade" if self.step.is_upgrade else "downgrade"

    @property
    def asks(self) -> bool:
        """Whether only its turn tells if it runs (``check_applicable``)."""
        if self.step.is_downgrade or self.passed_over or self.begun:
            return False
        return question_of(self.script) is not None

    @property
    def schema_hash(self) -> str:
        """The digest of the schema after this step."""
        return schema_digest(self.recording.after)

    @cached_property
    def file_hash(self) -> str:
        """The SHA-256 of the revision's file."""
        return file_digest(self.script)

    @property
    def code_hash(self) -> str:
        """The SHA-256 of the revision's file without comments and whitespace."""
        return code_digest(self.script)

    @property
    def run_step(self) -> RunStep:
        """The step as the journal of a run records it."""
        return RunStep(self.direction, self.script.revision, self.file_hash)


def plan(
    steps_: Sequence[RevisionStep | StampStep],
    heads: Iterable[str],
    history: History,
    passed_over: PassedOver | None = None,
) -> list[PlannedStep]:
    """Replay the steps in memory, from the schema of the applied heads on.

    Those that are `passed_over` do nothing; they are replayed where they are upgraded,
    since the history has them all the same.

    Raises IrreversibleError when a downgrade is among them that can't be undone,
    ReplayError when a revision can't be replayed; nothing has run then.
    """
    revisions = [step for step in steps_ if isinstance(step, RevisionStep)]
    if not revisions:
        return []
    known = passed_over or PassedOver()
    reasons = [known.reason(step) for step in revisions]
    _refuse_unsafe(
        step
        for step, reason in zip(revisions, reasons, strict=True)
        if step.is_downgrade and not reason
    )
    schema = history.at(heads)
    planned = []
    for step, reason in zip(revisions, reasons, strict=True):
        recording = Recording((), schema)
        if step.is_upgrade or not reason:
            recording = _recorded(step, history, schema)
            _refuse_conditional(step, schema, recording)
        if reason:
            recording = Recording((), schema)
        begun = step.revision.revision in known.begun
        planned.append(PlannedStep(step, schema, recording, reason, begun))
        schema = recording.after
    return planned


def _refuse_conditional(
    step: RevisionStep, before: Schema, recording: Recording
) -> None:
    """Raise RevisionError where it is not certain that a schema change takes place."""
    script = step.revision
    conditions = [f"{CHECK}()"] if question_of(script) is not None else []
    if version_range(script):
        conditions.append(f"a range of versions ({version_range(script)})")
    if conditions and recording.after != before:
        raise RevisionError(
            f"{named(script)} has {' and '.join(conditions)} and changes the "
            "schema: where it is passed over, the history says what is not so. Nothing "
            "has run; put what changes the schema into a revision of its own"
        )


def check_capabilities(planned: Iterable[PlannedStep], server: Server) -> None:
    """Raise CapabilityError with all that the server can't do of the plan."""
    lacking = []
    for item in planned:
        for change in (event.change for event in item.recording.changes):
            if not isinstance(change, (AddIndex, AddConstraint)):
                continue
            if reason := missing(server, change.element):
                lacking.append(f"  {item.script.revision}: {reason}")
    if lacking:
        raise CapabilityError(
            "this server can't do what the revisions ask for; nothing has run:\n"
            + "\n".join(lacking)
        )


def check_placeholders(planned: Iterable[PlannedStep]) -> None:
    """Raise CheckFailed when a revision still has something to fill in."""
    for item in planned:
        for event in item.recording.changes:
            for step in event.steps:
                if isinstance(step, Stop):
                    raise CheckFailed(
                        f"revision {item.script.revision} ({item.script.path}) is not "
                        f"finished; nothing has run. {step.message}"
                    )


def check_files(
    script: ScriptDirectory, applied: Mapping[str, AppliedRevision]
) -> None:
    """Raise LedgerError when the file of an applied revision was edited or is gone."""
    for revision, record in applied.items():
        when = f"{record.applied_at:%Y-%m-%d %H:%M}"
        known = _file_of(script, revision)
        if known is None:
            raise LedgerError(
                f"revision {revision} was applied at {when}, and there is no file of "
                f"it in {script.versions}. Restore the file; nothing has run"
            )
        if file_digest(known) != record.file_hash:
            raise LedgerError(
                f"revision {revision} was edited after it was applied at {when}: "
                f"{known.path}{_with_files(known)}. {_after_edit(known, record)}; "
                "nothing has run"
            )


def _after_edit(known: Script, record: AppliedRevision) -> str:
    if code_digest(known) == record.code_hash:
        return (
            "Only comments or whitespace are others: take the file as it is by "
            "`alembic-neo4j repair`, or restore it"
        )
    return (
        "Put the change into a revision of its own and restore the file; where the "
        "graph is what the file says now: `alembic-neo4j repair --only file-edited`"
    )


def _with_files(script: Script) -> str:
    names = named_files(script.path)
    return f" (or what it runs: {', '.join(names)})" if names else ""


def _file_of(script: ScriptDirectory, revision: str) -> Script | None:
    try:
        found = script.get_revision(revision)
    except CommandError:
        return None
    # A part of an id finds another revision too.
    return found if found.revision == revision else None


def can_be_taken_back(open_run: OpenRun | None) -> bool:
    """Tell whether an open run is an upgrade, or the taking back of one."""
    return open_run is not None and open_run.steps[0].action in ("upgrade", TAKING_BACK)


def takes_back(
    recorded: Callable[[], LedgerState], command: Callable[..., object] | None
) -> bool:
    """Tell whether a command without steps is to take an upgrade back that stopped.

    Alembic names what gives the steps of a command as the command.
    """
    downgrades = getattr(command, "__name__", "") == "downgrade"
    return downgrades and can_be_taken_back(recorded().open_run)


def check_open_run(
    open_run: OpenRun | None, planned: Sequence[PlannedStep], heads: Iterable[str]
) -> None:
    """Raise LedgerError when a run is open that this plan does not go on with.

    What was begun has to be finished as it was begun, before anything else.
    """
    if open_run is None:
        return
    if not open_run.is_known_again:
        raise LedgerError(of_another_release(open_run, heads))
    steps_ = [item.run_step for item in planned]
    begun = list(open_run.steps)
    if steps_[: len(begun)] == begun:
        return
    step, target = begun[0], begun[-1].subject
    if step.revision is None:
        raise LedgerError(unfinished(open_run))
    if step.action == TAKING_BACK:
        raise LedgerError(
            f"{step} was begun at {open_run.begun_at:%Y-%m-%d %H:%M} by "
            f"{open_run.begun_by} and is not finished; nothing has run. Go on with it: "
            f"`{way_back(heads)}`. Or undo by hand what is left, and end it: "
            "`alembic-neo4j repair --abandon-run`"
        )
    hashes = {s.subject: s.digest for s in steps_}
    edited = {s.subject for s in begun if hashes.get(s.subject, s.digest) != s.digest}
    why = "this command would do something else"
    for item in planned:
        if item.script.revision in edited:
            which = f"revision {item.script.revision}{_with_files(item.script)}"
            why = f"the file of {which} was edited since"
            break
    raise LedgerError(
        f"{step} was begun at "
        f"{open_run.begun_at:%Y-%m-%d %H:%M} by {open_run.begun_by} and is not "
        f"finished, and {why}; nothing has run. Either put everything back as it was "
        f"and run that {step.action} again (up to {target}): it goes on where it "
        f"stopped. {_taking_back(open_run, heads)}Or undo by hand what it did, and end "
        "it: `alembic-neo4j repair --abandon-run`"
    )


def _taking_back(open_run: OpenRun, heads: Iterable[str]) -> str:
    if not can_be_taken_back(open_run):
        return ""
    return (
        "Or, with the file as it was, take back what has run of it, and write the "
        f"revision anew: `{way_back(heads)}`. "
    )


def unfinished(open_run: OpenRun, why: str = "") -> str:
    """Return what to say to whoever finds a run open that he does not go on with."""
    step = open_run.steps[0]
    undo = "undo by hand what it did, and end it: `alembic-neo4j repair --abandon-run`"
    if step.action == LOADING:
        undo = f"take it back: `{rollback_command(step.subject)}`"
    return (
        f"{step} was begun at {open_run.begun_at:%Y-%m-%d %H:%M} by "
        f"{open_run.begun_by} and is not finished{why and f', and {why}'}; nothing has "
        f"run. Run that again: it goes on where it stopped. Or {undo}"
    )


def check_stamp(
    stamp: Stamp | None, recorded: LedgerState, heads: Sequence[str]
) -> None:
    """Raise LedgerError when the graph does not belong to this ledger.

    A stamp that this ledger wrote, but whose latest heads it had no time to write, is
    its own.
    """
    if stamp is None:
        if heads:
            raise LedgerError(
                f"the ledger is at {shown_heads(heads)}, but the graph has no stamp: "
                "it is another graph, or one that was emptied or restored. Correct "
                f"{recorded.graph_origin} or {recorded.ledger_origin}; to say which "
                "revision the graph is at all the same: `alembic -c neo4j.ini stamp "
                "--purge REVISION`, or where it is at the ledger's heads: "
                "`alembic-neo4j repair --only stamp-missing`"
            )
        _check_data(stamp, recorded, heads)
        return
    check_stamp_owner(stamp, recorded, heads)
    known = heads if recorded.stamped is None else recorded.stamped
    if set(stamp.heads) not in (set(heads), set(known)):
        raise LedgerError(
            f"the graph is stamped {shown_heads(stamp.heads)} and the ledger is at "
            f"{shown_heads(heads)}: one of them was restored from a backup, or a "
            "script of --sql was run. To say which revision the graph is at: "
            "`alembic -c neo4j.ini stamp --purge REVISION`; see `alembic-neo4j verify`"
        )
    _check_data(stamp, recorded, heads)


def _check_data(
    stamp: Stamp | None, recorded: LedgerState, heads: Sequence[str]
) -> None:
    if knows_latest_data(stamp, recorded.data_runs):
        return
    raise LedgerError(
        f"the ledger is at {shown_heads(heads)}, and the graph does not know the "
        "latest run by which it changed the data: one of them was restored from an "
        f"older copy, or emptied. Correct {recorded.graph_origin} or "
        f"{recorded.ledger_origin}; where the graph is what it is to be: "
        "`alembic-neo4j repair --only data-stale`, which counts what each batch has "
        "there"
    )


def check_stamp_owner(
    stamp: Stamp | None, recorded: LedgerState, heads: Sequence[str]
) -> None:
    """Raise LedgerError when another ledger wrote the stamp."""
    if stamp and stamp.ledger and stamp.ledger != recorded.identity:
        adopt = ""
        if not heads and not recorded.applied:
            adopt = f"; where the ledger was lost, rebuild it from the graph: `{ADOPT}`"
        raise LedgerError(
            f"another ledger manages this graph, at {shown_heads(stamp.heads)}; this "
            f"one is at {shown_heads(heads)}. Correct {recorded.ledger_origin} or "
            f"{recorded.graph_origin}; to make this ledger the graph's: "
            f"`alembic -c neo4j.ini stamp --purge REVISION`{adopt}"
        )


def _recorded(step: RevisionStep, history: History, before: Schema) -> Recording:
    script = step.revision
    if step.is_upgrade:
        return history.upgrade(script, before)
    try:
        return history.downgrade(script, before)
    except NotImplementedError as reason:
        raise IrreversibleError(_irreversible(script, str(reason))) from reason


def _refuse_unsafe(downgrades: Iterable[RevisionStep]) -> None:
    for step in downgrades:
        if not getattr(step.revision.module, "rollback_safe", True):
            raise IrreversibleError(
                _irreversible(step.revision, "it says rollback_safe = False")
            )


def _irreversible(script: Script, reason: str) -> str:
    return (
        f"the downgrade would pass revision {script.revision} ({script.doc}), which "
        f"can't be undone: {ended(reason or 'it says so')} Nothing has run; downgrade "
        f"to {script.revision} at most, or restore a backup"
    )


def is_relative(target: str) -> bool:
    """Tell whether a target, such as ``+2``, depends on where the graph is."""
    return re.search(r"[+-]\d+$", target) is not None

"""Taking back what has run of an upgrade that stopped, so that it can be begun anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alembic.script import Script
from alembic.util.exc import CommandError

from alembic_neo4j import __version__
from alembic_neo4j.checks.runs import of_another_release, shown_release
from alembic_neo4j.cypher.events import (
    ChangeEvent,
    Event,
    FileEvent,
    FileReadEvent,
    Recording,
    StatementEvent,
    UnseenEvent,
)
from alembic_neo4j.cypher.stamp import Stamp
from alembic_neo4j.cypher.steps import (
    Atomicity,
    Create,
    Drop,
    Run,
    SchemaStep,
    Step,
    digest_of,
    only_reads,
    ordered,
    units,
)
from alembic_neo4j.errors import (
    IrreversibleError,
    LedgerError,
    LockError,
    Neo4jMigrationError,
    SchemaError,
)
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.marker import Mark, clear_markers, read_progress
from alembic_neo4j.graph.schema_commands import live_catalogue
from alembic_neo4j.graph.stamp import read_stamp, write_stamp
from alembic_neo4j.ledger.journal import DONE, TAKING_BACK, OpenRun, Unit
from alembic_neo4j.migration.audit import (
    RESUMED,
    TAKEN_BACK,
    AuditedAction,
    Successor,
    begin_action,
    told_when_it_fails,
)
from alembic_neo4j.migration.file_units import KIND, FileUnits, check_taken_back
from alembic_neo4j.migration.plan import can_be_taken_back, check_files, check_stamp
from alembic_neo4j.migration.revision_files import file_digest
from alembic_neo4j.migration.session import Session, locked
from alembic_neo4j.schema.changes import Change, Refactoring
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.digest import schema_digest
from alembic_neo4j.sentences import unended

FIRST = 1_000_000
"""The way back's units have positions above this, an upgrade's below."""


@dataclass(frozen=True)
class WayBack:
    """The steps that take back what has run, and how unsettled units turned out."""

    steps: tuple[Step, ...]
    settled: tuple[tuple[Unit, bool], ...]
    """Units whose end was not recorded, and whether they had their effect."""


def take_back(session: Session, heads: tuple[str, ...]) -> None:
    """Take back what has run of the open upgrade, by its downgrade, and end the run.

    The ledger says first that it is taken back, and each part runs once: after a kill
    the same command goes on. Raises LedgerError where it is not certain which part of
    the downgrade reverses what has run; nothing has run then.
    """
    with locked(session):
        now, run = session.heads(), session.recorded().open_run
        if now != heads or run is None or not can_be_taken_back(run):
            raise LockError(
                "while this command waited for the lock, another one went on with the "
                "run that this one was to take back; nothing has run here. See "
                "`alembic-neo4j status`"
            )
        stamp = read_stamp(session.graph)
        script, back = _judged(session, run, now, stamp)
        goes_on = run.steps[0].action == TAKING_BACK
        session.materialise()
        action = begin_action(
            session,
            TAKING_BACK,
            [run.steps[0].subject],
            run=run.run,
            stamp=stamp,
            successor=Successor(run.run, RESUMED if goes_on else TAKEN_BACK),
        )
        session.commit()
        with told_when_it_fails(session, action):
            _carry_out(session, run, script, back, action)


def _carry_out(
    session: Session,
    run: OpenRun,
    script: Script,
    back: WayBack,
    action: AuditedAction,
) -> None:
    journal, ledger, now = session.journal, session.ledger, session.heads()
    if run.steps[0].action != TAKING_BACK:
        journal.take_back(run.run)
        for unit, had_effect in back.settled:
            if had_effect:
                journal.finish_unit(run.run, unit, "[]")
            else:
                journal.forget_unit(run.run, unit)
        session.commit()
    with session.limits.interrupts.deferred():
        _perform(session, run, script, back)
    stamp = Stamp(ledger.ensure_identity(), now, audit=action.anchor)
    write_stamp(session.graph, stamp)
    clear_markers(session.graph)
    ledger.remember_stamp(now)
    ledger.remember_audit_anchor(action.anchor)
    journal.finish_step(run.run, last=True)
    action.succeed()
    session.commit()


def _judged(
    session: Session, run: OpenRun, heads: tuple[str, ...], stamp: Stamp | None
) -> tuple[Script, WayBack]:
    recorded = session.recorded()
    if not run.is_known_again:
        raise LedgerError(of_another_release(run, heads))
    check_files(session.script, recorded.applied)
    check_stamp(stamp, recorded, heads)
    step = run.steps[0]
    recorded_files = session.journal.files.of_run(run.run, step.subject)
    changed = [one.change for one in recorded_files]
    check_taken_back(step.subject, changed, session.files)
    try:
        script = session.script.get_revision(step.subject)
    except CommandError:
        script = None
    if script is None or file_digest(script) != step.digest:
        raise LedgerError(
            f"the file of revision {step.subject} is not the one that has run in part, "
            "so that it does not tell how to take that back; nothing has run. Put the "
            "file back as it was, run this command again, and edit it after that"
        )
    before = session.history.at(heads)
    upgrade = session.history.upgrade(script, before)
    made = _Upgrade(script.revision, upgrade, session.options.checks_rules)
    known = session.journal.units(run.run)
    done, settled = made.done(run, known, session.graph)
    if not done:
        return script, WayBack((), settled)
    downgrade = _downgrade(session, script, upgrade)
    return script, WayBack(tuple(made.reversed(downgrade, done)), settled)


def _downgrade(session: Session, script: Script, upgrade: Recording) -> Recording:
    try:
        if not getattr(script.module, "rollback_safe", True):
            raise IrreversibleError("it says rollback_safe = False")
        return session.history.downgrade(script, upgrade.after)
    except (NotImplementedError, Neo4jMigrationError) as error:
        raise _refusal(script.revision, unended(error)) from error


def _perform(session: Session, run: OpenRun, script: Script, back: WayBack) -> None:
    recorder = session.recorder(run.run, resumed=True)
    runner = session.runner(recorder)
    runner.begin(script.revision, Schema(), script.path, after=FIRST)
    runner.add(back.steps)
    try:
        runner.flush()
        FileUnits(session.files).put_back(recorder, script.revision)
    except Neo4jMigrationError as error:
        error.args = (
            f"taking revision {script.revision} back: {unended(error)}. What "
            "was taken back stays so; run the same command again and it goes on from "
            "here",
        )
        raise


@dataclass(frozen=True)
class _UpgradeChange:
    """A change of the upgrade, the schemas around it, and what it does to the graph."""

    change: Change
    before: Schema
    after: Schema
    writes: tuple[Step, ...]


class _Upgrade:
    """The units that an upgrade consists of, as a run makes them, found by a replay."""

    def __init__(self, revision: str, recording: Recording, rules: bool) -> None:
        self._revision = revision
        self._events = recording.events
        self._units: list[list[Step]] = []
        self.made: list[_UpgradeChange] = []
        self._replay(recording, rules)

    def _replay(self, recording: Recording, rules: bool) -> None:
        afters = [event.before for event in recording.changes[1:]] + [recording.after]
        buffer: list[Step] = []
        for event in recording.events:
            if isinstance(event, ChangeEvent):
                found = [step if rules else step.lenient for step in event.steps]
                writes = tuple(step for step in found if step.writes)
                after = afters[len(self.made)]
                self.made.append(
                    _UpgradeChange(event.change, event.before, after, writes)
                )
                buffer += found
            elif isinstance(event, StatementEvent):
                buffer.append(event.run)
                if event.answers:
                    self._flush(buffer)
            elif isinstance(event, FileEvent):
                self._flush(buffer)
                # It has a position, and what it did the ledger has itself.
                self._units.append([])
            elif not isinstance(event, (FileReadEvent, UnseenEvent)):
                # What a load or the ledger's database does is not judged here.
                break
        self._flush(buffer)

    def _flush(self, buffer: list[Step]) -> None:
        self._units += [u for u in units(ordered(buffer)) if not only_reads(u)]
        buffer.clear()

    def done(
        self, run: OpenRun, known: Sequence[Unit], graph: Graph
    ) -> tuple[set[int], tuple[tuple[Unit, bool], ...]]:
        """Return the ids of the steps that have run, and what became of other units.

        Raises LedgerError where that is not certain.
        """
        done: set[int] = set()
        settled: list[tuple[Unit, bool]] = []
        for unit in known:
            if unit.revision != self._revision or unit.position > FIRST:
                continue
            if unit.kind == KIND:
                continue
            planned = self._planned(unit)
            if not planned[0].writes:
                continue
            had_effect: bool | None = True
            if unit.state != DONE:
                had_effect = _had_effect(run, unit, planned, graph)
                if had_effect is None:
                    raise self._refusal(
                        f"of unit {unit.position} ({unit.kind}) it is not known how "
                        "far it has got"
                    )
                settled.append((unit, had_effect))
            if not had_effect:
                continue
            if isinstance(planned[0], Run):
                raise self._refusal(
                    f"unit {unit.position} ({unit.kind}) is Cypher of its own, and "
                    "nothing tells which part of the downgrade reverses it"
                )
            done |= {id(step) for step in planned}
        return done, tuple(settled)

    def _planned(self, unit: Unit) -> list[Step]:
        if unit.position <= len(self._units):
            planned = self._units[unit.position - 1]
            if digest_of(planned) == unit.digest:
                return planned
        raise self._refusal(
            f"unit {unit.position} ({unit.kind}), which was begun with "
            f"{shown_release(unit.release)}, is not what a replay of the revision "
            f"shows to alembic-neo4j {__version__}"
            if unit.release != __version__
            else f"unit {unit.position} ({unit.kind}) is not what a replay of the "
            "revision shows"
        )

    def reversed(self, downgrade: Recording, done: set[int]) -> Iterator[Step]:
        """Yield the steps of the downgrade that reverse what has run, in its order."""
        touched = [any(id(s) in done for s in made.writes) for made in self.made]
        count = len(touched) - touched[::-1].index(True)
        reverses = self._reverses(downgrade, count)
        undone = tuple(made.change for made in self.made)
        for number in reversed(range(count)):
            made, event = self.made[number], reverses[number]
            self._check_reverses(made, event, undone, touched[number])
            if touched[number]:
                yield from self._of_what_ran(made, event.steps, done)

    def _reverses(self, downgrade: Recording, count: int) -> list[ChangeEvent]:
        """Return what reverses each of the first changes of the upgrade."""
        changes = downgrade.changes
        if len(changes) < count:
            raise self._refusal("the downgrade has fewer changes than have run")
        left = len(changes) - count
        places = [
            n for n, e in enumerate(downgrade.events) if isinstance(e, ChangeEvent)
        ]
        if len(downgrade.events) - places[left] != count:
            raise self._refusal("the downgrade does something of its own between them")
        # What comes just before them reverses what was just after, where there is any.
        own = places[left] - (places[left - 1] + 1 if left else 0)
        if own and not _after(self._events, count):
            raise self._refusal("the downgrade does something of its own before them")
        return list(reversed(changes[left:]))

    def _check_reverses(
        self,
        made: _UpgradeChange,
        back: ChangeEvent,
        undone: tuple[Change, ...],
        touched: bool,
    ) -> None:
        """Refuse a change that does not lead back from where the other one has led."""
        change, before = back.change, back.before
        start, end = schema_digest(made.before), schema_digest(made.after)
        leads_back = (schema_digest(before), schema_digest(change.apply(before))) == (
            end,
            start,
        )
        try:
            reverse = made.change.reverse().undoing(undone)
        except SchemaError as error:
            raise self._refusal(unended(error)) from error
        same = type(change) is type(reverse)
        if touched and start == end:
            # The schema does not tell which one it is.
            same = change == reverse
        if not leads_back or not same:
            raise self._refusal(
                f"the downgrade does not reverse {type(made.change).__name__} where "
                "its turn is"
            )

    def _of_what_ran(
        self, made: _UpgradeChange, reverse: Sequence[Step], done: set[int]
    ) -> Iterator[Step]:
        ran = [step for step in made.writes if id(step) in done]
        data = [step for step in made.writes if not isinstance(step, SchemaStep)]
        data_ran = [step for step in data if id(step) in done]
        whole = len(ran) == len(made.writes)
        if len(data_ran) not in (0, len(data)) or (
            not whole and isinstance(made.change, Refactoring)
        ):
            raise self._refusal(
                f"the data of {type(made.change).__name__} are half changed"
            )
        created = {step.element.key for step in ran if isinstance(step, Create)}
        dropped = {step.element.key for step in ran if isinstance(step, Drop)}
        for step in reverse:
            if isinstance(step, Drop):
                wanted = whole or step.element.key in created
            elif isinstance(step, Create):
                wanted = whole or step.element.key in dropped
            else:
                wanted = whole or bool(data_ran)
            if wanted:
                yield step.lenient

    def _refusal(self, why: str) -> LedgerError:
        return _refusal(self._revision, why)


def _refusal(revision: str, why: str) -> LedgerError:
    return LedgerError(
        f"what has run of revision {revision} can't be taken back: {why}; nothing has "
        "run. Put right what stopped it and run the upgrade again: it goes on where it "
        "stopped. Or undo by hand what it did, and end it: `alembic-neo4j repair "
        "--abandon-run`"
    )


def _had_effect(
    run: OpenRun, unit: Unit, planned: Sequence[Step], graph: Graph
) -> bool | None:
    """Tell by the graph whether a unit of one transaction had its effect, if it can."""
    first = planned[0]
    if first.atomicity is Atomicity.MARKED_TRANSACTION:
        mark = Mark(run.run, unit.revision, unit.position)
        return read_progress(graph, mark).done
    if not isinstance(first, SchemaStep):
        return None
    found = live_catalogue(graph).schema
    live = found.elements
    names = {element.name for element in live.values()}
    elements = [step.element for step in planned if isinstance(step, SchemaStep)]
    there = [element.key in live for element in elements]
    if all(there):
        return isinstance(first, Create)
    # What has the name and is something else may be what a killed server left of it.
    if any(there) or any(element.name in names for element in elements):
        return None
    return isinstance(first, Drop)


def _after(events: Sequence[Event], count: int) -> bool:
    """Tell whether a statement that writes comes just after so many of the changes."""
    seen = 0
    for event in events:
        seen += isinstance(event, ChangeEvent)
        writes = isinstance(event, StatementEvent) and event.run.is_recorded
        if writes and seen == count:
            return True
    return False

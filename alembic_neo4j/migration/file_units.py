"""What revisions do to files, each operation a unit: done once, or put back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from alembic_neo4j.cypher.events import (
    ChangeEvent,
    Event,
    FileEvent,
    FileReadEvent,
    Recording,
    UnseenEvent,
)
from alembic_neo4j.errors import FileError, MissingExtra, ReplayError
from alembic_neo4j.files.operations import (
    FileOperation,
    GiveBack,
    diff_after,
    net,
    refuse_changed,
)
from alembic_neo4j.files.project_files import Overlay, ProjectFiles, View
from alembic_neo4j.ledger.files import FileJournal, PathChange, PathState
from alembic_neo4j.ledger.journal import OpenRun, Recorder, Unit
from alembic_neo4j.migration.plan import PlannedStep
from alembic_neo4j.migration.replay import History
from alembic_neo4j.sentences import unended

log = logging.getLogger(__name__)

KIND = "file"
"""What the journal calls a unit that changes files."""


class FileUnits:
    """The files of a project while the units of a run change them.

    What a unit is going to change is in the ledger before the first path is touched,
    with what each had. So a killed unit is gone on with, and a revision that fails
    leaves every file as it was.
    """

    def __init__(self, files: ProjectFiles) -> None:
        self.files = files

    def read(
        self, path: str, recorder: Recorder | None, revision: str, position: int
    ) -> PathState:
        """Return what a path held when the unit of that position had run.

        Where a run is gone on with, its later units may have changed the path since:
        the revision sees what it saw in its first attempt.
        """
        view = self._view(recorder, revision, position + 1)
        return view.state(view.locate(path))

    def carry_out(
        self,
        operation: FileOperation,
        unit: Unit,
        recorder: Recorder,
        *,
        action: str,
        begun: bool,
    ) -> None:
        """Do what an operation asks for, as a unit that may have been `begun` before.

        `action` is what the run does to the revision. Raises FileError where it can't
        be done, and where somebody else has changed a path in the meantime.
        """
        journal, run = recorder.journal, recorder.run
        planned = operation.changes(self._view(recorder, *_place(unit)))
        changes = self._with_made(planned, recorder, unit) if begun else planned
        journal.files.begin(run, *_place(unit), changes, action=action)
        if not begun:
            journal.begin_unit(run, unit)
        recorder.commit()
        for change in changes:
            self._make(change)
        journal.finish_unit(run, unit, "[]")
        recorder.commit()

    def put_back(self, recorder: Recorder, revision: str) -> None:
        """Give every path what it had before a run changed it for a revision.

        The last unit goes first, and is forgotten when its paths are back. A file that
        somebody else has changed since is told of and left.
        """
        journal, run = recorder.journal, recorder.run
        recorded = journal.files.of_run(run, revision)
        for unit in reversed(journal.units(run)):
            if unit.revision != revision or unit.kind != KIND:
                continue
            # From here on either state may be found.
            journal.reopen_unit(run, unit)
            recorder.commit()
            made = [r.change for r in recorded if r.position == unit.position]
            back = [self._put_back(change) for change in reversed(made)]
            if all(back):
                journal.forget_unit(run, unit)
                journal.files.forget(run, *_place(unit))
                recorder.commit()

    def _put_back(self, change: PathChange) -> bool:
        self.files.clear(change.path)
        now = self.files.state(change.path)
        if now.is_like(change.before):
            return True
        if not now.is_like(change.after) and not now.is_nothing:
            log.warning(
                "%s is not put back: expected %s, which the revision has written, "
                "found %s: somebody has changed it since. It had %s before",
                *(change.path, change.after, now, change.before),
            )
            return False
        self.files.put(change.path, change.before)
        return True

    def _make(self, change: PathChange) -> None:
        self.files.clear(change.path)
        now = self.files.state(change.path)
        if now.is_like(change.after):
            return
        if not now.is_like(change.before) and not now.is_nothing:
            raise FileError(
                f"{change.path}: expected {change.before}, found {now}: somebody has "
                "changed it while the run was at it. Give it back what it had, or what "
                f"it was to have ({change.after}), and run the same command again; or "
                "end the run as it is: `alembic-neo4j repair --abandon-run`"
            )
        self.files.put(change.path, change.after)

    def _with_made(
        self, planned: Sequence[PathChange], recorder: Recorder, unit: Unit
    ) -> list[PathChange]:
        """Return the changes, with those that were made before as they were made.

        What is written may be another one in this attempt, such as the time of day.
        """
        recorded = recorder.journal.files.of_run(recorder.run, unit.revision)
        made = {
            one.change.path: one.change
            for one in recorded
            if one.position == unit.position
            and self.files.state(one.change.path).is_like(one.change.after)
        }
        changes = [made.pop(change.path, change) for change in planned]
        return [*made.values(), *changes]

    def _view(self, recorder: Recorder | None, revision: str, position: int) -> View:
        """Return the files as they were before the unit of a position was begun."""
        if recorder is None or not recorder.resumed:
            return self.files
        recorded = recorder.journal.files.of_run(recorder.run, revision)
        later = [one.change for one in recorded if one.position >= position]
        return Overlay(self.files, {c.path: c.before for c in reversed(later)})


def _place(unit: Unit) -> tuple[str, int]:
    return unit.revision, unit.position


def changes_files(recording: Recording) -> bool:
    """Tell whether a revision changes files by operations of its own."""
    return any(isinstance(event, FileEvent) for event in recording.events)


def check_unchanged(
    planned: Sequence[PlannedStep], journal: FileJournal, view: View, *, resumed: bool
) -> None:
    """Raise FileError where a downgrade would overwrite what somebody has changed.

    The first step may have given some files back where it is `resumed`. What a
    downgrade with operations of its own leaves is not known: none is judged after it.
    """
    overlay = Overlay(view, {})
    for number, item in enumerate(planned):
        if item.step.is_upgrade or changes_files(item.recording):
            return
        revision = item.script.revision
        made = journal.of_upgrade(revision)
        if resumed and number == 0:
            overlay.known.update((c.path, c.before) for c in net(made))
            continue
        try:
            changes = GiveBack(revision, made).changes(overlay)
        except FileError as error:
            raise FileError(f"{unended(error)}; nothing has run") from error
        overlay.known.update((change.path, change.after) for change in changes)


def check_taken_back(revision: str, changes: Sequence[PathChange], view: View) -> None:
    """Raise FileError where taking an upgrade back would overwrite what is not its."""
    try:
        refuse_changed(revision, changes, view)
    except FileError as error:
        raise FileError(f"{unended(error)}; nothing has run") from error


@dataclass(frozen=True)
class Preview:
    """The steps of a plan upon the files as they are now.

    `problem` is what the first of them that can't do its work on files is told by,
    `conditional` what those are that may turn out not to apply.
    """

    steps: tuple[PlannedStep, ...]
    problem: str = ""
    conditional: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise FileError where there is a problem."""
        if self.problem:
            raise FileError(f"{unended(self.problem)}; nothing has run")


def previewed(
    planned: Sequence[PlannedStep],
    history: History,
    journal: FileJournal,
    view: View,
    open_run: OpenRun | None = None,
) -> Preview:
    """Return the steps with what becomes other lines in files, as these are now.

    Each is replayed once more, and reads then give what files hold. Of one that can't
    be replayed so, nothing is shown. Where it does the same to the graph as without
    them, they decide nothing. One that asks whether it applies may not run, so that its
    problem is a conditional one. A downgrade that gives files back says so. What an
    open run has changed is taken to be as it was before.
    """
    overlay = Overlay(view, {})
    if open_run is not None:
        recorded = journal.of_run(open_run.run, open_run.steps[0].subject)
        changes = [one.change for one in reversed(recorded)]
        overlay.known.update((change.path, change.before) for change in changes)
    steps = []
    problem = ""
    conditional = []
    is_certain = True
    for item in planned:
        # What is not seen may write the very file that is missing here.
        is_certain = is_certain and not any(
            isinstance(event, UnseenEvent) for event in item.recording.events
        )
        try:
            steps.append(_previewed(item, history, journal, overlay))
            # Nobody knows whether it will have changed a file that comes up again.
            if item.asks and changes_files(item.recording):
                is_certain = False
        except ReplayError as error:
            of_files = isinstance(error.__cause__, (FileError, MissingExtra))
            if of_files and is_certain and item.asks:
                conditional.append(f"in the way of it if it applies: {error}")
            elif of_files and is_certain and not problem:
                problem = str(error)
            is_certain = False
            steps.append(item)
        except NotImplementedError:
            steps.append(item)
    return Preview(tuple(steps), problem, tuple(conditional))


def _previewed(
    item: PlannedStep, history: History, journal: FileJournal, overlay: Overlay
) -> PlannedStep:
    events = item.recording.events
    if any(isinstance(event, (FileEvent, FileReadEvent)) for event in events):
        item = _with_diffs(item, history, overlay)
    if item.step.is_upgrade or changes_files(item.recording):
        return item
    made = journal.of_upgrade(item.script.revision)
    if not net(made):
        return item
    operation = GiveBack(item.script.revision, made)
    event = FileEvent(operation.title, operation.digest, _diff(operation, overlay))
    recording = replace(
        item.recording,
        events=(*item.recording.events, event),
        lines=(*item.recording.lines, None),
    )
    return replace(item, recording=recording)


def _with_diffs(item: PlannedStep, history: History, overlay: Overlay) -> PlannedStep:
    again = history.preview(item.script, item.direction, item.before, overlay)
    shown = [event for event in again.events if isinstance(event, FileEvent)]
    same = _of_graph(item.recording, again) == _of_graph(item.recording, item.recording)
    events = []
    for event in item.recording.events:
        if isinstance(event, FileEvent) and shown and shown[0].unit == event.unit:
            event = shown.pop(0)
        elif isinstance(event, FileReadEvent):
            event = replace(event, decides=not same)
        events.append(event)
    return replace(item, recording=replace(item.recording, events=tuple(events)))


def _of_graph(known: Recording, found: Recording) -> list[Event]:
    """Return what a recording does to the graph, undoing what the known one undoes."""
    return [
        replace(event, change=event.change.undoing(known.undone))
        if isinstance(event, ChangeEvent)
        else event
        for event in found.events
        if not isinstance(event, (FileEvent, FileReadEvent))
    ]


def _diff(operation: FileOperation, overlay: Overlay) -> str:
    try:
        return diff_after(operation, overlay)
    except FileError:
        return ""

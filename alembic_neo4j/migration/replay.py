"""The schema at any revision, by running the history's revisions in memory."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import alembic.op
from alembic.operations import Operations
from alembic.operations.ops import ExecuteSQLOp, MigrateOperation
from alembic.script import Script, ScriptDirectory
from alembic.util import to_tuple

import alembic_neo4j
from alembic_neo4j.cypher.events import (
    BatchEvent,
    ChangeEvent,
    Event,
    FileEvent,
    FileReadEvent,
    LedgerEvent,
    Recording,
    StatementEvent,
    UnseenEvent,
)
from alembic_neo4j.cypher.steps import Run
from alembic_neo4j.errors import Neo4jMigrationError, ReplayError, SchemaError
from alembic_neo4j.files.operations import FileOperation, diff_after
from alembic_neo4j.files.project_files import Overlay
from alembic_neo4j.ledger.batches import Loader
from alembic_neo4j.ledger.files import PathState
from alembic_neo4j.migration.batches import BatchNames
from alembic_neo4j.migration.operations import (
    BatchOperation,
    GraphOperation,
    Runner,
    RunnerBind,
)
from alembic_neo4j.migration.revision_code import OwnThread, call
from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.sentences import ended

# What an error in a replay means, where it comes from and what to do about it ---------


_OF_ROWS = (LookupError, ValueError, TypeError, AssertionError, ArithmeticError)
"""What an empty list of rows, or a value that is None, makes of a revision."""

_OF_A_CALL = re.compile(
    r"unexpected keyword argument|required (positional|keyword-only) argument|"
    r"multiple values for|positional arguments? but"
)
"""What Python says of a call that does not fit its function, whatever the rows are."""

_PACKAGE = str(Path(alembic_neo4j.__file__).parent)


def explained(script: Script, error: Exception, *, has_read: bool, origin: str) -> str:
    """Return what stopped the replay of a revision, in words.

    `has_read` tells whether it asked for rows before, `origin` which change made the
    schema one that it does not fit, empty where none did.
    """
    where = place(script, _line_in(script.path, error))
    if isinstance(error, SchemaError):
        text = f"{where} does not fit the history before it: {error}"
        return f"{ended(text)} It is so since {origin}" if origin else text
    if isinstance(error, Neo4jMigrationError):
        return f"{where}: {error}"
    what = ended(
        f"{where} can't be replayed in memory: {type(error).__name__}: {error}"
    )
    if not has_read or not _comes_of_rows(error):
        return f"{what} Nothing has run"
    return (
        f"{what} In a replay nothing runs and reads return no rows: put what depends "
        "on them under `if not op.is_replaying():`"
    )


def place(script: Script, line: int | None) -> str:
    """Return where something is written, as messages name it."""
    return f"revision {script.revision} ({script.path}{_line(line)})"


def line_of_caller(path: str) -> int | None:
    """Return the line of a file that is being run, None where it is not."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename != path:
        frame = frame.f_back
    return frame.f_lineno if frame is not None else None


def origin_of(change: Change, refusal: str, steps: Iterable[tuple[Schema, str]]) -> str:
    """Return which step made the schema one that refuses a change so.

    Each of the `steps` is the schema after it, and its place. Empty where none did.
    """
    said = _refusal(change, Schema())
    origin = ""
    for after, where in steps:
        now = _refusal(change, after)
        if now != said:
            origin = where if now else ""
        said = now
    return origin if said == refusal else ""


def _refusal(change: Change, schema: Schema) -> str:
    try:
        change.apply(schema)
    except SchemaError as error:
        return str(error)
    return ""


def _comes_of_rows(error: Exception) -> bool:
    if not isinstance(error, _OF_ROWS):
        return False
    if isinstance(error, TypeError) and _OF_A_CALL.search(str(error)):
        return False
    # One that an operation raises is about what it was given.
    frames = traceback.extract_tb(error.__traceback__)
    return not frames or not frames[-1].filename.startswith(_PACKAGE)


def _line_in(path: str, error: Exception) -> int | None:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path]
    return lines[-1] if lines else None


def _line(number: int | None) -> str:
    return "" if number is None else f", line {number}"


# The schema at any revision, by running the history's revisions in memory -------------


@dataclass(frozen=True)
class ProjectPaths:
    """What a revision may ask of where the project's files are.

    `root` is their directory, and `hooks` are the files, from there on, that hooks are
    configured in.
    """

    root: Path = Path()
    hooks: tuple[Path, ...] = ()


class History:
    """The revisions of a script directory, replayed on demand.

    Nothing is remembered on disk: a fresh clone gives the same schemas. A revision that
    asks for them is told the `paths` of the project, though no file is read.
    """

    def __init__(
        self, script: ScriptDirectory, paths: ProjectPaths | None = None
    ) -> None:
        self._script = script
        self._paths = paths or ProjectPaths()
        self._schemas: dict[frozenset[str], Schema] = {}

    def at(self, revisions: Iterable[str]) -> Schema:
        """Return the schema after these revisions and all that they build on.

        Raises ReplayError, which names the revision and the line.
        """
        heads = tuple(sorted(revisions))
        known = self._schemas.get(frozenset(heads))
        if known is None:
            known = Schema()
            for _, recording in self.walk(heads):
                known = recording.after
            self._schemas[frozenset(heads)] = known
        return known

    def walk(self, revisions: Iterable[str]) -> Iterator[tuple[Script, Recording]]:
        """Replay the revisions and all that they build on, from the base on."""
        schema = Schema()
        for script in self.below(revisions):
            recording = self.upgrade(script, schema)
            yield script, recording
            schema = recording.after

    def at_heads(self) -> Schema:
        """Return the schema after every revision of the script directory."""
        return self.at(self._script.get_heads())

    def upgrade(self, script: Script, before: Schema) -> Recording:
        """Replay a revision's upgrade upon a schema."""
        others = partial(self._others, script)
        return record(script, "upgrade", before, others, paths=self._paths)

    def preview(
        self, script: Script, function: str, before: Schema, files: Overlay
    ) -> Recording:
        """Replay ``upgrade`` or ``downgrade`` upon `files`, which it reads and writes.

        They are an overlay: what it writes is in that alone.
        """
        return record(script, function, before, files=files, paths=self._paths)

    def downgrade(self, script: Script, before: Schema) -> Recording:
        """Replay a revision's downgrade upon a schema.

        What reverses a change of its upgrade undoes that one.
        """
        found = record(*(script, "downgrade", before, self._others), paths=self._paths)
        upgrade = self._upgraded(script, found.after)
        undone = tuple(event.change for event in upgrade.changes)
        events = tuple(
            replace(event, change=event.change.undoing(undone))
            if isinstance(event, ChangeEvent)
            else event
            for event in found.events
        )
        files = tuple(e.text for e in upgrade.events if isinstance(e, FileEvent))
        return replace(
            *(found,),
            events=events,
            undone=undone,
            loaded=upgrade.batches,
            changed_files=files,
        )

    def _upgraded(self, script: Script, before: Schema) -> Recording:
        try:
            return self.upgrade(script, before)
        except ReplayError:
            # A downgrade written by hand need not lead back to the schema before.
            known = self.at(to_tuple(script.down_revision, default=()))
            return self.upgrade(script, known)

    def _others(self, left_out: Script | None = None) -> Iterator[tuple[Schema, str]]:
        """Yield the schema after each change but one revision's, as far as it goes."""
        schema = Schema()
        for script in self.below(self._script.get_heads()):
            if left_out is not None and script.revision == left_out.revision:
                continue
            try:
                recording = record(script, "upgrade", schema, paths=self._paths)
            except (ReplayError, NotImplementedError):
                return
            yield from recording.schemas
            schema = recording.after

    def below(self, revisions: Iterable[str]) -> list[Script]:
        """Return the revisions and all that they build on, from the base on."""
        heads = tuple(sorted(revisions))
        if not heads:
            return []
        return list(reversed(list(self._script.iterate_revisions(heads, "base"))))


def record(
    script: Script,
    function: str,
    before: Schema,
    others: Callable[[], Iterable[tuple[Schema, str]]] = tuple,
    *,
    files: Overlay | None = None,
    paths: ProjectPaths | None = None,
) -> Recording:
    """Run ``upgrade`` or ``downgrade`` with nothing behind it; return what it did.

    `others` gives the schema after each change of the history, and where that is
    written, for the message where a change does not fit. Reads of files give nothing,
    unless there are `files`, which then have what the revision writes. Raises
    ReplayError when the function raises; NotImplementedError passes, since that is how
    a downgrade says that it can't be done.
    """
    batches = BatchNames(script.revision)
    recorder = _Recorder(before, script, script.path, batches, files)
    try:
        context = _RecordingContext(recorder, paths or ProjectPaths())
        with _proxied(_RecordingOperations(context, recorder)):
            call(script, function, recorder.thread, {})
    except NotImplementedError:
        raise
    except Exception as error:
        message = explained(
            *(script, error),
            has_read=recorder.has_read,
            origin=recorder.origin(error, others),
        )
        raise ReplayError(message) from error
    return recorder.recording


@dataclass
class _Recorder(Runner):
    schema: Schema
    script: Script
    file: str
    batches: BatchNames
    files: Overlay | None = None
    events: list[Event] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    lines: list[int | None] = field(default_factory=list)
    autocommit: bool = False
    thread: OwnThread = field(default_factory=OwnThread)

    def note(self, event: Event) -> None:
        """Note an event, and which line of the revision's file it is from."""
        self.events.append(event)
        self.lines.append(line_of_caller(self.script.path))

    def invoke(self, operation: GraphOperation) -> Any:
        """Note what the operation does; there are no rows."""
        found = super().invoke(operation)
        return [] if found is None else found

    def change(self, change: Change) -> None:
        """Note a change of the schema, and where it is written."""
        self.note(ChangeEvent(change, self.schema, self.script.revision))
        self.places.append(place(self.script, self.lines[-1]))
        self.schema = change.apply(self.schema)

    def ask(
        self, text: str, _parameters: Mapping[str, Any], *, repeatable: bool
    ) -> Any:
        """Note a statement that has no rows here."""
        del repeatable
        self.note(StatementEvent(text, True, self.autocommit))

    def add(self, steps: Sequence[Run]) -> None:
        """Note the statements of a file."""
        for run in steps:
            self.note(StatementEvent(run.text, False, self.autocommit, run.place))

    def begin_batch(self, name: str | None, _loader: Loader | None = None) -> str:
        """Begin a batch of which nothing else is noted."""
        return self.batches.begin(name)

    def batch(self, operation: BatchOperation) -> Any:
        """Note what an operation on batches is about; nothing is loaded."""
        answered = any(map(_answers, self.events))
        problem = "" if answered else operation.problem(self.schema)
        names = (operation.sought, operation.made, operation.writes(self.schema))
        self.note(
            BatchEvent(operation.title, operation.wanted, self.schema, problem, *names)
        )
        return operation.replayed

    @property
    def recording(self) -> Recording:
        """What the revision has done by now."""
        return Recording(
            *(tuple(self.events), self.schema, tuple(self.batches.begun)),
            places=tuple(self.places),
            lines=tuple(self.lines),
        )

    @property
    def has_read(self) -> bool:
        """Whether it may have asked for rows, of which a replay has none."""
        unread = (ChangeEvent, FileEvent, UnseenEvent)
        return not all(isinstance(event, unread) for event in self.events)

    def origin(
        self, error: Exception, others: Callable[[], Iterable[tuple[Schema, str]]]
    ) -> str:
        """Return where the change is that the latest one does not fit to."""
        if not isinstance(error, SchemaError) or not self.recording.changes:
            return ""
        change = self.recording.changes[-1].change
        own = list(self.recording.schemas)[:-1]
        return origin_of(change, str(error), [*others(), *own])

    def execute(self, cypher: str) -> None:
        """Note the statement: what it does is outside of the history."""
        self.thread.check()
        self.note(StatementEvent(cypher, False, self.autocommit))

    def on_ledger(self, text: str, _act: Callable[[], None] = lambda: None) -> None:
        """Note it and do nothing: the ledger's database is outside of the history."""
        self.thread.check()
        self.note(LedgerEvent(text))

    def read_file(self, path: str) -> PathState | None:
        """Note it and return nothing, where there are no files."""
        self.note(FileReadEvent(path))
        return None if self.files is None else self.files.state(self.files.locate(path))

    def change_files(self, operation: FileOperation) -> None:
        """Note it and do nothing: files are outside of the history."""
        diff = "" if self.files is None else diff_after(operation, self.files)
        self.note(FileEvent(operation.title, operation.digest, diff))

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        self.thread.check()
        self.autocommit = True
        try:
            yield
        finally:
            self.autocommit = False


def _answers(event: Event) -> bool:
    """Tell whether rows that follow may be other ones than in a replay."""
    unseen = isinstance(event, (FileReadEvent, UnseenEvent))
    return unseen or (isinstance(event, StatementEvent) and event.answers)


class _RecordingImpl:
    __dialect__ = "neo4j"

    def __init__(self, recorder: _Recorder) -> None:
        self.run = recorder.invoke
        self.bind = RunnerBind(recorder)


class _RecordingContext:
    """Stands in for the migration context: it has no graph and no ledger."""

    as_sql = False

    def __init__(self, recorder: _Recorder, paths: ProjectPaths) -> None:
        self._recorder = recorder
        self.project_root, self.hooks_paths = paths.root, paths.hooks
        self.impl = _RecordingImpl(recorder)
        self.bind = self.impl.bind
        self.autocommit_block = recorder.autocommit_block

    @property
    def replaying(self) -> bool:
        # What is under `if not op.is_replaying():` will run and is not seen here.
        self._recorder.note(UnseenEvent())
        return True


class _RecordingOperations(Operations):
    """Records our operations; one for an SQL database is noted and does nothing."""

    def __init__(self, context: _RecordingContext, recorder: _Recorder) -> None:
        super().__init__(cast("Any", context))
        self._recorder = recorder

    def invoke(self, operation: MigrateOperation) -> Any:
        if isinstance(operation, GraphOperation):
            return self._recorder.invoke(operation)
        if not isinstance(operation, ExecuteSQLOp):
            self._recorder.on_ledger(type(operation).__name__)
        elif isinstance(operation.sqltext, str):
            self._recorder.execute(operation.sqltext)
        else:
            self._recorder.on_ledger(str(operation.sqltext))
        return None

    @contextmanager
    def batch_alter_table(self, *_: Any, **__: Any) -> Iterator[Any]:
        self._recorder.on_ledger("batch_alter_table")
        yield _Nothing()


class _Nothing:
    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


@contextmanager
def _proxied(operations: Operations) -> Iterator[None]:
    # Operations.context() would delete the proxies of a run that is under way when it
    # is left, so the module's proxy is exchanged and put back.
    namespace = vars(alembic.op)
    outer = namespace.get("_proxy")
    namespace["_proxy"] = operations
    try:
        yield
    finally:
        namespace["_proxy"] = outer

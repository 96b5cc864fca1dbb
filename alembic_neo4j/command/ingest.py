"""Loading a file as a batch of its own, and rolling back a batch, by verbs."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alembic.config import Config

from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.command.verb_run import run_recorded, verb_step
from alembic_neo4j.cypher.batch_rollback import RollbackCounts, rollback_command
from alembic_neo4j.cypher.load_targets import LoadTarget, refuse_targets
from alembic_neo4j.errors import LedgerError
from alembic_neo4j.graph.batch_rollback import tagged
from alembic_neo4j.graph.loading import LoadCounts
from alembic_neo4j.identity import FORMAT, format_of, identity
from alembic_neo4j.ledger.batches import (
    LOADED,
    ROLLED_BACK,
    BatchRecord,
    Loader,
    Source,
)
from alembic_neo4j.ledger.journal import LOADING, Journal, RunStep
from alembic_neo4j.migration.batch_operations import BeginBatchOp, LoadOp, UndoBatchOp
from alembic_neo4j.migration.batch_states import UNKNOWN, batches_now, tallies
from alembic_neo4j.migration.batches import LONGEST, checked_name, kinds_of
from alembic_neo4j.migration.run import GraphRunner
from alembic_neo4j.migration.session import Session

if TYPE_CHECKING:
    from alembic_neo4j.ingest.data_rows import DataFileSource, DataRows
    from alembic_neo4j.ingest.files import BytesReport, DataFile
    from alembic_neo4j.ingest.progress import Report
    from alembic_neo4j.ingest.validation import ValidationReport


log = logging.getLogger(__name__)

_ROLLING_BACK = "ingest rollback"


@dataclass(frozen=True)
class FileLoad:
    """A file that is loaded, as what, and into which batch."""

    file: DataFile
    source: DataFileSource
    target: LoadTarget
    batch: str
    loader: Loader | None = None
    batch_size: int | None = None
    allow_unknown: bool = False

    @property
    def step(self) -> RunStep:
        """The run that it is: the same command again goes on with it."""
        # Where the file was had, and where refused rows go, is no part of it.
        source = replace(
            self.source,
            uri="",
            sha256=None,
            storage_options=None,
            reject_file=None,
        )
        return verb_step(LOADING, self.batch, self.file.sha256, self.target, source)


def obtained(
    source: DataFileSource,
    target: LoadTarget,
    batch: str | None,
    *,
    loader: Loader | None,
    batch_size: int | None,
    allow_unknown: bool,
    report: BytesReport,
) -> FileLoad:
    """Fetch a file that is to be loaded; raises IngestError for a name of no batch."""
    if batch is not None:
        checked_name(batch)
    file = source.obtain(report=report)
    batch = batch or default_batch(file, target)
    return FileLoad(file, source, target, batch, loader, batch_size, allow_unknown)


@dataclass(frozen=True)
class LoadOutcome:
    """What became of a load; `earlier` is its batch where it had ended before."""

    loaded: LoadCounts
    earlier: BatchRecord | None = None


def default_batch(file: DataFile, target: LoadTarget) -> str:
    """Return the name of the batch of a file where none is given.

    It is the same for the same content that becomes the same, and another one else.
    """
    digest = identity(file.sha256, target).partition(":")[2]
    return f"{_stem(file)}-{digest[:_DIGITS]}"


_DIGITS = 12


def _stem(file: DataFile) -> str:
    # Nor does it begin with a dash, as an option does.
    return re.sub(r"[^\w.-]|^-", "_", file.name)[: LONGEST - _DIGITS - 1]


def load_file(
    config: Config,
    load: FileLoad,
    *,
    dry_run: bool,
    shown: Callable[[str], AbstractContextManager[Report]],
) -> tuple[ValidationReport, LoadOutcome | None]:
    """Check the file of a load to its end, then load it unless that is a `dry_run`.

    Returns what was found in its rows, and what became of them. `shown` shows how far
    something is that has that title. Raises what checking, `run_recorded` and
    `run_load` raise, and LedgerError where another load has the name of its batch.
    """

    def act(session: Session) -> tuple[ValidationReport, LoadOutcome | None]:
        name = load.file.name
        with _rows(session, load) as rows:
            with shown(f"checking {name}") as told:
                report = rows.check(keep=not dry_run, report=told)
            if dry_run:
                return report, None
            with shown(f"loading {name}") as told:
                rows.report = told
                return report, _loaded(session, load, rows)

    return in_session(config, act)


def _rows(session: Session, load: FileLoad) -> DataRows:
    """Return the rows of a load, with the rules of the schema at this moment.

    Raises IngestError where no model of it has the labels or the type of the target,
    unless that is meant.
    """
    # It imports the driver, which most verbs do without.
    from alembic_neo4j.ingest.data_rows import DataRows

    schema = session.history.at(session.heads())
    if not load.allow_unknown:
        refuse_targets(f"load of {load.target}", [load.target], schema)
    return DataRows(load.file, load.source, load.target, schema)


def _loaded(session: Session, load: FileLoad, rows: DataRows) -> LoadOutcome:
    """Load the rows, each exactly once, and return what became of them.

    Nothing is written where this very load is in the graph already: a command may have
    been killed after its last write.
    """
    origin = Source(load.file.uri, load.file.sha256)

    def act(runner: GraphRunner) -> LoadOutcome:
        earlier = _earlier(session, load)
        if earlier is not None:
            return LoadOutcome(_became(earlier), earlier)
        runner.schema = session.history.at(session.heads())
        runner.batches.start(load.batch, revision=None)
        runner.invoke(BeginBatchOp(load.batch, load.loader))
        # Whoever had the lock meanwhile may have changed what is asked of rows.
        is_same = rows.schema == runner.schema
        operation = LoadOp(
            load.target,
            rows if is_same else _rows(session, load),
            load.batch_size,
            origin,
            load.allow_unknown,
            judged=True,
            stored=True,
        )
        return LoadOutcome(runner.invoke(operation))

    return run_recorded(session, load.step, act)


def roll_back(
    config: Config,
    batch: str,
    *,
    detach: bool,
    confirm: Callable[[BatchRecord | None], None],
) -> RollbackCounts | None:
    """Undo all that a batch has done, and return what; None where nothing was left.

    `confirm` is called before that with what the ledger knows of it; what it raises
    ends that. A load of it that was killed is ended. Raises LedgerError where neither
    the ledger nor the graph knows the batch, CheckFailed as `run_undo` does.
    """

    def act(session: Session) -> RollbackCounts | None:
        record = _found(session, batch)
        if record is not None and record.state == ROLLED_BACK:
            return None
        confirm(record)
        step = verb_step(_ROLLING_BACK, batch)
        return run_recorded(session, step, undo, supersedes=_is_load_of(batch))

    def undo(runner: GraphRunner) -> RollbackCounts:
        runner.batches.start(batch, revision=None)
        undone: RollbackCounts = runner.invoke(UndoBatchOp(batch, detach=detach))
        return undone

    return in_session(config, act)


def read_batches(config: Config) -> list[BatchRecord]:
    """Return the batches of the ledger as they are now, the first in front."""
    return in_session(config, batches_now)


def read_batch(config: Config, batch: str) -> BatchRecord:
    """Return what the ledger knows of a batch; raises LedgerError where it is none."""

    def known(session: Session) -> BatchRecord:
        for record in batches_now(session):
            if record.batch == batch:
                return record
        raise _unknown(session, batch)

    return in_session(config, known)


def _found(session: Session, batch: str) -> BatchRecord | None:
    """Return what the ledger knows of a batch; None where only the graph knows it.

    Raises LedgerError where nobody does.
    """
    known = next((r for r in batches_now(session) if r.batch == batch), None)
    if known is None and batch not in tagged(
        session.graph, session.options.batch_property, batch
    ):
        raise _unknown(session, batch)
    return known


def _unknown(session: Session, batch: str) -> LedgerError:
    """Return the error for a batch that was never loaded."""
    names = [record.batch for record in batches_now(session)]
    found = f"the ledger knows {', '.join(names[-10:])}" if names else "it knows none"
    return LedgerError(f"there is no batch {batch!r}: {found}")


def is_unknown(record: BatchRecord) -> bool:
    """Tell whether it is not known how much of a batch is there."""
    return record.state == UNKNOWN


def _earlier(session: Session, load: FileLoad) -> BatchRecord | None:
    """Return the batch of this very load where it has ended, None where it has not."""
    journal = session.journal
    known = journal.batches.find(load.batch)
    if known is None and load.batch == default_batch(load.file, load.target):
        _refuse_renamed(journal, load)
    if known is None or known.state != LOADED:
        return None
    if journal.steps(known.run) != (load.step,):
        return None
    (found,) = tallies(session, [known])
    if found.is_missing:
        raise LedgerError(
            f"the batch {load.batch} was loaded at {known.begun_at:%Y-%m-%d %H:%M} by "
            f"{known.begun_by}, and nothing of it is in the graph: it was deleted, or "
            "the graph was restored from an older copy. Nothing was loaded. To load it "
            f"again, say that it is not there: `{rollback_command(load.batch)}`"
        )
    if found.is_incomplete:
        log.warning(
            "Of the batch %s there are %s: the rest was deleted since. To load it "
            "again, take back what is left: `%s`",
            load.batch,
            found,
            rollback_command(load.batch),
        )
    return known


def _refuse_renamed(journal: Journal, load: FileLoad) -> None:
    """Raise LedgerError where a release has loaded the file under another name.

    Releases whose identities have another format name the batch of a file otherwise.
    """
    name = re.compile(rf"{re.escape(_stem(load.file))}-[0-9a-f]{{{_DIGITS}}}")
    kinds = kinds_of(load.target)
    for known in journal.batches.all():
        same = [source.sha256 for source in known.sources] == [load.file.sha256]
        if known.state == ROLLED_BACK or not same or not name.fullmatch(known.batch):
            continue
        (step, *others) = journal.steps(known.run) or (load.step,)
        if others or step.action != LOADING or format_of(step.digest) == FORMAT:
            continue
        if (known.labels, known.types) == kinds:
            raise LedgerError(
                f"the file {load.file.name} was loaded as the batch {known.batch} at "
                f"{known.begun_at:%Y-%m-%d %H:%M} by {known.begun_by}, with a release "
                "of alembic-neo4j that names the batches of files otherwise than this "
                f"one ({load.batch}); nothing was loaded. Where that load is the same "
                "as this one there is nothing to do. To load the file again, take that "
                f"batch back first: `{rollback_command(known.batch)}`; to load it "
                "besides, give this batch a name: --batch NAME"
            )


def _became(record: BatchRecord) -> LoadCounts:
    counts = record.counts
    return LoadCounts(
        counts.created_nodes + counts.created_relationships,
        counts.touched_nodes + counts.touched_relationships,
        counts.unmatched,
    )


def _is_load_of(batch: str) -> Callable[[RunStep], bool]:
    begun = verb_step(LOADING, batch)
    return begun.is_about

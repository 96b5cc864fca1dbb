"""Loading rows: in transactions of bounded size, each row exactly once.

Every transaction notes on the run's marker how many rows are loaded by it, and the
digest of these. A run that goes on reads its rows again from the first, passes those
that are loaded, and is refused where they are other ones.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any, TypeAlias

from alembic_neo4j.cypher.batch_rollback import rollback_command
from alembic_neo4j.cypher.load_statements import LoadStatements, Names, load_statements
from alembic_neo4j.cypher.load_targets import LoadTarget, NodeTarget, RelationshipTarget
from alembic_neo4j.cypher.loads import (
    LOAD_BATCH_SIZE,
    Load,
    Row,
    RowDigest,
    checked_row,
    judge_rows,
    packed,
)
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.errors import CheckFailed, LedgerError, StatementError
from alembic_neo4j.graph import before_images
from alembic_neo4j.graph.batches import (
    REPORT_SECONDS,
    PortionSize,
    is_too_much,
    uncrossed,
)
from alembic_neo4j.graph.connection import Graph, Run, ServerRefused
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.marker import Mark, advance, finish, read_progress
from alembic_neo4j.graph.stored_values import Sendable, sendable_lists
from alembic_neo4j.schema.definitions import EntityType, counted
from alembic_neo4j.sentences import unended

log = logging.getLogger(__name__)

# Whether nodes are found by keys with an index, or by looking at all of a label -------


MANY = 5_000
"""So many nodes of a label are looked at for each row, and it becomes slow."""

_INDEXED = (
    "SHOW INDEXES YIELD type, entityType, labelsOrTypes, properties, state "
    "WHERE type = 'RANGE' AND entityType = 'NODE' AND labelsOrTypes = [$label] "
    "AND state = 'ONLINE' AND all(name IN properties WHERE name IN $keys) "
    "RETURN properties LIMIT 1"
)


def warn_of_scans(graph: Graph, target: LoadTarget) -> None:
    """Say it in the log where each row of a load looks at every node of a label."""
    for label, keys in _lookups(target):
        count = f"MATCH (n:{quote(label)}) RETURN count(n) AS count"
        if graph.read(count)[0]["count"] < MANY:
            continue
        if not graph.read(_INDEXED, {"label": label, "keys": list(keys)}):
            log.warning(
                "Nodes :%s are found by %s without an index, by looking at all of "
                "them for each row: op.add_unique_constraint or op.add_index first",
                label,
                ", ".join(keys),
            )


def _lookups(target: LoadTarget) -> set[tuple[str, tuple[str, ...]]]:
    if isinstance(target, NodeTarget):
        return {(target.owner, target.merge_keys)} if target.merge_keys else set()
    return {(end.label, end.keys) for end in (target.source, target.target)}


# How far a load is, as its marker in the graph has it ---------------------------------


@dataclass(frozen=True)
class LoadCounts:
    """What became of the rows of a load.

    `created` and `touched` are nodes or relationships that it created, and that it
    found and changed; `unmatched` rows were no relationship for want of an end.
    """

    created: int = 0
    touched: int = 0
    unmatched: int = 0


@dataclass(frozen=True)
class LoadProgress:
    """How far a load is: its rows so far, their digest, and what became of them.

    `entity` says whether they became nodes or relationships.
    """

    entity: str = EntityType.NODE.value
    rows: int = 0
    digest: str = ""
    loaded: LoadCounts = LoadCounts()
    missing: tuple[str, ...] = ()

    def to_text(self) -> str:
        """Return it as the marker keeps it."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> LoadProgress:
        """Return what `to_text` wrote, and the beginning for no text."""
        if not text:
            return cls()
        values = json.loads(text)
        values["loaded"] = LoadCounts(**values["loaded"])
        return cls(**{**values, "missing": tuple(values["missing"])})


def loaded_so_far(graph: Graph, mark: Mark) -> tuple[EntityType, LoadCounts] | None:
    """Return what has become of the rows of a load that is under way or was stopped.

    None where its first transaction is still to come, or it is no load at all.
    """
    text = read_progress(graph, mark).text
    if not text:
        return None
    progress = LoadProgress.from_text(text)
    return EntityType(progress.entity), progress.loaded


def has_loaded(graph: Graph, mark: Mark) -> bool:
    """Tell whether a load has come beyond its first transaction."""
    known = read_progress(graph, mark)
    return known.done or bool(known.text)


# Loading rows: in transactions of bounded size, each row exactly once -----------------


Read: TypeAlias = "Callable[[str, Mapping[str, Any]], Sequence[Row]]"
"""What returns the rows of a statement."""

_NAMED = 5
"""How many rows without both ends are named."""


def run_load(
    graph: Graph, load: Load, limits: Limits, mark: Mark | None = None
) -> LoadCounts:
    """Load the rows and return what became of them, all attempts taken together.

    With a `mark` each row is loaded once however often the run is killed. Raises
    IngestError for a row that can't be loaded, CheckFailed where a key fits several
    nodes or, if that is asked for, none, StatementError where the server refuses
    something, LedgerError where the rows are not those of the last time. Of the
    transaction in which that is found nothing stays; those before it do, and the next
    call goes on from there.
    """
    if mark is not None:
        known = read_progress(graph, mark)
        if known.done:
            return LoadCounts(**known.rows[0])
        progress = LoadProgress.from_text(known.text)
    else:
        progress = LoadProgress()
    progress = replace(progress, entity=load.target.entity.value)
    size = load.batch_size or limits.batch_size or LOAD_BATCH_SIZE
    loading = _Loading(graph, load, size, limits, mark, progress)
    loading.judge()
    if load.target.merge_keys is not None:
        before_images.ensure_index(
            graph, timeout=limits.schema_timeout, interrupts=limits.interrupts
        )
    warn_of_scans(graph, load.target)
    loading.check_ends()
    loading.run()
    return loading.progress.loaded


class _Loading:
    """A load under way."""

    def __init__(
        self,
        graph: Graph,
        load: Load,
        size: int,
        limits: Limits,
        mark: Mark | None,
        progress: LoadProgress,
    ) -> None:
        self.progress = progress
        self._graph = graph
        self._load = load
        self._title = load.shown
        self._size = PortionSize(self._title, size)
        self._limits = limits
        self._mark = mark
        self._digest = RowDigest()
        self._reported = time.monotonic()

    def judge(self) -> None:
        """Look at all values before anything is written, where rows can be seen so.

        Of rows that come only once each is looked at when it is its turn; what was
        judged as it was read is not looked at again.
        """
        load = self._load
        seen = load.judged or self.progress.rows
        if not seen and isinstance(load.rows, Collection):
            judge_rows(load)

    def check_ends(self) -> None:
        """Look for what rows lack before the first is loaded, where that is an error.

        Rows that can be gone through once only are found out when it is their turn.
        """
        target, rows = self._load.target, self._load.rows
        if (
            not isinstance(target, RelationshipTarget)
            or target.on_unmatched != "fail"
            or isinstance(rows, Iterator)
            or self.progress.rows
        ):
            return
        done, left, digest = 0, self._rows(), RowDigest()
        while portion := list(islice(left, self._size.fitting)):
            self._limits.interrupts.check()
            self._measure(digest, portion)
            names, lists = packed(self._load, portion, done + 1)
            before, statements = LoadProgress(rows=done), self._statements(names)
            attempt = _Attempt(self._load, statements, sendable_lists(lists), before)
            if found := list(attempt.missing(self._graph.read, target)):
                raise CheckFailed(
                    f"{self._title}: rows lack a node to lead from or to, such as "
                    f"{'; '.join(found)}. Nothing was loaded; load these nodes first, "
                    "or leave the rows out"
                )
            done += len(portion)

    def run(self) -> None:
        """Load the rows that are left."""
        rows = self._rows()
        self._pass_loaded(rows)
        ahead = list(islice(rows, self._size.fitting))
        while ahead:
            self._limits.between()
            portion, rest = ahead[: self._size.fitting], ahead[self._size.fitting :]
            # The last transaction says that it is.
            rest = rest or list(islice(rows, self._size.fitting))
            ahead = rest if self._loaded(portion, last=not rest) else portion + rest
        self._report()

    def _rows(self) -> Iterator[Row]:
        for number, row in enumerate(self._load.rows, 1):
            yield checked_row(row, number)

    def _pass_loaded(self, rows: Iterator[Row]) -> None:
        """Pass the loaded rows; raise LedgerError where they are other ones."""
        left = self.progress.rows
        while left and (passed := list(islice(rows, min(left, self._size.fitting)))):
            self._limits.interrupts.check()
            self._measure(self._digest, passed)
            left -= len(passed)
        if left or (
            self.progress.rows and self._digest.hexdigest() != self.progress.digest
        ):
            found = "these are other ones now"
            if left:
                found = f"there are only {self.progress.rows - left:,} of them now"
            raise LedgerError(
                f"{self._title}: {self.progress.rows:,} rows were loaded before this "
                f"run was stopped, and {found}. "
                "Give the same rows in the same order: from a list or a file, not from "
                "a query on what is loaded. Or take back what was loaded: end the run "
                "with `alembic-neo4j repair --abandon-run`, then "
                f"`{rollback_command(self._load.batch)}`"
            )

    def _measure(self, digest: RowDigest, rows: list[Row]) -> None:
        """Take rows into a digest, and note how large they are."""
        before = digest.size
        digest.update(rows)
        self._size.measure(len(rows), digest.size - before)

    def _loaded(self, portion: list[Row], *, last: bool) -> bool:
        """Load some rows; False where they are too many at once."""
        digest = RowDigest(self._digest)
        self._measure(digest, portion)
        first = self.progress.rows + 1
        names, lists = packed(self._load, portion, first)
        attempt = _Attempt(
            self._load, self._statements(names), sendable_lists(lists), self.progress
        )
        try:
            after = uncrossed(
                lambda: self._transaction(attempt, digest.hexdigest(), last=last)
            )
        except ServerRefused as error:
            if is_too_much(error):
                self._size.shrink(error)
                return False
            raise self._refused(error, first, len(portion)) from error
        self.progress, self._digest = after, digest
        self._size.grow()
        if time.monotonic() - self._reported > REPORT_SECONDS:
            log.info("%s: %s rows so far", self._title, f"{after.rows:,}")
            self._reported = time.monotonic()
        return True

    def _statements(self, names: Names) -> LoadStatements:
        load = self._load
        defaults = load.defaults.expressions
        return load_statements(load.target, names, load.tag, load.batch, defaults)

    def _transaction(
        self, attempt: _Attempt, digest: str, *, last: bool
    ) -> LoadProgress:
        before = self.progress
        with self._graph.begin() as run:
            after = replace(attempt.run(run), digest=digest)
            if self._mark is not None:
                advance(
                    run,
                    self._mark,
                    from_=before.rows,
                    to=after.rows,
                    text=after.to_text(),
                )
                if last:
                    finish(run, self._mark, [asdict(after.loaded)])
        return after

    def _refused(self, error: ServerRefused, first: int, count: int) -> StatementError:
        before = f"; {first - 1:,} rows are loaded" if first > 1 else ""
        if error.code == _VIOLATED and self._load.target.merge_keys is None:
            before += (
                ". What is there already is changed, and not made again, by rows with "
                "a key: --merge-key, or merge_keys of op.upsert_nodes and "
                "op.upsert_relationships"
            )
        return StatementError(
            f"{self._title}, rows {first:,} to {first + count - 1:,}: "
            f"{unended(error.server_message)} ({error.code}). Of these rows nothing is "
            f"loaded{before}"
        )

    def _report(self) -> None:
        loaded = self.progress.loaded
        log.info(
            "%s: %s: %s created, %s changed",
            self._title,
            counted(self.progress.rows, "row"),
            f"{loaded.created:,}",
            f"{loaded.touched:,}",
        )
        if loaded.unmatched:
            log.warning(
                "%s: %s without a node to lead from or to, such as %s",
                self._title,
                counted(loaded.unmatched, "row"),
                "; ".join(self.progress.missing),
            )


_VIOLATED = "Neo.ClientError.Schema.ConstraintValidationFailed"


@dataclass(frozen=True)
class _Attempt:
    """Some rows and the statements that load them, after those before."""

    load: Load
    statements: LoadStatements
    rows: Sendable
    before: LoadProgress
    parameters: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        given = {**self.statements.parameters, **self.load.defaults.parameters}
        parameters = {**given, "rows": self.rows}
        object.__setattr__(self, "parameters", parameters)

    def run(self, run: Run) -> LoadProgress:
        """Load them in an open transaction, and return how far the load is then."""
        if isinstance(self.load.target, RelationshipTarget):
            return self._relationships(run, self.load.target)
        return self._nodes(run, self.load.target)

    def _nodes(self, run: Run, target: NodeTarget) -> LoadProgress:
        touched = self._images(run)
        written = run(self.statements.write, self.parameters)
        if target.merge_keys is not None and written[0]["made"] > len(self.rows):
            raise self._several(run)
        return self._after(LoadCounts(written.nodes_created, touched))

    def _relationships(self, run: Run, target: RelationshipTarget) -> LoadProgress:
        if self.statements.pairs:
            # One row may find several parallel relationships, and no harm in that.
            (pairs,) = run(self.statements.pairs, self.parameters)
            if pairs["found"] > pairs["matched"]:
                raise self._several(run)
        touched = self._images(run)
        written = run(self.statements.write, self.parameters)
        (counts,) = written
        if target.merge_keys is None and counts["made"] > counts["matched"]:
            raise self._several(run)
        unmatched = len(self.rows) - counts["matched"]
        missing = self.before.missing
        if unmatched and len(missing) < _NAMED:
            missing = (*missing, *self.missing(run, target))[:_NAMED]
        if unmatched and target.on_unmatched == "fail":
            raise CheckFailed(
                f"{self.load.shown}: {unmatched:,} of {len(self.rows):,} rows lack a "
                f"node to lead from or to, such as {'; '.join(missing)}. Load these "
                "nodes first, or leave the rows out"
            )
        created = written.relationships_created
        return replace(
            self._after(LoadCounts(created, touched, unmatched)), missing=missing
        )

    def _images(self, run: Run) -> int:
        touched = 0
        for text in self.statements.images:
            for row in run(text, self.parameters):
                touched += row["touched"]
        return touched

    def _after(self, loaded: LoadCounts) -> LoadProgress:
        before = self.before.loaded
        return replace(
            self.before,
            rows=self.before.rows + len(self.rows),
            loaded=LoadCounts(
                before.created + loaded.created,
                before.touched + loaded.touched,
                before.unmatched + loaded.unmatched,
            ),
        )

    def _several(self, run: Run) -> CheckFailed:
        found = run(self.statements.several, self.parameters)
        rows = "; ".join(self._ambiguous(row) for row in found)
        return CheckFailed(
            f"{self.load.shown}: keys have to find one node at most, and these "
            f"find several: {rows}. Give more keys, or mend the data and add a "
            "uniqueness constraint"
        )

    def _ambiguous(self, found: Mapping[str, Any]) -> str:
        number = self.before.rows + found["i"] + 1
        target = self.load.target
        if isinstance(target, NodeTarget):
            return f"row {number:,} ({found['found']} nodes :{target.owner})"
        sides = [
            f"{found[name]} nodes :{end.label}"
            for name, end in (("sources", target.source), ("targets", target.target))
            if found[name] > 1
        ]
        return f"row {number:,} ({' and '.join(sides)})"

    def missing(self, run: Read, target: RelationshipTarget) -> Iterator[str]:
        """Yield what the first rows lack that lack a node at one end."""
        for found in run(self.statements.missing, self.parameters):
            row = self.rows[found["i"]]
            number = self.before.rows + found["i"] + 1
            wanted, sides = iter(row), []
            for name, end in (("sources", target.source), ("targets", target.target)):
                keys = ", ".join(f"{key}: {next(wanted)!r}" for key in end.keys)
                if not found[name]:
                    sides.append(f"no (:{end.label} {{{keys}}})")
            yield f"row {number:,}: {' and '.join(sides)}"

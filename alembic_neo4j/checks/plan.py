"""What a run is going to do, unit by unit, as far as it can be told beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from alembic_neo4j.checks.evidence import UncheckedArea
from alembic_neo4j.checks.foresight import (
    UNCHANGED,
    Carried,
    Now,
    OpenQuestion,
    RevisionForesight,
    Writer,
    found_by,
    read,
)
from alembic_neo4j.checks.preflight import Obstacle
from alembic_neo4j.cypher.capabilities import Server
from alembic_neo4j.cypher.events import (
    ChangeEvent,
    Event,
    FileEvent,
    StatementEvent,
)
from alembic_neo4j.cypher.steps import (
    Batched,
    Merge,
    Step,
    digest_of,
    kind_of,
    only_reads,
    ordered,
    units,
)
from alembic_neo4j.ledger.journal import DONE, OpenRun, Unit
from alembic_neo4j.schema.changes.change import TouchedNames

NOT_ASKED = "the graph was not asked"


@dataclass(frozen=True)
class UnitPlan:
    """What takes effect as a whole, with a line of text for each of its steps.

    `position` is its number in the journal; a read has none, and neither has what
    follows on something opaque. `state` is the journal's where an open run has begun
    it. A batched change has `count`, how many it would change now, or `unknown`, why
    that is not known. What is done to files has `diff`, as far as that can be told.
    """

    kind: str
    texts: tuple[str, ...]
    position: int | None = None
    state: str = ""
    count: int | None = None
    unknown: str = ""
    diff: str = ""
    batched: Batched | Merge | None = field(default=None, repr=False, compare=False)

    @property
    def is_done(self) -> bool:
        """Whether an open run has done it."""
        return self.state == DONE


@dataclass(frozen=True)
class Condition:
    """Whether a revision runs, as far as that can be told before its turn.

    `versions` are those that it is for, empty for all of them; they are `asked` where
    the application's is known. `passed_over` is why it does nothing; where it `asks`,
    its ``check_applicable`` tells.
    """

    versions: str = ""
    asked: bool = False
    passed_over: str = ""
    asks: bool = False


@dataclass(frozen=True)
class RevisionPlan:
    """What one revision is going to do, its units in the order in which they run.

    `title` names it as Alembic does; `resumed` says that an open run is at it. By its
    `condition` it may do nothing.
    """

    revision: str
    message: str
    direction: str
    title: str
    path: str
    rollback_safe: bool
    resumed: bool
    units: tuple[UnitPlan, ...]
    condition: Condition = field(default_factory=Condition)


@dataclass(frozen=True)
class Refusal:
    """Why the run would not begin; `code` is one of a few words."""

    code: str
    message: str


@dataclass(frozen=True)
class RunPlan:
    """What a run is going to do, and what stands in its way.

    What is `not_known` may turn out to stand in it when some step has run. `warnings`
    do not.
    `server` is None where the graph was not asked. `holder` has the lock at this
    moment, and may change all of it.
    """

    heads: tuple[str, ...]
    revisions: tuple[RevisionPlan, ...]
    open_run: OpenRun | None = None
    refusals: tuple[Refusal, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    not_known: tuple[OpenQuestion, ...] = ()
    unchecked: tuple[UncheckedArea, ...] = ()
    warnings: tuple[str, ...] = ()
    server: Server | None = None
    holder: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do and nothing in the way."""
        return not (self.revisions or self.refusals or self.obstacles)

    @property
    def hindrances(self) -> int:
        """How many things refuse it; what is so only if a revision applies does not."""
        certain = [one for one in self.obstacles if not one.conditional]
        return len(certain) + len(self.refusals)


def planned_units(
    foreseen: RevisionForesight,
    now: Now = UNCHANGED,
    recorded: Iterable[Unit] = (),
    carried: Carried = MappingProxyType({}),
) -> tuple[tuple[UnitPlan, ...], Now]:
    """Return the units of a revision, and how the data stand when it has ended.

    `now` is that of earlier revisions of the run, `recorded` what an open run has begun
    of this one, `carried` what is known of nodes that go. A batched change whose count
    nothing changes beforehand has neither a count nor a reason yet: it can be asked
    for.
    """
    planned = _Planned(foreseen, now, list(recorded), carried)
    found = tuple(planned.units())
    return found, planned.now


class _Planned:
    """The units of one revision, in the order in which its runner makes them."""

    def __init__(
        self,
        foreseen: RevisionForesight,
        now: Now,
        recorded: list[Unit],
        carried: Carried,
    ) -> None:
        self.now = now
        self._carried = carried
        # The change that is under way, and its latest step that writes.
        self._change: ChangeEvent | None = None
        self._step = ""
        self._foreseen = foreseen
        self._recorded = recorded
        self._position: int | None = 0
        # By identity: two changes may have an equal step.
        made = [e for e in foreseen.events if isinstance(e, ChangeEvent)]
        self._made = {id(step): e for e in made for step in e.steps}
        raw = [e for e in foreseen.events if isinstance(e, StatementEvent)]
        self._raw = {id(event.run): event for event in raw}

    def units(self) -> Iterator[UnitPlan]:
        """Yield them; `now` is how the data stand behind the last one."""
        yield from self._units()
        self._end_change()

    def _units(self) -> Iterator[UnitPlan]:
        for part in _parts(self._foreseen):
            if isinstance(part, list):
                for unit in units(ordered(part)):
                    yield self._unit(unit)
            elif part.opaque:
                yield self._opaque(part, *part.opaque)
                self._after(part)

    def _opaque(self, event: Event, kind: str, text: str) -> UnitPlan:
        if not isinstance(event, FileEvent):
            self._position = None
            return UnitPlan(kind, (text,))
        state = self._state(event.unit)
        if self._position is not None:
            self._position += 1
        found = UnitPlan(kind, (text,), self._position, state)
        return found if found.is_done else replace(found, diff=event.diff)

    def _unit(self, unit: Sequence[Step]) -> UnitPlan:
        kind, first = kind_of(unit), unit[0]
        found = UnitPlan(kind, tuple(step.shown for step in unit))
        if not only_reads(unit):
            state = self._state(digest_of(unit))
            if self._position is not None:
                self._position += 1
            found = replace(found, position=self._position, state=state)
        if isinstance(first, (Batched, Merge)):
            return self._counted(found, first)
        for step in unit:
            raw = self._raw.get(id(step))
            if raw is not None and not found.is_done:
                self._after(raw)
        return found

    def _after(self, event: Event) -> None:
        self._end_change()
        self.now = self._foreseen.after(event, self.now, self._carried)

    def _end_change(self) -> None:
        change, step, self._change, self._step = self._change, self._step, None, ""
        if change is not None and step:
            self._after(change)

    def _counted(self, found: UnitPlan, step: Batched | Merge) -> UnitPlan:
        if found.is_done:
            return found
        made = self._made[id(step)]
        if made is not self._change:
            self._end_change()
            self._change = made
        only_marks = isinstance(step, Batched) and step.only_marks
        looked_at = read if only_marks else found_by
        writer = self._writer(made, looked_at(made.change, made.before))
        if not only_marks:
            self._step = step.title
        unknown = "" if writer is None else f"before {writer}"
        return replace(found, batched=step, unknown=unknown)

    def _writer(self, made: ChangeEvent, reads: TouchedNames) -> Writer | None:
        """Return the latest step, of the same change too, that changes what is read."""
        writes = self.now.writes(made, self._carried)
        if self._step and writes.meets(reads):
            return Writer(self._foreseen.revision, self._step)
        return self.now.writer(reads)

    def _state(self, digest: str) -> str:
        for unit in self._recorded:
            if unit.digest == digest:
                self._recorded.remove(unit)
                return unit.state
        return ""


def _parts(foreseen: RevisionForesight) -> Iterator[list[Step] | Event]:
    """Yield what is buffered until it runs, and what stands by itself."""
    buffer: list[Step] = []
    for event in foreseen.events:
        buffer += foreseen.steps(event)
        if event.ends_buffer:
            yield buffer
            buffer = []
        if event.opaque:
            yield event
    yield buffer

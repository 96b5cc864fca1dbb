"""What can be asked of the data before a run, and what is not known before its place.

A check of a change judges the data that the steps before it leave behind. It is asked
beforehand where nothing that they write is read by it, or where it can be told what
they will have made: then it is asked for the names and values that the data have now.
Of every other check it is said which step has to have run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import singledispatch
from itertools import takewhile
from types import MappingProxyType
from typing import TypeAlias

from alembic_neo4j.cypher.data_checks import (
    Large,
    constraint_checks,
    large,
    size_checks,
)
from alembic_neo4j.cypher.events import ChangeEvent, Event
from alembic_neo4j.cypher.patterns import Scope, one_of
from alembic_neo4j.cypher.quoting import literal
from alembic_neo4j.cypher.steps import Check, Step
from alembic_neo4j.cypher.touched_names import read_by
from alembic_neo4j.errors import OfflineError
from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    AddLabel,
    AddProperty,
    Change,
    DeduplicateRelationships,
    DeleteNodes,
    DeleteRelationships,
    ExtractProperty,
    RelationshipToNode,
    RemoveLabel,
    RemoveProperty,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
    ReverseRelationships,
)
from alembic_neo4j.schema.changes.change import (
    NOTHING,
    Part,
    TouchedName,
    TouchedNames,
    carrier_part,
    carriers,
    properties,
    property_part,
)
from alembic_neo4j.schema.definitions import (
    Constraint,
    Element,
    EntityType,
    Schema,
)
from alembic_neo4j.schema.kinds import ConstraintKind


@dataclass(frozen=True)
class RevisionForesight:
    """What a revision is going to do, in its order.

    Without `rules` those that only the models have do not stand in its way. One that is
    `conditional` may be passed over: what it leaves can't be told.
    """

    revision: str
    events: tuple[Event, ...]
    rules: bool = True
    conditional: bool = False

    def after(self, event: Event, now: Now, carried: Carried) -> Now:
        """Return how the data stand after an event of it."""
        return now.after(
            *(self.revision, event, carried), is_certain=not self.conditional
        )

    def steps(self, event: Event) -> list[Step]:
        """Return the steps of an event that have an effect on the run."""
        return [s for s in event.steps if self.rules or s.lenient is s]


@dataclass(frozen=True)
class Question:
    """A check that can be asked before the run.

    Nothing answers it where none of `names`, labels or types, is in use, nor where
    nothing is `large`, if that is said; None: it may be about anything.
    """

    revision: str
    check: Check
    entity: EntityType
    names: frozenset[str] | None
    large: Large | None = None


@dataclass(frozen=True)
class Writer:
    """A step of the run: its revision, and what it does in a few words."""

    revision: str
    text: str

    def __str__(self) -> str:
        return f"{self.revision}: {self.text}"


@dataclass(frozen=True)
class OpenQuestion:
    """What a revision expects, and what has to have run before that can be told."""

    revision: str
    expected: str
    before: Writer


Carried: TypeAlias = "Mapping[frozenset[str], TouchedNames]"
"""What the nodes with any of some labels have: labels and properties, and the types of
the relationships at them with their properties."""


def wanted(run: Sequence[RevisionForesight], carried: Carried) -> set[frozenset[str]]:
    """Return the labels of which it makes a difference what else their nodes have.

    What is `carried` is known by then; it may take several rounds.
    """
    found: set[frozenset[str]] = set()
    now, missing = Now(), set[frozenset[str]]()
    for revision in run:
        for event in revision.events:
            # What is at the end of a run makes a difference to nothing.
            found |= missing
            names = now.taken_away(event)
            missing = {names} if names and names not in carried else set()
            now = revision.after(event, now, carried)
    return found


def foresight(
    run: Sequence[RevisionForesight], carried: Carried = MappingProxyType({})
) -> tuple[list[Question], list[OpenQuestion]]:
    """Return what can be asked before the first write of a run, and what can't.

    Each is there once. Nodes that go have what is `carried`, or anything.
    """
    asked: dict[str, Question] = {}
    not_known: dict[OpenQuestion, None] = {}
    for found in _judged(run, carried):
        if isinstance(found, OpenQuestion):
            not_known.setdefault(found)
            continue
        text = f"{found.check.query}\n{dict(found.check.parameters)!r}"
        asked.setdefault(text, found)
    return list(asked.values()), list(not_known)


def _judged(
    run: Sequence[RevisionForesight], carried: Carried
) -> Iterator[Question | OpenQuestion]:
    now = Now()
    for revision in run:
        for event in revision.events:
            if isinstance(event, ChangeEvent):
                yield from _asked(revision, event, now)
            before, now = now, revision.after(event, now, carried)
            if isinstance(event, ChangeEvent) and now is not before:
                yield from _asked_of_standing(revision.revision, event, now)


def read(change: Change, before: Schema) -> TouchedNames:
    """Return what of the data a change reads, with what a person wrote in it."""
    return _with_expressions(change, change.reads(before))


def found_by(change: Change, before: Schema) -> TouchedNames:
    """Return what of the data tells how much a change has to do."""
    return _with_expressions(change, change.finds(before))


def _with_expressions(change: Change, touched: TouchedNames) -> TouchedNames:
    for expression in change.expressions():
        touched |= read_by(expression)
    return touched


# The data as they are now, for the data as they will be -----------------------------


@dataclass(frozen=True)
class _Changed:
    """What a step has changed, and how the data stand now for what it leaves.

    Of a label or a type that is what carries it now; of a property, the expression for
    what it will hold. None is what can't be told.
    """

    writer: Writer
    names: frozenset[str] | None = None
    value: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether it can be told."""
        return self.names is not None or self.value is not None


@dataclass(frozen=True)
class Now:
    """How the data that are there stand for those that a change is going to meet.

    What is not there has not changed.
    """

    changed: Mapping[TouchedName, _Changed] = field(default_factory=dict)

    def writer(self, read: TouchedNames, *, unknown: bool = False) -> Writer | None:
        """Return the latest step that has changed what is read, if any has.

        With `unknown` it is the latest that left it so that it can't be told.
        """
        met = [
            changed.writer
            for name, changed in self.changed.items()
            if read.has(name) and not (unknown and changed.is_known)
        ]
        return met[-1] if met else None

    def any_of(self, entity: EntityType, names: Iterable[str]) -> frozenset[str] | None:
        """Return what any of the names stands for; there may be nothing."""
        part, found = carrier_part(entity), frozenset[str]()
        for name in names:
            changed = self._of((part, name))
            now = frozenset({name}) if changed is None else changed.names
            if now is None:
                return None
            found |= now
        return found

    def value(self, scope: Scope, name: str) -> str | None:
        """Return the expression for what a property will hold, if that can be told."""
        return self._value((property_part(scope.entity), name))

    def _value(self, name: TouchedName) -> str | None:
        changed, (part, said) = self._of(name), name
        if changed is not None:
            return changed.value
        if said is None:
            return None
        entity = EntityType.NODE
        if part is Part.RELATIONSHIP_PROPERTY:
            entity = EntityType.RELATIONSHIP
        return Scope(entity, ()).value(said)

    def _of(self, name: TouchedName) -> _Changed | None:
        return self.changed.get((name[0], None)) or self.changed.get(name)

    def taken_away(self, event: Event) -> frozenset[str] | None:
        """Return the labels by which nodes are found now that an event takes away."""
        label = None
        if isinstance(event, ChangeEvent):
            label = event.change.takes_away()
        return None if label is None else self.any_of(EntityType.NODE, (label,))

    def writes(self, event: Event, carried: Carried) -> TouchedNames:
        """Return what an event writes; of nodes that go, what they have."""
        names = self.taken_away(event)
        if names is None or (names and names not in carried):
            return event.writes
        # They have what they have now, and what the run gives them before.
        given = TouchedNames(frozenset(self.changed))
        return event.writes.within(carried.get(names, NOTHING) | given)

    def after(
        self, revision: str, event: Event, carried: Carried, *, is_certain: bool = True
    ) -> Now:
        """Return how the data stand after an event, which may not come to be."""
        writes = self.writes(event, carried)
        if not writes.names:
            return self
        writer = Writer(revision, event.summary)
        changed = dict(self.changed)
        told = (
            _told(event.change, event.before, self)
            if isinstance(event, ChangeEvent) and is_certain
            else {}
        )
        for name in sorted(writes.names, key=str):
            now = told.get(name)
            if isinstance(now, str) and now == self._value(name):
                continue
            # The latest goes to the end.
            changed.pop(name, None)
            if isinstance(now, frozenset):
                changed[name] = _Changed(writer, names=now)
            else:
                changed[name] = _Changed(writer, value=now)
        return self if changed == self.changed else Now(changed)


UNCHANGED = Now()
"""How they stand before the first event."""

_Told: TypeAlias = "dict[TouchedName, frozenset[str] | str | None]"
"""What names and values stand for after a change, as far as that can be told."""


@singledispatch
def _told(_change: Change, _before: Schema, _now: Now) -> _Told:
    return {}


@_told.register
def _(change: RenameLabel, before: Schema, now: Now) -> _Told:
    if change.where is not None or change.undo:
        return {}
    told = _given(change.old, before.labels_of(change.new), now)
    told[carrier_part(EntityType.NODE), change.old] = frozenset()
    return told


@_told.register
def _(change: AddLabel, _before: Schema, now: Now) -> _Told:
    if change.where is not None or change.undo:
        return {}
    return _given(change.label, (change.added,), now)


def _given(label: str, others: Iterable[str], now: Now) -> _Told:
    return {
        (carrier_part(EntityType.NODE), other): now.any_of(
            EntityType.NODE, (label, other)
        )
        for other in others
    }


@_told.register
def _(change: RenameRelationshipType, _before: Schema, now: Now) -> _Told:
    if change.where is not None or change.source_labels or change.undo:
        return {}
    entity = EntityType.RELATIONSHIP
    both = now.any_of(entity, (change.old, change.new))
    part = carrier_part(entity)
    return {(part, change.new): both, (part, change.old): frozenset()}


@_told.register
def _(change: ReverseRelationships, _before: Schema, now: Now) -> _Told:
    # What they hold is not another; their ends are.
    entity = EntityType.RELATIONSHIP
    return {(carrier_part(entity), change.type): now.any_of(entity, (change.type,))}


@_told.register
def _(change: AddProperty, _before: Schema, now: Now) -> _Told:
    scope = _scope(now, change.entity, change.owner)
    declared = change.declared
    if scope is None or change.restore or change.backfill is not True:
        return {}
    value = now.value(scope, declared.name)
    if value is None or declared.default is None:
        return {}
    try:
        default = literal(declared.default)
    except OfflineError:
        return {}
    filled = _among(scope, f"coalesce({value}, {default})", value)
    return _short(change.entity, {declared.name: filled})


@_told.register
def _(change: RemoveProperty, _before: Schema, now: Now) -> _Told:
    scope = _scope(now, change.entity, change.owner)
    if scope is None or change.values not in ("archive", "delete"):
        return {}
    value = now.value(scope, change.name)
    return _short(change.entity, {change.name: _among(scope, "null", value)})


@_told.register
def _(change: RenameProperty, _before: Schema, now: Now) -> _Told:
    scope = _scope(now, change.entity, change.owner)
    if scope is None or change.where is not None or change.undo:
        return {}
    old, new = now.value(scope, change.old), now.value(scope, change.new)
    if old is None or new is None:
        return {}
    order = (new, old) if change.on_conflict == "keep" else (old, new)
    moved = _among(scope, f"coalesce({', '.join(order)})", new)
    emptied = _among(scope, "null", old)
    return _short(change.entity, {change.new: moved, change.old: emptied})


def _scope(now: Now, entity: EntityType, owner: str) -> Scope | None:
    """Return what carries a name now, None where that can't be told."""
    names = now.any_of(entity, (owner,))
    return None if names is None else Scope(entity, tuple(sorted(names)))


def _among(scope: Scope, value: str, otherwise: str | None) -> str | None:
    """Return the expression for what has a value within a scope, and else another."""
    if otherwise is None or not scope.names:
        return otherwise
    among = f"{scope.variable}:{one_of(scope.names)}"
    return f"CASE WHEN {among} THEN {value} ELSE {otherwise} END"


def _short(entity: EntityType, values: Mapping[str, str | None]) -> _Told:
    """Return the values unless they are renamed again and again."""
    if sum(len(value or "") for value in values.values()) > _LONGEST:
        return {}
    return {(property_part(entity), name): value for name, value in values.items()}


_LONGEST = 4_000
"""How long the expressions for values that are renamed again and again may become."""


# What a change asks ------------------------------------------------------------------


def _asked(
    foreseen: RevisionForesight, event: ChangeEvent, now: Now
) -> Iterator[Question | OpenQuestion]:
    revision, change = foreseen.revision, event.change
    if isinstance(change, AddConstraint):
        constraint = change.constraint
        yield from _asked_of_constraint(revision, constraint, now)
        yield from _asked_of_size(revision, constraint, now)
        return
    if isinstance(change, AddIndex):
        yield from _asked_of_size(revision, change.index, now)
        return
    # What follows the first write is asked of what that leaves behind.
    steps = foreseen.steps(event)
    checks = [s for s in takewhile(_is_check, steps) if isinstance(s, Check)]
    if not checks:
        return
    writer = now.writer(read(change, event.before))
    entity, names = _subject(change, event.before)
    for check in checks:
        if writer is not None:
            yield OpenQuestion(revision, check.expected, writer)
        else:
            yield Question(revision, check, entity, names)


def _is_check(step: Step) -> bool:
    return isinstance(step, Check)


def _subject(
    change: Change, before: Schema
) -> tuple[EntityType, frozenset[str] | None]:
    """Return what has to be there for the checks of a change to find anything."""
    reads = change.reads(before)
    entity = EntityType.NODE
    if isinstance(change, RenameRelationshipType) or not reads.of(Part.LABEL):
        entity = EntityType.RELATIONSHIP
    return entity, reads.of(carrier_part(entity)) or None


def _asked_of_constraint(
    revision: str, constraint: Constraint, now: Now
) -> Iterator[Question | OpenQuestion]:
    meant = constraint_checks(constraint)
    scope, values = _as_now(constraint, now)
    if scope is None or values is None:
        yield from _not_known(revision, constraint, meant, now)
    elif scope.names:
        checks = constraint_checks(constraint, scope, values)
        for check in _meant(checks, meant):
            yield Question(revision, check, scope.entity, frozenset(scope.names))


def _asked_of_size(
    revision: str, element: Element, now: Now
) -> Iterator[Question | OpenQuestion]:
    meant = size_checks(element)
    scope, values = _as_now(element, now)
    if scope is None or values is None:
        yield from _not_known(revision, element, meant, now)
    elif scope.names:
        own = {name: scope.value(name) for name in element.properties}
        same = scope.names == tuple(sorted(element.labels)) and values == own
        sought = large(element) if same else None
        names = frozenset(scope.names)
        for check in _meant(size_checks(element, scope, values), meant):
            yield Question(revision, check, scope.entity, names, sought)


def _as_now(
    element: Element, now: Now
) -> tuple[Scope | None, Mapping[str, str] | None]:
    """Return what an element is going to hold for, as it is now; None: not known."""
    names = now.any_of(element.entity, element.labels)
    if names is None:
        return None, None
    scope = Scope(element.entity, tuple(sorted(names)))
    values = {name: now.value(scope, name) for name in element.properties}
    known = {name: value for name, value in values.items() if value is not None}
    return scope, known if len(known) == len(values) else None


def _not_known(
    revision: str, element: Element, checks: Iterable[Check], now: Now
) -> Iterator[OpenQuestion]:
    reads = carriers(element.entity, *element.labels)
    reads |= properties(element.entity, *element.properties)
    writer = now.writer(reads, unknown=True)
    assert writer is not None, "what can't be told was written by something"
    return (OpenQuestion(revision, check.expected, writer) for check in checks)


def _meant(checks: Sequence[Check], meant: Sequence[Check]) -> list[Check]:
    # The message tells of the names that the constraint will have.
    pairs = zip(checks, meant, strict=True)
    return [replace(check, expected=other.expected) for check, other in pairs]


# What stands already -----------------------------------------------------------------


def _asked_of_standing(
    revision: str, event: ChangeEvent, now: Now
) -> Iterator[Question | OpenQuestion]:
    """Ask whether what a change writes fits the constraints that stand already.

    Those are left out that its own checks are for, and that it can't break.
    """
    change, before = event.change, event.before
    named = TouchedNames(frozenset(n for n in event.writes.names if n[1] is not None))
    for key, constraint in change.apply(before).constraints.items():
        reads = AddConstraint(constraint).reads(before)
        if key not in before.constraints or not named.meets(reads):
            continue
        if not _keeps(change, constraint, before):
            yield from _asked_of_constraint(revision, constraint, now)


def _keeps(change: Change, constraint: Constraint, before: Schema) -> bool:
    """Tell whether a change surely keeps a constraint, or has a check of its own."""
    unique = constraint.kind is ConstraintKind.UNIQUE
    if isinstance(change, _REMOVING):
        return True
    if isinstance(change, RemoveProperty):
        return unique or constraint.kind is ConstraintKind.TYPE
    if isinstance(change, (RenameLabel, RenameRelationshipType)):
        return constraint.label in (change.old, change.new)
    if isinstance(change, AddLabel):
        return constraint.label == change.added
    if isinstance(change, RenameProperty):
        owners = {node.label for node in before.models_with(change.owner)}
        of_these = constraint.label in {change.owner, *owners}
        return of_these and change.new in constraint.properties
    if isinstance(change, RelationshipToNode):
        return unique
    if isinstance(change, ExtractProperty):
        found = (change.target_property or change.name,)
        return unique and change.merge and constraint.properties == found
    return False


_REMOVING = (
    DeduplicateRelationships,
    DeleteNodes,
    DeleteRelationships,
    RemoveLabel,
    ReverseRelationships,
)

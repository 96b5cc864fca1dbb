"""What a change asks of the server, as values to be run or written to a script.

Loads and rollbacks are steps as well (``load_rows``, ``batch_rollback``). How each is
run, `graph.execute` knows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, ClassVar

from alembic_neo4j.cypher.ddl import create_text, drop_text, verb
from alembic_neo4j.cypher.lexer import Kind
from alembic_neo4j.cypher.quoting import commented, inline
from alembic_neo4j.errors import OfflineError, SchemaError
from alembic_neo4j.identity import canonical_text, identity
from alembic_neo4j.schema.definitions import Element, Index, described
from alembic_neo4j.schema.known_names import Name

DEFAULT_BATCH_SIZE = 10_000

TOGETHER = 1_000
"""How many raw statements share a transaction at most, which the server has to hold."""


class Atomicity(Enum):
    """In what a step takes effect: it decides what an error may leave of it."""

    TRANSACTION = "one transaction"
    MARKED_TRANSACTION = "one transaction, and a marker in it"
    AUTOCOMMIT = "transactions of its own"
    BATCHES = "several transactions"
    CHECKED_BATCHES = "several, after all was looked for that stands in the way"
    MARKED_BATCHES = "several, and a marker in each"

    @property
    def is_marked(self) -> bool:
        """Whether the graph itself tells, by its marker, what has had its effect."""
        return self in (Atomicity.MARKED_TRANSACTION, Atomicity.MARKED_BATCHES)


class Step(ABC):
    """One thing that is asked of the server, and what everybody has to know of it."""

    writes: ClassVar[bool] = True
    """Whether a kind of step changes anything at all."""

    @property
    def kind_of_unit(self) -> str:
        """What a unit of it is, as the journal and messages name it."""
        return type(self).__name__.lower()

    @property
    def is_recorded(self) -> bool:
        """Whether the journal has its unit; what has no effect may be left out."""
        return True

    @property
    def recorded_as(self) -> Any:
        """By what the journal knows it again: what it is, whatever its Cypher is."""
        raise TypeError(f"expected a step that is recorded, found {self!r}")

    @property
    def names(self) -> tuple[Name, ...]:
        """The labels and types by which what it changes is counted, as far as known."""
        return ()

    @property
    def atomicity(self) -> Atomicity:
        """In what it takes effect."""
        return Atomicity.TRANSACTION

    @property
    def by_itself(self) -> Step:
        """The step as it runs outside of explicit transactions."""
        return self

    @property
    def lenient(self) -> Step:
        """The step instead where the rules of the models do not stop a run."""
        return self

    @property
    @abstractmethod
    def shown(self) -> str:
        """What it does, in one line of a plan."""

    @property
    @abstractmethod
    def script(self) -> str:
        """Its statements in a script, each ended by a semicolon.

        Raises OfflineError where it can't be written down.
        """

    def joins(self, _unit: Sequence[Step]) -> bool:
        """Tell whether it may run in the transaction of the steps before it."""
        return False


@dataclass(frozen=True)
class SchemaStep(Step):
    """A command for one index or constraint."""

    element: Element

    @property
    def names(self) -> tuple[Name, ...]:
        """The labels or types of the index or constraint."""
        element = self.element
        return tuple((element.entity, name) for name in element.labels)

    @property
    def recorded_as(self) -> Any:
        """What becomes of what; its name is secondary."""
        return [self.kind_of_unit, self.element]

    def joins(self, unit: Sequence[Step]) -> bool:
        """Tell whether the others do the same.

        A create and a drop of one schema in one transaction break the index when it is
        rolled back (neo4j/neo4j#13539).
        """
        return type(unit[-1]) is type(self)


@dataclass(frozen=True)
class Create(SchemaStep):
    """An index or constraint is created; the server must not know its like."""

    @property
    def shown(self) -> str:
        """The command, or what can't be said by one."""
        try:
            return create_text(self.element)
        except SchemaError as error:
            return f"{described(self.element)}: {error}"

    @property
    def script(self) -> str:
        """The command."""
        return f"{create_text(self.element)};"


@dataclass(frozen=True)
class Drop(SchemaStep):
    """An index or constraint is dropped by the name that the history gave it."""

    @property
    def shown(self) -> str:
        """The command."""
        return drop_text(self.element)

    @property
    def script(self) -> str:
        """The command."""
        return f"{drop_text(self.element)};"


@dataclass(frozen=True, kw_only=True)
class Identified(Step):
    """A step whose `identity` tells the journal what it is, in place of its Cypher.

    It has one when it is among the steps of a change (see `units.identified`).
    """

    identity: str = field(default="", compare=False, repr=False)
    touches: tuple[Name, ...] = field(default=(), compare=False, repr=False)

    @property
    def names(self) -> tuple[Name, ...]:
        """The labels and types that its change reads or writes."""
        return self.touches

    @property
    def recorded_as(self) -> Any:
        """Its identity."""
        if not self.identity:
            raise TypeError(f"expected a step of a change, found {self!r}")
        return self.identity


@dataclass(frozen=True)
class Batched(Identified):
    """A data change over many entities, run in transactions of bounded size.

    Its entities go by their internal ids, in ascending order. `select` returns one row
    with the list ``ids`` of what is left to do above ``$after``, at most ``$limit`` of
    them. `write` changes those of ``$ids`` that are left to do, may be run twice on the
    same ids, and returns how many it has ``changed``. What was changed, or created by
    it, is not left to do any more. `offline` is the same as one auto-commit statement
    for a script.

    With a `walk` ids that lie close together are not sent at all: it changes what is
    left to do from ``$first`` to ``$last``, the lowest ``$size`` of them at most, and
    returns how many it has ``changed`` and the ``last`` of them. `extent` returns in
    three rows, as ``value``, how many entities there are to look at, whether they are
    left to do or not, their first id and their last. Where it `walks_others`, these ids
    are those of other entities, by which the ones to change are found. `count` returns
    one row with how many are left to do, as ``count``. `batch_size` is the usual one,
    `chosen_size` a person's for this change; `done` is the word for what becomes of an
    entity. Where it `only_marks`, it writes marks that nothing reads but a downgrade.
    """

    title: str
    select: str
    write: str
    offline: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = DEFAULT_BATCH_SIZE
    extent: str = ""
    walk: str = ""
    walks_others: bool = False
    count: str = ""
    chosen_size: int | None = None
    done: str = "changed"
    only_marks: bool = False

    atomicity = Atomicity.BATCHES

    @property
    def shown(self) -> str:
        """Its title."""
        return self.title

    @property
    def script(self) -> str:
        """All of it in one auto-commit statement."""
        return f"{commented(self.title)}\n{inline(self.offline, self.parameters)};"


@dataclass(frozen=True)
class Merge(Identified):
    """Nodes that belong together become one, which keeps all their relationships.

    `groups` returns in each row, as ``ids``, the internal ids of some that are to be
    one, the node that stays first, and ``$limit`` rows at most; `count` one row with
    how many nodes are to go, as ``count``. Of different values of a property the first,
    the last or a list of all stays, as `policies` says of it, and `policy` of all
    others; "fail" is as "first", since a check has found none. A list of all is written
    to the property that `gathered` gives for the name, so that what tells who belongs
    together finds the name as it was. One transaction handles `batch_size` nodes or
    relationships.
    """

    title: str
    groups: str
    count: str
    policies: tuple[tuple[str, str], ...] = ()
    policy: str = "first"
    gathered: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int | None = None

    atomicity = Atomicity.BATCHES

    @property
    def shown(self) -> str:
        """Its title."""
        return self.title

    @property
    def script(self) -> str:
        """Nothing, since it takes reads in between."""
        raise OfflineError(
            f"{self.title}: the types of the relationships are not known, so that it "
            "can't be written to a script. Run it with `alembic -c neo4j.ini upgrade`"
        )


@dataclass(frozen=True)
class Report(Step):
    """A query whose rows the log tells of; nothing stands in the way.

    It returns the columns of a `Check`. `text` says what they are, `advice` what may
    be done about them.
    """

    query: str
    text: str
    advice: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    writes = is_recorded = False

    @property
    def shown(self) -> str:
        """What it tells of."""
        return self.text

    @property
    def script(self) -> str:
        """A query in comments."""
        query = inline(self.query, self.parameters)
        return commented(f"This tells: {self.text}\n{query}\n{self.advice}")


@dataclass(frozen=True)
class Check(Identified):
    """A query whose rows stand in the way of what follows.

    It returns the columns ``value``, ``count`` and ``ids`` (up to five element ids),
    at most twenty rows. `expected` says what the change needs, `advice` what to do.
    A `rule` is one that only the models have: the graph takes the data all the same.
    """

    query: str
    expected: str
    advice: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    rule: bool = False

    writes = False

    @property
    def lenient(self) -> Step:
        """For a rule, what tells of the rows and lets what follows go on."""
        if not self.rule:
            return self
        text = f"The data break a rule of the models: {self.expected}. Found"
        return Report(self.query, text, self.advice, self.parameters)

    @property
    def shown(self) -> str:
        """What it expects."""
        return self.expected

    @property
    def script(self) -> str:
        """A query in comments: a script can't stop on what it finds."""
        query = inline(self.query, self.parameters)
        expected = f"Expected: {self.expected}. This returns no row then:"
        return commented(f"{expected}\n{query}\n{self.advice}")


@dataclass(frozen=True)
class Run(Step):
    """A statement that a person wrote; its rows go back to the revision.

    `repeatable` says that running it twice does no harm, `place` where it is written
    when that is a file of its own.
    """

    text: str
    kind: Kind
    parameters: Mapping[str, Any] = field(default_factory=dict)
    repeatable: bool = False
    place: str = ""

    @property
    def by_itself(self) -> Run:
        """The statement as it runs outside of explicit transactions.

        What the catalogue tells of is better known than by that.
        """
        return self if self.kind is Kind.SCHEMA else replace(self, kind=Kind.AUTOCOMMIT)

    @property
    def kind_of_unit(self) -> str:
        """The kind of transaction that the statement asks for."""
        return self.kind.value

    @property
    def recorded_as(self) -> Any:
        """Its text.

        Parameters may well be others in the next attempt, such as the time of day.
        """
        return ["run", self.text]

    @property
    def is_recorded(self) -> bool:
        """A read may be repeated."""
        return self.kind is not Kind.READ

    @property
    def atomicity(self) -> Atomicity:
        """In what it takes effect."""
        known = {
            Kind.DATA: Atomicity.MARKED_TRANSACTION,
            Kind.AUTOCOMMIT: Atomicity.AUTOCOMMIT,
        }
        return known.get(self.kind, Atomicity.TRANSACTION)

    @property
    def shown(self) -> str:
        """Where it is written, and its first line."""
        place = f"{self.place}: " if self.place else ""
        lines = self.text.strip().splitlines()
        first = f"{lines[0]} …" if len(lines) > 1 else "".join(lines)
        return f"{place}{first}"

    @property
    def script(self) -> str:
        """The statement."""
        return f"{inline(self.text, self.parameters).rstrip().rstrip(';')};"

    def joins(self, unit: Sequence[Step]) -> bool:
        """Tell whether the others are of its kind, and commands of its verb."""
        before = unit[-1]
        if not isinstance(before, Run) or len(unit) == TOGETHER:
            return False
        if before.kind is self.kind is Kind.SCHEMA:
            return verb(before.text) == verb(self.text)
        return before.kind is self.kind is Kind.DATA


@dataclass(frozen=True)
class Stop(Identified):
    """A placeholder that a person has to fill in before the revision can run."""

    message: str

    writes = False

    @property
    def shown(self) -> str:
        """What there is to fill in."""
        return self.message

    @property
    def script(self) -> str:
        """Nothing, since it is not finished."""
        raise OfflineError(self.message)


# Steps in groups that may share a transaction, and how the journal knows a group ------


def units(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """Yield the steps in groups that may share one transaction, in their order."""
    pending: list[Step] = []
    for step in steps:
        if pending and not step.joins(pending):
            yield pending
            pending = []
        pending.append(step)
    if pending:
        yield pending


def ordered(steps: Sequence[Step]) -> list[Step]:
    """Return the steps with each check ahead of the schema commands before it.

    What would be created only to be dropped again is not created at all.
    """
    result: list[Step] = []
    for step in steps:
        if isinstance(step, Drop) and (made := Create(step.element)) in result:
            result.remove(made)
        elif isinstance(step, Check):
            position = len(result)
            while position and isinstance(result[position - 1], SchemaStep):
                position -= 1
            result.insert(position, step)
        else:
            result.append(step)
    return result


def kind_of(unit: Sequence[Step]) -> str:
    """Return what a group of steps is, as the journal and messages name it."""
    return unit[0].kind_of_unit


def only_reads(unit: Sequence[Step]) -> bool:
    """Tell whether a group of steps has no effect: the journal leaves it out."""
    return not unit[0].is_recorded


def script_of(unit: Sequence[Step]) -> str:
    """Return the statements of a group of steps, each ended by a semicolon.

    Raises OfflineError for a step that can't be written down.
    """
    lines = [step.script for step in unit]
    if any(
        isinstance(step, Create) and isinstance(step.element, Index) for step in unit
    ):
        lines.append("CALL db.awaitIndexes();")
    return "\n".join(lines)


def identified(
    steps: Iterable[Step], *about: Any, touches: Callable[[], tuple[Name, ...]] = tuple
) -> Iterator[Step]:
    """Yield the steps of one change, each with its identity and the names it `touches`.

    That is what they are `about`, and which of its kind each one is: their Cypher may
    be another one in the next release.
    """
    seen: Counter[str] = Counter()
    text = ""
    for step in steps:
        if isinstance(step, Identified):
            kind, text = step.kind_of_unit, text or canonical_text(about)
            known_by = f"{kind} {seen[kind]} {text}"
            step = replace(step, identity=known_by, touches=touches())
            seen[kind] += 1
        yield step


def digest_of(unit: Sequence[Step]) -> str:
    """Return the identity of a group of steps."""
    return identity(*(step.recorded_as for step in unit))

"""What a revision does, event by event, as a replay shows it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from alembic_neo4j.cypher.change_steps import steps
from alembic_neo4j.cypher.lexer import Kind, classify, significant_tokens
from alembic_neo4j.cypher.steps import Batched, Run, SchemaStep, Step
from alembic_neo4j.cypher.touched_names import written_by
from alembic_neo4j.errors import StatementError
from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.changes.change import EVERYTHING, NOTHING, TouchedNames
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.known_names import Name


class Event(ABC):
    """Something that a revision does, and what whoever looks ahead knows of it."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """What it does to the data or the catalogue, in a few words."""

    @property
    @abstractmethod
    def writes(self) -> TouchedNames:
        """What of the data it may change, or what follows and depends on its rows."""

    @property
    @abstractmethod
    def touches_catalogue(self) -> bool:
        """Whether it may change the catalogue of indexes and constraints."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """What it asks of the server, unless it is opaque."""
        return ()

    @property
    def opaque(self) -> tuple[str, str] | None:
        """Where its steps are not known, its kind in a plan, and what it is."""
        return None

    @property
    def ends_buffer(self) -> bool:
        """Whether what was called before it runs by then, and it runs at once."""
        return self.opaque is not None


@dataclass(frozen=True)
class ChangeEvent(Event):
    """A change that a revision makes, with the schema before it."""

    change: Change
    before: Schema
    revision: str

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the change, the same ones for all who look at it."""
        return tuple(steps(self.change, self.before, revision=self.revision))

    @property
    def summary(self) -> str:
        """The first step that changes the data, empty where none does."""
        writing = (
            step
            for step in self.steps
            if step.writes
            and not isinstance(step, SchemaStep)
            and not (isinstance(step, Batched) and step.only_marks)
        )
        return next((step.shown for step in writing), "")

    @property
    def writes(self) -> TouchedNames:
        """What the change says, where it has steps that do so."""
        return self.change.writes(self.before) if self.summary else NOTHING

    @property
    def touches_catalogue(self) -> bool:
        """Whether a step changes it."""
        return any(isinstance(step, SchemaStep) for step in self.steps)


@dataclass(frozen=True)
class StatementEvent(Event):
    """Raw Cypher of a revision; `answers` tells whether its rows go back to it.

    `autocommit` says that it is in an autocommit block, `place` where it is written
    when that is a file of its own.
    """

    text: str
    answers: bool
    autocommit: bool = False
    place: str = ""

    @cached_property
    def run(self) -> Run:
        """The statement; one that can't be read may do anything to the data."""
        kind = Kind.DATA if self._problem else classify(self.text)
        run = Run(self.text, kind, place=self.place)
        return run.by_itself if self.autocommit else run

    @cached_property
    def _problem(self) -> str:
        try:
            classify(self.text)
        except StatementError as error:
            return str(error)
        return ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The statement, if it can be read."""
        return () if self._problem else (self.run,)

    @property
    def opaque(self) -> tuple[str, str] | None:
        """Why it can't be read."""
        return ("unknown", self._problem) if self._problem else None

    @property
    def ends_buffer(self) -> bool:
        """Whether it runs at once."""
        return self.answers or bool(self._problem)

    @property
    def summary(self) -> str:
        """Its first line, and that what follows depends on it."""
        shown = self.run.shown
        if len(shown) > _LONGEST:
            shown = f"{shown[:_LONGEST]}…"
        return f"what depends on the rows of {shown}" if self._decides else shown

    @property
    def writes(self) -> TouchedNames:
        """What is named in its text."""
        return EVERYTHING if self._decides else written_by(self.text)

    @property
    def touches_catalogue(self) -> bool:
        """Whether its kind may change it, or it calls what may do anything."""
        if self._problem or self._decides:
            return True
        kind = classify(self.text)
        called = kind is Kind.DATA and "CALL" in self._words
        return called or kind in (Kind.SCHEMA, Kind.AUTOCOMMIT)

    @property
    def _decides(self) -> bool:
        """Whether what follows may depend on its rows: a replay has seen none."""
        return self.answers and bool(self._words & _ANSWERING)

    @cached_property
    def _words(self) -> set[str]:
        if self._problem:
            return set()
        return {token.keyword for token in significant_tokens(self.text)}


_LONGEST = 100
"""How much is shown of a statement that makes something else uncertain."""

_ANSWERING = {"CALL", "RETURN", "SHOW", "YIELD"}
"""The words without one of which a statement gives no rows."""


@dataclass(frozen=True)
class LedgerEvent(Event):
    """What a revision does to the ledger's database, in a few words."""

    text: str
    writes, touches_catalogue = NOTHING, False

    @property
    def summary(self) -> str:
        """What it does."""
        return self.text

    @property
    def opaque(self) -> tuple[str, str]:
        """What it does."""
        return "ledger", self.text


@dataclass(frozen=True)
class BatchEvent(Event):
    """Data that a revision loads in batches, or takes back, in a few words.

    `names` are those that have to be known to `schema`, the history's at that point.
    `problem` says which of its rows holds what no property can, as far as a replay has
    the rows. `sought` are the names of what it takes back, `made` of what it loads,
    None where a replay does not show that; `writes` is what of the data it changes.
    """

    text: str
    names: tuple[Name, ...] = ()
    schema: Schema = field(default_factory=Schema, repr=False)
    problem: str = ""
    sought: tuple[Name, ...] = ()
    made: tuple[Name, ...] | None = ()
    writes: TouchedNames = EVERYTHING
    touches_catalogue = False

    @property
    def summary(self) -> str:
        """What it loads or takes back."""
        return self.text

    @property
    def opaque(self) -> tuple[str, str]:
        """What it loads or takes back: how many units that is, is not known."""
        return "load", self.text


@dataclass(frozen=True)
class FileEvent(Event):
    """What a revision does to files of the project, in a few words.

    `unit` is its identity; `diff` shows the lines that become others, as far as files
    as they are now tell.
    """

    text: str
    unit: str
    diff: str = ""
    writes, touches_catalogue = NOTHING, False

    @property
    def summary(self) -> str:
        """What it does."""
        return self.text

    @property
    def opaque(self) -> tuple[str, str]:
        """What it does: it asks nothing of the server."""
        return "file", self.text


@dataclass(frozen=True)
class FileReadEvent(Event):
    """A file that a revision reads.

    What it holds `decides` what follows, unless a replay that has read it is the same
    as one that has not.
    """

    path: str
    decides: bool = True

    @property
    def writes(self) -> TouchedNames:
        """What follows may be anything, where it decides."""
        return EVERYTHING if self.decides else NOTHING

    @property
    def touches_catalogue(self) -> bool:
        """What follows may do that, where it decides."""
        return self.decides

    @property
    def summary(self) -> str:
        """That what follows depends on it."""
        return f"what depends on what {self.path} holds"


@dataclass(frozen=True)
class UnseenEvent(Event):
    """From here on the revision may do what its replay does not show.

    It asked whether it is replayed, or did what is no change of the schema.
    """

    writes, touches_catalogue = EVERYTHING, True
    summary = "what it does from here on shows only when it runs"

    @property
    def opaque(self) -> tuple[str, str]:
        """It may do anything."""
        return "unknown", self.summary


@dataclass(frozen=True)
class Recording:
    """What a revision did, in the order in which it did it.

    `batches` are those that it loads into, the first of them in front. Where it is
    downgraded, `undone` are the changes that its upgrade makes, and `loaded` its
    batches. `places` tells where each change is written, `lines` where each event is in
    its file, None for one that is not there. `changed_files` is what the upgrade of one
    that is downgraded does to files.
    """

    events: tuple[Event, ...]
    after: Schema
    batches: tuple[str, ...] = ()
    undone: tuple[Change, ...] = ()
    loaded: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    lines: tuple[int | None, ...] = ()
    changed_files: tuple[str, ...] = ()

    @property
    def schemas(self) -> Iterator[tuple[Schema, str]]:
        """The schema after each change, and where that is written."""
        befores = [event.before for event in self.changes[1:]]
        return zip([*befores, self.after], self.places, strict=False)

    @property
    def changes(self) -> tuple[ChangeEvent, ...]:
        """Its changes of the schema, each with the schema before."""
        return tuple(event for event in self.events if isinstance(event, ChangeEvent))

"""What stands in the way of a run: judged before its first write, all of it at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from alembic_neo4j.checks.foresight import (
    OpenQuestion,
    Question,
    RevisionForesight,
    Writer,
)
from alembic_neo4j.cypher.catalogue import Catalogue, same_definition
from alembic_neo4j.cypher.ddl import create_text, drop_text
from alembic_neo4j.cypher.events import ChangeEvent
from alembic_neo4j.cypher.steps import (
    Batched,
    Create,
    Merge,
    SchemaStep,
    Step,
    ordered,
)
from alembic_neo4j.schema.changes import Change, Refactoring
from alembic_neo4j.schema.definitions import Element, EntityType, described


@dataclass(frozen=True)
class Obstacle:
    """One thing that stands in the way of a revision, and what to do about it.

    One that is `conditional` does so where the revision turns out to be applicable.
    """

    revision: str
    expected: str
    found: tuple[str, ...]
    advice: str
    conditional: bool = False


def changes_catalogue(run: Sequence[RevisionForesight]) -> bool:
    """Tell whether there is anything for `obstacles_in_catalogue` to judge."""
    return any(True for _ in _schema_steps(run))


def obstacles_in_catalogue(
    run: Sequence[RevisionForesight], catalogue: Catalogue
) -> list[Obstacle]:
    """Return which creations and drops of a run the server is going to refuse.

    Each is judged with those before it done. What comes after a statement that may do
    anything to the catalogue is not judged.
    """
    standing = _Standing(catalogue)
    return [
        Obstacle(revision, reason[0], (reason[1],), reason[2])
        for revision, step in _schema_steps(run)
        if (reason := standing.after(step)) is not None
    ]


def not_known_of_catalogue(run: Sequence[RevisionForesight]) -> Iterator[OpenQuestion]:
    """Yield the creations and drops that come after such a statement."""
    writer: Writer | None = None
    for revision in run:
        for event in revision.events:
            if not isinstance(event, ChangeEvent) and event.touches_catalogue:
                writer = Writer(revision.revision, event.summary)
            for step in event.steps:
                if writer is not None and isinstance(step, SchemaStep):
                    yield OpenQuestion(revision.revision, _expected(step), writer)


def _expected(step: SchemaStep) -> str:
    done = "created" if isinstance(step, Create) else "dropped"
    return f"{described(step.element)} can be {done}"


def obstacle_in_data(
    question: Question, rows: Sequence[Mapping[str, Any]]
) -> Obstacle | None:
    """Return what the rows that answer a question say, None where there are none."""
    if not rows:
        return None
    check = question.check
    found = tuple(
        f"{_shortened(row['value'])}: {row['count']:,}, such as {', '.join(row['ids'])}"
        for row in rows
    )
    return Obstacle(question.revision, check.expected, found, check.advice)


def unanswered(question: Question, message: str) -> Obstacle:
    """Return what the server said that can't make sense of a question."""
    return Obstacle(
        question.revision,
        question.check.expected,
        (f"the server can't tell: {message}",),
        "Mend the expression that the revision gives.",
    )


def expressions(run: Sequence[RevisionForesight]) -> Iterator[tuple[str, str, str]]:
    """Yield the queries that a person's expressions are in, which no check tries.

    Each comes with its revision, and with what it is a part of.
    """
    for revision in run:
        for event in revision.events:
            if isinstance(event, ChangeEvent) and _is_given(event.change):
                for step in event.steps:
                    if isinstance(step, Batched):
                        yield revision.revision, step.title, step.write
                    elif isinstance(step, Merge):
                        yield revision.revision, step.title, step.groups


def _is_given(change: Change) -> bool:
    given = getattr(change, "where", None) is not None
    return given or isinstance(change, Refactoring)


def not_understood(revision: str, title: str, message: str) -> Obstacle:
    """Return what the server said of a query that it can't make sense of."""
    return Obstacle(
        revision,
        f"Cypher that the server understands, to {title}",
        (message,),
        "Mend the expression that the revision gives.",
    )


def report(
    obstacles: Iterable[Obstacle],
    run: Sequence[RevisionForesight],
    not_known: Sequence[OpenQuestion] = (),
) -> str:
    """Return all obstacles in words, in the order of the revisions.

    What is not known before its place is told after them.
    """
    order = [revision.revision for revision in run]
    ranked = sorted(obstacles, key=lambda o: order.index(o.revision))
    counted = f"{len(ranked)} things stand" if len(ranked) > 1 else "one thing stands"
    revisions = f"revisions {order[0]} to {order[-1]}"
    if len(order) == 1:
        revisions = f"revision {order[0]}"
    lines = [f"{counted} in the way of {revisions}; nothing of that has run:"]
    for obstacle in ranked:
        lines += _lines(obstacle)
    return "\n".join([*lines, *not_known_lines(not_known)])


def not_known_lines(not_known: Iterable[OpenQuestion]) -> Iterator[str]:
    """Yield what can't be told before some step has run, under that step."""
    by_step: dict[Writer, list[OpenQuestion]] = {}
    for one in not_known:
        by_step.setdefault(one.before, []).append(one)
    for step, of_it in by_step.items():
        yield f"not known before {step}; checked in its place:"
        yield from (f"  {one.revision}: expected: {one.expected}" for one in of_it)


def conditional_lines(obstacles: Iterable[Obstacle]) -> Iterator[str]:
    """Yield what stands in the way of revisions if they turn out to be applicable."""
    for obstacle in obstacles:
        yield f"in the way of {obstacle.revision}, if it applies:"
        yield from _lines(obstacle)


def _lines(obstacle: Obstacle) -> Iterator[str]:
    yield f"  {obstacle.revision}: expected: {obstacle.expected}"
    labels = ["found: ", *["       "] * (len(obstacle.found) - 1)]
    for label, found in zip(labels, obstacle.found, strict=True):
        yield f"    {label}{found}"
    yield f"    to do: {obstacle.advice}"


_LONGEST = 100


def _shortened(value: Any) -> str:
    shown = "no value" if value is None else repr(value)
    if len(shown) <= _LONGEST:
        return shown
    return f"{shown[:_LONGEST]}… ({len(shown):,} characters)"


# Indexes and constraints -------------------------------------------------------------

_Reason: TypeAlias = "tuple[str, str, str]"
"""What was expected, what was found, and what to do."""

_Place: TypeAlias = "tuple[EntityType, tuple[str, ...], tuple[str, ...]]"


def _schema_steps(run: Sequence[RevisionForesight]) -> Iterator[tuple[str, SchemaStep]]:
    for revision in run:
        steps: list[Step] = []
        seen = True
        for event in revision.events:
            if isinstance(event, ChangeEvent):
                steps += event.steps
            elif event.touches_catalogue:
                seen = False
                break
        # What is created only to be dropped again is not created at all.
        for step in ordered(steps):
            if isinstance(step, SchemaStep):
                yield revision.revision, step
        if not seen:
            return


class _Standing:
    """The indexes and constraints that there are, from one step to the next."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._by_key: dict[Any, Element] = {}
        self._by_name: dict[str, Element] = {}
        self._by_place: dict[_Place, Element] = {}
        for element in catalogue.schema.elements.values():
            self._add(element)

    def after(self, step: SchemaStep) -> _Reason | None:
        """Go on to what there is after a step; return why the server refuses it."""
        element = step.element
        if isinstance(step, Create):
            reason = self._not_created(step)
            self._add(element)
            return reason
        twin = self._by_key.get(element.key)
        if twin is None:
            return self._not_dropped(step)
        self._remove(twin)
        return None

    def _add(self, element: Element) -> None:
        self._by_key[element.key] = element
        self._by_name[element.name] = element
        if element.kind.traits.exclusive:
            self._by_place[_place(element)] = element

    def _remove(self, element: Element) -> None:
        del self._by_key[element.key]
        if self._by_name.get(element.name) is element:
            del self._by_name[element.name]
        if self._by_place.get(_place(element)) is element:
            del self._by_place[_place(element)]

    def _not_created(self, step: Create) -> _Reason | None:
        found = self._in_its_place(step.element)
        if found is None:
            return None
        return (_expected(step), *found)

    def _in_its_place(self, element: Element) -> tuple[str, str] | None:
        """Return what is there instead of an element, and what to do about it."""
        twin = self._by_key.get(element.key)
        if twin is not None and not _may_have_a_twin(element):
            return self._as_twin(element, twin)
        other = self._by_name.get(element.name)
        if other is not None:
            found = f"its name is taken by {described(other)}"
            return found, f"Run {drop_text(other)}; or choose another name"
        unknown = self._catalogue.unreadable.get(element.name)
        if unknown is not None:
            return f"its name is taken by {unknown}", "Choose another name"
        beside = self._by_place.get(_place(element))
        if beside is not None and element.kind.traits.exclusive:
            found = f"{described(beside)} has the one index that Neo4j keeps there"
            return found, f"Run {drop_text(beside)}"
        return None

    def _as_twin(self, element: Element, twin: Element) -> tuple[str, str]:
        drop = f"Run {drop_text(twin)}"
        settings = self._catalogue.settings.get(twin.name)
        if same_definition(element, twin, settings=settings):
            other = "" if twin.name == element.name else f", as {described(twin)}"
            found = f"the graph has it already{other}"
            return found, f"{drop}; or stamp the revision, where it makes nothing else"
        return f"{described(twin)} is there, with other settings", drop

    def _not_dropped(self, step: SchemaStep) -> _Reason:
        element = step.element
        found = "the graph does not have it"
        drop = ""
        other = self._by_name.get(element.name) or self._by_place.get(_place(element))
        if other is not None:
            held = "name" if other.name == element.name else "place"
            found += f"; {described(other)} has its {held}"
            drop = f"{drop_text(other)} and "
        return (
            _expected(step),
            found,
            "The graph was changed outside of the history. To put it back, run "
            f"{drop}{create_text(element)}",
        )


def _place(element: Element) -> _Place:
    return (element.entity, element.labels, element.properties)


def _may_have_a_twin(element: Element) -> bool:
    # The server tells A|B from B|A, what it shows is read as the same.
    several = len(element.labels) > 1 or len(element.properties) > 1
    return element.kind.traits.covers_any and several

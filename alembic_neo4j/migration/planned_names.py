"""Judging the labels, types and rows of a plan before its first write.

A misspelt label of a load gives nodes that nobody finds, one of a refactoring finds
none and changes nothing. What is written needs a model at that point of the history;
what is only looked for may be left over from one that was removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from alembic.runtime.migration import RevisionStep, StampStep

from alembic_neo4j.errors import CheckFailed
from alembic_neo4j.migration.plan import PlannedStep, plan
from alembic_neo4j.migration.replay import History, Loading, Recording
from alembic_neo4j.schema.changes import Refactoring
from alembic_neo4j.schema.elements import Schema
from alembic_neo4j.schema.known_names import ALLOW, KnownNames


def checked_plan(
    steps: Sequence[RevisionStep | StampStep], heads: Sequence[str], history: History
) -> list[PlannedStep]:
    """Return the plan of some steps; raises what `plan` and `check_plan` raise."""
    planned = plan(steps, heads, history)
    check_plan(planned, history, heads)
    return planned


def check_plan(
    planned: Sequence[PlannedStep], history: History, heads: Iterable[str]
) -> None:
    """Raise CheckFailed for names that no model has and rows that can't be stored."""
    check_names(planned, history, heads)
    check_rows(planned)


def check_rows(planned: Sequence[PlannedStep]) -> None:
    """Raise CheckFailed with the loads of a plan that hold what no property can.

    Rows that come from reads, or only once, are judged when they are loaded.
    """
    found = [
        f"  {item.script.revision}: {event.text}: {event.problem}"
        for item in planned
        for event in item.recording.events
        if isinstance(event, Loading) and event.problem
    ]
    if found:
        lines = "\n".join(found)
        raise CheckFailed(f"rows can't be loaded; nothing has run:\n{lines}")


def check_names(
    planned: Sequence[PlannedStep], history: History, heads: Iterable[str]
) -> None:
    """Raise CheckFailed with all names of a plan that its history does not know.

    `heads` are the applied ones. What the replay of a revision does not show is judged
    when it runs.
    """
    ever = _Ever(history, tuple(heads), planned)
    found = [
        f"  {item.script.revision}: {problem}"
        for item in planned
        for problem in _problems(item, ever)
    ]
    if found:
        lines = "\n".join(dict.fromkeys(found))
        raise CheckFailed(
            f"revisions name what no model has; nothing has run:\n{lines}\n{ALLOW}"
        )


class _Ever:
    """The names that any schema of the history has had, looked up when they matter."""

    def __init__(
        self, history: History, heads: tuple[str, ...], planned: Sequence[PlannedStep]
    ) -> None:
        self._history = history
        self._heads = heads
        self._planned = planned
        self._names: KnownNames | None = None

    @property
    def names(self) -> KnownNames:
        """All of them."""
        if self._names is None:
            recordings = [r for _, r in self._history.walk(self._heads)]
            recordings += [item.recording for item in self._planned]
            self._names = KnownNames.of(*(s for r in recordings for s in _schemas(r)))
        return self._names


def _problems(item: PlannedStep, ever: _Ever) -> Iterator[str]:
    for event in item.recording.events:
        if isinstance(event, Loading):
            found = KnownNames.of(event.schema).unknown(event.names)
            yield from (f"{event.text}: {one}" for one in found)
        elif isinstance(event, tuple):
            change, before = event
            if isinstance(change, Refactoring) and not change.allow_unknown:
                yield from _of_refactoring(change, before, item.recording, ever)


def _of_refactoring(
    change: Refactoring, before: Schema, recording: Recording, ever: _Ever
) -> Iterator[str]:
    here = KnownNames.of(before, *_schemas(recording))
    found = list(here.unknown(change.written))
    if any(here.unknown(change.sought)):
        found += ever.names.unknown(change.sought)
    yield from (f"op.{change.operation}: {one}" for one in dict.fromkeys(found))


def _schemas(recording: Recording) -> list[Schema]:
    return [*(before for _, before in recording.changes), recording.after]

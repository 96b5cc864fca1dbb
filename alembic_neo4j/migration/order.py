"""The order of a run's steps: by the history, then by the priorities of revisions."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from alembic.runtime.migration import RevisionStep, StampStep
from alembic.script import Script
from packaging.version import Version

from alembic_neo4j.ledger.journal import OpenRun
from alembic_neo4j.migration.declarations import priority, version_range

Step: TypeAlias = "RevisionStep | StampStep"

_LOWEST = Version("0.dev0")


def by_priority(
    steps: Sequence[Step], open_run: Callable[[], OpenRun | None]
) -> list[Step]:
    """Return Alembic's steps in the order in which they run.

    A revision comes after those that it builds on. Among independent ones the lower
    priority runs first, then the lower ``from_version``, then what Alembic has first;
    a downgrade goes the other way round. What is left of an open run comes first, in
    the order in which it was begun.
    """
    revisions = [step for step in steps if isinstance(step, RevisionStep)]
    if len(revisions) < 2 or len(revisions) != len(steps):
        return list(steps)
    if revisions[0].is_upgrade:
        found = list(_ordered(revisions))
    else:
        found = list(_ordered(revisions[::-1]))[::-1]
    begun = open_run()
    return [*(_begun_first(found, begun) if begun else found)]


def urgency(script: Script) -> tuple[int, Version]:
    """Return what is lower for one of two independent revisions that runs first."""
    return priority(script), version_range(script).first or _LOWEST


def _ordered(steps: Sequence[RevisionStep]) -> Iterator[RevisionStep]:
    """Yield steps from the base on; they are given in an order that is possible."""
    places = {step.revision.revision: place for place, step in enumerate(steps)}
    keys = [(*urgency(step.revision), place) for place, step in enumerate(steps)]
    waiting = [0] * len(steps)
    above: list[list[int]] = [[] for _ in steps]
    for place, step in enumerate(steps):
        for name in _parents(step):
            if name in places:
                waiting[place] += 1
                above[places[name]].append(place)
    ready = [keys[place] for place, count in enumerate(waiting) if not count]
    heapq.heapify(ready)
    while ready:
        place = heapq.heappop(ready)[-1]
        yield steps[place]
        for one in above[place]:
            waiting[one] -= 1
            if not waiting[one]:
                heapq.heappush(ready, keys[one])


def _begun_first(
    steps: list[RevisionStep], open_run: OpenRun
) -> Sequence[RevisionStep]:
    by_name = {step.revision.revision: step for step in steps}
    begun = [by_name.pop(one.subject, None) for one in open_run.steps]
    found = [*(step for step in begun if step is not None), *by_name.values()]
    # Where a file was edited so that it is not, that is told by other means.
    return found if _is_possible(found) else steps


def _is_possible(steps: Sequence[RevisionStep]) -> bool:
    in_order = steps if steps[0].is_upgrade else steps[::-1]
    names = {step.revision.revision for step in steps}
    done: set[str] = set()
    for step in in_order:
        if any(name in names - done for name in _parents(step)):
            return False
        done.add(step.revision.revision)
    return True


def _parents(step: RevisionStep) -> tuple[str, ...]:
    """Return what a revision builds on, that which it depends on too."""
    return step.from_revisions if step.is_upgrade else step.to_revisions


def contradictions(steps: Sequence[Step]) -> list[str]:
    """Return where a revision has a lower priority than one that it builds on.

    The history wins, so that the priority has no effect there.
    """
    revisions = [step for step in steps if isinstance(step, RevisionStep)]
    scripts = {step.revision.revision: step.revision for step in revisions}
    found = []
    for step in revisions:
        for name in _parents(step):
            below = scripts.get(name)
            if below is not None and priority(step.revision) < priority(below):
                found.append(_contradiction(step.revision, below))
    return found


def _contradiction(script: Script, below: Script) -> str:
    return (
        f"revision {script.revision} has the priority {priority(script)} and builds on "
        f"{below.revision}, which has {priority(below)}: it runs after that all the "
        "same. Give it a priority that is not lower, or have it build on another "
        "revision"
    )

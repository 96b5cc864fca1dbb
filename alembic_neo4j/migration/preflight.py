"""Asking the graph, before the first write of a run, what stands in its way."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from alembic_neo4j.checks.foresight import (
    Carried,
    OpenQuestion,
    Question,
    RevisionForesight,
    foresight,
    wanted,
)
from alembic_neo4j.checks.preflight import (
    Obstacle,
    changes_catalogue,
    conditional_lines,
    expressions,
    not_known_lines,
    not_known_of_catalogue,
    not_understood,
    obstacle_in_data,
    obstacles_in_catalogue,
    report,
    unanswered,
)
from alembic_neo4j.errors import CheckFailed
from alembic_neo4j.graph.connection import Graph, ServerRefused
from alembic_neo4j.graph.data_survey import carried_names, found_large, names_in_use
from alembic_neo4j.graph.schema_commands import live_catalogue
from alembic_neo4j.migration.plan import PlannedStep
from alembic_neo4j.schema.changes.change import EVERYTHING, TouchedNames
from alembic_neo4j.waiting import waiting_for

log = logging.getLogger(__name__)


def preflight(
    graph: Graph, planned: Sequence[PlannedStep], *, rules: bool = True
) -> None:
    """Raise CheckFailed with all that stands in the way of a run, if anything does.

    The graph has to be as the first step is going to find it, and is only read. What
    an earlier step may change is left to the check that runs just before its own step,
    and the log names it. What stands in the way of a revision that asks whether it
    applies is told, and refuses nothing.
    """
    run = foreseen(planned, rules=rules)
    obstacles, not_known = find_obstacles(graph, run, taken_away(graph, run))
    certain = [one for one in obstacles if not one.conditional]
    if certain:
        raise CheckFailed(report(certain, run, not_known))
    for line in conditional_lines(obstacles):
        log.warning("%s", line)
    for line in not_known_lines(not_known):
        log.info("%s", line)


def taken_away(graph: Graph, run: Sequence[RevisionForesight]) -> Carried:
    """Return what nodes have that a run takes away, as far as that can be told."""
    carried: dict[frozenset[str], TouchedNames] = {}
    while names := wanted(run, carried):
        for labels in names:
            carried[labels] = _carried(graph, labels)
    return carried


def _carried(graph: Graph, names: frozenset[str]) -> TouchedNames:
    try:
        with waiting_for(f"what the nodes of {', '.join(sorted(names))} have"):
            return carried_names(graph, names)
    except ServerRefused as error:
        # Forbidden, say; then it may be anything.
        log.info("What goes with %s is not known: %s", ", ".join(names), error)
        return EVERYTHING


def find_obstacles(
    graph: Graph, run: Sequence[RevisionForesight], carried: Carried
) -> tuple[list[Obstacle], list[OpenQuestion]]:
    """Return all that stands in the way of a run, which nothing has begun yet.

    The second is what can't be told before some step of the run has been done, where
    nodes that go have what is `carried`.
    """
    asked, not_known = foresight(run, carried)
    obstacles = [
        *_in_catalogue(graph, run),
        *_in_expressions(graph, run),
        *_in_data(graph, asked),
    ]
    conditional = {one.revision for one in run if one.conditional}
    obstacles = [
        replace(obstacle, conditional=obstacle.revision in conditional)
        for obstacle in obstacles
    ]
    return obstacles, [*not_known_of_catalogue(run), *not_known]


def foreseen(
    planned: Sequence[PlannedStep], *, rules: bool = True
) -> list[RevisionForesight]:
    """Return what the revisions are going to do.

    The rules that only the models have stand in the way of an upgrade, unless `rules`
    says otherwise; a downgrade tells of them when it comes to them.
    """
    return [
        RevisionForesight(
            item.script.revision,
            item.recording.events,
            rules=rules and item.step.is_upgrade,
            conditional=item.asks,
        )
        for item in planned
    ]


def _in_catalogue(graph: Graph, run: Sequence[RevisionForesight]) -> list[Obstacle]:
    if not changes_catalogue(run):
        return []
    return obstacles_in_catalogue(run, live_catalogue(graph))


def _in_expressions(
    graph: Graph, run: Sequence[RevisionForesight]
) -> Iterator[Obstacle]:
    for revision, title, text in expressions(run):
        try:
            graph.read(f"EXPLAIN {text}")
        except ServerRefused as error:
            if error.code == "Neo.ClientError.Statement.SyntaxError":
                yield not_understood(revision, title, error.server_message)


def _in_data(graph: Graph, questions: list[Question]) -> list[Obstacle]:
    asked = _promising(graph, questions)
    answered = [
        _answered(graph, question, f"{i} of {len(asked)}")
        for i, question in enumerate(asked, start=1)
    ]
    return [obstacle for obstacle in answered if obstacle is not None]


def _promising(graph: Graph, asked: list[Question]) -> list[Question]:
    """Return those of the questions that the graph can have an answer to."""
    if not asked:
        return []
    try:
        in_use = names_in_use(graph)
        there = [
            question
            for question in asked
            if question.names is None
            or not question.names.isdisjoint(in_use[question.entity])
        ]
        large = frozenset(found_large(graph, [q.large for q in there if q.large]))
    except ServerRefused as error:
        # Forbidden, say; it only saves time.
        log.info("Every check is asked, needed or not: %s", error)
        return asked
    return [q for q in there if q.large is None or q.large in large]


def _answered(graph: Graph, question: Question, place: str) -> Obstacle | None:
    check = question.check
    try:
        with waiting_for(f"check {place}: {check.expected}"):
            rows = graph.read(check.query, check.parameters)
    except ServerRefused as error:
        if error.code.startswith("Neo.ClientError.Statement."):
            return unanswered(question, str(error))
        # Out of memory, say. The check runs in its place, with no way around it.
        log.info("Not checked beforehand: %s: %s", check.expected, error)
        return None
    return obstacle_in_data(question, rows)

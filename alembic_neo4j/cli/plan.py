"""``alembic-neo4j plan``: what an upgrade or a downgrade would do."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.checks.foresight import OpenQuestion
from alembic_neo4j.checks.history import shown_heads
from alembic_neo4j.checks.plan import (
    NOT_ASKED,
    Condition,
    RevisionPlan,
    RunPlan,
    UnitPlan,
)
from alembic_neo4j.checks.preflight import Obstacle, not_known_lines
from alembic_neo4j.cli.project import (
    format_option,
    print_json,
    project_options,
    type_option,
)
from alembic_neo4j.cli.status import begun
from alembic_neo4j.ledger.journal import DONE

if TYPE_CHECKING:
    from alembic.config import Config


# What a plan shows: its lines for a person, and its object for a program --------------


def plan_report(plan: RunPlan) -> dict[str, Any]:
    """Return the plan for JSON: every key is there, whatever was found."""
    run = plan.open_run
    return {
        "heads": sorted(plan.heads),
        "open_run": run
        and {"begun_at": begun(run).isoformat(), "begun_by": run.begun_by},
        "revisions": [_revision(revision) for revision in plan.revisions],
        "refusals": [
            {"code": refusal.code, "message": refusal.message}
            for refusal in plan.refusals
        ],
        "obstacles": [_obstacle(obstacle) for obstacle in plan.obstacles],
        "warnings": list(plan.warnings),
        "not_known": [_not_known(one) for one in plan.not_known],
        "server": str(plan.server) if plan.server else None,
        "lock": {"holder": plan.holder} if plan.holder else None,
        "unchecked": [
            {"area": part.area, "reason": part.reason} for part in plan.unchecked
        ],
    }


def _revision(revision: RevisionPlan) -> dict[str, Any]:
    return {
        "revision": revision.revision,
        "message": revision.message,
        "direction": revision.direction,
        "path": revision.path,
        "rollback_safe": revision.rollback_safe,
        "resumed": revision.resumed,
        "versions": revision.condition.versions or None,
        "passed_over": revision.condition.passed_over or None,
        "asks": revision.condition.asks,
        "units": [
            {
                "kind": unit.kind,
                "texts": list(unit.texts),
                "position": unit.position,
                "state": unit.state or None,
                "count": unit.count,
                "unknown": unit.unknown or None,
                "diff": unit.diff or None,
            }
            for unit in revision.units
        ],
    }


def _obstacle(obstacle: Obstacle) -> dict[str, Any]:
    return {
        "revision": obstacle.revision,
        "expected": obstacle.expected,
        "found": list(obstacle.found),
        "advice": obstacle.advice,
        "conditional": obstacle.conditional,
    }


def _not_known(one: OpenQuestion) -> dict[str, Any]:
    return {
        "revision": one.revision,
        "expected": one.expected,
        "before": {"revision": one.before.revision, "step": one.before.text},
    }


# Text --------------------------------------------------------------------------------


def plan_lines(plan: RunPlan) -> Iterator[str]:
    """Yield the lines for a person; where they are many, what is in them goes first."""
    lines = list(_lines(plan))
    if len(lines) > _SCREEN:
        yield f"{_outline(plan)}:"
    yield from lines


_SCREEN = 20
"""From how many lines on a plan has its summary above it as well."""


def _outline(plan: RunPlan) -> str:
    kinds = Counter(unit.kind for one in plan.revisions for unit in one.units)
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"{_summary(plan).removesuffix('.')} ({counted})"


def _lines(plan: RunPlan) -> Iterator[str]:
    if plan.open_run:
        run = plan.open_run
        yield (
            f"It goes on with the run of {begun(run):%Y-%m-%d %H:%M} UTC by "
            f"{run.begun_by}; what that has done is not done again."
        )
    for revision in plan.revisions:
        yield from _revision_lines(revision)
    for obstacle in plan.obstacles:
        yield from _obstacle_lines(obstacle)
    yield from not_known_lines(plan.not_known)
    for refusal in plan.refusals:
        yield f"refused ({refusal.code}): {refusal.message}"
    for warning in plan.warnings:
        yield f"Warning: {warning}"
    for part in plan.unchecked:
        yield f"Not checked: {part.area}: {part.reason}"
    if plan.holder:
        yield f"Another command has the lock and may change this: {plan.holder}"
    yield _summary(plan)


def _revision_lines(revision: RevisionPlan) -> Iterator[str]:
    yield revision.title
    yield from (f"       {line}" for line in _condition_lines(revision.condition))
    for unit in revision.units:
        first, *others = unit.texts
        yield f"  {unit.position or '-':>3}  {unit.kind:<11}{first}{_effect(unit)}"
        for text in (*others, *unit.diff.splitlines()):
            yield f"{'':18}{text}"
    if not revision.units and not revision.condition.passed_over:
        yield "       nothing in the graph changes"
    if not revision.rollback_safe:
        yield "       it can't be undone (rollback_safe = False)"


def _condition_lines(condition: Condition) -> Iterator[str]:
    if condition.passed_over:
        yield f"it is passed over: {condition.passed_over}"
    elif condition.versions:
        asked = "" if condition.asked else ", which is not asked: it is not set"
        yield f"it is for neo4j.app_version {condition.versions}{asked}"
    if condition.asks:
        yield "check_applicable() is asked in its turn; if it applies:"


def _effect(unit: UnitPlan) -> str:
    state = ""
    if unit.state:
        state = " (done)" if unit.state == DONE else " (begun)"
    if unit.count is not None:
        return f"{state}: {unit.count:,} to change"
    if unit.unknown in ("", NOT_ASKED):
        return state
    return f"{state}: not known {unit.unknown}"


def _obstacle_lines(obstacle: Obstacle) -> Iterator[str]:
    applies = ", if it applies" if obstacle.conditional else ""
    yield f"in the way of {obstacle.revision}{applies}: expected: {obstacle.expected}"
    for number, found in enumerate(obstacle.found):
        yield f"  {'found: ' if number == 0 else '       '}{found}"
    yield f"  to do: {obstacle.advice}"


def _summary(plan: RunPlan) -> str:
    units = sum(len(revision.units) for revision in plan.revisions)
    if not plan.revisions:
        summary = f"Nothing to do: the ledger is at {shown_heads(plan.heads)}"
    else:
        summary = (
            f"{_number(len(plan.revisions), 'revision')}, {_number(units, 'unit')}"
        )
    if plan.hindrances:
        summary += f"; {_number(plan.hindrances, 'thing')} in the way"
    if plan.server is None:
        summary += "; the graph was not asked"
    return f"{summary}."


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


# ``alembic-neo4j plan``: what an upgrade or a downgrade would do ----------------------


@click.command()
@click.argument("target", required=False)
@project_options
@click.option(
    "--down",
    metavar="TARGET",
    help="Plan the downgrade to this revision in place of an upgrade.",
)
@type_option
@click.option(
    "--no-counts",
    is_flag=True,
    help="Leave the graph alone: no counts, and nothing that only it can tell.",
)
@format_option
def plan(
    config: Config,
    target: str | None,
    down: str | None,
    kind: str | None,
    no_counts: bool,
    as_json: bool,
) -> None:
    """Show what an upgrade to TARGET (default head) would do, and do nothing.

    TARGET is what `alembic upgrade` takes, relative ones such as +1 included. What an
    open run has done already is marked. Exit status 0 where there is nothing to do, 1
    where there is or something stands in its way, 2 where the plan can't be made or
    the graph not be reached.
    """
    from alembic_neo4j.command.plan import read_plan, read_plan_of_type

    if sum(given is not None for given in (target, down, kind)) > 1:
        raise click.UsageError(
            "Give one target: TARGET, or --down TARGET, or --type TYPE."
        )

    ask = not no_counts
    if kind is not None:
        found = read_plan_of_type(config, kind, ask=ask)
    else:
        to = down or target or "head"
        found = read_plan(config, to, down=down is not None, ask=ask)
    if as_json:
        print_json(plan_report(found))
    else:
        for line in plan_lines(found):
            click.echo(line)
    if found.unchecked:
        sys.exit(2)
    sys.exit(0 if found.is_empty else 1)

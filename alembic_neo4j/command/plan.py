"""Looking at what an upgrade or a downgrade would do, before it does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import RevisionStep, StampStep

from alembic_neo4j.checks.evidence import UncheckedArea
from alembic_neo4j.checks.foresight import Carried, Now, OpenQuestion, RevisionForesight
from alembic_neo4j.checks.plan import (
    NOT_ASKED,
    Condition,
    Refusal,
    RevisionPlan,
    RunPlan,
    UnitPlan,
    planned_units,
)
from alembic_neo4j.checks.preflight import Obstacle
from alembic_neo4j.command.evidence import reached
from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.command.upgrade import targets_of
from alembic_neo4j.errors import (
    ConnectionFailed,
    Neo4jMigrationError,
    StatementError,
)
from alembic_neo4j.graph.connection import Graph, ServerRefused
from alembic_neo4j.graph.stamp import read_stamp
from alembic_neo4j.ledger.journal import OpenRun, Unit
from alembic_neo4j.migration.declarations import version_range
from alembic_neo4j.migration.file_units import (
    Preview,
    check_unchanged,
    previewed,
)
from alembic_neo4j.migration.order import by_priority, contradictions
from alembic_neo4j.migration.plan import (
    LedgerState,
    PlannedStep,
    check_capabilities,
    check_files,
    check_open_run,
    check_placeholders,
    check_stamp,
    is_relative,
    plan,
)
from alembic_neo4j.migration.preflight import find_obstacles, foreseen, taken_away
from alembic_neo4j.migration.revision_code import load_revisions
from alembic_neo4j.migration.session import Session, visible_holder


@dataclass(frozen=True)
class _Prepared:
    """A plan that has been replayed, and what the ledger says of where it begins."""

    heads: tuple[str, ...]
    recorded: LedgerState
    planned: Sequence[PlannedStep]
    run: Sequence[RevisionForesight]
    preview: Preview


def read_plan(
    config: Config, target: str, *, down: bool = False, ask: bool = True
) -> RunPlan:
    """Return what the run up to a target, or with `down` back to it, would do.

    Nothing is written and nothing waited for. Without `ask` the graph is left alone.
    Raises CommandError for a target that is none, IrreversibleError and ReplayError.
    """
    return in_session(config, lambda session: _planned(session, target, down, ask))


def read_plan_of_type(config: Config, kind: str, *, ask: bool = True) -> RunPlan:
    """Return what `upgrade_type` would do; see `read_plan`, and what that raises."""
    return in_session(
        config, lambda session: _planned(session, targets_of(session, kind), False, ask)
    )


def _planned(
    session: Session, target: str | tuple[str, ...], down: bool, ask: bool
) -> RunPlan:
    load_revisions(session.script)
    heads, recorded = session.heads(), session.recorded()
    steps = by_priority(_steps(session, target, heads, down), lambda: recorded.open_run)
    planned = plan(steps, heads, session.history, session.passed_over(recorded))
    if recorded.open_run and isinstance(target, str) and is_relative(target):
        # It counts from where the open run began, which is all that would run.
        planned = planned[: len(recorded.open_run.steps)]
    preview = previewed(
        *(planned, session.history, session.journal.files, session.files),
        open_run=recorded.open_run,
    )
    prepared = _Prepared(
        *(heads, recorded, planned),
        foreseen(preview.steps, rules=session.options.checks_rules),
        preview,
    )
    found = _from_files(session, prepared)
    if not ask:
        return _counted(found, _unasked)
    unchecked: list[UncheckedArea] = []
    answered = reached("graph", lambda: _asked(session, prepared, found), unchecked)
    return answered or replace(_counted(found, _unasked), unchecked=tuple(unchecked))


def _from_files(session: Session, prepared: _Prepared) -> RunPlan:
    """Return what files and ledger tell of the plan."""
    recorded, planned = prepared.recorded, prepared.planned
    refusals = _refused(
        (
            "open-run",
            lambda: check_open_run(recorded.open_run, planned, prepared.heads),
        ),
        ("unfinished", lambda: check_placeholders(planned)),
        ("files", lambda: check_files(session.script, recorded.applied)),
        ("unfit-files", prepared.preview.check),
        ("changed-files", lambda: _check_unchanged(session, prepared)),
    )
    refused = any(refusal.code == "open-run" for refusal in refusals)
    resumed = None if refused else recorded.open_run
    revisions = _revisions(session, prepared, resumed, {})
    contradicting = contradictions([item.step for item in planned])
    return RunPlan(
        *(prepared.heads, tuple(revisions), resumed, tuple(refusals)),
        warnings=(*contradicting, *prepared.preview.conditional),
    )


def _check_unchanged(session: Session, prepared: _Prepared) -> None:
    if any(item.step.is_downgrade for item in prepared.planned):
        check_unchanged(
            *(prepared.planned, session.journal.files, session.files),
            resumed=prepared.recorded.open_run is not None,
        )


def _asked(session: Session, prepared: _Prepared, found: RunPlan) -> RunPlan:
    """Return the plan with what the graph tells of it."""
    graph, holder = session.graph, visible_holder(session)
    carried = taken_away(graph, prepared.run)
    obstacles: list[Obstacle] = []
    not_known: list[OpenQuestion] = []
    if prepared.recorded.open_run is None:
        # What an open run has begun is no hindrance to itself.
        obstacles, not_known = find_obstacles(graph, prepared.run, carried)
    revisions = _revisions(session, prepared, found.open_run, carried)
    found = replace(found, revisions=tuple(revisions))
    checks = [
        ("capability", lambda: check_capabilities(prepared.planned, graph.server)),
    ]
    if holder is None:
        # While another command writes, ledger and graph may seem not to fit.
        stamp = read_stamp(graph)
        checks.append(
            ("stamp", lambda: check_stamp(stamp, prepared.recorded, prepared.heads))
        )
    return replace(
        _counted(found, lambda unit: _count(graph, unit)),
        refusals=(*found.refusals, *_refused(*checks)),
        obstacles=tuple(obstacles),
        not_known=tuple(not_known),
        server=graph.server,
        holder=holder,
    )


def _refused(*checks: tuple[str, Callable[[], None]]) -> list[Refusal]:
    refusals = []
    for code, check in checks:
        try:
            check()
        except (ConnectionFailed, StatementError):
            raise
        except Neo4jMigrationError as error:
            refusals.append(Refusal(code, str(error)))
    return refusals


def _steps(
    session: Session, target: str | tuple[str, ...], heads: tuple[str, ...], down: bool
) -> Sequence[RevisionStep | StampStep]:
    # What Alembic's own upgrade and downgrade call, with its heads as they do.
    to: Any = target
    current: Any = heads
    if down:
        return session.script._downgrade_revs(to, current)
    return session.script._upgrade_revs(to, current) if to else []


# What the revisions do ---------------------------------------------------------------


def _revisions(
    session: Session,
    prepared: _Prepared,
    open_run: OpenRun | None,
    carried: Carried,
) -> Iterator[RevisionPlan]:
    begun = {step.revision for step in open_run.steps} if open_run else set()
    recorded = session.journal.units(open_run.run) if open_run else ()
    now = Now()
    for item, seen in zip(prepared.planned, prepared.run, strict=True):
        revision = item.script.revision
        begun_units = _units_of(revision, recorded)
        units, now = planned_units(seen, now, begun_units, carried)
        yield RevisionPlan(
            revision,
            item.script.doc,
            item.run_step.action,
            str(item.step),
            item.script.path,
            getattr(item.script.module, "rollback_safe", True),
            revision in begun,
            units,
            _condition(session, item),
        )


def _condition(session: Session, item: PlannedStep) -> Condition:
    versions = str(version_range(item.script)) if item.step.is_upgrade else ""
    known = session.options.app_version is not None
    return Condition(versions, known, item.passed_over, item.asks)


def _units_of(revision: str, recorded: Sequence[Unit]) -> list[Unit]:
    return [unit for unit in recorded if unit.revision == revision]


# How much a batched change would change ----------------------------------------------


def _counted(plan: RunPlan, count: Callable[[UnitPlan], UnitPlan]) -> RunPlan:
    revisions = [
        replace(revision, units=tuple(map(count, revision.units)))
        for revision in plan.revisions
    ]
    return replace(plan, revisions=tuple(revisions))


def _count(graph: Graph, unit: UnitPlan) -> UnitPlan:
    if unit.batched is None or unit.unknown:
        return unit
    try:
        (row,) = graph.read(unit.batched.count, unit.batched.parameters)
    except ServerRefused as error:
        return replace(unit, unknown=f"since the server can't tell: {error}")
    return replace(unit, count=row["count"])


def _unasked(unit: UnitPlan) -> UnitPlan:
    if unit.batched is None or unit.unknown:
        return unit
    return replace(unit, unknown=NOT_ASKED)

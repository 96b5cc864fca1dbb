"""Judging a run that has not ended: how far it is, and what it left in the graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from alembic_neo4j import __version__
from alembic_neo4j.checks.evidence import HistoryEvidence, LedgerEvidence
from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.cypher.batch_rollback import rollback_command
from alembic_neo4j.cypher.lexer import Kind
from alembic_neo4j.cypher.stamp import Stamp
from alembic_neo4j.identity import FORMAT
from alembic_neo4j.ledger.journal import (
    DONE,
    LOADING,
    TAKING_BACK,
    OpenRun,
    RunStep,
    Unit,
)


def judge_run(
    ledger: LedgerEvidence, history: HistoryEvidence, holder: str | None
) -> Iterator[Finding]:
    """Yield what an open run is, and whether somebody is at it."""
    run = ledger.open_run
    if holder is not None:
        yield Finding(
            "run-active",
            "the lock",
            "nobody who writes meanwhile",
            f"held by {holder}",
            "What was found here may be half done; look again when that has ended.",
        )
    elif run is not None and run.steps:
        yield Finding(
            "run-open",
            f"the run of {_when(run)} by {run.begun_by}",
            "it has ended",
            shown_run(run, ledger.units),
            _ways_on(run, ledger, history),
            "end the run as it is; what it has done stays",
            decision=True,
        )
        for unit in unsettled(ledger.units, run):
            yield Finding(
                "unit-unknown",
                shown_unit(unit, run),
                "it is known whether its statement had its effect",
                "it was begun, and its end is not recorded",
                "Look in the graph, then say `alembic-neo4j repair --unit-done` or, "
                "when nothing of it is there, `--unit-undone`. A statement that is "
                "marked repeatable=True is run again without that, and an index or a "
                "constraint is looked up when the run goes on.",
                "settle it as --unit-done or --unit-undone says",
                decision=True,
                revision=run.steps[0].revision or "",
            )


def judge_markers(
    markers: Sequence[str],
    ledger: LedgerEvidence,
    stamp: Stamp | None,
    holder: str | None,
) -> Iterator[Finding]:
    """Yield markers in this ledger's graph that no open run needs."""
    if stamp is None or stamp.ledger is None or stamp.ledger != ledger.identity:
        # They may be needed by a run that another ledger knows of.
        return
    kept = ledger.open_run.run if ledger.open_run else None
    left = [run for run in markers if run != kept]
    if left and holder is None:
        yield Finding(
            "marker-left",
            "the graph",
            "no markers of runs that have ended",
            f"{len(left)}: {', '.join(sorted(left)[:5])}",
            "They are garbage.",
            "remove them",
        )


def way_back(heads: Iterable[str]) -> str:
    """Return the command that takes back what has run of an upgrade that stopped."""
    return f"alembic -c neo4j.ini downgrade {min(heads, default='base')}"


def shown_release(release: str | None) -> str:
    """Return the release that recorded something, as messages name it."""
    if release is None:
        return "an earlier release of alembic-neo4j"
    return f"alembic-neo4j {release}"


def of_another_release(run: OpenRun, heads: Iterable[str]) -> str:
    """Return what to say of an open run that this release does not know again."""
    step, with_it, back = run.steps[0], "with that release", ""
    if run.release is not None:
        with_it += f" (`pip install alembic-neo4j=={run.release}`)"
    if step.action == LOADING:
        back = f" Or take it back: `{rollback_command(step.subject)}`."
    elif step.action in ("upgrade", TAKING_BACK):
        back = f" Or take back what has run of it, with that one: `{way_back(heads)}`."
    return (
        f"{step} was begun at {_when(run)} by {run.begun_by} with "
        f"{shown_release(run.release)}, and is not finished. This is alembic-neo4j "
        f"{__version__}, which records what has run in another way (format {FORMAT}, "
        f"not {run.format}) and can't tell how far it is; nothing has run. Go on with "
        f"it {with_it}: the same command again.{back} Or undo by hand what it did, and "
        "end it: `alembic-neo4j repair --abandon-run`, or say which revision the graph "
        "is at: `alembic -c neo4j.ini stamp REVISION`"
    )


def _ways_on(run: OpenRun, ledger: LedgerEvidence, history: HistoryEvidence) -> str:
    if not run.is_known_again:
        told = of_another_release(run, ledger.heads)
        return f"{told[0].upper()}{told[1:]}."
    return (
        f"Run it again: `{again(run.steps, history, ledger.heads)}` goes on where "
        f"it stopped. {_back(run, ledger)}To end it as it is: `alembic-neo4j "
        "repair --abandon-run`."
    )


def _back(run: OpenRun, ledger: LedgerEvidence) -> str:
    if run.steps[0].action != "upgrade":
        return ""
    return (
        "To write the revision anew, take back what has run of it while its file is as "
        f"it was: `{way_back(ledger.heads)}`. "
    )


def again(
    steps: Sequence[RunStep], history: HistoryEvidence, heads: Iterable[str]
) -> str:
    """Return the command that goes on with a run."""
    last = steps[-1]
    if last.action == TAKING_BACK:
        return way_back(heads)
    if last.revision is None:
        return last.command
    if last.action == "upgrade":
        return f"alembic -c neo4j.ini upgrade {last.revision}"
    file = history.files.get(last.revision)
    down = file.down if file else ()
    return f"alembic -c neo4j.ini downgrade {down[0] if len(down) == 1 else 'base'}"


def unsettled(units: Iterable[Unit], run: OpenRun) -> list[Unit]:
    """Return the units of the run's revision whose end a person may have to tell.

    Auto-commit statements may have run in part; schema commands are looked up when the
    run goes on, as far as they can be read.
    """
    return [
        unit
        for unit in units
        if unit.revision == run.steps[0].subject
        and unit.kind in (Kind.AUTOCOMMIT.value, Kind.SCHEMA.value)
        and unit.state != DONE
    ]


def shown_run(run: OpenRun, units: Iterable[Unit]) -> str:
    """Return how far a run has got, in words."""
    first, *others = run.steps
    of_first = [unit for unit in units if unit.revision == first.subject]
    done = "; ".join(f"unit {u.position} ({u.kind}) {u.state}" for u in of_first)
    later = ", ".join(step.subject for step in others)
    return (
        f"{_about(first)}: {done or 'no unit begun'}"
        f"{f'; then {later}' if later else ''}"
    )


def _about(step: RunStep) -> str:
    return f"{step.action} of {step.subject}" if step.subject else step.action


def shown_unit(unit: Unit, run: OpenRun) -> str:
    """Return a unit of an open run as messages name it."""
    return f"unit {unit.position} ({unit.kind}) of {run.steps[0]}"


def _when(run: OpenRun) -> str:
    return f"{run.begun_at:%Y-%m-%d %H:%M}"

"""``alembic-neo4j status``: where files, ledger and graph are, on one screen."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.checks.evidence import HistoryEvidence
from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.checks.history import shown_heads
from alembic_neo4j.checks.runs import again
from alembic_neo4j.checks.status import Status, file_state, may_upgrade, shown_state
from alembic_neo4j.cli.findings import count_severities, finding_row, print_findings
from alembic_neo4j.cli.ingest_batches import batch_row, created
from alembic_neo4j.cli.project import format_option, print_json, project_options
from alembic_neo4j.ledger.journal import DONE, OpenRun, Unit
from alembic_neo4j.ledger.store import AppliedRevision
from alembic_neo4j.schema.definitions import counted

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.checks.findings import Finding
    from alembic_neo4j.checks.status import HistoryEntry, Status
    from alembic_neo4j.command.status import Entries


# What a status shows: its rows for a person, and its object for a program -------------


SHOWN_REVISIONS, SHOWN_APPLIED, SHOWN_BATCHES = 10, 5, 3
"""How many pending and applied revisions and batches are listed for a person."""


def status_report(status: Status, findings: tuple[Finding, ...]) -> dict[str, Any]:
    """Return the status for JSON: every key is there, whatever was found."""
    ledger, history = status.evidence.ledger, status.evidence.history
    return {
        "graph": _graph(status),
        "ledger": {
            "url": status.ledger_url,
            "exists": status.ledger_exists,
            "heads": sorted(ledger.heads) if ledger else None,
        },
        "history": {
            "heads": sorted(history.heads),
            "pending": [
                {"revision": revision, "message": status.messages[revision]}
                for revision in history.pending
            ],
        },
        "applied": [applied_row(record, history) for record in status.applied],
        "batches": [batch_row(record) for record in status.batches],
        "run": _run(status),
        "lock": {"holder": status.holder} if status.holder else None,
        "unchecked": [
            {"area": part.area, "reason": part.reason}
            for part in status.evidence.unchecked
        ],
        "counts": count_severities(findings),
        "findings": [finding_row(finding) for finding in findings],
    }


def _graph(status: Status) -> dict[str, Any]:
    graph = status.evidence.graph
    if graph is None:
        unknown = ("database", "version", "edition", "stamp", "indexes")
        return {"url": status.graph_url, **dict.fromkeys(unknown)}
    return {
        "url": status.graph_url,
        "database": status.database,
        "version": ".".join(map(str, graph.server.version)),
        "edition": graph.server.edition,
        "stamp": sorted(graph.stamp.heads) if graph.stamp else None,
        "indexes": [
            {
                "name": name,
                "state": state.state,
                "population": state.population,
                "message": state.failure_message,
            }
            for name, state in status.offline_indexes.items()
        ],
    }


def _run(status: Status) -> dict[str, Any] | None:
    run = status.open_run
    if run is None:
        return None
    first, *others = run.steps
    unit = _last_unit(status, first.subject)
    return {
        "action": first.action,
        "subject": first.subject,
        "revision": first.revision,
        "then": [step.subject for step in others],
        "unit": unit
        and {"position": unit.position, "kind": unit.kind, "state": unit.state},
        "begun_at": begun(run).isoformat(),
        "begun_by": run.begun_by,
    }


def applied_row(record: AppliedRevision, history: HistoryEvidence) -> dict[str, Any]:
    """Return an applied revision for JSON."""
    said = record.said
    return {
        "revision": record.revision,
        "applied_at": in_utc(record.applied_at).isoformat(),
        "applied_by": record.applied_by,
        "seconds": record.seconds,
        "file": file_state(record, history),
        "skipped": bool(record.skipped),
        "result": said and asdict(said),
    }


def status_rows(
    status: Status, findings: Sequence[Finding]
) -> Iterator[tuple[str, str]]:
    """Yield the lines for a person, each with the title of its row."""
    ledger, graph = status.evidence.ledger, status.evidence.graph
    yield "Graph", _graph_in_words(status)
    if graph is not None:
        yield "Server", str(graph.server)
    where = "not there yet" if not status.ledger_exists else "can't be read"
    if ledger is not None and status.ledger_exists:
        where = f"at {shown_heads(ledger.heads)}"
    yield "Ledger", f"{status.ledger_url}, {where}"
    yield "History", f"{shown_heads(status.evidence.history.heads)} (head)"
    yield from (("Applied", line) for line in _applied(status))
    yield from (("Pending", line) for line in _pending(status, findings))
    yield from (("Run", line) for line in _open_run(status))
    yield from (("Batches", line) for line in _batches(status))
    if status.holder:
        yield "Lock", f"held by {status.holder}"
    for name, state in status.offline_indexes.items():
        yield "Index", f"{name}: {shown_state(state)}"


def _graph_in_words(status: Status) -> str:
    graph = status.evidence.graph
    if graph is None:
        return f"{status.graph_url}, not reached"
    stamp = f"stamped {shown_heads(graph.stamp.heads)}" if graph.stamp else "no stamp"
    return f"{status.graph_url}, database {status.database}, {stamp}"


def _applied(status: Status) -> Iterator[str]:
    applied, history = status.applied, status.evidence.history
    if not applied:
        return
    last = f", the last {SHOWN_APPLIED}" if len(applied) > SHOWN_APPLIED else ""
    yield f"{counted(len(applied), 'revision')}{last}:"
    for record in applied[:SHOWN_APPLIED]:
        message = status.messages.get(record.revision, "")
        yield f"  {record.revision}  {message}: {applied_in_words(record, history)}"


def applied_in_words(record: AppliedRevision, history: HistoryEvidence) -> str:
    """Return when, by whom and in which time, and what became of the file since."""
    took = "" if record.seconds is None else f", took {record.seconds:.2f}s"
    when = f"{in_utc(record.applied_at):%Y-%m-%d %H:%M} UTC by {record.applied_by}"
    state = file_state(record, history)
    return f"{when}{took}, file {state}"


def _batches(status: Status) -> Iterator[str]:
    batches = [*reversed(status.batches)]
    if not batches:
        return
    last = f", the last {SHOWN_BATCHES}" if len(batches) > SHOWN_BATCHES else ""
    yield f"{len(batches):,}{last}:"
    for record in batches[:SHOWN_BATCHES]:
        when = f"{in_utc(record.begun_at):%Y-%m-%d %H:%M} UTC by {record.begun_by}"
        yield f"  {record.batch}  {record.state}, {created(record)}, {when}"


def _pending(status: Status, findings: Sequence[Finding]) -> Iterator[str]:
    pending = status.evidence.history.pending
    if not pending:
        return
    if may_upgrade(status, findings):
        told = "for `alembic -c neo4j.ini upgrade head`"
    elif status.open_run is not None:
        told = "after the run below"
    elif len(status.evidence.history.heads) > 1:
        told = "for `alembic -c neo4j.ini upgrade heads`, or a branch of them"
    else:
        told = "once what is wrong below is mended"
    yield f"{counted(len(pending), 'revision')}, {told}:"
    for revision in pending[:SHOWN_REVISIONS]:
        yield f"  {revision}  {status.messages[revision]}"
    if len(pending) > SHOWN_REVISIONS:
        yield f"  and {len(pending) - SHOWN_REVISIONS} more"


def _open_run(status: Status) -> Iterator[str]:
    run = status.open_run
    if run is None:
        return
    first, *others = run.steps
    then = f"; then {', '.join(step.subject for step in others)}" if others else ""
    when = f"{begun(run):%Y-%m-%d %H:%M} UTC"
    yield f"{first}, begun {when} by {run.begun_by}{then}"
    unit = _last_unit(status, first.subject)
    yield f"  {_progress(unit) if unit else 'nothing of it was begun'}"
    if not status.holder:
        ledger = status.evidence.ledger
        heads = ledger.heads if ledger else ()
        yield f"  `{again(run.steps, status.evidence.history, heads)}` goes on with it"


def _progress(unit: Unit) -> str:
    state = "done" if unit.state == DONE else "begun, and not known to be done"
    return f"unit {unit.position} ({unit.kind}) is {state}"


def _last_unit(status: Status, subject: str) -> Unit | None:
    ledger = status.evidence.ledger
    units = [u for u in ledger.units if u.revision == subject] if ledger else []
    return units[-1] if units else None


def begun(run: OpenRun) -> datetime:
    """Return when a run was begun, in UTC."""
    return in_utc(run.begun_at)


def in_utc(moment: datetime) -> datetime:
    """Return a moment of the ledger in UTC."""
    # SQLite keeps no time zone.
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)


# What was done, a step of it in each entry --------------------------------------------


def _said(entry: HistoryEntry) -> Iterator[str]:
    """Yield what a revision said of itself, or what went wrong."""
    if entry.error is not None:
        yield entry.error
    result = entry.applied.said if entry.applied else None
    if result is None:
        return
    if result.message:
        yield result.message
    yield from (f"changed: {change}" for change in result.changes)
    yield from (f"warning: {warning}" for warning in result.warnings)


def entry_lines(shown: Sequence[HistoryEntry], found: Entries) -> Iterator[str]:
    """Yield the lines of some entries for a person."""
    for entry in shown:
        message = found.said.get(entry.revision or "", "")
        details = [f"{in_utc(entry.at):%Y-%m-%d %H:%M} UTC by {entry.by}"]
        if entry.applied is not None and entry.applied.seconds is not None:
            details.append(f"took {entry.applied.seconds:.2f}s")
        if entry.applied is not None:
            details.append(f"file {file_state(entry.applied, found.files)}")
        yield (
            f"{entry.state:<7} {entry.action} {entry.subject}"
            f"{f'  {message}' if message else ''}: {', '.join(details)}"
        )
        yield from (f"{'':8}{line}" for line in _said(entry))


# ``alembic-neo4j status``: where files, ledger and graph are, on one screen -----------


_IN_ROWS = {"pending", "run-open", "run-active", "index-failed", "index-populating"}
"""The findings that have a row of their own above the others."""


@click.command()
@project_options
@click.option(
    "--verbose",
    "-v",
    is_flag=True,
    help="All that was done as well, as `history` shows it; JSON is the same.",
)
@format_option
def status(config: Config, verbose: bool, as_json: bool) -> None:
    """Tell where files, ledger and graph are, and what is still to be run.

    It writes nothing and waits for nobody. Exit status 0 where all is at its head and
    fits, 1 where revisions are pending, a run has not ended or something does not fit,
    2 where the graph or the ledger could not be read; the rest is shown all the same.
    """
    from alembic_neo4j.checks.findings import fails
    from alembic_neo4j.checks.status import judge_status
    from alembic_neo4j.command.status import read_status

    found = read_status(config)
    findings = judge_status(found)
    if as_json:
        print_json(status_report(found, findings))
    else:
        _print(found, findings)
        if verbose:
            _print_history(config)
    if found.evidence.unchecked:
        sys.exit(2)
    sys.exit(1 if fails(findings) else 0)


def _print(status: Status, findings: tuple[Finding, ...]) -> None:
    before = ""
    for title, text in status_rows(status, findings):
        click.echo(f"{title if title != before else '':<9}{text}")
        before = title
    print_findings([f for f in findings if f.code not in _IN_ROWS])
    for part in status.evidence.unchecked:
        click.echo(f"Not checked: {part.area}: {part.reason}")
    if not findings and not status.evidence.unchecked:
        click.echo("Nothing is pending.")


def _print_history(config: Config) -> None:
    from alembic_neo4j.command.status import read_entries

    done = read_entries(config)
    for line in entry_lines(done.entries, done):
        click.echo(line)

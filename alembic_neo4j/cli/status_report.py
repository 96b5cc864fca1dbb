"""What a status shows: its rows for a person, and its object for a program."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.checks.records import shown_heads
from alembic_neo4j.checks.runs import again
from alembic_neo4j.checks.status import Status, shown_state
from alembic_neo4j.cli.findings import count_severities, finding_row
from alembic_neo4j.ledger.journal import DONE, OpenRun, Unit

SHOWN_REVISIONS = 10
"""How many pending revisions are listed for a person."""


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
                {"revision": revision, "message": message}
                for revision, message in status.messages.items()
            ],
        },
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


def status_rows(status: Status) -> Iterator[tuple[str, str]]:
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
    yield from (("Pending", line) for line in _pending(status))
    yield from (("Run", line) for line in _open_run(status))
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


def _pending(status: Status) -> Iterator[str]:
    pending = list(status.messages.items())
    if not pending:
        return
    number = f"{len(pending)} revision{'s' if len(pending) > 1 else ''}"
    yield f"{number}, for `alembic -c neo4j.ini upgrade head`:"
    for revision, message in pending[:SHOWN_REVISIONS]:
        yield f"  {revision}  {message}"
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
        yield f"  `{again(run.steps, status.evidence.history)}` goes on with it"


def _progress(unit: Unit) -> str:
    state = "done" if unit.state == DONE else "begun, and not known to be done"
    return f"unit {unit.position} ({unit.kind}) is {state}"


def _last_unit(status: Status, subject: str) -> Unit | None:
    ledger = status.evidence.ledger
    units = [u for u in ledger.units if u.revision == subject] if ledger else []
    return units[-1] if units else None


def begun(run: OpenRun) -> datetime:
    """Return when a run was begun, in UTC."""
    # SQLite keeps no time zone.
    if run.begun_at.tzinfo is None:
        return run.begun_at.replace(tzinfo=timezone.utc)
    return run.begun_at.astimezone(timezone.utc)

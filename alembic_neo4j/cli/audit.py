"""``alembic-neo4j audit``: who did what to the graph, and whether that is all of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.project import (
    format_option,
    optional_project_options,
    print_json,
    project_options,
)
from alembic_neo4j.schema.definitions import counted

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.command.audit import Verified
    from alembic_neo4j.ledger.audit import AuditEvent, ChainEnd

_RESULTS = ["BEGUN", "SUCCESS", "FAILED", "PARTIAL", "BROKEN"]


@click.group()
def audit() -> None:
    """Who did what to the graph: an append-only trail in the ledger.

    Each event has the hash of the one before it, and the graph knows one of the last,
    so that whatever is changed, removed or cut off is found.
    """


@audit.command("list")
@project_options
@click.option("--limit", type=click.IntRange(min=1), help="Not more than these.")
@click.option("--actor", help="Only what this one did.")
@click.option("--action", help="Only upgrade, downgrade, stamp, or a verb such as run.")
@click.option("--result", type=click.Choice(_RESULTS), help="Only what ended so.")
@format_option
def list_events(
    config: Config,
    limit: int | None,
    actor: str | None,
    action: str | None,
    result: str | None,
    as_json: bool,
) -> None:
    """List the events, the last of them first; it reads the ledger alone."""
    from alembic_neo4j.command.audit import Chosen, read_events

    found = read_events(config, Chosen(limit, actor, action, result))
    if as_json:
        print_json({"events": [event.as_json() for event in found]})
        return
    for event in found:
        click.echo(_described(event))
    if not found:
        click.echo("There is nothing of that.")


@audit.command()
@optional_project_options
@click.option(
    "--file",
    "export",
    type=click.Path(path_type=Path),
    help="An export, by itself, in place of the ledger.",
)
@click.option(
    "--ledger-only", is_flag=True, help="Do not compare with the graph's stamp."
)
@format_option
def verify(
    config: Config, export: Path | None, ledger_only: bool, as_json: bool
) -> None:
    """Recompute the chain; exit status 1 where it does not fit.

    The first event that does not is named. That the graph names an event which the
    ledger lacks, or only an old one, tells of a tail that was cut off, and of a ledger
    or a graph that was restored.
    """
    from alembic_neo4j.command.audit import verify_export, verify_trail

    if export is not None:
        verified = verify_export(export)
    else:
        verified = verify_trail(config, asks_graph=not ledger_only)
    if as_json:
        print_json(_row(verified))
    else:
        _print(verified)
    if verified.verdict.broken is not None:
        sys.exit(1)
    sys.exit(2 if verified.unchecked else 0)


@audit.command("export")
@project_options
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file, in place of standard output.",
)
def export_events(config: Config, output: Path | None) -> None:
    """Write all events in order as JSON Lines, with all that the chain is made of."""
    from alembic_neo4j.command.audit import export_trail

    count, end = export_trail(config, output or sys.stdout)
    click.echo(f"{counted(count, 'event')} written.", err=True)
    _tell_end(end, err=True)


def _described(event: AuditEvent) -> str:
    about = event.as_json()["about"]
    what = " ".join(map(str, about)) if isinstance(about, list) else ascii(about)
    details = [
        f"{event.recorded_at[:16].replace('T', ' ')} UTC by {event.actor}@{event.host}"
    ]
    if event.closes is not None:
        details.append(f"begun by {event.closes}")
    if event.became is not None:
        details.append(event.became)
    if event.seconds is not None:
        details.append(f"took {event.seconds:.2f}s")
    details += [f"{name} {count:,}" for name, count in _total(event).items()]
    subject = f" {what}" if what else ""
    line = f"{event.sequence} {event.result} {event.action}{subject}"
    error = f"\n    {event.error}" if event.error else ""
    return f"{line}: {', '.join(details)}{error}"


def _total(event: AuditEvent) -> dict[str, int]:
    counts = event.as_json()["counts"]
    total = counts.get("total", {}) if isinstance(counts, dict) else {}
    return {name.replace("_", " "): count for name, count in total.items()}


def _print(verified: Verified) -> None:
    verdict, broken = verified.verdict, verified.verdict.broken
    if broken is not None:
        click.echo(f"event {broken.sequence} of the audit trail ({broken.code})")
        click.echo(f"    expected {broken.expected}")
        click.echo(f"    found {broken.found}")
        click.echo(
            f"{counted(verdict.events, 'event')} before it fit. See the how-to guide "
            "on the audit trail for what this may mean."
        )
    else:
        click.echo(f"{counted(verdict.events, 'event')}, nothing found.")
        _tell_end(verdict.end)
    for part in verified.unchecked:
        click.echo(f"Not compared with the {part.area}: {part.reason}", err=True)


def _tell_end(end: ChainEnd | None, *, err: bool = False) -> None:
    if end is not None:
        click.echo(f"The last is {end.sequence}, with the hash {end.hash}", err=err)


def _row(verified: Verified) -> dict[str, Any]:
    verdict, broken = verified.verdict, verified.verdict.broken
    return {
        "events": verdict.events,
        "end": vars(verdict.end) if verdict.end else None,
        "broken": vars(broken) if broken else None,
        "unchecked": [
            {"area": part.area, "reason": part.reason} for part in verified.unchecked
        ],
    }

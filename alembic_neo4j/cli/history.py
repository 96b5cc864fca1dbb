"""``alembic-neo4j history``: all that was done to the graph, what failed as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.project import (
    format_option,
    print_json,
    project_options,
    type_option,
)

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.checks.status import HistoryEntry
    from alembic_neo4j.command.status import Entries


@click.command()
@project_options
@click.option("--revision", help="Only what was done to this revision.")
@click.option("--action", help="Only upgrade, downgrade, stamp, or a verb such as run.")
@click.option(
    "--state",
    type=click.Choice(["done", "skipped", "failed", "open"]),
    help="Only what was done, passed over, given up, or has not ended.",
)
@type_option
@click.option("--limit", type=click.IntRange(min=1), help="Not more than these.")
@format_option
def history(
    config: Config,
    revision: str | None,
    action: str | None,
    state: str | None,
    kind: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Show what was done to the graph, the last of it first: by whom, when, how long.

    It is the long form of `alembic-neo4j status`, and reads the ledger alone; what
    failed is in it as well, with its error. The last ones that fit the other options
    are what --limit counts. Alembic's `history` lists the files instead.
    """
    from alembic_neo4j.command.status import read_entries

    found = read_entries(config)
    fitting = [
        entry
        for entry in found.entries
        if revision in (None, entry.revision)
        and action in (None, entry.action)
        and state in (None, entry.state)
        and kind in (None, _type(entry, found))
    ]
    shown = fitting[:limit]
    if as_json:
        rows = [_row(entry, found) for entry in shown]
        print_json({"last_version": found.last, "entries": rows, "of": len(fitting)})
    else:
        from alembic_neo4j.cli.status import entry_lines

        for line in entry_lines(shown, found):
            click.echo(line)
        if not shown:
            click.echo("There is nothing of that.")
        elif len(shown) < len(fitting):
            click.echo(f"and {len(fitting) - len(shown):,} earlier")


def _type(entry: HistoryEntry, found: Entries) -> str | None:
    """Return what a revision is about, as it was when it was applied."""
    recorded = entry.applied and entry.applied.migration_type
    return recorded or found.types.get(entry.revision or "")


def _row(entry: HistoryEntry, found: Entries) -> dict[str, Any]:
    from alembic_neo4j.cli.status import applied_row, in_utc

    applied = applied_row(entry.applied, found.files) if entry.applied else None
    if applied is not None:
        del applied["revision"]
    said = entry.applied.said if entry.applied else None
    name = found.said.get(entry.revision or "")
    return {
        "name": name or f"{entry.action} {entry.subject}",
        "version": entry.revision,
        "migration_type": _type(entry, found),
        "timestamp": in_utc(entry.at).isoformat(),
        "success": _SUCCESS[entry.state],
        "message": (said and said.message) or entry.error or name,
        "changes": list(said.changes) if said else [],
        "warnings": list(said.warnings) if said else [],
        "action": entry.action,
        "subject": entry.subject,
        "type": _type(entry, found),
        "state": entry.state,
        "at": in_utc(entry.at).isoformat(),
        "by": entry.by,
        "applied": applied,
    }


_SUCCESS = {"done": True, "skipped": True, "failed": False, "open": None}

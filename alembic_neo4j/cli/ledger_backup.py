"""``alembic-neo4j ledger backup``: backups of the ledger, and putting one back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.progress import size
from alembic_neo4j.cli.project import (
    format_option,
    lock_timeout_option,
    print_json,
    project_options,
)

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.entities.backup import Backup


@click.group()
def backup() -> None:
    """Backups of a ledger that is a SQLite file: made, listed, verified, put back.

    They are in a directory beside the ledger, neo4j_ledger.db.backups. For a ledger in
    PostgreSQL use pg_dump and pg_restore.
    """


def _directory_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--directory",
        type=click.Path(file_okay=False, path_type=Path),
        help="Another directory of backups.",
    )(command)


@backup.command()
@project_options
@_directory_option
@format_option
def create(config: Config, directory: Path | None, as_json: bool) -> None:
    """Make a backup of the ledger; nobody has to stop for it.

    It is the ledger at one moment, checked, and a SQLite file that every tool opens.
    """
    from alembic_neo4j.command import ledger_backup

    path = ledger_backup.create(config, directory)
    if as_json:
        print_json({"path": str(path), "bytes": path.stat().st_size})
    else:
        click.echo(path)


@backup.command("list")
@project_options
@_directory_option
@format_option
def list_backups(config: Config, directory: Path | None, as_json: bool) -> None:
    """List the backups, the oldest first."""
    from alembic_neo4j.command import ledger_backup

    found = ledger_backup.listed(config, directory)
    if as_json:
        print_json({"backups": [_row(one) for one in found]})
        return
    for one in found:
        moment = f"{one.timestamp:%Y-%m-%d %H:%M:%S} UTC"
        click.echo(f"{moment}\t{size(one.size)}\t{one.path}")
    if not found:
        click.echo("There is no backup yet: alembic-neo4j ledger backup create")


def _row(one: Backup) -> dict[str, Any]:
    moment = one.timestamp.isoformat()
    return {"path": str(one.path), "timestamp": moment, "bytes": one.size}


@backup.command()
@click.argument("backups", nargs=-1, type=click.Path(path_type=Path))
@project_options
@_directory_option
@format_option
def verify(
    config: Config, backups: tuple[Path, ...], directory: Path | None, as_json: bool
) -> None:
    """Read all backups, or those named, to the last bit; exit status 1 for damage."""
    from alembic_neo4j.command import ledger_backup

    found = ledger_backup.verified(config, directory, backups)
    damaged = [one for one in found if one.problem is not None]
    if as_json:
        rows = [{"path": str(one.path), "problem": one.problem} for one in found]
        print_json({"backups": rows})
    else:
        for one in damaged:
            click.echo(one.problem)
        click.echo(f"{len(found)} backups, {len(damaged)} damaged")
    sys.exit(1 if damaged else 0)


@backup.command()
@click.argument("backup", type=click.Path(path_type=Path))
@project_options
@lock_timeout_option
@click.option("--force", is_flag=True, help="Replace the ledger; it is kept beside.")
@format_option
def restore(config: Config, backup: Path, force: bool, as_json: bool) -> None:
    """Make the ledger be that of BACKUP, which is checked before anything is touched.

    A ledger that is there is replaced only with --force, and kept under another name.
    What was recorded since the backup is gone from the ledger, and is in the graph: the
    next command compares the graph's stamp with the ledger, and refuses to run where
    they do not fit; `alembic-neo4j verify` tells what to do then.
    """
    from alembic_neo4j.command import ledger_backup

    done = ledger_backup.restore(config, backup, force=force)
    path, kept = done.restored.path, done.restored.kept
    if as_json:
        print_json(
            {
                "path": str(path),
                "kept": str(kept) if kept else None,
                "heads": list(done.heads),
            }
        )
        return
    click.echo(f"Restored {path}, which is at {', '.join(done.heads) or 'base'}.")
    if kept is not None:
        click.echo(f"The ledger that was there is kept as {kept}.")
    click.echo(
        "The graph was not looked at: the next command compares its stamp with this "
        "ledger, and refuses to run where they do not fit. See `alembic-neo4j verify`."
    )
